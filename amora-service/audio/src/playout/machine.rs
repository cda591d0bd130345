//! The state machine.

mod filling;

use super::depth::Depth;
use super::joints::{MadeUp, RISE, STEP, cross, raise};
use super::pace::PaceFinder;
use super::queue::{Placed, Queue};
use super::stretch::Stretch;
use super::{Decode, Pace, PlayoutCounters, PlayoutOptions, Received, Taken};
use crate::opus::{self, Decoder, LONGEST_PACKET, OpusError};
use amora_contract::units::Frames;
use std::time::Duration;

/// Frames of loss or gap that are filled at most: 1 s. What is longer is skipped.
const LONGEST_GAP: i64 = 48_000;

/// Shortest and longest wait before the first packet after silence is played: what waits then is the first slack.
const WAIT: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(120));

/// Below this a turn is silent: −50 dB.
const SILENCE: f32 = 0.003;

/// Live sound that came back from a stall waits no longer than this beyond the target: 100 ms.
const EXCESS: usize = 4800;

/// Frames after a loss during which losses are expected: packets with redundancy then wait longer. 30 s.
const LOSSY: usize = 30 * 48_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing to play since then.
    Idle(Duration),
    /// The first packet is here since then; its followers are waited for.
    Waiting(Duration),
    Playing,
}

/// Packets in, sound out: mono at 48 kHz. Memory is bounded by the capacity. Not for the real-time thread: it decodes
/// and allocates.
#[derive(Debug)]
pub struct Playout<D = Decoder> {
    decoder: D,
    capacity: usize,
    queue: Queue,
    pace: PaceFinder,
    depth: Depth,
    sound: Stretch,
    phase: Phase,
    /// Gain at the end of what was decoded or made up.
    gain: f32,
    /// Frames made up since the last packet.
    made_up: usize,
    /// Frames since the last packet, made up or idle.
    since_packet: i64,
    /// The sender said that it is silent.
    background: bool,
    /// The next packet does not follow what was played.
    joint: bool,
    /// Frames since the last loss, at most [`LOSSY`].
    since_loss: usize,
    counters: PlayoutCounters,
}

impl Playout {
    /// # Errors
    /// [`OpusError::Setup`] when libopus has no memory.
    pub fn new(options: PlayoutOptions) -> Result<Self, OpusError> {
        Ok(Self::with_decoder(Decoder::new()?, options))
    }
}

impl<D: Decode> Playout<D> {
    /// With another decoder.
    pub fn with_decoder(decoder: D, options: PlayoutOptions) -> Self {
        Self {
            decoder,
            capacity: options.capacity.frames(opus::RATE).0 as usize,
            queue: Queue::default(),
            pace: PaceFinder::new(options.arrivals),
            depth: Depth::new(),
            sound: Stretch::new(),
            phase: Phase::Idle(Duration::ZERO),
            gain: 0.0,
            made_up: 0,
            since_packet: 0,
            background: false,
            joint: false,
            since_loss: LOSSY,
            counters: PlayoutCounters::default(),
        }
    }

    /// Takes an RTP packet's sequence number, timestamp (at 48 kHz) and payload, and when it arrived on the clock
    /// that [`take`](Self::take) is given.
    ///
    /// # Errors
    /// [`OpusError::Packet`] when the payload is no packet: it is counted and leaves no trace.
    pub fn receive(
        &mut self,
        sequence: u16,
        timestamp: u32,
        payload: &[u8],
        arrived: Duration,
    ) -> Result<Received, OpusError> {
        self.counters.received += 1;
        let info = match self.decoder.inspect(payload) {
            Ok(info) if (1..=LONGEST_PACKET).contains(&info.frames) => info,
            Ok(info) => {
                self.counters.refused += 1;
                return Err(OpusError::Length {
                    given: info.frames,
                    expected: "1 to 5760",
                });
            }
            Err(error) => {
                self.counters.refused += 1;
                return Err(error);
            }
        };
        let streams = self.queue.streams();
        let (placed, refused) = self.queue.place(sequence, timestamp, info, payload);
        self.counters.refused += refused;
        if self.queue.streams() != streams {
            self.pace.restart();
        }
        match placed {
            Placed::Waiting(timestamp) => {
                if self.pace.observe(arrived, timestamp) {
                    self.catch_up();
                }
                while self.queue.frames() > self.capacity {
                    self.drop_oldest();
                }
                if let Phase::Idle(_) = self.phase {
                    self.leave_idle(arrived);
                }
                Ok(Received::Waiting)
            }
            Placed::Late => {
                self.counters.late += 1;
                Ok(Received::Late)
            }
            Placed::Duplicate => {
                self.counters.duplicate += 1;
                Ok(Received::Duplicate)
            }
            Placed::Stray => Ok(Received::Stray),
        }
    }

    /// Fills `out` with the next sound: as much as is played meanwhile, 5 to 20 ms at a time.
    pub fn take(&mut self, now: Duration, out: &mut [f32]) -> Taken {
        let mut taken = Taken::Nothing;
        for turn in out.chunks_mut(STEP) {
            if self.turn(now, turn) == Taken::Sound {
                taken = Taken::Sound;
            }
        }
        taken
    }

    /// Throws away all that waits: the listener has interrupted. What arrives later is played.
    pub fn flush(&mut self, now: Duration) {
        self.counters.dropped += self.queue.clear();
        self.sound.clear();
        self.decoder.restart();
        self.depth.restart();
        self.joint = false;
        self.background = false;
        self.go_idle(now);
    }

    /// Says that what arrives from now on is another stream, whatever its numbers: another sender, another connection.
    /// What waits is played before it.
    pub fn expect_another_stream(&mut self) {
        self.queue.expect_another();
    }

    /// Sound that waits.
    pub fn depth(&self) -> Frames {
        Frames((self.queue.frames() + self.sound.len()) as u64)
    }

    /// Packets that wait.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// How packets come.
    pub fn pace(&self) -> Pace {
        self.pace.pace()
    }

    /// How much later than the earliest the latest live packet of the last 8 s came.
    pub fn jitter(&self) -> Duration {
        self.pace.jitter()
    }

    /// What was counted.
    pub fn counters(&self) -> PlayoutCounters {
        self.counters
    }

    fn turn(&mut self, now: Duration, out: &mut [f32]) -> Taken {
        if !self.begin(now) {
            out.fill(0.0);
            return Taken::Nothing;
        }
        let more = self.correction(out.len());
        let wanted = (out.len() as i64 + more) as usize + if more == 0 { 0 } else { Stretch::LOOKAHEAD };
        while self.sound.len() < wanted && self.decode_next() {}
        let in_time = self.sound.len() >= out.len();
        let mut more = if self.sound.len() >= wanted { more } else { 0 };
        while self.sound.len() < out.len() && self.phase == Phase::Playing {
            self.make_up_what_is_not_there(now);
        }
        let frames = out.len().min(self.sound.len());
        if frames < out.len() {
            more = 0;
        }
        self.sound.take(&mut out[..frames], more);
        out[frames..].fill(0.0);

        self.since_loss = (self.since_loss + out.len()).min(LOSSY);
        if self.pace.pace() == Pace::Live {
            self.depth.corrected(more);
            let slack = if in_time {
                self.queue.frames() + self.sound.len()
            } else {
                0
            };
            self.depth.observe(slack, out.len());
        }
        if frames > 0 { Taken::Sound } else { Taken::Nothing }
    }

    /// Whether there is something to play, now.
    fn begin(&mut self, now: Duration) -> bool {
        match self.phase {
            Phase::Idle(_) => false,
            Phase::Playing => true,
            Phase::Waiting(since) => {
                let (least, most) = WAIT;
                let wait = (least + self.pace.jitter()).min(most);
                let enough = (wait.as_secs_f64() * opus::RATE.0) as usize + 960;
                if now < since + wait && self.queue.frames() < enough {
                    return false;
                }
                self.phase = Phase::Playing;
                true
            }
        }
    }

    fn leave_idle(&mut self, now: Duration) {
        if let Phase::Idle(since) = self.phase {
            let idle = now.saturating_sub(since).as_secs_f64() * opus::RATE.0;
            self.since_packet += idle as i64;
            self.phase = Phase::Waiting(now);
        }
    }

    fn go_idle(&mut self, now: Duration) {
        self.phase = Phase::Idle(now);
        self.gain = 0.0;
        self.pace.ran_dry();
    }

    fn correction(&mut self, frames: usize) -> i64 {
        if self.pace.pace() != Pace::Live {
            return 0;
        }
        let lossy = self.since_loss < LOSSY;
        let extra = self
            .queue
            .head()
            .filter(|head| lossy && head.packet.info.redundant)
            .map(|head| head.packet.info.piece);
        match extra {
            Some(piece) => self.depth.keep_more(piece as i64),
            None if !lossy => self.depth.keep_more(0),
            None => {}
        }
        let next = self.sound.peek(frames);
        let silent = next.len() == frames && next.iter().all(|sample| sample.abs() < SILENCE);
        self.depth.correction(frames, silent)
    }

    /// Decodes the next packet, or fills what is missing before it; false when none waits.
    fn decode_next(&mut self) -> bool {
        let Some(head) = self.queue.head() else {
            return false;
        };
        let missing = head.missing;
        let due = (head.gap - self.since_packet).clamp(0, LONGEST_GAP) as usize;
        let due = due.next_multiple_of(RISE);
        let piece = head.packet.info.piece;
        let recoverable = missing > 0 && due > 0 && head.packet.info.redundant;
        if missing > 0 {
            self.since_loss = 0;
            self.counters.lost += missing;
        }
        if recoverable {
            self.make_up(due.saturating_sub(piece), MadeUp::Loss);
            self.recover(piece, due.min(piece));
        } else if missing > 0 {
            self.make_up(due, MadeUp::Loss);
        } else if due > 0 {
            let pause = if self.background {
                MadeUp::Background
            } else {
                MadeUp::End
            };
            self.make_up(due, pause);
        }
        let Some(packet) = self.queue.take() else {
            return false;
        };
        let tail = (self.joint && !packet.restart).then(|| self.tail());
        if packet.restart {
            self.decoder.restart();
            self.gain = 0.0;
        }
        let samples = self.sound.extend(packet.info.frames);
        if self.decoder.decode(&packet.payload, samples).is_ok() {
            self.counters.played += 1;
            raise(samples, &mut self.gain);
            if let Some(tail) = tail {
                cross(&tail, samples);
            }
            self.made_up = 0;
        } else {
            self.counters.refused += 1;
            samples.fill(0.0);
            self.gain = 0.0;
        }
        self.joint = false;
        self.since_packet = 0;
        self.background = packet.info.silent;
        true
    }

    /// Shortens what waits to what is needed.
    fn catch_up(&mut self) {
        let wanted = self.depth.target() as usize + 960;
        if self.queue.frames() + self.sound.len() <= wanted + EXCESS {
            return;
        }
        while self.queue.len() > 1 && self.queue.frames() > wanted {
            self.drop_oldest();
        }
        self.depth.restart();
        self.joint = true;
    }

    fn drop_oldest(&mut self) {
        if self.queue.take().is_some() {
            self.counters.dropped += 1;
            self.joint = true;
        }
    }
}
