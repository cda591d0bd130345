use super::*;
use crate::protocol::{Ack, AckCode, encode};
use amora_contract::Command as BoxCommand;
use proptest::prelude::*;
use serde_json::{Value, json};

fn command(name: &str, params: Value) -> PlayerCommand {
    match BoxCommand::parse(&format!("player.{name}"), params) {
        Ok(BoxCommand::Player(command)) => command,
        other => panic!("{other:?}"),
    }
}

fn lines(name: &str, params: Value) -> Vec<String> {
    let plan = plan(&command(name, params)).unwrap().expect("a plan");
    plan.steps
        .iter()
        .map(|step| step.command.line().to_owned())
        .collect()
}

#[test]
fn commands_become_mpds() {
    for (name, params, wanted) in [
        ("play", json!({}), vec!["clearerror", "play", "status"]),
        (
            "play",
            json!({"id": 7, "position": 1}),
            vec!["clearerror", "playid 7", "status"],
        ),
        ("pause", json!({}), vec!["pause 1"]),
        ("seek", json!({"position": 90.5}), vec!["seekcur 90.500"]),
        (
            "seek",
            json!({"position": 5, "relative": true}),
            vec!["seekcur +5.000"],
        ),
        (
            "seek",
            json!({"position": -5, "relative": true}),
            vec!["seekcur -5.000"],
        ),
        ("set_single", json!({"single": true}), vec!["single 1"]),
        ("set_crossfade", json!({"seconds": 0}), vec!["crossfade 0"]),
        (
            "set_replay_gain",
            json!({"mode": "auto"}),
            vec!["replay_gain_mode auto"],
        ),
        ("queue_move", json!({"id": 3, "to": 0}), vec!["moveid 3 0"]),
        (
            "add_track",
            json!({"track": "a \"b\".flac"}),
            vec!["add \"a \\\"b\\\".flac\""],
        ),
        (
            "add_track",
            json!({"track": "x", "playlist": "P"}),
            vec!["listplaylist \"P\"", "playlistadd \"P\" \"x\""],
        ),
        ("browse", json!({"path": "/a/b/"}), vec!["lsinfo \"a/b\""]),
        ("list", json!({"tag": "album_artist"}), vec!["list AlbumArtist"]),
        ("update_library", json!({"rescan": true}), vec!["rescan"]),
        ("update_library", json!({"path": "a"}), vec!["update \"a\""]),
        (
            "set_output",
            json!({"id": 2, "enabled": false}),
            vec!["disableoutput 2"],
        ),
        (
            "find",
            json!({"filters": [{"tag": "artist", "value": "A'B"}], "limit": 10, "start": 5}),
            vec!["find \"(Artist == \\\"A\\\\\\'B\\\")\" window 5:16"],
        ),
    ] {
        assert_eq!(lines(name, params), wanted, "{name}");
    }
}

#[test]
fn what_needs_more_than_one_exchange_has_no_plan() {
    for (name, params) in [
        ("toggle", json!({})),
        ("get_queue", json!({})),
        ("get_cover", json!({"file": "x"})),
        ("play_track", json!({"track_index": 1, "playlist": "P"})),
        ("queue_save", json!({"name": "P", "replace": true})),
    ] {
        assert_eq!(plan(&command(name, params)), Ok(None), "{name}");
    }
}

#[test]
fn refusals_name_the_object_and_the_field() {
    let ack = |code| Ack {
        code,
        index: 0,
        command: "x".to_owned(),
        text: "because".to_owned(),
    };
    let playlist = Object::playlist("P", "playlist")
        .target("the playlist `Q`".to_owned())
        .index(4, "track_index");
    let error = refused(&ack(AckCode::NoExist), &playlist);
    assert_eq!(
        (error.code, error.message.as_str(), error.field.as_deref()),
        (
            ErrorCode::NotFound,
            "the playlist `P` does not exist",
            Some("playlist")
        )
    );
    let error = refused(&ack(AckCode::Exist), &playlist);
    assert_eq!(
        (error.code, error.message.as_str()),
        (ErrorCode::Conflict, "the playlist `Q` exists already")
    );
    let error = refused(&ack(AckCode::Argument), &playlist);
    assert_eq!(
        (error.code, error.field.as_deref()),
        (ErrorCode::InvalidParameter, Some("track_index"))
    );
    assert!(error.message.contains('4') && error.message.contains("`P`"));
    let error = refused(&ack(AckCode::System), &playlist);
    assert_eq!(
        (error.code, error.message.contains("because")),
        (ErrorCode::Failed, true)
    );
}

#[test]
fn names_and_paths_are_checked() {
    assert_eq!(
        playlist_name("name", "Ä „x“ 'y' \"z\" 100%"),
        Ok("Ä „x“ 'y' \"z\" 100%")
    );
    for name in ["", " ", "a/b", "a\\b", ".", "..", "a\tb", "a\0b", DRAFT] {
        assert_eq!(
            playlist_name("name", name).unwrap_err().field.as_deref(),
            Some("name"),
            "{name:?}"
        );
    }
    assert_eq!(
        playlist_to_load("playlist", "folder/list.m3u"),
        Ok("folder/list.m3u")
    );
    for name in ["http://x/y.m3u", "../x.m3u", "a/../../b"] {
        assert!(playlist_to_load("playlist", name).is_err(), "{name}");
    }
    assert_eq!(song_uri("uri", "http://host/a b"), Ok("http://host/a b"));
    assert_eq!(song_uri("uri", "...and more/x"), Ok("...and more/x"));
    for uri in ["file:///etc/passwd", "FILE://x", "/x", "", "a/../b", "a\u{85}b"] {
        assert!(song_uri("uri", uri).is_err(), "{uri:?}");
    }
    assert!(library_path("path", &"x".repeat(4_001)).is_err());
}

proptest! {
    /// Whatever the texts are, what is planned can be sent, and never holds more commands than meant.
    #[test]
    fn a_plan_can_be_sent_or_the_field_is_named(text in ".{0,400}", other in ".{0,300}") {
        for (name, params) in [
            ("search", json!({"query": text})),
            ("find", json!({"filters": [{"tag": "title", "value": text}, {"tag": "genre", "value": other}]})),
            ("list", json!({"tag": "album", "filters": [{"tag": "title", "value": text}]})),
            ("browse", json!({"path": text})),
            ("add_track", json!({"track": text, "playlist": other})),
            ("rename_playlist", json!({"playlist": text, "name": other})),
            ("delete_playlist", json!({"playlist": text})),
            ("queue_save", json!({"name": text})),
            ("update_library", json!({"path": text})),
        ] {
            match plan(&command(name, params)) {
                Ok(Some(plan)) => {
                    let commands: Vec<_> = plan.steps.iter().map(|step| step.command.clone()).collect();
                    let bytes = encode(&commands).unwrap();
                    let extra = if commands.len() == 1 { 0 } else { 2 };
                    prop_assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), commands.len() + extra);
                }
                Ok(None) => prop_assert!(false, "{} has a plan", name),
                Err(error) => {
                    prop_assert_eq!(error.code, ErrorCode::InvalidParameter);
                    prop_assert!(error.field.is_some());
                }
            }
        }
    }
}
