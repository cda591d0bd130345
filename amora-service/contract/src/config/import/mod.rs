//! Configuration of the original AmoraOS, read into this one.

mod broker;
mod mapping;

pub(super) use broker::broker_url;

use super::document;
use super::layers::{Given, Origin, check};
use super::settings::{Kind, settings};
use serde_json::Value;
use std::fmt::Write;

/// Why the original's configuration could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the original's configuration cannot be read:{}", self.problems.iter().map(|problem| format!("\n  {problem}")).collect::<String>())]
pub struct ImportError {
    /// Everything that is wrong, each with its place in the JSON document.
    pub problems: Vec<String>,
}

/// What the original's configuration says in this one's terms.
#[derive(Debug, Default)]
struct Import {
    assignments: Vec<Assignment>,
    /// What has no counterpart: as it was written, and why.
    notes: Vec<(String, String)>,
    problems: Vec<String>,
}

/// A setting that the original's configuration gives.
#[derive(Debug)]
struct Assignment {
    setting: &'static str,
    /// Where it stood in the JSON document.
    json: String,
    value: Value,
}

/// Translates the original's JSON configuration into the text of an `amora.toml`, with a comment for each setting
/// that has no counterpart.
///
/// # Errors
/// Everything in the document that is not what the original's documents allow, at once.
pub fn original(text: &str) -> Result<String, ImportError> {
    let problem = |text: String| ImportError { problems: vec![text] };
    if text.len() > document::LIMIT {
        return Err(problem(format!(
            "the document is larger than {} KiB",
            document::LIMIT / 1024
        )));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let json: Value =
        serde_json::from_str(text).map_err(|error| problem(format!("this is not JSON: {error}")))?;
    let Value::Object(json) = json else {
        return Err(problem(
            "$ must be an object with the sections `device`, `mpd`, `content`, …".to_owned(),
        ));
    };
    let mut import = Import::default();
    mapping::read(&json, &mut import);
    import.check();
    match import.problems.is_empty() {
        true => Ok(import.render()),
        false => Err(ImportError {
            problems: import.problems,
        }),
    }
}

impl Import {
    /// Sets a setting; the last one given wins.
    fn set(&mut self, setting: &'static str, json: &str, value: impl Into<Value>) {
        self.assignments.retain(|known| known.setting != setting);
        self.assignments.push(Assignment {
            setting,
            json: json.to_owned(),
            value: value.into(),
        });
    }

    fn note(&mut self, json: &str, value: &Value, why: &str) {
        self.notes.push((
            format!("{json} = {}", super::settings::excerpt(&value.to_string())),
            why.to_owned(),
        ));
    }

    /// Judges what was read by the rules for this configuration.
    fn check(&mut self) {
        let mut given = Vec::new();
        for Assignment { setting, json, value } in &self.assignments {
            match settings()[*setting].check(value.clone()) {
                Ok(value) => given.push(Given {
                    path: (*setting).to_owned(),
                    value,
                    origin: Origin::Default,
                }),
                Err(message) => self.problems.push(format!("$.{json} {message}")),
            }
        }
        let Err(error) = check(given) else { return };
        for problem in error.problems {
            let setting = problem.setting.unwrap_or_default();
            let place = self.assignments.iter().find(|known| known.setting == setting);
            match place {
                Some(place) => self
                    .problems
                    .push(format!("$.{} {}", place.json, problem.message)),
                None => self.problems.push(format!("`{setting}` {}", problem.message)),
            }
        }
    }

    fn render(&self) -> String {
        let mut text = "# Translated from the configuration of the original AmoraOS.\n".to_owned();
        for section in [
            "device", "audio", "player", "mqtt", "mqtt.tls", "iot_hub", "web", "log",
        ] {
            let prefix = format!("{section}.");
            let own = self.assignments.iter().filter(|assignment| {
                assignment
                    .setting
                    .strip_prefix(&prefix)
                    .is_some_and(|key| !key.contains('.'))
            });
            let lines: Vec<String> = own.map(|assignment| self.line(assignment, &prefix)).collect();
            if !lines.is_empty() || section == "web" {
                let _ = write!(text, "\n[{section}]\n{}", lines.concat());
            }
        }
        if !self.notes.is_empty() {
            text.push_str("\n# What has no counterpart here:\n");
        }
        for (what, why) in &self.notes {
            let what: String = what
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect();
            let _ = write!(text, "#\n# {what}\n#   {why}\n");
        }
        text
    }

    fn line(&self, assignment: &Assignment, prefix: &str) -> String {
        let setting = &settings()[assignment.setting];
        let key = assignment.setting.trim_start_matches(prefix);
        let value = match (&assignment.value, &setting.kind) {
            (Value::Number(number), Kind::Number(..)) => {
                toml::Value::from(number.as_f64().unwrap_or_default())
            }
            (value, _) => toml::Value::try_from(value).unwrap_or(toml::Value::Boolean(false)),
        };
        let hint = match setting.secret {
            true => format!("# `{key}_file` keeps it out of this file.\n"),
            false => String::new(),
        };
        format!("{hint}{key} = {value}\n")
    }
}

#[cfg(test)]
mod tests;
