//! Keeps a card turning: a period at a time, through xruns, suspends and silence from the other side.

use super::convert::{Dither, Layout};
use super::errors;
use super::negotiation::Plan;
use super::pcm::{Fault, Pcm, Position};
use crate::card::{CardError, CardFormat, OUTPUT_CHANNELS, Turn};
use amora_contract::units::{Frames, Hertz};
use std::time::Duration;

/// How long a card may let us wait for a period before it counts as dead: so many periods, but at least this long.
const PATIENCE_PERIODS: f64 = 4.0;
const PATIENCE: Duration = Duration::from_millis(400);

/// Xruns in a row after which the card is opened anew.
const ROW: u32 = 8;

/// Pause before the second restart in a row; it doubles from one to the next.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// Turns without an xrun after which a row of xruns counts as over.
const CALM: u32 = 200;

/// How long a card may take to wake from suspend, in steps of [`WAKING_STEP`].
const WAKING_STEPS: u32 = 100;
const WAKING_STEP: Duration = Duration::from_millis(20);

/// Buffers that may be filled without a wait, as after a late wake-up. A PCM that takes more has no clock (ALSA's `null`
/// and `file` have none) and must not keep the real-time thread from ever sleeping.
const EAGER_BUFFERS: u64 = 4;

/// How often a card may call us although it has no room for a period.
const FALSE_ALARMS: u32 = 400;

/// One direction of the card and what passes through it.
struct Stream<P> {
    pcm: P,
    layout: Layout,
    bytes: Box<[u8]>,
}

impl<P: Pcm> Stream<P> {
    fn new(pcm: P, set: &Plan) -> Self {
        let layout = Layout {
            format: set.format,
            channels: set.channels as usize,
        };
        Self {
            pcm,
            layout,
            bytes: vec![0; set.period as usize * layout.frame()].into(),
        }
    }
}

/// Why a turn did not come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Fault(Fault),
    /// The card no longer calls.
    Still,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// A card in use.
pub(super) struct Driver<P> {
    playback: Stream<P>,
    capture: Option<Stream<P>>,
    /// Whether both directions start, stop and fail together.
    linked: bool,
    format: CardFormat,
    patience: Duration,
    dither: Dither,
    row: u32,
    calm: u32,
    /// Frames taken since the card last let us wait.
    eager: u64,
}

impl<P: Pcm> Driver<P> {
    /// Fills the card with silence and starts it.
    pub(super) fn start(
        playback: (P, Plan),
        capture: Option<(P, Plan)>,
        linked: bool,
    ) -> Result<Self, CardError> {
        let (pcm, set) = playback;
        let format = CardFormat {
            rate: Hertz(f64::from(set.rate)),
            period: Frames(set.period),
            buffer: Frames(set.buffer),
            sample_format: set.format.name(),
            capture: capture.is_some(),
        };
        let capture = capture.map(|(pcm, set)| {
            // A turn may take two of the playing side's periods, whatever the recording side calls one.
            let room = Plan {
                period: 2 * format.period.0,
                ..set
            };
            Stream::new(pcm, &room)
        });
        let mut driver = Self {
            playback: Stream::new(pcm, &set),
            capture,
            linked,
            format,
            patience: PATIENCE.max(Duration::from_secs_f64(
                PATIENCE_PERIODS * set.period as f64 / f64::from(set.rate.max(1)),
            )),
            dither: Dither::new(),
            row: 0,
            calm: 0,
            eager: 0,
        };
        driver.restart().map_err(stopped)?;
        Ok(driver)
    }

    pub(super) fn format(&self) -> &CardFormat {
        &self.format
    }

    /// See [`crate::card::Card::turn`].
    pub(super) fn turn(&mut self, output: &[f32], input: &mut [f32]) -> Result<Turn, CardError> {
        match self.try_turn(output, input) {
            Ok(turn) => {
                self.calm += 1;
                if self.calm >= CALM {
                    self.row = 0;
                }
                Ok(turn)
            }
            Err(stop) => Err(self.recover(stop)),
        }
    }

    fn try_turn(&mut self, output: &[f32], input: &mut [f32]) -> Result<Turn, Stop> {
        self.play(output)?;
        let captured = self.record(input)?;
        let played = self.playback.pcm.position()?;
        let recorded = match &mut self.capture {
            Some(capture) => capture.pcm.position().unwrap_or_default(),
            None => Position::default(),
        };
        Ok(Turn {
            captured: Frames(captured as u64),
            playback_delay: Frames(played.delay),
            capture_delay: Frames(recorded.delay),
            nanoseconds: played.nanoseconds,
        })
    }

    fn play(&mut self, output: &[f32]) -> Result<(), Stop> {
        let period = self.format.period.0;
        let samples = (period as usize * OUTPUT_CHANNELS).min(output.len());
        let Stream { pcm, layout, bytes } = &mut self.playback;
        layout.encode(&output[..samples], &mut self.dither, bytes);
        let mut rest: &[u8] = bytes;
        let mut alarms = 0;
        self.eager += period;
        if self.eager > EAGER_BUFFERS * self.format.buffer.0 {
            pcm.rest(Duration::from_secs_f64(period as f64 / self.format.rate.0));
        }
        while pcm.available()? < period {
            self.eager = 0;
            if !pcm.wait(self.patience)? {
                return Err(Stop::Still);
            }
            // Some drivers call before there is room for a whole period.
            if pcm.available()? < period {
                alarms += 1;
                if alarms > FALSE_ALARMS {
                    return Err(Stop::Still);
                }
                pcm.rest(Duration::from_millis(1));
            }
        }
        while !rest.is_empty() {
            let written = pcm.write(rest)?;
            rest = &rest[written..];
            if written == 0 && !pcm.wait(self.patience)? {
                return Err(Stop::Still);
            }
        }
        Ok(())
    }

    /// Takes what there is and has room. What piles up nevertheless loses its oldest sound.
    fn record(&mut self, input: &mut [f32]) -> Result<usize, Stop> {
        let Some(Stream { pcm, layout, bytes }) = &mut self.capture else {
            return Ok(0);
        };
        let period = self.format.period.0 as usize;
        let taken = (|| {
            let mut waiting = pcm.available()? as usize;
            let room = input.len().min(2 * period);
            while waiting > room + 2 * period {
                let skipped = pcm.read(bytes)? / layout.frame();
                if skipped == 0 {
                    break;
                }
                waiting -= skipped.min(waiting);
            }
            let wanted = waiting.min(room) * layout.frame();
            let read = if wanted == 0 {
                0
            } else {
                pcm.read(&mut bytes[..wanted])?
            };
            Ok(layout.decode(&bytes[..read], input))
        })();
        match taken {
            Err(Fault::Xrun) if !self.linked => {
                pcm.prepare()?;
                pcm.start()?;
                Ok(0)
            }
            taken => taken.map_err(Stop::Fault),
        }
    }

    /// Sets the card going again if that can be, and says what to tell the engine.
    fn recover(&mut self, stop: Stop) -> CardError {
        self.calm = 0;
        match stop {
            Stop::Fault(Fault::Xrun) => {
                self.row += 1;
                if self.row > ROW {
                    return stopped(stop);
                }
                if self.row > 1 {
                    self.playback.pcm.rest(FIRST_PAUSE * (1 << (self.row - 2)));
                }
            }
            Stop::Fault(Fault::Suspended) => {
                if let Err(fault) = self.wake() {
                    return errors::running(fault);
                }
            }
            Stop::Fault(_) | Stop::Still => return stopped(stop),
        }
        self.restart().map_or_else(stopped, |()| CardError::Xrun)
    }

    fn wake(&mut self) -> Result<(), Fault> {
        for _ in 0..WAKING_STEPS {
            if self.playback.pcm.resume()? {
                return Ok(());
            }
            self.playback.pcm.rest(WAKING_STEP);
        }
        Err(Fault::Suspended)
    }

    /// Fills the buffer with silence and starts both directions.
    fn restart(&mut self) -> Result<(), Stop> {
        let Stream { pcm, bytes, .. } = &mut self.playback;
        pcm.prepare()?;
        bytes.fill(0);
        // Bounded: some plugins always have room.
        for _ in 0..self.format.buffer.0.div_ceil(self.format.period.0) {
            if pcm.available()? < self.format.period.0 || pcm.write(bytes)? == 0 {
                break;
            }
        }
        if let Some(capture) = self.capture.as_mut().filter(|_| !self.linked) {
            capture.pcm.prepare()?;
            capture.pcm.start()?;
        }
        Ok(self.playback.pcm.start()?)
    }
}

fn stopped(stop: Stop) -> CardError {
    match stop {
        Stop::Fault(fault) => errors::running(fault),
        Stop::Still => CardError::Broken("it asks for no more sound; its clock stands still".to_owned()),
    }
}

#[cfg(test)]
mod tests;
