//! The names that settings have in the environment and on the command line.

use super::*;

#[test]
fn a_wrong_variable_or_flag_is_named() {
    let sources = with_environment(
        Sources::default(),
        &[
            ("AMORA__AUDIO__VOLUME", "loud"),
            ("AMORA__AUDIO__VOLUM", "3"),
            ("AMORA_MQTT_PORT", "99999"),
            ("AMORA_MQTT_BROKER", "http://b"),
            ("WAYBOX_DEV_MODE", "maybe"),
            ("AMORA__MQTT", "x"),
            ("NAILA_LOG_LEVEL", "loud"),
            ("NAILA_CHANNELS", "2"),
        ],
    );
    let error = load(
        &sources
            .flag("--set", "audio.volume")
            .flag("--set", "audio.colour=red"),
    )
    .unwrap_err();
    let found: Vec<String> = error.problems.iter().map(ToString::to_string).collect();
    for expected in [
        "AMORA__AUDIO__VOLUME: `audio.volume`: must be a whole number from 0 to 100, not \"loud\"",
        "AMORA__AUDIO__VOLUM: `audio.volum`: there is no such setting; did you mean `audio.volume`?",
        "AMORA_MQTT_PORT: `mqtt.port`: must be a whole number from 1 to 65535, not \"99999\"",
        "AMORA_MQTT_BROKER: `mqtt.host`: the scheme must be",
        "WAYBOX_DEV_MODE: must be true or false",
        "AMORA__MQTT: `mqtt`: is a section",
        "NAILA_LOG_LEVEL: must be DEBUG",
        "NAILA_CHANNELS: must be 1, not \"2\"",
        "--set: write PATH=VALUE",
        "--set: `audio.colour`: there is no such setting",
    ] {
        assert!(
            found.iter().any(|found| found.starts_with(expected)),
            "{expected}\n{found:#?}"
        );
    }
    assert_eq!(found.len(), 10, "{found:#?}");
}

#[test]
fn the_original_names_of_variables_work_and_systematic_ones_win() {
    let sources = with_environment(
        Sources::default(),
        &[
            ("WAYBOX_DEVICE_ID", "waybox"),
            ("WAYBOX_MPD_HOST", "music.local"),
            ("WAYBOX_MPD_PORT", "6601"),
            ("WAYBOX_CONTENT_PATH", "/srv/music"),
            ("WAYBOX_AUDIO_VOLUME", "55"),
            ("WAYBOX_DEV_MODE", "true"),
            ("AMORA_DEVICE_ID", "amora-1"),
            ("AMORA_MQTT_BROKER", "mqtts://broker.local:8884"),
            ("AMORA_MQTT_PORT", "8885"),
            ("AMORA_MQTT_USERNAME", "u"),
            ("AMORA_MQTT_PASSWORD", "p"),
            ("AMORA_IOT_CONNECTION_STRING", "HostName=h;secret"),
            ("AMORA__PLAYER__PORT", "6602"),
            ("AMORA__WEB__ALLOW", "player.*, system.get_state"),
            ("AMORA__WEB__PORT", ""),
            ("NAILA_HUB_URL", "http://hub.local:8090"),
            ("NAILA_DEVICE_ID", "pi-audio-01"),
            ("NAILA_INPUT_DEVICE", "2"),
            ("NAILA_OUTPUT_DEVICE", "USB Audio"),
            ("NAILA_RECONNECT_DELAY", "1.5"),
            ("NAILA_SAMPLE_RATE", "48000"),
            ("PATH", "/bin"),
        ],
    );
    let loaded = load(&sources).unwrap();
    let player = loaded.config.player.as_ref().unwrap();
    assert_eq!(loaded.config.device.id, "amora-1");
    assert_eq!((player.host.as_str(), player.port), ("music.local", 6602));
    assert_eq!(player.music, Path::new("/srv/music"));
    assert_eq!(loaded.config.audio.volume.get(), 55);
    assert_eq!(loaded.config.log.level, "debug");
    let voice = loaded.config.voice.as_ref().unwrap();
    assert_eq!(
        (
            voice.hub_url.as_str(),
            voice.device_id.as_deref(),
            voice.reconnect_delay.0
        ),
        ("http://hub.local:8090", Some("pi-audio-01"), 1.5)
    );
    let audio = &loaded.config.audio;
    assert_eq!(
        (audio.capture_device.as_str(), audio.device.as_str()),
        ("2", "USB Audio")
    );
    let mqtt = loaded.config.mqtt.as_ref().unwrap();
    assert_eq!(
        (mqtt.host.as_str(), mqtt.port, mqtt.tls.is_some()),
        ("broker.local", Some(8885), true)
    );
    assert_eq!(
        (mqtt.username.as_deref(), mqtt.password.as_deref()),
        (Some("u"), Some("p"))
    );
    assert_eq!(
        loaded.config.web.as_ref().unwrap().allow,
        ["player.*", "system.get_state"]
    );
    assert_eq!(
        loaded.origin["player.port"],
        Origin::Environment("AMORA__PLAYER__PORT".to_owned())
    );
    let hub = loaded.config.iot_hub.as_ref().unwrap();
    assert_eq!(hub.connection_string.as_deref(), Some("HostName=h;secret"));
    assert!(
        !serde_json::to_string(&loaded.redacted())
            .unwrap()
            .contains("secret")
    );
    assert_eq!(loaded.warnings, [""; 0]);
}
