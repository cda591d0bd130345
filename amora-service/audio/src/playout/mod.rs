//! What stands between packets that arrive and the mixer: order, jitter, loss, bursts.
//!
//! [`Playout`] is a state machine without I/O: packets and time go in, sound comes out on demand. [`Speaker`] writes it
//! into the engine.
//!
//! Two kinds of far end speak the same protocol. A *live* one sends as it speaks: too much waiting is delay, and is made
//! shorter. A *burst* is synthesised speech that is sent faster than real time: it waits and is played whole, and a
//! pause in its arrival is silence. [`Pace`] tells which it is.
//!
//! Frames of delay from a packet's arrival to the ear, live, on a steady network:
//!
//! | Stage | Frames |
//! |---|---|
//! | [`Playout`]: 120 to 360 left when a packet is due, taken 240 at a time | ≤ 600 |
//! | [`Speaker`]: its lead | ≤ 480 |
//! | mixer: the limiter looks ahead | 144 |
//! | card: 3 periods of 240, the newest not counted | ≤ 480 |
//! | together | ≤ 1704, 35.5 ms |
//!
//! The network's jitter adds to it; where packets get lost that carry redundancy, one packet more waits, so that what was
//! lost can be had from the packet after it.

mod decode;
mod depth;
mod joints;
mod machine;
mod pace;
mod queue;
mod speaker;
mod stretch;
#[cfg(test)]
mod tests;

pub use decode::Decode;
pub use machine::Playout;
pub use pace::{Arrivals, Pace};
pub use speaker::{Speaker, SpeakerOptions};

use amora_contract::units::{Frames, Millis};

/// What a playout is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlayoutOptions {
    /// What is assumed about the far end.
    pub arrivals: Arrivals,
    /// Sound that may wait; then the oldest packets give way. 10 s, 500 packets of 20 ms.
    pub capacity: Millis,
}

impl Default for PlayoutOptions {
    fn default() -> Self {
        Self {
            arrivals: Arrivals::Automatic,
            capacity: Millis(10_000),
        }
    }
}

/// What was counted since the playout was made. Every packet received is one of played, late, duplicate, dropped,
/// refused or [still waiting](Playout::queued).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlayoutCounters {
    /// Packets that came.
    pub received: u64,
    /// Packets that were decoded.
    pub played: u64,
    /// Packets that were missing when their turn came, those recovered included.
    pub lost: u64,
    /// Packets, of those lost, that were had from the redundancy of the next.
    pub recovered: u64,
    /// Sound that was made up for what was lost or not there in time.
    pub concealed: Frames,
    /// Packets that came when their turn was over.
    pub late: u64,
    /// Packets that came twice.
    pub duplicate: u64,
    /// Packets that gave way: the queue was full, a stall had made the delay too long, or [`Playout::flush`].
    pub dropped: u64,
    /// Packets that were none, could not be decoded, or belonged to no stream.
    pub refused: u64,
}

/// A packet's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// It waits.
    Waiting,
    /// Its turn is over.
    Late,
    /// It came before.
    Duplicate,
    /// Its number is from nowhere. If the next one follows it, both begin another stream; otherwise it is refused.
    Stray,
}

/// What a turn gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Sound, or silence within it.
    Sound,
    /// Nothing waits: silence.
    Nothing,
}
