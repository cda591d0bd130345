//! The sound capability: the box's volume, chimes, tests and exclusive mode, on the audio engine

use amora_contract::config::AudioConfig;
use amora_router::Seat;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// Why the sound capability ended.
#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    /// Another part took the audio seat.
    #[error("another part answers for sound now")]
    SeatTaken,
}

/// Runs the sound capability until `shutdown`.
///
/// # Errors
/// [`SoundError`]; the service starts it again.
pub async fn run(
    seat: &mut Seat,
    _audio: AudioConfig,
    _data: PathBuf,
    shutdown: CancellationToken,
) -> Result<(), SoundError> {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            request = seat.next() => drop(request.ok_or(SoundError::SeatTaken)?),
        }
    }
}
