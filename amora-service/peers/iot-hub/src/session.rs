//! One MQTT connection as the core sees it: who is at its end, and what goes out on it.

use rumqttc_v4::mqttbytes::QoS;
use rumqttc_v4::mqttbytes::v4::{Packet, Publish};
use serde::Serialize;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;

/// The longest the service waits for a packet, whatever keep-alive the client asked for.
const LONGEST_SILENCE: Duration = Duration::from_secs(1767);

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// The client said that it goes.
    Client,
    /// The connection broke.
    Broken,
    /// The client was silent for 1.5 times its keep-alive.
    KeepAlive,
    /// The same device connected again.
    Replaced,
    /// The time of its token was over.
    TokenExpired,
    /// The device was removed, disabled or sent away by the service side.
    Service,
    /// It published to a topic that the hub does not have.
    Topic,
    /// It published with quality of service 2.
    QualityOfService,
    /// A message was larger than 256 KB.
    Size,
    /// The hub's quota of messages is used up.
    Quota,
    /// What it sent is not MQTT 3.1.1, or not at this point.
    Protocol,
}

/// What goes out on a connection.
pub(crate) enum Output {
    Send(Packet),
    Close(CloseReason),
    /// Something the connection waits for may have changed: the clock.
    Look,
}

/// The way to a connection's task. The other end never waits for it.
#[derive(Clone)]
pub(crate) struct Line(mpsc::UnboundedSender<Output>);

impl Line {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Output>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    pub(crate) fn send(&self, packet: Packet) {
        let _ = self.0.send(Output::Send(packet));
    }

    /// Publishes without asking for an acknowledgement.
    pub(crate) fn publish(&self, topic: String, payload: Vec<u8>) {
        self.send(Packet::Publish(Publish::new(topic, QoS::AtMostOnce, payload)));
    }

    pub(crate) fn close(&self, reason: CloseReason) {
        let _ = self.0.send(Output::Close(reason));
    }

    pub(crate) fn look(&self) {
        let _ = self.0.send(Output::Look);
    }
}

/// Who is at the far end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    Device { hub: String, device: String },
    Registration { id: String },
}

/// A connection that was let in.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// Unique among all connections there ever were.
    pub(crate) id: u64,
    pub(crate) role: Role,
    /// When the password's time is over.
    pub(crate) expiry: Option<SystemTime>,
    /// Whether the service knew a subscription from before.
    pub(crate) session_present: bool,
}

/// How long the service waits for a packet of a client with this keep-alive (seconds).
pub(crate) fn silence(keep_alive: u16) -> Duration {
    match keep_alive {
        0 => LONGEST_SILENCE,
        seconds => LONGEST_SILENCE.min(Duration::from_secs(seconds.into()).mul_f32(1.5)),
    }
}

/// The parts of a user name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UserName {
    Device {
        hub: String,
        id: String,
        model: Option<String>,
    },
    Registration {
        scope: String,
        id: String,
    },
}

/// API versions a user name may ask for; the second list is the provisioning service's.
const HUB_VERSIONS: [&str; 9] = [
    "2016-11-14",
    "2017-06-30",
    "2018-06-30",
    "2019-03-30",
    "2019-10-01",
    "2020-03-13",
    "2020-05-31-preview",
    "2020-09-30",
    "2021-04-12",
];
const PROVISIONING_VERSIONS: [&str; 3] = ["2018-11-01", "2019-03-31", "2021-06-01"];
/// A model id needs this version or a later one.
const FIRST_WITH_MODELS: &str = "2020-05-31-preview";

impl UserName {
    /// Reads `{hub}/{device}/?api-version=…[&model-id=…]` or `{scope}/registrations/{id}/api-version=…`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, rest) = text.split_once('/')?;
        let (rest, registration) = match rest.strip_prefix("registrations/") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (id, query) = rest.split_once('/')?;
        if host.is_empty() || id.is_empty() {
            return None;
        }
        let query = crate::topic::properties(query)?;
        let value = |name: &str| {
            query
                .iter()
                .find(|(key, _)| key == name)
                .and_then(|(_, value)| value.clone())
        };
        let version = value("api-version")?;
        let (host, id) = (host.to_owned(), id.to_owned());
        if registration {
            return PROVISIONING_VERSIONS
                .contains(&version.as_str())
                .then_some(Self::Registration { scope: host, id });
        }
        let model = value("model-id");
        let known = HUB_VERSIONS.contains(&version.as_str());
        let modelled = model.is_none() || version.as_str() >= FIRST_WITH_MODELS;
        (known && modelled).then_some(Self::Device { hub: host, id, model })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_of_devices_are_read() {
        let name = "h.azure-devices.net/box/?api-version=2021-04-12&model-id=dtmi%3Aazure%3Amodel%3B3";
        let wanted = UserName::Device {
            hub: "h.azure-devices.net".into(),
            id: "box".into(),
            model: Some("dtmi:azure:model;3".into()),
        };
        assert_eq!(UserName::parse(name), Some(wanted));
        assert!(
            UserName::parse("h/box/api-version=2016-11-14").is_some(),
            "the oldest form"
        );
    }

    #[test]
    fn user_names_of_registrations_are_read() {
        let wanted = UserName::Registration {
            scope: "0ne1".into(),
            id: "box".into(),
        };
        let name = "0ne1/registrations/box/api-version=2019-03-31&ClientVersion=x%2F1";
        assert_eq!(UserName::parse(name), Some(wanted));
    }

    #[test]
    fn user_names_without_a_known_version_are_refused() {
        for name in [
            "",
            "h",
            "h/box",
            "h/box/",
            "h/box/?model-id=x",
            "h/box/?api-version=1999-01-01",
            "h//?api-version=2021-04-12",
            "/box/?api-version=2021-04-12",
            "h/box/?api-version=2019-10-01&model-id=x",
            "0ne1/registrations/box/api-version=2021-04-12",
        ] {
            assert_eq!(UserName::parse(name), None, "{name}");
        }
    }

    #[test]
    fn the_service_waits_one_and_a_half_keep_alives_up_to_its_limit() {
        assert_eq!(silence(60), Duration::from_secs(90));
        assert_eq!(silence(1178), LONGEST_SILENCE);
        assert_eq!(silence(0), LONGEST_SILENCE);
    }
}
