//! Commands for the box itself.

use super::commands;
use crate::reply::*;
use crate::state::{State, SystemState};

commands! {
    /// The box itself.
    SystemCommand {
        /// Read the whole state document.
        "system.get_state" => GetState -> State,
        /// Read what this box is: name, version, start time, health.
        "system.get_status" => GetStatus -> SystemState,
        /// Read the effective configuration, without secrets.
        "system.get_config" => GetConfig -> ConfigReply,
        /// Read the configuration files again and apply what can change without a restart.
        "system.reload" => Reload -> ReloadReply,
    }
}
