//! Between the engine's floats and what a card takes: exact, clipped, safe with NaN, and dithered to 16 bits.

use crate::card::OUTPUT_CHANNELS;
use alsa::pcm::Format;

/// Sample formats a card may be driven with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SampleFormat {
    S32,
    S24,
    S24Packed,
    Float,
    S16,
}

impl SampleFormat {
    /// Best first. 24 bits hold every bit of a float's mantissa; 16 need dither.
    pub(super) const PREFERENCE: [Self; 5] = [Self::S32, Self::S24, Self::S24Packed, Self::Float, Self::S16];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::S32 => "S32_LE",
            Self::S24 => "S24_LE",
            Self::S24Packed => "S24_3LE",
            Self::Float => "FLOAT_LE",
            Self::S16 => "S16_LE",
        }
    }

    pub(super) const fn alsa(self) -> Format {
        match self {
            Self::S32 => Format::S32LE,
            Self::S24 => Format::S24LE,
            Self::S24Packed => Format::S243LE,
            Self::Float => Format::FloatLE,
            Self::S16 => Format::S16LE,
        }
    }

    /// Bytes that one sample takes.
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::S32 | Self::S24 | Self::Float => 4,
            Self::S24Packed => 3,
            Self::S16 => 2,
        }
    }

    fn encode(self, sample: f32, dither: f64, into: &mut [u8]) {
        match self {
            Self::S32 => into.copy_from_slice(&integer(sample, 31, 0.0).to_le_bytes()),
            Self::S24 => into.copy_from_slice(&integer(sample, 23, 0.0).to_le_bytes()),
            Self::S24Packed => into.copy_from_slice(&integer(sample, 23, 0.0).to_le_bytes()[..3]),
            Self::Float => into.copy_from_slice(&clipped(sample).to_le_bytes()),
            Self::S16 => into.copy_from_slice(&(integer(sample, 15, dither) as i16).to_le_bytes()),
        }
    }

    fn decode(self, from: &[u8]) -> f32 {
        match (self, from) {
            (Self::S32, &[a, b, c, d]) => scaled(i32::from_le_bytes([a, b, c, d]), 31),
            // The fourth byte of S24_LE is not defined; the sign is in the third.
            (Self::S24, &[a, b, c, _]) | (Self::S24Packed, &[a, b, c]) => {
                scaled(i32::from_le_bytes([0, a, b, c]), 31)
            }
            (Self::Float, &[a, b, c, d]) => clipped(f32::from_le_bytes([a, b, c, d])),
            (Self::S16, &[a, b]) => scaled(i32::from(i16::from_le_bytes([a, b])), 15),
            _ => 0.0,
        }
    }
}

/// Not a number becomes silence; everything else stays within full scale.
fn clipped(sample: f32) -> f32 {
    if sample.is_nan() {
        0.0
    } else {
        sample.clamp(-1.0, 1.0)
    }
}

fn integer(sample: f32, bits: u32, dither: f64) -> i32 {
    let scale = f64::from(1u32 << bits);
    (f64::from(clipped(sample)) * scale + dither)
        .round()
        .clamp(-scale, scale - 1.0) as i32
}

fn scaled(value: i32, bits: u32) -> f32 {
    (f64::from(value) / f64::from(1u32 << bits)) as f32
}

/// Triangular dither of ±1 step: it turns the rounding of quiet passages from distortion into even noise.
#[derive(Debug, Clone)]
pub(super) struct Dither(u32);

impl Dither {
    pub(super) const fn new() -> Self {
        Self(0x9E37_79B9)
    }

    fn uniform(&mut self) -> f64 {
        // Marsaglia's xorshift32: no state but one word, no division.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        f64::from(self.0) / f64::from(u32::MAX)
    }

    fn next(&mut self) -> f64 {
        self.uniform() - self.uniform()
    }
}

/// How frames are laid out in a card's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) format: SampleFormat,
    pub(super) channels: usize,
}

impl Layout {
    /// Bytes that one frame takes.
    pub(super) const fn frame(self) -> usize {
        self.format.bytes() * self.channels
    }

    /// Interleaved stereo floats to the card's bytes. A mono card gets the mean of both channels, further channels
    /// of a larger card stay silent. Exact silence stays exact: it is not dithered.
    pub(super) fn encode(self, stereo: &[f32], dither: &mut Dither, into: &mut [u8]) {
        let silent = stereo.iter().all(|&sample| sample == 0.0);
        let width = self.format.bytes();
        let frames = stereo.chunks_exact(OUTPUT_CHANNELS);
        for (frame, bytes) in frames.zip(into.chunks_exact_mut(self.frame())) {
            for (channel, bytes) in bytes.chunks_exact_mut(width).enumerate() {
                let sample = match (self.channels, channel) {
                    (1, _) => 0.5 * (clipped(frame[0]) + clipped(frame[1])),
                    (_, 0 | 1) => frame[channel],
                    _ => 0.0,
                };
                let noise = if silent || self.format != SampleFormat::S16 {
                    0.0
                } else {
                    dither.next()
                };
                self.format.encode(sample, noise, bytes);
            }
        }
    }

    /// The card's bytes to mono floats: the mean of all channels. Answers the frames decoded.
    pub(super) fn decode(self, bytes: &[u8], mono: &mut [f32]) -> usize {
        let mut frames = 0;
        for (frame, into) in bytes.chunks_exact(self.frame()).zip(mono.iter_mut()) {
            let sum: f32 = frame
                .chunks_exact(self.format.bytes())
                .map(|bytes| self.format.decode(bytes))
                .sum();
            *into = sum / self.channels as f32;
            frames += 1;
        }
        frames
    }
}

#[cfg(test)]
mod tests;
