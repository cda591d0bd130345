//! Telemetry, through durable outboxes: written down first, sent, and struck out when the hub has it.
//!
//! Events and status messages have an outbox each. However long the box is offline, status messages, of which the
//! latest is worth the most, never displace an event; within an outbox the oldest goes first.

use crate::batch::{self, Parcel};
use crate::message;
use amora_contract::Event;
use amora_contract::config::IotHubBatch;
use amora_contract::units::{Seconds, Timestamp};
use amora_link::iot_hub::client::{Hub, Line};
use amora_link::mqtt::{PublishError, Undelivered};
use amora_link::outbox::{Entry, Outbox};
use amora_router::Router;
use serde_json::Value;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;
use tokio::time::Instant;

/// Messages on their way at once.
const WINDOW: usize = 16;

/// Messages looked at ahead, so that those that share one can be put together.
const AHEAD: usize = 32;

/// Bytes on their way at once. What is asked of the box is answered behind them, so a week's backlog must not stand
/// in front of an answer.
const WINDOW_BYTES: usize = 64 * 1024;

/// A hub that does not acknowledge within this is asked again over another connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// The wait after a message that the client could not take.
const AGAIN: Duration = Duration::from_secs(1);

/// What was sent.
#[derive(Clone, Default)]
pub(crate) struct Counters {
    sent: Arc<AtomicU64>,
}

impl Counters {
    /// Messages that the hub took since the start.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

/// Where messages come from.
#[derive(Clone)]
pub(crate) struct Telemetry {
    pub(crate) router: Router,
    pub(crate) events: Outbox,
    pub(crate) status: Outbox,
}

impl Telemetry {
    /// Writes every event down.
    pub(crate) async fn collect(self, mut events: broadcast::Receiver<Event>) {
        loop {
            match events.recv().await {
                Ok(event) => self.keep(&message::event(&event)).await,
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "events came faster than they could be written down");
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Writes a message down that must arrive.
    pub(crate) async fn keep(&self, body: &Value) {
        write_down(&self.events, body).await;
    }

    /// Writes the player's status down at its interval; none at 0.
    pub(crate) async fn tell_status(self, mut interval: watch::Receiver<Seconds>) {
        loop {
            let length = interval.borrow_and_update().0;
            let due = async {
                if length <= 0.0 {
                    return std::future::pending().await;
                }
                tokio::time::sleep(Duration::from_secs_f64(length.clamp(0.1, 86_400.0))).await;
            };
            tokio::select! {
                () = due => write_down(&self.status, &message::status(&self.router.state(), Timestamp::now())).await,
                changed = interval.changed() => if changed.is_err() { return },
            }
        }
    }
}

async fn write_down(outbox: &Outbox, body: &Value) {
    let body = serde_json::to_vec(body).expect("a JSON value serialises");
    if let Err(error) = outbox.append(body).await {
        tracing::error!(%error, "a message to the cloud could not be kept");
    }
}

type Arrival = Pin<Box<dyn Future<Output = Result<(), Undelivered>> + Send>>;

struct Sent {
    sequences: Vec<i64>,
    bytes: usize,
    at: Instant,
    arrival: Arrival,
}

/// Sends what one outbox holds, in order.
pub(crate) struct Pump {
    pub(crate) outbox: Outbox,
    pub(crate) hub: Hub,
    pub(crate) counters: Counters,
    /// What may share a message.
    pub(crate) batch: IotHubBatch,
}

impl Pump {
    /// Runs until the client or the outbox is over.
    pub(crate) async fn pump(self) {
        let mut lines = self.hub.line();
        loop {
            let line = match lines.wait_for(Option::is_some).await {
                Ok(line) => line.clone(),
                Err(_) => return,
            };
            let Some(line) = line else { continue };
            tokio::select! {
                open = self.drain(&line) => {
                    if !open {
                        return;
                    }
                    tokio::time::sleep(AGAIN).await;
                }
                // What was on its way and not acknowledged is sent again on the next line.
                open = another(&mut lines, line.connection()) => {
                    if !open {
                        return;
                    }
                }
            }
        }
    }

    /// Sends over one line until it breaks; false when the outbox is over.
    async fn drain(&self, line: &Line) -> bool {
        let mut fill = self.outbox.watch();
        let mut waiting: VecDeque<Entry> = VecDeque::new();
        let mut sent: VecDeque<Sent> = VecDeque::new();
        let mut after = 0;
        loop {
            fill.mark_unchanged();
            while has_room(&sent) {
                let Ok(more) = self.outbox.read(after, AHEAD.saturating_sub(waiting.len())).await else {
                    return false;
                };
                after = more.last().map_or(after, |newest| newest.sequence);
                waiting.extend(more);
                let unsent = match batch::pack(&waiting, line.device_id(), self.batch) {
                    None => break,
                    // What can still grow waits while something is on its way, and so never alone.
                    Some(Ok(parcel)) if parcel.grows && !sent.is_empty() => break,
                    Some(Ok(parcel)) => {
                        waiting.drain(..parcel.sequences.len());
                        let sequences = parcel.sequences.clone();
                        match send(line, parcel).await {
                            Ok(on_its_way) => {
                                sent.push_back(on_its_way);
                                continue;
                            }
                            Err(PublishError::Closed) => return true,
                            Err(error) => (sequences, error.to_string()),
                        }
                    }
                    Some(Err(damaged)) => {
                        waiting.pop_front();
                        (vec![damaged], "it is no message".to_owned())
                    }
                };
                let (sequences, cause) = unsent;
                tracing::error!(cause, "a message can never be sent and is dropped");
                if self.outbox.delete(sequences).await.is_err() {
                    return false;
                }
            }
            let waits = !sent.is_empty();
            let patience = sent
                .front()
                .map_or_else(Instant::now, |oldest| oldest.at + PATIENCE);
            tokio::select! {
                biased;
                arrived = arrivals(&mut sent), if waits => {
                    self.counters.sent.fetch_add(arrived.done.len() as u64, Ordering::Relaxed);
                    if !arrived.done.is_empty() && self.outbox.delete(arrived.done).await.is_err() {
                        return false;
                    }
                    if arrived.lost {
                        return true;
                    }
                }
                changed = fill.changed(), if has_room(&sent) => if changed.is_err() { return false },
                () = tokio::time::sleep_until(patience), if waits => {
                    tracing::warn!("the hub does not acknowledge what it is sent");
                    self.hub.renew().await;
                    return true;
                }
            }
        }
    }
}

async fn send(line: &Line, parcel: Parcel) -> Result<Sent, PublishError> {
    let bytes = parcel.body.len();
    let delivery = line.send(parcel.body.into(), &parcel.properties).await?;
    Ok(Sent {
        sequences: parcel.sequences,
        bytes,
        at: Instant::now(),
        arrival: Box::pin(delivery.arrived()),
    })
}

/// Waits until the line is another one, or none; false when there will be none any more.
async fn another(lines: &mut watch::Receiver<Option<Line>>, connection: u64) -> bool {
    let is_another = |now: &Option<Line>| now.as_ref().map(Line::connection) != Some(connection);
    lines.wait_for(is_another).await.is_ok()
}

fn has_room(sent: &VecDeque<Sent>) -> bool {
    sent.len() < WINDOW && sent.iter().map(|sent| sent.bytes).sum::<usize>() < WINDOW_BYTES
}

#[derive(Default)]
struct Arrived {
    done: Vec<i64>,
    lost: bool,
}

/// Waits for the oldest, then takes those behind it that are there already, so that they share one commit.
async fn arrivals(sent: &mut VecDeque<Sent>) -> Arrived {
    let mut arrived = Arrived::default();
    while let Some(oldest) = sent.front_mut() {
        let result = if arrived.done.is_empty() {
            oldest.arrival.as_mut().await
        } else {
            tokio::select! {
                biased;
                result = oldest.arrival.as_mut() => result,
                () = std::future::ready(()) => return arrived,
            }
        };
        match result {
            Ok(()) => arrived.done.append(&mut oldest.sequences),
            Err(_) => {
                arrived.lost = true;
                return arrived;
            }
        }
        sent.pop_front();
    }
    arrived
}
