//! The settings that `system.configure` made: a JSON document in the data folder, nested as the configuration is.

use super::document::{segment, unknown};
use super::error::Problem;
use super::layers::{Given, Origin};
use super::settings::{Kind, Setting, settings};
use serde_json::{Map, Value};
use std::path::Path;

/// The document's name in the data folder.
pub(super) const FILE: &str = "settings.json";

/// Longest document that is kept; a real one is a hundred times shorter.
pub(super) const LIMIT: usize = 64 * 1024;

/// What a document of settings says.
#[derive(Default)]
pub(super) struct Read {
    /// What is right; nulls are left out.
    pub(super) given: Vec<Given>,
    /// Settings that exist, but are not set this way.
    pub(super) forbidden: Vec<Problem>,
    /// What is wrong.
    pub(super) problems: Vec<Problem>,
}

/// Reads a document. However deep it is nested, it is followed only as far as there are sections.
pub(super) fn read(document: &Map<String, Value>) -> Read {
    let mut read = Read::default();
    read.section(document, "");
    read
}

impl Read {
    fn section(&mut self, document: &Map<String, Value>, prefix: &str) {
        for (key, value) in document {
            let name = segment(key);
            let path = match prefix {
                "" => name.clone(),
                _ => format!("{prefix}.{name}"),
            };
            let Some(setting) = settings().get(&path) else {
                self.problems.push(unknown(Origin::Command, &path, prefix, &name));
                continue;
            };
            match (&setting.kind, value) {
                (Kind::Section { .. }, Value::Object(inner)) => self.section(inner, &path),
                (Kind::Section { .. }, Value::Null) => {}
                (Kind::Section { .. }, _) => self.wrong(path, "is a section: an object with its settings"),
                _ if !setting.remote => self.forbidden.push(Problem::of(
                    Origin::Command,
                    path,
                    "is set in the box's own files, not by command",
                )),
                (_, Value::Null) => {}
                (_, value) => self.setting(setting, value),
            }
        }
    }

    fn setting(&mut self, setting: &Setting, value: &Value) {
        match setting.check(whole(&setting.kind, value)) {
            Ok(value) => self.given.push(Given {
                path: setting.path.clone(),
                value,
                origin: Origin::Command,
            }),
            Err(message) => self.wrong(setting.path.clone(), &message),
        }
    }

    fn wrong(&mut self, path: String, message: &str) {
        self.problems.push(Problem::of(Origin::Command, path, message));
    }
}

/// JSON does not tell 5 from 5.0; the settings do.
fn whole(kind: &Kind, value: &Value) -> Value {
    match (kind, value.as_f64()) {
        (Kind::Integer(..), Some(number))
            if !value.is_i64() && number.fract() == 0.0 && number.abs() < 9.0e15 =>
        {
            Value::from(number as i64)
        }
        _ => value.clone(),
    }
}

/// Reads the file; one that is missing says nothing.
pub(super) fn read_file(path: &Path) -> Result<Map<String, Value>, String> {
    let text = match super::layers::read_text(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Map::new()),
        Err(error) => return Err(format!("cannot be read: {error}")),
    };
    serde_json::from_str(&text).map_err(|error| format!("is no JSON object: {error}"))
}
