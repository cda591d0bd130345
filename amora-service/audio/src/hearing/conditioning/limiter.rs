//! Holds peaks below full scale: a millisecond late, without a step, and never above its limit.

use crate::echo::BLOCK;

/// Frames of a stretch that is judged as a whole: 1 ms. The gain moves in a straight line over each.
const STRETCH: usize = 48;

/// No sample is above: −1 dB.
const LIMIT: f32 = 0.891_25;

/// The part of the way back to 1 in each stretch: a time constant of 0.1 s.
const RELEASE: f32 = 0.01;

pub(super) struct Limiter {
    /// The stretch that is not out yet, and the most that its loudest sample bears.
    waiting: [f32; STRETCH],
    bearable: f32,
    /// The gain where the waiting stretch begins.
    gain: f32,
}

impl Limiter {
    /// Frames by which what comes out is late.
    pub(super) const LATENCY: usize = STRETCH;

    pub(super) fn new() -> Self {
        Self {
            waiting: [0.0; STRETCH],
            bearable: 1.0,
            gain: 1.0,
        }
    }

    /// Limits a block in place. Below the limit it passes bit for bit.
    pub(super) fn process(&mut self, block: &mut [f32; BLOCK]) {
        for stretch in block.chunks_exact_mut(STRETCH) {
            let peak = stretch.iter().fold(0f32, |peak, sample| peak.max(sample.abs()));
            let bearable = (LIMIT / peak.max(LIMIT)).min(1.0);
            // A straight line between two gains that a stretch bears is one that it bears: where a stretch begins, both
            // it and the one before must.
            let released = self.gain + RELEASE * (1.0 - self.gain);
            let next = released.min(self.bearable).min(bearable);
            let slope = (next - self.gain) / STRETCH as f32;
            for (n, (sample, waiting)) in stretch.iter_mut().zip(&mut self.waiting).enumerate() {
                let gain = self.gain + slope * n as f32;
                // The clamp catches the last bit of rounding.
                let limited = (*waiting * gain).clamp(-LIMIT, LIMIT);
                *waiting = *sample;
                *sample = limited;
            }
            self.bearable = bearable;
            // What is as good as 1 is 1, so that quiet sound is not touched.
            self.gain = if next > 0.9999 { 1.0 } else { next };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis;

    fn run(sound: &[f32]) -> Vec<f32> {
        let mut limiter = Limiter::new();
        let mut limited = Vec::new();
        for block in sound.chunks_exact(BLOCK) {
            let mut block: [f32; BLOCK] = std::array::from_fn(|n| block[n]);
            limiter.process(&mut block);
            limited.extend_from_slice(&block);
        }
        limited
    }

    fn tone(amplitude: impl Fn(usize) -> f32) -> Vec<f32> {
        (0..96_000)
            .map(|n| amplitude(n) * (std::f32::consts::TAU * 300.0 * (n % 160) as f32 / 48_000.0).sin())
            .collect()
    }

    #[test]
    fn what_is_below_the_limit_is_only_late() {
        let sound = tone(|_| 0.89);
        let limited = run(&sound);
        assert!((48..limited.len()).all(|n| limited[n] == sound[n - 48]));
    }

    #[test]
    fn nothing_passes_the_limit_and_nothing_steps() {
        // Eight times too loud from one period to the next, at three phases of a stretch.
        let limited = run(&tone(|n| if n / 4960 % 2 == 0 { 0.3 } else { 8.0 }));
        assert!(analysis::peak(&limited).0 <= -0.999);
        let own = std::f32::consts::TAU * 300.0 / 48_000.0;
        let step = analysis::largest_step(&limited);
        assert!(step.size < 1.5 * own, "{step:?}, a tone at full scale has {own}");
        let held = analysis::rms(&limited[4960 + 480..9920]).0;
        assert!((-6.0..-3.5).contains(&held), "{held} dB");
        // A second of quiet, and the gain is back.
        let limited = run(&tone(|n| if n < 9600 { 8.0 } else { 0.3 }));
        let end = analysis::rms(&limited[72_000..86_400]).0;
        assert!(
            (end - 20.0 * (0.3f32 / 2f32.sqrt()).log10()).abs() < 0.05,
            "{end} dB"
        );
    }
}
