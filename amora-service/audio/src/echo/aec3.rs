//! WebRTC's third canceller, by the crate `aec3`: it finds delays by itself and bears drift and bending loudspeakers, at the
//! price of lowering near speech while the box plays.

use super::{BLOCK, EchoCanceller};
use ::aec3::api::config::{EchoCanceller3Config, MaskingThresholds};
use ::aec3::audio_processing::aec3::aec3_common::BLOCK_SIZE;
use ::aec3::audio_processing::aec3::block::Block;
use ::aec3::audio_processing::aec3::block_processor::BlockProcessor;
use ::aec3::audio_processing::audio_buffer::AudioBuffer;
use ::aec3::audio_processing::stream_config::StreamConfig;
use amora_contract::units::Frames;
use std::collections::VecDeque;

const RATE: usize = 48_000;

/// Bands of 8 kHz that the canceller works in.
const BANDS: usize = 3;

/// From here on a microphone is overdriven, as WebRTC has it: 32700 of 32768.
const SATURATED: f32 = 0.998;

/// What its filter bank, its blocks and its suppressor take, as the tests measure it.
const LATENCY: Frames = Frames(428);

/// Samples of a band by which the microphone goes in late: the canceller does not see delays of less than three samples
/// at 4 kHz. As many as can be without a block of the microphone being complete before the reference's.
const MICROPHONE_DELAY: usize = BLOCK_SIZE / 2 - 1;

/// Samples of a band that wait to be taken at first: our blocks are two and a half of the canceller's.
const CLEANED_DELAY: usize = BLOCK_SIZE / 2;

/// How it weighs echo against near speech.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tuning {
    /// WebRTC's own: the least echo.
    #[default]
    Standard,
    /// Near speech is kept better while both speak, and echo returns sooner after the room changed.
    Duplex,
}

impl Tuning {
    fn config(self) -> EchoCanceller3Config {
        let mut config = EchoCanceller3Config::default();
        if self == Self::Duplex {
            config.erle.max_l = 300.0;
            config.erle.max_h = 300.0;
            config.filter.main.length_blocks = 27;
            config.filter.shadow.length_blocks = 27;
            config.ep_strength.default_len = 0.6;
            config.ep_strength.nearend_len = 0.5;
            let suppressor = &mut config.suppressor;
            suppressor.dominant_nearend_detection.enr_threshold = 1.0;
            suppressor.dominant_nearend_detection.snr_threshold = 10.0;
            suppressor.dominant_nearend_detection.trigger_threshold = 4;
            suppressor.normal_tuning.mask_lf = MaskingThresholds::new(0.6, 0.9, 0.3);
            suppressor.normal_tuning.mask_hf = MaskingThresholds::new(0.3, 0.5, 0.3);
        }
        config
    }
}

/// An AEC3 canceller. It allocates as it works.
pub struct Aec3 {
    tuning: Tuning,
    canceller: BlockProcessor,
    format: StreamConfig,
    /// Split a block of ours into the canceller's bands, and put them together again.
    reference_bands: AudioBuffer,
    microphone_bands: AudioBuffer,
    /// What is split and does not fill a block of the canceller's yet.
    reference: Queue,
    microphone: Queue,
    cleaned: Queue,
    block: Block,
}

impl Aec3 {
    /// A canceller that knows nothing of the room yet.
    pub fn new(tuning: Tuning) -> Self {
        let bands = || AudioBuffer::from_sample_rates(RATE, 1, RATE, 1, RATE);
        Self {
            tuning,
            canceller: BlockProcessor::new(tuning.config(), RATE as i32, 1, 1),
            format: StreamConfig::new(RATE, 1, false),
            reference_bands: bands(),
            microphone_bands: bands(),
            reference: Queue::default(),
            microphone: Queue::holding(MICROPHONE_DELAY),
            cleaned: Queue::holding(CLEANED_DELAY),
            block: Block::new(BANDS, 1),
        }
    }
}

impl EchoCanceller for Aec3 {
    fn process(&mut self, reference: &[f32; BLOCK], microphone: &mut [f32; BLOCK]) {
        self.reference_bands
            .copy_from(&[&reference.map(finite)], &self.format);
        self.reference_bands.split_into_frequency_bands();
        self.reference.append(&self.reference_bands);
        while self.reference.take_block(&mut self.block) {
            self.canceller.buffer_render(&self.block);
        }
        let heard = microphone.map(finite);
        let saturated = heard.iter().any(|sample| sample.abs() >= SATURATED);
        self.microphone_bands.copy_from(&[&heard], &self.format);
        self.microphone_bands.split_into_frequency_bands();
        self.microphone.append(&self.microphone_bands);
        while self.microphone.take_block(&mut self.block) {
            self.canceller
                .process_capture(false, saturated, None, &mut self.block);
            self.cleaned.append_block(&self.block);
        }
        self.cleaned.take_frame(&mut self.microphone_bands);
        self.microphone_bands.merge_frequency_bands();
        self.microphone_bands
            .copy_to_stream(&self.format, &mut [microphone]);
    }

    fn restart(&mut self) {
        *self = Self::new(self.tuning);
    }

    fn latency(&self) -> Frames {
        LATENCY
    }
}

/// Samples of each band, between frames of ours and blocks of the canceller's.
#[derive(Default)]
struct Queue {
    bands: [VecDeque<f32>; BANDS],
}

impl Queue {
    /// With so many samples of silence in each band.
    fn holding(samples: usize) -> Self {
        Self {
            bands: std::array::from_fn(|_| VecDeque::from(vec![0.0; samples])),
        }
    }

    fn append(&mut self, frame: &AudioBuffer) {
        for (n, band) in self.bands.iter_mut().enumerate() {
            band.extend(frame.split_band(0, n));
        }
    }

    fn append_block(&mut self, block: &Block) {
        for (n, band) in self.bands.iter_mut().enumerate() {
            band.extend(block.view(n, 0));
        }
    }

    /// Takes a block's worth, if there is so much.
    fn take_block(&mut self, block: &mut Block) -> bool {
        let enough = self.bands[0].len() >= BLOCK_SIZE;
        if enough {
            for (n, band) in self.bands.iter_mut().enumerate() {
                for (place, sample) in block.view_mut(n, 0).iter_mut().zip(band.drain(..BLOCK_SIZE)) {
                    *place = sample;
                }
            }
        }
        enough
    }

    fn take_frame(&mut self, frame: &mut AudioBuffer) {
        for (n, band) in self.bands.iter_mut().enumerate() {
            for (place, sample) in frame
                .split_band_mut(0, n)
                .iter_mut()
                .zip(band.drain(..BLOCK / BANDS))
            {
                *place = sample;
            }
        }
    }
}

/// A filter that once saw what is no number would never forget it.
fn finite(sample: f32) -> f32 {
    if sample.is_finite() {
        sample.clamp(-1.0, 1.0)
    } else {
        0.0
    }
}
