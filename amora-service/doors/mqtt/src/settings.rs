//! The configuration, checked and put into the terms of the session.

use crate::topics::Topics;
use crate::{MqttError, home_assistant, presence};
use amora_contract::config::{DeviceConfig, MqttConfig};
use amora_contract::units::Seconds;
use amora_link::backoff::Policy;
use amora_link::mqtt::{Options, Quality};
use amora_link::tls;
use std::time::Duration;

/// Largest `mqtt.max_message_size`: what the session can take in one piece, with room for the rest of the packet.
const LARGEST_LIMIT: usize = 15 << 20;

pub(crate) struct Settings {
    pub(crate) topics: Topics,
    pub(crate) link: Options,
    /// Of state, connection and responses.
    pub(crate) quality: Quality,
    /// Of events: at least 1, for there is nothing to strike out otherwise.
    pub(crate) events: Quality,
    pub(crate) full: Duration,
    pub(crate) playing: Duration,
    pub(crate) discovery: Option<String>,
    pub(crate) birth: Option<String>,
}

impl Settings {
    pub(crate) fn new(config: &MqttConfig, device: &DeviceConfig) -> Result<Self, MqttError> {
        let topics = Topics::new(config, device)?;
        let wrong = |field, reason| Err(MqttError::Setting { field, reason });
        if config.host.trim().is_empty() {
            return wrong("host", "is empty: name the broker's host");
        }
        if !(1024..=LARGEST_LIMIT).contains(&config.max_message_size) {
            return wrong("max_message_size", "must be from 1024 bytes to 15 MiB");
        }
        if config.password.is_some() && config.username.is_none() {
            return wrong("password", "needs a `username` beside it");
        }
        let quality = match config.qos {
            0 => Quality::AtMostOnce,
            1 => Quality::AtLeastOnce,
            // AWS IoT Core ends the connection of whoever uses QoS 2.
            2 if is_aws(&config.host) => Quality::AtLeastOnce,
            2 => Quality::ExactlyOnce,
            _ => return wrong("qos", "must be 0, 1 or 2"),
        };
        let reliable = quality.max(Quality::AtLeastOnce);
        let cap = interval("max_reconnect_delay", config.max_reconnect_delay)?;
        let prefix = config
            .home_assistant
            .as_ref()
            .map(|home_assistant| home_assistant.discovery_prefix.as_str());
        let birth = prefix.map(home_assistant::birth_topic);
        let mut subscriptions = vec![(topics.commands.clone(), reliable)];
        if let Some(birth) = &birth {
            subscriptions.push((topics.home_assistant("+"), reliable));
            subscriptions.push((birth.clone(), Quality::AtLeastOnce));
        }
        let client_id = config.client_id.clone();
        let link = Options {
            host: config.host.trim().to_owned(),
            port: config
                .port
                .unwrap_or(if config.tls.is_some() { 8883 } else { 1883 }),
            version: config.version,
            client_id: client_id.unwrap_or_else(|| format!("device-{}", device.id)),
            credentials: config
                .username
                .clone()
                .map(|name| (name, config.password.clone())),
            tls: config.tls.as_ref().map(tls::client).transpose()?,
            websocket: None,
            keep_alive: Duration::from_secs(config.keep_alive.into()),
            clean_session: config.clean_session,
            last_will: Some(presence::connection(&topics, "offline", quality, config.retain)),
            subscriptions,
            max_message_size: config.max_message_size,
            backoff: Policy {
                cap: cap.max(Policy::AMORA_MQTT.base),
                ..Policy::AMORA_MQTT
            },
        };
        Ok(Self {
            topics,
            link,
            quality,
            events: reliable,
            full: interval("full_update_interval", config.full_update_interval)?,
            playing: interval("position_update_interval", config.position_update_interval)?,
            discovery: prefix.map(|prefix| home_assistant::discovery_topic(prefix, &device.id)),
            birth,
        })
    }
}

fn interval(field: &'static str, seconds: Seconds) -> Result<Duration, MqttError> {
    let reason = "must be from 0.1 to 86400 seconds";
    match seconds.0 {
        length if (0.1..=86_400.0).contains(&length) => Ok(Duration::from_secs_f64(length)),
        _ => Err(MqttError::Setting { field, reason }),
    }
}

fn is_aws(host: &str) -> bool {
    host.trim_end_matches('.').ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(change: impl FnOnce(&mut MqttConfig)) -> Result<Settings, MqttError> {
        let mut config = MqttConfig::default();
        change(&mut config);
        Settings::new(&config, &DeviceConfig::default())
    }

    #[test]
    fn the_defaults_are_the_original_s() {
        let settings = settings(|_| {}).unwrap();
        assert_eq!(settings.link.client_id, "device-amora");
        assert_eq!(settings.link.port, 1883);
        assert_eq!(settings.link.backoff.cap, Duration::from_secs(300));
        let will = settings.link.last_will.unwrap();
        assert_eq!(will.topic, "amora/devices/amora/connection");
        assert!(will.retain);
    }

    #[test]
    fn aws_gets_neither_retained_messages_nor_qos_2() {
        let settings = settings(|config| {
            config.host = "abc-ats.iot.eu-central-1.amazonaws.com".to_owned();
            config.qos = 2;
            config.retain = false;
        })
        .unwrap();
        assert_eq!(settings.quality, Quality::AtLeastOnce);
        assert!(
            settings
                .link
                .subscriptions
                .iter()
                .all(|(_, quality)| *quality == Quality::AtLeastOnce)
        );
        assert!(!settings.link.last_will.unwrap().retain);
    }

    #[test]
    fn each_wrong_setting_is_named() {
        type Mistake = fn(&mut MqttConfig);
        let cases: [(&str, Mistake); 6] = [
            ("qos", |config| config.qos = 3),
            ("host", |config| config.host.clear()),
            ("max_message_size", |config| config.max_message_size = 10),
            ("password", |config| config.password = Some("x".to_owned())),
            ("full_update_interval", |config| {
                config.full_update_interval = Seconds(f64::NAN)
            }),
            ("max_reconnect_delay", |config| {
                config.max_reconnect_delay = Seconds(0.0)
            }),
        ];
        for (field, change) in cases {
            let error = settings(change).err().unwrap().to_string();
            assert!(error.contains(field), "{error}");
        }
    }
}
