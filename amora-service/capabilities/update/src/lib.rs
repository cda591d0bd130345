//! The update capability: installs images through SWUpdate, restarts into them at a good time, tries them, keeps them,
//! and where one does not stay, says why.
//!
//! SWUpdate writes and verifies, the boot loader counts; this decides when to restart and whether a new system stays.
//! Everything that decides is pure: [`swu`] reads an update, and the modules for resuming, fitness, the trial, the time
//! of the restart and the reasons of a roll-back take readings and the time and give decisions.

mod aftermath;
mod desk;
pub mod device_update;
mod error;
mod fetch;
mod hawkbit;
mod helper;
mod install;
mod machine;
mod power;
mod preflight;
mod record;
mod restart;
mod resume;
pub mod swu;
mod swupdate;
mod trial;

pub use error::{Refusal, UpdateError};
pub use power::run_box;

use amora_contract::config::UpdateConfig;
use amora_router::Seat;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// Where the capability finds things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// The folder of everything the service keeps.
    pub data: PathBuf,
    /// The folder that stands for `/`; another one in tests.
    pub root: PathBuf,
    /// The address of the box's own page, where it has one.
    pub page: Option<String>,
    /// The keys that orders of Device Update are trusted by.
    pub roots: device_update::Roots,
    /// The program that asks systemd how the system is.
    pub systemctl: PathBuf,
}

/// Runs the capability until `shutdown`.
///
/// # Errors
/// When its records cannot be kept, or another has taken the seat.
pub async fn run(
    seat: &mut Seat,
    config: UpdateConfig,
    surroundings: Surroundings,
    shutdown: CancellationToken,
) -> Result<(), UpdateError> {
    desk::run(seat, config, surroundings, shutdown).await
}
