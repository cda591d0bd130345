use super::*;
use amora_contract::reply::{PlaylistSummary, PlaylistsReply};
use amora_contract::state::Song;
use amora_contract::units::{Seconds, Volume};

fn read(name: &str, payload: &str) -> (String, Value) {
    let asked = method(name, payload.as_bytes()).unwrap();
    (asked.command.name().to_owned(), asked.command.params())
}

fn refused(name: &str, payload: &str) -> (u16, String) {
    let answer = method(name, payload.as_bytes()).unwrap_err();
    assert_eq!(answer.body["result"], false);
    (answer.status, answer.body["message"].as_str().unwrap().to_owned())
}

#[test]
fn the_original_s_methods_become_commands() {
    for (name, command) in [
        ("play", "player.play"),
        ("pause", "player.pause"),
        ("stop", "player.stop"),
        ("next", "player.next"),
        ("previous", "player.previous"),
        ("getStatus", "player.get_status"),
        ("getPlaylists", "player.get_playlists"),
        ("reboot", "box.restart"),
    ] {
        for payload in ["", "null", "{}", "\"anything\"", "not JSON"] {
            assert_eq!(read(name, payload).0, command);
        }
    }
    let cases = [
        (
            "setVolume",
            r#"{"volume": 40}"#,
            "audio.set_volume",
            json!({"volume": 40}),
        ),
        (
            "setRepeat",
            r#"{"repeat": true}"#,
            "player.set_repeat",
            json!({"repeat": true}),
        ),
        (
            "setRandom",
            r#"{"random": false}"#,
            "player.set_random",
            json!({"random": false}),
        ),
        (
            "playPlaylist",
            r#"{"playlist": "a"}"#,
            "player.play_playlist",
            json!({"playlist": "a"}),
        ),
        (
            "loadPlaylist",
            r#"{"playlist": "a"}"#,
            "player.queue_playlist",
            json!({"playlist": "a"}),
        ),
        (
            "syncContent",
            r#"{"force": true}"#,
            "player.update_library",
            json!({"rescan": true}),
        ),
        (
            "syncContent",
            "",
            "player.update_library",
            json!({"rescan": false}),
        ),
    ];
    for (name, payload, command, params) in cases {
        assert_eq!(read(name, payload), (command.to_owned(), params));
    }
}

#[test]
fn a_payload_that_is_missing_or_wrong_is_told_in_the_original_s_words() {
    for (name, payloads) in [
        (
            "setVolume",
            ["", "{}", r#"{"volume": "loud"}"#, r#"{"volume": null}"#, "[1]"],
        ),
        (
            "setRepeat",
            ["", "{", r#"{"repeat": 1}"#, r#"{"Repeat": true}"#, "true"],
        ),
        (
            "playPlaylist",
            [
                "",
                "null",
                r#"{"playlist": 5}"#,
                r#"{"playlist": {}}"#,
                "\"name\"",
            ],
        ),
    ] {
        for payload in payloads {
            let message = format!("Invalid payload for {name} method");
            assert_eq!(refused(name, payload), (400, message), "{payload}");
        }
    }
    assert_eq!(
        refused("dance", "{}"),
        (400, "Method dance not implemented".to_owned())
    );
    let (status, message) = refused(&"x".repeat(10_000), "");
    assert!(status == 400 && message.len() < 200);
}

#[test]
fn every_command_can_be_called_by_its_own_name() {
    assert_eq!(
        read("player.seek", r#"{"position": 5}"#),
        (
            "player.seek".to_owned(),
            json!({"position": 5.0, "relative": false})
        )
    );
    assert_eq!(read("player*pause", "").0, "player.pause");
    assert_eq!(read("update.get_status", "\"\"").0, "update.get_status");
    let (status, message) = refused("player.plai", "");
    assert_eq!(status, 404, "{message}");
    let answer = method("player.seek", b"{}").unwrap_err();
    assert_eq!((answer.status, &answer.body["field"]), (400, &json!("position")));
    let nested = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    assert_eq!(refused("player.seek", &nested).0, 400);
    assert_eq!(refused("player.seek", "{\"position\"").0, 400);
}

#[test]
fn answers_are_the_original_s() {
    let player = PlayerState {
        state: PlaybackState::Play,
        song: Some(Song {
            title: "T".to_owned(),
            duration: Seconds(100.0),
            ..Song::default()
        }),
        position: Seconds(10.0),
        position_at: Timestamp(1000),
        repeat: true,
        ..PlayerState::default()
    };
    let state = State {
        audio: Some(AudioState {
            volume: Volume::clamped(30.0),
            ..AudioState::default()
        }),
        ..State::default()
    };
    let now = Timestamp(3500);
    let write = |style, reply| answer(style, &Ok(reply), &state, now);
    let done = write(Style::Done, Reply::NOTHING);
    assert_eq!((done.status, done.body), (200, json!({"result": true})));
    let status = write(Style::Status, Reply::Player(Box::new(player))).body;
    assert_eq!(
        status,
        json!({"result": true, "status": {
            "state": "play", "volume": 30, "playlist": null, "repeat": true, "random": false,
            "current_song": {"title": "T", "artist": "", "album": "", "file": "", "duration": 100.0, "position": 12.5},
        }})
    );
    let list = PlaylistsReply {
        playlists: vec![PlaylistSummary {
            name: "a".to_owned(),
            modified: None,
        }],
    };
    assert_eq!(
        write(Style::Playlists, Reply::Playlists(list)).body,
        json!({"result": true, "playlists": ["a"]})
    );
}

#[test]
fn each_failure_has_its_status_and_says_why() {
    let codes = [
        (ErrorCode::InvalidParameter, 400),
        (ErrorCode::NotAllowed, 403),
        (ErrorCode::NotFound, 404),
        (ErrorCode::Conflict, 409),
        (ErrorCode::Failed, 500),
        (ErrorCode::Unavailable, 503),
        (ErrorCode::TimedOut, 504),
    ];
    for (code, status) in codes {
        let result = Err(CommandError::new(code, "because"));
        let answer = answer(Style::Done, &result, &State::default(), Timestamp(0));
        assert_eq!(answer.status, status);
        assert_eq!(
            (&answer.body["result"], &answer.body["message"]),
            (&json!(false), &json!("because"))
        );
    }
}
