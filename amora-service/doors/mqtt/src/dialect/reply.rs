//! Answers, in the dialect of the request.

use super::{Asked, Dialect, Shape, status};
use amora_contract::reply::PlaylistReply;
use amora_contract::state::{Song, State};
use amora_contract::units::Timestamp;
use amora_contract::{CommandError, ErrorCode, Reply};
use serde_json::{Map, Value, json};

/// An answer. `state` is the box's state after the command.
///
/// `data` serves both dialects at once: `result` is what the original device returned, and beside it stand the
/// fields that the original clients read (`status`, `playlists`).
pub fn encode(asked: &Asked, result: &Result<Reply, CommandError>, state: &State, now: Timestamp) -> Vec<u8> {
    match result {
        Ok(reply) => message(
            asked,
            true,
            format!("Command {} executed", asked.name),
            data(asked.shape, reply, state, now),
            None,
            now,
        ),
        Err(error) => encode_error(asked, error, now),
    }
}

/// An answer that says why nothing was done.
pub fn encode_error(asked: &Asked, error: &CommandError, now: Timestamp) -> Vec<u8> {
    let text = match error.code {
        ErrorCode::UnknownCommand => {
            let name: String = asked.name.chars().take(64).collect();
            format!("Command {name} not supported")
        }
        _ => format!("Error executing command: {error}"),
    };
    message(asked, false, text, Value::Null, Some(json!(error)), now)
}

/// The data of `getPlaylists` for clients that expect the songs in it.
pub fn playlists_with_songs(playlists: &[PlaylistReply], state: &State) -> Value {
    let current = state
        .player
        .as_ref()
        .and_then(|player| player.song.as_ref())
        .map(|song| song.file.as_str());
    let item = |(position, song): (usize, &Song)| {
        json!({
            "title": song.title, "artist": song.artist, "album": song.album, "albumArt": null,
            "duration": song.duration, "file": song.file, "position": position,
            "isCurrent": current == Some(song.file.as_str()),
        })
    };
    let names: Vec<&str> = playlists.iter().map(|playlist| playlist.name.as_str()).collect();
    let playlists: Vec<Value> = playlists
        .iter()
        .map(|playlist| {
            let items: Vec<Value> = playlist.items.iter().enumerate().map(item).collect();
            json!({"name": playlist.name, "items": items})
        })
        .collect();
    json!({"result": names, "playlists": playlists})
}

/// An answer with data that was put together elsewhere.
pub(crate) fn encode_data(asked: &Asked, data: Value, now: Timestamp) -> Vec<u8> {
    message(
        asked,
        true,
        format!("Command {} executed", asked.name),
        data,
        None,
        now,
    )
}

fn data(shape: Shape, reply: &Reply, state: &State, now: Timestamp) -> Value {
    match (shape, reply) {
        (Shape::Contract, reply) => json!({"result": reply.to_json()}),
        (Shape::Volume, Reply::Volume(reply)) => json!({"result": reply.volume, "volume": reply.volume}),
        (Shape::Status, Reply::Player(player)) => {
            let status = Value::Object(status::player_status(Some(player), state.audio.as_ref(), now));
            json!({"result": status, "status": status})
        }
        (Shape::Playlists, Reply::Playlists(reply)) => {
            let bare = |name: &String| PlaylistReply {
                name: name.clone(),
                items: Vec::new(),
            };
            let playlists: Vec<_> = reply
                .playlists
                .iter()
                .map(|playlist| bare(&playlist.name))
                .collect();
            playlists_with_songs(&playlists, state)
        }
        (Shape::Songs, Reply::Playlist(reply)) => json!({"result": reply.items, "items": reply.items}),
        _ => json!({"result": true}),
    }
}

fn message(
    asked: &Asked,
    result: bool,
    message: String,
    data: Value,
    error: Option<Value>,
    now: Timestamp,
) -> Vec<u8> {
    let (key, timestamp) = match asked.dialect {
        Dialect::Device => ("command_id", json!(now.seconds())),
        Dialect::Client => ("commandId", json!(now)),
    };
    let mut answer = Map::new();
    answer.insert(key.to_owned(), asked.id.clone().unwrap_or_default());
    answer.insert("result".to_owned(), result.into());
    answer.insert("message".to_owned(), message.into());
    answer.insert("data".to_owned(), data);
    if let Some(error) = error {
        answer.insert("error".to_owned(), error);
    }
    answer.insert("timestamp".to_owned(), timestamp);
    Value::Object(answer).to_string().into_bytes()
}
