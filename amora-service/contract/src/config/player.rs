//! The music player.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The music player, on MPD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlayerConfig {
    /// MPD's host name or address, or the path of its socket.
    pub host: String,
    /// MPD's port.
    #[schemars(range(min = 1))]
    pub port: u16,
    /// MPD's password.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub password: Option<String>,
    /// MPD's music folder, where playlists' relative paths start.
    pub music: PathBuf,
    /// Take up playing where it stopped when the box was switched off.
    #[schemars(extend("x-remote" = true))]
    pub resume: bool,
    /// MPD's output that feeds the mixer.
    pub mixer_output: String,
    /// MPD's output that plays straight to the card in exclusive mode.
    pub exclusive_output: String,
}

impl Default for PlayerConfig {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 6600,
            password: None,
            music: PathBuf::from("/data/music"),
            resume: true,
            mixer_output: "Amora".to_owned(),
            exclusive_output: "Exclusive".to_owned(),
        }
    }
}
