//! Settings from environment variables: `AMORA__PLAYER__HOST` for `player.host`, and the names of the original
//! AmoraOS and of its voice client, whose flags stand for the same.

use super::document::unknown;
use super::error::Problem;
use super::import::broker_url;
use super::layers::{Given, Origin};
use super::settings::{settings, switch};
use serde_json::Value;

/// The original's variables that stand for one setting each.
pub const ORIGINAL_VARIABLES: [(&str, &str); 19] = [
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
    ("NAILA_INPUT_DEVICE", "audio.capture_device"),
    ("NAILA_OUTPUT_DEVICE", "audio.device"),
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
    let names = ORIGINAL_VARIABLES.iter().map(|(name, _)| *name);
    let others = ["WAYBOX_DEV_MODE", "NAILA_LOG_LEVEL"];
    let fixed = FIXED_VARIABLES.iter().map(|(name, _)| *name);
    for name in names.chain(others).chain(fixed) {
        let value = variables
            .iter()
            .find(|(known, value)| known == name && !value.is_empty());
        if let Some((_, text)) = value {
            let origin = Origin::Environment(name.to_owned());
            original(name, text, origin, given, problems);
        }
    }
    let mut systematic: Vec<&(String, String)> = variables
        .iter()
        .filter(|(name, value)| name.starts_with("AMORA__") && !value.is_empty())
        .collect();
    systematic.sort();
    for (name, text) in systematic {
        let path = name["AMORA__".len()..].to_lowercase().replace("__", ".");
        setting(Origin::Environment(name.clone()), &path, text, given, problems);
    }
}

/// Reads what one of the originals' variables says. A flag of the voice client stands for the variable of its name.
pub(super) fn original(
    variable: &str,
    text: &str,
    origin: Origin,
    given: &mut Vec<Given>,
    problems: &mut Vec<Problem>,
) {
    let of = |names: &[(&str, &'static str)]| {
        let found = names.iter().find(|(name, _)| *name == variable);
        found.map(|(_, value)| *value)
    };
    match (variable, of(&FIXED_VARIABLES), of(&ORIGINAL_VARIABLES)) {
        ("AMORA_MQTT_BROKER", ..) => broker(text, &origin, given, problems),
        ("WAYBOX_DEV_MODE", ..) => development(text, origin, given, problems),
        ("NAILA_LOG_LEVEL", ..) => log_level(text, origin, given, problems),
        (_, Some(only), _) if text.trim() != only => {
            problems.push(Problem::whole(origin, format!("must be {only}, not {text:?}")));
        }
        (_, Some(_), _) => {}
        (_, _, Some(path)) => setting(origin, path, text, given, problems),
        (_, None, None) => unreachable!("{variable} is none of the originals' variables"),
    }
}

fn setting(origin: Origin, path: &str, text: &str, given: &mut Vec<Given>, problems: &mut Vec<Problem>) {
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
fn broker(text: &str, origin: &Origin, given: &mut Vec<Given>, problems: &mut Vec<Problem>) {
    let broker = match broker_url(text) {
        Ok(broker) => broker,
        Err(message) => return problems.push(Problem::of(origin.clone(), "mqtt.host", message)),
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
fn development(text: &str, origin: Origin, given: &mut Vec<Given>, problems: &mut Vec<Problem>) {
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
fn log_level(text: &str, origin: Origin, given: &mut Vec<Given>, problems: &mut Vec<Problem>) {
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
