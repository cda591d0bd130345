//! The box's commands in MPD's words: which commands to send, and what to make of the answers.

mod check;
mod filter;
mod refusal;

pub(crate) use filter::{at_least_one_tag as tag_filter, file as file_filter};

pub(crate) use check::{library_path, playlist_name, playlist_to_load, song_uri};
pub(crate) use refusal::{NOT_SEEKABLE, Object, lost, refused, unsendable};

use crate::model::read_outputs;
use crate::protocol::{Command, Frame};
use crate::song::{self, Favourites};
use amora_contract::commands::{PlayerCommand, ReplayGain, Tag};
use amora_contract::reply::*;

/// The most songs in one answer to a search.
pub(crate) const MAX_SONGS: u32 = 5_000;

/// The largest position in a song that makes sense: a week.
const MAX_POSITION: f64 = 7.0 * 86_400.0;

/// One command for MPD, and what it is about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    pub(crate) command: Command,
    pub(crate) object: Object,
}

/// An atomic list of commands for MPD, and how to read the answer to the last.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    pub(crate) reading: Reading,
}

/// How an answer is read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reading {
    /// It says nothing.
    Nothing,
    /// It is a status; an empty queue means that there was nothing to play.
    NotEmpty,
    /// Stored playlists.
    Playlists,
    /// The songs of this stored playlist.
    Playlist(String),
    /// A folder's content.
    Folder(String),
    /// Songs, at most so many; one more was asked for to know whether there are more.
    Songs(u32),
    /// Values of this tag.
    Values(Tag),
    /// Outputs.
    Outputs,
}

impl Step {
    pub(crate) fn new(command: Command, object: Object) -> Self {
        Self { command, object }
    }
}

impl Plan {
    fn nothing(command: Command, object: Object) -> Self {
        Self::of(Step::new(command, object), Reading::Nothing)
    }

    fn of(step: Step, reading: Reading) -> Self {
        Self {
            steps: vec![step],
            reading,
        }
    }
}

/// The plan for a command; `None` for one that takes more than one exchange with MPD, or none.
///
/// # Errors
/// `invalid_parameter`, naming the field.
pub(crate) fn plan(command: &PlayerCommand) -> Result<Option<Plan>, CommandError> {
    let player = || Object::new("the player");
    Ok(Some(match command {
        PlayerCommand::Play(play) => {
            let step = match (play.id, play.position) {
                (Some(id), _) => Step::new(
                    Command::new("playid").word(id),
                    Object::new(format!("the queue entry with id {id}")).field("id"),
                ),
                (None, Some(position)) => Step::new(
                    Command::new("play").word(position),
                    Object::queue_position(position, "position"),
                ),
                (None, None) => Step::new(Command::new("play"), player()),
            };
            let steps = vec![
                Step::new(Command::new("clearerror"), player()),
                step,
                Step::new(Command::new("status"), player()),
            ];
            Plan {
                steps,
                reading: Reading::NotEmpty,
            }
        }
        PlayerCommand::Pause => Plan::nothing(Command::new("pause").switch(true), player()),
        PlayerCommand::Stop => Plan::nothing(Command::new("stop"), player()),
        PlayerCommand::Next => Plan::nothing(Command::new("next"), player()),
        PlayerCommand::Previous => Plan::nothing(Command::new("previous"), player()),
        PlayerCommand::Seek(seek) => {
            let position = seek.position.0;
            if !position.is_finite() || position.abs() > MAX_POSITION {
                return Err(CommandError::invalid(
                    "position",
                    "must be a number of seconds within a week",
                ));
            }
            if position < 0.0 && !seek.relative {
                return Err(CommandError::invalid(
                    "position",
                    "must not be negative unless `relative` is set",
                ));
            }
            let command = match seek.relative {
                true => Command::new("seekcur").word(format_args!("{position:+.3}")),
                false => Command::new("seekcur").word(format_args!("{position:.3}")),
            };
            Plan::nothing(command, Object::new("the position").field("position"))
        }
        PlayerCommand::SetRepeat(set) => Plan::nothing(Command::new("repeat").switch(set.repeat), player()),
        PlayerCommand::SetRandom(set) => Plan::nothing(Command::new("random").switch(set.random), player()),
        PlayerCommand::SetSingle(set) => Plan::nothing(Command::new("single").switch(set.single), player()),
        PlayerCommand::SetConsume(set) => {
            Plan::nothing(Command::new("consume").switch(set.consume), player())
        }
        PlayerCommand::SetCrossfade(set) => {
            if set.seconds > 60 {
                return Err(CommandError::invalid("seconds", "must be 0 to 60"));
            }
            Plan::nothing(Command::new("crossfade").word(set.seconds), player())
        }
        PlayerCommand::SetReplayGain(set) => {
            let mode = match set.mode {
                ReplayGain::Off => "off",
                ReplayGain::Track => "track",
                ReplayGain::Album => "album",
                ReplayGain::Auto => "auto",
            };
            Plan::nothing(Command::new("replay_gain_mode").word(mode), player())
        }
        PlayerCommand::QueueRemove(entry) => {
            let object = Object::new(format!("the queue entry with id {}", entry.id)).field("id");
            Plan::nothing(Command::new("deleteid").word(entry.id), object)
        }
        PlayerCommand::QueueMove(entry) => {
            let object = Object::new(format!("the queue entry with id {}", entry.id)).field("id");
            let command = Command::new("moveid").word(entry.id).word(entry.to);
            Plan::nothing(command, object.index(entry.to, "to"))
        }
        PlayerCommand::QueueClear => Plan::nothing(Command::new("clear"), Object::new("the queue")),
        PlayerCommand::QueueShuffle => Plan::nothing(Command::new("shuffle"), Object::new("the queue")),
        PlayerCommand::QueueSave(save) if !save.replace => {
            let name = playlist_name("name", &save.name)?;
            Plan::nothing(Command::new("save").text(name), Object::playlist(name, "name"))
        }
        PlayerCommand::GetPlaylists => Plan::of(
            Step::new(Command::new("listplaylists"), Object::new("the playlists")),
            Reading::Playlists,
        ),
        PlayerCommand::GetPlaylist(get) => {
            let name = playlist_to_load("playlist", &get.playlist)?;
            let step = Step::new(
                Command::new("listplaylistinfo").text(name),
                Object::playlist(name, "playlist"),
            );
            Plan::of(step, Reading::Playlist(name.to_owned()))
        }
        PlayerCommand::RenamePlaylist(rename) => {
            let from = playlist_name("playlist", &rename.playlist)?;
            let to = playlist_name("name", &rename.name)?;
            // MPD names neither in its refusal; the kind tells which it means.
            let object = Object::playlist(from, "playlist").target(format!("the playlist `{to}`"));
            Plan::nothing(Command::new("rename").text(from).text(to), object)
        }
        PlayerCommand::DeletePlaylist(delete) => {
            let name = playlist_name("playlist", &delete.playlist)?;
            Plan::nothing(Command::new("rm").text(name), Object::playlist(name, "playlist"))
        }
        PlayerCommand::PlayTrack(track) if track.playlist.is_none() => {
            let index = track.track_index;
            let steps = vec![
                Step::new(Command::new("clearerror"), player()),
                Step::new(
                    Command::new("play").word(index),
                    Object::queue_position(index, "track_index"),
                ),
            ];
            Plan {
                steps,
                reading: Reading::Nothing,
            }
        }
        PlayerCommand::AddTrack(track) => {
            let uri = song_uri("track", &track.track)?;
            let object = Object::new(format!("`{uri}`")).field("track");
            match &track.playlist {
                None => Plan::nothing(Command::new("add").text(uri), object),
                Some(playlist) => {
                    let name = playlist_name("playlist", playlist)?;
                    // MPD would make a missing playlist; a wrong name should be noticed instead.
                    let steps = vec![
                        Step::new(
                            Command::new("listplaylist").text(name),
                            Object::playlist(name, "playlist"),
                        ),
                        Step::new(Command::new("playlistadd").text(name).text(uri), object),
                    ];
                    Plan {
                        steps,
                        reading: Reading::Nothing,
                    }
                }
            }
        }
        PlayerCommand::RemoveTrack(track) => {
            let index = track.track_index;
            match &track.playlist {
                None => Plan::nothing(
                    Command::new("delete").word(index),
                    Object::queue_position(index, "track_index"),
                ),
                Some(playlist) => {
                    let name = playlist_name("playlist", playlist)?;
                    let object = Object::playlist(name, "playlist").index(index, "track_index");
                    Plan::nothing(Command::new("playlistdelete").text(name).word(index), object)
                }
            }
        }
        PlayerCommand::ReorderTrack(track) => {
            let (from, to) = (track.from_index, track.to_index);
            match &track.playlist {
                None => Plan::nothing(
                    Command::new("move").word(from).word(to),
                    Object::queue_position(from.max(to), if from > to { "from_index" } else { "to_index" }),
                ),
                Some(playlist) => {
                    let name = playlist_name("playlist", playlist)?;
                    let object = Object::playlist(name, "playlist")
                        .index(from.max(to), if from > to { "from_index" } else { "to_index" });
                    Plan::nothing(
                        Command::new("playlistmove").text(name).word(from).word(to),
                        object,
                    )
                }
            }
        }
        PlayerCommand::Browse(browse) => {
            let path = library_path("path", &browse.path)?;
            let step = Step::new(
                Command::new("lsinfo").text(path),
                Object::new(format!("the folder `{path}`")).field("path"),
            );
            Plan::of(step, Reading::Folder(path.to_owned()))
        }
        PlayerCommand::Search(search) => {
            let filter = filter::words(&search.query)?;
            songs("search", &filter, search.start, search.limit, "query")
        }
        PlayerCommand::Find(find) => songs(
            "find",
            &tag_filter(&find.filters)?,
            find.start,
            find.limit,
            "filters",
        ),
        PlayerCommand::List(list) => {
            let mut command = Command::new("list").word(filter::tag_name(list.tag));
            if !list.filters.is_empty() {
                command = command.text(&filter::tags(&list.filters)?);
            }
            Plan::of(
                Step::new(command, Object::new("the library")),
                Reading::Values(list.tag),
            )
        }
        PlayerCommand::UpdateLibrary(update) => {
            let mut command = Command::new(if update.rescan { "rescan" } else { "update" });
            let mut object = Object::new("the library");
            if let Some(path) = &update.path {
                let path = library_path("path", path)?;
                command = command.text(path);
                object = Object::new(format!("the folder `{path}`")).field("path");
            }
            Plan::nothing(command, object)
        }
        PlayerCommand::GetOutputs => Plan::of(
            Step::new(Command::new("outputs"), Object::new("the outputs")),
            Reading::Outputs,
        ),
        PlayerCommand::SetOutput(output) => {
            let command = Command::new(if output.enabled {
                "enableoutput"
            } else {
                "disableoutput"
            });
            let object = Object::new(format!("the output with id {}", output.id)).field("id");
            Plan::nothing(command.word(output.id), object)
        }
        _ => return Ok(None),
    }))
}

fn songs(name: &'static str, filter: &str, start: u32, limit: u32, field: &'static str) -> Plan {
    let limit = limit.min(MAX_SONGS);
    // MPD takes no window that begins beyond its signed range.
    let start = start.min(i32::MAX as u32 - MAX_SONGS - 1);
    let command = Command::new(name)
        .text(filter)
        .word("window")
        .range(start, start + limit + 1);
    Plan::of(
        Step::new(command, Object::new("the library").field(field)),
        Reading::Songs(limit),
    )
}

/// The reply that an answer amounts to.
///
/// # Errors
/// `conflict` when the queue is empty and something should have been played.
pub(crate) fn read(reading: &Reading, frame: &Frame, favourites: &Favourites) -> Result<Reply, CommandError> {
    Ok(match reading {
        Reading::Nothing => Reply::NOTHING,
        Reading::NotEmpty => match frame.get("playlistlength") {
            Some("0") => {
                return Err(CommandError::new(
                    ErrorCode::Conflict,
                    "the queue is empty: add a song or play a playlist first",
                ));
            }
            _ => Reply::NOTHING,
        },
        Reading::Playlists => Reply::Playlists(PlaylistsReply {
            playlists: read_playlists(frame),
        }),
        Reading::Playlist(name) => Reply::Playlist(PlaylistReply {
            name: name.clone(),
            items: song::read_all(frame, favourites),
        }),
        Reading::Folder(path) => {
            let names = |kind: &str| frame.values(kind).map(str::to_owned).collect::<Vec<_>>();
            let mut playlists = names("playlist");
            // MPD shows its stored playlists in the top folder; they have a list of their own.
            playlists.retain(|name| name.rsplit('/').next().is_some_and(|name| name.contains('.')));
            playlists.retain(|name| name != check::DRAFT);
            Reply::Browse(BrowseReply {
                path: path.clone(),
                folders: names("directory"),
                songs: song::read_all(frame, favourites),
                playlists,
            })
        }
        Reading::Songs(limit) => {
            let mut songs = song::read_all(frame, favourites);
            let more = songs.len() > *limit as usize;
            songs.truncate(*limit as usize);
            Reply::Songs(SongsReply { songs, more })
        }
        Reading::Values(tag) => {
            let mut values: Vec<_> = frame
                .fields()
                .filter(|(key, value)| key.eq_ignore_ascii_case(filter::tag_name(*tag)) && !value.is_empty())
                .map(|(_, value)| value.to_owned())
                .collect();
            values.sort_by_cached_key(|value| value.to_lowercase());
            values.dedup();
            Reply::Values(ValuesReply { values })
        }
        Reading::Outputs => Reply::Outputs(OutputsReply {
            outputs: read_outputs(frame),
        }),
    })
}

fn read_playlists(frame: &Frame) -> Vec<PlaylistSummary> {
    let mut playlists: Vec<_> = frame
        .objects(&["playlist"])
        .iter()
        .map(|fields| PlaylistSummary {
            name: fields[0].1.to_owned(),
            modified: fields
                .iter()
                .find(|(key, _)| *key == "Last-Modified")
                .map(|(_, value)| (*value).to_owned()),
        })
        .filter(|playlist| playlist.name != check::DRAFT)
        .collect();
    playlists.sort_by_cached_key(|playlist| playlist.name.to_lowercase());
    playlists
}

/// The name under which a playlist is made before it takes its own.
pub(crate) const DRAFT: &str = check::DRAFT;

#[cfg(test)]
mod tests;
