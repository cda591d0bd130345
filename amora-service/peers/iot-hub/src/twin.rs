//! A device twin: two sections of properties with versions, and the rules for what may be in them.

use serde_json::{Map, Value, json};

/// A section may hold 32 KB of names and values.
pub const SECTION_BYTES: usize = 32 * 1024;
const TAGS_BYTES: usize = 8 * 1024;
const NAME_BYTES: usize = 1024;
const STRING_BYTES: usize = 4 * 1024;
const DEPTH: usize = 10;
/// Whole numbers must lie in −2⁵² … 2⁵² − 1.
const INTEGERS: std::ops::RangeInclusive<i64> = -4_503_599_627_370_496..=4_503_599_627_370_495;

/// Why a patch was refused; nothing of it has been applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TwinError {
    /// The patch is not a JSON object.
    #[error("the patch is not a JSON object")]
    NotAnObject,
    /// A name has a character that is not allowed, is empty or is too long.
    #[error("{0:?} cannot be a property's name")]
    Name(String),
    /// A text has more than 4 KB.
    #[error("the value of {0:?} is longer than 4 KB")]
    Text(String),
    /// A whole number is out of range.
    #[error("the number {0:?} is outside of ±2^52")]
    Number(String),
    /// Objects are nested more than ten deep, the section itself not counted.
    #[error("properties are nested more than {DEPTH} deep")]
    Depth,
    /// The section would be too large.
    #[error("the section would have {0} bytes")]
    Size(usize),
}

/// One section: `desired` or `reported`.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    properties: Map<String, Value>,
    version: u64,
}

impl Default for Section {
    fn default() -> Self {
        Self {
            properties: Map::new(),
            version: 1,
        }
    }
}

impl Section {
    /// The version: one more with each change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The properties with `$version`, as the device reads them.
    pub fn document(&self) -> Value {
        let mut document = self.properties.clone();
        document.insert("$version".into(), self.version.into());
        Value::Object(document)
    }

    /// Merges a patch, where null removes, and returns the new version.
    pub fn patch(&mut self, patch: &Value) -> Result<u64, TwinError> {
        let patch = checked(patch)?;
        let mut merged = self.properties.clone();
        merge(&mut merged, patch);
        self.set(merged, SECTION_BYTES)
    }

    /// Puts other properties in place of all that were there, and returns the new version.
    pub fn replace(&mut self, properties: &Value) -> Result<u64, TwinError> {
        let mut fresh = Map::new();
        merge(&mut fresh, checked(properties)?);
        self.set(fresh, SECTION_BYTES)
    }

    fn set(&mut self, properties: Map<String, Value>, limit: usize) -> Result<u64, TwinError> {
        let size = size_of_object(&properties);
        if size > limit {
            return Err(TwinError::Size(size));
        }
        self.properties = properties;
        self.version += 1;
        Ok(self.version)
    }
}

/// What the cloud keeps of a device beside its identity.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Twin {
    /// Written by the cloud, read by the device.
    pub desired: Section,
    /// Written by the device, read by the cloud.
    pub reported: Section,
    /// Seen by the cloud only.
    pub tags: Map<String, Value>,
}

impl Twin {
    /// What a device gets.
    pub fn for_device(&self) -> Value {
        json!({ "desired": self.desired.document(), "reported": self.reported.document() })
    }

    /// Merges a patch into the tags.
    pub fn patch_tags(&mut self, patch: &Value) -> Result<(), TwinError> {
        let mut merged = self.tags.clone();
        merge(&mut merged, checked(patch)?);
        let size = size_of_object(&merged);
        if size > TAGS_BYTES {
            return Err(TwinError::Size(size));
        }
        self.tags = merged;
        Ok(())
    }
}

fn checked(patch: &Value) -> Result<&Map<String, Value>, TwinError> {
    let object = patch.as_object().ok_or(TwinError::NotAnObject)?;
    check_object(object, 0)?;
    Ok(object)
}

fn check_object(object: &Map<String, Value>, depth: usize) -> Result<(), TwinError> {
    if depth > DEPTH {
        return Err(TwinError::Depth);
    }
    for (name, value) in object {
        let forbidden = |letter: char| letter.is_control() || matches!(letter, '.' | '$' | ' ');
        if name.is_empty() || name.len() > NAME_BYTES || name.contains(forbidden) {
            return Err(TwinError::Name(name.chars().take(64).collect()));
        }
        check_value(name, value, depth)?;
    }
    Ok(())
}

fn check_value(name: &str, value: &Value, depth: usize) -> Result<(), TwinError> {
    match value {
        Value::String(text) if text.len() > STRING_BYTES => Err(TwinError::Text(name.into())),
        Value::Number(number)
            if !number.is_f64() && !number.as_i64().is_some_and(|n| INTEGERS.contains(&n)) =>
        {
            Err(TwinError::Number(number.to_string()))
        }
        Value::Object(object) => check_object(object, depth + 1),
        Value::Array(_) if depth >= DEPTH => Err(TwinError::Depth),
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| check_value(name, item, depth + 1)),
        _ => Ok(()),
    }
}

fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => {
                target.remove(name);
            }
            Value::Object(patch) => {
                let inner = target
                    .entry(name.clone())
                    .or_insert_with(|| Value::Object(Map::new()));
                if !inner.is_object() {
                    *inner = Value::Object(Map::new());
                }
                if let Value::Object(inner) = inner {
                    merge(inner, patch);
                }
            }
            _ => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
}

/// As the hub counts: names and texts by their bytes without control characters, numbers as 8, booleans as 4, structure
/// as nothing.
fn size_of_object(object: &Map<String, Value>) -> usize {
    object
        .iter()
        .map(|(name, value)| name.len() + size_of(value))
        .sum()
}

fn size_of(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text
            .chars()
            .filter(|letter| !letter.is_control())
            .map(char::len_utf8)
            .sum(),
        Value::Array(items) => items.iter().map(size_of).sum(),
        Value::Object(object) => size_of_object(object),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Objects in objects, so many below the section.
    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!({ "leaf": 1 }), |inner, _| json!({ "inner": inner }))
    }

    #[test]
    fn a_patch_merges_and_null_removes() {
        let mut section = Section::default();
        section
            .patch(&json!({ "a": { "b": 1, "c": 2 }, "d": "x" }))
            .unwrap();
        assert_eq!(
            section.patch(&json!({ "a": { "b": null, "e": [1, 2] }, "d": { "f": true } })),
            Ok(3)
        );
        assert_eq!(
            section.document(),
            json!({ "a": { "c": 2, "e": [1, 2] }, "d": { "f": true }, "$version": 3 })
        );
        section.replace(&json!({ "only": 1, "gone": null })).unwrap();
        assert_eq!(section.document(), json!({ "only": 1, "$version": 4 }));
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let mut section = Section::default();
        section.patch(&json!({ "kept": 1 })).unwrap();
        let before = section.clone();
        let cases = [
            (json!([1]), TwinError::NotAnObject),
            (json!({ "a.b": 1 }), TwinError::Name("a.b".into())),
            (json!({ "a": { "$b": 1 } }), TwinError::Name("$b".into())),
            (json!({ "a b": 1 }), TwinError::Name("a b".into())),
            (json!({ "a\n": 1 }), TwinError::Name("a\n".into())),
            (json!({ "": 1 }), TwinError::Name(String::new())),
            (json!({ "a": "x".repeat(4097) }), TwinError::Text("a".into())),
            (
                json!({ "a": [4_503_599_627_370_496_i64] }),
                TwinError::Number("4503599627370496".into()),
            ),
            (json!({ "a": u64::MAX }), TwinError::Number(u64::MAX.to_string())),
            (nested(11), TwinError::Depth),
        ];
        for (patch, error) in cases {
            assert_eq!(section.patch(&patch), Err(error));
            assert_eq!(section, before);
        }
        assert_eq!(section.patch(&nested(10)), Ok(3));
    }

    #[test]
    fn a_section_holds_32_kilobytes_and_no_more() {
        let text = "x".repeat(4092);
        let names = ["pad1", "pad2", "pad3", "pad4", "pad5", "pad6", "pad7", "pad8"];
        let full: Map<_, _> = names.iter().map(|name| ((*name).into(), json!(text))).collect();
        let mut section = Section::default();
        assert_eq!(section.patch(&Value::Object(full)), Ok(2));
        assert_eq!(
            section.patch(&json!({ "b": true })),
            Err(TwinError::Size(SECTION_BYTES + 5))
        );
        assert_eq!(section.version(), 2);
        let bell = format!("{text}\u{7}");
        assert_eq!(
            section.patch(&json!({ "pad1": bell })),
            Ok(3),
            "control characters are not counted"
        );
    }
}
