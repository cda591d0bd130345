//! What of the predicted echo is left, told from what the error has in common with it.
//!
//! A talker in the room makes the error large but has nothing in common with the echo; clocks that drift or a room that
//! moves leave an error that correlates with it.

use super::bands::{BANDS, bands};
use super::spectrum::{BINS, Spectrum};
use realfft::num_complex::Complex32;

/// Weight of the past blocks.
const MEMORY: f32 = 0.8;

/// Blocks that this memory averages over.
const BLOCKS: f32 = (1.0 + MEMORY) / (1.0 - MEMORY);

/// Times what two signals that know nothing of each other have in common by chance: speech is no white noise, so chance
/// is larger than the count of bins says.
const DOUBT: f32 = 3.0;

/// Mean share of all bins from which on it counts, and from which on it counts in full: a single band may err.
const COUNTS: f32 = 0.2;
const COUNTS_IN_FULL: f32 = 0.3;

#[derive(Clone, Copy, Default)]
struct Band {
    cross: Complex32,
    echo: f32,
    error: f32,
}

/// The watch over one filter.
#[derive(Default)]
pub(super) struct Mismatch {
    bands: [Band; BANDS],
}

impl Mismatch {
    /// Takes in the spectra of an error and of the echo that was predicted; writes for every bin the share of the echo's
    /// power that is proven to be left in the error.
    pub(super) fn watch(&mut self, error: &Spectrum, echo: &Spectrum, share: &mut [f32; BINS]) {
        for (band, bins) in self.bands.iter_mut().zip(bands()) {
            let mut now = Band::default();
            for (error, echo) in error[bins.clone()].iter().zip(&echo[bins.clone()]) {
                now.cross += error * echo.conj();
                now.echo += echo.norm_sqr();
                now.error += error.norm_sqr();
            }
            band.cross += (now.cross - band.cross) * (1.0 - MEMORY);
            band.echo += (now.echo - band.echo) * (1.0 - MEMORY);
            band.error += (now.error - band.error) * (1.0 - MEMORY);
            let chance = DOUBT * band.error * band.echo / (BLOCKS * bins.len() as f32);
            let proven = (band.cross.norm_sqr() - chance) / (band.echo * band.echo + 1e-20);
            share[bins].fill(proven.clamp(0.0, 1.0));
        }
        let mean = share[1..].iter().sum::<f32>() / (BINS - 1) as f32;
        let weight = ((mean - COUNTS) / (COUNTS_IN_FULL - COUNTS)).clamp(0.0, 1.0);
        for share in &mut share[1..] {
            *share *= weight;
        }
        share[0] = share[1];
    }
}
