//! What keeps the box from its hub, in words for people.

use super::super::calendar;
use super::super::clock::Reading;
use super::super::registration::RegistrationError;
use super::super::session::Ending;
use crate::mqtt::{Failure, FailureKind};
use crate::tls::TlsError;
use amora_contract::units::Timestamp;

/// What is wrong and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What is wrong.
    pub cause: String,
    /// What to do about it.
    pub next_step: String,
}

impl Trouble {
    fn new(cause: impl Into<String>, next_step: &str) -> Self {
        Self {
            cause: cause.into(),
            next_step: next_step.to_owned(),
        }
    }

    /// The files of the TLS identity cannot be used.
    pub(super) fn tls(error: &TlsError) -> Self {
        Self::new(
            format!("iot_hub.tls: {error}"),
            "put the file right; it is read again at the next attempt",
        )
    }

    /// Another client takes the connection away, again and again.
    pub(super) fn contested(device_id: &str) -> Self {
        Self::new(
            format!(
                "each connection is ended at once: another client uses the device id `{device_id}`, or the hub's quota is used up"
            ),
            "give each box an identity of its own, for a hub keeps one connection for each; look at the hub's quota",
        )
    }

    /// The connection ended without a word.
    pub(super) fn lost(host: &str) -> Self {
        Self::new(format!("the connection to {host} ended"), "it is tried again")
    }

    /// The hub said on an open connection that it does not know the device.
    pub(super) fn disowned(host: &str) -> Self {
        Self::new(
            format!("{host} does not know this device any more"),
            "it is provisioned again",
        )
    }

    /// A refusal that a clock explains which nothing has set: the token was dated by it.
    fn refused(host: &str, signs: bool, clock: Reading) -> Option<Self> {
        (signs && clock.set == Some(false)).then(|| {
            Self::new(
                format!(
                    "{host} does not accept this device's token, and this box's clock, which shows {}, has not been set since it started",
                    date(clock)
                ),
                "it is tried again as soon as the clock is set: check the network and NTP; where the clock is right, check that the device exists and is enabled, and its key",
            )
        })
    }

    /// The provisioning service at `host` did not assign a hub.
    pub(super) fn registration(error: &RegistrationError, host: &str, signs: bool, clock: Reading) -> Self {
        let next_step = match error {
            RegistrationError::Identity(_) if signs => {
                if let Some(trouble) = Self::refused(host, signs, clock) {
                    return trouble;
                }
                "check the id scope, the registration id, the key, and this box's clock"
            }
            RegistrationError::Identity(_) => {
                "check the id scope, that an enrolment knows the certificate in `iot_hub.tls.cert_file` or who issued it, that its common name is the registration id, and that it has not expired"
            }
            RegistrationError::Disabled => "enable the enrolment",
            RegistrationError::Failed(_) => {
                "look at the allocation policy and the linked hubs of the enrolment"
            }
            _ => "it is tried again",
        };
        Self::new(error.to_string(), next_step)
    }

    /// An attempt at `host`, or a connection to it, came to an end.
    pub(super) fn of(
        failure: &Failure,
        host: &str,
        port: u16,
        signs: bool,
        clock: Reading,
    ) -> (Self, Ending) {
        let trouble = |cause: String, next_step: &str| Self::new(cause, next_step);
        match failure.kind {
            FailureKind::UnknownHost => (
                trouble(
                    format!("the name `{host}` cannot be found"),
                    "check the host name in the connection string, and the network's DNS",
                ),
                Ending::Unreached,
            ),
            FailureKind::Refused => (
                trouble(
                    format!("nothing listens at {host}:{port}"),
                    "check the host name and `iot_hub.port`",
                ),
                Ending::Unreached,
            ),
            FailureKind::Unreachable => (
                trouble(
                    format!("{host}:{port} cannot be reached"),
                    "check the network; where a firewall blocks port 8883, set `iot_hub.transport` to \"websocket\"",
                ),
                Ending::Unreached,
            ),
            FailureKind::CertificateDate => (
                trouble(
                    format!("{}, by this box's clock, which shows {}", failure.cause, date(clock)),
                    "it is tried again as soon as the clock is set: check the network and NTP",
                ),
                Ending::Clock,
            ),
            FailureKind::Tls => (
                trouble(
                    failure.cause.clone(),
                    "check `iot_hub.tls`: `ca_file` for whom to trust, `cert_file` and `key_file` for what to show",
                ),
                Ending::Failed,
            ),
            FailureKind::Credentials | FailureKind::ClientId => (
                Self::refused(host, signs, clock).unwrap_or_else(|| {
                    trouble(
                        format!("{host} does not accept this device's identity"),
                        if signs {
                            "check that the device exists and is enabled, its key, and this box's clock"
                        } else {
                            "check that the device exists and is enabled there, that it knows the certificate in `iot_hub.tls.cert_file` or who issued it, and that this has not expired"
                        },
                    )
                }),
                Ending::Identity,
            ),
            FailureKind::Busy => (
                trouble(
                    format!("{host} does not serve this device at present"),
                    "look at the hub's quota and its throttling; it is tried again",
                ),
                Ending::Busy,
            ),
            FailureKind::Closed | FailureKind::TakenOver => (
                trouble(
                    format!("{host} closed the connection"),
                    "it is tried again; the hub's diagnostic log says why",
                ),
                Ending::Lost,
            ),
            _ => (
                trouble(
                    failure.cause.clone(),
                    "check the host name and `iot_hub.transport`",
                ),
                Ending::Failed,
            ),
        }
    }
}

/// A clock's reading for people.
fn date(clock: Reading) -> String {
    calendar::seconds(Timestamp(clock.seconds * 1000))
}

impl RegistrationError {
    pub(super) const fn ending(&self) -> Ending {
        match self {
            Self::Identity(_) | Self::Disabled => Ending::Identity,
            _ => Ending::Failed,
        }
    }
}
