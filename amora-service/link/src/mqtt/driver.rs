//! Turns the client's event loop: delivers messages, subscribes, waits between attempts.

use super::failure::{Failure, FailureKind, Target};
use super::{Ack, Message, Options, Quality, Shared, Status, queue};
use crate::backoff::{Backoff, random};
use bytes::{BufMut, Bytes, BytesMut};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A connection that ends sooner counts as ended at once.
const BRIEF: Duration = Duration::from_secs(5);

/// So many of those in a row point at another client with our client id.
const BRIEF_IN_A_ROW: u32 = 3;

/// What is kept of each end of a message that is too large: enough to find its id.
const KEPT: usize = 64 << 10;

/// What came out of one turn of the event loop.
pub(super) enum Happening {
    Connected(Abilities),
    Subscribed { accepted: Vec<bool> },
    Message(Message, Option<Ack>),
    Nothing,
}

/// What the broker can do; only MQTT 5 tells.
pub(super) struct Abilities {
    /// Largest payload.
    pub(super) limit: Option<usize>,
    /// Whether it keeps retained messages.
    pub(super) retain: bool,
    /// The surest delivery.
    pub(super) quality: Quality,
}

impl Default for Abilities {
    fn default() -> Self {
        Self {
            limit: None,
            retain: true,
            quality: Quality::ExactlyOnce,
        }
    }
}

pub(super) enum Interruption {
    /// We said goodbye.
    Ended,
    Failed(Failure),
}

/// One of the two client crates' event loops.
pub(super) trait Engine: Send + 'static {
    fn turn(&mut self) -> impl Future<Output = Result<Happening, Interruption>> + Send;
    fn subscribe(&mut self, options: &Options);
    /// Whether the next connect starts a clean session.
    fn clean_session(&mut self, clean: bool);
    /// Counts what was handed over since the connection broke as part of it: in the next session it would overtake what
    /// is lost with this one.
    fn gather(&mut self);
}

pub(super) struct Setting {
    pub(super) options: Options,
    pub(super) shared: Arc<Shared>,
    pub(super) incoming: queue::Sender,
    pub(super) status: watch::Sender<Status>,
    pub(super) stop: CancellationToken,
}

pub(super) async fn drive(mut engine: impl Engine, setting: Setting) {
    let Setting { options, shared, .. } = &setting;
    let mut backoff = Backoff::new(options.backoff);
    let mut connected_at: Option<Instant> = None;
    let mut connections = 0;
    let mut brief = 0;
    loop {
        match engine.turn().await {
            Ok(Happening::Connected(abilities)) => {
                backoff.connected();
                connected_at = Some(Instant::now());
                connections += 1;
                let ours = options.max_message_size;
                let limit = abilities.limit.map_or(ours, |theirs| theirs.min(ours));
                shared.retain.store(abilities.retain, Ordering::Relaxed);
                shared.quality.store(abilities.quality as u8, Ordering::Relaxed);
                shared.limit.store(limit, Ordering::Relaxed);
                engine.clean_session(options.clean_session);
                if options.subscriptions.is_empty() {
                    setting.announce(connections, &[]);
                } else {
                    engine.subscribe(options);
                }
            }
            Ok(Happening::Subscribed { accepted }) => setting.announce(connections, &accepted),
            Ok(Happening::Message(message, ack)) => {
                setting.incoming.send(cut(message, options.max_message_size), ack);
            }
            Ok(Happening::Nothing) => {}
            Err(Interruption::Ended) => return,
            Err(Interruption::Failed(mut failure)) => {
                shared.connection.fetch_add(1, Ordering::SeqCst);
                let held = connected_at.take().map(|since| since.elapsed());
                backoff.ended(held.unwrap_or_default());
                brief = match held {
                    Some(held) if held < BRIEF => brief + 1,
                    Some(_) => 0,
                    None => brief,
                };
                if failure.kind == FailureKind::Closed && brief >= BRIEF_IN_A_ROW {
                    failure = target(options).taken_over();
                }
                if failure.kind == FailureKind::TooLarge {
                    // A kept session would bring the same packet again, for ever.
                    engine.clean_session(true);
                }
                let retry_in = backoff.next_delay(random());
                tracing::debug!(cause = failure.cause, ?retry_in, "the connection failed");
                setting.status.send_replace(Status::Waiting { failure, retry_in });
                tokio::select! {
                    () = tokio::time::sleep(retry_in) => {}
                    () = setting.stop.cancelled() => return,
                }
                engine.gather();
            }
        }
    }
}

pub(super) fn target(options: &Options) -> Target {
    Target {
        host: options.host.clone(),
        port: options.port,
        client_id: options.client_id.clone(),
    }
}

impl Setting {
    fn announce(&self, connection: u64, accepted: &[bool]) {
        let topics = self.options.subscriptions.iter().map(|(topic, _)| topic);
        let refused: Vec<String> = topics
            .zip(accepted)
            .filter(|(_, accepted)| !**accepted)
            .map(|(topic, _)| topic.clone())
            .collect();
        self.status
            .send_replace(Status::Connected { connection, refused });
    }
}

/// Cuts the middle out of a message that is too large, so that it does not wait in memory.
fn cut(mut message: Message, limit: usize) -> Message {
    if message.payload.len() > limit {
        let kept = KEPT.min(limit / 2);
        let mut ends = BytesMut::with_capacity(2 * kept + 1);
        ends.put_slice(&message.payload[..kept]);
        ends.put_u8(0);
        ends.put_slice(&message.payload[message.payload.len() - kept..]);
        message.payload = ends.freeze();
    } else if !message.payload.is_empty() {
        // A slice would keep the whole read buffer that it came in alive.
        message.payload = Bytes::copy_from_slice(&message.payload);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_message_keeps_its_ends() {
        let mut payload = vec![b'm'; 1 << 20];
        payload[..5].copy_from_slice(b"first");
        let end = payload.len() - 4;
        payload[end..].copy_from_slice(b"last");
        let message = cut(
            Message {
                topic: String::new(),
                size: payload.len(),
                payload: payload.into(),
                retained: false,
                duplicate: false,
            },
            200_000,
        );
        assert_eq!(message.size, 1 << 20);
        assert_eq!(message.payload.len(), 2 * KEPT + 1);
        assert!(message.payload.starts_with(b"first") && message.payload.ends_with(b"last"));
        assert_eq!(message.payload[KEPT], 0);
    }
}
