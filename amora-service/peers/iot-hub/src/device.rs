//! A device in a hub's registry.

use crate::message::Waiting;
use crate::session::{CloseReason, Line};
use crate::twin::Twin;
use rumqttc_v4::mqttbytes::QoS;
use rumqttc_v4::mqttbytes::v4::LastWill;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// How a device proves who it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum Authentication {
    /// A token signed with one of two keys, both Base64.
    #[serde(rename = "sas")]
    SymmetricKey {
        /// The first key.
        primary: String,
        /// The second: devices can be moved from one to the other.
        #[serde(default)]
        secondary: String,
    },
    /// A certificate known by its SHA-1 or SHA-256 in hexadecimal.
    #[serde(rename = "selfSigned")]
    Thumbprint {
        /// The first certificate.
        primary: String,
        /// The second, while a device changes its own.
        #[serde(default)]
        secondary: String,
    },
    /// A certificate with the device id as its common name, issued by an authority that the hub trusts.
    CertificateAuthority,
}

/// What a hub does with a device's telemetry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TelemetryRule {
    /// Takes and acknowledges it.
    #[default]
    Accept,
    /// Takes it, but the acknowledgement is lost.
    LoseAcknowledgement,
    /// It is lost on its way.
    Lose,
    /// Ends the connection, as when the day's quota is used up.
    QuotaExceeded,
}

/// What went on with a device's connections, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// It was let in.
    Connected,
    /// It was refused, with this MQTT return code.
    Refused(u8),
    /// Its connection ended.
    Closed(CloseReason),
}

/// Only this much of the past is kept.
const HAPPENINGS: usize = 10_000;

pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) authentication: Authentication,
    pub(crate) enabled: bool,
    pub(crate) twin: Twin,
    pub(crate) model: Option<String>,
    pub(crate) connection: Option<Connection>,
    /// The subscriptions that the device left with the hub, by connecting with CleanSession 0. The documents speak of
    /// messages from the cloud only; Microsoft's SDK for Python relies on all of them.
    pub(crate) kept_subscriptions: BTreeMap<String, QoS>,
    pub(crate) waiting: Waiting,
    pub(crate) telemetry: TelemetryRule,
    /// Statuses to answer the next twin requests with, instead of doing what they ask.
    pub(crate) twin_failures: VecDeque<u16>,
    /// Twin requests that are to get no answer at all.
    pub(crate) twin_silences: u32,
    pub(crate) history: VecDeque<Happening>,
}

pub(crate) struct Connection {
    pub(crate) session: u64,
    pub(crate) line: Line,
    pub(crate) subscriptions: BTreeMap<String, QoS>,
    pub(crate) clean_session: bool,
    pub(crate) will: Option<LastWill>,
    pub(crate) last_packet_id: u16,
    pub(crate) expiry: Option<std::time::SystemTime>,
}

impl Connection {
    pub(crate) fn next_packet_id(&mut self) -> u16 {
        self.last_packet_id = self.last_packet_id.checked_add(1).unwrap_or(1);
        self.last_packet_id
    }
}

impl Device {
    pub(crate) fn new(id: &str, authentication: Authentication) -> Self {
        Self {
            id: id.to_owned(),
            authentication,
            enabled: true,
            twin: Twin::default(),
            model: None,
            connection: None,
            kept_subscriptions: BTreeMap::new(),
            waiting: Waiting::default(),
            telemetry: TelemetryRule::default(),
            twin_failures: VecDeque::new(),
            twin_silences: 0,
            history: VecDeque::new(),
        }
    }

    pub(crate) fn happened(&mut self, happening: Happening) {
        if self.history.len() == HAPPENINGS {
            self.history.pop_front();
        }
        self.history.push_back(happening);
    }

    /// Whether a device is connected and subscribed to this.
    pub(crate) fn listens_to(&self, filter: &str) -> bool {
        self.connection
            .as_ref()
            .is_some_and(|connection| connection.subscriptions.contains_key(filter))
    }
}

/// Whether an identity registry takes this as a device's name.
pub(crate) fn is_device_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-.%_*?!(),:=@$'".contains(&byte);
    (1..=128).contains(&id.len()) && id.bytes().all(allowed)
}
