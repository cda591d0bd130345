use super::super::{ConfigFile, load};
use super::*;
use crate::config::settings;
use serde_json::{Value, json};
use std::fs;

/// A box with a file of its own and a data folder.
struct Box(tempfile::TempDir);

impl Box {
    fn new(file: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().display();
        // The data folder first: what follows may open a section.
        fs::write(
            folder.path().join("amora.toml"),
            format!("device.data = \"{data}\"\n{file}"),
        )
        .unwrap();
        Self(folder)
    }

    fn sources(&self) -> Sources {
        Sources {
            user: ConfigFile::Named(self.0.path().join("amora.toml")),
            kept: true,
            ..Sources::default()
        }
    }

    fn try_configure(&self, settings: Value, replace: bool) -> Result<Configured, CommandError> {
        let Value::Object(settings) = settings else {
            panic!("{settings} is no object")
        };
        configure(&self.sources(), &Configure { settings, replace })
    }

    /// Configures, and keeps it as the service does.
    fn configure(&self, settings: Value, replace: bool) -> Configured {
        let configured = self.try_configure(settings, replace).unwrap();
        self.keep(&Value::Object(configured.document.clone()).to_string());
        assert_eq!(configured.file, self.0.path().join(kept::FILE));
        let loaded = load(&self.sources()).unwrap();
        let judged = &configured.loaded;
        assert_eq!(
            (&loaded.config, &loaded.origin),
            (&judged.config, &judged.origin),
            "it is read as it was judged"
        );
        configured
    }

    fn keep(&self, text: &str) {
        fs::write(self.0.path().join(kept::FILE), text).unwrap();
    }
}

#[test]
fn what_is_set_stands_between_the_file_and_the_environment() {
    let it = Box::new("[audio]\nperiod = 480\nperiods = 4\n[mqtt]\n");
    let configured = it.configure(
        json!({"audio": {"period": 960, "ducking": {"gain": -12}}, "log": {"level": "debug"}}),
        false,
    );
    let config = &configured.loaded.config;
    assert_eq!(
        (
            config.audio.period.0,
            config.audio.periods,
            config.audio.ducking.gain.0
        ),
        (960, 4, -12.0)
    );
    assert_eq!(
        configured.loaded.origin["audio.period"].to_string(),
        "system.configure"
    );
    assert!(configured.changed && configured.overridden.is_empty());

    let mut sources = it.sources();
    sources.environment = vec![("AMORA__AUDIO__PERIOD".to_owned(), "240".to_owned())];
    assert_eq!(load(&sources).unwrap().config.audio.period.0, 240);
    let change = Configure {
        settings: json!({"audio": {"period": 120}}).as_object().unwrap().clone(),
        replace: false,
    };
    let overridden = configure(&sources, &change).unwrap();
    assert_eq!(overridden.overridden["audio.period"], "AMORA__AUDIO__PERIOD");
    assert_eq!(overridden.loaded.config.audio.period.0, 240);
}

#[test]
fn null_and_replacement_return_to_what_the_file_says() {
    let it = Box::new("[audio]\nperiod = 480\n");
    it.configure(
        json!({"audio": {"period": 960, "ready_chime": false, "ducking": {"hold": 7}}}),
        false,
    );
    let configured = it.configure(json!({"audio": {"period": null}}), false);
    assert_eq!(configured.loaded.config.audio.period.0, 480);
    assert!(!configured.loaded.config.audio.ready_chime);
    let configured = it.configure(json!({"audio": {"ducking": null}}), false);
    assert_eq!(configured.loaded.config.audio.ducking.hold.0, 400);
    let configured = it.configure(json!({"log": {"level": "warn"}}), true);
    assert!(
        configured.loaded.config.audio.ready_chime,
        "it is not set any more"
    );
    assert_eq!(configured.loaded.config.log.level, "warn");
    let again = it.configure(json!({"log": {"level": "warn"}}), true);
    assert!(!again.changed);
    let none = it.configure(json!({}), true);
    assert_eq!(Value::Object(none.document), json!({}));
}

#[test]
fn a_change_with_a_mistake_is_refused_as_a_whole() {
    let deep = (0..100).fold(json!(1), |inner, _| json!({"a": inner}));
    let it = Box::new("[audio]\nperiods = 4\n");
    for (change, code, words) in [
        (
            json!({"audio": {"perod": 5}}),
            ErrorCode::InvalidParameter,
            "`audio.period`?",
        ),
        (json!({"audoi": null}), ErrorCode::InvalidParameter, "`audio`?"),
        (
            json!({"audio.period": 5}),
            ErrorCode::InvalidParameter,
            "no such setting",
        ),
        (json!({"audio": 5}), ErrorCode::InvalidParameter, "is a section"),
        (
            json!({"audio": {"period": "long"}}),
            ErrorCode::InvalidParameter,
            "from 16 to 8192",
        ),
        (
            json!({"audio": {"period": 480.5}}),
            ErrorCode::InvalidParameter,
            "from 16 to 8192",
        ),
        (
            json!({"audio": {"period": 5}}),
            ErrorCode::InvalidParameter,
            "from 16 to 8192",
        ),
        (
            json!({"audio": {"period": [480]}}),
            ErrorCode::InvalidParameter,
            "from 16 to 8192",
        ),
        (
            json!({"audio": {"access": "fast"}}),
            ErrorCode::InvalidParameter,
            "mmap",
        ),
        (
            json!({"audio": {"ready_chime": 1}}),
            ErrorCode::InvalidParameter,
            "true or false",
        ),
        (
            json!({"device": {"name": "a\nb"}}),
            ErrorCode::InvalidParameter,
            "one line",
        ),
        (
            json!({"audio": {"ducking": deep}}),
            ErrorCode::InvalidParameter,
            "no such setting",
        ),
        // Each by itself is right; together they are more than two seconds of sound.
        (
            json!({"audio": {"period": 8192, "periods": 32, "rate": 8000}}),
            ErrorCode::InvalidParameter,
            "two seconds",
        ),
        (
            json!({"player": {"resume": false}}),
            ErrorCode::InvalidParameter,
            "`[player]` is off",
        ),
        (
            json!({"device": {"id": "other"}}),
            ErrorCode::NotAllowed,
            "`device.id` is set in",
        ),
        (
            json!({"device": {"id": null}}),
            ErrorCode::NotAllowed,
            "`device.id` is set in",
        ),
        (
            json!({"web": {"allow": ["box.*"]}}),
            ErrorCode::NotAllowed,
            "web.allow",
        ),
        (
            json!({"mqtt": {"password_file": "/etc/shadow"}}),
            ErrorCode::NotAllowed,
            "mqtt.password_file",
        ),
        (
            json!({"player": {"enabled": false}}),
            ErrorCode::NotAllowed,
            "player.enabled",
        ),
    ] {
        let mut whole = change.clone();
        whole["log"] = json!({"level": "trace"});
        let refused = it.try_configure(whole, false).unwrap_err();
        assert_eq!(refused.code, code, "{change}: {refused}");
        assert!(refused.message.contains(words), "{change}: {refused}");
        assert!(refused.message.len() < 1024, "{change}: {refused}");
        assert!(refused.field.unwrap().starts_with("settings."), "{change}");
    }
    let many: Map<String, Value> = (0..1000).map(|n| (format!("setting{n}"), json!(n))).collect();
    let refused = it.try_configure(Value::Object(many), false).unwrap_err();
    assert!(refused.message.ends_with("; and 992 more"), "{refused}");
    let refused = it
        .try_configure(json!({"device": {"name": "n".repeat(kept::LIMIT)}}), false)
        .unwrap_err();
    assert!(refused.message.contains("64 KiB"), "{refused}");
}

#[test]
fn a_whole_number_may_come_with_a_point() {
    let it = Box::new("");
    let configured = it.configure(json!({"audio": {"period": 480.0}}), false);
    assert_eq!(configured.loaded.config.audio.period.0, 480);
}

#[test]
fn what_does_not_fit_any_more_does_not_stand_in_the_way_of_a_start() {
    let it = Box::new("[audio]\nperiods = 4\n");
    for (kept, warning, period) in [
        ("not JSON", "no JSON object", 240),
        ("[1]", "no JSON object", 240),
        (r#"{"audio": {"period": 480, "gone": 1}}"#, "audio.gone", 480),
        (
            r#"{"audio": {"period": 480}, "device": {"id": "x"}}"#,
            "device.id",
            480,
        ),
        (
            r#"{"audio": {"period": 480}, "mqtt": {"position_update_interval": 2}}"#,
            "[mqtt]",
            480,
        ),
        (
            r#"{"audio": {"period": 8192, "periods": 32, "rate": 8000}}"#,
            "two seconds",
            240,
        ),
    ] {
        it.keep(kept);
        let loaded = load(&it.sources()).unwrap();
        assert!(loaded.config.mqtt.is_none(), "{kept}");
        assert_eq!(loaded.config.device.id, "amora", "{kept}");
        assert_eq!(loaded.config.audio.period.0, period, "{kept}");
        assert_eq!(loaded.warnings.len(), 1, "{kept}: {:?}", loaded.warnings);
        assert!(loaded.warnings[0].contains(warning), "{:?}", loaded.warnings);
    }
    it.keep(r#"{"audio": {"period": 480, "gone": 1}}"#);
    it.configure(json!({"audio": {"ready_chime": false}}), false);
}

#[test]
fn files_with_mistakes_are_told_as_such() {
    let it = Box::new("[audio]\nperiod = 1\n");
    let refused = it
        .try_configure(json!({"audio": {"ready_chime": false}}), false)
        .unwrap_err();
    assert_eq!(refused.code, ErrorCode::Failed);
    assert!(refused.message.contains("amora.toml:3"), "{refused}");
}

#[test]
fn a_section_that_is_switched_off_stays_off() {
    let it = Box::new("[player]\nenabled = false\n");
    let refused = it
        .try_configure(json!({"player": {"resume": false}}), false)
        .unwrap_err();
    assert!(refused.message.contains("`[player]` is off"), "{refused}");
    let it = Box::new("[player]\n");
    let configured = it.configure(json!({"player": {"resume": false}}), false);
    assert!(!configured.loaded.config.player.unwrap().resume);
}

#[test]
fn nothing_that_could_cut_a_box_off_or_open_it_is_remote() {
    let ends = [
        "id",
        "data",
        "host",
        "port",
        "address",
        "socket",
        "allow",
        "allowed_origins",
        "open_status",
        "enabled",
        "key",
        "password",
        "username",
        "connection_string",
        "model_id",
        "direct_methods",
        "device_twin",
        "device",
        "swupdate",
        "helper",
        "max_size",
        "oldest_boot_loader",
        "fifo",
        "recorder",
        "music",
        "tls",
    ];
    let remote: Vec<_> = settings().values().filter(|setting| setting.remote).collect();
    assert!(!remote.is_empty());
    for setting in remote {
        let path = setting.path.as_str();
        let last = path.rsplit('.').next().unwrap();
        assert!(!setting.secret && !setting.optional, "{path}");
        assert!(!ends.contains(&last) && !last.ends_with("_file"), "{path}");
        let guarded = [
            "setup.",
            "web.",
            "mqtt.tls.",
            "iot_hub.tls.",
            "iot_hub.provisioning.",
            "update.trial_",
        ];
        assert!(!guarded.iter().any(|guarded| path.starts_with(guarded)), "{path}");
    }
}
