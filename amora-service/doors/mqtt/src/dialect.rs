//! The two dialects of the original AmoraOS, and the box's own command names, in one place.
//!
//! The device dialect is snake_case with float seconds, the client dialect camelCase with milliseconds. A request
//! is answered in the dialect it came in. Both may use the original's command names (`set_volume`, `setVolume`) or
//! the contract's (`player.set_volume`). [`parse`] takes any bytes and never fails: what is wrong becomes the error
//! that the answer carries.

mod names;
mod reply;
mod salvage;
mod status;

pub(crate) use reply::encode_data;
pub use reply::{encode, encode_error, playlists_with_songs};
pub(crate) use status::position;
pub use status::{StateMessage, player_status};

use amora_contract::{Command, CommandError, ErrorCode};
use serde_json::{Map, Value};

/// How a client writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// snake_case, seconds.
    Device,
    /// camelCase, milliseconds.
    Client,
}

/// Which shape the `result` of an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The original's methods without a result: `true`.
    Done,
    /// A number.
    Volume,
    /// The player status object, also as `data.status`.
    Status,
    /// Names, and objects with songs as `data.playlists`.
    Playlists,
    /// A list of songs, also as `data.items`.
    Songs,
    /// The contract's own reply.
    Contract,
}

/// What is needed to answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// How to write the answer.
    pub dialect: Dialect,
    /// The id as it was sent; `None` when there was none that could be read.
    pub id: Option<Value>,
    /// The command's name as it was sent.
    pub name: String,
    /// Shape of the result.
    pub shape: Shape,
}

/// A message on the command topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// For the answer.
    pub asked: Asked,
    /// What to do, or why that cannot be told.
    pub command: Result<Command, CommandError>,
}

/// Reads a message on the command topic.
pub fn parse(payload: &[u8]) -> Request {
    match serde_json::from_slice::<Value>(payload) {
        Ok(Value::Object(message)) => read(message),
        Ok(_) => broken(payload, malformed("a command must be a JSON object")),
        Err(error) => broken(payload, malformed(&format!("not valid JSON: {error}"))),
    }
}

/// The answer's address of a message that is not read at all, because it is too large or damaged.
pub fn refuse(payload: &[u8], error: CommandError) -> Request {
    broken(payload, error)
}

fn malformed(reason: &str) -> CommandError {
    CommandError::new(ErrorCode::Malformed, reason)
}

fn broken(payload: &[u8], error: CommandError) -> Request {
    let (dialect, id) = salvage::id(payload);
    let asked = Asked {
        dialect,
        id: id.map(Value::String),
        name: salvage::command(payload).unwrap_or_default(),
        shape: Shape::Done,
    };
    Request {
        asked,
        command: Err(error),
    }
}

fn read(mut message: Map<String, Value>) -> Request {
    let mut id = |key| message.remove(key).filter(|id| id.is_string() || id.is_number());
    let (device, client) = (id("command_id"), id("commandId"));
    let dialect = match (&device, &client) {
        (Some(_), _) => Dialect::Device,
        (None, Some(_)) => Dialect::Client,
        // Without an id the timestamp tells: seconds reach this number in the year 5138.
        (None, None) => match message.get("timestamp").and_then(Value::as_f64) {
            Some(timestamp) if timestamp > 1e11 => Dialect::Client,
            _ => Dialect::Device,
        },
    };
    let mut asked = Asked {
        dialect,
        id: device.or(client),
        name: String::new(),
        shape: Shape::Done,
    };
    let name = match message.remove("command") {
        Some(Value::String(name)) => name,
        Some(_) => {
            let command = Err(CommandError::invalid("command", "must be a text"));
            return Request { asked, command };
        }
        None => {
            let command = Err(CommandError::invalid("command", "is required"));
            return Request { asked, command };
        }
    };
    let params = message.remove("params").unwrap_or(Value::Null);
    let command = match names::lookup(&name) {
        Some((contract, shape)) => {
            asked.shape = shape;
            Command::parse(contract, names::params(contract, params))
        }
        None if name.contains('.') => {
            asked.shape = Shape::Contract;
            Command::parse(&name, names::params(&name, params))
        }
        None => Err(CommandError::unknown(&name)),
    };
    asked.name = name;
    Request { asked, command }
}

#[cfg(test)]
mod tests;
