//! The voice capability: one call to a hub, over WebRTC, from the box's microphone and to its loudspeaker.

mod call;
mod desk;
pub mod dialect;
mod figures;
mod health;
mod leg;
mod microphone;
mod monitor;
mod queue;
mod run;
mod session;
pub mod signalling;
mod speech;
mod uplink;

pub use call::{Action, Call, MediaState, Patience, Phase, Tally};
pub use desk::serve;
pub use figures::{Count, Figures, Snapshot};
pub use health::{HealthError, HealthPage};
pub use leg::{Downlink, Leg, Status};
pub use microphone::Microphone;
pub use run::{Sound, VoiceError, run};
pub use session::{
    Arrival, Direction, MediaSession, OpusPacket, PAYLOAD_TYPE, RATE, SessionError, SessionEvent,
    SessionSettings, Sessions, WebRtcSession, WebRtcSessions,
};
