//! How the box stays connected: when to try again, an MQTT session, a durable outbox and its TLS identity.

pub mod backoff;
pub mod mqtt;
pub mod outbox;
pub mod tls;
