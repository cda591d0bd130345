//! Where a setting was written, as people are told.

use std::path::PathBuf;

/// Where a setting was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere.
    Default,
    /// In the embedded recipe.
    Recipe {
        /// Its name.
        name: String,
        /// Counted from 1; 0 means the whole.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
    },
    /// In a file.
    File {
        /// The file.
        path: PathBuf,
        /// Counted from 1; 0 means the whole.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
    },
    /// In what `system.configure` keeps.
    Command,
    /// In this environment variable.
    Environment(String),
    /// After this flag.
    Flag(String),
}

impl Origin {
    /// Line and column, where it is in a document.
    pub(in crate::config) fn position(&self) -> (usize, usize) {
        match self {
            Self::Recipe { line, column, .. } | Self::File { line, column, .. } => (*line, *column),
            _ => (0, 0),
        }
    }

    /// As [`Display`](std::fmt::Display), with the column.
    pub(in crate::config) fn place(&self) -> String {
        match self {
            Self::Recipe {
                line: 1.., column, ..
            }
            | Self::File {
                line: 1.., column, ..
            } => {
                format!("{self}:{column}")
            }
            _ => self.to_string(),
        }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => write!(f, "default"),
            Self::Recipe { name, line: 0, .. } => write!(f, "recipe {name}"),
            Self::Recipe { name, line, .. } => write!(f, "recipe {name}:{line}"),
            Self::File { path, line: 0, .. } => write!(f, "{}", path.display()),
            Self::File { path, line, .. } => write!(f, "{}:{line}", path.display()),
            Self::Command => write!(f, "system.configure"),
            Self::Environment(name) => write!(f, "{name}"),
            Self::Flag(name) => write!(f, "{name}"),
        }
    }
}
