//! What a command answers: data of a declared type, or an error that says which field and why.

use crate::state::{AudioState, PlayerState, Song, State, SystemState, UpdateState, VoiceState};
use crate::units::{Bytes, Decibels, Hertz, Millis, PartsPerMillion, Timestamp, Volume};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The data of a successful command. In JSON it is the inner object itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Reply {
    /// Done; there is nothing to say.
    Nothing(Nothing),
    /// See [`VolumeReply`].
    Volume(VolumeReply),
    /// The player's section of the state.
    Player(Box<PlayerState>),
    /// The sound section of the state.
    Audio(Box<AudioState>),
    /// The voice section of the state.
    Voice(Box<VoiceState>),
    /// The box's section of the state.
    System(Box<SystemState>),
    /// The update section of the state.
    Update(Box<UpdateState>),
    /// The whole state document.
    State(Box<State>),
    /// See [`QueueReply`].
    Queue(QueueReply),
    /// See [`QueueAddReply`].
    QueueAdd(QueueAddReply),
    /// See [`PlaylistsReply`].
    Playlists(PlaylistsReply),
    /// See [`PlaylistReply`].
    Playlist(PlaylistReply),
    /// See [`BrowseReply`].
    Browse(BrowseReply),
    /// See [`SongsReply`].
    Songs(SongsReply),
    /// See [`ValuesReply`].
    Values(ValuesReply),
    /// See [`CoverReply`].
    Cover(CoverReply),
    /// See [`OutputsReply`].
    Outputs(OutputsReply),
    /// See [`SoundTestReport`].
    SoundTest(SoundTestReport),
    /// See [`ConfigReply`].
    Config(ConfigReply),
    /// See [`ReloadReply`].
    Reload(ReloadReply),
    /// See [`ConfigureReply`].
    Configure(ConfigureReply),
    /// See [`DiagnosisReply`].
    Diagnosis(DiagnosisReply),
}

impl Reply {
    /// Done; there is nothing to say.
    pub const NOTHING: Self = Self::Nothing(Nothing {});

    /// The data as JSON.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("reply types serialise to JSON")
    }
}

/// An empty object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Nothing {}

/// The volume of the box.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VolumeReply {
    /// 0 to 100.
    pub volume: Volume,
    /// Whether the box is muted.
    pub mute: bool,
}

/// The queue, or a window of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueReply {
    /// Entries of the whole queue.
    pub total: u32,
    /// Index of the first entry given.
    pub start: u32,
    /// MPD's version number of the queue; it grows with every change.
    pub version: u32,
    /// The entries.
    pub songs: Vec<Song>,
}

/// What was added to the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueAddReply {
    /// Ids of the new entries.
    pub ids: Vec<u32>,
}

/// The stored playlists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlaylistsReply {
    /// Sorted by name.
    pub playlists: Vec<PlaylistSummary>,
}

/// A stored playlist without its songs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlaylistSummary {
    /// Its name.
    pub name: String,
    /// When it last changed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
}

/// A stored playlist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlaylistReply {
    /// Its name.
    pub name: String,
    /// Its songs, in order.
    pub items: Vec<Song>,
}

/// One folder of the library.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BrowseReply {
    /// The folder's path below the music folder.
    pub path: String,
    /// Paths of the folders in it.
    pub folders: Vec<String>,
    /// The songs in it.
    pub songs: Vec<Song>,
    /// Paths of playlist files in it.
    pub playlists: Vec<String>,
}

/// A list of songs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SongsReply {
    /// The songs.
    pub songs: Vec<Song>,
    /// Whether there are more after these.
    pub more: bool,
}

/// Distinct values of a tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ValuesReply {
    /// Sorted.
    pub values: Vec<String>,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CoverReply {
    /// Media type, for example `image/jpeg`.
    pub media_type: String,
    /// The file's bytes, in Base64.
    pub data: String,
}

/// MPD's outputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutputsReply {
    /// In MPD's order.
    pub outputs: Vec<Output>,
}

/// One of MPD's outputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// Its id.
    pub id: u32,
    /// Its name in MPD's configuration.
    pub name: String,
    /// The plug-in, for example `fifo` or `alsa`.
    pub plugin: String,
    /// On or off.
    pub enabled: bool,
}

/// What the sound test heard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SoundTestReport {
    /// Whether every check passed.
    pub pass: bool,
    /// Whether the box could listen to itself; without a microphone only the card's own counters are judged.
    pub listened: bool,
    /// One per channel.
    pub channels: Vec<ChannelReport>,
    /// Times the card ran out of sound during the test.
    pub xruns: u64,
    /// What to do about a failure; empty when all is well.
    pub advice: String,
}

/// What the sound test heard of one channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelReport {
    /// `left` or `right`.
    pub channel: String,
    /// Whether the tone was found as it was sent.
    pub pass: bool,
    /// Level of the tone in what left the card.
    pub sent: Decibels,
    /// Level of the tone at the microphone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heard: Option<Decibels>,
    /// Level of everything else at the microphone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<Decibels>,
    /// Frequency found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency: Option<Hertz>,
    /// From leaving the card to reaching the microphone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Millis>,
    /// Deviation between the card's clock and the microphone's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<PartsPerMillion>,
}

/// The effective configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigReply {
    /// The configuration document; secrets are replaced by `"***"`.
    pub config: Value,
    /// For each setting given, by dotted path: the layer that it came from.
    pub origin: BTreeMap<String, String>,
}

/// What reading the configuration again did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReloadReply {
    /// Settings that changed and are in force, by dotted path.
    pub applied: Vec<String>,
    /// Settings that changed and wait for a restart, by dotted path.
    pub needs_restart: Vec<String>,
}

/// What a change of settings did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigureReply {
    /// Settings that changed and are in force, by dotted path.
    pub applied: Vec<String>,
    /// Settings that changed and wait for a restart, by dotted path.
    pub needs_restart: Vec<String>,
    /// Settings that were given and are kept, but have another value from a higher layer: by dotted path, the
    /// environment variable or flag.
    pub overridden: BTreeMap<String, String>,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{message}")]
pub struct CommandError {
    /// The kind, for programs.
    pub code: ErrorCode,
    /// The reason, for people.
    pub message: String,
    /// Dotted path of the parameter at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// The kinds of failure a caller can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The message is not a command at all.
    Malformed,
    /// The message is larger than the door accepts.
    TooLarge,
    /// No command has this name.
    UnknownCommand,
    /// A parameter is missing or wrong; `field` names it.
    InvalidParameter,
    /// The door wants a login first.
    LoginRequired,
    /// The command exists, but this door may not use it.
    NotAllowed,
    /// The capability has no section in this box's configuration.
    NotConfigured,
    /// What the command names does not exist.
    NotFound,
    /// The command contradicts the present state.
    Conflict,
    /// Too many commands at once; try again.
    Busy,
    /// What the capability depends on is away (for example MPD); it is being tried again.
    Unavailable,
    /// No answer in time.
    TimedOut,
    /// It was tried and failed.
    Failed,
}

impl CommandError {
    /// An error without a field.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
        }
    }

    /// A parameter at fault: `reason` continues the sentence "`field` …".
    pub fn invalid(field: &str, reason: &str) -> Self {
        Self {
            code: ErrorCode::InvalidParameter,
            message: format!("parameter `{field}`: {reason}"),
            field: Some(field.to_owned()),
        }
    }

    /// No command has this name. The name is cut where it is longer than any command's could be.
    pub fn unknown(name: &str) -> Self {
        let shown: String = name.chars().take(64).collect();
        Self::new(
            ErrorCode::UnknownCommand,
            format!("there is no command `{shown}`"),
        )
    }

    /// Adds the nearest existing name, where one is near.
    pub(crate) fn with_suggestion(mut self, name: &str) -> Self {
        let verb = |name: &str| {
            name.rsplit('.')
                .next()
                .unwrap_or_default()
                .replace(['_', '-'], "")
                .to_lowercase()
        };
        let wanted = verb(name);
        let names = crate::commands::catalogue_names();
        let near = names.iter().find(|known| {
            let known = verb(known);
            known == wanted || (wanted.len() > 3 && known.contains(&wanted))
        });
        if let Some(near) = near {
            self.message.push_str(&format!("; did you mean `{near}`?"));
        }
        self
    }
}

/// The diagnostic bundle that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiagnosisReply {
    /// Path of the bundle on the box, a `.tar.gz`; the next bundle takes its place.
    pub path: String,
    /// Its size.
    pub size: Bytes,
    /// When it was made.
    pub made_at: Timestamp,
}
