//! Commands for updates of the whole image.

use super::commands;
use crate::config::RestartPolicy;
use crate::state::UpdateState;
use crate::units::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

commands! {
    /// Updates of the whole image.
    UpdateCommand {
        /// Fetch a signed update (`.swu`) and write it to the other slot.
        ///
        /// The reply comes as soon as the update is accepted; how it goes on is in `update` of the state. To send the
        /// file itself, post it to `/api/update`.
        "update.install" => Install(InstallUpdate) -> UpdateState,
        /// Stop the download or the installation that is going on. The running system is not touched.
        "update.cancel" => Cancel -> UpdateState,
        /// Restart into the installed update now, whatever sounds.
        "update.restart" => Restart -> UpdateState,
        /// Keep the system that is on trial without waiting for its checks.
        "update.confirm" => Confirm -> UpdateState,
        /// Drop the installed update, or end the trial of the running one and go back to the slot before it.
        "update.roll_back" => RollBack -> UpdateState,
        /// Read where updates stand.
        "update.get_status" => GetStatus -> UpdateState,
    }
}

/// An update to fetch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InstallUpdate {
    /// `http://` or `https://` address of the `.swu` file.
    pub url: String,
    /// Size of the file, where it is known; another size is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Bytes>,
    /// SHA-256 of the file in hexadecimal, where it is known; another file is refused. SWUpdate checks the signature
    /// and the hash of each part in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// When to restart into the update; as configured when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartPolicy>,
    /// A word of the caller's own, at most 128 bytes, found again in the state and in the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}
