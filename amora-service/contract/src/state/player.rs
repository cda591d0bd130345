//! The player's section of the state.

use crate::commands::ReplayGain;
use crate::units::{Seconds, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The music player.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlayerState {
    /// What the player is doing.
    pub state: PlaybackState,
    /// Why `state` is `error` or `disconnected`, in plain words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The song being played or paused.
    pub song: Option<Song>,
    /// Position in the song when `position_at` was taken; while playing it advances with the clock.
    pub position: Seconds,
    /// When `position` was read.
    pub position_at: Timestamp,
    /// The stored playlist that the queue was last loaded from.
    pub playlist: Option<String>,
    /// Queue entries.
    pub queue_length: u32,
    /// MPD's version number of the queue; it grows with every change.
    pub queue_version: u32,
    /// Position of the song in the queue.
    pub queue_position: Option<u32>,
    /// Repeat mode.
    pub repeat: bool,
    /// Random mode.
    pub random: bool,
    /// Single mode.
    pub single: bool,
    /// Consume mode.
    pub consume: bool,
    /// Overlap between songs.
    pub crossfade: Seconds,
    /// ReplayGain mode.
    pub replay_gain: ReplayGain,
    /// What the decoder delivers, for example `44100:16:2`; empty when stopped.
    pub format: String,
    /// Momentary bit rate in kbit/s; 0 when stopped.
    pub bitrate: u32,
    /// The library.
    pub library: LibraryState,
    /// MPD's outputs.
    pub outputs: Vec<crate::reply::Output>,
    /// When the sleep timer will pause playback.
    pub sleep_at: Option<Timestamp>,
    /// Version of the stored playlists' list; it grows with every change.
    pub playlists_version: u32,
}

impl PlayerState {
    /// The position in the song at `now`: the one that was read last and the time since then while it plays, but not
    /// beyond the song's end where its length is known.
    pub fn position_now(&self, now: Timestamp) -> Seconds {
        let since = match self.state {
            PlaybackState::Play => now.0.saturating_sub(self.position_at.0) as f64 / 1000.0,
            _ => 0.0,
        };
        let position = self.position.0 + since;
        match self.song.as_ref().map_or(0.0, |song| song.duration.0) {
            length if length > 0.0 => Seconds(position.min(length)),
            _ => Seconds(position),
        }
    }
}

/// What the player is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlaybackState {
    /// Music is playing.
    Play,
    /// Paused within a song.
    Pause,
    /// Stopped.
    #[default]
    Stop,
    /// MPD does not answer; it is being tried again.
    Disconnected,
    /// MPD reports an error.
    Error,
}

/// A song, in the queue or in the library.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Song {
    /// Path below the music folder, or a URL.
    pub file: String,
    /// Title; the file's base name when it has none.
    pub title: String,
    /// Artist; `Unknown` when it has none.
    pub artist: String,
    /// Album; `Unknown` when it has none.
    pub album: String,
    /// Track number on the album.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track: Option<u32>,
    /// Length; 0 for a stream.
    pub duration: Seconds,
    /// Queue entry id, for a song in the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// Position in the queue, for a song in the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// Whether it is marked as a favourite; absent where that was not looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub favourite: Option<bool>,
}

/// The music library.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LibraryState {
    /// Songs known.
    pub songs: u32,
    /// Artists known.
    pub artists: u32,
    /// Albums known.
    pub albums: u32,
    /// Whether a scan is running.
    pub updating: bool,
    /// Songs known since the running scan began; what a progress display counts.
    pub scanned: u32,
    /// When the library last changed.
    pub updated_at: Timestamp,
}
