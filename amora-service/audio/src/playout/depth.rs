//! How much must wait: as little as the network's jitter allows.
//!
//! What is left after each turn is the *slack*. Its minimum over the last seconds says how much later the latest packet
//! could have come, so that and not the delay itself is held at a target: jitter is in it already, and so is the drift
//! between the sender's clock and the card's.

/// Slack that is kept: 5 ms.
const TARGET: i64 = 240;

/// More or less than the target by this is left alone: 2.5 ms.
const TOLERANCE: i64 = 120;

/// Seconds that a late packet is remembered.
const SECONDS: usize = 8;

/// Of these the last ones alone say that there is too little.
const RECENT: usize = 2;

/// Frames in a second.
const SECOND: usize = 48_000;

/// Furthest from the target that is corrected at the slowest.
const FAR: i64 = 480;

/// Parts by which sound is played faster or slower: 2 thousandths are 3.6 cents, beneath what a trained ear tells
/// apart; a hundredth is heard in a held note by who listens for it. In silence there is nothing to hear.
const SLOWEST: f64 = 1.0 / 480.0;
const QUICK: f64 = 0.01;
const IN_SILENCE: f64 = 1.0 / 3.0;

#[derive(Debug)]
pub(super) struct Depth {
    /// The least slack of each second, the present one first.
    least: [i64; SECONDS],
    frames: usize,
    /// More than the target, for packets that make up for lost ones.
    extra: i64,
    correcting: Correction,
    allowance: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Correction {
    None,
    Shrink,
    Grow,
}

/// Nothing was seen in this second.
const UNKNOWN: i64 = i64::MAX;

impl Depth {
    pub(super) fn new() -> Self {
        Self {
            least: [UNKNOWN; SECONDS],
            frames: 0,
            extra: 0,
            correcting: Correction::None,
            allowance: 0.0,
        }
    }

    /// The slack that is kept, in frames.
    pub(super) fn target(&self) -> i64 {
        TARGET + self.extra
    }

    /// Keeps this many frames more, from now on.
    pub(super) fn keep_more(&mut self, frames: i64) {
        self.extra = frames;
    }

    /// Forgets what was seen.
    pub(super) fn restart(&mut self) {
        self.least = [UNKNOWN; SECONDS];
        self.frames = 0;
        self.correcting = Correction::None;
        self.allowance = 0.0;
    }

    /// Takes note of the slack after a turn of `frames`.
    pub(super) fn observe(&mut self, slack: usize, frames: usize) {
        self.least[0] = self.least[0].min(slack as i64);
        self.frames += frames;
        if self.frames >= SECOND {
            self.frames -= SECOND;
            self.least.rotate_right(1);
            self.least[0] = slack as i64;
        }
    }

    /// By how many frames more (or, negative, fewer) than `frames` the next turn takes.
    pub(super) fn correction(&mut self, frames: usize, silent: bool) -> i64 {
        let recent = self.least[..RECENT].iter().copied().min().unwrap_or(UNKNOWN);
        let oldest_known = self.least[SECONDS - 1] != UNKNOWN;
        let least = self.least.iter().copied().min().unwrap_or(UNKNOWN);
        let excess = least.saturating_sub(self.target());
        let shortage = if recent == UNKNOWN {
            0
        } else {
            self.target() - recent
        };
        self.correcting = match self.correcting {
            Correction::None if shortage > TOLERANCE => Correction::Grow,
            Correction::None if oldest_known && excess > TOLERANCE => Correction::Shrink,
            Correction::Grow if shortage <= 0 => Correction::None,
            Correction::Shrink if excess <= 0 => Correction::None,
            same => same,
        };
        let (direction, error) = match self.correcting {
            Correction::None => return 0,
            Correction::Grow => (-1, shortage),
            Correction::Shrink => (1, excess),
        };
        let part = match (silent, error > FAR) {
            (true, _) => IN_SILENCE,
            (false, true) => QUICK,
            (false, false) => SLOWEST,
        };
        self.allowance += part * frames as f64;
        let step = (self.allowance as i64).min(error);
        self.allowance = (self.allowance - step as f64).min(1.0);
        direction * step
    }

    /// The next turn took so many frames more than it gave: less has waited ever since, as it were.
    pub(super) fn corrected(&mut self, frames: i64) {
        for least in &mut self.least {
            if *least != UNKNOWN {
                *least -= frames;
            }
        }
    }
}
