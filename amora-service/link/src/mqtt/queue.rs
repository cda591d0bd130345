//! The queue of received messages between the driver and whoever takes them.
//!
//! The driver never stops reading, because the acknowledgements that publishers wait for come by the same way. The
//! broker is slowed down by its own window instead: while many messages wait here, each is acknowledged only when
//! it is taken, and the broker sends no more than it may have unacknowledged. QoS 0 knows no such window, and not
//! every broker keeps to it (mosquitto 2.0.11 had 1,972 unacknowledged where its limit is 20): there is room for a
//! long burst, and beyond a hard limit messages are thrown away and counted.

use super::{Ack, Client, Message, Shared};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;

/// Messages above which acknowledgements wait.
const SOFT_COUNT: usize = 256;
/// Bytes above which acknowledgements wait.
const SOFT_BYTES: usize = 2 << 20;
/// Bytes above which messages are thrown away: some 40,000 commands.
const HARD_BYTES: usize = 16 << 20;
/// What a message takes beside its topic and payload.
const OVERHEAD: usize = 256;

#[derive(Default)]
struct Load {
    count: AtomicUsize,
    bytes: AtomicUsize,
    unacknowledged: AtomicUsize,
}

impl Load {
    fn is_crowded(&self) -> bool {
        self.count.load(Ordering::SeqCst) >= SOFT_COUNT || self.bytes.load(Ordering::SeqCst) >= SOFT_BYTES
    }

    fn is_full(&self) -> bool {
        self.bytes.load(Ordering::SeqCst) >= HARD_BYTES
    }
}

/// The memory that a message takes.
fn room(message: &Message) -> usize {
    OVERHEAD + message.topic.len() + message.payload.len()
}

/// A message, unless it was thrown away, and its acknowledgement, unless that has been sent. An acknowledgement
/// belongs to the connection that the message came by; on another it would be a protocol error.
struct Item {
    message: Option<Message>,
    ack: Option<(Ack, u64)>,
}

pub(super) struct Sender {
    items: mpsc::UnboundedSender<Item>,
    load: Arc<Load>,
    client: Arc<Client>,
    shared: Arc<Shared>,
}

/// Received messages, in order.
pub struct Incoming {
    items: mpsc::UnboundedReceiver<Item>,
    taken: Option<Item>,
    load: Arc<Load>,
    client: Arc<Client>,
    shared: Arc<Shared>,
}

pub(super) fn channel(client: Arc<Client>, shared: Arc<Shared>) -> (Sender, Incoming) {
    let (sender, items) = mpsc::unbounded_channel();
    let load = Arc::new(Load::default());
    let incoming = Incoming {
        items,
        taken: None,
        load: load.clone(),
        client: client.clone(),
        shared: shared.clone(),
    };
    let sender = Sender {
        items: sender,
        load,
        client,
        shared,
    };
    (sender, incoming)
}

impl Sender {
    pub(super) fn send(&self, message: Message, ack: Option<Ack>) {
        let mut message = Some(message);
        if self.load.is_full() {
            message = None;
            let discarded = self.shared.discarded.fetch_add(1, Ordering::Relaxed) + 1;
            if discarded.is_power_of_two() {
                tracing::warn!(discarded, "messages come faster than they can be taken");
            }
        }
        let crowded = self.load.is_crowded();
        // Acknowledgements go in the order of their messages: once one waits, all behind it do.
        let wait = crowded || self.load.unacknowledged.load(Ordering::SeqCst) > 0;
        let ack = ack.and_then(|ack| match wait {
            true => Some(ack),
            false => self.client.try_acknowledge(ack).err(),
        });
        if message.is_none() && ack.is_none() {
            return;
        }
        if ack.is_some() {
            self.load.unacknowledged.fetch_add(1, Ordering::SeqCst);
        }
        self.load.count.fetch_add(1, Ordering::SeqCst);
        self.load
            .bytes
            .fetch_add(message.as_ref().map_or(0, room), Ordering::SeqCst);
        let connection = self.shared.connection.load(Ordering::SeqCst);
        let ack = ack.map(|ack| (ack, connection));
        // An error only means that nobody takes messages any more.
        let _ = self.items.send(Item { message, ack });
    }
}

impl Incoming {
    /// The next message; `None` when the session is over. Loses nothing when it is given up half-way.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            if self.taken.is_none() {
                self.taken = Some(self.items.recv().await?);
            }
            if let Some((ack, connection)) = self.taken.as_ref().and_then(|item| item.ack.as_ref()) {
                if *connection == self.shared.connection.load(Ordering::SeqCst) {
                    self.client.acknowledge(ack.clone()).await;
                }
                self.load.unacknowledged.fetch_sub(1, Ordering::SeqCst);
            }
            self.load.count.fetch_sub(1, Ordering::SeqCst);
            if let Some(message) = self.taken.take().and_then(|item| item.message) {
                self.load.bytes.fetch_sub(room(&message), Ordering::SeqCst);
                return Some(message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Options, v3};
    use super::*;
    use crate::backoff::Policy;
    use amora_contract::config::MqttVersion;
    use bytes::Bytes;
    use std::time::Duration;

    fn queue() -> (Sender, Incoming, Arc<Shared>) {
        let options = Options {
            host: "localhost".to_owned(),
            port: 1883,
            version: MqttVersion::V3,
            client_id: "test".to_owned(),
            credentials: None,
            tls: None,
            websocket: None,
            keep_alive: Duration::from_secs(60),
            clean_session: true,
            last_will: None,
            subscriptions: Vec::new(),
            max_message_size: 1000,
            backoff: Policy::AMORA_MQTT,
        };
        let (client, _engine) = v3::open(&options);
        let shared = Arc::new(Shared::new(0));
        let (sender, incoming) = channel(Arc::new(Client::V3(client)), shared.clone());
        (sender, incoming, shared)
    }

    /// So many messages fill the queue.
    const FULL: usize = HARD_BYTES.div_ceil(OVERHEAD + 6 + 7);
    const _: () = assert!(FULL > 30_000, "a burst of commands has room");

    fn message(number: usize) -> Message {
        Message {
            topic: format!("{number:06}"),
            payload: Bytes::from_static(b"payload"),
            size: 7,
            retained: false,
            duplicate: false,
        }
    }

    #[tokio::test]
    async fn messages_come_out_in_order_and_free_their_room() {
        let (sender, mut incoming, shared) = queue();
        for round in 0..3 {
            for number in 0..FULL {
                sender.send(message(number), None);
            }
            for number in 0..FULL {
                assert_eq!(
                    incoming.next().await.unwrap().topic,
                    message(number).topic,
                    "{round}"
                );
            }
        }
        assert_eq!(shared.discarded.load(Ordering::Relaxed), 0);
        assert_eq!(incoming.load.bytes.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn beyond_the_hard_limit_messages_are_thrown_away_and_counted() {
        let (sender, mut incoming, shared) = queue();
        for number in 0..FULL + 10 {
            sender.send(message(number), None);
        }
        assert_eq!(shared.discarded.load(Ordering::Relaxed), 10);
        assert_eq!(incoming.next().await.unwrap().topic, "000000");
        sender.send(message(1), None);
        assert_eq!(shared.discarded.load(Ordering::Relaxed), 10);
    }

    #[tokio::test]
    async fn in_a_crowd_acknowledgements_wait_until_the_message_is_taken() {
        let (sender, mut incoming, shared) = queue();
        let ack = || Some(Ack::V3(rumqttc_v4::ManualAck::PubAck(rumqttc_v4::PubAck::new(1))));
        let waiting = || sender.load.unacknowledged.load(Ordering::SeqCst);
        for number in 0..SOFT_COUNT {
            sender.send(message(number), None);
        }
        sender.send(message(SOFT_COUNT), ack());
        assert_eq!(waiting(), 1);
        for _ in 0..=SOFT_COUNT {
            incoming.next().await.unwrap();
        }
        assert_eq!(waiting(), 0);
        assert_eq!(shared.discarded.load(Ordering::Relaxed), 0);
    }
}
