//! What can go wrong.

use std::path::PathBuf;

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum HelperError {
    /// The line is no request of this socket.
    #[error("not a request of this socket: {0}")]
    Request(String),
    /// The line is too long.
    #[error("the request is longer than {} bytes", crate::LONGEST)]
    TooLong,
    /// Nothing, or only a part of a line, came.
    #[error("no whole line came")]
    NoRequest,
    /// Somebody asks who may not.
    #[error("user {0} may not ask for this")]
    NotAllowed(u32),
    /// A program could not be run or failed.
    #[error("{program}: {cause}")]
    Program {
        /// Which.
        program: &'static str,
        /// What it said.
        cause: String,
    },
    /// A file could not be read or written.
    #[error("{}: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The boot loader's state makes no sense, or the act does not fit it.
    #[error("{0}")]
    State(String),
    /// The connection failed.
    #[error("the connection: {0}")]
    Connection(#[from] std::io::Error),
}

impl HelperError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |cause| Self::File { path, cause }
    }
}
