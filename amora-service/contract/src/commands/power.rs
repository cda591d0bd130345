//! Commands for the machine as a whole.

use super::commands;
use crate::reply::Nothing;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

commands! {
    /// The machine as a whole: its power, and its state as delivered.
    BoxCommand {
        /// Restart the box.
        "box.restart" => Restart -> Nothing,
        /// Switch the box off.
        "box.power_off" => PowerOff -> Nothing,
        /// Forget everything but the installed system, and restart as on the first day.
        "box.factory_reset" => FactoryReset(FactoryReset) -> Nothing,
    }
}

/// A factory reset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FactoryReset {
    /// The box's own id (`system.id`), to show that this box is meant.
    pub confirm: String,
}
