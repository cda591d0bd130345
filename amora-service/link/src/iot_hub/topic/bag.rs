//! The property bag in a topic: `key=value&key=value`, both percent-encoded.

use super::super::encoding::{decode, encode};
use std::fmt;

/// Properties beyond these are not read: the service allows a message 8 KB of them.
const MOST: usize = 256;

/// Properties of a message, in order. The service's own begin with `$.`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties(Vec<(String, String)>);

impl Properties {
    /// No properties.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Those of a JSON message in UTF-8: only with these does the hub's routing look into the body.
    pub fn json() -> Self {
        Self::new().with("$.ct", "application/json").with("$.ce", "utf-8")
    }

    /// With one more.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.0.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Reads a bag; `None` when it cannot be decoded or has too many properties. A key without `=` has no value.
    pub fn parse(bag: &str) -> Option<Self> {
        let mut properties = Vec::new();
        for pair in bag.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if properties.len() == MOST {
                return None;
            }
            properties.push((decode(key)?, decode(value)?));
        }
        Some(Self(properties))
    }

    /// The first value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str())
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl fmt::Display for Properties {
    /// As the bag in a topic.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.0.iter().enumerate() {
            let between = if index == 0 { "" } else { "&" };
            // The service's own keys are written plainly, as its documents have them.
            match key.strip_prefix("$.") {
                Some(system) => write!(f, "{between}$.{}={}", encode(system), encode(value))?,
                None => write!(f, "{between}{}={}", encode(key), encode(value))?,
            }
        }
        Ok(())
    }
}
