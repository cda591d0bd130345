//! Speech from espeak-ng.

use crate::wav::{WavError, read_wav};
use std::process::Stdio;
use tokio::process::Command;

/// Why there is no speech.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    /// The program could not be run.
    #[error("espeak-ng: {0}")]
    Program(#[from] std::io::Error),
    /// It said nothing that can be read.
    #[error("espeak-ng: {0}")]
    Sound(#[from] WavError),
}

/// The text, spoken, at 48 kHz.
pub async fn speak(text: &str) -> Result<Vec<i16>, SpeechError> {
    let output = Command::new("espeak-ng")
        .args(["--stdout", "--", text])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    Ok(read_wav(&output.stdout)?)
}
