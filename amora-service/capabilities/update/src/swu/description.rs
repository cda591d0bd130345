//! What an update says of itself in its `sw-description`, and whether that fits this box.

use super::libconfig::{Value, parse};
use super::version;
use crate::error::Refusal;
use amora_contract::state::UpdateCause;
use std::cmp::Ordering;

/// An update's description, as far as it is judged here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The version of the image.
    pub version: String,
    /// Whether it holds only a list of chunks, which SWUpdate has to fetch.
    pub delta: bool,
    /// Where the full image is, for a delta.
    pub full: Option<String>,
    /// Revisions that any board may have; empty where they are given for each board.
    revisions: Vec<String>,
    /// The boards that it names, each with its revisions.
    boards: Vec<Board>,
}

/// A board, by its name and revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// For example `raspberrypi4-64`.
    pub name: String,
    /// For example `1.0`.
    pub revisions: Vec<String>,
}

impl Description {
    /// Reads a `sw-description`.
    ///
    /// # Errors
    /// When it cannot be read, or has no version.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let malformed = |reason: String| {
            Refusal::new(
                UpdateCause::Malformed,
                format!("the update's `sw-description` cannot be read: {reason}"),
            )
        };
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not text".to_owned()))?;
        let document = parse(text).map_err(malformed)?;
        let software = document
            .get("software")
            .ok_or_else(|| malformed("it has no `software`".to_owned()))?;
        let version = software
            .get("version")
            .and_then(Value::text)
            .filter(|version| (1..=128).contains(&version.len()) && !version.contains(char::is_control))
            .ok_or_else(|| malformed("it has no `version`".to_owned()))?;
        let Value::Group(settings) = software else {
            return Err(malformed("`software` is no group".to_owned()));
        };
        let boards = settings.iter().filter_map(|(name, value)| {
            let revisions = revisions(value)?;
            let name = name.clone();
            Some(Board { name, revisions })
        });
        let full = software.get("amora").and_then(|amora| amora.get("full"));
        Ok(Self {
            version: version.to_owned(),
            delta: has_delta(software),
            full: full.and_then(Value::text).map(str::to_owned),
            revisions: revisions(software).unwrap_or_default(),
            boards: boards.collect(),
        })
    }

    /// Whether the update is for this board. SWUpdate asks the same.
    ///
    /// # Errors
    /// `wrong_board` when it is not.
    pub fn check_board(&self, name: &str, revision: &str) -> Result<(), Refusal> {
        let own = self.boards.iter().find(|board| board.name == name);
        let revisions = own.map_or(&self.revisions, |board| &board.revisions);
        // A pattern is SWUpdate's business.
        if revisions
            .iter()
            .any(|known| known == revision || known.starts_with("#RE:"))
        {
            return Ok(());
        }
        let made_for: Vec<&str> = self.boards.iter().map(|board| board.name.as_str()).collect();
        let reason = match (own, made_for.as_slice()) {
            (Some(_), _) => format!(
                "the update is for {name} of revision {}, and this one is {revision}",
                revisions.join(" or ")
            ),
            (None, []) => format!("the update does not say that it is made for {name}"),
            (None, boards) => format!(
                "the update is made for {}, and this board is {name}",
                boards.join(" or ")
            ),
        };
        Err(Refusal::new(UpdateCause::WrongBoard, reason))
    }

    /// Whether the update is no older than `floor`. SWUpdate asks the same.
    ///
    /// # Errors
    /// `downgrade` when it is older.
    pub fn check_floor(&self, floor: &str) -> Result<(), Refusal> {
        match version::compare(&self.version, floor) {
            Ordering::Less => Err(Refusal::new(
                UpdateCause::Downgrade,
                format!(
                    "the update is version {}, and this box takes none below {floor}",
                    self.version
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Whether the update can stand in for a delta of version `delta`: with another version, or with another delta, the
    /// box would get what nobody asked for, or go on like this for ever.
    ///
    /// # Errors
    /// `malformed` when it cannot.
    pub fn check_fallback(&self, delta: &str) -> Result<(), Refusal> {
        let reason = if self.delta {
            "what is named as the full image is a delta too".to_owned()
        } else if self.version != delta {
            format!(
                "what is named as the full image is version {}, and the delta is {delta}",
                self.version
            )
        } else {
            return Ok(());
        };
        Err(Refusal::new(UpdateCause::Malformed, reason))
    }
}

/// Whether a part is written by SWUpdate's handler for chunks, for whatever board and slot.
fn has_delta(value: &Value) -> bool {
    match value {
        Value::Group(settings) => {
            value.get("type").and_then(Value::text) == Some("delta")
                || settings.iter().any(|(_, value)| has_delta(value))
        }
        Value::List(values) => values.iter().any(has_delta),
        Value::Text(_) | Value::Word(_) => false,
    }
}

fn revisions(group: &Value) -> Option<Vec<String>> {
    match group.get("hardware-compatibility")? {
        Value::List(values) => Some(values.iter().filter_map(Value::text).map(str::to_owned).collect()),
        _ => None,
    }
}
