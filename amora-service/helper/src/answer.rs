//! What is answered: one line of JSON.

use crate::HelperError;
use crate::slot::{LastWords, Status};
use serde_json::{Value, json};

/// The answer to a request that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Done.
    Done,
    /// How the slots stand.
    Status(Status),
    /// What kernels said last, the newest last.
    LastWords(Vec<LastWords>),
}

impl Answer {
    /// The line that answers.
    pub fn line(result: &Result<Self, HelperError>) -> String {
        let value = match result {
            Ok(Self::Done) => json!({"done": true}),
            Ok(Self::Status(status)) => serde_json::to_value(status).unwrap_or(Value::Null),
            Ok(Self::LastWords(words)) => json!({"last_words": words}),
            Err(error) => json!({"error": error.to_string()}),
        };
        format!("{value}\n")
    }
}
