//! One session of media with a peer: Opus both ways, whatever library carries it.

mod farewell;
mod liveness;
mod webrtc;

pub use self::webrtc::{SessionSettings, WebRtcSession};

use crate::call::MediaState;
use crate::figures::FRAME;
use amora_audio::opus::inspect;
use async_trait::async_trait;
use bytes::Bytes;
use std::time::Instant;

/// The payload type under which Opus is offered, sent and taken.
pub const PAYLOAD_TYPE: u8 = 111;

/// Frames per second of RTP timestamps, and of everything here.
pub const RATE: u32 = 48_000;

/// Which ways sound goes, as the box sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Both.
    Both,
    /// Only the microphone.
    Send,
    /// Only speech.
    Receive,
}

/// One Opus packet to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpusPacket {
    /// Where its first frame stands in the microphone's stream. A gap to the packet before is time in which nothing was
    /// sent.
    pub position: u64,
    /// Frames in it: at most 960 (20 ms), the longest that every hub takes.
    pub frames: u32,
    /// The packet.
    pub payload: Bytes,
}

/// One RTP packet that came, of the payload type of Opus; nothing else about it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The stream (SSRC). Another one has sequence numbers and timestamps of its own.
    pub stream: u32,
    /// RTP sequence number.
    pub sequence: u16,
    /// RTP timestamp, in frames.
    pub timestamp: u32,
    /// When it came.
    pub arrived: Instant,
    /// The payload.
    pub payload: Bytes,
}

impl Arrival {
    /// Frames of sound in it; one that can't be read is taken for one of 20 ms.
    pub fn frames(&self) -> u64 {
        inspect(&self.payload).map_or(FRAME, |info| info.frames as u64)
    }
}

/// What a session tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEvent {
    /// The media changed.
    State(MediaState),
    /// A packet came.
    Packet(Arrival),
}

/// Why a session does not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// It cannot be made.
    #[error("the call cannot be prepared: {0}")]
    Setup(String),
    /// The peer's description is of no use.
    #[error("the answer cannot be used: {0}")]
    Answer(String),
    /// A packet cannot be sent.
    #[error("the packet cannot be sent: {0}")]
    Send(String),
}

/// Opens sessions.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Opens one.
    ///
    /// # Errors
    /// [`SessionError::Setup`].
    async fn open(&self, settings: SessionSettings) -> Result<Box<dyn MediaSession>, SessionError>;
}

/// Opens sessions on the `webrtc` crate.
#[derive(Debug, Clone, Copy, Default)]
pub struct WebRtcSessions;

#[async_trait]
impl Sessions for WebRtcSessions {
    async fn open(&self, settings: SessionSettings) -> Result<Box<dyn MediaSession>, SessionError> {
        Ok(Box::new(WebRtcSession::new(settings).await?))
    }
}

/// One session of media with a peer, offered by this side.
#[async_trait]
pub trait MediaSession: Send {
    /// The offer, with all candidates inside.
    ///
    /// # Errors
    /// [`SessionError::Setup`].
    async fn offer(&mut self) -> Result<String, SessionError>;

    /// An offer that looks for another path (ICE restart), with all candidates inside. The path that there was is given up.
    ///
    /// # Errors
    /// [`SessionError::Setup`].
    async fn restart(&mut self) -> Result<String, SessionError>;

    /// Takes the peer's answer to the last offer.
    ///
    /// # Errors
    /// [`SessionError::Answer`].
    async fn answer(&mut self, sdp: &str) -> Result<(), SessionError>;

    /// Sends one packet.
    ///
    /// # Errors
    /// [`SessionError::Send`]; the next one may go through.
    async fn send(&mut self, packet: OpusPacket) -> Result<(), SessionError>;

    /// What happens next; `None` when nothing will any more. May be dropped and called again, nothing is lost by it.
    async fn next(&mut self) -> Option<SessionEvent>;

    /// Packets that were dropped because nobody took them, or that were no Opus.
    fn dropped(&self) -> u64;

    /// Ends it.
    async fn close(&mut self);
}
