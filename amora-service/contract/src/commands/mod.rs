//! Everything that can be asked of a box: one `Command`, written `section.verb` with an object of parameters.

mod audio;
mod catalogue;
mod player;
mod power;
mod system;
mod update;
mod voice;

pub use audio::*;
pub(crate) use catalogue::names as catalogue_names;
pub use catalogue::{CommandDescription, catalogue};
pub use player::*;
pub use power::*;
pub use system::*;
pub use update::*;
pub use voice::*;

use crate::reply::{CommandError, ErrorCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// One request to the box. `Command::parse` reads it from its name and parameters.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Music: playback, queue, library, playlists.
    Player(PlayerCommand),
    /// The sound card and what is mixed into it.
    Audio(AudioCommand),
    /// The voice call.
    Voice(VoiceCommand),
    /// The box itself.
    System(SystemCommand),
    /// Updates of the whole image.
    Update(UpdateCommand),
    /// The machine as a whole.
    Box(BoxCommand),
}

/// The part of the box that answers a command; each capability owns one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Section {
    /// See [`Command::Player`].
    Player,
    /// See [`Command::Audio`].
    Audio,
    /// See [`Command::Voice`].
    Voice,
    /// See [`Command::System`].
    System,
    /// See [`Command::Update`].
    Update,
    /// See [`Command::Box`].
    Box,
}

impl Section {
    /// The word before the dot in a command's name, and the section's key in the state document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Player => "player",
            Self::Audio => "audio",
            Self::Voice => "voice",
            Self::System => "system",
            Self::Update => "update",
            Self::Box => "box",
        }
    }
}

impl Command {
    /// Reads a command from its published name and its parameters. `Value::Null` stands for "no parameters".
    /// Unknown extra fields are ignored.
    ///
    /// # Errors
    /// `unknown_command` when no command has that name; `invalid_parameter` with the field's path otherwise.
    pub fn parse(name: &str, params: Value) -> Result<Self, CommandError> {
        let params = match params {
            Value::Null => Value::Object(serde_json::Map::new()),
            Value::Object(_) => params,
            _ => return Err(CommandError::invalid("params", "must be an object")),
        };
        let parsed = match name.split_once('.').map(|(section, _)| section) {
            Some("player") => PlayerCommand::parse(name, params).map(Self::Player),
            Some("audio") => AudioCommand::parse(name, params).map(Self::Audio),
            Some("voice") => VoiceCommand::parse(name, params).map(Self::Voice),
            Some("system") => SystemCommand::parse(name, params).map(Self::System),
            Some("update") => UpdateCommand::parse(name, params).map(Self::Update),
            Some("box") => BoxCommand::parse(name, params).map(Self::Box),
            _ => Err(CommandError::unknown(name)),
        };
        parsed.map_err(|error| match error.code {
            ErrorCode::UnknownCommand => error.with_suggestion(name),
            _ => error,
        })
    }

    /// The published name, `section.verb`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Player(command) => command.name(),
            Self::Audio(command) => command.name(),
            Self::Voice(command) => command.name(),
            Self::System(command) => command.name(),
            Self::Update(command) => command.name(),
            Self::Box(command) => command.name(),
        }
    }

    /// The parameters as JSON, the inverse of [`Command::parse`].
    pub fn params(&self) -> Value {
        match self {
            Self::Player(command) => command.params(),
            Self::Audio(command) => command.params(),
            Self::Voice(command) => command.params(),
            Self::System(command) => command.params(),
            Self::Update(command) => command.params(),
            Self::Box(command) => command.params(),
        }
    }

    /// The part of the box that answers.
    pub const fn section(&self) -> Section {
        match self {
            Self::Player(_) => Section::Player,
            Self::Audio(_) => Section::Audio,
            Self::Voice(_) => Section::Voice,
            Self::System(_) => Section::System,
            Self::Update(_) => Section::Update,
            Self::Box(_) => Section::Box,
        }
    }
}

impl From<PlayerCommand> for Command {
    fn from(command: PlayerCommand) -> Self {
        Self::Player(command)
    }
}

impl From<AudioCommand> for Command {
    fn from(command: AudioCommand) -> Self {
        Self::Audio(command)
    }
}

impl From<VoiceCommand> for Command {
    fn from(command: VoiceCommand) -> Self {
        Self::Voice(command)
    }
}

impl From<SystemCommand> for Command {
    fn from(command: SystemCommand) -> Self {
        Self::System(command)
    }
}

impl From<UpdateCommand> for Command {
    fn from(command: UpdateCommand) -> Self {
        Self::Update(command)
    }
}

impl From<BoxCommand> for Command {
    fn from(command: BoxCommand) -> Self {
        Self::Box(command)
    }
}

/// Reads one parameter object, naming the field that is wrong.
fn read_params<T: DeserializeOwned>(params: Value) -> Result<T, CommandError> {
    serde_path_to_error::deserialize(params).map_err(|error| {
        let path = error.path().to_string();
        let reason = error.into_inner().to_string();
        // A missing field is reported at its parent: take its name from the message instead.
        let missing = reason
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split('`').next());
        match (missing, path.as_str()) {
            (Some(field), ".") => CommandError::invalid(field, "is required"),
            (Some(field), parent) => CommandError::invalid(&format!("{parent}.{field}"), "is required"),
            (None, ".") => CommandError::invalid("params", &reason),
            (None, field) => CommandError::invalid(field, &reason),
        }
    })
}

/// Declares one section's commands: the enum, reading, names and the catalogue entries, from one list.
macro_rules! commands {
    (
        $(#[$doc:meta])*
        $enum:ident {
            $( $(#[doc = $text:literal])+ $name:literal => $variant:ident $( ( $params:ty ) )? -> $reply:ty, )+
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $enum {
            $( $(#[doc = $text])+ $variant $( ( $params ) )?, )+
        }

        impl $enum {
            pub(super) fn parse(
                name: &str,
                params: serde_json::Value,
            ) -> Result<Self, $crate::reply::CommandError> {
                match name {
                    $( $name => commands!(@parse params, $variant $( ( $params ) )?), )+
                    _ => Err($crate::reply::CommandError::unknown(name)),
                }
            }

            /// The published name, `section.verb`.
            pub const fn name(&self) -> &'static str {
                match self {
                    $( commands!(@pattern $variant $( ( $params ) )?) => $name, )+
                }
            }

            pub(super) fn params(&self) -> serde_json::Value {
                match self {
                    $( commands!(@bind params $variant $( ( $params ) )?) =>
                        commands!(@value params $( ( $params ) )?), )+
                }
            }

            pub(super) fn describe(
                generator: &mut schemars::SchemaGenerator,
                into: &mut Vec<super::CommandDescription>,
            ) {
                $( into.push(super::CommandDescription {
                    name: $name,
                    text: concat!($($text, "\n"),+),
                    params: commands!(@schema generator $( ( $params ) )?),
                    reply: generator.subschema_for::<$reply>(),
                }); )+
            }
        }
    };
    (@parse $value:ident, $variant:ident ( $params:ty )) => {
        super::read_params::<$params>($value).map(Self::$variant)
    };
    (@parse $value:ident, $variant:ident) => {{
        let _ = $value;
        Ok(Self::$variant)
    }};
    (@pattern $variant:ident ( $params:ty )) => { Self::$variant(_) };
    (@pattern $variant:ident) => { Self::$variant };
    (@bind $binding:ident $variant:ident ( $params:ty )) => { Self::$variant($binding) };
    (@bind $binding:ident $variant:ident) => { Self::$variant };
    (@value $binding:ident ( $params:ty )) => {
        serde_json::to_value($binding).expect("parameter types serialise to JSON objects")
    };
    (@value $binding:ident) => { serde_json::Value::Object(serde_json::Map::new()) };
    (@schema $generator:ident ( $params:ty )) => { Some($generator.subschema_for::<$params>()) };
    (@schema $generator:ident) => { None };
}
use commands;

#[cfg(test)]
mod tests;
