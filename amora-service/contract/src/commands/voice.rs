//! Commands for the voice call.

use super::commands;
use crate::state::VoiceState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

commands! {
    /// The voice call.
    VoiceCommand {
        /// Make the call, at once where the next attempt is waited for.
        ///
        /// A box makes it by itself when it starts; this is for after `voice.disconnect`. How it goes on is in `voice` of
        /// the state.
        "voice.connect" => Connect -> VoiceState,
        /// End the call, and make none until `voice.connect` or a restart.
        "voice.disconnect" => Disconnect -> VoiceState,
        /// Hold the microphone back, or let it be heard again. Speech from the hub goes on.
        "voice.mute" => Mute(VoiceMute) -> VoiceState,
        /// Read how the call is.
        "voice.get_status" => GetStatus -> VoiceState,
    }
}

/// Whether the microphone is held back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VoiceMute {
    /// On or off.
    pub mute: bool,
}
