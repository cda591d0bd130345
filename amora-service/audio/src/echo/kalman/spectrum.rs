//! Block transforms, and the spectra of what was played.

use crate::echo::BLOCK;
use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Samples under one transform: two blocks, as overlap-save needs.
pub(crate) const LENGTH: usize = 2 * BLOCK;

/// Bins of a spectrum, 50 Hz apart.
pub(crate) const BINS: usize = BLOCK + 1;

/// One spectrum.
pub(crate) type Spectrum = [Complex32; BINS];

/// Nothing at any frequency.
pub(crate) const SILENCE: Spectrum = [Complex32::new(0.0, 0.0); BINS];

/// The transform and its inverse, which is scaled so that there and back is identity. Allocates only when built.
pub(crate) struct Transform {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    time: Vec<f32>,
    spectrum: Vec<Complex32>,
    forward_scratch: Vec<Complex32>,
    inverse_scratch: Vec<Complex32>,
}

impl Transform {
    pub(crate) fn new() -> Self {
        let mut planner = RealFftPlanner::<f32>::new();
        let forward = planner.plan_fft_forward(LENGTH);
        let inverse = planner.plan_fft_inverse(LENGTH);
        Self {
            time: forward.make_input_vec(),
            spectrum: forward.make_output_vec(),
            forward_scratch: forward.make_scratch_vec(),
            inverse_scratch: inverse.make_scratch_vec(),
            forward,
            inverse,
        }
    }

    /// The spectrum of `first` followed by `second`.
    pub(crate) fn forward(&mut self, first: &[f32; BLOCK], second: &[f32; BLOCK], out: &mut Spectrum) {
        self.time[..BLOCK].copy_from_slice(first);
        self.time[BLOCK..].copy_from_slice(second);
        // Lengths are the plan's own, so this cannot fail.
        let _ = self
            .forward
            .process_with_scratch(&mut self.time, out, &mut self.forward_scratch);
    }

    /// Both halves of the samples behind a spectrum.
    pub(crate) fn inverse(&mut self, spectrum: &Spectrum) -> (&[f32], &[f32]) {
        self.spectrum.copy_from_slice(spectrum);
        self.spectrum[0].im = 0.0;
        self.spectrum[BLOCK].im = 0.0;
        // The imaginary parts that could make it fail were just cleared.
        let _ =
            self.inverse
                .process_with_scratch(&mut self.spectrum, &mut self.time, &mut self.inverse_scratch);
        for sample in &mut self.time {
            *sample *= 1.0 / LENGTH as f32;
        }
        self.time.split_at(BLOCK)
    }

    /// Cuts a response to one block: its second half is wrapped-around convolution.
    pub(crate) fn constrain(&mut self, spectrum: &mut Spectrum) {
        self.inverse(spectrum);
        self.time[BLOCK..].fill(0.0);
        let _ = self
            .forward
            .process_with_scratch(&mut self.time, spectrum, &mut self.forward_scratch);
    }
}

/// The spectra of the latest blocks of one signal, each over its block and the one before.
pub(crate) struct History {
    spectra: Vec<Spectrum>,
    powers: Vec<[f32; BINS]>,
    /// Whether a spectrum is of anything.
    sounding: Vec<bool>,
    newest: usize,
    previous: [f32; BLOCK],
}

impl History {
    /// Remembers `blocks` blocks.
    pub(crate) fn new(blocks: usize) -> Self {
        Self {
            spectra: vec![SILENCE; blocks],
            powers: vec![[0.0; BINS]; blocks],
            sounding: vec![false; blocks],
            newest: 0,
            previous: [0.0; BLOCK],
        }
    }

    pub(crate) fn clear(&mut self) {
        self.spectra.fill(SILENCE);
        self.powers.fill([0.0; BINS]);
        self.sounding.fill(false);
        self.previous = [0.0; BLOCK];
    }

    pub(crate) fn push(&mut self, block: &[f32; BLOCK], transform: &mut Transform) {
        self.newest = (self.newest + 1) % self.spectra.len();
        let sounding = self.previous.iter().chain(block).any(|sample| *sample != 0.0);
        // What was silent there and still is needs no transform.
        let was_sounding = std::mem::replace(&mut self.sounding[self.newest], sounding);
        if !sounding && !was_sounding {
            self.previous = *block;
            return;
        }
        let spectrum = &mut self.spectra[self.newest];
        transform.forward(&self.previous, block, spectrum);
        for (power, value) in self.powers[self.newest].iter_mut().zip(spectrum.iter()) {
            *power = value.norm_sqr();
        }
        self.previous = *block;
    }

    /// Spectrum and power of the block that was pushed `age` pushes before the latest.
    pub(crate) fn block(&self, age: usize) -> (&Spectrum, &[f32; BINS]) {
        let place = self.place(age);
        (&self.spectra[place], &self.powers[place])
    }

    /// Whether that spectrum is of anything.
    pub(crate) fn is_sounding(&self, age: usize) -> bool {
        self.sounding[self.place(age)]
    }

    fn place(&self, age: usize) -> usize {
        (self.newest + self.spectra.len() - age) % self.spectra.len()
    }
}
