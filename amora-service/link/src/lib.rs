//! How the box stays connected: back-off policy, MQTT session, durable outbox, TLS identity
