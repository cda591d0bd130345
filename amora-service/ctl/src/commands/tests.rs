use super::*;
use serde_json::json;

fn read(line: &[&str]) -> Result<(&'static str, Value), clap::Error> {
    let commands = Commands::new();
    let root = Command::new("amoractl")
        .no_binary_name(true)
        .subcommands(commands.subcommands());
    let matches = root.try_get_matches_from(line)?;
    let (section, matches) = matches.subcommand().unwrap();
    Ok(commands.read(section, matches).unwrap())
}

#[test]
fn the_shell_reaches_commands_with_typed_parameters() {
    let cases: [(&[&str], &str, Value); 24] = [
        (&["player", "pause"], "player.pause", json!({})),
        (
            &["player", "set-volume", "40"],
            "player.set_volume",
            json!({"volume": 40}),
        ),
        (&["player", "play"], "player.play", json!({})),
        (
            &["player", "play", "--position", "3"],
            "player.play",
            json!({"position": 3}),
        ),
        (
            &["player", "seek", "-10", "--relative"],
            "player.seek",
            json!({"position": -10.0, "relative": true}),
        ),
        (
            &["player", "set-repeat", "on"],
            "player.set_repeat",
            json!({"repeat": true}),
        ),
        (
            &["player", "set-replay-gain", "album"],
            "player.set_replay_gain",
            json!({"mode": "album"}),
        ),
        (
            &["player", "queue-move", "12", "0"],
            "player.queue_move",
            json!({"id": 12, "to": 0}),
        ),
        (
            &["player", "set-output", "1", "off"],
            "player.set_output",
            json!({"id": 1, "enabled": false}),
        ),
        (
            &["player", "queue-add", "a b.flac", "--play"],
            "player.queue_add",
            json!({"uri": "a b.flac", "play": true}),
        ),
        (
            &["player", "create-playlist", "Party", "a.mp3", "b.mp3"],
            "player.create_playlist",
            json!({"name": "Party", "files": ["a.mp3", "b.mp3"]}),
        ),
        (
            &["player", "rename-playlist", "Old", "New"],
            "player.rename_playlist",
            json!({"playlist": "Old", "name": "New"}),
        ),
        (&["player", "browse"], "player.browse", json!({})),
        (
            &["player", "browse", "Artist"],
            "player.browse",
            json!({"path": "Artist"}),
        ),
        (
            &["player", "find", "artist=A=B", "album=C"],
            "player.find",
            json!({"filters": [{"tag": "artist", "value": "A=B"}, {"tag": "album", "value": "C"}]}),
        ),
        (
            &["player", "set-sleep-timer", "30"],
            "player.set_sleep_timer",
            json!({"minutes": 30}),
        ),
        (
            &["player", "set-sleep-timer", "off"],
            "player.set_sleep_timer",
            json!({"minutes": null}),
        ),
        (
            &["audio", "change-volume", "-5"],
            "audio.change_volume",
            json!({"by": -5}),
        ),
        (
            &["audio", "chime", "attention"],
            "audio.chime",
            json!({"chime": "attention"}),
        ),
        (&["voice", "mute", "on"], "voice.mute", json!({"mute": true})),
        (&["voice", "get-status"], "voice.get_status", json!({})),
        (&["system", "reload"], "system.reload", json!({})),
        (
            &[
                "system",
                "configure",
                "audio.ducking.gain=-12",
                "audio.ready_chime=false",
                "audio.period=",
                "device.name=Living room",
            ],
            "system.configure",
            json!({"settings": {
                "audio": {"ducking": {"gain": -12}, "ready_chime": false, "period": null},
                "device": {"name": "Living room"},
            }}),
        ),
        (
            &["system", "configure", "--replace"],
            "system.configure",
            json!({"replace": true}),
        ),
    ];
    for (line, name, params) in cases {
        let (read_name, read_params) = read(line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        assert_eq!((read_name, &read_params), (name, &params), "{line:?}");
        amora_contract::Command::parse(name, params).unwrap();
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    for (line, reason) in [
        (
            &["player", "set-volume", "loud"][..],
            "must be a whole number from 0 to 100",
        ),
        (&["player", "set-volume"], "required"),
        (&["player", "set-repeat", "maybe"], "possible values: on, off"),
        (&["player", "find", "artist"], "TAG=VALUE"),
        (&["system", "configure", "audio.period"], "PATH=VALUE"),
        (&["player", "set-sleep-timer", "0"], "from 1 to 1440"),
        (&["player", "sing"], "unrecognized subcommand"),
    ] {
        let error = read(line).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(reason), "{line:?}: {error}");
    }
}

#[test]
fn every_command_of_the_catalogue_has_a_subcommand() {
    let commands = Commands::new();
    for section in commands.subcommands() {
        section.debug_assert();
    }
    let count: usize = commands
        .subcommands()
        .map(|section| section.get_subcommands().count())
        .sum();
    assert_eq!(count, commands.0.len());
}
