//! The few acts of the box that need root: slots of the boot loader, power, factory reset.
//!
//! systemd listens on a named socket for each of the three and starts this program once per connection, with the
//! connection as standard input and output. It checks who asks, reads one request of one line, acts, answers one
//! line and ends.

mod answer;
mod error;
mod line;
mod peer;
mod power;
mod request;
mod reset;
pub mod slot;

pub use answer::Answer;
pub use error::HelperError;
pub use line::{LONGEST, read_line};
pub use peer::check_peer;
pub use request::{Power, Reset, Slot, parse};

use std::path::PathBuf;

/// Where the helper looks; the box's own places by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Folder that stands for `/`.
    pub root: PathBuf,
    /// Which file says where the boot loader's environment is.
    pub environment: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            root: PathBuf::from("/"),
            environment: PathBuf::from("/etc/fw_env.config"),
        }
    }
}

/// The sockets, each with its own requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `slot.sock`.
    Slot,
    /// `power.sock`.
    Power,
    /// `reset.sock`.
    Reset,
}

impl Role {
    /// The role of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "slot" => Some(Self::Slot),
            "power" => Some(Self::Power),
            "reset" => Some(Self::Reset),
            _ => None,
        }
    }

    /// Carries out the request of one line.
    ///
    /// # Errors
    /// When it is no request of this role, or cannot be carried out.
    pub fn carry_out(self, line: &[u8], places: &Places) -> Result<Answer, HelperError> {
        match self {
            Self::Slot => slot::carry_out(parse(line)?, places),
            Self::Power => power::carry_out(parse(line)?, places),
            Self::Reset => reset::carry_out(parse(line)?, places),
        }
    }
}
