//! Commands as MPD reads them.

use std::fmt::Display;

/// MPD closes the connection at a line longer than its 8 KiB input buffer.
const MAX_LINE: usize = 8_000;

/// MPD's default `max_command_list_size` is 2 MiB, counted with its own overhead.
const MAX_LIST: usize = 1 << 20;

/// One command with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    name: &'static str,
    line: String,
}

/// Why a command cannot be put on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// An argument holds a line break or a zero byte.
    #[error("it holds a line break or a zero byte, which MPD cannot take")]
    ControlCharacter,
    /// One line, or the whole list, is longer than MPD accepts.
    #[error("it is longer than MPD accepts")]
    TooLong,
}

impl Command {
    /// A command without arguments.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            line: name.to_owned(),
        }
    }

    /// Adds a text argument.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.line.push_str(" \"");
        push_escaped(&mut self.line, text);
        self.line.push('"');
        self
    }

    /// Adds a number or another word that needs no quotes.
    #[must_use]
    pub fn word(mut self, word: impl Display) -> Self {
        self.line.push(' ');
        self.line.push_str(&word.to_string());
        self
    }

    /// Adds `1` or `0`.
    #[must_use]
    pub fn switch(self, on: bool) -> Self {
        self.word(u8::from(on))
    }

    /// Adds a range from `start` up to but without `end`.
    #[must_use]
    pub fn range(self, start: u32, end: u32) -> Self {
        self.word(format_args!("{start}:{end}"))
    }

    /// The command's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The line without its end.
    pub fn line(&self) -> &str {
        &self.line
    }
}

/// Escapes what would end a quoted string.
pub(crate) fn push_escaped(into: &mut String, text: &str) {
    for character in text.chars() {
        if matches!(character, '"' | '\\' | '\'') {
            into.push('\\');
        }
        into.push(character);
    }
}

/// The bytes of one command, or of several as an atomic command list.
///
/// # Errors
/// [`Unsendable`] when MPD could not take it; nothing must be sent then.
pub fn encode(commands: &[Command]) -> Result<Vec<u8>, Unsendable> {
    let list = commands.len() != 1;
    let mut bytes = Vec::new();
    if list {
        bytes.extend_from_slice(b"command_list_ok_begin\n");
    }
    for command in commands {
        if command.line.contains(['\n', '\r', '\0']) {
            return Err(Unsendable::ControlCharacter);
        }
        if command.line.len() > MAX_LINE {
            return Err(Unsendable::TooLong);
        }
        bytes.extend_from_slice(command.line.as_bytes());
        bytes.push(b'\n');
    }
    if list {
        bytes.extend_from_slice(b"command_list_end\n");
    }
    if bytes.len() > MAX_LIST {
        return Err(Unsendable::TooLong);
    }
    Ok(bytes)
}
