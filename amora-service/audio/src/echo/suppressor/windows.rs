//! The windows between time and spectrum: long for its resolution, and with a short end for little delay.
//!
//! D. Mauler and R. Martin, "A low delay, variable resolution, perfect reconstruction spectral analysis-synthesis system for
//! speech enhancement", EUSIPCO 2007.

use crate::echo::BLOCK;
use crate::echo::kalman::spectrum::LENGTH;
use std::f32::consts::FRAC_PI_2;

/// Frames by which what comes out is late: 5 ms, over which one spectrum gives way to the next.
pub(crate) const DELAY: usize = 240;

/// A window for the analysis, whose squares sum up to a block, and one for the synthesis.
pub(super) struct Windows {
    pub(super) analysis: [f32; LENGTH],
    synthesis: [f32; LENGTH],
}

impl Windows {
    pub(super) fn new() -> Self {
        let end = LENGTH - DELAY;
        let rise = |index: usize, length: usize| (FRAC_PI_2 * (index as f32 + 0.5) / length as f32).sin();
        let mut analysis: [f32; LENGTH] = std::array::from_fn(|index| match index {
            0..BLOCK => rise(index, BLOCK),
            _ if index < end => 1.0,
            _ => rise(LENGTH - 1 - index, DELAY),
        });
        let scale = (BLOCK as f32 / analysis.iter().map(|value| value * value).sum::<f32>()).sqrt();
        analysis.iter_mut().for_each(|value| *value *= scale);
        // Both together fade in over the frames in which those before fade out.
        let begin = BLOCK - DELAY;
        let synthesis = std::array::from_fn(|index| match index {
            _ if index < begin => 0.0,
            _ if index < BLOCK => rise(index - begin, DELAY).powi(2) / analysis[index],
            _ if index < end => 1.0 / analysis[index],
            _ => rise(LENGTH - 1 - index, DELAY).powi(2) / analysis[index],
        });
        Self { analysis, synthesis }
    }

    /// Writes what is complete with these two blocks, and keeps in `rest` what is not.
    pub(super) fn overlap(
        &self,
        first: &[f32],
        second: &[f32],
        rest: &mut [f32; DELAY],
        output: &mut [f32; BLOCK],
    ) {
        let begin = BLOCK - DELAY;
        let frames = first.iter().chain(second);
        let mut shaped = frames
            .zip(&self.synthesis)
            .skip(begin)
            .map(|(sample, gain)| sample * gain);
        for (index, (place, sample)) in output.iter_mut().zip(shaped.by_ref()).enumerate() {
            *place = sample + rest.get(index).copied().unwrap_or(0.0);
        }
        for (place, sample) in rest.iter_mut().zip(shaped) {
            *place = sample;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::echo::scenes::music;

    #[test]
    fn what_is_not_changed_comes_out_as_it_was() {
        let windows = Windows::new();
        let sound = music(1, 0.2);
        let (mut rest, mut out) = ([0.0; DELAY], Vec::new());
        for pair in 0..19 {
            let shaped = |block: usize| -> [f32; BLOCK] {
                std::array::from_fn(|n| {
                    sound[(pair + block) * BLOCK + n] * windows.analysis[block * BLOCK + n]
                })
            };
            let mut output = [0.0; BLOCK];
            windows.overlap(&shaped(0), &shaped(1), &mut rest, &mut output);
            out.extend(output);
        }
        let squares: f32 = windows.analysis.iter().map(|value| value * value).sum();
        assert!((squares - BLOCK as f32).abs() < 0.01, "{squares}");
        // The first block of the output is of the second of the sound, and late.
        for (n, (out, sound)) in out[DELAY..].iter().zip(&sound[BLOCK..]).enumerate() {
            assert!((out - sound).abs() < 1e-5, "{n}: {out} instead of {sound}");
        }
    }
}
