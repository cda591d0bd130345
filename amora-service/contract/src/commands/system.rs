//! Commands for the box itself.

use super::commands;
use crate::reply::*;
use crate::state::{State, SystemState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
        /// Change settings that are marked *Remote*, keep them, and apply what can change without a restart.
        ///
        /// A change with a mistake is refused as a whole. What is set is kept in the data folder: it wins over the
        /// configuration files, and environment variables and flags win over it.
        "system.configure" => Configure(Configure) -> ConfigureReply,
        /// Make a diagnostic bundle: a file for whoever is to find out what is wrong.
        ///
        /// It holds the service's log, the state, the configuration, the record of updates and facts of the board,
        /// without secrets and personal data. There is one at a time. IoT Hub's door also uploads it when the command
        /// came that way.
        "system.diagnose" => Diagnose -> DiagnosisReply,
    }
}

/// A change of settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Configure {
    /// The settings, nested as in the configuration file, for example `{"audio": {"ready_chime": false}}`. With `null` a
    /// setting, or a section, is again as the files say.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// Take away everything else that this command set before.
    #[serde(default)]
    pub replace: bool,
}
