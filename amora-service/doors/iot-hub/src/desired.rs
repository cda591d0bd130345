//! Desired properties: the configuration, and the original's names, read into commands, and the answers that Plug and
//! Play has for them.
//!
//! | Property | Value | What it does |
//! |---|---|---|
//! | `config` | settings, nested as in the configuration file | all that `system.configure` is to have set, and nothing else |
//! | `volume` | 0 to 100 | sets the volume |
//! | `repeat`, `random` | true or false | sets the mode |
//! | `telemetry_interval` | seconds, 0 for none | time between status messages; the configured one again once it is removed |
//! | `command` | `{"action", "parameters"}` | carries out one of the [original's methods](crate::dialect), or a command |
//! | `audio` | `{"volume"}` | sets the volume |
//! | `content` | `{"default_playlist"}` | appends a playlist to the queue |
//!
//! Each is answered in the reported property of the same name: `{"value", "ac", "ad", "av"}`. A value that was answered
//! with 200 before is not carried out again, neither after a reconnect nor after a restart; but for `config` and
//! `telemetry_interval`, of which the same again changes nothing, and which hold on a box that has forgotten them.

use crate::dialect::{self, Answer};
use amora_contract::commands::{Configure, SystemCommand};
use amora_contract::config::{Kind, settings};
use amora_contract::units::Seconds;
use amora_contract::{Command, Reply};
use amora_link::iot_hub::twin::merge;
use serde_json::{Map, Value, json};

/// What a desired property asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// These commands, in order.
    Commands(Vec<Command>),
    /// These settings, and none else, are to be set by command.
    Settings(Map<String, Value>),
    /// This time between status messages.
    Interval(Seconds),
    /// It is a component's, and not the door's to answer.
    Component,
}

/// Why a desired property is refused: a status, and words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// 400 and the like.
    pub status: u16,
    /// What would be right.
    pub reason: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { status, reason }
    }
}

impl From<Answer> for Refusal {
    fn from(answer: Answer) -> Self {
        let reason = answer.body["message"].as_str().unwrap_or_default();
        Self::new(answer.status, reason)
    }
}

/// Reads one desired property. Nothing of it is done where a part of it is wrong.
///
/// # Errors
/// What is wrong with it.
pub fn read(name: &str, value: &Value) -> Result<Wish, Refusal> {
    let command = |method: &str, payload: Value| {
        let payload = payload.to_string();
        dialect::method(method, payload.as_bytes())
            .map(|asked| asked.command)
            .map_err(Refusal::from)
    };
    let volume = |value: &Value| match value.as_f64() {
        Some(level) if (0.0..=100.0).contains(&level) => command("setVolume", json!({"volume": value})),
        _ => Err(Refusal::new(400, "the volume must be a number from 0 to 100")),
    };
    if value.get("__t").is_some_and(|mark| mark == "c") {
        return Ok(Wish::Component);
    }
    match name {
        "config" => match value {
            Value::Object(settings) => Ok(Wish::Settings(settings.clone())),
            _ => Err(Refusal::new(
                400,
                "`config` must be an object: settings, nested as in the configuration file",
            )),
        },
        "volume" => Ok(Wish::Commands(vec![volume(value)?])),
        "repeat" | "random" if !value.is_boolean() => {
            Err(Refusal::new(400, format!("`{name}` must be true or false")))
        }
        "repeat" => Ok(Wish::Commands(vec![command(
            "setRepeat",
            json!({"repeat": value}),
        )?])),
        "random" => Ok(Wish::Commands(vec![command(
            "setRandom",
            json!({"random": value}),
        )?])),
        "telemetry_interval" => interval(value).map(Wish::Interval),
        "command" => {
            let action = value.get("action").and_then(Value::as_str);
            let action = action.ok_or_else(|| Refusal::new(400, "`command` needs an `action`"))?;
            let parameters = value.get("parameters").cloned().unwrap_or(Value::Null);
            Ok(Wish::Commands(vec![command(action, parameters)?]))
        }
        "audio" => parts(name, value, |key, value| match key {
            "volume" => volume(value),
            "device" => Err(Refusal::new(
                403,
                "the card is set on the box itself: `audio.device` in its configuration",
            )),
            _ => Err(unknown(&format!("audio.{key}"))),
        }),
        "content" => parts(name, value, |key, value| match (key, value) {
            ("default_playlist", Value::String(_)) => command("loadPlaylist", json!({"playlist": value})),
            ("default_playlist", _) => Err(Refusal::new(400, "`default_playlist` must be a name")),
            ("sync_enabled", _) => Err(Refusal::new(
                501,
                "this box does not copy music from the cloud; it plays what is in its music folder",
            )),
            _ => Err(unknown(&format!("content.{key}"))),
        }),
        _ => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> Refusal {
    let shown: String = name.chars().take(64).collect();
    Refusal::new(404, format!("there is no property `{shown}`"))
}

fn parts(
    name: &str,
    value: &Value,
    read: impl Fn(&str, &Value) -> Result<Command, Refusal>,
) -> Result<Wish, Refusal> {
    let Value::Object(given) = value else {
        return Err(Refusal::new(400, format!("`{name}` must be an object")));
    };
    let commands: Result<_, _> = given.iter().map(|(key, value)| read(key, value)).collect();
    commands.map(Wish::Commands)
}

/// The interval, by the rule that it has in the configuration.
fn interval(value: &Value) -> Result<Seconds, Refusal> {
    let kind = settings()
        .get("iot_hub.telemetry_interval")
        .map(|setting| &setting.kind);
    match (kind, value.as_f64()) {
        (Some(Kind::Number(least, most)), Some(seconds)) if (*least..=*most).contains(&seconds) => {
            Ok(Seconds(seconds))
        }
        (Some(kind), _) => Err(Refusal::new(400, format!("must be {kind}"))),
        (None, _) => Err(unknown("telemetry_interval")),
    }
}

/// The command that makes the settings of the cloud the only ones that were set by command.
pub fn configure(settings: Map<String, Value>) -> Command {
    let replace = true;
    SystemCommand::Configure(Configure { settings, replace }).into()
}

/// What a change of settings has to tell, beyond that it was carried out.
pub fn remark(reply: &Reply) -> String {
    let Reply::Configure(reply) = reply else {
        return String::new();
    };
    let waiting = reply
        .needs_restart
        .iter()
        .map(|path| format!("`{path}` waits for a restart"));
    let overridden = reply
        .overridden
        .iter()
        .map(|(path, origin)| format!("`{path}` is kept, but {origin} wins over it"));
    waiting.chain(overridden).collect::<Vec<_>>().join("; ")
}

/// The reported answer to a desired property: what there is to say, or why it was refused.
pub fn acknowledgement(value: &Value, version: u64, outcome: Result<&str, &Refusal>) -> Value {
    let (status, words) = match outcome {
        Ok(words) => (200, words),
        Err(refusal) => (refusal.status, refusal.reason.as_str()),
    };
    json!({"value": value, "ac": status, "ad": words, "av": version})
}

/// Whether this is the answer to a desired property.
pub fn is_acknowledgement(reported: &Value) -> bool {
    reported.get("ac").is_some_and(Value::is_number) && reported.get("av").is_some_and(Value::is_number)
}

/// Whether `reported` says that this value was carried out.
pub fn was_done(reported: &Value, value: &Value) -> bool {
    is_acknowledgement(reported)
        && reported["ac"] == 200
        && reported
            .get("value")
            .is_some_and(|done| merge::equal(done, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(name: &str, value: Value) -> Vec<(String, Value)> {
        match read(name, &value) {
            Ok(Wish::Commands(commands)) => commands
                .iter()
                .map(|command| (command.name().to_owned(), command.params()))
                .collect(),
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn the_original_s_properties_become_commands() {
        let one = |command: &str, params| vec![(command.to_owned(), params)];
        assert_eq!(
            commands("volume", json!(30)),
            one("audio.set_volume", json!({"volume": 30}))
        );
        assert_eq!(
            commands("repeat", json!(true)),
            one("player.set_repeat", json!({"repeat": true}))
        );
        assert_eq!(
            commands("random", json!(false)),
            one("player.set_random", json!({"random": false}))
        );
        assert_eq!(
            commands(
                "command",
                json!({"action": "setVolume", "parameters": {"volume": 5}})
            ),
            one("audio.set_volume", json!({"volume": 5}))
        );
        assert_eq!(commands("command", json!({"action": "play"})).len(), 1);
        assert_eq!(
            commands("audio", json!({"volume": 1})),
            one("audio.set_volume", json!({"volume": 1}))
        );
        assert_eq!(
            commands("content", json!({"default_playlist": "a"})),
            one("player.queue_playlist", json!({"playlist": "a"}))
        );
        assert_eq!(
            read("config", &json!({"audio": {"period": 480}})),
            Ok(Wish::Settings(Map::from_iter([(
                "audio".to_owned(),
                json!({"period": 480})
            )])))
        );
        assert_eq!(
            read("telemetry_interval", &json!(5)),
            Ok(Wish::Interval(Seconds(5.0)))
        );
        assert_eq!(
            read("deviceUpdate", &json!({"__t": "c", "service": {}})),
            Ok(Wish::Component)
        );
    }

    #[test]
    fn what_is_wrong_is_refused_as_a_whole_with_words_that_help() {
        let cases = [
            ("config", json!([]), 400, "must be an object"),
            ("volume", json!("loud"), 400, "0 to 100"),
            ("volume", json!(101), 400, "0 to 100"),
            ("repeat", json!(1), 400, "true or false"),
            ("random", json!("true"), 400, "true or false"),
            ("telemetry_interval", json!(-1), 400, "0 to 86400"),
            ("telemetry_interval", json!([]), 400, "0 to 86400"),
            ("command", json!("play"), 400, "action"),
            ("command", json!({"action": "dance"}), 400, "not implemented"),
            ("command", json!({"action": "setVolume"}), 400, "Invalid payload"),
            (
                "audio",
                json!({"volume": 5, "device": "hw:0"}),
                403,
                "audio.device",
            ),
            ("audio", json!({"colour": 5}), 404, "audio.colour"),
            ("audio", json!(5), 400, "object"),
            ("content", json!({"sync_enabled": true}), 501, "music folder"),
            ("colour", json!(5), 404, "colour"),
        ];
        for (name, value, status, words) in cases {
            let refusal = read(name, &value).unwrap_err();
            assert_eq!(refusal.status, status, "{name} {value}");
            assert!(
                refusal.reason.contains(words),
                "{name} {value}: {}",
                refusal.reason
            );
        }
    }

    #[test]
    fn a_value_is_done_once() {
        let done = acknowledgement(&json!({"action": "play", "n": 1.0}), 3, Ok(""));
        assert_eq!(done["av"], 3);
        assert!(was_done(&done, &json!({"action": "play", "n": 1})));
        assert!(!was_done(&done, &json!({"action": "pause", "n": 1})));
        let refused = acknowledgement(&json!(1), 3, Err(&Refusal::new(503, "later")));
        assert_eq!((&refused["ac"], &refused["ad"]), (&json!(503), &json!("later")));
        assert!(!was_done(&refused, &json!(1)), "it is tried again");
        assert!(!is_acknowledgement(&json!(60)) && !is_acknowledgement(&json!({"value": 1})));
    }
}
