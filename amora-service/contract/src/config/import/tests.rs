use super::*;
use crate::config::Config;
use crate::config::layers::{ConfigFile, Sources, load};
use proptest::strategy::Strategy;

/// Loads what `original` made of a document.
fn imported(json: &Value) -> (String, Config) {
    let text = original(&json.to_string()).unwrap();
    let sources = Sources {
        user: ConfigFile::None,
        ..Sources::default()
    }
    .recipe("imported", &text);
    let loaded = load(&sources).unwrap_or_else(|error| panic!("{error}\n{text}"));
    (text, loaded.config)
}

fn problems(json: &str) -> Vec<String> {
    original(json).unwrap_err().problems
}

fn everything() -> Value {
    serde_json::json!({
        "device": {"id": "waybox-player", "name": "Waybox \"Player\""},
        "mpd": {"host": "music.local", "port": 6601},
        "content": {"storage_path": "/home/user/music", "playlists_path": "/home/user/music/playlists"},
        "audio": {"backend": "pipewire", "device": "hw:CARD=IQaudIODAC", "volume": 80},
        "dev_mode": true,
        "broker": {
            "device_id": "amora-7", "broker_url": "broker.local", "port": 8884, "username": "u", "password": "p#\"",
            "use_tls": true, "cert_file": "/c", "key_file": "/k", "ca_file": "/ca", "keep_alive": 30,
            "clean_session": false, "reconnect_on_failure": false, "max_reconnect_delay": 120,
            "topic_prefix": "a/b", "default_qos": 2, "client_id": "me"
        },
        "iot": {"connection_string": "HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0", "telemetry_interval": 30,
            "enable_direct_methods": false, "enable_device_twin": true},
        "logging": {"level": "WARNING", "file": "/var/log/x"},
        "status_updater": {"enabled": false, "update_interval": 1.0, "position_update_interval": 2,
            "full_update_interval": 7.5},
        "colour": "x\ny"
    })
}

#[test]
fn every_setting_of_the_original_is_taken_over_or_explained() {
    let (text, config) = imported(&everything());
    assert_eq!(config.device.id, "amora-7");
    assert_eq!(config.device.name, "Waybox \"Player\"");
    let player = config.player.unwrap();
    assert_eq!((player.host.as_str(), player.port), ("music.local", 6601));
    assert_eq!(player.music, std::path::Path::new("/home/user/music"));
    assert_eq!(
        (config.audio.device.as_str(), config.audio.volume.get()),
        ("hw:CARD=IQaudIODAC", 80)
    );
    assert_eq!(config.log.level, "warn");
    assert!(config.web.is_some());
    let mqtt = config.mqtt.unwrap();
    assert_eq!(
        (mqtt.host.as_str(), mqtt.port, mqtt.qos, mqtt.keep_alive),
        ("broker.local", Some(8884), 2, 30)
    );
    assert_eq!(
        (mqtt.username.as_deref(), mqtt.password.as_deref()),
        (Some("u"), Some("p#\""))
    );
    assert_eq!(
        (mqtt.topic_prefix.as_str(), mqtt.client_id.as_deref()),
        ("a/b", Some("me"))
    );
    assert!(!mqtt.clean_session);
    assert_eq!(mqtt.max_reconnect_delay.0, 120.0);
    assert_eq!(
        (mqtt.position_update_interval.0, mqtt.full_update_interval.0),
        (2.0, 7.5)
    );
    let tls = mqtt.tls.unwrap();
    assert!(tls.cert_file.is_some() && tls.key_file.is_some() && tls.ca_file.is_some());
    for explained in [
        "content.playlists_path",
        "audio.backend",
        "broker.reconnect_on_failure",
        "logging.file",
        "status_updater.enabled",
        "status_updater.update_interval",
        "colour",
    ] {
        assert!(text.contains(&format!("# {explained} = ")), "{explained}\n{text}");
    }
    let hub = config.iot_hub.unwrap();
    assert_eq!(
        hub.connection_string.as_deref(),
        Some("HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0")
    );
    assert_eq!(
        (hub.telemetry_interval.0, hub.direct_methods, hub.device_twin),
        (30.0, false, true)
    );
}

#[test]
fn a_hub_without_a_connection_string_is_none() {
    let iot = serde_json::json!({"iot": {"connection_string": "", "telemetry_interval": 30}});
    let (text, config) = imported(&iot);
    assert_eq!(config.iot_hub, None);
    assert!(text.contains("# iot.telemetry_interval = 30"), "{text}");
}

#[test]
fn the_smallest_document_gives_a_box_with_a_page() {
    let (_, config) = imported(&serde_json::json!({}));
    assert_eq!(
        config,
        Config {
            web: Some(crate::config::WebConfig::default()),
            ..Config::default()
        }
    );
}

#[test]
fn a_broker_without_tls_leaves_certificates_aside() {
    let (text, config) = imported(&serde_json::json!({
        "broker": {"broker_url": "mqtt://b:1884", "use_tls": false, "ca_file": "/ca", "password": null}
    }));
    let mqtt = config.mqtt.unwrap();
    assert_eq!((mqtt.host.as_str(), mqtt.port, mqtt.tls), ("b", Some(1884), None));
    assert!(text.contains("# broker.ca_file"), "{text}");
    let (_, config) = imported(&serde_json::json!({"broker": {"broker_url": "mqtts://b"}}));
    assert!(config.mqtt.unwrap().tls.is_some());
    let (text, config) = imported(&serde_json::json!({"status_updater": {"full_update_interval": 9}}));
    assert_eq!(config.mqtt, None);
    assert!(text.contains("# status_updater.full_update_interval"), "{text}");
}

#[test]
fn wrong_types_and_values_are_reported_at_once_by_json_path() {
    let found = problems(
        r##"{"device": {"id": "a box"}, "mpd": {"port": "6600"}, "audio": {"volume": 300, "backend": "oss", "device": 5},
            "dev_mode": "yes", "broker": {"use_tls": 1, "default_qos": 1.5, "cert_file": "/c", "topic_prefix": "#"},
            "logging": {"level": "LOUD"}, "iot": []}"##,
    );
    for path in [
        "$.device.id",
        "$.mpd.port",
        "$.audio.volume",
        "$.audio.backend",
        "$.audio.device",
        "$.dev_mode",
        "$.broker.use_tls",
        "$.broker.default_qos",
        "$.broker.topic_prefix",
        "$.logging.level",
        "$.iot",
        "`mqtt.tls.key_file`",
    ] {
        assert_eq!(
            found
                .iter()
                .filter(|found| found.starts_with(&format!("{path} ")))
                .count(),
            1,
            "{path}: {found:#?}"
        );
    }
    assert_eq!(found.len(), 12, "{found:#?}");
}

#[test]
fn what_is_no_json_object_is_refused() {
    assert!(problems("{\n  \"a\": }")[0].contains("line 2"));
    assert!(problems("[]")[0].starts_with("$ must be an object"));
    assert!(problems(&"[".repeat(10_000))[0].contains("not JSON"));
    assert!(problems(&" ".repeat(document::LIMIT + 1))[0].contains("larger than"));
}

proptest::proptest! {
    /// The same property as the fuzz target `config_import`.
    #[test]
    fn whatever_is_imported_can_be_loaded(
        section in "(device|mpd|content|audio|broker|iot|logging|status_updater|x)",
        key in "(id|name|host|port|storage_path|volume|device|broker_url|use_tls|ca_file|password|username|level|[a-z\"\\\\\n]{0,5})",
        value in proptest::prop_oneof![
            proptest::prelude::any::<i64>().prop_map(Value::from),
            proptest::prelude::any::<f64>().prop_map(Value::from),
            proptest::prelude::any::<bool>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
            "[a-z:/0-9.\\[\\]@]{0,12}".prop_map(Value::from),
        ],
    ) {
        let json = serde_json::json!({section: {key: value}});
        if original(&json.to_string()).is_ok() {
            imported(&json);
        }
    }

    #[test]
    fn no_text_makes_the_import_panic(text in ".{0,200}") {
        let _ = original(&text);
    }
}
