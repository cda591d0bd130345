//! Why `amoractl` could not do what it was asked, and the exit code that says so.

use amora_contract::reply::{CommandError, ErrorCode};
use std::process::ExitCode;

/// Anything that ends the program early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The box refused, or tried and failed.
    #[error("{}", refusal(.0))]
    Refused(CommandError),
    /// Something on this side went wrong, or a check found something wrong.
    #[error("{0}")]
    Failed(String),
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The service does not answer.
    #[error("{0}")]
    NotReachable(String),
    /// Everything was said already; only the exit code is left.
    #[error("")]
    Silent,
}

impl Failure {
    /// 1 refused or failed, 2 usage, 3 not reachable.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Refused(_) | Self::Failed(_) | Self::Silent => 1,
            Self::Usage(_) => 2,
            Self::NotReachable(_) => 3,
        })
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        Self::Refused(error)
    }
}

/// The reason, and what to do next.
fn refusal(error: &CommandError) -> String {
    let next = match error.code {
        ErrorCode::NotConfigured => "`amoractl config reference` tells what can be set",
        ErrorCode::Unavailable => "see `amoractl status` for what is away, and `amoractl doctor` for why",
        ErrorCode::NotAllowed => "use the box's own socket, or add the command to `web.allow`",
        ErrorCode::TimedOut | ErrorCode::Busy => "try again in a moment",
        _ => return error.message.clone(),
    };
    format!("{}\n{next}", error.message)
}
