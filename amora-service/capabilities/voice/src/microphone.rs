//! The microphone's packets on their way to the call.

use crate::figures::{Count, Figures};
use crate::queue::DropOldest;
use crate::session::OpusPacket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Packets that wait at most: one second of 20 ms each. What is older is of no use to a conversation.
const QUEUE: usize = 50;

/// The queue between whoever encodes and the call. Clones are handles to the same one.
#[derive(Debug, Clone)]
pub struct Microphone {
    queue: DropOldest<OpusPacket>,
    open: Arc<AtomicBool>,
    figures: Arc<Figures>,
}

impl Microphone {
    /// An empty queue that counts in `figures`.
    pub fn new(figures: Arc<Figures>) -> Self {
        Self {
            queue: DropOldest::new(QUEUE),
            open: Arc::default(),
            figures,
        }
    }

    /// Hands over a packet. Where too many wait, the oldest is dropped and counted.
    pub fn push(&self, packet: OpusPacket) {
        if self.queue.push(packet).is_some() {
            self.figures.count(Count::MicDropped, 1);
        }
        self.measure();
    }

    /// Whether there is a call that takes packets: without one, nobody needs to encode any.
    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    pub(crate) fn set_open(&self, open: bool) {
        self.open.store(open, Ordering::Relaxed);
    }

    /// Packets that wait.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    pub(crate) async fn pop(&self) -> OpusPacket {
        let packet = self.queue.pop().await;
        self.measure();
        packet
    }

    /// Forgets what waits.
    pub(crate) fn clear(&self) {
        self.queue.clear();
        self.measure();
    }

    fn measure(&self) {
        self.figures.set_microphone_queue(self.queue.len() as u64);
    }
}
