//! The box's own section of the state.

use crate::units::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The box itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SystemState {
    /// The id that the box is addressed by.
    pub id: String,
    /// The name that people read.
    pub name: String,
    /// Version of the software.
    pub version: String,
    /// When the service started.
    pub started_at: Timestamp,
    /// One entry for each capability and door.
    pub health: BTreeMap<String, Health>,
}

impl SystemState {
    /// The worst condition of any part; `Ok` when there are none.
    pub fn condition(&self) -> Condition {
        self.health
            .values()
            .map(|health| health.condition)
            .max()
            .unwrap_or(Condition::Ok)
    }
}

/// How one part of the box is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// In one word.
    pub condition: Condition,
    /// What is wrong, in plain words; empty when nothing is.
    pub cause: String,
    /// What to do about it; empty when nothing is wrong.
    pub next_step: String,
    /// Since when it has been in this condition.
    pub since: Timestamp,
}

/// Conditions, from best to worst.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Working.
    #[default]
    Ok,
    /// Starting, not yet working.
    Starting,
    /// Not working for now; the box tries again by itself.
    Degraded,
    /// Not working until somebody does something.
    Failed,
}
