//! The original's command names: an allow-list, so that no name reaches anything that is not meant to be reached.

use super::Shape;
use serde_json::{Map, Value};

const NAMES: &[(&str, &str, Shape)] = &[
    ("play", "player.play", Shape::Done),
    ("pause", "player.pause", Shape::Done),
    ("toggle", "player.toggle", Shape::Done),
    ("stop", "player.stop", Shape::Done),
    ("next", "player.next", Shape::Done),
    ("previous", "player.previous", Shape::Done),
    ("seek", "player.seek", Shape::Done),
    ("set_volume", "player.set_volume", Shape::Done),
    ("get_volume", "player.get_volume", Shape::Volume),
    ("get_status", "player.get_status", Shape::Status),
    ("set_repeat", "player.set_repeat", Shape::Done),
    ("set_random", "player.set_random", Shape::Done),
    ("set_crossfade", "player.set_crossfade", Shape::Done),
    ("update_database", "player.update_library", Shape::Done),
    ("get_playlists", "player.get_playlists", Shape::Playlists),
    ("get_playlist_songs", "player.get_playlist", Shape::Songs),
    ("play_playlist", "player.play_playlist", Shape::Done),
    ("create_playlist", "player.create_playlist", Shape::Done),
    ("delete_playlist", "player.delete_playlist", Shape::Done),
    ("play_track", "player.play_track", Shape::Done),
    ("add_track", "player.add_track", Shape::Done),
    ("remove_track", "player.remove_track", Shape::Done),
    ("reorder_track", "player.reorder_track", Shape::Done),
];

/// The contract's name of one of the original's, in either spelling.
pub(super) fn lookup(name: &str) -> Option<(&'static str, Shape)> {
    // No name is longer, and an endless one need not be rewritten to find that out.
    if name.len() > 64 {
        return None;
    }
    let name = snake_case(name);
    NAMES
        .iter()
        .find(|(original, ..)| *original == name)
        .map(|(_, contract, shape)| (*contract, *shape))
}

/// Parameters with the keys that the contract reads. Unknown ones stay: the contract ignores them.
pub(super) fn params(contract: &str, params: Value) -> Value {
    let Value::Object(given) = params else {
        return params;
    };
    let mut read = Map::new();
    for (key, value) in given {
        let snake = snake_case(&key);
        // A key that was sent in the contract's spelling wins.
        if snake == key || !read.contains_key(&snake) {
            read.insert(snake, whole(value));
        }
    }
    if contract == "player.create_playlist" {
        for (other, key) in [
            ("playlist_name", "name"),
            ("playlist", "name"),
            ("songs", "files"),
        ] {
            if let Some(value) = read.remove(other)
                && !read.contains_key(key)
            {
                read.insert(key.to_owned(), value);
            }
        }
    }
    Value::Object(read)
}

/// Python and JavaScript write whole numbers as they like; `5.0` means 5.
fn whole(value: Value) -> Value {
    match value.as_f64() {
        Some(number)
            if !value.is_i64() && !value.is_u64() && number.fract() == 0.0 && number.abs() < 1e15 =>
        {
            Value::from(number as i64)
        }
        _ => value,
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            if !snake.is_empty() && !snake.ends_with('_') {
                snake.push('_');
            }
            snake.push(letter.to_ascii_lowercase());
        } else {
            snake.push(letter);
        }
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_spellings_of_every_name_are_known() {
        for (original, contract, shape) in NAMES {
            let mut camel = String::new();
            for (index, word) in original.split('_').enumerate() {
                let (head, tail) = word.split_at(1);
                match index {
                    0 => camel.push_str(word),
                    _ => camel.push_str(&(head.to_uppercase() + tail)),
                }
            }
            assert_eq!(lookup(original), Some((*contract, *shape)));
            assert_eq!(lookup(&camel), Some((*contract, *shape)), "{camel}");
        }
    }

    #[test]
    fn nothing_else_is_known() {
        for name in ["", "__init__", "shutdown", "play ", "PLAY", &"play".repeat(1000)] {
            assert_eq!(lookup(name), None, "{name}");
        }
    }

    #[test]
    fn keys_are_read_in_both_spellings_and_numbers_in_both_manners() {
        assert_eq!(
            params("player.play_track", json!({"trackIndex": 3.0, "album_art": null})),
            json!({"track_index": 3, "album_art": null})
        );
        assert_eq!(
            params(
                "player.create_playlist",
                json!({"playlistName": "Evening", "files": ["a.ogg"]})
            ),
            json!({"name": "Evening", "files": ["a.ogg"]})
        );
        assert_eq!(params("player.play", json!([1])), json!([1]));
    }
}
