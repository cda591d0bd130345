//! The program as a shell runs it, against a box that is only played.

mod configuration;
mod played_box;

use played_box::{CODE, PlayedBox, a_box, run, state};
use serde_json::{Value, json};
use std::io::BufRead;
use std::process::{Output, Stdio};

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
    let cloud =
        "not connected, trying again (west.azure-devices.net), no connection for less than a minute\n";
    assert!(out.ends_with(&format!("\ncloud: {cloud}")), "{out}");
    let (_, out, _) = played.run(&["status", "--json"]).await;
    // The played box came to be at a time of its own.
    let since = |mut state: Value| {
        state["iot_hub"]["since"].take();
        state
    };
    assert_eq!(since(serde_json::from_str(&out).unwrap()), since(state()));
    let (code, out, _) = played.run(&["cloud"]).await;
    assert_eq!(code, 0);
    assert!(out.starts_with(cloud), "{out}");
    assert!(
        out.contains("✘ west.azure-devices.net:8883 cannot be reached\n    → check the network\n")
            && out.contains("7 waiting, 0 sent, 0 dropped"),
        "{out}"
    );
    let (_, out, _) = played.run(&["cloud", "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["waiting"], 7);
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
    assert_eq!(
        lines[4]["state"]["system"],
        state()["system"],
        "the whole state comes first again"
    );
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
    let installed = "running 1.0.0 from slot a\n1.1.0 is installed in slot b\nit was sent by a person\n";
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
