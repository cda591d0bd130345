//! Making a box somebody's, and nobody's again.

use crate::units::Seconds;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Making a box somebody's, and nobody's again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SetupConfig {
    /// A button that makes the box as it was delivered when it is held long enough; none when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset_button: Option<ResetButtonConfig>,
}

/// A button at a GPIO line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResetButtonConfig {
    /// The chip that has the line.
    pub chip: PathBuf,
    /// The line's number on the chip. On a Raspberry Pi, the GPIO's number.
    #[schemars(range(max = 1023))]
    pub line: u32,
    /// Pressed means connected to ground; the line is then pulled up.
    pub active_low: bool,
    /// How long it must be held.
    #[schemars(extend("minimum" = 3, "maximum" = 60))]
    pub hold: Seconds,
}

impl Default for ResetButtonConfig {
    fn default() -> Self {
        Self {
            chip: PathBuf::from("/dev/gpiochip0"),
            line: 27,
            active_low: true,
            hold: Seconds(10.0),
        }
    }
}
