//! What the call tells the thread. Packets that nobody takes are bounded; everything else is rare.

use crate::leg::Downlink;
use crate::session::Arrival;
use amora_contract::state::VoiceLink;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Packets that may wait for the thread, which takes them every few milliseconds.
const ARRIVALS: usize = 1024;

/// What the thread is told.
#[derive(Debug)]
pub(super) enum News {
    /// A call begins.
    Begun,
    /// A packet came.
    Arrived(Arrival),
    /// The call is this way now.
    Link(VoiceLink),
    /// Nobody wants to hear what waits.
    Silence,
    /// The end.
    Stop,
}

/// What both ends count.
#[derive(Debug, Default)]
struct Shared {
    waiting: AtomicUsize,
    dropped: AtomicU64,
}

/// The call's end.
#[derive(Debug, Clone)]
pub(super) struct Inlet {
    news: Sender<News>,
    shared: Arc<Shared>,
}

/// The thread's end.
#[derive(Debug)]
pub(super) struct Outlet {
    news: Receiver<News>,
    shared: Arc<Shared>,
}

pub(super) fn inlet() -> (Inlet, Outlet) {
    let (sender, receiver) = channel();
    let shared = Arc::new(Shared::default());
    let inlet = Inlet {
        news: sender,
        shared: shared.clone(),
    };
    let outlet = Outlet {
        news: receiver,
        shared,
    };
    (inlet, outlet)
}

impl Inlet {
    /// Tells the thread, if it is still there.
    pub(super) fn tell(&self, news: News) {
        let _ = self.news.send(news);
    }
}

impl Downlink for Inlet {
    fn begin(&mut self) {
        self.tell(News::Begun);
    }

    fn arrived(&mut self, arrival: Arrival) {
        if self.shared.waiting.fetch_add(1, Ordering::Relaxed) >= ARRIVALS {
            self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
            self.shared.dropped.fetch_add(arrival.frames(), Ordering::Relaxed);
            return;
        }
        self.tell(News::Arrived(arrival));
    }

    /// What the hub has said before is still worth hearing.
    fn end(&mut self) {}
}

impl Outlet {
    /// What is told next, waited for at most `patience`.
    pub(super) fn next(&self, patience: Duration) -> Option<News> {
        let news = match self.news.recv_timeout(patience) {
            Ok(news) => news,
            Err(RecvTimeoutError::Timeout) => return None,
            Err(RecvTimeoutError::Disconnected) => News::Stop,
        };
        if let News::Arrived(_) = news {
            self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        Some(news)
    }

    /// Frames of sound that were dropped since this was asked last, because too many packets waited.
    pub(super) fn dropped(&self) -> u64 {
        self.shared.dropped.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::time::Instant;

    /// A packet of 20 ms that says nothing.
    fn arrival(sequence: u16) -> Arrival {
        Arrival {
            stream: 1,
            sequence,
            timestamp: u32::from(sequence) * 960,
            arrived: Instant::now(),
            payload: Bytes::from_static(&[0xF8, 0xFF, 0xFE]),
        }
    }

    #[test]
    fn what_nobody_takes_is_dropped_and_counted_and_what_is_told_is_not_lost_by_it() {
        let (mut inlet, outlet) = inlet();
        for number in 0..1_100 {
            inlet.arrived(arrival(number));
        }
        inlet.tell(News::Silence);
        assert_eq!((outlet.dropped(), outlet.dropped()), (76 * 960, 0));
        for number in 0..1_024 {
            let Some(News::Arrived(arrival)) = outlet.next(Duration::ZERO) else {
                panic!("only {number} waited");
            };
            assert_eq!(arrival.sequence, number);
        }
        assert!(matches!(outlet.next(Duration::ZERO), Some(News::Silence)));
        assert!(outlet.next(Duration::ZERO).is_none());
        inlet.arrived(arrival(2_000));
        assert!(
            matches!(outlet.next(Duration::ZERO), Some(News::Arrived(_))),
            "there is room again"
        );
        assert_eq!(outlet.dropped(), 0);
    }

    #[test]
    fn who_is_told_nothing_any_more_stops() {
        let (inlet, outlet) = inlet();
        drop(inlet);
        assert!(matches!(outlet.next(Duration::ZERO), Some(News::Stop)));
    }
}
