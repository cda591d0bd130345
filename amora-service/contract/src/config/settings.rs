//! Every setting by its dotted path, as the schema of [`Config`] describes it: what reading, the environment, the
//! reference and the redaction of secrets go by.

use super::Config;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The key that switches an optional section off (or on) without removing it.
pub const ENABLED: &str = "enabled";

/// What follows a secret's name in the key that names the file which holds it.
pub const FILE_SUFFIX: &str = "_file";

/// One setting, or one section of settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Dotted path.
    pub path: String,
    /// What may be written.
    pub kind: Kind,
    /// The unit of a number.
    pub unit: Option<&'static str>,
    /// What it means, in Markdown.
    pub meaning: String,
    /// Its value when nothing is written; `None` when it is then missing.
    pub default: Option<Value>,
    /// Whether it may be missing: `""` then takes it away.
    pub optional: bool,
    /// Whether it is replaced by `"***"` wherever the configuration is shown.
    pub secret: bool,
    /// Whether `system.configure` may set it, and so the cloud. Nothing is marked (`x-remote` in the schema) that could
    /// cut a box off or open it: no identity, secret, connection, listening address, folder, allow-list or guard of
    /// updates.
    pub remote: bool,
}

/// What may be written for a setting.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number from the first to the second.
    Integer(i64, i64),
    /// A number from the first to the second.
    Number(f64, f64),
    /// True or false.
    Switch,
    /// One of these words; each with its meaning.
    Choice(Vec<(String, String)>),
    /// A list of texts.
    List,
    /// Not a value but a section; `optional` ones are off when they are missing.
    Section {
        /// Whether the box can be without it.
        optional: bool,
    },
}

impl Setting {
    /// The systematic name of its environment variable.
    pub fn variable(&self) -> String {
        format!("AMORA__{}", self.path.replace('.', "__").to_uppercase())
    }

    /// Checks a value and gives it the setting's own type; otherwise says what would be right.
    pub(super) fn check(&self, value: Value) -> Result<Value, String> {
        if self.optional && value == "" {
            return Ok(Value::Null);
        }
        self.kind
            .check(&value)
            .ok_or_else(|| format!("must be {}, not {}", self.kind, shown(&value)))
    }

    /// Reads a value written as plain text, in an environment variable or after a flag.
    pub(super) fn read(&self, text: &str) -> Result<Value, String> {
        if self.optional && text.is_empty() {
            return Ok(Value::Null);
        }
        let wrong = || match self.secret {
            true => format!("must be {}", self.kind),
            false => format!("must be {}, not {:?}", self.kind, excerpt(text)),
        };
        let value = match &self.kind {
            Kind::Text | Kind::Choice(_) => Value::from(text),
            Kind::Integer(..) => Value::from(text.trim().parse::<i64>().map_err(|_| wrong())?),
            Kind::Number(..) => Value::from(text.trim().parse::<f64>().map_err(|_| wrong())?),
            Kind::Switch => Value::from(switch(text).ok_or_else(wrong)?),
            Kind::List => Value::from_iter(text.split(',').map(str::trim).filter(|item| !item.is_empty())),
            Kind::Section { .. } => {
                return Err(format!(
                    "is a section, not a setting; its settings are `{}.…`",
                    self.path
                ));
            }
        };
        self.kind.check(&value).ok_or_else(wrong)
    }
}

impl Kind {
    fn check(&self, value: &Value) -> Option<Value> {
        let one_line = |text: &str| !text.chars().any(char::is_control);
        let fits = match (self, value) {
            (Self::Text, Value::String(text)) => one_line(text),
            (Self::Integer(least, most), Value::Number(number)) => number
                .as_i64()
                .is_some_and(|number| (*least..=*most).contains(&number)),
            (Self::Number(least, most), Value::Number(number)) => number
                .as_f64()
                .is_some_and(|number| (*least..=*most).contains(&number)),
            (Self::Switch, Value::Bool(_)) => true,
            (Self::Choice(words), Value::String(text)) => words.iter().any(|(word, _)| word == text),
            (Self::List, Value::Array(items)) => items.iter().all(|item| item.as_str().is_some_and(one_line)),
            _ => false,
        };
        fits.then(|| value.clone())
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text => write!(f, "text on one line"),
            Self::Integer(least, i64::MAX) => write!(f, "a whole number, {least} or more"),
            Self::Integer(least, most) => write!(f, "a whole number from {least} to {most}"),
            Self::Number(f64::MIN, f64::MAX) => write!(f, "a number"),
            Self::Number(least, f64::MAX) => write!(f, "a number, {least} or more"),
            Self::Number(f64::MIN, most) => write!(f, "a number, {most} or less"),
            Self::Number(least, most) => write!(f, "a number from {least} to {most}"),
            Self::Switch => write!(f, "true or false"),
            Self::Choice(words) => {
                for (index, (word, _)) in words.iter().enumerate() {
                    let before = match index {
                        0 => "",
                        _ if index + 1 == words.len() => " or ",
                        _ => ", ",
                    };
                    write!(f, "{before}\"{word}\"")?;
                }
                Ok(())
            }
            Self::List => write!(f, "a list of texts"),
            Self::Section { .. } => write!(f, "a section"),
        }
    }
}

/// True or false, as people write it in environment variables.
pub(super) fn switch(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// A value as a message shows it.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{:?}", excerpt(text)),
        Value::Array(_) => "a list of anything else".to_owned(),
        Value::Object(_) => "a section".to_owned(),
        other => other.to_string(),
    }
}

/// The beginning of a text that may be long.
pub(super) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Every setting and section, by dotted path.
pub fn settings() -> &'static BTreeMap<String, Setting> {
    static SETTINGS: LazyLock<BTreeMap<String, Setting>> = LazyLock::new(|| {
        let schema = document_schema();
        let mut into = BTreeMap::new();
        collect(&schema, &schema, "", &mut into);
        into
    });
    &SETTINGS
}

/// The JSON Schema of the configuration as it is written: that of [`Config`], and the keys that reading it adds
/// (`enabled` in optional sections, a file in place of each secret).
pub fn document_schema() -> Value {
    let mut schema = schemars::schema_for!(Config).to_value();
    let mut optional = Vec::new();
    let definitions = schema["$defs"].as_object().cloned().unwrap_or_default();
    for object in definitions.values().chain([&schema]) {
        let properties = object["properties"].as_object().into_iter().flat_map(Map::values);
        optional.extend(properties.filter_map(|property| optional_reference(property).map(str::to_owned)));
    }
    let Some(definitions) = schema["$defs"].as_object_mut() else {
        return schema;
    };
    for (name, definition) in definitions {
        let Some(properties) = definition.get_mut("properties").and_then(Value::as_object_mut) else {
            continue;
        };
        let secrets: Vec<String> = properties
            .iter()
            .filter(|(_, property)| property["writeOnly"] == true)
            .map(|(key, _)| key.clone())
            .collect();
        for key in secrets {
            properties.insert(
                format!("{key}{FILE_SUFFIX}"),
                serde_json::json!({
                    "description": format!("File that holds `{key}`, so that it need not stand here; only its owner should be able to read it."),
                    "type": ["string", "null"],
                }),
            );
        }
        if optional.contains(name) {
            properties.insert(
                ENABLED.to_owned(),
                serde_json::json!({
                    "description": "`false` switches the whole section off, as if it were missing.",
                    "type": "boolean",
                    "default": true,
                }),
            );
        }
    }
    schema
}

/// The definition's name, where a property is an optional section.
fn optional_reference(property: &Value) -> Option<&str> {
    let branches = property["anyOf"].as_array()?;
    branches
        .iter()
        .find_map(|branch| branch["$ref"].as_str()?.strip_prefix("#/$defs/"))
}

fn collect(root: &Value, object: &Value, prefix: &str, into: &mut BTreeMap<String, Setting>) {
    for (key, property) in object["properties"].as_object().into_iter().flatten() {
        let path = match prefix {
            "" => key.clone(),
            _ => format!("{prefix}.{key}"),
        };
        let reference = optional_reference(property)
            .or_else(|| property["$ref"].as_str()?.strip_prefix("#/$defs/"))
            .unwrap_or_default();
        let definition = &root["$defs"][reference];
        let is_section = definition["properties"].is_object();
        let kind = match is_section {
            true => Kind::Section {
                optional: property["anyOf"].is_array(),
            },
            false => kind(property, definition),
        };
        let setting = Setting {
            path: path.clone(),
            kind,
            unit: unit(reference),
            meaning: property["description"].as_str().unwrap_or_default().to_owned(),
            default: property
                .get("default")
                .filter(|value| !value.is_null() && !is_section)
                .cloned(),
            optional: is_type(property, "null"),
            secret: property["writeOnly"] == true,
            remote: property["x-remote"] == true,
        };
        into.insert(path.clone(), setting);
        if is_section {
            collect(root, definition, &path, into);
        }
    }
}

fn kind(property: &Value, definition: &Value) -> Kind {
    if let Some(words) = definition["oneOf"].as_array() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        return Kind::Choice(
            words
                .iter()
                .map(|word| (text(&word["const"]), text(&word["description"])))
                .collect(),
        );
    }
    let find = |key: &str| {
        property
            .get(key)
            .or_else(|| definition.get(key))
            .unwrap_or(&Value::Null)
    };
    let is = |name| is_type(property, name) || is_type(definition, name);
    if is("integer") {
        let bound = |key| find(key).as_f64().map(|bound| bound as i64);
        Kind::Integer(
            bound("minimum").unwrap_or(i64::MIN),
            bound("maximum").unwrap_or(i64::MAX),
        )
    } else if is("number") {
        let bound = |key| find(key).as_f64();
        Kind::Number(
            bound("minimum").unwrap_or(f64::MIN),
            bound("maximum").unwrap_or(f64::MAX),
        )
    } else if is("boolean") {
        Kind::Switch
    } else if is("array") {
        Kind::List
    } else {
        Kind::Text
    }
}

/// Whether a schema's `type` is or includes `name`.
fn is_type(schema: &Value, name: &str) -> bool {
    let kind = &schema["type"];
    kind == name
        || kind
            .as_array()
            .is_some_and(|kinds| kinds.iter().any(|kind| kind == name))
}

/// The unit that a type of [`crate::units`] stands for.
fn unit(definition: &str) -> Option<&'static str> {
    Some(match definition {
        "Frames" => "frames",
        "Millis" => "ms",
        "Seconds" => "s",
        "Decibels" => "dB",
        "Hertz" => "Hz",
        "Bytes" => "bytes",
        "PartsPerMillion" => "ppm",
        _ => return None,
    })
}
