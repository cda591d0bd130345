//! MPD's refusals in the box's words.

use crate::connection::LinkError;
use crate::protocol::{Ack, AckCode, Unsendable};
use amora_contract::{CommandError, ErrorCode};

/// What a command is about, for error messages.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    name: String,
    field: Option<&'static str>,
    /// What a command makes, where that is something else.
    target: Option<String>,
    /// A place in it, with its field.
    index: Option<(u32, &'static str)>,
}

impl Object {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            field: None,
            target: None,
            index: None,
        }
    }

    pub(crate) fn playlist(name: &str, field: &'static str) -> Self {
        Self::new(format!("the playlist `{name}`")).field(field)
    }

    pub(crate) fn song(file: &str, field: &'static str) -> Self {
        Self::new(format!("the song `{file}`")).field(field)
    }

    pub(crate) fn queue_position(position: u32, field: &'static str) -> Self {
        Self::new("the queue").index(position, field)
    }

    /// The parameter that names it.
    pub(crate) fn field(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    /// What the command makes of it.
    pub(crate) fn target(mut self, target: String) -> Self {
        self.target = Some(target);
        self
    }

    /// A place in it.
    pub(crate) fn index(mut self, index: u32, field: &'static str) -> Self {
        self.index = Some((index, field));
        self
    }
}

/// What is said of a song that cannot be sought.
pub(crate) const NOT_SEEKABLE: &str = "the song that is being played has no positions to go to";

/// MPD refused a command about `object`.
pub(crate) fn refused(ack: &Ack, object: &Object) -> CommandError {
    let Object { name, .. } = object;
    let text = ack.text.trim();
    let (code, message, field) = match ack.code {
        AckCode::NoExist => (
            ErrorCode::NotFound,
            format!("{name} does not exist"),
            object.field,
        ),
        AckCode::Argument => match object.index {
            Some((index, field)) => (
                ErrorCode::InvalidParameter,
                format!("parameter `{field}`: {index} is beyond the end of the list ({name})"),
                Some(field),
            ),
            None => {
                let parameter = object
                    .field
                    .map(|field| format!("parameter `{field}`: "))
                    .unwrap_or_default();
                (
                    ErrorCode::InvalidParameter,
                    format!("{parameter}{name}: {text}"),
                    object.field,
                )
            }
        },
        AckCode::Exist => {
            let made = object.target.as_ref().unwrap_or(name);
            (
                ErrorCode::Conflict,
                format!("{made} exists already"),
                object.field,
            )
        }
        AckCode::PlayerSync => (ErrorCode::Conflict, "nothing is being played".to_owned(), None),
        AckCode::PlaylistMax => (
            ErrorCode::Conflict,
            format!("{name} does not fit: MPD's longest list is reached"),
            object.field,
        ),
        AckCode::UpdateAlready => (
            ErrorCode::Conflict,
            "enough library scans are waiting already".to_owned(),
            None,
        ),
        AckCode::Permission | AckCode::Password => (
            ErrorCode::Failed,
            format!(
                "MPD does not permit `{}`: set `password` in [player]",
                ack.command
            ),
            None,
        ),
        AckCode::Unknown if text == "Not seekable" => (ErrorCode::Conflict, NOT_SEEKABLE.to_owned(), None),
        // 5 is also how MPD tells that a song could not be opened.
        AckCode::Unknown | AckCode::NotList | AckCode::System | AckCode::PlaylistLoad | AckCode::Other(_) => {
            (
                ErrorCode::Failed,
                format!("{name}: MPD says: {text}"),
                object.field,
            )
        }
    };
    CommandError {
        code,
        message,
        field: field.map(str::to_owned),
    }
}

/// A command could not be sent.
pub(crate) fn unsendable(reason: Unsendable, object: &Object) -> CommandError {
    CommandError {
        code: ErrorCode::InvalidParameter,
        message: format!("{}: {reason}", object.name),
        field: object.field.map(str::to_owned),
    }
}

/// MPD is away.
pub(crate) fn lost(cause: &LinkError) -> CommandError {
    CommandError::new(
        ErrorCode::Unavailable,
        format!("{cause}; it is being tried again"),
    )
}
