//! Music commands.

use super::commands;
use crate::reply::*;
use crate::state::PlayerState;
use crate::units::{Seconds, Volume};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

commands! {
    /// Music: playback, queue, library, playlists, outputs.
    PlayerCommand {
        /// Start or resume playback, at a given entry of the queue if one is named.
        "player.play" => Play(Play) -> Nothing,
        /// Pause playback and keep the position.
        "player.pause" => Pause -> Nothing,
        /// Pause when playing, otherwise play.
        "player.toggle" => Toggle -> Nothing,
        /// Stop playback.
        "player.stop" => Stop -> Nothing,
        /// Go to the next entry of the queue.
        "player.next" => Next -> Nothing,
        /// Go to the previous entry of the queue.
        "player.previous" => Previous -> Nothing,
        /// Move within the current song.
        "player.seek" => Seek(Seek) -> Nothing,
        /// Set the volume of the box. Values outside 0–100 are moved to the nearest end.
        "player.set_volume" => SetVolume(SetVolume) -> VolumeReply,
        /// Read the volume of the box.
        "player.get_volume" => GetVolume -> VolumeReply,
        /// Repeat the queue from the start when it ends.
        "player.set_repeat" => SetRepeat(SetRepeat) -> Nothing,
        /// Play the queue in random order.
        "player.set_random" => SetRandom(SetRandom) -> Nothing,
        /// Stop after the current song (or repeat it, when repeat is on).
        "player.set_single" => SetSingle(SetSingle) -> Nothing,
        /// Remove each song from the queue once it was played.
        "player.set_consume" => SetConsume(SetConsume) -> Nothing,
        /// Overlap the end of a song with the start of the next.
        "player.set_crossfade" => SetCrossfade(SetCrossfade) -> Nothing,
        /// Choose how loudness tags in the files are applied.
        "player.set_replay_gain" => SetReplayGain(SetReplayGain) -> Nothing,
        /// Read the whole player state.
        "player.get_status" => GetStatus -> PlayerState,
        /// List the queue, or a window of it.
        "player.get_queue" => GetQueue(Window) -> QueueReply,
        /// Add a song, a folder or a stream to the queue.
        "player.queue_add" => QueueAdd(QueueAdd) -> QueueAddReply,
        /// Add every song whose tags are exactly these to the queue, for example an album, in the order of `player.find`.
        "player.queue_find" => QueueFind(QueueFind) -> QueueAddReply,
        /// Remove one entry from the queue.
        "player.queue_remove" => QueueRemove(QueueEntryId) -> Nothing,
        /// Move one entry of the queue to another position.
        "player.queue_move" => QueueMove(QueueMove) -> Nothing,
        /// Remove every entry from the queue.
        "player.queue_clear" => QueueClear -> Nothing,
        /// Put the queue into a random order, once.
        "player.queue_shuffle" => QueueShuffle -> Nothing,
        /// Save the queue as a stored playlist.
        "player.queue_save" => QueueSave(QueueSave) -> Nothing,
        /// List the stored playlists.
        "player.get_playlists" => GetPlaylists -> PlaylistsReply,
        /// List the songs of a stored playlist.
        "player.get_playlist" => GetPlaylist(PlaylistName) -> PlaylistReply,
        /// Replace the queue with a stored playlist and play it.
        "player.play_playlist" => PlayPlaylist(PlaylistName) -> Nothing,
        /// Append a stored playlist to the queue.
        "player.queue_playlist" => QueuePlaylist(PlaylistName) -> Nothing,
        /// Create a stored playlist from a list of files. An existing one is replaced.
        "player.create_playlist" => CreatePlaylist(CreatePlaylist) -> Nothing,
        /// Rename a stored playlist.
        "player.rename_playlist" => RenamePlaylist(RenamePlaylist) -> Nothing,
        /// Delete a stored playlist.
        "player.delete_playlist" => DeletePlaylist(PlaylistName) -> Nothing,
        /// Play one track: of the queue, or of a stored playlist when one is named.
        "player.play_track" => PlayTrack(PlayTrack) -> Nothing,
        /// Add a track to the queue, or to a stored playlist when one is named.
        "player.add_track" => AddTrack(AddTrack) -> Nothing,
        /// Remove a track from the queue, or from a stored playlist when one is named.
        "player.remove_track" => RemoveTrack(RemoveTrack) -> Nothing,
        /// Move a track within the queue, or within a stored playlist when one is named.
        "player.reorder_track" => ReorderTrack(ReorderTrack) -> Nothing,
        /// List the folders, songs and playlists in one folder of the library.
        "player.browse" => Browse(Browse) -> BrowseReply,
        /// Find songs whose tags or file name contain all the words of a text.
        "player.search" => Search(Search) -> SongsReply,
        /// List the distinct values of a tag, for example every artist.
        "player.list" => List(List) -> ValuesReply,
        /// Find songs whose tags equal the given values exactly.
        "player.find" => Find(Find) -> SongsReply,
        /// Scan the library for new, changed and removed files.
        "player.update_library" => UpdateLibrary(UpdateLibrary) -> Nothing,
        /// Read the cover art of a song: embedded in the file, or beside it.
        "player.get_cover" => GetCover(SongFile) -> CoverReply,
        /// List the outputs that MPD can play to.
        "player.get_outputs" => GetOutputs -> OutputsReply,
        /// Switch one of MPD's outputs on or off.
        "player.set_output" => SetOutput(SetOutput) -> Nothing,
        /// Mark a song as a favourite, or remove the mark.
        "player.set_favourite" => SetFavourite(SetFavourite) -> Nothing,
        /// List the favourite songs.
        "player.get_favourites" => GetFavourites -> SongsReply,
        /// Pause after a while, fading out over the last ten seconds. `null`, or a restart of the service, cancels.
        "player.set_sleep_timer" => SetSleepTimer(SetSleepTimer) -> Nothing,
    }
}

macro_rules! params {
    ($( $(#[$doc:meta])* $name:ident { $( $(#[$field_doc:meta])* $field:ident : $type:ty ),* $(,)? } )*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub struct $name { $( $(#[$field_doc])* pub $field : $type ),* }
    )* };
}

params! {
    /// Where to start playing. With neither field the player resumes.
    #[derive(Default)]
    Play {
        /// Position in the queue, counted from 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        position: Option<u32>,
        /// Queue entry id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<u32>,
    }
    /// Where to move within the song.
    Seek {
        /// Seconds from the start of the song, or from the present position when `relative`.
        position: Seconds,
        /// Whether `position` is added to the present position.
        #[serde(default)]
        relative: bool,
    }
    /// The volume wanted.
    SetVolume {
        /// 0 (silent) to 100 (full scale).
        #[serde(deserialize_with = "lenient_volume")]
        #[schemars(with = "Volume")]
        volume: Volume,
    }
    /// Repeat.
    SetRepeat {
        /// On or off.
        repeat: bool,
    }
    /// Random order.
    SetRandom {
        /// On or off.
        random: bool,
    }
    /// Single mode.
    SetSingle {
        /// On or off.
        single: bool,
    }
    /// Consume mode.
    SetConsume {
        /// On or off.
        consume: bool,
    }
    /// Crossfade.
    SetCrossfade {
        /// Length of the overlap in whole seconds; 0 switches it off.
        #[schemars(range(max = 60))]
        seconds: u32,
    }
    /// ReplayGain.
    SetReplayGain {
        /// The mode.
        mode: ReplayGain,
    }
    /// A part of a long list. Without fields: all of it, up to the server's limit.
    #[derive(Default)]
    Window {
        /// Index of the first entry wanted.
        #[serde(default)]
        start: u32,
        /// Most entries wanted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
    }
    /// What to add to the queue.
    QueueAdd {
        /// A file or folder of the library, or a stream's URL.
        uri: String,
        /// Position in the queue; at its end when missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        position: Option<u32>,
        /// Play it at once.
        #[serde(default)]
        play: bool,
    }
    /// Which songs to add to the queue.
    QueueFind {
        /// All of these must match.
        filters: Vec<TagFilter>,
        /// Position in the queue; at its end when missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        position: Option<u32>,
        /// Play the first of them at once.
        #[serde(default)]
        play: bool,
    }
    /// One entry of the queue.
    QueueEntryId {
        /// The entry's id (not its position).
        id: u32,
    }
    /// A move within the queue.
    QueueMove {
        /// The entry's id (not its position).
        id: u32,
        /// Its new position, counted from 0.
        to: u32,
    }
    /// Saving the queue.
    QueueSave {
        /// Name of the stored playlist.
        name: String,
        /// Replace an existing playlist of that name.
        #[serde(default)]
        replace: bool,
    }
    /// A stored playlist.
    PlaylistName {
        /// Its name.
        #[serde(alias = "playlist_name", alias = "playlistName", alias = "name")]
        playlist: String,
    }
    /// A new stored playlist.
    CreatePlaylist {
        /// Its name.
        name: String,
        /// Files of the library, or URLs, in order.
        #[serde(default)]
        files: Vec<String>,
    }
    /// A new name for a stored playlist.
    RenamePlaylist {
        /// The present name.
        playlist: String,
        /// The new name.
        name: String,
    }
    /// A track to play.
    PlayTrack {
        /// Index in the list, counted from 0.
        #[serde(alias = "trackIndex")]
        track_index: u32,
        /// A stored playlist; the queue when missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        playlist: Option<String>,
    }
    /// A track to add.
    AddTrack {
        /// A file of the library or a URL.
        #[serde(deserialize_with = "track_file")]
        track: String,
        /// A stored playlist; the queue when missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        playlist: Option<String>,
    }
    /// A track to remove.
    RemoveTrack {
        /// Index in the list, counted from 0.
        #[serde(alias = "trackIndex")]
        track_index: u32,
        /// A stored playlist; the queue when missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        playlist: Option<String>,
    }
    /// A track to move.
    ReorderTrack {
        /// Present index, counted from 0.
        #[serde(alias = "fromIndex")]
        from_index: u32,
        /// New index, counted from 0.
        #[serde(alias = "toIndex")]
        to_index: u32,
        /// A stored playlist; the queue when missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        playlist: Option<String>,
    }
    /// A folder of the library.
    #[derive(Default)]
    Browse {
        /// Path below the music folder; empty for the top.
        #[serde(default)]
        path: String,
    }
    /// A search.
    Search {
        /// Words, all of which must appear in the song's tags or file name.
        query: String,
        /// Index of the first match wanted.
        #[serde(default)]
        start: u32,
        /// Most matches wanted.
        #[serde(default = "default_search_limit")]
        limit: u32,
    }
    /// A tag whose values are wanted.
    List {
        /// The tag.
        tag: Tag,
        /// Only values of songs that match all of these.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        filters: Vec<TagFilter>,
    }
    /// Tags to match exactly.
    Find {
        /// All of these must match.
        filters: Vec<TagFilter>,
        /// Index of the first match wanted.
        #[serde(default)]
        start: u32,
        /// Most matches wanted.
        #[serde(default = "default_search_limit")]
        limit: u32,
    }
    /// One tag and the value it must have.
    TagFilter {
        /// The tag.
        tag: Tag,
        /// Its value.
        value: String,
    }
    /// A library scan.
    #[derive(Default)]
    UpdateLibrary {
        /// Only this folder; everything when missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
        /// Read unchanged files again too.
        #[serde(default)]
        rescan: bool,
    }
    /// One song of the library.
    SongFile {
        /// Its path below the music folder.
        file: String,
    }
    /// One of MPD's outputs.
    SetOutput {
        /// Its id.
        id: u32,
        /// On or off.
        enabled: bool,
    }
    /// The favourite mark of a song.
    SetFavourite {
        /// Its path below the music folder.
        file: String,
        /// Set or remove the mark.
        favourite: bool,
    }
    /// The sleep timer.
    SetSleepTimer {
        /// Minutes until playback pauses; `null` cancels the timer.
        #[schemars(range(min = 1, max = 1440))]
        minutes: Option<u32>,
    }
}

/// How loudness tags are applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplayGain {
    /// Not at all.
    #[default]
    Off,
    /// Each track to the same loudness.
    Track,
    /// Each album to the same loudness, keeping the differences within it.
    Album,
    /// Track when the order is random, otherwise album.
    Auto,
}

/// A tag that songs can be listed and found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    /// Performer of the song.
    Artist,
    /// Performer of the album.
    AlbumArtist,
    /// Album.
    Album,
    /// Title of the song.
    Title,
    /// Genre.
    Genre,
    /// Composer.
    Composer,
    /// Release date.
    Date,
}

fn default_search_limit() -> u32 {
    200
}

/// Any JSON number is a volume, clamped to 0–100, as the original device's clients rely on.
pub(super) fn lenient_volume<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Volume, D::Error> {
    f64::deserialize(deserializer).map(Volume::clamped)
}

/// A track is a file name, or (from the original's clients) a song object with a `file`.
fn track_file<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a file name, or an object with `file`")]
    enum Track {
        File(String),
        Song { file: String },
    }
    Ok(match Track::deserialize(deserializer)? {
        Track::File(file) | Track::Song { file } => file,
    })
}
