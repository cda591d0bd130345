//! Carries every event of the box to `{prefix}/{id}/events`, through the durable outbox.
//!
//! An event is written down first, then published at QoS 1, and struck out when the broker has it. Its body is the
//! contract's event with a `sequence` that only grows: a subscriber that sees a number again, as QoS 1 allows,
//! drops it, and a gap tells how many were dropped while there was no room for them.

use amora_contract::Event;
use amora_link::mqtt::{Publication, PublishError, Publisher, Quality, Status, Undelivered};
use amora_link::outbox::{Entry, Outbox};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::pin::Pin;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;

/// Events on their way at once.
const WINDOW: usize = 32;

/// Writes every event down. `trouble` says why that does not work, while it does not.
pub(crate) async fn collect(
    mut events: broadcast::Receiver<Event>,
    outbox: Outbox,
    trouble: watch::Sender<Option<String>>,
) {
    loop {
        let event = match events.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "events came faster than they could be written down");
                continue;
            }
            Err(RecvError::Closed) => return,
        };
        let body = serde_json::to_vec(&event).expect("events serialise to JSON");
        let cause = outbox.append(body).await.err().map(|error| error.to_string());
        if let Some(cause) = &cause {
            tracing::error!(cause, event = event.kind.name(), "an event could not be kept");
        }
        trouble.send_if_modified(|known| std::mem::replace(known, cause.clone()) != cause);
    }
}

type Arrival = Pin<Box<dyn Future<Output = Result<(), Undelivered>> + Send>>;

/// Publishes what is written down, in order.
pub(crate) struct Pump {
    pub(crate) outbox: Outbox,
    pub(crate) publisher: Publisher,
    pub(crate) status: watch::Receiver<Status>,
    pub(crate) topic: String,
    pub(crate) quality: Quality,
}

impl Pump {
    /// Runs until the session or the outbox is over.
    pub(crate) async fn pump(mut self) {
        let mut fill = self.outbox.watch();
        let mut sent: VecDeque<(i64, Arrival)> = VecDeque::new();
        let mut after = 0;
        loop {
            fill.mark_unchanged();
            // Handed over only while connected: otherwise what is lost with the session would come after it.
            let connection = connection(&self.status.borrow_and_update());
            let connected = connection.is_some();
            if connected && sent.len() < WINDOW {
                let Ok(entries) = self.outbox.read(after, WINDOW - sent.len()).await else {
                    return;
                };
                for entry in entries {
                    // It may have broken meanwhile.
                    if self::connection(&self.status.borrow()) != connection {
                        break;
                    }
                    after = entry.sequence;
                    match self.publish(&entry).await {
                        Ok(arrival) => sent.push_back((entry.sequence, arrival)),
                        Err(PublishError::Closed) => return,
                        Err(error) => {
                            tracing::error!(%error, "an event can never be published and is dropped");
                            if self.outbox.delete(vec![entry.sequence]).await.is_err() {
                                return;
                            }
                        }
                    }
                }
            }
            let room = connected && sent.len() < WINDOW;
            tokio::select! {
                arrived = first_arrivals(&mut sent), if !sent.is_empty() => {
                    if arrived.lost {
                        // All that are still under way belong to the lost session too. Learn what became of
                        // each, then begin again at the oldest that is still written down.
                        let mut gone = arrived.done;
                        for (sequence, arrival) in sent.drain(..) {
                            if arrival.await.is_ok() {
                                gone.push(sequence);
                            }
                        }
                        after = 0;
                        if self.outbox.delete(gone).await.is_err() { return }
                    } else if arrived.closed || self.outbox.delete(arrived.done).await.is_err() {
                        return;
                    }
                }
                changed = fill.changed(), if room => if changed.is_err() { return },
                changed = self.status.changed() => if changed.is_err() { return },
            }
        }
    }

    async fn publish(&self, entry: &Entry) -> Result<Arrival, PublishError> {
        let mut body: Value = serde_json::from_slice(&entry.body).unwrap_or(Value::Null);
        if let Some(body) = body.as_object_mut() {
            body.insert("sequence".to_owned(), json!(entry.sequence));
        }
        let publication = Publication {
            topic: self.topic.clone(),
            payload: body.to_string().into(),
            quality: self.quality,
            retain: false,
        };
        let delivery = self.publisher.publish(&publication).await?;
        Ok(Box::pin(delivery.arrived()))
    }
}

/// Which connection it is; none while there is none.
const fn connection(status: &Status) -> Option<u64> {
    match status {
        Status::Connected { connection, .. } => Some(*connection),
        _ => None,
    }
}

#[derive(Default)]
struct Arrived {
    /// What can be struck out: arrived, or refused for good.
    done: Vec<i64>,
    lost: bool,
    closed: bool,
}

/// Waits for the oldest, then takes those behind it that are there already, so that they share one commit.
async fn first_arrivals(sent: &mut VecDeque<(i64, Arrival)>) -> Arrived {
    let mut arrived = Arrived::default();
    while let Some((sequence, arrival)) = sent.front_mut() {
        let result = if arrived.done.is_empty() {
            arrival.as_mut().await
        } else {
            tokio::select! {
                biased;
                result = arrival.as_mut() => result,
                () = std::future::ready(()) => return arrived,
            }
        };
        let sequence = *sequence;
        match result {
            Ok(()) => arrived.done.push(sequence),
            Err(Undelivered::SessionLost) => arrived.lost = true,
            Err(Undelivered::Closed) => arrived.closed = true,
            Err(error) => {
                tracing::warn!(%error, sequence, "the broker does not want an event");
                arrived.done.push(sequence);
            }
        }
        sent.pop_front();
        if arrived.lost || arrived.closed {
            return arrived;
        }
    }
    arrived
}
