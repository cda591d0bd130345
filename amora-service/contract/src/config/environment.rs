//! Settings from environment variables: `AMORA__PLAYER__HOST` for `player.host`, and the names of the original
//! AmoraOS and of its voice client.

use super::document::unknown;
use super::error::Problem;
use super::import::broker_url;
use super::layers::{Given, Origin};
use super::settings::{settings, switch};
use serde_json::Value;

/// The original's variables that stand for one setting each.
pub const ORIGINAL_VARIABLES: [(&str, &str); 17] = [
    ("WAYBOX_DEVICE_ID", "device.id"),
    ("WAYBOX_MPD_HOST", "player.host"),
    ("WAYBOX_MPD_PORT", "player.port"),
    ("WAYBOX_CONTENT_PATH", "player.music"),
    ("WAYBOX_AUDIO_VOLUME", "audio.volume"),
    ("AMORA_DEVICE_ID", "device.id"),
    ("AMORA_MQTT_BROKER", "mqtt.host"),
    ("AMORA_MQTT_PORT", "mqtt.port"),
    ("AMORA_MQTT_USERNAME", "mqtt.username"),
    ("AMORA_MQTT_PASSWORD", "mqtt.password"),
    ("AMORA_MQTT_USE_TLS", "mqtt.tls.enabled"),
    ("AMORA_DEVICE_CONNECTION_STRING", "iot_hub.connection_string"),
    ("AMORA_IOT_CONNECTION_STRING", "iot_hub.connection_string"),
    ("NAILA_HUB_URL", "voice.hub_url"),
    ("NAILA_DEVICE_ID", "voice.device_id"),
    ("NAILA_RECONNECT_DELAY", "voice.reconnect_delay"),
    ("NAILA_MAX_RECONNECT_DELAY", "voice.max_reconnect_delay"),
];

/// The voice client's variables for what cannot be another way here.
const FIXED_VARIABLES: [(&str, &str); 3] = [
    ("NAILA_SAMPLE_RATE", "48000"),
    ("NAILA_FRAME_DURATION_MS", "20"),
    ("NAILA_CHANNELS", "1"),
];

/// Reads the settings among the variables. The order of `variables` does not matter: the original's names come
/// first, so that the systematic ones win. Empty variables count as missing.
pub(super) fn read(variables: &[(String, String)], given: &mut Vec<Given>, problems: &mut Vec<Problem>) {
    let value = |name: &str| {
        variables
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    };
    for (name, path) in ORIGINAL_VARIABLES {
        match value(name) {
            Some(url) if name == "AMORA_MQTT_BROKER" => broker(url, given, problems),
            Some(text) => setting(name, path, text, given, problems),
            None => {}
        }
    }
    if let Some(text) = value("WAYBOX_DEV_MODE") {
        development(text, given, problems);
    }
    if let Some(text) = value("NAILA_LOG_LEVEL") {
        log_level(text, given, problems);
    }
    for (name, only) in FIXED_VARIABLES {
        if let Some(text) = value(name)
            && text.trim() != only
        {
            let origin = Origin::Environment(name.to_owned());
            problems.push(Problem::whole(origin, format!("must be {only}, not {text:?}")));
        }
    }
    let mut systematic: Vec<&(String, String)> = variables
        .iter()
        .filter(|(name, value)| name.starts_with("AMORA__") && !value.is_empty())
        .collect();
    systematic.sort();
    for (name, text) in systematic {
        let path = name["AMORA__".len()..].to_lowercase().replace("__", ".");
        setting(name, &path, text, given, problems);
    }
}

fn setting(name: &str, path: &str, text: &str, given: &mut Vec<Given>, problems: &mut Vec<Problem>) {
    let origin = Origin::Environment(name.to_owned());
    let Some(setting) = settings().get(path) else {
        let (prefix, last) = path.rsplit_once('.').unwrap_or(("", path));
        problems.push(unknown(origin, path, prefix, last));
        return;
    };
    match setting.read(text) {
        Ok(value) => given.push(Given {
            path: path.to_owned(),
            value,
            origin,
        }),
        Err(message) => problems.push(Problem::of(origin, path, message)),
    }
}

/// The broker may be given as a host or as a whole URL.
fn broker(text: &str, given: &mut Vec<Given>, problems: &mut Vec<Problem>) {
    let origin = Origin::Environment("AMORA_MQTT_BROKER".to_owned());
    let broker = match broker_url(text) {
        Ok(broker) => broker,
        Err(message) => return problems.push(Problem::of(origin, "mqtt.host", message)),
    };
    let mut push = |path: &str, value: Value| {
        given.push(Given {
            path: path.to_owned(),
            value,
            origin: origin.clone(),
        });
    };
    push("mqtt.host", Value::from(broker.host));
    if let Some(port) = broker.port {
        push("mqtt.port", Value::from(port));
    }
    if let Some(tls) = broker.tls {
        push("mqtt.tls.enabled", Value::from(tls));
    }
}

/// The original's development mode logged everything; the rest of what it did needs no switch here.
fn development(text: &str, given: &mut Vec<Given>, problems: &mut Vec<Problem>) {
    let origin = Origin::Environment("WAYBOX_DEV_MODE".to_owned());
    match switch(text) {
        Some(true) => given.push(Given {
            path: "log.level".to_owned(),
            value: Value::from("debug"),
            origin,
        }),
        Some(false) => {}
        None => problems.push(Problem::whole(
            origin,
            format!("must be true or false, not {text:?}"),
        )),
    }
}

/// The voice client's levels are those of Python.
fn log_level(text: &str, given: &mut Vec<Given>, problems: &mut Vec<Problem>) {
    let origin = Origin::Environment("NAILA_LOG_LEVEL".to_owned());
    let level = match text.trim().to_ascii_uppercase().as_str() {
        "DEBUG" => "debug",
        "INFO" => "info",
        "WARNING" | "WARN" => "warn",
        "ERROR" | "CRITICAL" => "error",
        _ => {
            let message = format!("must be DEBUG, INFO, WARNING, ERROR or CRITICAL, not {text:?}");
            return problems.push(Problem::whole(origin, message));
        }
    };
    given.push(Given {
        path: "log.level".to_owned(),
        value: Value::from(level),
        origin,
    });
}
