//! WAV files of 32-bit floats, that grow to RF64 (EBU Tech 3306) where they pass 4 GiB.

use amora_contract::units::{Frames, Hertz};
use std::fs::File;
use std::io::{BufWriter, Error, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A WAV file that can't be written or read.
#[derive(Debug, thiserror::Error)]
#[error("the recording {path}: {source}", path = path.display())]
pub struct WavError {
    path: PathBuf,
    source: Error,
}

impl WavError {
    pub(super) fn new(path: &Path, source: Error) -> Self {
        Self {
            path: path.to_owned(),
            source,
        }
    }
}

/// Bytes before the samples: RIFF (12), room for ds64 (36), fmt (26), fact (12), data (8).
const HEADER: u64 = 94;

/// Largest size that a 32-bit RIFF header can tell.
const RIFF_LIMIT: u64 = u32::MAX as u64;

/// Writes one file. Its header is true after every [`update`](Self::update).
#[derive(Debug)]
pub struct WavWriter {
    path: PathBuf,
    file: BufWriter<File>,
    rate: u32,
    channels: u16,
    bytes: u64,
}

impl WavWriter {
    /// Makes the file, or empties it, and writes a header for no samples.
    ///
    /// # Errors
    /// [`WavError`].
    pub fn create(path: &Path, rate: Hertz, channels: usize) -> Result<Self, WavError> {
        let file = File::create(path).map_err(|source| WavError::new(path, source))?;
        let mut writer = Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 16, file),
            rate: rate.0.round() as u32,
            channels: channels as u16,
            bytes: 0,
        };
        writer.update()?;
        Ok(writer)
    }

    /// Appends interleaved samples.
    ///
    /// # Errors
    /// [`WavError`].
    pub fn write(&mut self, samples: &[f32]) -> Result<(), WavError> {
        for sample in samples {
            self.file
                .write_all(&sample.to_le_bytes())
                .map_err(|source| WavError::new(&self.path, source))?;
        }
        self.bytes += 4 * samples.len() as u64;
        Ok(())
    }

    /// Frames written.
    pub fn frames(&self) -> Frames {
        Frames(self.bytes / (4 * u64::from(self.channels)))
    }

    /// Writes out what waits and makes the header true.
    ///
    /// # Errors
    /// [`WavError`].
    pub fn update(&mut self) -> Result<(), WavError> {
        let header = header(self.rate, self.channels, self.bytes);
        let result = (|| {
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(&header)?;
            self.file.seek(SeekFrom::Start(HEADER + self.bytes))?;
            self.file.flush()
        })();
        result.map_err(|source| WavError::new(&self.path, source))
    }
}

fn header(rate: u32, channels: u16, bytes: u64) -> Vec<u8> {
    let riff_size = HEADER - 8 + bytes;
    let large = riff_size > RIFF_LIMIT;
    let frames = bytes / (4 * u64::from(channels));
    let short = |size: u64| if large { u32::MAX } else { size as u32 }.to_le_bytes();
    let mut header = Vec::with_capacity(HEADER as usize);
    header.extend_from_slice(if large { b"RF64" } else { b"RIFF" });
    header.extend_from_slice(&short(riff_size));
    header.extend_from_slice(b"WAVE");
    header.extend_from_slice(if large { b"ds64" } else { b"JUNK" });
    header.extend_from_slice(&28u32.to_le_bytes());
    for size in [riff_size, bytes, frames] {
        header.extend_from_slice(&if large { size } else { 0 }.to_le_bytes());
    }
    header.extend_from_slice(&0u32.to_le_bytes());
    header.extend_from_slice(b"fmt ");
    header.extend_from_slice(&18u32.to_le_bytes());
    // 3 is IEEE float.
    header.extend_from_slice(&3u16.to_le_bytes());
    header.extend_from_slice(&channels.to_le_bytes());
    header.extend_from_slice(&rate.to_le_bytes());
    header.extend_from_slice(&(rate * 4 * u32::from(channels)).to_le_bytes());
    header.extend_from_slice(&(4 * channels).to_le_bytes());
    header.extend_from_slice(&32u16.to_le_bytes());
    header.extend_from_slice(&0u16.to_le_bytes());
    header.extend_from_slice(b"fact");
    header.extend_from_slice(&4u32.to_le_bytes());
    header.extend_from_slice(&short(frames));
    header.extend_from_slice(b"data");
    header.extend_from_slice(&short(bytes));
    header
}

/// Reads a file that [`WavWriter`] wrote: its rate, its channels and its interleaved samples.
///
/// # Errors
/// [`WavError`] when it can't be read or is another kind of WAV.
pub fn read_wav(path: &Path) -> Result<(Hertz, usize, Vec<f32>), WavError> {
    let bytes = std::fs::read(path).map_err(|source| WavError::new(path, source))?;
    let known = bytes.len() as u64 >= HEADER
        && (&bytes[..4] == b"RIFF" || &bytes[..4] == b"RF64")
        && &bytes[48..52] == b"fmt "
        && bytes[56..58] == 3u16.to_le_bytes()
        && &bytes[86..90] == b"data";
    if !known {
        let source = Error::new(
            ErrorKind::InvalidData,
            "it is no WAV of 32-bit floats by this recorder",
        );
        return Err(WavError::new(path, source));
    }
    let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let channels = usize::from(u16::from_le_bytes([bytes[58], bytes[59]]));
    let told = match number(90) {
        u32::MAX => u64::MAX,
        size => u64::from(size),
    };
    let there = bytes.len() as u64 - HEADER;
    let end = (HEADER + told.min(there)) as usize;
    let samples = bytes[HEADER as usize..end]
        .chunks_exact(4)
        .map(|sample| f32::from_le_bytes([sample[0], sample[1], sample[2], sample[3]]))
        .collect();
    Ok((Hertz(f64::from(number(60))), channels, samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_reads_back_and_is_valid_before_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let mut writer = WavWriter::create(&path, Hertz(48_000.0), 2).unwrap();
        assert_eq!(read_wav(&path).unwrap().2, Vec::<f32>::new());
        writer.write(&[0.25, -0.5, 1.0, f32::MIN_POSITIVE]).unwrap();
        writer.update().unwrap();
        writer.write(&[0.1; 40_000]).unwrap();
        let (rate, channels, samples) = read_wav(&path).unwrap();
        assert_eq!((rate, channels), (Hertz(48_000.0), 2));
        assert_eq!(samples, [0.25, -0.5, 1.0, f32::MIN_POSITIVE]);
        writer.update().unwrap();
        assert_eq!(read_wav(&path).unwrap().2.len(), 40_004);
        assert_eq!(writer.frames(), Frames(20_002));
    }

    #[test]
    fn the_header_becomes_rf64_past_4_gib() {
        let small = header(48_000, 2, 8_000);
        assert_eq!(small.len() as u64, HEADER);
        assert_eq!((&small[..4], &small[12..16]), (&b"RIFF"[..], &b"JUNK"[..]));
        let bytes = 5_000_000_000u64;
        let large = header(48_000, 2, bytes);
        assert_eq!(large.len() as u64, HEADER);
        assert_eq!((&large[..4], &large[12..16]), (&b"RF64"[..], &b"ds64"[..]));
        assert_eq!(large[4..8], u32::MAX.to_le_bytes());
        assert_eq!(large[20..28], (HEADER - 8 + bytes).to_le_bytes());
        assert_eq!(large[28..36], bytes.to_le_bytes());
        assert_eq!(large[36..44], (bytes / 8).to_le_bytes());
        assert_eq!(large[90..94], u32::MAX.to_le_bytes());
    }

    #[test]
    fn a_file_that_cannot_be_made_is_named() {
        let error = WavWriter::create(Path::new("/nowhere/a.wav"), Hertz(48_000.0), 2).unwrap_err();
        assert!(error.to_string().contains("/nowhere/a.wav"));
    }
}
