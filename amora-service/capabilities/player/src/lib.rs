//! The music player capability, on MPD.
//!
//! The cores do no I/O: [`protocol`] turns bytes into messages, `model` turns messages into state, `translate` turns
//! commands into MPD's words, and `volume`, `sleep`, `memory` and `outputs` are policies with time and news passed in.
//! `connection`, `link` and `player` put them on sockets and tasks.

mod connection;
mod cover;
mod front;
mod link;
mod memory;
mod model;
mod outputs;
mod perform;
mod player;
pub mod protocol;
mod sleep;
mod song;
mod store;
mod translate;
mod volume;

use amora_contract::config::PlayerConfig;
use amora_router::Seat;
use std::path::PathBuf;
use std::pin::pin;
use tokio_util::sync::CancellationToken;

/// Why the player ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum PlayerError {
    /// Another part of the program took the player's seat at the router.
    #[error("another part of the program answers the player's commands now")]
    SeatTaken,
}

/// Answers the player's commands and keeps its section of the state, until `shutdown`. What played and where is kept
/// in `data`.
///
/// # Errors
/// [`PlayerError::SeatTaken`]. The loss of MPD is not an error: it is shown in the state and tried again.
pub async fn run(
    seat: &mut Seat,
    config: PlayerConfig,
    data: PathBuf,
    shutdown: CancellationToken,
) -> Result<(), PlayerError> {
    let router = seat.router().clone();
    let (front, requests) = front::Front::new(seat);
    let mut player = pin!(player::Player::new(router, requests, config, &data, shutdown).run());
    tokio::select! {
        result = &mut player => return result,
        () = front.run() => {}
    }
    player.await
}
