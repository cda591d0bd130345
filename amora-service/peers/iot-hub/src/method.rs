//! Direct methods that wait for their answers.

use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use tokio::sync::oneshot;

/// The largest payload of a method or of its answer.
pub const METHOD_BYTES: usize = 128 * 1024;

/// A device's answer to a method.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MethodReply {
    /// What the device says of it: 200, 404 …
    pub status: i64,
    /// The answer, or null for an empty one.
    pub payload: Value,
}

/// Why a method was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize)]
pub enum MethodError {
    /// No such device: 404001.
    #[error("the device is not registered")]
    NotFound,
    /// The device is not connected, or does not listen to methods: 404103.
    #[error("the device is not online")]
    NotOnline,
    /// It did not answer in time, or its connection ended: 504101.
    #[error("the device did not answer in time")]
    Timeout,
    /// The payload or the answer has more than 128 KB: 413001.
    #[error("a payload is larger than 128 KB")]
    Size,
    /// The answer is not JSON: 502000.
    #[error("the answer is not JSON")]
    BadReply,
}

type Answer = Result<MethodReply, MethodError>;

#[derive(Default)]
pub(crate) struct Calls {
    next: u64,
    waiting: HashMap<String, (String, oneshot::Sender<Answer>)>,
}

impl Calls {
    /// Starts a call of a device: its request id, and where the answer will come.
    pub(crate) fn start(&mut self, device: &str) -> (String, oneshot::Receiver<Answer>) {
        self.next += 1;
        let request = format!("{:x}", self.next);
        let (sender, receiver) = oneshot::channel();
        self.waiting.retain(|_, (_, sender)| !sender.is_closed());
        self.waiting.insert(request.clone(), (device.to_owned(), sender));
        (request, receiver)
    }

    /// A device answered. Answers to nothing are dropped.
    pub(crate) fn answer(&mut self, device: &str, request: &str, status: i64, payload: &[u8]) {
        if self.waiting.get(request).is_none_or(|(owner, _)| owner != device) {
            return;
        }
        let answer = if payload.len() > METHOD_BYTES {
            Err(MethodError::Size)
        } else if payload.is_empty() {
            Ok(MethodReply {
                status,
                payload: Value::Null,
            })
        } else {
            let parsed = serde_json::from_slice(payload).map_err(|_| MethodError::BadReply);
            parsed.map(|payload| MethodReply { status, payload })
        };
        if let Some((_, sender)) = self.waiting.remove(request) {
            let _ = sender.send(answer);
        }
    }

    /// The device's connection ended: answers on another one come too late.
    pub(crate) fn forget(&mut self, device: &str) {
        self.waiting.retain(|_, (owner, _)| owner != device);
    }
}
