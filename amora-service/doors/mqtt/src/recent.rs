//! What was answered lately. A message that comes twice, as QoS 1 allows, is answered twice but carried out once.
//! Pure: time comes in from outside.

use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use tokio::time::Instant;

/// A repetition that comes later is meant.
const WINDOW: Duration = Duration::from_secs(30);

/// Messages remembered.
const MESSAGES: usize = 4096;

/// Bytes of answers remembered.
const BYTES: usize = 1 << 20;

/// What is known of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Known {
    /// It is being carried out.
    Running,
    /// It was carried out; this was the answer.
    Answered(Bytes),
}

/// Stands for one message: the same bytes on the same topic, its id included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint(u64);

/// The messages of the last while, the oldest forgotten first.
pub(crate) struct Recent {
    hasher: RandomState,
    known: HashMap<Fingerprint, Known>,
    order: VecDeque<(Instant, Fingerprint)>,
    bytes: usize,
}

impl Recent {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            known: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
        }
    }

    pub(crate) fn fingerprint(&self, topic: &str, payload: &[u8]) -> Fingerprint {
        Fingerprint(self.hasher.hash_one((topic, payload)))
    }

    /// What is known of the message, if it came within the window.
    pub(crate) fn find(&mut self, message: Fingerprint, now: Instant) -> Option<&Known> {
        while self
            .order
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) > WINDOW)
        {
            self.forget_oldest();
        }
        self.known.get(&message)
    }

    /// The message is being carried out from now.
    pub(crate) fn begin(&mut self, message: Fingerprint, now: Instant) {
        if self.known.insert(message, Known::Running).is_none() {
            self.order.push_back((now, message));
        }
        while self.order.len() > MESSAGES {
            self.forget_oldest();
        }
    }

    /// The message was answered.
    pub(crate) fn answered(&mut self, message: Fingerprint, answer: Bytes) {
        // Forgotten meanwhile: then it must not come back without its place in the order.
        if let Some(known) = self.known.get_mut(&message) {
            self.bytes += answer.len();
            *known = Known::Answered(answer);
        }
        while self.bytes > BYTES {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, message)) = self.order.pop_front()
            && let Some(Known::Answered(answer)) = self.known.remove(&message)
        {
            self.bytes -= answer.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_repetition_is_known_within_the_window_only() {
        let mut recent = Recent::new();
        let next = recent.fingerprint("commands", b"{next 1}");
        let other = recent.fingerprint("commands", b"{next 2}");
        let now = Instant::now();
        assert_eq!(recent.find(next, now), None);
        recent.begin(next, now);
        assert_eq!(recent.find(next, now), Some(&Known::Running));
        recent.answered(next, Bytes::from_static(b"done"));
        assert_eq!(
            recent.find(next, now + WINDOW),
            Some(&Known::Answered(Bytes::from_static(b"done")))
        );
        assert_eq!(recent.find(other, now), None);
        assert_eq!(recent.find(next, now + WINDOW + Duration::from_millis(1)), None);
        assert_eq!(recent.bytes, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn memory_stays_bounded() {
        let mut recent = Recent::new();
        let now = Instant::now();
        for number in 0u32..20_000 {
            let message = recent.fingerprint("commands", &number.to_be_bytes());
            recent.begin(message, now);
            recent.answered(message, Bytes::from(vec![0; 1000]));
        }
        assert!(recent.bytes <= BYTES && recent.order.len() <= MESSAGES);
        assert_eq!(recent.known.len(), recent.order.len());
        let huge = recent.fingerprint("commands", b"huge");
        recent.begin(huge, now);
        recent.answered(huge, Bytes::from(vec![0; 2 * BYTES]));
        assert_eq!((recent.bytes, recent.order.len()), (0, 0));
    }
}
