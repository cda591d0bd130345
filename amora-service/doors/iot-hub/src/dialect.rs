//! Direct methods, and messages from the cloud, as commands: the original AmoraOS's names and replies, and every
//! command of the contract by its own name.
//!
//! | Method | Payload | Answer |
//! |---|---|---|
//! | `play`, `pause`, `stop`, `next`, `previous` | any | 200 `{"result": true}` |
//! | `setVolume` `setRepeat` `setRandom` `playPlaylist` `loadPlaylist` | `{"volume"}` `{"repeat"}` `{"random"}` `{"playlist"}` | 200 `{"result": true}` |
//! | `getStatus` | any | 200 `{"result": true, "status": {…}}` |
//! | `getPlaylists` | any | 200 `{"result": true, "playlists": […]}` |
//! | `syncContent` `reboot` | `{"force"}`, any | 200 `{"result": true}` |
//! | `player.seek`, or as a component's command `player*seek` | the command's parameters | 200 and the command's reply |
//!
//! Whatever fails is answered with `{"result": false, "message": …}` and 400, 403, 404, 409, 429, 500, 503 or 504.

use amora_contract::state::{AudioState, PlaybackState, PlayerState};
use amora_contract::units::Timestamp;
use amora_contract::{Command, CommandError, ErrorCode, Reply, State};
use serde_json::{Map, Value, json};

/// Longest name that is looked up.
const LONGEST_NAME: usize = 64;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// The original's `{"result": true}`.
    Done,
    /// The original's `getStatus`.
    Status,
    /// The original's `getPlaylists`.
    Playlists,
    /// The contract's own reply.
    Contract,
}

/// An answer to a method.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// 200 and 202 are good.
    pub status: u16,
    /// A JSON object, or what a command of the contract replies.
    pub body: Value,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The command.
    pub command: Command,
    /// How to write the answer.
    pub style: Style,
}

/// One of the original's methods.
struct Original {
    name: &'static str,
    command: &'static str,
    style: Style,
    /// The parameter that must be there, and the command's name for it.
    needs: Option<(&'static str, &'static str)>,
    /// The parameter that may be there, and the command's name for it.
    takes: Option<(&'static str, &'static str)>,
}

const fn plain(name: &'static str, command: &'static str) -> Original {
    Original {
        name,
        command,
        style: Style::Done,
        needs: None,
        takes: None,
    }
}

const fn with(name: &'static str, command: &'static str, parameter: &'static str) -> Original {
    Original {
        needs: Some((parameter, parameter)),
        ..plain(name, command)
    }
}

const ORIGINALS: [Original; 14] = [
    plain("play", "player.play"),
    plain("pause", "player.pause"),
    plain("stop", "player.stop"),
    plain("next", "player.next"),
    plain("previous", "player.previous"),
    with("setVolume", "audio.set_volume", "volume"),
    with("setRepeat", "player.set_repeat", "repeat"),
    with("setRandom", "player.set_random", "random"),
    with("playPlaylist", "player.play_playlist", "playlist"),
    with("loadPlaylist", "player.queue_playlist", "playlist"),
    Original {
        style: Style::Status,
        ..plain("getStatus", "player.get_status")
    },
    Original {
        style: Style::Playlists,
        ..plain("getPlaylists", "player.get_playlists")
    },
    Original {
        takes: Some(("force", "rescan")),
        ..plain("syncContent", "player.update_library")
    },
    plain("reboot", "box.restart"),
];

/// Reads a method.
///
/// # Errors
/// The answer that says what is wrong.
pub fn method(name: &str, payload: &[u8]) -> Result<Asked, Answer> {
    let original = ORIGINALS.iter().find(|original| original.name == name);
    if let Some(original) = original {
        return original.read(payload);
    }
    // Names of components' commands have a star where the contract's have a dot.
    let contract = name.replacen('*', ".", 1);
    if name.len() > LONGEST_NAME || !contract.contains('.') {
        let shown: String = name.chars().take(LONGEST_NAME).collect();
        return Err(failure(400, format!("Method {shown} not implemented")));
    }
    let params = match payload.trim_ascii() {
        b"" | b"\"\"" => Value::Null,
        payload => serde_json::from_slice(payload)
            .map_err(|error| failure(400, format!("the payload is not JSON: {error}")))?,
    };
    match Command::parse(&contract, params) {
        Ok(command) => Ok(Asked {
            command,
            style: Style::Contract,
        }),
        Err(error) => Err(refusal(&error)),
    }
}

impl Original {
    fn read(&self, payload: &[u8]) -> Result<Asked, Answer> {
        let invalid = || failure(400, format!("Invalid payload for {} method", self.name));
        let given = serde_json::from_slice::<Value>(payload).unwrap_or(Value::Null);
        let mut params = Map::new();
        if let Some((parameter, own)) = self.needs {
            let value = given.get(parameter).ok_or_else(invalid)?;
            params.insert(own.to_owned(), value.clone());
        }
        if let Some((parameter, own)) = self.takes
            && let Some(value) = given.get(parameter)
        {
            params.insert(own.to_owned(), value.clone());
        }
        let command = Command::parse(self.command, Value::Object(params)).map_err(|_| invalid())?;
        Ok(Asked {
            command,
            style: self.style,
        })
    }
}

/// Writes what became of a command.
pub fn answer(style: Style, result: &Result<Reply, CommandError>, state: &State, now: Timestamp) -> Answer {
    let reply = match result {
        Ok(reply) => reply,
        Err(error) => return refusal(error),
    };
    let body = match (style, reply) {
        (Style::Status, Reply::Player(player)) => json!({
            "result": true, "status": player_status(Some(player), state.audio.as_ref(), now),
        }),
        (Style::Playlists, Reply::Playlists(list)) => {
            let names: Vec<&str> = list
                .playlists
                .iter()
                .map(|playlist| playlist.name.as_str())
                .collect();
            json!({"result": true, "playlists": names})
        }
        (Style::Contract, reply) => reply.to_json(),
        _ => json!({"result": true}),
    };
    Answer { status: 200, body }
}

/// The answer to work that goes on: how it ends is told by a message.
pub fn under_way(name: &str) -> Answer {
    let message = format!("{name} goes on; a `methodResult` message tells how it ended");
    Answer {
        status: 202,
        body: json!({"result": true, "message": message}),
    }
}

/// The answer to one call too many.
pub fn too_many() -> Answer {
    failure(429, "too many calls at once; try again in a moment".to_owned())
}

/// The answer where methods are switched off.
pub fn switched_off() -> Answer {
    failure(
        403,
        "this box takes no commands from the cloud: `iot_hub.direct_methods` is off".to_owned(),
    )
}

fn failure(status: u16, message: String) -> Answer {
    let body = json!({"result": false, "message": message});
    Answer { status, body }
}

/// The answer to a command that was refused or failed.
pub fn refusal(error: &CommandError) -> Answer {
    let mut answer = failure(status(error.code), error.message.clone());
    answer.body["code"] = json!(error.code);
    if let Some(field) = &error.field {
        answer.body["field"] = json!(field);
    }
    answer
}

pub(crate) const fn status(code: ErrorCode) -> u16 {
    match code {
        ErrorCode::Malformed | ErrorCode::InvalidParameter | ErrorCode::TooLarge => 400,
        ErrorCode::LoginRequired | ErrorCode::NotAllowed => 403,
        ErrorCode::UnknownCommand | ErrorCode::NotConfigured | ErrorCode::NotFound => 404,
        ErrorCode::Conflict => 409,
        ErrorCode::Busy => 429,
        ErrorCode::Failed => 500,
        ErrorCode::Unavailable => 503,
        ErrorCode::TimedOut => 504,
    }
}

/// The original's player status object.
pub fn player_status(player: Option<&PlayerState>, audio: Option<&AudioState>, now: Timestamp) -> Value {
    let stopped = PlayerState::default();
    let player = player.unwrap_or(&stopped);
    let song = player.song.as_ref();
    let song = song.filter(|_| player.state != PlaybackState::Stop).map(|song| {
        json!({
            "title": song.title, "artist": song.artist, "album": song.album, "file": song.file,
            "duration": song.duration, "position": position(player, now),
        })
    });
    let mut status = json!({
        "state": player.state,
        "volume": audio.map_or(0, |audio| audio.volume.get()),
        "current_song": song,
        "playlist": player.playlist,
        "repeat": player.repeat,
        "random": player.random,
    });
    if let Some(error) = &player.error {
        status["error"] = json!(error);
    }
    status
}

/// Seconds into the song at `now`, to the millisecond.
fn position(player: &PlayerState, now: Timestamp) -> f64 {
    (player.position_now(now).0 * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests;
