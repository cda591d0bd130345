//! Everything that happens: one `Event`, with the time it happened.

use crate::state::{Condition, Slot, Song, UpdateOutcome, UpdateSource};
use crate::units::{Decibels, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// When.
    pub time: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

impl Event {
    /// An event that happens now.
    pub fn now(kind: EventKind) -> Self {
        Self {
            time: Timestamp::now(),
            kind,
        }
    }
}

/// The kinds of event. In JSON `event` holds the name and `data` the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", content = "data")]
pub enum EventKind {
    /// Another song began, or the music stopped (`song` is null).
    #[serde(rename = "player.song_changed")]
    SongChanged {
        /// The song that began.
        song: Option<Song>,
    },
    /// A library scan began.
    #[serde(rename = "player.library_update_started")]
    LibraryUpdateStarted {},
    /// A library scan ended.
    #[serde(rename = "player.library_update_finished")]
    LibraryUpdateFinished {
        /// Songs known now.
        songs: u32,
    },
    /// The sleep timer paused the music.
    #[serde(rename = "player.slept")]
    Slept {},
    /// MPD was lost.
    #[serde(rename = "player.disconnected")]
    PlayerDisconnected {
        /// Why, in plain words.
        cause: String,
    },
    /// MPD is there.
    #[serde(rename = "player.connected")]
    PlayerConnected {
        /// MPD's protocol version.
        version: String,
    },
    /// The card ran out of sound and was set going again.
    #[serde(rename = "audio.xrun")]
    Xrun {
        /// Xruns since the engine started.
        count: u64,
    },
    /// The card is gone or broken.
    #[serde(rename = "audio.card_lost")]
    CardLost {
        /// Why, in plain words.
        cause: String,
    },
    /// The card is open.
    #[serde(rename = "audio.card_opened")]
    CardOpened {
        /// The device.
        device: String,
    },
    /// The limiter had to work hard: something is too loud.
    #[serde(rename = "audio.limited")]
    Limited {
        /// Greatest gain reduction.
        reduction: Decibels,
    },
    /// The voice call stands.
    #[serde(rename = "voice.connected")]
    VoiceConnected {
        /// Where it goes.
        hub: String,
    },
    /// The voice call ended, or was lost.
    #[serde(rename = "voice.disconnected")]
    VoiceDisconnected {
        /// Why, in plain words; empty where nobody wanted it any more.
        cause: String,
    },
    /// Somebody began to speak while the box does, or stopped.
    #[serde(rename = "voice.barge_in")]
    VoiceBargeIn {
        /// Whether it began.
        begun: bool,
    },
    /// An update began to be installed.
    #[serde(rename = "update.started")]
    UpdateStarted {
        /// Where it comes from.
        source: UpdateSource,
        /// Its address without user and query, for an update that is fetched.
        url: Option<String>,
    },
    /// An update is installed and waits for the restart.
    #[serde(rename = "update.installed")]
    UpdateInstalled {
        /// Its version, where it is known.
        version: Option<String>,
        /// The slot that it was written to.
        slot: Slot,
    },
    /// A new system began to prove itself.
    #[serde(rename = "update.trial_started")]
    UpdateTrialStarted {
        /// Its version.
        version: String,
        /// The slot that it was started from.
        slot: Slot,
        /// Which start of it this is.
        tries: u32,
    },
    /// An update came to its end, good or bad.
    #[serde(rename = "update.ended")]
    UpdateEnded(Box<UpdateOutcome>),
    /// The box is about to restart, to switch off or to reset itself.
    #[serde(rename = "box.going_down")]
    GoingDown {
        /// `restart`, `power_off` or `factory_reset`.
        how: String,
        /// Why, in plain words.
        cause: String,
    },
    /// A part of the box changed its condition.
    #[serde(rename = "system.health_changed")]
    HealthChanged {
        /// The part's key in `system.health`.
        part: String,
        /// The new condition.
        condition: Condition,
        /// What is wrong, in plain words.
        cause: String,
    },
    /// The service is ready.
    #[serde(rename = "system.started")]
    Started {
        /// Version of the software.
        version: String,
    },
    /// The service is going down.
    #[serde(rename = "system.stopping")]
    Stopping {},
}

impl EventKind {
    /// The published name, `section.happening`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SongChanged { .. } => "player.song_changed",
            Self::LibraryUpdateStarted {} => "player.library_update_started",
            Self::LibraryUpdateFinished { .. } => "player.library_update_finished",
            Self::Slept {} => "player.slept",
            Self::PlayerDisconnected { .. } => "player.disconnected",
            Self::PlayerConnected { .. } => "player.connected",
            Self::Xrun { .. } => "audio.xrun",
            Self::CardLost { .. } => "audio.card_lost",
            Self::CardOpened { .. } => "audio.card_opened",
            Self::Limited { .. } => "audio.limited",
            Self::VoiceConnected { .. } => "voice.connected",
            Self::VoiceDisconnected { .. } => "voice.disconnected",
            Self::VoiceBargeIn { .. } => "voice.barge_in",
            Self::UpdateStarted { .. } => "update.started",
            Self::UpdateInstalled { .. } => "update.installed",
            Self::UpdateTrialStarted { .. } => "update.trial_started",
            Self::UpdateEnded(_) => "update.ended",
            Self::GoingDown { .. } => "box.going_down",
            Self::HealthChanged { .. } => "system.health_changed",
            Self::Started { .. } => "system.started",
            Self::Stopping {} => "system.stopping",
        }
    }
}
