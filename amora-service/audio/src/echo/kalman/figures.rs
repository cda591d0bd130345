//! What the canceller says of itself.

use crate::echo::BLOCK;
use amora_contract::units::Decibels;

/// Weight of the past blocks in powers: half a second.
const MEMORY: f32 = 0.98;

/// Mean square of the least echo that counts: −80 dBFS.
const HEARD: f32 = 1e-8;

/// A talker less likely than this leaves the measure of the echo alone.
const ALONE: f32 = 0.1;

/// What the canceller knows of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figures {
    /// Echo return loss enhancement of the filter alone, over the last half second in which an echo was heard and nobody
    /// talked in the room; none before there was any.
    pub linear: Option<Decibels>,
    /// The same for all that was taken out.
    pub whole: Option<Decibels>,
    /// How likely somebody talked in the room in the latest block, 0 to 1; always 0 without the suppressor, which judges
    /// it.
    pub near_end: f32,
    /// Whether the latest block had an echo.
    pub echo: bool,
}

/// Sums up blocks.
#[derive(Default)]
pub(super) struct Meter {
    microphone: f32,
    error: f32,
    cleaned: f32,
    /// Power of the block before.
    before: f32,
    near_end: f32,
    echo: bool,
}

impl Meter {
    /// Takes in a block: as heard, its predicted echo, without that, and what left; `near_end` with the suppressor.
    pub(super) fn count(
        &mut self,
        heard: &[f32; BLOCK],
        echo: &[f32; BLOCK],
        error: &[f32; BLOCK],
        cleaned: &[f32; BLOCK],
        near_end: Option<f32>,
    ) {
        let now = power(heard);
        self.near_end = near_end.unwrap_or(0.0);
        self.echo = power(echo) > HEARD;
        if self.echo && self.near_end < ALONE {
            // The suppressor's output is of this block and of the one before.
            let heard = if near_end.is_some() {
                0.5 * (self.before + now)
            } else {
                now
            };
            self.microphone += (1.0 - MEMORY) * (heard - self.microphone);
            self.error += (1.0 - MEMORY) * (power(error) - self.error);
            self.cleaned += (1.0 - MEMORY) * (power(cleaned) - self.cleaned);
        }
        self.before = now;
    }

    pub(super) fn figures(&self) -> Figures {
        let enhancement = |left: f32| {
            (self.microphone > 0.0).then(|| Decibels(10.0 * (self.microphone / left.max(1e-20)).log10()))
        };
        Figures {
            linear: enhancement(self.error),
            whole: enhancement(self.cleaned),
            near_end: self.near_end,
            echo: self.echo,
        }
    }
}

fn power(block: &[f32; BLOCK]) -> f32 {
    block.iter().map(|sample| sample * sample).sum::<f32>() / BLOCK as f32
}
