//! One open connection: telemetry goes out on it, and methods are answered on the one that they came by.

use super::super::topic::{self, Properties};
use crate::mqtt::{Delivery, Publication, PublishError, Publisher, Quality};
use bytes::Bytes;
use serde_json::json;

/// Largest answer to a method.
const LARGEST_ANSWER: usize = 128 * 1024;

/// Largest message to the cloud, its properties included.
pub(super) const LARGEST_MESSAGE: usize = 256 * 1024;

/// One open connection.
#[derive(Clone)]
pub struct Line {
    publisher: Publisher,
    device_id: String,
    connection: u64,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line({} of {})", self.connection, self.device_id)
    }
}

impl Line {
    pub(super) const fn new(publisher: Publisher, device_id: String, connection: u64) -> Self {
        Self {
            publisher,
            device_id,
            connection,
        }
    }

    /// The device's id at this hub.
    pub fn device_id(&self) -> &str {
        &self.device_id
    }

    /// Counts the connections.
    pub const fn connection(&self) -> u64 {
        self.connection
    }

    /// Sends a message to the cloud, waiting while there is no room.
    ///
    /// # Errors
    /// When it is too large, or the connection is gone.
    pub async fn send(&self, body: Bytes, properties: &Properties) -> Result<Delivery, PublishError> {
        let topic = topic::telemetry(&self.device_id, properties);
        let size = topic.len() + body.len();
        if size > LARGEST_MESSAGE {
            return Err(PublishError::TooLarge {
                size,
                limit: LARGEST_MESSAGE,
            });
        }
        self.publish(topic, body).await
    }

    pub(super) async fn publish(&self, topic: String, payload: Bytes) -> Result<Delivery, PublishError> {
        let publication = Publication {
            topic,
            payload,
            quality: Quality::AtLeastOnce,
            retain: false,
        };
        self.publisher.publish(&publication).await
    }
}

/// A direct method that somebody called and waits for.
#[derive(Debug, Clone)]
pub struct MethodCall {
    /// Its name.
    pub name: String,
    /// What was sent along: JSON, or nothing.
    pub payload: Bytes,
    pub(super) request: String,
    pub(super) line: Line,
}

impl MethodCall {
    /// Answers. `status` is the owner's own; the hub passes it on. An answer that is too large becomes a 500 that
    /// says so.
    ///
    /// # Errors
    /// When the connection that the call came by is gone; the caller then learns from the hub that it timed out.
    pub async fn answer(self, status: u16, body: Bytes) -> Result<(), PublishError> {
        let size = body.len();
        let (status, body) = if size <= LARGEST_ANSWER {
            (status, body)
        } else {
            let message = format!(
                "the answer has {size} bytes and a method may answer with {LARGEST_ANSWER}; ask for less at a time"
            );
            let body = json!({"result": false, "message": message});
            (500, Bytes::from(body.to_string()))
        };
        self.line
            .publish(topic::method_answer(status, &self.request), body)
            .await
            .map(drop)
    }
}

/// A message from the cloud.
#[derive(Debug, Clone, PartialEq)]
pub struct CloudMessage {
    /// Its body.
    pub body: Bytes,
    /// Its properties: the sender's own, and the hub's (`$.mid`, `$.to` …).
    pub properties: Properties,
}
