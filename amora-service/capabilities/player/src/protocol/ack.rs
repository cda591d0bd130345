//! MPD's refusals.

use super::ProtocolError;

/// A refusal: `ACK [code@index] {command} text`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Ack {
    /// The kind.
    pub code: AckCode,
    /// Index of the refused command in its list.
    pub index: usize,
    /// The refused command.
    pub command: String,
    /// The reason, for people.
    pub text: String,
}

/// The kinds of refusal (MPD's `src/protocol/Ack.hxx`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AckCode {
    /// 1: a list command outside a list.
    NotList,
    /// 2: a wrong argument.
    Argument,
    /// 3: a wrong password.
    Password,
    /// 4: the command needs a password.
    Permission,
    /// 5: unknown or switched-off command.
    Unknown,
    /// 50: what the command names does not exist.
    NoExist,
    /// 51: the queue or playlist is full.
    PlaylistMax,
    /// 52: the system failed.
    System,
    /// 53: a playlist could not be read.
    PlaylistLoad,
    /// 54: too many library updates wait already.
    UpdateAlready,
    /// 55: not possible in the present state of playback.
    PlayerSync,
    /// 56: it exists already.
    Exist,
    /// One that this crate does not know.
    Other(u32),
}

impl From<u32> for AckCode {
    fn from(code: u32) -> Self {
        match code {
            1 => Self::NotList,
            2 => Self::Argument,
            3 => Self::Password,
            4 => Self::Permission,
            5 => Self::Unknown,
            50 => Self::NoExist,
            51 => Self::PlaylistMax,
            52 => Self::System,
            53 => Self::PlaylistLoad,
            54 => Self::UpdateAlready,
            55 => Self::PlayerSync,
            56 => Self::Exist,
            other => Self::Other(other),
        }
    }
}

impl Ack {
    /// Reads what follows `ACK `.
    pub(super) fn parse(line: &str) -> Result<Self, ProtocolError> {
        let parts = || {
            let (place, rest) = line.strip_prefix('[')?.split_once("] {")?;
            let (code, index) = place.split_once('@')?;
            let (command, text) = rest.split_once('}')?;
            Some(Self {
                code: AckCode::from(code.parse::<u32>().ok()?),
                index: index.parse().ok()?,
                command: command.to_owned(),
                text: text.trim_start().to_owned(),
            })
        };
        parts().ok_or_else(|| ProtocolError::unexpected(line))
    }
}
