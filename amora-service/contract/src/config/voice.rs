//! The voice call.

use crate::units::{Millis, Seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The voice call: the box's microphone goes to a hub, the hub's speech comes back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VoiceConfig {
    /// How a call is set up.
    pub protocol: VoiceProtocol,
    /// The hub's address, `http://` or `https://`, for the protocol `hub`.
    pub hub_url: String,
    /// The box's name at the hub; the device's id when missing. The last call of a name wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// Where the microphone is published, for the protocol `whip`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whip_url: Option<String>,
    /// Where speech is played from, for the protocol `whip`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whep_url: Option<String>,
    /// The bearer token of `whip_url` and `whep_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub token: Option<String>,
    /// What the call is tuned for.
    #[schemars(extend("x-remote" = true))]
    pub profile: VoiceProfile,
    /// First wait before a call that ended or failed is made again; it doubles with each failure.
    #[schemars(extend("minimum" = 0.1, "maximum" = 3_600))]
    pub reconnect_delay: Seconds,
    /// Longest wait before a call is made again.
    #[schemars(extend("minimum" = 0.1, "maximum" = 3_600))]
    pub max_reconnect_delay: Seconds,
    /// How long a call whose packets stopped may take to come back by itself.
    #[schemars(extend("minimum" = 0, "maximum" = 600))]
    pub disconnected_grace: Seconds,
    /// What becomes of the hub's speech when somebody talks into it.
    #[schemars(extend("x-remote" = true))]
    pub barge_in: BargeIn,
    /// Lower the room's steady noise by some 10 dB: for people at the other end rather than for a speech recogniser.
    #[schemars(extend("x-remote" = true))]
    pub noise_suppression: bool,
    /// Bring quiet and loud talkers to one level, −23 dBFS, by −6 to +18 dB.
    #[schemars(extend("x-remote" = true))]
    pub gain_control: bool,
    /// The microphone's way to the hub.
    pub opus: OpusConfig,
    /// Taking the box's own sound out of the microphone's.
    pub echo: EchoConfig,
    /// Address and port of the original's health page, for example `0.0.0.0:8081`; closed when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_address: Option<String>,
}

impl Default for VoiceConfig {
    fn default() -> Self {
        Self {
            protocol: VoiceProtocol::Hub,
            hub_url: "http://localhost:8080".to_owned(),
            device_id: None,
            whip_url: None,
            whep_url: None,
            token: None,
            profile: VoiceProfile::Default,
            reconnect_delay: Seconds(3.0),
            max_reconnect_delay: Seconds(30.0),
            disconnected_grace: Seconds(10.0),
            barge_in: BargeIn::Duck,
            noise_suppression: false,
            gain_control: false,
            opus: OpusConfig::default(),
            echo: EchoConfig::default(),
            health_address: None,
        }
    }
}

/// Ways to set up a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VoiceProtocol {
    /// `POST /connect` at a hub; one call carries both directions.
    #[default]
    Hub,
    /// WHIP (RFC 9725) for the microphone and WHEP for speech, each where its address is given.
    Whip,
}

/// What a call is tuned for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VoiceProfile {
    /// 20 ms packets: the hub's.
    #[default]
    Default,
    /// 10 ms packets: less delay for more packets.
    LowLatency,
}

/// What becomes of speech that somebody talks into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BargeIn {
    /// Nothing.
    Off,
    /// It is turned down while somebody talks.
    #[default]
    Duck,
    /// What waits of it is dropped.
    Stop,
}

/// The Opus encoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OpusConfig {
    /// Bits per second.
    #[schemars(range(min = 6_000, max = 510_000), extend("x-remote" = true))]
    pub bitrate: u32,
    /// Effort: 0 is least, 10 most.
    #[schemars(range(max = 10), extend("x-remote" = true))]
    pub complexity: u8,
    /// Send next to nothing in silence.
    #[schemars(extend("x-remote" = true))]
    pub dtx: bool,
    /// Carry a coarse copy of each packet in the next, for packets that get lost.
    #[schemars(extend("x-remote" = true))]
    pub fec: bool,
}

impl Default for OpusConfig {
    fn default() -> Self {
        Self {
            bitrate: 32_000,
            complexity: 5,
            dtx: false,
            fec: true,
        }
    }
}

/// Taking the box's own sound out of the microphone's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EchoConfig {
    /// Who cancels.
    #[schemars(extend("x-remote" = true))]
    pub engine: EchoEngine,
    /// The longest way of sound from loudspeaker to microphone that is modelled, reverberation included.
    #[schemars(extend("minimum" = 20, "maximum" = 500, "x-remote" = true))]
    pub tail: Millis,
    /// Suppress what is left of the echo, and put comfort noise in its place.
    #[schemars(extend("x-remote" = true))]
    pub suppression: bool,
}

impl Default for EchoConfig {
    fn default() -> Self {
        Self {
            engine: EchoEngine::Auto,
            tail: Millis(100),
            suppression: true,
        }
    }
}

/// Echo cancellers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EchoEngine {
    /// Whichever suits what is measured.
    #[default]
    Auto,
    /// The one of speexdsp.
    Speex,
    /// AEC3, the one of WebRTC.
    Aec3,
    /// A partitioned-block frequency-domain Kalman filter.
    Kalman,
    /// None: the microphone goes out as it is.
    Off,
}
