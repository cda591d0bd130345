//! The sound capability: the box's volume, chimes, tests and exclusive mode, on the audio engine.
//!
//! The engine's threads do everything that blocks; what runs on Tokio here only looks and decides.

mod desk;
mod exclusive;
mod listening;
mod memory;
mod news;
mod slot;
mod streams;
mod talk;
#[cfg(test)]
mod tests;

use amora_audio::engine::{Console, EngineError};
use amora_audio::recorder::WavError;
use amora_contract::config::AudioConfig;
use amora_router::Seat;
use desk::{Desk, End};
use memory::{Memory, Remembered};
use slot::Chosen;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Why the sound capability ended.
#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    /// Another part took the audio seat.
    #[error("another part answers for sound now")]
    SeatTaken,
    /// The engine could not be started.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The recording that the configuration asks for could not be started.
    #[error(transparent)]
    Recorder(#[from] WavError),
    /// A task of ours ended badly.
    #[error("a task of the sound capability ended badly: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// Where others find the engine's controls: none while there is no engine, others once it was started anew.
pub type Consoles = watch::Sender<Option<Arc<Console>>>;

/// Runs the sound capability until `shutdown`. `data` is the folder in which volume and mute are remembered. Whoever else
/// makes or hears sound finds the engine at `consoles`.
///
/// # Errors
/// [`SoundError`]; the service starts it again. A card that is away is no error: it is waited for.
pub async fn run(
    seat: &mut Seat,
    audio: AudioConfig,
    data: PathBuf,
    consoles: Consoles,
    shutdown: CancellationToken,
) -> Result<(), SoundError> {
    let choose = {
        let audio = audio.clone();
        move || slot::choose(&audio)
    };
    run_with(seat, audio, data, consoles, shutdown, choose).await
}

/// [`run`] with a choice of card of the caller's own.
async fn run_with(
    seat: &mut Seat,
    audio: AudioConfig,
    data: PathBuf,
    consoles: Consoles,
    shutdown: CancellationToken,
    choose: impl Fn() -> Chosen + Clone + Send + 'static,
) -> Result<(), SoundError> {
    let first = Remembered {
        volume: audio.volume,
        mute: false,
    };
    let (mut memory, mut remembered) =
        tokio::task::spawn_blocking(move || Memory::load(&data, first)).await?;
    let mut greet = audio.ready_chime;
    loop {
        let chosen = tokio::task::spawn_blocking(choose.clone()).await?;
        let mut desk = Desk::open(seat, &audio, chosen, memory, remembered, greet).await?;
        consoles.send_replace(Some(desk.console()));
        let end = desk.serve(&shutdown).await;
        consoles.send_replace(None);
        (memory, remembered) = desk.close().await;
        match end? {
            End::Shutdown => return Ok(()),
            End::CardFound => greet = false,
        }
    }
}
