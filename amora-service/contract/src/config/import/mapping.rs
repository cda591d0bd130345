//! Which setting of the original became which.

use super::Import;
use super::broker::broker_url;
use serde_json::{Map, Value};

/// What becomes of one of the original's settings.
enum Fate {
    /// It is this setting now.
    Is(&'static str),
    /// It is not needed any more, for this reason.
    Gone(&'static str),
    /// It needs a look at its value.
    Read(fn(&mut Import, &str, &Value)),
}

use Fate::{Gone, Is, Read};

/// Every setting of the original, section by section.
const ORIGINAL: [(&str, Fate); 36] = [
    ("device.id", Is("device.id")),
    ("device.name", Is("device.name")),
    ("mpd.host", Is("player.host")),
    ("mpd.port", Is("player.port")),
    ("content.storage_path", Is("player.music")),
    (
        "content.playlists_path",
        Gone("MPD keeps the playlists: `playlist_directory` in mpd.conf"),
    ),
    ("audio.backend", Read(backend)),
    ("audio.device", Read(device)),
    ("audio.volume", Is("audio.volume")),
    ("dev_mode", Read(development)),
    // Clients address the box by the broker's id: it comes after `device.id` and wins.
    ("broker.device_id", Is("device.id")),
    ("broker.broker_url", Read(broker)),
    ("broker.port", Is("mqtt.port")),
    ("broker.username", Is("mqtt.username")),
    ("broker.password", Is("mqtt.password")),
    ("broker.use_tls", Read(use_tls)),
    ("broker.cert_file", Is("mqtt.tls.cert_file")),
    ("broker.key_file", Is("mqtt.tls.key_file")),
    ("broker.ca_file", Is("mqtt.tls.ca_file")),
    ("broker.keep_alive", Is("mqtt.keep_alive")),
    ("broker.clean_session", Is("mqtt.clean_session")),
    ("broker.reconnect_on_failure", Read(reconnect)),
    ("broker.max_reconnect_delay", Is("mqtt.max_reconnect_delay")),
    ("broker.topic_prefix", Is("mqtt.topic_prefix")),
    ("broker.default_qos", Is("mqtt.qos")),
    ("broker.client_id", Is("mqtt.client_id")),
    ("iot.connection_string", Read(connection_string)),
    ("iot.telemetry_interval", Is("iot_hub.telemetry_interval")),
    ("iot.enable_direct_methods", Is("iot_hub.direct_methods")),
    ("iot.enable_device_twin", Is("iot_hub.device_twin")),
    ("logging.level", Read(log_level)),
    (
        "logging.file",
        Gone("the log goes to the journal: `journalctl -u amora-service`"),
    ),
    ("status_updater.enabled", Read(status_updates)),
    (
        "status_updater.update_interval",
        Gone("a change is published at once"),
    ),
    (
        "status_updater.position_update_interval",
        Is("mqtt.position_update_interval"),
    ),
    (
        "status_updater.full_update_interval",
        Is("mqtt.full_update_interval"),
    ),
];

/// Reads a whole document.
pub(super) fn read(json: &Map<String, Value>, import: &mut Import) {
    for (path, fate) in &ORIGINAL {
        let Some(value) = find(json, path).filter(|value| !value.is_null()) else {
            continue;
        };
        match fate {
            Is(setting) => import.set(setting, path, value.clone()),
            Gone(why) => import.note(path, value, why),
            Read(read) => read(import, path, value),
        }
    }
    for (key, value) in json {
        let prefix = format!("{key}.");
        let is_section = ORIGINAL.iter().any(|(path, _)| path.starts_with(&prefix));
        match value {
            Value::Null => {}
            Value::Object(section) if is_section => {
                for (name, value) in section {
                    unknown(&format!("{key}.{name}"), value, import);
                }
            }
            _ if is_section => import.problems.push(format!("$.{key} must be an object")),
            _ => unknown(key, value, import),
        }
    }
    without_broker(json, import);
    without_hub(import);
    without_tls(json, import);
}

fn find<'a>(json: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        Some((section, key)) => json.get(section)?.get(key),
        None => json.get(path),
    }
}

fn unknown(path: &str, value: &Value, import: &mut Import) {
    if !ORIGINAL.iter().any(|(known, _)| *known == path) {
        // What it is nobody knows: it might be a secret.
        let kind = match value {
            Value::Bool(_) | Value::Number(_) => value,
            _ => &Value::from("…"),
        };
        import.note(
            &super::super::settings::excerpt(path),
            kind,
            "the original's documents do not name this setting",
        );
    }
}

/// What belongs to the broker must not open the MQTT door by itself.
fn without_broker(json: &Map<String, Value>, import: &mut Import) {
    if json.get("broker").is_some_and(Value::is_object) {
        return;
    }
    let (broker, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut import.assignments)
        .into_iter()
        .partition(|known| known.setting.starts_with("mqtt."));
    import.assignments = rest;
    for assignment in broker {
        import.note(
            &assignment.json,
            &assignment.value,
            "there is no broker: see the section [mqtt]",
        );
    }
}

/// Without a connection string there is no hub, whatever else is said of one.
fn without_hub(import: &mut Import) {
    let has_hub = import
        .assignments
        .iter()
        .any(|known| known.setting == "iot_hub.connection_string");
    if has_hub {
        return;
    }
    let (hub, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut import.assignments)
        .into_iter()
        .partition(|known| known.setting.starts_with("iot_hub."));
    import.assignments = rest;
    for assignment in hub {
        import.note(
            &assignment.json,
            &assignment.value,
            "there is no connection string: see the section [iot_hub]",
        );
    }
}

/// Certificates do not switch TLS on by themselves.
fn without_tls(json: &Map<String, Value>, import: &mut Import) {
    let on = import
        .assignments
        .iter()
        .any(|known| known.setting == "mqtt.tls.enabled" && known.value != false);
    if on || find(json, "broker.use_tls").is_some_and(|value| !value.is_boolean()) {
        return;
    }
    let (tls, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut import.assignments)
        .into_iter()
        .partition(|known| known.setting.starts_with("mqtt.tls."));
    import.assignments = rest;
    for assignment in tls.iter().filter(|known| known.setting != "mqtt.tls.enabled") {
        import.note(
            &assignment.json,
            &assignment.value,
            "`use_tls` is off: it belongs into the section [mqtt.tls]",
        );
    }
}

fn text<'a>(import: &mut Import, path: &str, value: &'a Value) -> Option<&'a str> {
    if !value.is_string() {
        import.problems.push(format!("$.{path} must be text"));
    }
    value.as_str()
}

fn switch(import: &mut Import, path: &str, value: &Value) -> Option<bool> {
    if !value.is_boolean() {
        import.problems.push(format!("$.{path} must be true or false"));
    }
    value.as_bool()
}

fn backend(import: &mut Import, path: &str, value: &Value) {
    match text(import, path, value) {
        Some("pipewire" | "alsa" | "pulse") => {
            import.note(
                path,
                value,
                "the service owns the sound card and plays through ALSA itself",
            );
        }
        Some(_) => import
            .problems
            .push(format!("$.{path} must be \"pipewire\", \"alsa\" or \"pulse\"")),
        None => {}
    }
}

fn device(import: &mut Import, path: &str, value: &Value) {
    match text(import, path, value) {
        Some("default" | "") => import.set("audio.device", path, "auto"),
        Some(device) => import.set("audio.device", path, device),
        None => {}
    }
}

/// The original's development mode logged everything; the rest of what it did needs no switch here.
fn development(import: &mut Import, path: &str, value: &Value) {
    if switch(import, path, value) == Some(true) {
        import.set("log.level", path, "debug");
    }
}

fn broker(import: &mut Import, path: &str, value: &Value) {
    let Some(text) = text(import, path, value) else {
        return;
    };
    match broker_url(text) {
        Ok(broker) => {
            import.set("mqtt.host", path, broker.host);
            if let Some(port) = broker.port {
                import.set("mqtt.port", path, port);
            }
            if broker.tls == Some(true) {
                import.set("mqtt.tls.enabled", path, true);
            }
        }
        Err(message) => import.problems.push(format!("$.{path} {message}")),
    }
}

fn use_tls(import: &mut Import, path: &str, value: &Value) {
    if let Some(tls) = switch(import, path, value) {
        import.set("mqtt.tls.enabled", path, tls);
    }
}

fn reconnect(import: &mut Import, path: &str, value: &Value) {
    if switch(import, path, value) == Some(false) {
        import.note(path, value, "the box always connects again");
    }
}

fn connection_string(import: &mut Import, path: &str, value: &Value) {
    if let Some(text) = text(import, path, value).filter(|text| !text.is_empty()) {
        import.set("iot_hub.connection_string", path, text);
    }
}

fn log_level(import: &mut Import, path: &str, value: &Value) {
    let Some(level) = text(import, path, value) else {
        return;
    };
    let level = match level.to_uppercase().as_str() {
        "DEBUG" => "debug",
        "INFO" => "info",
        "WARNING" | "WARN" => "warn",
        "ERROR" | "CRITICAL" | "FATAL" => "error",
        _ => {
            let message = "must be \"DEBUG\", \"INFO\", \"WARNING\", \"ERROR\" or \"CRITICAL\"";
            return import.problems.push(format!("$.{path} {message}"));
        }
    };
    import.set("log.level", path, level);
}

fn status_updates(import: &mut Import, path: &str, value: &Value) {
    if switch(import, path, value) == Some(false) {
        import.note(path, value, "the state is always published");
    }
}
