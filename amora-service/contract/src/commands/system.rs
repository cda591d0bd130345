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
        /// Make a diagnostic bundle: a file for whoever is to find out what is wrong.
        ///
        /// It holds the service's log, the state, the configuration, the record of updates and facts of the board,
        /// without secrets and personal data. There is one at a time. IoT Hub's door also uploads it when the command
        /// came that way.
        "system.diagnose" => Diagnose -> DiagnosisReply,
    }
}
