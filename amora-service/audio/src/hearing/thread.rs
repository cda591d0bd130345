//! The hearing beside a running engine: a thread of its own, not the real-time one.

use super::{BusReader, Figures, Hearing, HearingEvent, HearingOptions, RATE};
use crate::clock;
use crate::engine::{Console, EngineError, Mark, Tap};
use crate::worker::Worker;
use amora_contract::config::EchoEngine;
use amora_contract::units::Hertz;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Shortest and longest sleep between two looks at the streams, in nanoseconds.
const SHORTEST: u64 = 500_000;
const LONGEST: u64 = 10_000_000;

/// How long after a turn's end the next look is, in nanoseconds: by then the sound thread has delivered.
const LATER: u64 = 300_000;

/// Why the hearing can't start.
#[derive(Debug, thiserror::Error)]
pub enum HearingError {
    /// The engine runs at another rate.
    #[error("echo cancelling needs 48 kHz, the card runs at {0}")]
    Rate(Hertz),
    /// The engine has no stream left, or has ended.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The thread could not be started.
    #[error("the hearing's thread can't be started: {0}")]
    Thread(#[source] std::io::Error),
}

/// A running hearing. Dropping it stops it; readers of its buses then see their end.
#[derive(Debug)]
pub struct HearingThread {
    hearing: Arc<Mutex<Hearing>>,
    _worker: Worker,
}

fn guard(hearing: &Mutex<Hearing>) -> MutexGuard<'_, Hearing> {
    // Engines that panic are caught within; nothing else leaves the core half done.
    hearing.lock().unwrap_or_else(PoisonError::into_inner)
}

impl HearingThread {
    /// Starts to listen to an engine.
    ///
    /// # Errors
    /// [`HearingError`] when the engine runs at another rate than 48 kHz, has no stream left, or no thread is to be had.
    pub fn start(console: &Console, options: HearingOptions) -> Result<Self, HearingError> {
        if console.rate() != RATE {
            return Err(HearingError::Rate(console.rate()));
        }
        let (played, heard) = (console.tap()?, console.microphone()?);
        let hearing = Arc::new(Mutex::new(Hearing::new(options)));
        let job = Arc::clone(&hearing);
        let work = move |stop: &AtomicBool| run(&job, stop, played, heard);
        let worker = Worker::start("amora-hearing", work).map_err(HearingError::Thread)?;
        Ok(Self {
            hearing,
            _worker: worker,
        })
    }

    /// A reader of what the microphone heard without the box's own sound.
    pub fn clean(&self) -> BusReader {
        guard(&self.hearing).clean()
    }

    /// A reader of what the microphone gave.
    pub fn raw(&self) -> BusReader {
        guard(&self.hearing).raw()
    }

    /// Asks for another engine. One that failed is tried again.
    pub fn set_engine(&self, engine: EchoEngine) {
        guard(&self.hearing).set_engine(engine);
    }

    /// State and metrics.
    pub fn figures(&self) -> Figures {
        guard(&self.hearing).figures()
    }

    /// The next thing that happened, if anything did.
    pub fn poll_event(&self) -> Option<HearingEvent> {
        guard(&self.hearing).poll_event()
    }
}

fn run(hearing: &Mutex<Hearing>, stop: &AtomicBool, mut played: Tap, mut heard: Tap) {
    let mut from_card = vec![0f32; 4800 * played.channels()];
    let mut from_microphone = vec![0f32; 4800];
    let mut last = None;
    while !stop.load(Ordering::Relaxed) && !heard.is_ended() {
        // What was heard is taken first: what left the card meanwhile is there by then.
        while let Some(mark) = heard.read(&mut from_microphone) {
            feed(hearing, &mut played, &mut from_card);
            guard(hearing).heard(&mark, &from_microphone[..mark.frames]);
            last = Some(mark);
        }
        feed(hearing, &mut played, &mut from_card);
        let missing = guard(hearing).missing();
        clock::sleep_until(wake(last, missing, clock::now()));
    }
}

/// Hands over everything that left the card so far.
fn feed(hearing: &Mutex<Hearing>, played: &mut Tap, buffer: &mut [f32]) {
    let channels = played.channels();
    while let Some(mark) = played.read(buffer) {
        guard(hearing).played(&mark, &buffer[..mark.frames * channels], channels);
    }
}

/// When the turn should have been delivered that brings the `missing` frames of the next block. One that is late is looked
/// for often at first.
fn wake(last: Option<Mark>, missing: usize, now: u64) -> u64 {
    let due = last.map_or(0, |mark| {
        let frames = mark.turn.captured.0.max(1);
        // A microphone with a clock of its own brings a frame more now and then.
        let turns = (missing as u64)
            .saturating_sub(frames / 8)
            .div_ceil(frames)
            .max(1);
        let wait = ((turns * frames) as f64 / RATE.0 * 1e9) as u64;
        mark.turn.nanoseconds + wait + LATER
    });
    if due + LONGEST < now {
        now + LONGEST
    } else {
        due.clamp(now + SHORTEST, now + LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::Turn;
    use amora_contract::units::Frames;

    #[test]
    fn it_sleeps_until_a_block_can_be_whole_and_no_longer() {
        let now = 1_000_000_000;
        let mark = Mark {
            turn: Turn {
                captured: Frames(240),
                playback_delay: Frames(480),
                capture_delay: Frames(0),
                nanoseconds: now,
            },
            ..Mark::default()
        };
        let slept = |missing, late| wake(Some(mark), missing, now + late) - now - late;
        assert_eq!(slept(240, 0), 5_000_000 + LATER);
        assert_eq!(slept(480, 400_000), 10_000_000 + LATER - 400_000);
        assert_eq!(slept(480, 0), LONGEST);
        assert_eq!(slept(7, 300_000), 5_000_000);
        assert_eq!(slept(241, 300_000), 5_000_000);
        // A turn that is late, and a card that stands still.
        assert_eq!(slept(240, 6_000_000), SHORTEST);
        assert_eq!(slept(240, 60_000_000), LONGEST);
        assert_eq!(wake(None, 480, now), now + LONGEST);
    }
}
