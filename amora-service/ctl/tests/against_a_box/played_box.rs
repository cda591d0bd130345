//! A box that is only played, and the program run against it.

use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::process::Output;
use std::sync::{Arc, Mutex};

/// The commands that a played box was asked for.
pub(crate) type Asked = Arc<Mutex<Vec<(String, Value)>>>;

pub(crate) const CODE: &str = "K7QM-3XPW-9RTD";

pub(crate) fn state() -> Value {
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
    state.iot_hub = Some(amora_contract::state::IotHubState {
        link: amora_contract::state::IotHubLink::Waiting,
        since: amora_contract::units::Timestamp::now(),
        cause: "west.azure-devices.net:8883 cannot be reached".to_owned(),
        next_step: "check the network".to_owned(),
        hub: Some("west.azure-devices.net".to_owned()),
        waiting: 7,
        ..Default::default()
    });
    serde_json::to_value(state).unwrap()
}

/// The update section, while 1.1.0 is installed and after it.
pub(crate) fn update(phase: &str, percent: u8) -> Value {
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

pub(crate) struct PlayedBox {
    pub(crate) url: String,
    pub(crate) socket: std::path::PathBuf,
    pub(crate) asked: Asked,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) async fn a_box() -> PlayedBox {
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
    pub(crate) async fn run(&self, line: &[&str]) -> (i32, String, String) {
        let socket = self.socket.to_str().unwrap();
        run(&[&["--socket", socket], line].concat(), &[]).await
    }
}

pub(crate) async fn run(line: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
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
