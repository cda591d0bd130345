//! Why the door could not be opened or kept open.

use std::io;
use std::path::PathBuf;

/// Why the door could not be opened or kept open. The text says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// `web.address` is neither an address of this box nor a name for one.
    #[error(
        "web.address `{address}` is not an address to listen on ({cause}): use `0.0.0.0` for every network or `127.0.0.1` for this box alone"
    )]
    Address {
        /// As configured.
        address: String,
        /// What the system said.
        cause: io::Error,
    },
    /// Another program has the port.
    #[error(
        "port {port} is in use by another program: end it (`ss -ltnp 'sport = :{port}'` shows which) or set `{setting}` to another port"
    )]
    PortInUse {
        /// The port.
        port: u16,
        /// The setting that holds it.
        setting: &'static str,
    },
    /// The service may not use the port.
    #[error(
        "port {port} may not be used by this service: set `{setting}` to 1024 or above, or grant CAP_NET_BIND_SERVICE"
    )]
    PortForbidden {
        /// The port.
        port: u16,
        /// The setting that holds it.
        setting: &'static str,
    },
    /// Listening failed for another reason.
    #[error("listening on port {port} failed: {cause}")]
    Listen {
        /// The port.
        port: u16,
        /// What the system said.
        cause: io::Error,
    },
    /// A file of the door could not be read or written.
    #[error("{}: {cause}; check that the folder exists, has space and belongs to the service", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The system gave no random numbers.
    #[error("the system gave no random numbers; a login code cannot be made without")]
    Random,
}
