//! Opens the card and opens it again, away from the real-time thread: opening and closing may allocate and wait.

use super::console::{Console, guard};
use super::crank::Mounted;
use super::{BackOff, CardPhase, EngineEvent};
use crate::card::{Card, CardError, CardSlot};
use amora_contract::state::CardState;
use amora_contract::units::{Hertz, Millis};
use rtrb::{Consumer, Producer, RingBuffer};
use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Events kept for somebody who polls rarely; the oldest are lost first.
const EVENTS: usize = 128;

/// A card in use by another program is asked for at least this often: exclusive mode gives it back within moments.
const BUSY: Duration = Duration::from_millis(250);

/// A card that is lost again this soon after it was opened does not reset the back-off.
const STABLE: Duration = Duration::from_secs(10);

/// What the supervisor tells the engine's handle.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) status: Mutex<Status>,
}

#[derive(Debug)]
pub(crate) struct Status {
    pub(crate) card: CardState,
    pub(crate) phase: CardPhase,
    pub(crate) events: VecDeque<EngineEvent>,
}

/// Why the real-time thread gives a card back.
#[derive(Debug)]
pub(crate) enum Why {
    Failed(CardError),
    Released,
}

/// The real-time thread's ends of the rings to and from the supervisor.
#[derive(Debug)]
pub(crate) struct CardEnds {
    pub(crate) fresh: Consumer<Box<Mounted>>,
    pub(crate) spent: Producer<(Box<Mounted>, Why)>,
}

pub(crate) struct Supervisor {
    slot: Box<dyn CardSlot>,
    rate: Hertz,
    back_off: BackOff,
    console: Arc<Console>,
    desk: Arc<Desk>,
    fresh: Producer<Box<Mounted>>,
    spent: Consumer<(Box<Mounted>, Why)>,
    /// When to try next; `None` while the card is out.
    attempt: Option<Instant>,
    delay: Duration,
    opened: Option<Instant>,
    /// The card was lost, not released: opening it is a reopening.
    lost: bool,
}

impl Supervisor {
    pub(crate) fn new(
        slot: Box<dyn CardSlot>,
        rate: Hertz,
        back_off: BackOff,
        console: Arc<Console>,
    ) -> (Self, Arc<Desk>, CardEnds) {
        let (fresh_in, fresh_out) = RingBuffer::new(1);
        let (spent_in, spent_out) = RingBuffer::new(1);
        let card = CardState {
            kind: slot.kind().to_owned(),
            device: slot.device().to_owned(),
            profile: slot.profile().to_owned(),
            ..CardState::default()
        };
        let desk = Arc::new(Desk {
            status: Mutex::new(Status {
                card,
                phase: CardPhase::Opening,
                events: VecDeque::with_capacity(EVENTS),
            }),
        });
        let supervisor = Self {
            slot,
            rate,
            back_off,
            console,
            desk: Arc::clone(&desk),
            fresh: fresh_in,
            spent: spent_out,
            attempt: Some(Instant::now()),
            delay: back_off.first.duration(),
            opened: None,
            lost: false,
        };
        let ends = CardEnds {
            fresh: fresh_out,
            spent: spent_in,
        };
        (supervisor, desk, ends)
    }

    pub(crate) fn run(mut self) {
        while !self.console.shared.stop.load(Relaxed) {
            while let Ok((mounted, why)) = self.spent.pop() {
                drop(mounted);
                self.take_back(why);
            }
            self.console.collect();
            let released = self.console.shared.release.load(Relaxed);
            match self.attempt {
                Some(_) if released => self.rest(),
                Some(when) if when <= Instant::now() => self.open(),
                Some(when) => std::thread::park_timeout(when.saturating_duration_since(Instant::now())),
                None => std::thread::park(),
            }
        }
    }

    /// Released: waits until the card is wanted again.
    fn rest(&mut self) {
        let newly = {
            let mut status = guard(&self.desk.status);
            let newly = status.phase != CardPhase::Released;
            status.phase = CardPhase::Released;
            status.card.error = None;
            newly
        };
        if newly {
            self.tell(EngineEvent::CardReleased);
        }
        while self.console.shared.release.load(Relaxed) && !self.console.shared.stop.load(Relaxed) {
            std::thread::park();
        }
        guard(&self.desk.status).phase = CardPhase::Opening;
        self.attempt = Some(Instant::now());
        self.delay = self.back_off.first.duration();
    }

    fn take_back(&mut self, why: Why) {
        let now = Instant::now();
        let stable = self.opened.is_some_and(|opened| now - opened >= STABLE);
        if stable {
            self.delay = self.back_off.first.duration();
        }
        self.attempt = Some(now);
        if let Why::Failed(error) = why {
            self.lost = true;
            self.attempt = Some(now + self.next_delay());
            let cause = error.to_string();
            tracing::warn!(cause, "the sound card is lost");
            let mut status = guard(&self.desk.status);
            status.phase = CardPhase::Opening;
            status.card.error = Some(cause.clone());
            drop(status);
            self.tell(EngineEvent::CardLost { cause });
        }
    }

    fn next_delay(&mut self) -> Duration {
        let delay = self.delay;
        let longest = self.back_off.longest.duration();
        self.delay = (delay * 2).min(longest).max(Millis(1).duration());
        delay
    }

    fn open(&mut self) {
        let opened = self.slot.open().and_then(|card| self.check(card));
        match opened {
            Ok(card) => {
                let format = card.format().clone();
                let mounted = Box::new(Mounted::new(card));
                if self.fresh.push(mounted).is_err() {
                    return;
                }
                self.attempt = None;
                self.opened = Some(Instant::now());
                if std::mem::take(&mut self.lost) {
                    self.console.shared.counters.reopens.fetch_add(1, Relaxed);
                }
                let device = self.slot.device().to_owned();
                tracing::info!(device, ?format, "the sound card is open");
                let mut status = guard(&self.desk.status);
                status.phase = CardPhase::Running;
                status.card = CardState {
                    kind: self.slot.kind().to_owned(),
                    device: device.clone(),
                    profile: self.slot.profile().to_owned(),
                    rate: format.rate,
                    format: format.sample_format.to_owned(),
                    period: format.period,
                    buffer: format.buffer,
                    capture: format.capture,
                    ..CardState::default()
                };
                drop(status);
                self.tell(EngineEvent::CardOpened { device });
            }
            Err(error) => self.postpone(&error),
        }
    }

    fn check(&self, card: Box<dyn Card>) -> Result<Box<dyn Card>, CardError> {
        let rate = card.format().rate;
        if (rate.0 - self.rate.0).abs() > 0.5 {
            return Err(CardError::Unsupported(format!(
                "it runs at {rate}, the engine at {}",
                self.rate
            )));
        }
        Ok(card)
    }

    fn postpone(&mut self, error: &CardError) {
        let mut delay = self.next_delay();
        match error {
            CardError::Busy(_) => delay = delay.min(BUSY),
            CardError::Unsupported(_) => delay = self.back_off.longest.duration(),
            _ => {}
        }
        self.attempt = Some(Instant::now() + delay);
        let cause = error.to_string();
        let news = {
            let mut status = guard(&self.desk.status);
            let news = status.card.error.as_ref() != Some(&cause);
            status.card.error = Some(cause.clone());
            news
        };
        if news {
            tracing::warn!(cause, "the sound card can't be opened");
            self.tell(EngineEvent::CardUnavailable { cause });
        }
    }

    fn tell(&self, event: EngineEvent) {
        let mut status = guard(&self.desk.status);
        if status.events.len() == EVENTS {
            status.events.pop_front();
        }
        status.events.push_back(event);
    }
}
