//! Where a capability sits.

use crate::{HealthReporter, Router};
use amora_contract::{Command, CommandError, EventKind, Reply, State};
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

/// One section's place at the router.
pub struct Seat {
    /// Commands for this section, in the order in which they came.
    pub requests: mpsc::Receiver<Request>,
    pub(crate) router: Router,
}

impl Seat {
    /// The next command; `None` when another has taken the seat.
    pub async fn next(&mut self) -> Option<Request> {
        self.requests.recv().await
    }

    /// Changes this capability's section of the state.
    pub fn update_state(&self, change: impl FnOnce(&mut State)) {
        self.router.update_state(change);
    }

    /// Tells every listener that something happened now.
    pub fn publish_event(&self, kind: EventKind) {
        self.router.publish_event(kind);
    }

    /// Where this capability says how it is.
    pub fn health(&self, part: &str) -> HealthReporter {
        self.router.health(part)
    }

    /// The router, for commands to other capabilities and for watching the state.
    pub fn router(&self) -> &Router {
        &self.router
    }
}

/// A command that waits for its answer.
#[derive(Debug)]
pub struct Request {
    /// What is asked.
    pub command: Command,
    /// What was sent along with it.
    pub body: Option<Body>,
    pub(crate) answer: oneshot::Sender<Result<Reply, CommandError>>,
}

impl Request {
    /// Answers. Dropping a request unanswered tells the asker that the capability is starting again.
    pub fn answer(self, result: Result<Reply, CommandError>) {
        // An error only means that the asker no longer waits.
        let _ = self.answer.send(result);
    }
}

/// What is sent along with a command, piece by piece as it arrives. A sender whose pieces are not taken waits, so
/// that memory stays bounded however long the whole is.
#[derive(Debug)]
pub struct Body {
    /// Bytes in all, where the sender said so.
    pub size: Option<u64>,
    /// The pieces in order. The end of the channel is the end of the body; an error says why it broke off.
    pub pieces: mpsc::Receiver<Result<Bytes, String>>,
}
