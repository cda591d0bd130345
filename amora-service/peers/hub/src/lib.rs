//! A stand-in for the hub at the far end of the voice desk, for the demo and tests only. It listens on 127.0.0.1 unless
//! told otherwise.
//!
//! A device asks `POST /connect` with an SDP offer that holds all its candidates, and gets such an answer. The hub hears
//! its microphone (Opus, 20 ms a packet), finds out where speech begins and ends, and sends speech in bursts that are
//! faster than it is played, with sequence numbers and timestamps that start at 0 and know no pause.
//!
//! ```no_run
//! # async fn test() -> Result<(), Box<dyn std::error::Error>> {
//! use amora_peer_hub::{BURST, Fault, Hub, Options};
//! let hub = Hub::start(Options::default()).await?;
//! hub.answer_next_with([Fault::Html, Fault::BrokenSdp]);
//! // … the device asks POST {hub.url()}/connect, again and again …
//! let session = hub.connected("kitchen").await;
//! session.say(&[0; 48_000], BURST).await?;
//! let heard = session.heard(3.0);
//! hub.stop().await;
//! # Ok(()) }
//! ```
//!
//! WHIP and WHEP lead to the same devices: `/whip/{device}` takes a microphone, `/whep/{device}/speech` gives what is said
//! to the device, and `/whep/{device}` gives anybody what is heard of it, as a browser may.
//!
//! Left out: the speech service behind the hub and its gRPC. An assistant of its own can answer who has spoken, see
//! [`Answer`].

mod counters;
mod ear;
mod fault;
mod fragment;
mod heard;
mod hub;
mod mouth;
mod negotiation;
mod onset;
mod raw;
mod relay;
mod server;
mod session;
mod speech;
mod state;
mod wav;
mod whip;

pub use counters::Counters;
pub use ear::Received;
pub use fault::Fault;
pub use hub::{Answer, Hub, Options};
pub use mouth::BURST;
pub use negotiation::NegotiationError;
pub use raw::RtpFields;
pub use session::Session;
pub use speech::{SpeechError, speak};
pub use wav::{WavError, read_wav, write_wav};

/// Samples a second, everywhere: one channel of 16 bits.
pub const RATE: u32 = 48_000;
/// Samples of the 20 ms that a packet holds.
pub const FRAME: usize = 960;
