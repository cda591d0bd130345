//! The queue of received messages between the driver and whoever takes them.
//!
//! The broker is slowed down by its own window: while many messages wait here, each is acknowledged only when it is
//! taken, and the broker sends no more than it may have unacknowledged. Not every broker keeps to that (mosquitto
//! 2.0.11 sends one more for each acknowledgement), and at QoS 0 there is no window: while still more wait, the
//! driver reads only as fast as messages are taken. It never stops for long, because the acknowledgements that
//! publishers wait for come by the same way. Beyond a hard limit messages are thrown away and counted.

use super::{Ack, Client, Message, Shared};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

/// Messages above which acknowledgements wait.
const SOFT_COUNT: usize = 256;
/// Bytes above which acknowledgements wait.
const SOFT_BYTES: usize = 2 << 20;
/// Messages above which reading waits for them to be taken.
const PAUSE_COUNT: usize = 1_024;
/// Bytes above which reading waits.
const PAUSE_BYTES: usize = 4 << 20;
/// How long reading waits for one message to be taken. Nobody taking any that long may be waiting for what is unread.
const PATIENCE: Duration = Duration::from_millis(20);
/// Messages read without waiting then.
const LEAP: usize = 64;
/// Messages above which messages are thrown away.
const HARD_COUNT: usize = 16_384;
/// Bytes above which messages are thrown away.
const HARD_BYTES: usize = 16 << 20;

#[derive(Default)]
struct Load {
    count: AtomicUsize,
    bytes: AtomicUsize,
    unacknowledged: AtomicUsize,
    taken: Notify,
}

impl Load {
    fn exceeds(&self, count: usize, bytes: usize) -> bool {
        self.count.load(Ordering::SeqCst) >= count || self.bytes.load(Ordering::SeqCst) >= bytes
    }
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
    /// Messages that may still be read without waiting.
    leap: usize,
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
        leap: 0,
    };
    (sender, incoming)
}

impl Sender {
    pub(super) fn send(&self, message: Message, ack: Option<Ack>) {
        let mut message = Some(message);
        if self.load.exceeds(HARD_COUNT, HARD_BYTES) {
            message = None;
            let discarded = self.shared.discarded.fetch_add(1, Ordering::Relaxed) + 1;
            if discarded.is_power_of_two() {
                tracing::warn!(discarded, "messages come faster than they can be taken");
            }
        }
        let crowded = self.load.exceeds(SOFT_COUNT, SOFT_BYTES);
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
        let size = message.as_ref().map_or(0, |message| message.payload.len());
        self.load.bytes.fetch_add(size, Ordering::SeqCst);
        let connection = self.shared.connection.load(Ordering::SeqCst);
        let ack = ack.map(|ack| (ack, connection));
        // An error only means that nobody takes messages any more.
        let _ = self.items.send(Item { message, ack });
    }

    /// Waits for room before the next message is read.
    pub(super) async fn room(&mut self) {
        if self.leap > 0 {
            self.leap -= 1;
            return;
        }
        while self.load.exceeds(PAUSE_COUNT, PAUSE_BYTES) {
            if timeout(PATIENCE, self.load.taken.notified()).await.is_err() {
                self.leap = LEAP;
                return;
            }
        }
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
                self.load.bytes.fetch_sub(message.payload.len(), Ordering::SeqCst);
                self.load.taken.notify_one();
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

    fn message(number: usize) -> Message {
        Message {
            topic: number.to_string(),
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
            for number in 0..HARD_COUNT {
                sender.send(message(number), None);
            }
            for number in 0..HARD_COUNT {
                assert_eq!(
                    incoming.next().await.unwrap().topic,
                    number.to_string(),
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
        for number in 0..HARD_COUNT + 10 {
            sender.send(message(number), None);
        }
        assert_eq!(shared.discarded.load(Ordering::Relaxed), 10);
        assert_eq!(incoming.next().await.unwrap().topic, "0");
        sender.send(message(1), None);
        assert_eq!(shared.discarded.load(Ordering::Relaxed), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn reading_waits_for_the_taker_but_not_for_one_that_takes_nothing() {
        let (mut sender, mut incoming, shared) = queue();
        let reader = tokio::spawn(async move {
            for number in 0..10 * HARD_COUNT {
                sender.send(message(number), None);
                sender.room().await;
            }
            sender
        });
        for number in 0..10 * HARD_COUNT {
            assert_eq!(incoming.next().await.unwrap().topic, number.to_string());
            tokio::task::yield_now().await;
        }
        assert_eq!(shared.discarded.load(Ordering::Relaxed), 0);
        let mut sender = reader.await.unwrap();
        let start = tokio::time::Instant::now();
        for number in 0..PAUSE_COUNT + 10 * (LEAP + 1) {
            sender.send(message(number), None);
            sender.room().await;
        }
        let waits = start.elapsed().as_millis() / PATIENCE.as_millis();
        assert!((9..=11).contains(&waits), "{waits}");
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
