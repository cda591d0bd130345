//! What was played, as the filter sees it: the signal, and what a loudspeaker that is driven too far cuts off its peaks.

use super::emphasis::Emphasis;
use super::spectrum::{BINS, History, Spectrum, Transform};
use crate::echo::BLOCK;

/// Partitions of what is cut off: it is worth cancelling only where the echo is loud, in its first 30 ms.
const BENT_PARTITIONS: usize = 3;

/// Levels above which something may be cut off, full scale 1, some 4 to 6 dB apart: a bend that begins between two of
/// them is near a weighted sum of both, one above the highest or below the lowest is not.
const KNEES: [f32; 5] = [0.6, 0.4, 0.25, 0.16, 0.08];

/// The signal, and what is over each knee.
const CHANNELS: usize = 1 + KNEES.len();

/// One partition of one channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    channel: usize,
    /// Blocks that its sound is old.
    pub(super) age: usize,
}

impl Part {
    /// Whether it is of the signal itself.
    pub(super) fn is_linear(self) -> bool {
        self.channel == 0
    }
}

/// The spectra of what was played.
pub(super) struct Reference {
    emphasis: [Emphasis; CHANNELS],
    channels: [History; CHANNELS],
    parts: Vec<Part>,
    /// Blocks of silence that came in.
    silent: usize,
}

impl Reference {
    pub(super) fn new(partitions: usize) -> Self {
        let length = |channel: usize| {
            if channel == 0 {
                partitions
            } else {
                BENT_PARTITIONS.min(partitions)
            }
        };
        Self {
            emphasis: Default::default(),
            channels: std::array::from_fn(|channel| History::new(length(channel))),
            parts: (0..CHANNELS)
                .flat_map(|channel| (0..length(channel)).map(move |age| Part { channel, age }))
                .collect(),
            silent: usize::MAX,
        }
    }

    pub(super) fn restart(&mut self) {
        self.emphasis = Default::default();
        self.channels.iter_mut().for_each(History::clear);
        self.silent = usize::MAX;
    }

    pub(super) fn push(&mut self, block: &[f32; BLOCK], transform: &mut Transform) {
        let silent = block.iter().all(|sample| *sample == 0.0);
        self.silent = if silent { self.silent.saturating_add(1) } else { 0 };
        for (channel, history) in self.channels.iter_mut().enumerate() {
            let mut signal = *block;
            if channel > 0 {
                let knee = KNEES[channel - 1];
                for sample in &mut signal {
                    *sample -= sample.clamp(-knee, knee);
                }
            }
            self.emphasis[channel].apply(&mut signal);
            history.push(&signal, transform);
        }
    }

    /// Whether nothing that was played can still be heard.
    pub(super) fn is_silent(&self) -> bool {
        self.silent > self.parts.len()
    }

    /// All partitions of all channels: first the signal's own, from young to old.
    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Spectrum and power that a partition works on now.
    pub(super) fn block(&self, part: Part) -> (&Spectrum, &[f32; BINS]) {
        self.channels[part.channel].block(part.age)
    }

    /// Whether there is anything for a partition to work on now.
    pub(super) fn is_sounding(&self, part: Part) -> bool {
        self.channels[part.channel].is_sounding(part.age)
    }
}
