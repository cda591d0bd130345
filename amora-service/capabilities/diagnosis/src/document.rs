//! What is taken out of documents, by name.

use crate::mask::Mask;
use amora_contract::config::{Kind, settings};
use serde_json::Value;

/// What stands in the place of a text that was taken out.
pub const REMOVED: &str = "(removed)";

/// Texts under these keys are about the people around the box, or name it.
const PERSONAL: [&str; 22] = [
    "address",
    "album",
    "album_artist",
    "artist",
    "composer",
    "device_id",
    "file",
    "genre",
    "host",
    "hostname",
    "id",
    "ip",
    "mac",
    "path",
    "performer",
    "playlist",
    "reference",
    "ssid",
    "station",
    "title",
    "url",
    "username",
];

/// Texts of the player that are no music.
const PLAYER: [&str; 3] = ["state", "replay_gain", "format"];

/// Settings whose text tells nothing of people, also where it is not the default.
const HARMLESS: [&str; 2] = ["log.level", "iot_hub.model_id"];

/// A text shorter than this is not looked for elsewhere: it would be found in every other word.
const SHORTEST: usize = 4;

/// Takes music, names and addresses out of a state document. What was there goes to `removed`.
pub fn state(state: &mut Value, removed: &mut Vec<String>) {
    if let Some(player) = state.get_mut("player") {
        walk(player, "", &mut |key, text| {
            if !PLAYER.contains(&key) {
                take(text, removed);
            }
        });
    }
    if let Some(Value::String(name)) = state.pointer_mut("/system/name") {
        take(name, removed);
    }
    personal(state, removed);
}

/// Takes addresses and references out of the records of updates.
pub fn updates(updates: &mut Value, removed: &mut Vec<String>) {
    personal(updates, removed);
}

/// Takes every secret out of a configuration, and every text that is not the default.
pub fn configuration(config: &mut Value, removed: &mut Vec<String>) {
    for setting in settings().values() {
        let pointer = format!("/{}", setting.path.replace('.', "/"));
        let Some(value) = config.pointer_mut(&pointer) else {
            continue;
        };
        let shown = match setting.kind {
            Kind::Integer(..) | Kind::Number(..) | Kind::Switch | Kind::Choice(_) | Kind::Section { .. } => {
                true
            }
            Kind::Text | Kind::List => {
                value.is_null()
                    || setting.default.as_ref() == Some(value)
                    || HARMLESS.contains(&setting.path.as_str())
            }
        };
        if !shown || setting.secret {
            walk(value, "", &mut |_, text| take(text, removed));
        }
    }
    // What no setting describes is not shown at all.
    personal(config, removed);
}

/// Masks the texts that are left.
pub fn texts(value: &mut Value, mask: &Mask) {
    walk(value, "", &mut |_, text| {
        if text != REMOVED {
            *text = mask.text(text);
        }
    });
}

fn personal(value: &mut Value, removed: &mut Vec<String>) {
    walk(value, "", &mut |key, text| {
        if PERSONAL.contains(&key) {
            take(text, removed);
        }
    });
}

fn take(text: &mut String, removed: &mut Vec<String>) {
    if text.is_empty() || text == REMOVED {
        return;
    }
    let taken = std::mem::replace(text, REMOVED.to_owned());
    if taken.chars().count() >= SHORTEST {
        removed.push(taken);
    }
}

/// Visits every text with the key that it, or the list that it is in, stands under.
fn walk(value: &mut Value, key: &str, visit: &mut dyn FnMut(&str, &mut String)) {
    match value {
        Value::String(text) => visit(key, text),
        Value::Array(values) => values.iter_mut().for_each(|value| walk(value, key, visit)),
        Value::Object(values) => {
            for (key, value) in values {
                walk(value, key, visit);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
