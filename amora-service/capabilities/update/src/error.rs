//! What ends the capability, and why an update is not let in.

use amora_contract::state::UpdateCause;
use amora_contract::{CommandError, ErrorCode};
use std::path::PathBuf;

/// What ends the capability.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The record of updates cannot be kept.
    #[error("{}: {cause}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// Another has taken the seat.
    #[error("the seat was taken by another")]
    Unseated,
}

/// Why an update is not let in, or did not get through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The kind.
    pub cause: UpdateCause,
    /// The reason, in plain words.
    pub reason: String,
}

impl Refusal {
    pub(crate) fn new(cause: UpdateCause, reason: impl Into<String>) -> Self {
        Self {
            cause,
            reason: reason.into(),
        }
    }

    /// Whether nothing was changed: the update, or the box, was found unfit before anything was written.
    pub(crate) fn is_refusal(&self) -> bool {
        !matches!(
            self.cause,
            UpdateCause::Download | UpdateCause::Truncated | UpdateCause::Installer
        )
    }

    /// The answer to whoever sent the update.
    pub(crate) fn to_error(&self) -> CommandError {
        let code = match self.cause {
            UpdateCause::TooBig => ErrorCode::TooLarge,
            UpdateCause::Malformed
            | UpdateCause::Truncated
            | UpdateCause::NotSigned
            | UpdateCause::WrongSigner
            | UpdateCause::WrongBoard
            | UpdateCause::Downgrade
            | UpdateCause::Corrupt => ErrorCode::InvalidParameter,
            UpdateCause::UnderVoltage
            | UpdateCause::BootLoader
            | UpdateCause::Card
            | UpdateCause::Space
            | UpdateCause::Clock
            | UpdateCause::Asked => ErrorCode::Conflict,
            _ => ErrorCode::Failed,
        };
        CommandError::new(code, self.reason.clone())
    }
}

/// What to do about a cause, in plain words; empty where there is nothing to do.
pub(crate) fn next_step(cause: UpdateCause) -> &'static str {
    match cause {
        UpdateCause::Malformed => "send the `.swu` file that the build made",
        UpdateCause::Truncated | UpdateCause::Corrupt => "fetch or send the file again",
        UpdateCause::NotSigned | UpdateCause::WrongSigner => {
            "take an update that is signed by the maker of this box's image"
        }
        UpdateCause::WrongBoard => "take the update that is made for this board",
        UpdateCause::Downgrade => "take an update that is no older than the running image",
        UpdateCause::TooBig => "is this the right file? `update.max_size` is the limit",
        UpdateCause::Download => {
            "see that the address is right and the server can be reached, then try again"
        }
        UpdateCause::Installer => "see SWUpdate's log: `journalctl -u swupdate`",
        UpdateCause::UnderVoltage => "use the board's own power supply, restart, and try again",
        UpdateCause::BootLoader => "update the board's EEPROM first",
        UpdateCause::Card => "put the box's data on a new card",
        UpdateCause::Space => "make room on `/data`; if it stays read-only, check the card",
        UpdateCause::Clock => "connect the box to a network, so that it can set its clock",
        UpdateCause::Panic
        | UpdateCause::MissingInit
        | UpdateCause::CorruptRoot
        | UpdateCause::NeverStarted
        | UpdateCause::NeverReady => "the box runs the version before; report this to who made the update",
        UpdateCause::Watchdog => {
            "the box runs the version before; install again, and if it happens again report it to who made the update"
        }
        UpdateCause::CheckFailed => "the box runs the version before; see what the check saw",
        UpdateCause::Unknown => "the box runs the version before; if nobody pulled the plug, install again",
        UpdateCause::Asked => "",
    }
}
