//! The partitioned-block frequency-domain Kalman filter.
//!
//! G. Enzner and P. Vary, "Frequency-domain adaptive Kalman filter for acoustic echo control in hands-free telephones",
//! Signal Processing 86 (2006); F. Kuech, E. Mabande and G. Enzner, "State-space architecture of the
//! partitioned-block-based acoustic echo controller", ICASSP 2014. The response of the room is the state, how unsure it is
//! of each bin of each partition its variance, and whatever is no echo is the noise of the measurement: so it learns
//! fast while it knows little, and hardly at all while somebody talks in the room.

use super::reference::Reference;
use super::spectrum::{BINS, SILENCE, Spectrum, Transform};
use crate::echo::BLOCK;

/// Share of a transform's window that is new: what of an error's power shows in its zero-padded spectrum.
const NEW: f32 = 0.5;

/// Weight of the past in the noise of the measurement: more, and it learns on while a talker begins.
const MEASUREMENT_MEMORY: f32 = 0.7;

/// Power of the whole response, before anything is known of it, and what is left of it from partition to partition.
const PRIOR_POWER: f32 = 1.0;
const PRIOR_DECAY: f32 = 0.8;

/// The power of what the loudspeaker cuts off, against the signal's.
const PRIOR_BENT: f32 = 0.2;

/// Share of the power of what the loudspeaker cuts off that the sum over the knees misses.
const MISFIT: f32 = 0.5;

/// Share of the prior's power that may come anew in every block, for a response that was nothing so far.
const RENEWAL: f32 = 1e-6;

/// Bounds of the reverberation's decay from partition to partition.
const DECAYS: [f32; 2] = [0.1, 0.95];

/// One adaptive response.
pub(super) struct Filter {
    /// Share of the response's power that may change from block to block, 1 - A².
    process_noise: f32,
    prior: Vec<f32>,
    weights: Vec<Spectrum>,
    variance: Vec<[f32; BINS]>,
    /// Whether anything was ever played through a partition: one through which nothing was is as it began.
    begun: Vec<bool>,
    /// Power of what is no echo, in zero-padded spectra.
    measurement: [f32; BINS],
    /// What the variance makes of the reference now.
    uncertainty: [f32; BINS],
    /// Power of the echo of what the loudspeaker cuts off.
    bent: [f32; BINS],
    /// Power of the echo past the last partition.
    late: [f32; BINS],
    /// Partitions of the signal itself.
    linear: usize,
    /// Which half of the partitions is constrained next.
    turn: usize,
}

impl Filter {
    pub(super) fn new(reference: &Reference, process_noise: f32) -> Self {
        let parts = reference.parts();
        let linear = parts.iter().filter(|part| part.is_linear()).count();
        let shape = |age: usize| PRIOR_DECAY.powi(age as i32);
        let whole: f32 = (0..linear).map(shape).sum();
        let prior = parts.iter().map(|part| {
            let power = if part.is_linear() {
                PRIOR_POWER
            } else {
                PRIOR_BENT * PRIOR_POWER
            };
            power * shape(part.age) / whole
        });
        let mut filter = Self {
            process_noise,
            prior: prior.collect(),
            weights: vec![SILENCE; parts.len()],
            variance: vec![[0.0; BINS]; parts.len()],
            begun: vec![false; parts.len()],
            measurement: [0.0; BINS],
            uncertainty: [0.0; BINS],
            bent: [0.0; BINS],
            late: [0.0; BINS],
            linear,
            turn: 0,
        };
        filter.restart();
        filter
    }

    pub(super) fn restart(&mut self) {
        self.weights.fill(SILENCE);
        for (variance, prior) in self.variance.iter_mut().zip(&self.prior) {
            variance.fill(*prior);
        }
        self.begun.fill(false);
        self.measurement = [0.0; BINS];
        self.uncertainty = [0.0; BINS];
        self.bent = [0.0; BINS];
        self.late = [0.0; BINS];
        self.turn = 0;
    }

    /// Passes a block of nothing: no echo is left.
    pub(super) fn rest(&mut self) {
        self.uncertainty = [0.0; BINS];
        self.bent = [0.0; BINS];
        self.late = [0.0; BINS];
    }

    /// The echo that this response makes of the reference's latest block.
    pub(super) fn predict(
        &mut self,
        reference: &Reference,
        transform: &mut Transform,
        echo: &mut [f32; BLOCK],
    ) {
        let mut sum = SILENCE;
        self.uncertainty = [0.0; BINS];
        self.bent = [0.0; BINS];
        for ((weights, variance), part) in self.weights.iter().zip(&self.variance).zip(reference.parts()) {
            if !reference.is_sounding(*part) {
                continue;
            }
            let (spectrum, power) = reference.block(*part);
            for bin in 0..BINS {
                sum[bin] += spectrum[bin] * weights[bin];
                self.uncertainty[bin] += variance[bin] * power[bin];
            }
            if !part.is_linear() {
                for bin in 0..BINS {
                    self.bent[bin] += weights[bin].norm_sqr() * power[bin];
                }
            }
        }
        echo.copy_from_slice(transform.inverse(&sum).1);
        self.reverberate(reference);
    }

    /// Lets the echo go on past the last partition the way it falls before it.
    fn reverberate(&mut self, reference: &Reference) {
        let (half, last) = (self.linear / 2, self.linear - 1);
        let power = |index: usize| {
            self.weights[index]
                .iter()
                .map(|weight| weight.norm_sqr())
                .sum::<f32>()
                + 1e-12
        };
        let fall = power(last) / power(half);
        let decay = fall
            .powf(1.0 / (last - half).max(1) as f32)
            .clamp(DECAYS[0], DECAYS[1]);
        let (_, played) = reference.block(reference.parts()[last]);
        for (bin, late) in self.late.iter_mut().enumerate() {
            *late = decay * (*late + self.weights[last][bin].norm_sqr() * played[bin]);
        }
    }

    /// Learns from the zero-padded spectrum of what `predict` left of the microphone. `wrong` is, for every bin, the share
    /// of the response's power that is known to be wrong.
    pub(super) fn learn(
        &mut self,
        reference: &Reference,
        transform: &mut Transform,
        error: &Spectrum,
        wrong: &[f32; BINS],
    ) {
        let mut gain = [0.0; BINS];
        for bin in 0..BINS {
            let power = error[bin].norm_sqr();
            let noise = (power - NEW * self.uncertainty[bin]).max(0.1 * power);
            let measurement = &mut self.measurement[bin];
            *measurement += (1.0 - MEASUREMENT_MEMORY) * (noise - *measurement);
            gain[bin] = 1.0 / (self.uncertainty[bin] + *measurement / NEW + 1e-12);
        }
        self.turn = 1 - self.turn;
        for (index, part) in reference.parts().iter().enumerate() {
            self.begun[index] |= reference.is_sounding(*part);
            if !self.begun[index] {
                continue;
            }
            let (spectrum, power) = reference.block(*part);
            let weights = &mut self.weights[index];
            let variance = &mut self.variance[index];
            let prior = self.prior[index];
            for bin in 0..BINS {
                let step = variance[bin] * gain[bin];
                weights[bin] += spectrum[bin].conj() * error[bin] * step;
                let known = 1.0 - NEW * step * power[bin];
                let size = weights[bin].norm_sqr();
                let moved = (self.process_noise + wrong[bin]) * size + RENEWAL * prior;
                variance[bin] = (variance[bin] * known + moved).min(prior + size);
            }
            // Every other block is often enough, and half the work.
            if index % 2 == self.turn {
                transform.constrain(weights);
            }
        }
    }

    /// Power of the echo expected to be left, per bin of a whole spectrum of the reference.
    pub(super) fn uncertainty(&self, power: &mut [f32; BINS]) {
        for (bin, value) in power.iter_mut().enumerate() {
            *value = self.uncertainty[bin] + MISFIT * self.bent[bin] + self.late[bin];
        }
    }

    /// Takes over what another filter knows.
    pub(super) fn copy(&mut self, other: &Self) {
        self.weights.copy_from_slice(&other.weights);
        self.variance.copy_from_slice(&other.variance);
        self.begun.copy_from_slice(&other.begun);
        self.measurement = other.measurement;
    }
}
