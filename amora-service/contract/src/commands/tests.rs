use super::*;
use crate::commands::{Play, SetVolume};
use serde_json::json;

#[test]
fn a_command_survives_the_way_to_json_and_back() {
    let command = Command::from(PlayerCommand::Play(Play {
        position: Some(3),
        id: None,
    }));
    assert_eq!(Command::parse(command.name(), command.params()), Ok(command));
}

#[test]
fn missing_parameters_are_the_same_as_none() {
    assert_eq!(
        Command::parse("player.pause", Value::Null),
        Ok(PlayerCommand::Pause.into())
    );
    assert_eq!(
        Command::parse("player.play", Value::Null),
        Ok(PlayerCommand::Play(Play::default()).into())
    );
}

#[test]
fn a_wrong_parameter_is_named() {
    let error = Command::parse("player.set_volume", json!({"volume": "loud"})).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidParameter);
    assert_eq!(error.field.as_deref(), Some("volume"));

    let error = Command::parse("player.set_volume", json!({})).unwrap_err();
    assert_eq!(error.field.as_deref(), Some("volume"));

    let error = Command::parse(
        "player.find",
        json!({"filters": [{"tag": "colour", "value": "red"}]}),
    )
    .unwrap_err();
    assert_eq!(error.field.as_deref(), Some("filters[0].tag"));

    let error = Command::parse("player.play", json!([1])).unwrap_err();
    assert_eq!(error.field.as_deref(), Some("params"));
}

#[test]
fn extra_fields_are_ignored() {
    let parsed = Command::parse("player.set_volume", json!({"volume": 55.4, "colour": "red"}));
    assert_eq!(
        parsed,
        Ok(PlayerCommand::SetVolume(SetVolume {
            volume: crate::units::Volume::clamped(55.0)
        })
        .into())
    );
}

#[test]
fn an_unknown_command_is_answered_with_the_nearest_name() {
    let error = Command::parse("player.setVolume", Value::Null).unwrap_err();
    assert_eq!(error.code, ErrorCode::UnknownCommand);
    assert!(error.message.contains("player.set_volume"), "{}", error.message);
    let error = Command::parse(&"x".repeat(1_000_000), Value::Null).unwrap_err();
    assert!(error.message.len() < 200);
}

#[test]
fn original_spellings_of_parameters_are_read() {
    for params in [
        json!({"playlist": "a"}),
        json!({"playlist_name": "a"}),
        json!({"playlistName": "a"}),
    ] {
        let parsed = Command::parse("player.play_playlist", params).unwrap();
        assert_eq!(parsed.params(), json!({"playlist": "a"}));
    }
    let parsed = Command::parse(
        "player.add_track",
        json!({"track": {"file": "a.mp3", "title": "A"}}),
    )
    .unwrap();
    assert_eq!(parsed.params(), json!({"track": "a.mp3"}));
}

#[test]
fn every_command_belongs_to_the_section_in_its_name_and_is_described() {
    for command in catalogue(&mut schemars::SchemaGenerator::default()) {
        assert!(!command.summary().is_empty(), "{}", command.name);
        let sections = ["player.", "audio.", "voice.", "system.", "update.", "box."];
        assert!(
            sections.iter().any(|section| command.name.starts_with(section)),
            "{}",
            command.name
        );
    }
}
