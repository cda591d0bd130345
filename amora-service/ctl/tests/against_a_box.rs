//! The program as a shell runs it, against a box that is only played.

use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::io::BufRead;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};

/// The commands that a played box was asked for.
type Asked = Arc<Mutex<Vec<(String, Value)>>>;

const CODE: &str = "K7QM-3XPW-9RTD";

fn state() -> Value {
    let mut state = amora_contract::State::default();
    state.system.name = "Kitchen".to_owned();
    state.system.id = "kitchen".to_owned();
    state
        .system
        .health
        .insert("audio".to_owned(), amora_contract::state::Health::default());
    state.audio = Some(amora_contract::state::AudioState::default());
    state.player = Some(amora_contract::state::PlayerState {
        state: amora_contract::state::PlaybackState::Pause,
        song: Some(amora_contract::state::Song {
            title: "Blue".to_owned(),
            artist: "Nina".to_owned(),
            duration: amora_contract::units::Seconds(60.0),
            ..Default::default()
        }),
        ..Default::default()
    });
    serde_json::to_value(state).unwrap()
}

/// The update section, while 1.1.0 is installed and after it.
fn update(phase: &str, percent: u8) -> Value {
    json!({
        "phase": phase, "version": "1.0.0", "slot": "a",
        "install": {
            "source": "upload", "version": "1.1.0", "slot": "b", "percent": percent, "received": 10, "part": "rootfs",
            "started_at": 0,
        },
    })
}

fn reply(name: &str) -> (StatusCode, Value) {
    let refused = |status, code, message| {
        (
            status,
            json!({"result": false, "error": {"code": code, "message": message}}),
        )
    };
    let done = |data| (StatusCode::OK, json!({"result": true, "data": data}));
    match name {
        "player.set_volume" => done(json!({"volume": 40, "mute": false})),
        "player.next" => refused(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "MPD is away"),
        "player.get_playlists" => {
            done(json!({"playlists": [{"name": "Party\u{1b}[31m", "modified": "2026-01-01T00:00:00Z"}]}))
        }
        "audio.test" => done(json!({
            "pass": false, "listened": true, "xruns": 0, "advice": "Check the right cable.",
            "channels": [
                {"channel": "left", "pass": true, "sent": -20.0, "heard": -40.0, "noise": -80.0, "frequency": 1000.0, "delay": 12},
                {"channel": "right", "pass": false, "sent": -20.0},
            ],
        })),
        "system.get_config" => done(json!({
            "config": {"audio": {"volume": 33, "device": "auto"}, "mqtt": {"password": "***"}},
            "origin": {"audio.volume": "/etc/amora/amora.toml:3"},
        })),
        "update.install" => done(update("checking", 0)),
        _ => done(json!({})),
    }
}

fn api(asked: Asked) -> Router {
    let allowed = |headers: &HeaderMap| {
        headers
            .get("authorization")
            .is_none_or(|value| value.to_str().is_ok_and(|text| text.ends_with(CODE)))
    };
    Router::new()
        .route("/api/commands/{name}", post(move |State(asked): State<Asked>, Path(name): Path<String>, headers: HeaderMap, Json(params): Json<Value>| async move {
            if !allowed(&headers) {
                return (StatusCode::UNAUTHORIZED, Json(json!({"result": false})));
            }
            let (status, body) = reply(&name);
            asked.lock().unwrap().push((name, params));
            (status, Json(body))
        }))
        .route("/api/update", post(|State(asked): State<Asked>, uri: axum::http::Uri, file: axum::body::Bytes| async move {
            let query = uri.query().unwrap_or_default().to_owned();
            asked.lock().unwrap().push(("/api/update".to_owned(), json!({"bytes": file.len(), "query": query})));
            match file.first() {
                Some(7) => (StatusCode::OK, Json(json!({"result": true, "data": update("installed", 100)}))),
                _ => {
                    let error = json!({"code": "invalid_parameter", "message": "the file is no update"});
                    (StatusCode::BAD_REQUEST, Json(json!({"result": false, "error": error})))
                }
            }
        }).layer(axum::extract::DefaultBodyLimit::disable()))
        .route("/api/state", get(|| async { Json(state()) }))
        .route("/health", get(|| async {
            let part = json!({"condition": "degraded", "cause": "MPD is away", "next_step": "start MPD", "since": 0});
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "degraded", "parts": {"player": part}})))
        }))
        .route("/api/socket", get(|upgrade: WebSocketUpgrade| async {
            upgrade.on_upgrade(|mut socket| async move {
                let mut scan = state();
                let mut send = async |value: Value| socket.send(Message::text(value.to_string())).await.unwrap();
                send(json!({"state": scan})).await;
                scan["player"]["library"]["updating"] = json!(true);
                send(json!({"state": {"revision": 2, "player": scan["player"], "update": update("installing", 40)}})).await;
                send(json!({"event": {"time": 1, "event": "audio.xrun", "data": {"count": 1}}})).await;
                scan["player"]["library"] = json!({"songs": 7, "artists": 2, "albums": 3, "updating": false, "scanned": 7, "updated_at": 0});
                send(json!({"state": {"revision": 3, "player": scan["player"], "update": update("installed", 100)}})).await;
            })
        }))
        .with_state(asked)
}

struct PlayedBox {
    url: String,
    socket: std::path::PathBuf,
    asked: Asked,
    folder: tempfile::TempDir,
}

async fn a_box() -> PlayedBox {
    let folder = tempfile::tempdir().unwrap();
    let asked = Asked::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let socket = folder.path().join("control.socket");
    let local = tokio::net::UnixListener::bind(&socket).unwrap();
    tokio::spawn(axum::serve(listener, api(asked.clone())).into_future());
    tokio::spawn(axum::serve(local, api(asked.clone())).into_future());
    PlayedBox {
        url,
        socket,
        asked,
        folder,
    }
}

impl PlayedBox {
    /// Runs the program over the socket.
    async fn run(&self, line: &[&str]) -> (i32, String, String) {
        let socket = self.socket.to_str().unwrap();
        run(&[&["--socket", socket], line].concat(), &[]).await
    }
}

async fn run(line: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_amoractl"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AMORA") {
            command.env_remove(name);
        }
    }
    command
        .args(line)
        .envs(variables.iter().copied())
        .stdin(std::process::Stdio::null());
    let Output {
        status,
        stdout,
        stderr,
    } = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_reach_the_box_and_replies_the_reader() {
    let played = a_box().await;
    assert_eq!(
        played.run(&["player", "set-volume", "40"]).await,
        (0, "volume 40\n".to_owned(), String::new())
    );
    assert_eq!(
        played.run(&["player", "pause"]).await,
        (0, String::new(), String::new())
    );
    let (_, out, _) = played.run(&["--json", "player", "set-volume", "40"]).await;
    assert_eq!(
        serde_json::from_str::<Value>(&out).unwrap(),
        json!({"volume": 40, "mute": false})
    );
    let (_, out, _) = played.run(&["player", "get-playlists"]).await;
    assert!(out.contains("Party [31m") && !out.contains('\u{1b}'), "{out:?}");
    let asked = played.asked.lock().unwrap();
    assert_eq!(asked[0], ("player.set_volume".to_owned(), json!({"volume": 40})));
    assert_eq!(asked[1], ("player.pause".to_owned(), json!({})));
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_tell_refused_usage_and_unreachable_apart() {
    let played = a_box().await;
    let (code, out, err) = played.run(&["player", "next"]).await;
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.contains("MPD is away") && err.contains("amoractl doctor"),
        "{err}"
    );
    let (code, _, err) = played.run(&["player", "set-volume", "loud"]).await;
    assert_eq!(code, 2, "{err}");
    let missing = played.folder.path().join("missing");
    let (code, _, err) = run(&["--socket", missing.to_str().unwrap(), "status"], &[]).await;
    assert_eq!(code, 3);
    assert!(
        err.contains("cannot be reached") && err.contains("systemctl status amora-service"),
        "{err}"
    );
    let (code, _, _) = run(&["--socket", missing.to_str().unwrap(), "watch"], &[]).await;
    assert_eq!(code, 3);
    assert_eq!(run(&["--url", "box", "status"], &[]).await.0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_box_elsewhere_is_reached_with_its_code() {
    let played = a_box().await;
    let far = [("AMORA_URL", played.url.as_str()), ("AMORA_CODE", CODE)];
    assert_eq!(run(&["player", "set-volume", "40"], &far).await.0, 0);
    let (code, _, err) = run(&["--code", "WRONG", "player", "pause"], &far).await;
    assert_eq!(code, 1);
    assert!(err.contains("login code"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_watch_show_what_is_so() {
    let played = a_box().await;
    let (code, out, _) = played.run(&["status"]).await;
    assert_eq!(code, 0);
    assert!(
        out.starts_with("⏸ Nina – Blue  0:00 / 1:00  volume 100\n"),
        "{out}"
    );
    assert!(
        out.contains("Kitchen (kitchen)") && out.contains("audio  ok"),
        "{out}"
    );
    let (_, out, _) = played.run(&["status", "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), state());
}

/// Runs `watch` until it has shown this many lines.
async fn watched(played: &PlayedBox, more: &[&str], wanted: usize) -> (Vec<String>, String) {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_amoractl"))
        .args(["--socket", played.socket.to_str().unwrap(), "watch"])
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    tokio::task::spawn_blocking(move || {
        let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        let lines = lines.take(wanted).map(Result::unwrap).collect();
        child.kill().unwrap();
        let Output { stderr, .. } = child.wait_with_output().unwrap();
        (lines, String::from_utf8(stderr).unwrap())
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn watch_shows_what_changes_and_comes_back_to_a_service_that_went() {
    let played = a_box().await;
    let event = "audio.xrun {\"count\":1}";
    // The played box closes after each round. What it says first after that is no news.
    let (lines, told) = watched(&played, &[], 3).await;
    assert_eq!(lines, ["⏸ Nina – Blue  0:00 / 1:00  volume 100", event, event]);
    assert!(
        told.contains("; waiting for it to come back") && told.contains("connected again"),
        "{told}"
    );
    let (lines, _) = watched(&played, &["--json"], 6).await;
    let lines: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[2]["event"]["event"], "audio.xrun");
    assert_eq!(lines[4]["state"], state(), "the whole state comes first again");
}

#[tokio::test(flavor = "multi_thread")]
async fn login_shows_the_page_with_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let missing = folder.path().join("missing");
    let line = ["--socket", missing.to_str().unwrap(), "--json", "login"];
    let settings = [
        ("AMORA__DEVICE__DATA", data),
        ("AMORA__WEB__ADDRESS", "127.0.0.1"),
        ("AMORA__WEB__PORT", "8088"),
    ];
    let (code, _, err) = run(&line, &settings).await;
    assert_eq!(code, 1);
    assert!(err.contains("login-code") && err.contains("first start"), "{err}");
    std::fs::write(folder.path().join("login-code"), format!("{CODE}\n")).unwrap();
    let (code, out, err) = run(&line, &settings).await;
    assert_eq!(code, 0, "{err}");
    let expected = json!({"code": CODE, "addresses": [format!("http://localhost:8088/#code={CODE}")]});
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), expected);
    assert_eq!(run(&["--url", "http://box:8080", "login"], &[]).await.0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sound_test_fails_and_says_which_channel() {
    let played = a_box().await;
    let (code, out, _) = played.run(&["audio", "test"]).await;
    assert_eq!(code, 1);
    let line = |channel: &str| {
        out.lines()
            .find(|line| line.starts_with(channel))
            .unwrap()
            .to_owned()
    };
    assert!(
        line("left").contains("pass") && line("left").contains("-40.0 dB"),
        "{out}"
    );
    assert!(line("right").contains("FAIL"), "{out}");
    assert!(
        out.contains("Check the right cable.") && out.ends_with("FAIL\n"),
        "{out}"
    );
    assert_eq!(played.run(&["audio", "test", "--json"]).await.0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_update_is_watched_to_its_end() {
    let played = a_box().await;
    let (code, out, err) = played.run(&["player", "update-library", "--rescan"]).await;
    assert_eq!(
        (code, out.as_str()),
        (0, "7 songs, 3 albums, 2 artists\n"),
        "{err}"
    );
    assert_eq!(played.run(&["player", "update-library", "--no-wait"]).await.1, "");
    let asked = played.asked.lock().unwrap();
    assert_eq!(
        asked[0],
        ("player.update_library".to_owned(), json!({"rescan": true}))
    );
    assert_eq!(asked[1], ("player.update_library".to_owned(), json!({})));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_is_shown_from_the_service_or_from_here() {
    let played = a_box().await;
    let (code, out, _) = played.run(&["config", "show", "--origin"]).await;
    assert_eq!(code, 0);
    assert_eq!(
        out,
        "[audio]\ndevice = \"auto\"  # default\nvolume = 33      # /etc/amora/amora.toml:3\n\n[mqtt]\npassword = \"***\"  # default\n"
    );
    let missing = played.folder.path().join("missing");
    let local = [
        ("AMORA__AUDIO__VOLUME", "34"),
        ("AMORA_MQTT_PASSWORD", "hush"),
        ("AMORA_MQTT_USERNAME", "u"),
    ];
    let (code, out, err) = run(
        &[
            "--socket",
            missing.to_str().unwrap(),
            "config",
            "show",
            "--origin",
        ],
        &local,
    )
    .await;
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("does not run"), "{err}");
    let volume = out.lines().find(|line| line.starts_with("volume = 34")).unwrap();
    assert!(volume.ends_with("# AMORA__AUDIO__VOLUME"), "{volume}");
    assert!(
        !out.contains("hush") && out.contains("password = \"***\""),
        "{out}"
    );
    let (_, out, _) = run(&["config", "show", "--local", "--json"], &local).await;
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(shown["config"]["audio"]["volume"], 34);
    assert_eq!(shown["origin"]["audio.volume"], "AMORA__AUDIO__VOLUME");
    toml::from_str::<toml::Table>(&run(&["config", "show", "--local"], &local).await.1).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_checked_imported_and_explained() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = write("good.toml", "[audio]\nvolume = 3\n");
    assert!(
        run(&["config", "check", &good], &[])
            .await
            .1
            .ends_with("is a valid configuration\n")
    );
    let bad = write("bad.toml", "[audio]\nvolume = 300\ncolour = 1\n");
    let (code, out, err) = run(&["config", "check", &bad], &[]).await;
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.contains("2 mistakes") && err.contains("bad.toml:2:10") && err.contains("bad.toml:3:1"),
        "{err}"
    );
    let (code, out, _) = run(&["config", "check", "--json", &bad], &[]).await;
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (
            code,
            &report["valid"],
            report["problems"].as_array().unwrap().len()
        ),
        (1, &json!(false), 2)
    );

    let original = write(
        "config.json",
        r#"{"device": {"id": "waybox"}, "mpd": {"host": "m", "port": 6601}}"#,
    );
    let (code, imported, _) = run(&["config", "import", &original], &[]).await;
    assert_eq!(code, 0);
    let imported = write("imported.toml", &imported);
    assert_eq!(run(&["config", "check", &imported], &[]).await.0, 0);
    let wrong = write("wrong.json", r#"{"mpd": {"port": "many"}}"#);
    let (code, _, err) = run(&["config", "import", &wrong], &[]).await;
    assert_eq!(code, 1);
    assert!(err.contains("$.mpd.port must be a whole number"), "{err}");
    assert!(
        run(&["config", "reference"], &[])
            .await
            .1
            .contains("| `audio.volume` |")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_reports_what_the_service_says_and_fails_for_it() {
    let played = a_box().await;
    let (code, out, _) = played.run(&["doctor", "--json"]).await;
    assert_eq!(code, 1);
    let report: Value = serde_json::from_str(&out).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let find = |subject: &str| {
        findings
            .iter()
            .find(|finding| finding["subject"] == subject)
            .unwrap()
    };
    assert_eq!(find("service")["verdict"], "ok");
    assert_eq!(find("service: player")["verdict"], "failed");
    assert_eq!(find("service: player")["next_step"], "start MPD");
    assert_eq!(find("MPD")["verdict"], "skipped", "the played box has no player");
    for subject in [
        "configuration",
        "data folder",
        "MPD",
        "MQTT broker",
        "music FIFO",
        "sound card",
        "clock",
    ] {
        find(subject);
    }
    let (_, out, _) = played.run(&["doctor"]).await;
    assert!(
        out.contains("✘ service: player: MPD is away\n    → start MPD\n"),
        "{out}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn shells_learn_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, _) = run(&["completions", shell], &[]).await;
        assert_eq!(code, 0);
        assert!(
            out.contains("set-sleep-timer") && out.contains("doctor"),
            "{shell}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_is_sent_as_a_file_or_left_to_the_box_to_fetch() {
    let played = a_box().await;
    let file = played.folder.path().join("update.swu");
    std::fs::write(&file, vec![7; 3_000_000]).unwrap();
    let file = file.to_str().unwrap();
    let installed = "running 1.0.0 from slot a\n1.1.0 is installed in slot b\n";
    let (code, out, err) = played
        .run(&["update", "install", file, "--restart", "window"])
        .await;
    assert_eq!((code, out.as_str()), (0, installed), "{err}");
    let (code, out, err) = played.run(&["--json", "update", "install", file]).await;
    assert_eq!(code, 0, "{err}");
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["phase"], "installed");
    let address = "http://files.local/update.swu";
    let (code, out, err) = played.run(&["update", "install", address]).await;
    assert_eq!((code, out.as_str()), (0, installed), "{err}");

    let other = played.folder.path().join("other");
    std::fs::write(&other, "no update").unwrap();
    let (code, _, err) = played.run(&["update", "install", other.to_str().unwrap()]).await;
    assert_eq!(code, 1);
    assert!(err.contains("the file is no update"), "{err}");
    let (code, _, err) = played.run(&["update", "install", "/missing.swu"]).await;
    assert_eq!(code, 1);
    assert!(err.contains("/missing.swu"), "{err}");

    let asked = played.asked.lock().unwrap();
    let sent = |query: &str| {
        (
            "/api/update".to_owned(),
            json!({"bytes": 3_000_000, "query": query}),
        )
    };
    assert_eq!(asked[..2], [sent("restart=window"), sent("")]);
    assert_eq!(asked[2], ("update.install".to_owned(), json!({"url": address})));
}
