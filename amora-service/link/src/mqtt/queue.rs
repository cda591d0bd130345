//! The queue of received messages between the driver and whoever takes them.
//!
//! Normally a full queue makes the driver stop reading, so that the sender is slowed down by TCP and nothing is
//! lost. But acknowledgements come by the same way: while a publisher waits for them the driver must read on, and
//! then the queue grows to a hard limit. Beyond that messages are thrown away and counted.

use super::{Message, Shared};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// Messages above which the driver stops reading if it can.
const SOFT_COUNT: usize = 1024;
/// Bytes above which the driver stops reading if it can.
const SOFT_BYTES: usize = 4 << 20;
/// How many times the soft limits the hard ones are.
const HARD: usize = 8;
/// Longest pause in reading; a longer one would cost the connection its keep-alive.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Load {
    count: AtomicUsize,
    bytes: AtomicUsize,
    room: Notify,
}

impl Load {
    fn exceeds(&self, times: usize) -> bool {
        self.count.load(Ordering::SeqCst) >= SOFT_COUNT * times
            || self.bytes.load(Ordering::SeqCst) >= SOFT_BYTES * times
    }
}

pub(super) struct Sender {
    messages: mpsc::UnboundedSender<Message>,
    load: Arc<Load>,
    shared: Arc<Shared>,
}

/// Received messages, in order.
pub struct Incoming {
    messages: mpsc::UnboundedReceiver<Message>,
    load: Arc<Load>,
}

pub(super) fn channel(shared: Arc<Shared>) -> (Sender, Incoming) {
    let (sender, messages) = mpsc::unbounded_channel();
    let load = Arc::new(Load::default());
    let incoming = Incoming {
        messages,
        load: load.clone(),
    };
    let sender = Sender {
        messages: sender,
        load,
        shared,
    };
    (sender, incoming)
}

impl Sender {
    pub(super) async fn send(&self, message: Message) {
        if self.load.exceeds(1) {
            self.wait_for_room().await;
        }
        if self.load.exceeds(HARD) {
            let discarded = self.shared.discarded.fetch_add(1, Ordering::Relaxed) + 1;
            if discarded.is_power_of_two() {
                tracing::warn!(
                    discarded,
                    topic = message.topic,
                    "messages come faster than they can be taken"
                );
            }
            return;
        }
        self.load.count.fetch_add(1, Ordering::SeqCst);
        self.load.bytes.fetch_add(message.payload.len(), Ordering::SeqCst);
        // An error only means that nobody takes messages any more.
        let _ = self.messages.send(message);
    }

    /// Returns when there is room, when a publisher needs the driver, or when patience ends.
    async fn wait_for_room(&self) {
        let patience = tokio::time::sleep(PATIENCE);
        tokio::pin!(patience);
        loop {
            let room = self.load.room.notified();
            let stalled = self.shared.stalled.notified();
            tokio::pin!(room, stalled);
            // Registered before the conditions are looked at, so that no change is missed.
            room.as_mut().enable();
            stalled.as_mut().enable();
            if !self.load.exceeds(1)
                || self.shared.waiting.load(Ordering::SeqCst) > 0
                || self.messages.is_closed()
            {
                return;
            }
            tokio::select! {
                () = &mut room => {}
                () = &mut stalled => {}
                () = &mut patience => return,
            }
        }
    }
}

impl Incoming {
    /// The next message; `None` when the session is over.
    pub async fn next(&mut self) -> Option<Message> {
        let message = self.messages.recv().await?;
        self.load.count.fetch_sub(1, Ordering::SeqCst);
        self.load.bytes.fetch_sub(message.payload.len(), Ordering::SeqCst);
        self.load.room.notify_waiters();
        Some(message)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.messages.close();
        self.load.room.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::sync::atomic::AtomicU64;

    fn shared() -> Arc<Shared> {
        Arc::new(Shared {
            waiting: AtomicUsize::new(0),
            stalled: Notify::new(),
            limit: AtomicUsize::new(0),
            discarded: AtomicU64::new(0),
        })
    }

    fn message(number: usize) -> Message {
        Message {
            topic: number.to_string(),
            payload: Bytes::new(),
            size: 0,
            retained: false,
            duplicate: false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_taker_slows_the_sender_and_loses_nothing() {
        let shared = shared();
        let (sender, mut incoming) = channel(shared.clone());
        let sending = tokio::spawn(async move {
            for number in 0..3 * SOFT_COUNT {
                sender.send(message(number)).await;
            }
        });
        for number in 0..3 * SOFT_COUNT {
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert!(incoming.load.count.load(Ordering::SeqCst) <= SOFT_COUNT);
            assert_eq!(incoming.next().await.unwrap().topic, number.to_string());
        }
        sending.await.unwrap();
        assert_eq!(shared.discarded.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn while_a_publisher_waits_the_queue_grows_to_its_hard_limit_and_no_further() {
        let shared = shared();
        shared.waiting.store(1, Ordering::SeqCst);
        let (sender, mut incoming) = channel(shared.clone());
        for number in 0..HARD * SOFT_COUNT + 10 {
            sender.send(message(number)).await;
        }
        assert_eq!(shared.discarded.load(Ordering::Relaxed), 10);
        assert_eq!(incoming.next().await.unwrap().topic, "0");
        sender.send(message(1)).await;
        assert_eq!(shared.discarded.load(Ordering::Relaxed), 10);
    }
}
