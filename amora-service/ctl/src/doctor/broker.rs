//! Whether the MQTT broker lets the box in and lets it hear its commands.

use super::Finding;
use crate::text::plain;
use amora_contract::Config;
use amora_contract::config::{DeviceConfig, HIDDEN, MqttConfig};
use amora_link::backoff::Policy;
use amora_link::mqtt::{Failure, FailureKind, MqttLink, Options, Quality, Status};
use amora_link::tls::{self, TlsError};
use std::io::ErrorKind;
use std::time::Duration;

/// A broker far away, with TLS, answers by then.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

const SUBJECT: &str = "MQTT broker";

/// Connects, subscribes to the box's commands, and leaves again.
pub(super) async fn broker(config: &Config) -> Vec<Finding> {
    let Some(mqtt) = &config.mqtt else {
        return vec![Finding::skipped(SUBJECT, "there is no section [mqtt]")];
    };
    if mqtt.password.as_deref() == Some(HIDDEN) {
        return vec![Finding::skipped(
            SUBJECT,
            "its password is not yours to read: run this as root, or as the service's user",
        )];
    }
    let options = match options(mqtt, &config.device) {
        Ok(options) => options,
        Err(TlsError::Unreadable { path, cause }) if cause.kind() == ErrorKind::PermissionDenied => {
            return vec![Finding::skipped(
                SUBJECT,
                format!(
                    "{} is not yours to read: run this as root, or as the service's user",
                    path.display()
                ),
            )];
        }
        Err(error) => {
            return vec![Finding::failed(
                SUBJECT,
                format!("TLS: {error}"),
                "correct the files in [mqtt.tls]; the service's user must be able to read them",
            )];
        }
    };
    let place = format!("{}:{}", options.host, options.port);
    let client_id = options.client_id.clone();
    // Nothing is taken of what arrives: with a session of its own, the check takes nothing from the box.
    let (link, _incoming) = MqttLink::open(options);
    let mut status = link.status();
    let settled = tokio::time::timeout(
        PATIENCE,
        status.wait_for(|status| !matches!(status, Status::Connecting)),
    );
    let settled = settled
        .await
        .map(|status| status.map(|status| status.clone()).ok());
    link.close(GOODBYE).await;
    match settled {
        Ok(Some(Status::Connected { refused, .. })) => connected(&place, &refused),
        Ok(Some(Status::Waiting { failure, .. })) => vec![failed(&failure, &client_id)],
        Ok(_) | Err(_) => vec![Finding::failed(
            SUBJECT,
            format!("{place} does not answer"),
            "check the network, the broker, and firewalls between",
        )],
    }
}

fn options(mqtt: &MqttConfig, device: &DeviceConfig) -> Result<Options, TlsError> {
    let client_id = mqtt.client_id.clone();
    let client_id = client_id.unwrap_or_else(|| format!("device-{}", device.id));
    let prefix = mqtt.topic_prefix.trim_matches('/');
    Ok(Options {
        host: mqtt.host.trim().to_owned(),
        port: mqtt.port.unwrap_or(if mqtt.tls.is_some() { 8883 } else { 1883 }),
        version: mqtt.version,
        // The box's own id would throw the box out.
        client_id: format!("{client_id}-doctor"),
        credentials: mqtt.username.clone().map(|name| (name, mqtt.password.clone())),
        tls: mqtt.tls.as_ref().map(tls::client).transpose()?,
        websocket: None,
        keep_alive: Duration::from_secs(mqtt.keep_alive.into()),
        clean_session: true,
        last_will: None,
        subscriptions: vec![(format!("{prefix}/{}/commands", device.id), Quality::AtMostOnce)],
        max_message_size: mqtt.max_message_size,
        backoff: Policy::AMORA_MQTT,
    })
}

fn connected(place: &str, refused: &[String]) -> Vec<Finding> {
    let mut findings = vec![Finding::ok(SUBJECT, format!("{place} lets the box in"))];
    if let Some(topic) = refused.first() {
        findings.push(Finding::failed(
            "MQTT commands",
            format!("{place} does not let the box subscribe to `{}`", plain(topic)),
            "allow it in the broker's access rules, or set `mqtt.topic_prefix` and `device.id` to what they allow",
        ));
    }
    findings
}

fn failed(failure: &Failure, client_id: &str) -> Finding {
    let mut next = failure.next_step.clone();
    if matches!(failure.kind, FailureKind::Credentials | FailureKind::ClientId) {
        next.push_str(&format!(
            "; this check calls itself `{client_id}`, which a broker with rules for client ids must allow too"
        ));
    }
    if failure.kind == FailureKind::Closed {
        next.push_str(
            "; a port that speaks TLS needs the section [mqtt.tls], one that does not must go without",
        );
    }
    Finding::failed(SUBJECT, plain(&failure.cause), next)
}

#[cfg(test)]
mod tests;
