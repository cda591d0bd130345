//! The topics of one box.

use crate::MqttError;
use amora_contract::config::{DeviceConfig, MqttConfig};

/// AWS IoT Core takes no topic with more slashes.
const DEEPEST: usize = 7;

/// `{prefix}/{device id}/{leaf}`.
#[derive(Debug, Clone)]
pub(crate) struct Topics {
    base: String,
    pub(crate) state: String,
    pub(crate) commands: String,
    pub(crate) responses: String,
    pub(crate) connection: String,
    pub(crate) events: String,
}

impl Topics {
    pub(crate) fn new(config: &MqttConfig, device: &DeviceConfig) -> Result<Self, MqttError> {
        let base = format!("{}/{}", config.topic_prefix.trim_matches('/'), device.id);
        let wrong = |reason| {
            Err(MqttError::Topic {
                topic: base.clone(),
                reason,
            })
        };
        if config.topic_prefix.is_empty() || device.id.is_empty() {
            return wrong("neither `mqtt.topic_prefix` nor `device.id` may be empty");
        }
        if base.contains(['+', '#', '\0']) || base.starts_with('$') || device.id.contains('/') {
            return wrong("`+`, `#` and a `$` in front are the broker's, and a device id has no `/`");
        }
        let leaf = |leaf: &str| format!("{base}/{leaf}");
        let topics = Self {
            state: leaf("state"),
            commands: leaf("commands"),
            responses: leaf("responses"),
            connection: leaf("connection"),
            events: leaf("events"),
            base: base.clone(),
        };
        if topics.home_assistant("+").matches('/').count() > DEEPEST {
            return wrong("a topic may have seven slashes; shorten `mqtt.topic_prefix`");
        }
        Ok(topics)
    }

    /// Where Home Assistant sends what it wants of one entity.
    pub(crate) fn home_assistant(&self, entity: &str) -> String {
        format!("{}/homeassistant/{entity}/set", self.base)
    }

    /// The entity, if `topic` is one of Home Assistant's command topics.
    pub(crate) fn entity<'a>(&self, topic: &'a str) -> Option<&'a str> {
        topic
            .strip_prefix(&self.base)?
            .strip_prefix("/homeassistant/")?
            .strip_suffix("/set")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(prefix: &str, id: &str) -> Result<Topics, MqttError> {
        let config = MqttConfig {
            topic_prefix: prefix.to_owned(),
            ..MqttConfig::default()
        };
        let device = DeviceConfig {
            id: id.to_owned(),
            ..DeviceConfig::default()
        };
        Topics::new(&config, &device)
    }

    #[test]
    fn topics_are_the_original_s() {
        let topics = topics("amora/devices", "kitchen").unwrap();
        assert_eq!(topics.commands, "amora/devices/kitchen/commands");
        assert_eq!(topics.responses, "amora/devices/kitchen/responses");
        assert_eq!(topics.entity(&topics.home_assistant("volume")), Some("volume"));
        assert_eq!(topics.entity(&topics.commands), None);
    }

    #[test]
    fn topics_that_cannot_work_are_refused() {
        for (prefix, id) in [
            ("", "a"),
            ("a", ""),
            ("a/+", "b"),
            ("a", "#"),
            ("$SYS", "b"),
            ("a/b/c/d/e/f", "g"),
            ("a", "b/c"),
        ] {
            assert!(topics(prefix, id).is_err(), "{prefix} {id}");
        }
    }
}
