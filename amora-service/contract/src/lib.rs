//! The one vocabulary of the box: commands, replies, events, state and configuration.
//!
//! Capabilities and doors share these types and nothing else. The published schemas are generated from them.

pub mod commands;
pub mod config;
mod event;
mod merge_patch;
pub mod publish;
pub mod reply;
pub mod state;
pub mod units;

pub use commands::{Command, Section};
pub use config::Config;
pub use event::{Event, EventKind};
pub use merge_patch::merge_patch;
pub use reply::{CommandError, ErrorCode, Reply};
pub use state::State;
