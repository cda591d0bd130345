//! Takes away what is below speech: rumble, handling, mains hum's fundamental.

use crate::echo::BLOCK;
use amora_contract::units::Hertz;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// A Butterworth high-pass of second order: −3 dB at its frequency, 12 dB an octave below.
#[derive(Debug, Clone)]
pub(super) struct HighPass {
    forward: [f64; 3],
    back: [f64; 2],
    state: [f64; 2],
}

impl HighPass {
    pub(super) fn new(frequency: Hertz, rate: Hertz) -> Self {
        let turn = 2.0 * PI * frequency.0 / rate.0;
        let alpha = turn.sin() * FRAC_1_SQRT_2;
        let scale = 1.0 / (1.0 + alpha);
        let edge = (1.0 + turn.cos()) / 2.0 * scale;
        Self {
            forward: [edge, -2.0 * edge, edge],
            back: [-2.0 * turn.cos() * scale, (1.0 - alpha) * scale],
            state: [0.0; 2],
        }
    }

    pub(super) fn process(&mut self, block: &mut [f32; BLOCK]) {
        for sample in block {
            let input = f64::from(*sample);
            let output = self.forward[0] * input + self.state[0];
            self.state[0] = self.forward[1] * input - self.back[0] * output + self.state[1];
            self.state[1] = self.forward[2] * input - self.back[1] * output;
            *sample = output as f32;
        }
        // Far below anything heard, and before it gets too small for a fast multiplication.
        if self.state.iter().all(|state| state.abs() < 1e-20) {
            self.state = [0.0; 2];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis;

    #[test]
    fn silence_after_sound_comes_to_rest() {
        let mut filter = HighPass::new(Hertz(80.0), Hertz(48_000.0));
        filter.process(&mut [0.5; BLOCK]);
        let mut block = [0.0; BLOCK];
        for _ in 0..100 {
            block = [0.0; BLOCK];
            filter.process(&mut block);
        }
        assert_eq!((block, filter.state), ([0.0; BLOCK], [0.0; 2]));
    }

    #[test]
    fn speech_stays_and_rumble_goes() {
        for (frequency, expected, off) in [
            (20.0, -24.1, 0.2),
            (80.0, -3.0, 0.1),
            (300.0, 0.0, 0.1),
            (8000.0, 0.0, 0.01),
        ] {
            let mut filter = HighPass::new(Hertz(80.0), Hertz(48_000.0));
            let mut heard = Vec::new();
            for start in 0..200 {
                let mut block = std::array::from_fn(|n| {
                    let time = f64::from(start * 480 + n as i32) / 48_000.0;
                    (0.5 * (2.0 * PI * frequency * time).sin()) as f32
                });
                filter.process(&mut block);
                heard.extend_from_slice(&block);
            }
            let gain = analysis::rms(&heard[48_000..]).0 + 9.03;
            assert!((gain - expected).abs() < off, "{frequency} Hz: {gain} dB");
        }
    }
}
