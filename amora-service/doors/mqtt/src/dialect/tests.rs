use super::*;
use amora_contract::Reply;
use amora_contract::commands::{PlayerCommand, SetVolume};
use amora_contract::reply::{PlaylistReply, PlaylistSummary, PlaylistsReply, VolumeReply};
use amora_contract::state::{AudioState, PlaybackState, PlayerState, Song, State};
use amora_contract::units::{Seconds, Timestamp, Volume};
use proptest::prelude::*;
use serde_json::json;

const NOW: Timestamp = Timestamp(1_700_000_000_250);

fn parsed(message: Value) -> Request {
    parse(message.to_string().as_bytes())
}

fn answer(message: Value, result: Result<Reply, CommandError>) -> Value {
    let request = parsed(message);
    let result = request.command.and(result);
    serde_json::from_slice(&encode(&request.asked, &result, &state(), NOW)).unwrap()
}

fn state() -> State {
    State {
        player: Some(PlayerState {
            state: PlaybackState::Play,
            song: Some(Song {
                file: "a/song.flac".to_owned(),
                title: "Song".to_owned(),
                artist: "Unknown".to_owned(),
                album: "Unknown".to_owned(),
                duration: Seconds(180.0),
                ..Song::default()
            }),
            position: Seconds(10.0),
            position_at: Timestamp(NOW.0 - 1500),
            repeat: true,
            ..PlayerState::default()
        }),
        audio: Some(AudioState {
            volume: Volume::clamped(40.0),
            ..AudioState::default()
        }),
        ..State::default()
    }
}

fn set_volume(volume: f64) -> Command {
    PlayerCommand::SetVolume(SetVolume {
        volume: Volume::clamped(volume),
    })
    .into()
}

#[test]
fn the_device_dialect_is_read_and_answered() {
    let message =
        json!({"command": "set_volume", "command_id": "6f1c", "params": {"volume": 30}, "timestamp": 1.7e9});
    assert_eq!(parsed(message.clone()).command, Ok(set_volume(30.0)));
    assert_eq!(
        answer(message, Ok(Reply::NOTHING)),
        json!({"command_id": "6f1c", "result": true, "message": "Command set_volume executed",
               "data": {"result": true}, "timestamp": 1_700_000_000.25})
    );
}

#[test]
fn the_client_dialect_is_read_and_answered() {
    let message = json!({"command": "setVolume", "commandId": "c-1", "params": {"volume": 30.0}, "timestamp": 1_700_000_000_000u64});
    assert_eq!(parsed(message.clone()).command, Ok(set_volume(30.0)));
    assert_eq!(
        answer(message, Ok(Reply::NOTHING)),
        json!({"commandId": "c-1", "result": true, "message": "Command setVolume executed",
               "data": {"result": true}, "timestamp": 1_700_000_000_250u64})
    );
}

#[test]
fn extra_fields_and_missing_params_do_no_harm() {
    for message in [
        json!({"command": "play", "command_id": "1", "source": "lounge", "priority": 3}),
        json!({"command": "play", "command_id": "1", "params": null}),
        json!({"command": "play", "command_id": "1", "params": {"fade": true}}),
        json!({"command": "player.play", "command_id": "1", "params": {}}),
    ] {
        assert_eq!(
            parsed(message).command,
            Ok(PlayerCommand::Play(Default::default()).into())
        );
    }
}

#[test]
fn every_spelling_of_a_playlist_is_understood() {
    for params in [
        json!({"playlist_name": "Evening"}),
        json!({"playlist": "Evening"}),
        json!({"playlistName": "Evening"}),
    ] {
        for name in ["play_playlist", "playPlaylist", "player.play_playlist"] {
            let command = parsed(json!({"command": name, "commandId": "1", "params": params}))
                .command
                .unwrap();
            assert_eq!(
                command.params(),
                json!({"playlist": "Evening"}),
                "{name} {params}"
            );
        }
    }
}

#[test]
fn track_commands_of_the_original_clients_are_understood() {
    let command = |name: &str, params: Value| {
        parsed(json!({"command": name, "commandId": "1", "params": params}))
            .command
            .unwrap()
    };
    assert_eq!(
        command("play_track", json!({"trackIndex": 2})).params(),
        json!({"track_index": 2})
    );
    assert_eq!(
        command(
            "add_track",
            json!({"track": {"file": "a.ogg", "title": "A", "isCurrent": false}, "playlist": "P"})
        )
        .params(),
        json!({"track": "a.ogg", "playlist": "P"})
    );
    assert_eq!(
        command(
            "reorder_track",
            json!({"fromIndex": 1, "toIndex": 0, "playlist": "P"})
        )
        .params(),
        json!({"from_index": 1, "to_index": 0, "playlist": "P"})
    );
}

#[test]
fn a_falsy_result_is_a_success() {
    let silent = Reply::Volume(VolumeReply {
        volume: Volume::clamped(0.0),
        mute: false,
    });
    let got = answer(json!({"command": "get_volume", "command_id": "1"}), Ok(silent));
    assert_eq!(
        (&got["result"], &got["data"]["result"]),
        (&json!(true), &json!(0))
    );
    let none = Reply::Playlists(PlaylistsReply {
        playlists: Vec::new(),
    });
    let got = answer(json!({"command": "getPlaylists", "commandId": "1"}), Ok(none));
    assert_eq!(
        (&got["result"], &got["data"]),
        (&json!(true), &json!({"result": [], "playlists": []}))
    );
}

#[test]
fn status_and_playlists_are_where_both_kinds_of_client_look() {
    let player = Reply::Player(Box::new(state().player.unwrap()));
    let got = answer(json!({"command": "getStatus", "commandId": "1"}), Ok(player));
    for place in ["result", "status"] {
        let status = &got["data"][place];
        assert_eq!(status["volume"], 40);
        assert_eq!(status["state"], "play");
        for spelling in ["current_song", "currentSong"] {
            assert_eq!(status[spelling]["position"], 11.5);
            assert_eq!(status[spelling]["file"], "a/song.flac");
        }
    }
    let playlists = Reply::Playlists(PlaylistsReply {
        playlists: vec![PlaylistSummary {
            name: "Evening".to_owned(),
            modified: None,
        }],
    });
    let got = answer(
        json!({"command": "get_playlists", "command_id": "1"}),
        Ok(playlists),
    );
    assert_eq!(
        got["data"],
        json!({"result": ["Evening"], "playlists": [{"name": "Evening", "items": []}]})
    );
    let song = state().player.unwrap().song.unwrap();
    let full = playlists_with_songs(
        &[PlaylistReply {
            name: "Evening".to_owned(),
            items: vec![song],
        }],
        &state(),
    );
    assert_eq!(full["playlists"][0]["items"][0]["isCurrent"], true);
    assert_eq!(full["playlists"][0]["items"][0]["position"], 0);
}

#[test]
fn contract_names_answer_with_the_contract_s_reply() {
    let reply = Reply::Volume(VolumeReply {
        volume: Volume::clamped(7.0),
        mute: true,
    });
    let got = answer(
        json!({"command": "player.get_volume", "command_id": 12}),
        Ok(reply),
    );
    assert_eq!(got["data"], json!({"result": {"volume": 7, "mute": true}}));
    assert_eq!(got["command_id"], 12, "an id keeps its type");
}

#[test]
fn unknown_names_reach_nothing() {
    for name in ["__init__", "connect", "explode", "system.explode", ""] {
        let got = answer(json!({"command": name, "command_id": "1"}), Ok(Reply::NOTHING));
        assert_eq!(got["result"], false);
        assert_eq!(got["message"], format!("Command {name} not supported"));
        assert_eq!(got["error"]["code"], "unknown_command");
    }
}

#[test]
fn a_wrong_parameter_names_its_field() {
    let got = answer(
        json!({"command": "setVolume", "commandId": "1", "params": {"volume": "loud"}}),
        Ok(Reply::NOTHING),
    );
    assert_eq!(got["result"], false);
    assert_eq!(got["error"]["field"], "volume");
    assert!(
        got["message"]
            .as_str()
            .unwrap()
            .starts_with("Error executing command: ")
    );
}

#[test]
fn broken_messages_are_answered_where_an_id_can_be_read() {
    let cases: [(&[u8], Dialect, Option<&str>); 7] = [
        (
            br#"{"command": "play", "command_id": "17", "params": {"#,
            Dialect::Device,
            Some("17"),
        ),
        (
            br#"{"commandId" : "a\"b", command: play}"#,
            Dialect::Client,
            Some("a\"b"),
        ),
        (
            br#"{'command': 'play', "command_id": 42, }"#,
            Dialect::Device,
            Some("42"),
        ),
        (b"\xff\xfe\"commandId\":\"x\"", Dialect::Client, Some("x")),
        (br#"[{"command_id": "7"}]"#, Dialect::Device, Some("7")),
        (br#"{"command_id": "unfinished"#, Dialect::Device, None),
        (b"", Dialect::Device, None),
    ];
    for (payload, dialect, id) in cases {
        let request = parse(payload);
        assert_eq!(request.command.unwrap_err().code, ErrorCode::Malformed);
        assert_eq!(
            request.asked.dialect,
            dialect,
            "{}",
            String::from_utf8_lossy(payload)
        );
        assert_eq!(
            request.asked.id,
            id.map(Value::from),
            "{}",
            String::from_utf8_lossy(payload)
        );
    }
}

#[test]
fn ids_are_found_at_both_ends_of_a_huge_message() {
    let filler = "x".repeat(1 << 20);
    for text in [
        format!(r#"{{"command_id": "near", "params": "{filler}"#),
        format!(r#"{{"params": "{filler}", "command_id": "near"}}"#),
    ] {
        let request = refuse(
            text.as_bytes(),
            CommandError::new(ErrorCode::TooLarge, "too large"),
        );
        assert_eq!(request.asked.id, Some(json!("near")));
    }
}

#[test]
fn the_state_message_is_complete_in_both_spellings() {
    let message: Value = serde_json::from_slice(&StateMessage::encode(&state(), NOW)).unwrap();
    for key in [
        "timestamp",
        "timestamp_ms",
        "state",
        "current_song",
        "currentSong",
        "volume",
        "repeat",
        "random",
        "playlist",
        "mute",
        "health",
    ] {
        assert!(message.get(key).is_some(), "{key}");
    }
    assert_eq!(message["timestamp"], 1_700_000_000.25);
    assert_eq!(message["currentSong"]["position"], 11.5);
    let bare: Value = serde_json::from_slice(&StateMessage::encode(&State::default(), NOW)).unwrap();
    assert_eq!(
        (&bare["state"], &bare["current_song"]),
        (&json!("stop"), &Value::Null)
    );
}

#[test]
fn the_position_ends_with_the_song() {
    let mut state = state();
    state.player.as_mut().unwrap().position_at = Timestamp(0);
    let message: Value = serde_json::from_slice(&StateMessage::encode(&state, NOW)).unwrap();
    assert_eq!(message["current_song"]["position"], 180.0);
}

proptest! {
    #[test]
    fn any_bytes_get_an_answer_that_is_json(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let request = parse(&payload);
        let result = request.command.map(|_| Reply::NOTHING);
        let answer = encode(&request.asked, &result, &State::default(), NOW);
        prop_assert!(serde_json::from_slice::<Value>(&answer).is_ok());
    }

    #[test]
    fn a_cut_message_keeps_its_id(id in "[ -~]{1,40}", cut in 0usize..60) {
        let message = json!({"command_id": id, "zz": {"volume": "a long enough tail to cut off, longer than sixty bytes it is"}}).to_string();
        let request = parse(&message.as_bytes()[..message.len() - cut]);
        prop_assert_eq!(request.asked.id, Some(Value::from(id)));
    }

    #[test]
    fn both_dialects_mean_the_same(volume in -500.0f64..500.0, id in "[a-z0-9-]{1,36}") {
        let device = parsed(json!({"command": "set_volume", "command_id": id, "params": {"volume": volume}}));
        let client = parsed(json!({"command": "setVolume", "commandId": id, "params": {"volume": volume}}));
        prop_assert_eq!(&device.command, &Ok(set_volume(volume)));
        prop_assert_eq!(device.command, client.command);
        prop_assert_eq!(device.asked.id, client.asked.id);
    }
}

#[test]
fn an_update_that_is_coming_is_told_as_home_assistant_reads_it() {
    use amora_contract::state::{Slot, UpdateInstall, UpdatePhase, UpdateSource, UpdateState};
    use amora_contract::units::Bytes;

    let software = |update: UpdateState| {
        let state = State {
            update: Some(update),
            ..State::default()
        };
        let message: Value = serde_json::from_slice(&StateMessage::encode(&state, NOW)).unwrap();
        message["software"].clone()
    };
    let mut update = UpdateState {
        version: "1.0.0".to_owned(),
        ..UpdateState::default()
    };
    let quiet = software(update.clone());
    assert_eq!(quiet["latest_version"], "1.0.0");
    assert_eq!(
        (&quiet["in_progress"], &quiet["update_percentage"]),
        (&json!(false), &Value::Null)
    );
    update.phase = UpdatePhase::Installing;
    update.install = Some(UpdateInstall {
        source: UpdateSource::Url,
        url: None,
        reference: None,
        version: Some("1.1.0".to_owned()),
        slot: Slot::B,
        percent: 42,
        received: Bytes(0),
        size: None,
        part: String::new(),
        waiting: None,
        fallback: None,
        started_at: NOW,
    });
    let coming = software(update);
    assert_eq!(
        (&coming["installed_version"], &coming["latest_version"]),
        (&json!("1.0.0"), &json!("1.1.0"))
    );
    assert_eq!(
        (&coming["in_progress"], &coming["update_percentage"]),
        (&json!(true), &json!(42))
    );
    let bare: Value = serde_json::from_slice(&StateMessage::encode(&State::default(), NOW)).unwrap();
    assert!(bare.get("software").is_none());
}
