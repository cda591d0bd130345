//! Sound files with a known content.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A steady tone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tone {
    pub(crate) hertz: f64,
    /// Peak, relative to full scale.
    pub(crate) decibels: f64,
    pub(crate) seconds: f64,
    pub(crate) rate: u32,
}

impl Default for Tone {
    fn default() -> Self {
        Self {
            hertz: 1000.0,
            decibels: -20.0,
            seconds: 6.0,
            rate: 48_000,
        }
    }
}

/// Writes a tone, the same on both channels, as a 16-bit WAV file.
pub(crate) fn write_tone(path: &Path, tone: Tone) {
    let frames = (tone.seconds * f64::from(tone.rate)) as u32;
    let amplitude = 10f64.powf(tone.decibels / 20.0) * 32_768.0;
    let bytes = frames * 4;
    let mut file = Vec::with_capacity(44 + bytes as usize);
    file.extend(b"RIFF");
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    file.extend(1u16.to_le_bytes());
    file.extend(2u16.to_le_bytes());
    file.extend(tone.rate.to_le_bytes());
    file.extend((tone.rate * 4).to_le_bytes());
    file.extend(4u16.to_le_bytes());
    file.extend(16u16.to_le_bytes());
    file.extend(b"data");
    file.extend(bytes.to_le_bytes());
    for frame in 0..frames {
        let phase = TAU * tone.hertz * f64::from(frame) / f64::from(tone.rate);
        let sample = (amplitude * phase.sin()).round() as i16;
        file.extend(sample.to_le_bytes());
        file.extend(sample.to_le_bytes());
    }
    std::fs::write(path, file).unwrap();
}

/// Encodes a WAV file beside itself in the format that `extension` names.
pub(crate) fn encode(wave: &Path, extension: &str) -> PathBuf {
    let target = wave.with_extension(extension);
    let codec: &[&str] = match extension {
        "flac" => &["-c:a", "flac"],
        "mp3" => &["-c:a", "libmp3lame", "-b:a", "256k"],
        "ogg" => &["-c:a", "libvorbis", "-q:a", "8"],
        "opus" => &["-c:a", "libopus", "-b:a", "192k"],
        other => panic!("no codec for {other}"),
    };
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .arg(wave)
        .args(codec)
        .arg(&target)
        .status();
    assert!(status.unwrap().success(), "encoding {}", target.display());
    target
}
