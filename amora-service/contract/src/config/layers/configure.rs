//! Changes of settings by command: judged as a whole, before anything is kept or applied.

use super::super::kept;
use super::{Layers, Loaded, Origin, Problem, Sources};
use crate::commands::Configure;
use crate::merge_patch;
use crate::{CommandError, ErrorCode};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Mistakes that an answer tells of.
const TOLD: usize = 8;

/// What a change would make of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Configured {
    /// The configuration with the change.
    pub loaded: Loaded,
    /// What is to be kept, as JSON.
    pub document: Map<String, Value>,
    /// Whether that differs from what is kept.
    pub changed: bool,
    /// The file that keeps it.
    pub file: PathBuf,
    /// Settings of the change that a higher layer overrides, by dotted path, and where that stands.
    pub overridden: BTreeMap<String, String>,
}

/// Judges a change by the rules of the configuration. Nothing is written.
///
/// # Errors
/// `not_allowed` for a setting that is not set this way, `invalid_parameter` for anything else that is wrong with the
/// change; `failed` where the files are wrong without it.
pub fn configure(sources: &Sources, change: &Configure) -> Result<Configured, CommandError> {
    let layers = Layers::read(sources);
    let file = layers.kept_file();
    // What cannot be read is not in force either, and is written anew.
    let held = kept::read_file(&file).unwrap_or_default();
    let mut asked = kept::read(&change.settings);
    let off = asked.given.iter().filter_map(|given| layers.off(given));
    asked.problems.extend(off);
    if !asked.forbidden.is_empty() {
        asked.forbidden.append(&mut asked.problems);
        return Err(refusal(ErrorCode::NotAllowed, &asked.forbidden));
    }
    if !asked.problems.is_empty() {
        return Err(refusal(ErrorCode::InvalidParameter, &asked.problems));
    }
    let mut document = match change.replace {
        true => Map::new(),
        false => held.clone(),
    };
    merge_patch(&mut document, &change.settings);
    tidy(&mut document);
    if Value::Object(document.clone()).to_string().len() > kept::LIMIT {
        let reason = format!("would be more than {} KiB in all", kept::LIMIT / 1024);
        return Err(CommandError::invalid("settings", &reason));
    }
    let mut kept = kept::read(&document).given;
    kept.retain(|given| layers.off(given).is_none());
    let loaded = match layers.clone().with(kept) {
        Ok(loaded) => loaded,
        Err(error) => {
            return Err(match layers.with(Vec::new()) {
                Ok(_) => refusal(ErrorCode::InvalidParameter, &error.problems),
                Err(error) => CommandError::new(ErrorCode::Failed, error.to_string()),
            });
        }
    };
    let overridden = asked
        .given
        .iter()
        .filter_map(|given| Some((given.path.clone(), loaded.origin.get(&given.path)?)))
        .filter(|(_, origin)| **origin != Origin::Command)
        .map(|(path, origin)| (path, origin.to_string()))
        .collect();
    Ok(Configured {
        loaded,
        changed: document != held,
        document,
        file,
        overridden,
    })
}

/// Takes sections away that hold nothing.
fn tidy(document: &mut Map<String, Value>) {
    // What was merged came through the settings, so it is no deeper than they are.
    for value in document.values_mut() {
        if let Value::Object(section) = value {
            tidy(section);
        }
    }
    document.retain(|_, value| value.as_object().is_none_or(|section| !section.is_empty()));
}

/// Everything that is wrong, in one sentence each; the first setting is the field at fault.
fn refusal(code: ErrorCode, problems: &[Problem]) -> CommandError {
    let sentence = |problem: &Problem| match (&problem.origin, &problem.setting) {
        (Origin::Command, Some(setting)) => format!("`{setting}` {}", problem.message),
        _ => problem.to_string(),
    };
    let mut told: Vec<String> = problems.iter().take(TOLD).map(sentence).collect();
    if let Some(more) = problems.len().checked_sub(TOLD).filter(|more| *more > 0) {
        told.push(format!("and {more} more"));
    }
    let field = problems.first().and_then(|problem| problem.setting.as_ref());
    CommandError {
        field: field.map(|setting| format!("settings.{setting}")),
        ..CommandError::new(code, told.join("; "))
    }
}

#[cfg(test)]
mod tests;
