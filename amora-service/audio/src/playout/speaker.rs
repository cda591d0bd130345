//! Writes a playout into the engine, at the engine's pace.

use super::{Decode, Playout, Taken};
use crate::engine::{Console, EngineError, SourceKind, SourceWriter};
use crate::opus::Decoder;
use amora_contract::units::{Decibels, Frames, Millis};
use std::time::Duration;

/// Frames of a turn: 5 ms.
const TURN: usize = 240;

/// The time of a turn.
const TURN_TIME: Duration = Duration::from_millis(5);

/// Below this, −60 dB, nobody hears anything: an open line is not speech and need not turn the music down.
const AUDIBLE: f32 = 0.001;

/// Frames without anything to hear after which the source ends: 300 ms, longer than the pauses within a sentence.
const PAUSE: usize = 14_400;

/// How a speaker writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpeakerOptions {
    /// What the source is.
    pub kind: SourceKind,
    /// Sound written ahead of the mixer: longer than it takes to call [`Speaker::turn`] again.
    pub lead: Millis,
}

impl Default for SpeakerOptions {
    fn default() -> Self {
        Self {
            kind: SourceKind::Speech,
            lead: Millis(10),
        }
    }
}

/// A playout and the source of the engine that it is heard by. While nothing is to be heard the source is at its end,
/// so that music comes back by itself. [`turn`](Self::turn) wants to be called every 5 ms, or as often as half the
/// lead lasts, by a thread that need not be real-time; at most the lead, 480 frames, is added to the playout's delay.
#[derive(Debug)]
pub struct Speaker<D = Decoder> {
    playout: Playout<D>,
    options: SpeakerOptions,
    writer: SourceWriter,
    lead: Frames,
    /// Frames since anything was to be heard.
    quiet: usize,
    /// Until when the playout was taken, as the mixer will play it.
    taken: Duration,
}

impl<D: Decode> Speaker<D> {
    /// Adds a source to the engine.
    ///
    /// # Errors
    /// [`EngineError::TooMany`] when it takes no more.
    pub fn open(
        console: &Console,
        playout: Playout<D>,
        options: SpeakerOptions,
    ) -> Result<Self, EngineError> {
        let (writer, lead) = source(console, options)?;
        Ok(Self {
            playout,
            options,
            writer,
            lead,
            quiet: PAUSE,
            taken: Duration::ZERO,
        })
    }

    /// Goes on in another engine, at full gain. What waits is heard there; what was written ahead is left behind.
    ///
    /// # Errors
    /// [`EngineError::TooMany`] or [`EngineError::Ended`]; it then stays where it was.
    pub fn move_to(&mut self, console: &Console) -> Result<(), EngineError> {
        (self.writer, self.lead) = source(console, self.options)?;
        self.quiet = PAUSE;
        Ok(())
    }

    /// The playout, to hand it packets and read its counters.
    pub fn playout(&mut self) -> &mut Playout<D> {
        &mut self.playout
    }

    /// Whether something is to be heard.
    pub fn is_sounding(&self) -> bool {
        self.quiet < PAUSE || !self.writer.is_drained()
    }

    /// Whether the engine has ended.
    pub fn is_ended(&self) -> bool {
        self.writer.is_ended()
    }

    /// Writes what the engine needs next.
    pub fn turn(&mut self, now: Duration) {
        let lead = Duration::from_secs_f64(self.lead.0 as f64 / crate::opus::RATE.0);
        let mut samples = [0.0; TURN];
        // What was not taken while nobody called is not made up for.
        self.taken = self.taken.max(now);
        loop {
            let sounding = self.quiet < PAUSE;
            if sounding && self.writer.queued().0 + TURN as u64 > self.lead.0 {
                self.taken = now + lead;
                return;
            }
            // An open line is taken as if it were written, at the same distance.
            if !sounding && self.taken >= now + lead {
                return;
            }
            if self.playout.take(now, &mut samples) == Taken::Nothing {
                self.pause();
                return;
            }
            self.taken += TURN_TIME;
            if samples.iter().any(|sample| sample.abs() >= AUDIBLE) {
                if !sounding {
                    for _ in 1..self.lead.0 as usize / TURN {
                        self.writer.push(&[0.0; 2 * TURN]);
                    }
                }
                self.quiet = 0;
            } else if sounding {
                self.quiet += TURN;
            }
            if self.quiet < PAUSE {
                let mut stereo = [0.0; 2 * TURN];
                for (frame, sample) in stereo.chunks_exact_mut(2).zip(&samples) {
                    frame.fill(*sample);
                }
                self.writer.push(&stereo);
            } else if sounding {
                self.pause();
            }
        }
    }

    /// Falls silent at once, without a click: the listener has interrupted. What arrives later is played.
    pub fn flush(&mut self, now: Duration) {
        self.playout.flush(now);
        self.writer.flush();
        self.pause();
    }

    /// Turns everything that is heard by this speaker up or down, ramped.
    pub fn set_gain(&self, gain: Decibels) {
        self.writer.set_gain(gain);
    }

    fn pause(&mut self) {
        self.quiet = PAUSE;
        self.writer.end();
    }
}

/// A source for a speaker, and the frames of its lead.
fn source(console: &Console, options: SpeakerOptions) -> Result<(SourceWriter, Frames), EngineError> {
    let lead = options.lead.frames(console.rate());
    let capacity = Millis(200.max(2 * options.lead.0));
    let writer = console.source_with(options.kind, capacity, Millis(5))?;
    Ok((writer, Frames(lead.0.max(TURN as u64))))
}
