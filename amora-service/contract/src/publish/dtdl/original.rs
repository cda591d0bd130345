//! What the original AmoraOS has on the wire: its direct methods, as commands of the box itself, and its status.

use super::schema::with_description;
use serde_json::{Value, json};

/// The player's status.
pub(super) fn status() -> Value {
    let states: Vec<Value> = ["play", "pause", "stop"]
        .iter()
        .map(|word| json!({"name": word, "enumValue": word}))
        .collect();
    let state = json!({"@type": "Enum", "valueSchema": "string", "enumValues": states});
    let song = object(&[
        ("title", "string"),
        ("artist", "string"),
        ("album", "string"),
        ("file", "string"),
        ("duration", "double"),
        ("position", "double"),
    ]);
    json!({"@type": "Object", "fields": [
        {"name": "state", "schema": state},
        {"name": "volume", "schema": "integer"},
        {"name": "current_song", "schema": song, "description": "Null while nothing plays."},
        {"name": "playlist", "schema": "string"},
        {"name": "repeat", "schema": "boolean"},
        {"name": "random", "schema": "boolean"},
        {"name": "error", "schema": "string"},
    ]})
}

/// The methods, each with what it takes.
pub(super) fn commands() -> Vec<Value> {
    let done = || object(&[("result", "boolean")]);
    let with = |mut object: Value, name: &str, schema: Value| {
        if let Some(fields) = object["fields"].as_array_mut() {
            fields.push(json!({"name": name, "schema": schema}));
        }
        object
    };
    let playlists = json!({"@type": "Array", "elementSchema": "string"});
    [
        ("play", "Play.", None, done()),
        ("pause", "Pause.", None, done()),
        ("stop", "Stop.", None, done()),
        ("next", "The next song.", None, done()),
        ("previous", "The previous song.", None, done()),
        (
            "setVolume",
            "Set the volume, 0 to 100.",
            Some(("volume", "integer")),
            done(),
        ),
        (
            "setRepeat",
            "Play the queue again and again.",
            Some(("repeat", "boolean")),
            done(),
        ),
        (
            "setRandom",
            "Play in random order.",
            Some(("random", "boolean")),
            done(),
        ),
        (
            "playPlaylist",
            "Play a playlist.",
            Some(("playlist", "string")),
            done(),
        ),
        (
            "loadPlaylist",
            "Append a playlist to the queue.",
            Some(("playlist", "string")),
            done(),
        ),
        (
            "getStatus",
            "The player's status.",
            None,
            with(done(), "status", status()),
        ),
        (
            "getPlaylists",
            "The playlists.",
            None,
            with(done(), "playlists", playlists),
        ),
        (
            "syncContent",
            "Look for new music.",
            Some(("force", "boolean")),
            done(),
        ),
        ("reboot", "Restart the box.", None, done()),
    ]
    .into_iter()
    .map(|(name, text, takes, answers)| {
        let mut command = json!({
            "@type": "Command",
            "name": name,
            "response": {"name": "reply", "schema": answers},
        });
        if let Some(parameter) = takes {
            command["request"] = json!({"name": "parameters", "schema": object(&[parameter])});
        }
        with_description(&mut command, text);
        command
    })
    .collect()
}

fn object(fields: &[(&str, &str)]) -> Value {
    let fields: Vec<Value> = fields
        .iter()
        .map(|(name, schema)| json!({"name": name, "schema": schema}))
        .collect();
    json!({"@type": "Object", "fields": fields})
}
