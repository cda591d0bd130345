//! The microphone: its own clock, its noise, and whoever speaks into it.

use amora_contract::config::RoomConfig;
use rtrb::Consumer;
use std::f64::consts::PI;

/// Half the length of the interpolating filter, in samples. Only used where the clocks differ.
const REACH: usize = 16;

/// Frames of past that the line keeps for the filter.
const PAST: usize = 4 * REACH;

/// Samples what arrives, at its own rate.
pub(super) struct Microphone {
    /// What reached the microphone, at the card's rate; a ring indexed by the card's frame number.
    line: Vec<f32>,
    /// Frames that reached it, as if everything written were played already.
    heard: u64,
    /// Frames of the card's clock per frame of the microphone's.
    step: f64,
    /// Next frame to capture, on the card's clock.
    position: f64,
    noise: f32,
    random: Random,
    /// Sine and cosine of the filter's window at each tap.
    window: [(f64, f64); 2 * REACH],
    /// The frame after the last one that was not silent.
    last_sound: u64,
}

impl Microphone {
    /// `ahead` is how far what is written may be ahead of what is played.
    pub(super) fn new(config: &RoomConfig, ahead: usize) -> Self {
        Self {
            // Room for the microphone to be read late by as much again.
            line: vec![0.0; (4 * ahead + 2 * PAST).next_power_of_two()],
            heard: 0,
            step: 1.0 / (1.0 + config.capture_drift.0 * 1e-6),
            position: 0.0,
            noise: config.noise.to_linear(),
            random: Random::new(config.seed ^ 0x5eed_0f1e_2d3c_4b5a),
            window: std::array::from_fn(|n| {
                (PI * (n as f64 + 1.0 - REACH as f64) / (REACH as f64 + 1.0)).sin_cos()
            }),
            last_sound: 0,
        }
    }

    /// One period more will have reached the microphone once it is played.
    pub(super) fn hear(&mut self, samples: &[f32]) {
        let mask = self.line.len() as u64 - 1;
        for sample in samples {
            self.line[(self.heard & mask) as usize] = *sample;
            self.heard += 1;
            if *sample != 0.0 {
                self.last_sound = self.heard;
            }
        }
    }

    /// Frames that could be captured now, when `delay` frames are not played yet.
    pub(super) fn backlog(&self, delay: u64) -> u64 {
        let ready = self.heard.saturating_sub(delay) as f64 - self.position;
        (ready / self.step).max(0.0) as u64
    }

    /// Fills the front of `input` with what was captured so far, when `delay` frames are not played yet.
    pub(super) fn capture(
        &mut self,
        delay: u64,
        input: &mut [f32],
        mut talker: Option<&mut Consumer<f32>>,
    ) -> usize {
        let frames = (self.backlog(delay) as usize).min(input.len());
        // Sound older than the line is lost, as in a card's buffer that overflows.
        let oldest = self.heard as f64 - (self.line.len() - PAST) as f64;
        self.position = self.position.max(oldest);
        for sample in &mut input[..frames] {
            let mut value = self.interpolate();
            if self.noise > 0.0 {
                value += self.noise * self.random.gaussian();
            }
            if let Some(talker) = &mut talker {
                value += talker.pop().unwrap_or(0.0);
            }
            *sample = value.clamp(-1.0, 1.0);
            self.position += self.step;
        }
        frames
    }

    /// Sound stopped: what was written is not played, and capturing begins anew.
    pub(super) fn restart(&mut self) {
        self.position = self.heard as f64;
    }

    fn interpolate(&self) -> f32 {
        let mask = self.line.len() as i64 - 1;
        let whole = self.position.floor();
        let fraction = self.position - whole;
        let at = |offset: i64| self.line[((whole as i64 + offset) & mask) as usize];
        if self.step == 1.0 && fraction == 0.0 {
            return at(0);
        }
        if self.position > (self.last_sound + 2 * REACH as u64 + 1) as f64 {
            return 0.0;
        }
        // The filter reaches forward as well, so everything is heard REACH frames late. One sine serves all its
        // taps: sin(π(tap − fraction)) only changes its sign, and the window's cosine is a sum of two products.
        let turn = PI / (REACH as f64 + 1.0);
        let (window_sine, window_cosine) = (turn * fraction).sin_cos();
        let sine = (PI * fraction).sin();
        let mut sum = 0f64;
        for (tap, (tap_sine, tap_cosine)) in (1 - REACH as i64..=REACH as i64).zip(&self.window) {
            let distance = tap as f64 - fraction;
            let sign = if tap & 1 == 0 { -1.0 } else { 1.0 };
            let sinc = if distance.abs() < 1e-9 {
                1.0
            } else {
                sign * sine / (PI * distance)
            };
            let window = 0.5 + 0.5 * (tap_cosine * window_cosine + tap_sine * window_sine);
            sum += f64::from(at(tap - REACH as i64)) * sinc * window;
        }
        sum as f32
    }
}

/// A small generator (xorshift*): the same seed gives the same room on every machine.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Nearly normal, mean 0, variance 1: the sum of four uniform numbers from one draw.
    pub(crate) fn gaussian(&mut self) -> f32 {
        let bits = self.next();
        let sum: u32 = (0..4).map(|n| (bits >> (16 * n)) as u32 & 0xffff).sum();
        // Four uniform numbers of 16 bits: variance 4·(2^16)²/12.
        (sum as f32 - 131_070.0) * (1.732_050_8 / 65_536.0)
    }
}
