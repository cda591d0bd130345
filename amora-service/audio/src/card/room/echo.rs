//! The way from the loudspeaker to the microphone: convolution with the room's impulse response.

use super::Random;
use amora_contract::config::RoomConfig;
use amora_contract::units::Hertz;
use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Energy of the direct sound against that of the reverberation: somebody who stands near the box.
const DIRECT_TO_REVERBERANT: f64 = 4.0;

/// Longest reverberation simulated.
const LONGEST_SECONDS: f64 = 3.0;

/// Partitioned convolution (overlap-save) in blocks of one period: no delay beyond the response's own.
pub(crate) struct EchoPath {
    period: usize,
    forward: Arc<dyn RealToComplex<f32>>,
    backward: Arc<dyn ComplexToReal<f32>>,
    partitions: Vec<Vec<Complex32>>,
    /// Spectra of the latest blocks, a ring; `newest` is the last written.
    blocks: Vec<Vec<Complex32>>,
    newest: usize,
    window: Vec<f32>,
    time: Vec<f32>,
    sum: Vec<Complex32>,
    forward_scratch: Vec<Complex32>,
    backward_scratch: Vec<Complex32>,
    /// Blocks of silence that went in; once past the response's length nothing comes out.
    silent: usize,
}

/// The room's impulse response: the direct sound after `echo_delay`, then noise that falls by 60 dB within
/// `reverberation`. Its energy is `echo`, so white noise arrives at exactly that level.
pub(crate) fn response(config: &RoomConfig, rate: Hertz) -> Vec<f32> {
    let direct = config.echo_delay.frames(rate).0.min(rate.0 as u64) as usize;
    let seconds = (config.reverberation.0 as f64 / 1000.0).min(LONGEST_SECONDS);
    let tail = (seconds * rate.0) as usize;
    let mut random = Random::new(config.seed);
    let mut response = vec![0f64; direct + 1 + tail];
    for (n, sample) in response[direct + 1..].iter_mut().enumerate() {
        let decay = 10f64.powf(-3.0 * n as f64 / tail as f64);
        *sample = f64::from(random.gaussian()) * decay;
    }
    let reverberant: f64 = response.iter().map(|sample| sample * sample).sum();
    response[direct] = if reverberant > 0.0 {
        (DIRECT_TO_REVERBERANT * reverberant).sqrt()
    } else {
        1.0
    };
    let energy: f64 = response.iter().map(|sample| sample * sample).sum();
    let gain = f64::from(config.echo.to_linear()) / energy.sqrt();
    response.iter().map(|sample| (sample * gain) as f32).collect()
}

impl EchoPath {
    /// The way with this impulse response, for blocks of `period` frames.
    pub(crate) fn new(response: &[f32], period: usize) -> Self {
        let length = 2 * period;
        let mut planner = RealFftPlanner::<f32>::new();
        let forward = planner.plan_fft_forward(length);
        let backward = planner.plan_fft_inverse(length);
        let partitions: Vec<_> = response
            .chunks(period)
            .map(|part| {
                let mut time = vec![0f32; length];
                for (place, sample) in time.iter_mut().zip(part) {
                    *place = sample / length as f32;
                }
                let mut spectrum = forward.make_output_vec();
                // Lengths are the plan's own, so this cannot fail.
                let _ = forward.process(&mut time, &mut spectrum);
                spectrum
            })
            .collect();
        Self {
            period,
            blocks: vec![forward.make_output_vec(); partitions.len()],
            newest: 0,
            window: vec![0.0; length],
            time: vec![0.0; length],
            sum: forward.make_output_vec(),
            forward_scratch: forward.make_scratch_vec(),
            backward_scratch: backward.make_scratch_vec(),
            silent: partitions.len() + 2,
            partitions,
            forward,
            backward,
        }
    }

    /// Turns one period of what the loudspeaker plays into what of it reaches the microphone. Silence that follows
    /// silence costs nothing.
    pub(crate) fn process(&mut self, samples: &mut [f32]) {
        if samples.iter().all(|sample| *sample == 0.0) {
            self.silent += 1;
            if self.silent > self.partitions.len() + 1 {
                return;
            }
        } else {
            if self.silent > self.partitions.len() + 1 {
                self.window.fill(0.0);
                for block in &mut self.blocks {
                    block.fill(Complex32::default());
                }
            }
            self.silent = 0;
        }
        self.window.copy_within(self.period.., 0);
        self.window[self.period..].copy_from_slice(samples);
        self.time.copy_from_slice(&self.window);
        let count = self.partitions.len();
        self.newest = (self.newest + 1) % count;
        let _ = self.forward.process_with_scratch(
            &mut self.time,
            &mut self.blocks[self.newest],
            &mut self.forward_scratch,
        );
        self.sum.fill(Complex32::default());
        for (age, partition) in self.partitions.iter().enumerate() {
            let block = &self.blocks[(self.newest + count - age) % count];
            for ((sum, input), response) in self.sum.iter_mut().zip(block).zip(partition) {
                *sum += input * response;
            }
        }
        self.sum[0].im = 0.0;
        self.sum[self.period].im = 0.0;
        let _ = self
            .backward
            .process_with_scratch(&mut self.sum, &mut self.time, &mut self.backward_scratch);
        samples.copy_from_slice(&self.time[self.period..]);
    }
}
