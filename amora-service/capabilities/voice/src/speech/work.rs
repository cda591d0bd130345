//! The thread: takes what the call tells, follows the engine, and lets the one speak and the other hear.

use super::ears::Ears;
use super::inlet::{News, Outlet};
use super::mouth::Mouth;
use super::need::Need;
use super::{Seen, guard};
use crate::figures::{Count, Meter};
use crate::uplink::Line;
use amora_audio::engine::Console;
use amora_contract::config::{BargeIn, VoiceConfig};
use amora_contract::units::Decibels;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// Time between two turns of the loudspeaker, and between two looks while it is silent.
const TURN: Duration = Duration::from_millis(5);
const LOOK: Duration = Duration::from_millis(50);

/// Time between two readings of the echo canceller, and between two attempts to find a place in the engine.
const READING: Duration = Duration::from_millis(500);

/// So long an engine may be away: one that gets other settings is back at once.
const ABSENCE: Duration = Duration::from_secs(2);

/// What speech is turned down to while somebody talks into it.
const DUCKED: Decibels = Decibels(-18.0);

pub(super) struct Work {
    config: VoiceConfig,
    line: Line,
    consoles: watch::Receiver<Option<Arc<Console>>>,
    barge_ins: mpsc::UnboundedSender<bool>,
    seen: Arc<Mutex<Seen>>,
    outlet: Outlet,
    start: Instant,
    need: Need,
    mouth: Mouth,
    /// The engine that is spoken through.
    engine: Option<Arc<Console>>,
    /// Since when there is none, why, and when one is tried next.
    away: Duration,
    why_away: String,
    enter_at: Duration,
    ears: Option<Ears>,
    /// Why nothing is heard that should be, and when it is tried next.
    why_deaf: String,
    listen_at: Duration,
    read_at: Duration,
    processed: Meter,
    /// Whether it was told that somebody speaks while the box does.
    near_end: bool,
}

impl Work {
    pub(super) fn new(
        config: VoiceConfig,
        line: Line,
        consoles: watch::Receiver<Option<Arc<Console>>>,
        barge_ins: mpsc::UnboundedSender<bool>,
        seen: Arc<Mutex<Seen>>,
        outlet: Outlet,
    ) -> Self {
        Self {
            mouth: Mouth::new(line.figures.clone()),
            config,
            line,
            consoles,
            barge_ins,
            seen,
            outlet,
            start: Instant::now(),
            need: Need::default(),
            engine: None,
            away: Duration::ZERO,
            why_away: String::new(),
            enter_at: Duration::ZERO,
            ears: None,
            why_deaf: String::new(),
            listen_at: Duration::ZERO,
            read_at: Duration::ZERO,
            processed: Meter::new(Count::AecProcessed),
            near_end: false,
        }
    }

    /// Works until it is told to stop.
    pub(super) fn run(mut self) {
        loop {
            self.follow(self.start.elapsed());
            let busy = self.engine.is_some() && self.mouth.is_busy();
            // What comes while it sounds is needed by the next turn, and wakes nobody before.
            if busy {
                std::thread::sleep(TURN);
            }
            let mut news = self.outlet.next(if busy { Duration::ZERO } else { LOOK });
            while let Some(one) = news {
                if matches!(one, News::Stop) {
                    return;
                }
                self.take(one);
                news = self.outlet.next(Duration::ZERO);
            }
            self.turn(self.start.elapsed());
        }
    }

    fn take(&mut self, news: News) {
        let now = self.start.elapsed();
        match news {
            News::Begun => self.mouth.expect_another_stream(),
            News::Arrived(arrival) => {
                let arrived = arrival.arrived.saturating_duration_since(self.start);
                self.mouth.receive(&arrival, arrived);
            }
            News::Link(link) => self.need.follow(link, now),
            News::Silence => self.mouth.silence(now),
            News::Stop => {}
        }
    }

    /// Takes a place in the engine that there is, and hears through it while anybody needs to.
    fn follow(&mut self, now: Duration) {
        let changed = self.consoles.has_changed().unwrap_or(false);
        if self.engine.is_some() && (changed || self.mouth.is_ended()) {
            self.engine = None;
            self.away = now;
            self.enter_at = now;
            self.deafen();
        }
        if self.engine.is_none() && (changed || now >= self.enter_at) {
            self.enter(now);
        }
        let lost = self.engine.is_none() && now >= self.away + ABSENCE;
        if lost {
            self.mouth.give_up(now);
        }
        self.listen(now);
        let problem: &str = match (self.need.is_wanted(), lost) {
            (false, _) => "",
            (true, true) => &self.why_away,
            (true, false) => &self.why_deaf,
        };
        tell(&self.seen, problem);
    }

    fn enter(&mut self, now: Duration) {
        let entered = match self.consoles.borrow_and_update().clone() {
            Some(console) => self.mouth.open(&console).map(|()| console),
            None => Err("the sound engine is away".to_owned()),
        };
        match entered {
            Ok(console) => {
                self.engine = Some(console);
                self.listen_at = now;
            }
            Err(why) => {
                self.why_away = why;
                self.enter_at = now + READING;
            }
        }
    }

    fn listen(&mut self, now: Duration) {
        let listened_to = self.line.listeners.receiver_count() > 0;
        let is_sent = self.line.microphone.is_open();
        if !self.need.hears(is_sent, now) && !listened_to {
            self.why_deaf.clear();
            return self.deafen();
        }
        let Some(console) = &self.engine else { return };
        if self.ears.is_some() || now < self.listen_at {
            return;
        }
        match Ears::open(console, &self.config, &self.line) {
            Ok(ears) => {
                self.ears = Some(ears);
                self.why_deaf.clear();
            }
            Err(why) => {
                self.why_deaf = why;
                self.listen_at = now + READING;
            }
        }
    }

    /// Ceases to hear. Who spoke is heard no more.
    fn deafen(&mut self) {
        if self.ears.take().is_some() {
            guard(&self.seen).echo = None;
        }
        if std::mem::take(&mut self.near_end) {
            self.mouth.set_gain(Decibels(0.0));
            let _ = self.barge_ins.send(false);
        }
    }

    fn turn(&mut self, now: Duration) {
        if let Some(console) = &self.engine {
            self.mouth.turn(now);
            self.line.figures.set_audio_callback(console.last_callback());
        }
        self.mouth.drop_frames(self.outlet.dropped());
        self.mouth.count();
        while let Some(begun) = self.ears.as_ref().and_then(Ears::poll) {
            self.barge_in(begun, now);
        }
        if let Some(ears) = &mut self.ears
            && now >= self.read_at
        {
            self.read_at = now + READING;
            let echo = ears.read(&mut self.processed, &self.line.figures);
            guard(&self.seen).echo = Some(echo);
        }
    }

    /// Somebody began to speak while the box does, or ceased to.
    fn barge_in(&mut self, begun: bool, now: Duration) {
        self.near_end = begun;
        let _ = self.barge_ins.send(begun);
        match self.config.barge_in {
            BargeIn::Off => {}
            BargeIn::Duck if begun => self.mouth.set_gain(DUCKED),
            BargeIn::Duck => self.mouth.set_gain(Decibels(0.0)),
            BargeIn::Stop if begun => self.mouth.silence(now),
            BargeIn::Stop => {}
        }
    }
}

/// Tells a problem, once, or that there is none.
fn tell(seen: &Mutex<Seen>, problem: &str) {
    let mut seen = guard(seen);
    if problem == seen.problem {
        return;
    }
    if !problem.is_empty() {
        tracing::warn!(problem, "the call has no sound");
    }
    problem.clone_into(&mut seen.problem);
}
