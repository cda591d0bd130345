//! Why there is no connection, in words for people.

use super::socket::UnknownHost;
use std::io;

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind, for programs.
    pub kind: FailureKind,
    /// What is wrong.
    pub cause: String,
    /// What to do about it.
    pub next_step: String,
}

/// Kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// The broker's name is unknown.
    UnknownHost,
    /// Nothing listens there.
    Refused,
    /// No answer.
    Unreachable,
    /// TLS could not be agreed.
    Tls,
    /// The broker's certificate is not valid at the time that this box's clock shows.
    CertificateDate,
    /// The broker does not accept who we are.
    Credentials,
    /// The broker does not accept the client id.
    ClientId,
    /// Another client took our client id.
    TakenOver,
    /// The broker is up but does not serve us now.
    Busy,
    /// A packet larger than we accept.
    TooLarge,
    /// The broker ended the connection, or it broke.
    Closed,
    /// What answers is not an MQTT broker of this version.
    Protocol,
}

/// Where we try to connect to, for the texts.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) client_id: String,
}

/// Reasons a broker gives for turning a client away, of both protocol versions.
pub(super) enum Refusal {
    Credentials,
    NotAuthorised,
    ClientId,
    Busy,
    Version,
    Retain,
    Quality,
    Other(String),
}

impl Target {
    fn failure(&self, kind: FailureKind, cause: String, next_step: &str) -> Failure {
        Failure {
            kind,
            cause,
            next_step: next_step.to_owned(),
        }
    }

    pub(super) fn io(&self, error: &io::Error) -> Failure {
        let Self { host, port, .. } = self;
        if let Some(inner) = error.get_ref() {
            if let Some(unknown) = inner.downcast_ref::<UnknownHost>() {
                return self.failure(
                    FailureKind::UnknownHost,
                    format!("the broker's name `{host}` cannot be found: {unknown}"),
                    "check `mqtt.host` and the network's DNS",
                );
            }
            if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
                return self.tls(tls);
            }
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused => self.failure(
                FailureKind::Refused,
                format!("nothing listens at {host}:{port}"),
                "check that the broker runs, and `mqtt.port`",
            ),
            io::ErrorKind::TimedOut => self.timed_out(),
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => self.failure(
                FailureKind::Unreachable,
                format!("there is no way to {host}:{port}: {error}"),
                "check the network",
            ),
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof => self.closed(),
            _ => self.failure(
                FailureKind::Closed,
                format!("the connection to {host}:{port} broke: {error}"),
                "check the network and the broker's log",
            ),
        }
    }

    pub(super) fn tls(&self, error: &rustls::Error) -> Failure {
        use rustls::CertificateError as Certificate;
        use rustls::Error as Tls;
        let Self { host, .. } = self;
        let kind = match error {
            Tls::InvalidCertificate(
                Certificate::Expired
                | Certificate::ExpiredContext { .. }
                | Certificate::NotValidYet
                | Certificate::NotValidYetContext { .. },
            ) => FailureKind::CertificateDate,
            _ => FailureKind::Tls,
        };
        let (cause, next_step) = match error {
            Tls::InvalidCertificate(Certificate::UnknownIssuer) => (
                format!("the certificate of {host} was issued by nobody this box trusts"),
                "set `mqtt.tls.ca_file` to the certificate of the broker's authority",
            ),
            Tls::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => (
                format!("the certificate of {host} has expired"),
                "renew the broker's certificate, or check this box's clock",
            ),
            Tls::InvalidCertificate(Certificate::NotValidYet | Certificate::NotValidYetContext { .. }) => (
                format!("the certificate of {host} is not valid yet"),
                "check this box's clock",
            ),
            Tls::InvalidCertificate(
                Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
            ) => (
                format!("the broker's certificate is not for `{host}`"),
                "use the name that is in the certificate as `mqtt.host`",
            ),
            Tls::AlertReceived(alert) => (
                format!("the broker refused this box's TLS: {alert:?}"),
                "check `mqtt.tls.cert_file` and `mqtt.tls.key_file`: the broker may ask for a certificate, or not trust this one",
            ),
            Tls::InvalidMessage(_) => (
                format!("{host} does not speak TLS on port {}", self.port),
                "check `mqtt.port`; 8883 is usual for TLS, 1883 for plain connections",
            ),
            other => (
                format!("TLS with {host} failed: {other}"),
                "check the broker's TLS settings",
            ),
        };
        self.failure(kind, cause, next_step)
    }

    pub(super) fn refused(&self, refusal: &Refusal) -> Failure {
        let host = &self.host;
        match refusal {
            Refusal::Credentials => self.failure(
                FailureKind::Credentials,
                format!("{host} does not accept the user name or password"),
                "check `mqtt.username` and `mqtt.password`",
            ),
            Refusal::NotAuthorised => self.failure(
                FailureKind::Credentials,
                format!("{host} does not let this client in"),
                "check `mqtt.username` and `mqtt.password`, and the broker's access rules",
            ),
            Refusal::ClientId => self.failure(
                FailureKind::ClientId,
                format!("{host} does not accept the client id `{}`", self.client_id),
                "set `mqtt.client_id` to one that the broker accepts",
            ),
            Refusal::Busy => self.failure(
                FailureKind::Busy,
                format!("{host} does not serve clients at present"),
                "wait, or look at the broker's log",
            ),
            Refusal::Version => self.failure(
                FailureKind::Protocol,
                format!("{host} does not speak this version of MQTT"),
                "set `mqtt.version` to \"3.1.1\" or \"5\"",
            ),
            Refusal::Retain => self.failure(
                FailureKind::Protocol,
                format!("{host} keeps no messages, not even the Last Will"),
                "set `mqtt.retain` to false",
            ),
            Refusal::Quality => self.failure(
                FailureKind::Protocol,
                format!("{host} does not serve the quality of service that is set"),
                "set `mqtt.qos` to 1 or 0",
            ),
            Refusal::Other(reason) => self.failure(
                FailureKind::Busy,
                format!("{host} turned this box away: {reason}"),
                "look at the broker's log",
            ),
        }
    }

    pub(super) fn timed_out(&self) -> Failure {
        self.failure(
            FailureKind::Unreachable,
            format!("{}:{} does not answer", self.host, self.port),
            "check the network, the broker, and firewalls between",
        )
    }

    pub(super) fn closed(&self) -> Failure {
        self.failure(
            FailureKind::Closed,
            format!("{} closed the connection", self.host),
            "look at the broker's log",
        )
    }

    pub(super) fn taken_over(&self) -> Failure {
        self.failure(
            FailureKind::TakenOver,
            format!(
                "{} ends each connection at once: another client seems to use the client id `{}`",
                self.host, self.client_id
            ),
            "give each box its own `device.id` or `mqtt.client_id`",
        )
    }

    pub(super) fn too_large(&self, size: usize) -> Failure {
        self.failure(
            FailureKind::TooLarge,
            format!(
                "{} sent a packet of {size} bytes, more than this box can take",
                self.host
            ),
            "send smaller messages, or limit them in the broker (mosquitto: `message_size_limit`)",
        )
    }

    pub(super) fn protocol(&self, error: &dyn std::fmt::Display) -> Failure {
        self.failure(
            FailureKind::Protocol,
            format!(
                "{}:{} does not answer as an MQTT broker should: {error}",
                self.host, self.port
            ),
            "check `mqtt.port`, `mqtt.tls` and `mqtt.version`",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target {
            host: "broker.lan".to_owned(),
            port: 8883,
            client_id: "device-box".to_owned(),
        }
    }

    #[test]
    fn each_cause_has_a_kind_and_a_next_step() {
        let wrap = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        let unknown_issuer = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let cases = [
            (
                target().io(&io::Error::new(
                    io::ErrorKind::NotFound,
                    UnknownHost("no such name".to_owned()),
                )),
                FailureKind::UnknownHost,
                "mqtt.host",
            ),
            (
                target().io(&io::ErrorKind::ConnectionRefused.into()),
                FailureKind::Refused,
                "mqtt.port",
            ),
            (target().io(&wrap(unknown_issuer)), FailureKind::Tls, "ca_file"),
            (
                target().refused(&Refusal::Credentials),
                FailureKind::Credentials,
                "mqtt.password",
            ),
            (
                target().io(&io::ErrorKind::TimedOut.into()),
                FailureKind::Unreachable,
                "firewalls",
            ),
        ];
        for (failure, kind, hint) in cases {
            assert_eq!(failure.kind, kind, "{failure:?}");
            assert!(failure.next_step.contains(hint), "{failure:?}");
        }
    }
}
