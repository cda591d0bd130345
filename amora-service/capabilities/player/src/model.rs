//! What MPD says, made into the player's section of the state.

use crate::protocol::{Command, Frame};
use crate::song::{self, Favourites};
use amora_contract::EventKind;
use amora_contract::commands::ReplayGain;
use amora_contract::reply::Output;
use amora_contract::state::{PlaybackState, PlayerState};
use amora_contract::units::{Seconds, Timestamp, Volume};

/// A position that differs less than this from what the clock says is not news.
const POSITION_TOLERANCE: f64 = 0.25;

/// Parts of MPD that may have news.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Subsystems(u16);

impl Subsystems {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const PLAYER: Self = Self(1);
    pub(crate) const MIXER: Self = Self(1 << 1);
    pub(crate) const OPTIONS: Self = Self(1 << 2);
    pub(crate) const PLAYLIST: Self = Self(1 << 3);
    pub(crate) const STORED_PLAYLIST: Self = Self(1 << 4);
    pub(crate) const UPDATE: Self = Self(1 << 5);
    pub(crate) const OUTPUT: Self = Self(1 << 6);
    pub(crate) const DATABASE: Self = Self(1 << 7);
    pub(crate) const STICKER: Self = Self(1 << 8);
    pub(crate) const ALL: Self = Self((1 << 9) - 1);

    /// The subsystems in the answer to `idle`. Ones that do not concern the player are passed over.
    pub(crate) fn read(frame: &Frame) -> Self {
        frame
            .values("changed")
            .map(|name| match name {
                "player" => Self::PLAYER,
                "mixer" => Self::MIXER,
                "options" => Self::OPTIONS,
                "playlist" => Self::PLAYLIST,
                "stored_playlist" => Self::STORED_PLAYLIST,
                "update" => Self::UPDATE,
                "output" => Self::OUTPUT,
                "database" => Self::DATABASE,
                "sticker" => Self::STICKER,
                _ => Self::NONE,
            })
            .collect()
    }

    pub(crate) fn any(self, of: Self) -> bool {
        self.0 & of.0 != 0
    }

    pub(crate) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Subsystems> for Subsystems {
    fn from_iter<I: IntoIterator<Item = Self>>(iter: I) -> Self {
        iter.into_iter().fold(Self::NONE, Self::with)
    }
}

const SONG: Subsystems = Subsystems(Subsystems::PLAYER.0 | Subsystems::PLAYLIST.0 | Subsystems::DATABASE.0);
const LIBRARY: Subsystems = Subsystems(Subsystems::UPDATE.0 | Subsystems::DATABASE.0);

/// The player as this crate knows it.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// The published section.
    pub(crate) state: PlayerState,
    /// MPD's volume; `None` when no output of MPD's has one.
    pub(crate) volume: Option<Volume>,
    /// Seconds since MPD started, when last asked.
    pub(crate) uptime: u64,
    /// Files marked as favourites.
    pub(crate) favourites: Favourites,
    /// Version of the queue right after `state.playlist` was loaded.
    loaded_version: u32,
    /// Whether anything was read since the service started: what was there before is not an event.
    seen: bool,
    /// The song that the last event was about.
    announced: Option<(String, Option<u32>)>,
}

impl Model {
    /// What to ask MPD after news from `changed`. The answers go to [`Self::apply`].
    pub(crate) fn queries(changed: Subsystems) -> Vec<Command> {
        let mut commands = vec![Command::new("status")];
        let mut also = |of: Subsystems, command: Command| {
            if changed.any(of) {
                commands.push(command);
            }
        };
        also(SONG, Command::new("currentsong"));
        also(Subsystems::OPTIONS, Command::new("replay_gain_status"));
        also(Subsystems::OUTPUT, Command::new("outputs"));
        also(LIBRARY, Command::new("stats"));
        // `stats` stands still during a scan; a filter that every song matches counts what is there now.
        also(
            LIBRARY,
            Command::new("count").text("(modified-since '1970-01-01T00:00:00Z')"),
        );
        commands
    }

    /// Takes the answers to [`Self::queries`] and says what happened.
    pub(crate) fn apply(&mut self, changed: Subsystems, answers: &[Frame], now: Timestamp) -> Vec<EventKind> {
        let mut answers = answers.iter();
        let mut events = Vec::new();
        let Some(status) = answers.next() else {
            return events;
        };
        let was_updating = self.state.library.updating;
        let position_known = self.apply_status(status, now);
        if changed.any(SONG) {
            self.apply_song(answers.next());
        } else if matches!(self.state.state, PlaybackState::Stop) {
            self.state.song = None;
        }
        if !position_known {
            (self.state.position, self.state.position_at) = (Seconds(0.0), now);
        }
        if changed.any(Subsystems::OPTIONS)
            && let Some(frame) = answers.next()
        {
            self.state.replay_gain = read_replay_gain(frame);
        }
        if changed.any(Subsystems::OUTPUT)
            && let Some(frame) = answers.next()
        {
            self.state.outputs = read_outputs(frame);
        }
        if changed.any(LIBRARY) {
            self.apply_library(answers.next(), answers.next());
        }
        if changed.any(Subsystems::STORED_PLAYLIST) {
            self.state.playlists_version = self.state.playlists_version.wrapping_add(1);
        }
        if self.seen {
            match (was_updating, self.state.library.updating) {
                (false, true) => events.push(EventKind::LibraryUpdateStarted {}),
                (true, false) => events.push(EventKind::LibraryUpdateFinished {
                    songs: self.state.library.songs,
                }),
                _ => {}
            }
        }
        let present = self.state.song.as_ref().map(|song| (song.file.clone(), song.id));
        if self.announced != present {
            if self.seen {
                events.push(EventKind::SongChanged {
                    song: self.state.song.clone(),
                });
            }
            self.announced = present;
        }
        self.seen = true;
        events
    }

    /// Whether the position was given.
    fn apply_status(&mut self, status: &Frame, now: Timestamp) -> bool {
        let predicted = self.position(now);
        let was = self.state.state;
        let state = &mut self.state;
        let switch = |key: &str| status.get(key).is_some_and(|value| value != "0");
        let error = status.get("error").map(str::to_owned);
        state.state = match (status.get("state"), &error) {
            (Some("play"), _) => PlaybackState::Play,
            (_, Some(_)) => PlaybackState::Error,
            (Some("pause"), None) => PlaybackState::Pause,
            _ => PlaybackState::Stop,
        };
        state.error = error.filter(|_| state.state == PlaybackState::Error);
        state.repeat = switch("repeat");
        state.random = switch("random");
        state.single = switch("single");
        state.consume = switch("consume");
        state.crossfade = Seconds(status.parse("xfade").unwrap_or(0.0));
        state.queue_length = status.parse("playlistlength").unwrap_or(0);
        state.queue_version = status.parse("playlist").unwrap_or(0);
        state.queue_position = status.parse("song");
        state.format = status.get("audio").unwrap_or_default().to_owned();
        state.bitrate = status.parse("bitrate").unwrap_or(0);
        state.library.updating = status.get("updating_db").is_some();
        if state.playlist.is_some() && state.queue_version != self.loaded_version {
            state.playlist = None;
        }
        // 0.23 says -1 when there is no mixer, 0.24 says nothing.
        self.volume = status
            .parse::<u8>("volume")
            .map(|number| Volume::clamped(f64::from(number)));
        let Some(elapsed) = status
            .parse::<f64>("elapsed")
            .filter(|elapsed| elapsed.is_finite())
        else {
            return false;
        };
        if was != self.state.state || (elapsed - predicted.0).abs() > POSITION_TOLERANCE {
            (self.state.position, self.state.position_at) = (Seconds(elapsed), now);
        }
        true
    }

    fn apply_song(&mut self, frame: Option<&Frame>) {
        let objects = frame.map(|frame| frame.objects(&["file"])).unwrap_or_default();
        // MPD remembers where it would start when it is stopped; nothing is being played all the same.
        let sounding = self.state.state != PlaybackState::Stop;
        self.state.song = objects
            .first()
            .filter(|_| sounding)
            .map(|fields| song::read(fields, &self.favourites));
    }

    fn apply_library(&mut self, stats: Option<&Frame>, count: Option<&Frame>) {
        let library = &mut self.state.library;
        if let Some(stats) = stats {
            library.songs = stats.parse("songs").unwrap_or(0);
            library.artists = stats.parse("artists").unwrap_or(0);
            library.albums = stats.parse("albums").unwrap_or(0);
            library.updated_at = Timestamp(stats.parse::<u64>("db_update").unwrap_or(0).saturating_mul(1000));
            self.uptime = stats.parse("uptime").unwrap_or(0);
        }
        if let Some(count) = count {
            library.scanned = count.parse("songs").unwrap_or(0);
        }
    }

    /// The position in the song now.
    pub(crate) fn position(&self, now: Timestamp) -> Seconds {
        let since = match self.state.state {
            PlaybackState::Play => now.0.saturating_sub(self.state.position_at.0) as f64 / 1000.0,
            _ => 0.0,
        };
        Seconds(self.state.position.0 + since)
    }

    /// The queue was filled from a stored playlist and nothing else; `version` is the queue's after that.
    pub(crate) fn loaded(&mut self, playlist: &str, version: u32) {
        self.state.playlist = Some(playlist.to_owned());
        self.state.queue_version = version;
        self.loaded_version = version;
    }

    /// The loaded playlist's name and the version of the queue that it made.
    pub(crate) fn loaded_playlist(&self) -> Option<(&str, u32)> {
        Some((self.state.playlist.as_deref()?, self.loaded_version))
    }

    /// A stored playlist was renamed, or deleted (`to` is `None`).
    pub(crate) fn playlist_renamed(&mut self, from: &str, to: Option<&str>) {
        if self.state.playlist.as_deref() == Some(from) {
            self.state.playlist = to.map(str::to_owned);
        }
    }

    /// Takes the answer to `sticker find`; `None` where MPD keeps no stickers.
    pub(crate) fn set_favourites(&mut self, favourites: Favourites) {
        self.favourites = favourites;
        if let Some(song) = &mut self.state.song {
            song.favourite = self.favourites.as_ref().map(|files| files.contains(&song.file));
        }
    }

    /// MPD is away. What it has (queue, library, options) is kept as last known; nothing is being played.
    pub(crate) fn disconnected(&mut self, cause: &str, now: Timestamp) -> Option<EventKind> {
        let state = &mut self.state;
        state.state = PlaybackState::Disconnected;
        state.error = Some(cause.to_owned());
        state.song = None;
        (state.position, state.position_at) = (Seconds(0.0), now);
        state.queue_position = None;
        state.format = String::new();
        state.bitrate = 0;
        state.library.updating = false;
        self.volume = None;
        self.announced
            .take()
            .map(|_| EventKind::SongChanged { song: None })
    }
}

fn read_replay_gain(frame: &Frame) -> ReplayGain {
    match frame.get("replay_gain_mode") {
        Some("track") => ReplayGain::Track,
        Some("album") => ReplayGain::Album,
        Some("auto") => ReplayGain::Auto,
        _ => ReplayGain::Off,
    }
}

/// The outputs of an answer to `outputs`.
pub(crate) fn read_outputs(frame: &Frame) -> Vec<Output> {
    let get = |fields: &[(&str, &str)], key: &str| {
        fields
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, value)| (*value).to_owned())
            .unwrap_or_default()
    };
    frame
        .objects(&["outputid"])
        .iter()
        .filter_map(|fields| {
            Some(Output {
                id: fields[0].1.parse().ok()?,
                name: get(fields, "outputname"),
                plugin: get(fields, "plugin"),
                enabled: get(fields, "outputenabled") == "1",
            })
        })
        .collect()
}

/// The files of an answer to `sticker find`.
pub(crate) fn read_favourites(frame: &Frame) -> std::collections::HashSet<String> {
    frame
        .objects(&["file"])
        .iter()
        .filter(|fields| fields.contains(&("sticker", "favourite=1")))
        .map(|fields| fields[0].1.to_owned())
        .collect()
}

#[cfg(test)]
mod tests;
