//! The loudspeaker's side: what the hub says, on its way to whichever engine there is. What waits outlives an engine that is
//! replaced.

use crate::figures::{Count, FRAME, Figures, Meter};
use crate::session::Arrival;
use amora_audio::engine::Console;
use amora_audio::playout::{Playout, PlayoutCounters, PlayoutOptions, Speaker, SpeakerOptions};
use amora_contract::units::Decibels;
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Mouth {
    figures: Arc<Figures>,
    /// Missing until there was an engine.
    speaker: Option<Speaker>,
    /// There is no engine, and has not been for long: nobody will hear what comes.
    silenced: bool,
    /// The stream that comes, and the frames of its latest packet.
    stream: Option<u32>,
    packet: u64,
    /// What of the playout's counters was counted.
    told: PlayoutCounters,
    played: Meter,
    dropped: Meter,
}

impl Mouth {
    pub(super) fn new(figures: Arc<Figures>) -> Self {
        Self {
            figures,
            speaker: None,
            silenced: false,
            stream: None,
            packet: FRAME,
            told: PlayoutCounters::default(),
            played: Meter::new(Count::TtsPlayed),
            dropped: Meter::new(Count::TtsDropped),
        }
    }

    /// Speaks through this engine from now on, with what still waits.
    pub(super) fn open(&mut self, console: &Console) -> Result<(), String> {
        let opened = match &mut self.speaker {
            Some(speaker) => speaker.move_to(console),
            None => {
                let playout = Playout::new(PlayoutOptions::default()).map_err(|error| error.to_string())?;
                Speaker::open(console, playout, SpeakerOptions::default())
                    .map(|speaker| self.speaker = Some(speaker))
            }
        };
        opened.map_err(|error| error.to_string())?;
        self.silenced = false;
        Ok(())
    }

    /// Whether the engine that it spoke through has ended.
    pub(super) fn is_ended(&self) -> bool {
        self.speaker.as_ref().is_some_and(Speaker::is_ended)
    }

    /// Gives up to be heard, until there is an engine again.
    pub(super) fn give_up(&mut self, now: Duration) {
        if !self.silenced {
            self.silenced = true;
            self.silence(now);
        }
    }

    /// Whether it wants to be turned soon.
    pub(super) fn is_busy(&mut self) -> bool {
        let speaker = self.speaker.as_mut();
        speaker.is_some_and(|speaker| speaker.is_sounding() || speaker.playout().queued() > 0)
    }

    /// What comes now has nothing to do with what came before.
    pub(super) fn expect_another_stream(&mut self) {
        if let Some(speaker) = &mut self.speaker {
            speaker.playout().expect_another_stream();
        }
        self.stream = None;
    }

    /// Takes a packet that came at `arrived`, on the clock of [`turn`](Self::turn).
    pub(super) fn receive(&mut self, arrival: &Arrival, arrived: Duration) {
        let known = self.stream.replace(arrival.stream);
        let frames = arrival.frames();
        let Some(speaker) = self.speaker.as_mut().filter(|_| !self.silenced) else {
            return self.drop_frames(frames);
        };
        self.packet = frames;
        let playout = speaker.playout();
        if known.is_some_and(|known| known != arrival.stream) {
            playout.expect_another_stream();
        }
        if let Err(error) = playout.receive(arrival.sequence, arrival.timestamp, &arrival.payload, arrived) {
            tracing::debug!(%error, "a packet of the hub is of no use");
        }
    }

    /// Counts frames that nobody will hear.
    pub(super) fn drop_frames(&mut self, frames: u64) {
        self.dropped.add(frames, &self.figures);
    }

    /// Hands the engine what it needs next.
    pub(super) fn turn(&mut self, now: Duration) {
        if let Some(speaker) = &mut self.speaker {
            speaker.turn(now);
        }
    }

    /// Counts what became of the packets.
    pub(super) fn count(&mut self) {
        let Some(speaker) = &mut self.speaker else { return };
        let playout = speaker.playout();
        let counters = playout.counters();
        self.figures.set_speech_queue(playout.depth().0 / FRAME);
        let played = counters.played - self.told.played;
        let dropped = counters.dropped - self.told.dropped;
        self.told = counters;
        self.played.add(played * self.packet, &self.figures);
        self.drop_frames(dropped * self.packet);
    }

    /// Falls silent at once, and forgets what waits.
    pub(super) fn silence(&mut self, now: Duration) {
        if let Some(speaker) = &mut self.speaker {
            speaker.flush(now);
        }
    }

    /// Turns everything up or down.
    pub(super) fn set_gain(&self, gain: Decibels) {
        if let Some(speaker) = &self.speaker {
            speaker.set_gain(gain);
        }
    }
}
