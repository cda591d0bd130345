//! How two sides exchange descriptions before a call: `POST /connect` of a hub, or WHIP and WHEP.

mod http;
mod hub;
mod link;
mod sdp;
#[cfg(test)]
mod testing;
mod whip;

pub use http::BODY_LIMIT;
pub use hub::{Hub, read_answer};
pub use link::ice_servers;
pub use sdp::{SdpProblem, check_answer};
pub use whip::{Whip, merge};

use async_trait::async_trait;

/// A STUN or TURN server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IceServer {
    /// `stun:` and `turn:` addresses.
    pub urls: Vec<String>,
    /// The user, for TURN.
    pub username: String,
    /// The password, for TURN.
    pub credential: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignallingError {
    /// The address cannot be used.
    #[error("{address} is no address to call: {cause}")]
    Address {
        /// As configured.
        address: String,
        /// Why.
        cause: String,
    },
    /// The other side cannot be reached, or does not finish.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// The other side says no.
    #[error("refused with {status}: {text}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The beginning of the body.
        text: String,
    },
    /// The answer is longer than any.
    #[error("the answer is longer than {BODY_LIMIT} bytes")]
    TooLong,
    /// The answer is none.
    #[error("the answer is not what was agreed: {cause}; it begins with {beginning:?}")]
    NoAnswer {
        /// Why.
        cause: String,
        /// Its beginning.
        beginning: String,
    },
    /// The answer's SDP is of no use.
    #[error("the answer cannot be used: {0}")]
    Sdp(#[from] SdpProblem),
}

/// One way to exchange descriptions.
#[async_trait]
pub trait Signalling: Send {
    /// Servers to be offered with, asked for before each call.
    async fn ice_servers(&mut self) -> Vec<IceServer>;

    /// Sends an offer and brings the answer, which has been checked. A session that there is ends by it.
    ///
    /// # Errors
    /// [`SignallingError`]: the attempt failed.
    async fn connect(&mut self, offer: &str) -> Result<String, SignallingError>;

    /// Whether a session that there is can look for another path.
    fn can_restart(&self) -> bool;

    /// Sends the offer of another path for the session that there is, and brings the answer.
    ///
    /// # Errors
    /// [`SignallingError`]: the other side goes on as it was.
    async fn restart(&mut self, offer: &str) -> Result<String, SignallingError>;

    /// Tells the other side that the session ended, where there is a way to.
    async fn end(&mut self);
}
