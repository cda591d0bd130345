//! What can be seen of the hearing.

use super::Kind;
use amora_contract::config::EchoEngine;
use amora_contract::units::{Decibels, Frames, PartsPerMillion};

/// State and metrics. Levels are smoothed over 0.3 s, in dB of full scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// The engine asked for.
    pub asked: EchoEngine,
    /// The engine at work; `None` passes the microphone.
    pub engine: Option<Kind>,
    /// Why that one, in plain words.
    pub why: String,
    /// Level of the microphone.
    pub microphone: Decibels,
    /// Level of what was leaving the card.
    pub reference: Decibels,
    /// Level of the clean bus.
    pub clean: Decibels,
    /// Echo return loss enhancement over the last second in which the far end sounded alone.
    pub echo_reduction: Option<Decibels>,
    /// Share of the time the far end sounds in which somebody speaks as well, 0 to 1.
    pub double_talk: f32,
    /// By how much the echo comes later than the card's reports say, in frames; `None` while not found.
    pub delay: Option<f64>,
    /// How much of that is taken out before cancelling.
    pub bulk: i64,
    /// How far the microphone's clock runs from the card's; exactly 0 where they are one.
    pub drift: PartsPerMillion,
    /// Whether the drift is known to one part per million.
    pub drift_settled: bool,
    /// Whether the reference is resampled.
    pub resampling: bool,
    /// By how much the clean bus is later than the raw one.
    pub latency: Frames,
    /// What gain control adds to the clean bus; `None` while it is off.
    pub gain: Option<Decibels>,
    /// Whether somebody speaks while the box does.
    pub near_end: bool,
    /// How often somebody began to.
    pub barge_ins: u64,
    /// Blocks on the buses.
    pub blocks: u64,
    /// Breaks of the time line: xruns, cards that were lost, frames that were lost.
    pub breaks: u64,
    /// Frames of the microphone lost on the way; silence stands for them.
    pub lost_microphone: Frames,
    /// Frames of the reference lost on the way.
    pub lost_reference: Frames,
    /// Blocks that had no reference.
    pub without_reference: u64,
    /// How often another delay was taken out.
    pub realigned: u64,
    /// Changes of the engine.
    pub changes: u64,
    /// Failures of engines.
    pub failures: u64,
}
