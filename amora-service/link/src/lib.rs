//! How the box stays connected: when to try again, an MQTT session, Azure IoT Hub, a durable outbox and its TLS identity.

pub mod backoff;
pub mod iot_hub;
pub mod mqtt;
pub mod outbox;
pub mod tls;

/// The innermost cause of an error: what really happened to a connection, without the layers that pass it on.
pub fn root_cause<'a>(error: &'a (dyn std::error::Error + 'a)) -> &'a (dyn std::error::Error + 'a) {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause
}
