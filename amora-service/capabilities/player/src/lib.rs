//! The music player capability, on MPD.

use amora_contract::config::PlayerConfig;
use amora_router::Seat;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// Why the player ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum PlayerError {
    /// Another part of the program took the player's seat at the router.
    #[error("another part of the program answers the player's commands now")]
    SeatTaken,
}

/// Answers the player's commands and keeps its section of the state, until `shutdown`.
///
/// # Errors
/// [`PlayerError::SeatTaken`]; the loss of MPD is not an error: it is reported in the state and tried again.
pub async fn run(
    seat: &mut Seat,
    config: PlayerConfig,
    data: PathBuf,
    shutdown: CancellationToken,
) -> Result<(), PlayerError> {
    let _ = (config, data);
    tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        _ = seat.next() => Err(PlayerError::SeatTaken),
    }
}
