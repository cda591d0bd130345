//! WAV files of 16-bit samples, and their conversion to 48 kHz.

use crate::RATE;
use std::f64::consts::PI;

/// Zero crossings of the resampler's sinc on each side.
const WIDTH: f64 = 24.0;

/// Why a file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WavError {
    /// It is no WAV file, or ends too early.
    #[error("this is no WAV file")]
    NotWav,
    /// Its samples are not 16-bit integers.
    #[error("only 16-bit samples can be read")]
    Format,
}

/// The left channel at 48 kHz. A length that the file does not know (espeak-ng writes to a pipe) means up to its end.
pub fn read_wav(content: &[u8]) -> Result<Vec<i16>, WavError> {
    if content.get(..4) != Some(b"RIFF") || content.get(8..12) != Some(b"WAVE") {
        return Err(WavError::NotWav);
    }
    let mut rest = &content[12..];
    let mut format = None;
    while let Some((head, body)) = rest.split_at_checked(8) {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let chunk = &body[..length.min(body.len())];
        match &head[..4] {
            b"fmt " => format = Some(parse_format(chunk)?),
            b"data" => {
                let (channels, rate) = format.ok_or(WavError::NotWav)?;
                let left = chunk
                    .chunks_exact(2 * channels)
                    .map(|frame| i16::from_le_bytes([frame[0], frame[1]]))
                    .collect::<Vec<_>>();
                return Ok(resample(&left, rate));
            }
            _ => {}
        }
        rest = body.get(length + length % 2..).unwrap_or_default();
    }
    Err(WavError::NotWav)
}

/// Channels and samples a second.
fn parse_format(chunk: &[u8]) -> Result<(usize, u32), WavError> {
    let chunk: &[u8; 16] = chunk.first_chunk().ok_or(WavError::NotWav)?;
    let channels = u16::from_le_bytes([chunk[2], chunk[3]]);
    let rate = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
    let bits = u16::from_le_bytes([chunk[14], chunk[15]]);
    if bits != 16 || channels == 0 || !(4_000..=192_000).contains(&rate) {
        return Err(WavError::Format);
    }
    Ok((usize::from(channels), rate))
}

/// To 48 kHz, by a sinc under a Hann window.
fn resample(samples: &[i16], rate: u32) -> Vec<i16> {
    if rate == RATE {
        return samples.to_vec();
    }
    let step = f64::from(rate) / f64::from(RATE);
    // Below both Nyquist frequencies, as a part of the input's.
    let cutoff = (1.0 / step).min(1.0) * 0.95;
    let reach = WIDTH / cutoff;
    let kernel = |distance: f64| {
        let x = PI * distance * cutoff;
        let sinc = if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
        cutoff * sinc * (0.5 + 0.5 * (PI * distance / reach).cos())
    };
    let length = (samples.len() as f64 / step) as usize;
    (0..length)
        .map(|index| {
            let centre = index as f64 * step;
            let first = (centre - reach).ceil().max(0.0) as usize;
            let last = ((centre + reach) as usize).min(samples.len() - 1);
            let sum: f64 = (first..=last)
                .map(|place| f64::from(samples[place]) * kernel(place as f64 - centre))
                .sum();
            sum.round() as i16
        })
        .collect()
}

/// The samples as a WAV file of one channel at 48 kHz.
pub fn write_wav(samples: &[i16]) -> Vec<u8> {
    let length = (samples.len() * 2) as u32;
    let mut file = Vec::with_capacity(44 + samples.len() * 2);
    file.extend(b"RIFF");
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend([1, 0, 1, 0]);
    file.extend(RATE.to_le_bytes());
    file.extend((RATE * 2).to_le_bytes());
    file.extend([2, 0, 16, 0]);
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let samples: Vec<i16> = (-500..500).map(|number| number * 60).collect();
        let file = write_wav(&samples);
        assert_eq!(read_wav(&file).unwrap(), samples);
        for length in 0..44 {
            assert_eq!(
                read_wav(&file[..length]),
                Err(WavError::NotWav),
                "cut after {length}"
            );
        }
        let mut unknown_length = file.clone();
        unknown_length[40..44].fill(0xFF);
        assert_eq!(read_wav(&unknown_length).unwrap(), samples);
    }

    #[test]
    fn a_tone_at_another_rate_is_the_same_tone() {
        let rate = 22_050;
        let tone =
            |rate: u32, index: usize| 10_000.0 * (2.0 * PI * 1_000.0 * index as f64 / f64::from(rate)).sin();
        let slow: Vec<i16> = (0..rate as usize).map(|index| tone(rate, index) as i16).collect();
        let fast = resample(&slow, rate);
        assert_eq!(fast.len(), RATE as usize);
        let worst = (1_000..47_000)
            .map(|index| (f64::from(fast[index]) - tone(RATE, index)).abs())
            .fold(0.0, f64::max);
        assert!(worst < 30.0, "at most {worst} of 10,000 off");
    }
}
