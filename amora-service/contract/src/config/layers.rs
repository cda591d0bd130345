//! Where the configuration comes from: layer upon layer, each setting from the highest that has it.
//!
//! From low to high: built-in defaults; the embedded recipe, only on a box that has no file; the image's file; this
//! box's file; what `system.configure` keeps; environment variables; flags. Three rules hold in every layer of them that
//! people write:
//!
//! - An optional section is on when any layer mentions it, unless its `enabled` is `false`.
//! - `""` takes an optional setting away that a lower layer gave.
//! - A secret may stand in a file of its own: `password_file` in place of `password`.

mod configure;
mod origin;
mod sources;
#[cfg(test)]
mod tests;

pub use super::error::{ConfigError, Problem};
pub use configure::{Configured, configure};
pub use origin::Origin;
pub use sources::{ConfigFile, SYSTEM_FILE, Sources, USER_FILE};

use super::settings::{ENABLED, FILE_SUFFIX, Kind, settings};
use super::{Config, DeviceConfig, document, environment, kept, secrets, validate};
use crate::reply::ConfigReply;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A configuration and where each of its settings came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Every setting that some layer gives, by dotted path. All others have their defaults.
    pub origin: BTreeMap<String, Origin>,
    /// What is not wrong but should be looked at, for the log.
    pub warnings: Vec<String>,
}

impl Loaded {
    /// The configuration as it may be shown: secrets are hidden.
    pub fn redacted(&self) -> ConfigReply {
        let mut config = serde_json::to_value(&self.config).expect("a configuration serialises to JSON");
        secrets::redact(&mut config);
        let origin = self
            .origin
            .iter()
            .map(|(path, origin)| (path.clone(), origin.to_string()))
            .collect();
        ConfigReply { config, origin }
    }
}

/// Reads the layers and puts them together.
///
/// What `system.configure` keeps never stands in the way of a start: where it does not fit any more, because the files
/// or the software changed, it is passed over with a warning.
///
/// # Errors
/// Everything that is wrong in any other layer, at once.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    let layers = Layers::read(sources);
    if !sources.kept {
        return layers.with(Vec::new());
    }
    let file = layers.kept_file();
    let mut unfit = Vec::new();
    let document = kept::read_file(&file).unwrap_or_else(|message| {
        unfit.push(message);
        Map::new()
    });
    let read = kept::read(&document);
    let (off, fit): (Vec<_>, Vec<_>) = read
        .given
        .into_iter()
        .map(|given| (layers.off(&given), given))
        .partition(|(off, _)| off.is_some());
    let problems = read.forbidden.into_iter().chain(read.problems);
    let problems = problems.chain(off.into_iter().filter_map(|(off, _)| off));
    unfit.extend(problems.map(|problem| problem.to_string()));
    let kept = fit.into_iter().map(|(_, given)| given).collect();
    let mut loaded = match layers.clone().with(kept) {
        Ok(loaded) => loaded,
        Err(error) => {
            let loaded = layers.with(Vec::new())?;
            unfit.extend(error.problems.iter().map(Problem::to_string));
            loaded
        }
    };
    let file = file.display();
    let unfit = unfit
        .into_iter()
        .map(|problem| format!("{file} is not in force: {problem}"));
    loaded.warnings.extend(unfit);
    Ok(loaded)
}

/// The layers that are read as they stand, before they are put together.
#[derive(Clone)]
struct Layers {
    reading: Reading,
    /// How much of what is given stands below what `system.configure` keeps.
    below: usize,
}

impl Layers {
    fn read(sources: &Sources) -> Self {
        let mut reading = Reading::default();
        let found_system = reading.file(&sources.system);
        let found_user = reading.file(&sources.user);
        if let (false, false, Some((name, text))) = (found_system, found_user, &sources.recipe) {
            let origin = |line, column| Origin::Recipe {
                name: name.clone(),
                line,
                column,
            };
            document::read(text, origin, &mut reading.given, &mut reading.problems);
        }
        let below = reading.given.len();
        environment::read(&sources.environment, &mut reading.given, &mut reading.problems);
        for (name, variable, text) in &sources.original_flags {
            let origin = Origin::Flag((*name).to_owned());
            environment::original(variable, text, origin, &mut reading.given, &mut reading.problems);
        }
        for (name, assignment) in &sources.flags {
            reading.flag(name, assignment);
        }
        Self { reading, below }
    }

    /// Puts the layers together, with what is kept among them.
    fn with(self, kept: Vec<Given>) -> Result<Loaded, ConfigError> {
        let Self { mut reading, below } = self;
        reading.given.splice(below..below, kept);
        reading.finish()
    }

    /// The file that keeps what `system.configure` sets.
    fn kept_file(&self) -> PathBuf {
        let folder = self.last("device.data").and_then(Value::as_str);
        let folder = folder.map_or_else(|| DeviceConfig::default().data, PathBuf::from);
        folder.join(kept::FILE)
    }

    /// What is wrong with a setting whose section is off: a setting that is kept does not switch it on.
    fn off(&self, kept: &Given) -> Option<Problem> {
        let ends = kept.path.match_indices('.').map(|(end, _)| end);
        let sections = ends.map(|end| &kept.path[..end]);
        let off = sections
            .filter(|section| {
                settings()
                    .get(*section)
                    .is_some_and(|setting| setting.kind == Kind::Section { optional: true })
            })
            .find(|section| {
                let below = format!("{section}.");
                let mentions = |given: &Given| given.path == *section || given.path.starts_with(&below);
                !self.reading.given.iter().any(mentions)
                    || self.last(&format!("{below}{ENABLED}")) == Some(&Value::from(false))
            })?;
        let message = format!("cannot be set: the section `[{off}]` is off");
        Some(Problem::of(Origin::Command, &kept.path, message))
    }

    /// What the highest layer gives for a setting.
    fn last(&self, path: &str) -> Option<&Value> {
        let mut given = self.reading.given.iter().rev();
        given.find(|given| given.path == path).map(|given| &given.value)
    }
}

/// Puts settings together that come from nowhere in particular, to see whether they could be a configuration.
pub(super) fn check(given: Vec<Given>) -> Result<Loaded, ConfigError> {
    Reading {
        given,
        ..Reading::default()
    }
    .finish()
}

/// One setting as one layer gives it. A section that is mentioned is given too, with the value null.
#[derive(Debug, Clone)]
pub(super) struct Given {
    /// Dotted path.
    pub(super) path: String,
    /// In the setting's own type; null takes it away.
    pub(super) value: Value,
    /// Where it stands.
    pub(super) origin: Origin,
}

#[derive(Clone, Default)]
struct Reading {
    /// From the lowest layer to the highest.
    given: Vec<Given>,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

impl Reading {
    /// Reads a file; tells whether there is one.
    fn file(&mut self, file: &ConfigFile) -> bool {
        let (path, may_be_missing) = match file {
            ConfigFile::None => return false,
            ConfigFile::Usual(path) => (path, true),
            ConfigFile::Named(path) => (path, false),
        };
        let origin = |line, column| Origin::File {
            path: path.clone(),
            line,
            column,
        };
        match read_text(path) {
            Ok(text) => document::read(&text, origin, &mut self.given, &mut self.problems),
            Err(error) if may_be_missing && error.kind() == std::io::ErrorKind::NotFound => return false,
            Err(error) => self
                .problems
                .push(Problem::whole(origin(0, 0), format!("cannot be read: {error}"))),
        }
        true
    }

    fn flag(&mut self, name: &str, assignment: &str) {
        let origin = Origin::Flag(name.to_owned());
        let Some((path, text)) = assignment.split_once('=') else {
            let message = format!("write PATH=VALUE, for example {name} audio.volume=40");
            return self.problems.push(Problem::whole(origin, message));
        };
        let (path, text) = (path.trim(), text.trim());
        let Some(setting) = settings().get(path) else {
            let (prefix, last) = path.rsplit_once('.').unwrap_or(("", path));
            return self.problems.push(document::unknown(origin, path, prefix, last));
        };
        // A shell user may write the value as TOML has it, in quotes.
        let text = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or(text);
        match setting.read(text) {
            Ok(value) => self.given.push(Given {
                path: path.to_owned(),
                value,
                origin,
            }),
            Err(message) => self.problems.push(Problem::of(origin, path, message)),
        }
    }

    /// Puts the layers together.
    fn finish(mut self) -> Result<Loaded, ConfigError> {
        let mut merged = self.merge();
        drop_disabled(&mut merged);
        self.read_secrets(&mut merged);
        let config = match build(&merged) {
            Ok(config) => config,
            Err(problem) => {
                self.problems.push(problem);
                return Err(ConfigError {
                    problems: self.problems,
                });
            }
        };
        // A rule that needs a setting which is already known to be wrong cannot be judged.
        let wrong: BTreeSet<&str> = self
            .problems
            .iter()
            .filter_map(|problem| problem.setting.as_deref())
            .collect();
        let broken: Vec<Problem> = validate::rules(&config)
            .into_iter()
            .filter(|broken| !broken.about.iter().any(|path| wrong.contains(path.as_str())))
            .map(|broken| broken.into_problem(|path| origin_of(&merged, path)))
            .collect();
        self.problems.extend(broken);
        if !self.problems.is_empty() {
            return Err(ConfigError {
                problems: self.problems,
            });
        }
        let mqtt = config.mqtt.as_ref().and_then(|mqtt| mqtt.tls.as_ref());
        let hub = config.iot_hub.as_ref().map(|hub| &hub.tls);
        let keys = [mqtt, hub].into_iter().flatten();
        self.warnings
            .extend(keys.filter_map(|tls| secrets::warn_if_open(tls.key_file.as_deref()?)));
        let origin = merged
            .into_iter()
            .filter(|(path, _)| !is_section(path))
            .map(|(path, given)| (path, given.origin))
            .collect();
        Ok(Loaded {
            config,
            origin,
            warnings: self.warnings,
        })
    }

    fn merge(&mut self) -> BTreeMap<String, Given> {
        let mut merged: BTreeMap<String, Given> = BTreeMap::new();
        for given in std::mem::take(&mut self.given) {
            // A secret and the file that holds it stand for the same setting: the higher layer's wins.
            for secret in secrets::secrets() {
                let file = secrets::file_setting(secret);
                let other = match given.path.as_str() {
                    path if path == secret => file,
                    path if path == file => secret.to_owned(),
                    _ => continue,
                };
                if let Some(other) = merged.remove(&other)
                    && same_document(&other.origin, &given.origin)
                {
                    let message = format!("`{}` is given too: keep one of them", other.path);
                    self.problems
                        .push(Problem::of(given.origin.clone(), &given.path, message));
                }
            }
            merged.insert(given.path.clone(), given);
        }
        merged
    }

    fn read_secrets(&mut self, merged: &mut BTreeMap<String, Given>) {
        for secret in secrets::secrets() {
            let Some(file) = merged.remove(&secrets::file_setting(secret)) else {
                continue;
            };
            let Some(path) = file.value.as_str().map(Path::new) else {
                continue;
            };
            match secrets::read(path) {
                Ok(value) => {
                    self.warnings.extend(secrets::warn_if_open(path));
                    merged.insert(
                        secret.to_owned(),
                        Given {
                            path: secret.to_owned(),
                            value: value.into(),
                            ..file
                        },
                    );
                }
                Err(message) => {
                    self.problems.push(Problem::of(
                        file.origin,
                        format!("{secret}{FILE_SUFFIX}"),
                        message,
                    ));
                }
            }
        }
    }
}

pub(super) fn read_text(path: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    // One more than is allowed, so that too large a file is told from one just large enough.
    std::fs::File::open(path)?
        .take(document::LIMIT as u64 + 1)
        .read_to_string(&mut text)?;
    Ok(text)
}

fn same_document(left: &Origin, right: &Origin) -> bool {
    match (left, right) {
        (Origin::File { path: left, .. }, Origin::File { path: right, .. }) => left == right,
        (Origin::Recipe { .. }, Origin::Recipe { .. }) => true,
        _ => false,
    }
}

/// Takes away every section that is switched off, and what switches sections on.
fn drop_disabled(merged: &mut BTreeMap<String, Given>) {
    let switches: Vec<String> = merged
        .keys()
        .filter(|path| path.ends_with(ENABLED))
        .cloned()
        .collect();
    for switch in switches {
        let Some(section) = switch
            .strip_suffix(ENABLED)
            .and_then(|path| path.strip_suffix('.'))
        else {
            continue;
        };
        match merged.remove(&switch) {
            Some(given) if given.value == false => {
                let below = format!("{section}.");
                merged.retain(|path, _| path != section && !path.starts_with(&below));
            }
            Some(given) => {
                merged.entry(section.to_owned()).or_insert(Given {
                    path: section.to_owned(),
                    value: Value::Null,
                    ..given
                });
            }
            None => {}
        }
    }
}

fn is_section(path: &str) -> bool {
    settings()
        .get(path)
        .is_some_and(|setting| matches!(setting.kind, Kind::Section { .. }))
}

fn build(merged: &BTreeMap<String, Given>) -> Result<Config, Problem> {
    let mut document = Value::Object(Map::new());
    for given in merged.values() {
        let mut at = &mut document;
        for key in given.path.split('.') {
            let Value::Object(object) = at else { break };
            at = object.entry(key).or_insert_with(|| Value::Object(Map::new()));
        }
        if !is_section(&given.path) {
            *at = given.value.clone();
        }
    }
    serde_path_to_error::deserialize(document).map_err(|error| {
        let path = error.path().to_string();
        Problem::of(origin_of(merged, &path), path, error.into_inner().to_string())
    })
}

/// Where a setting stands, or else the section that it belongs to.
fn origin_of(merged: &BTreeMap<String, Given>, path: &str) -> Origin {
    let mut path = path;
    loop {
        match (merged.get(path), path.rsplit_once('.')) {
            (Some(given), _) => return given.origin.clone(),
            (None, Some((parent, _))) => path = parent,
            (None, None) => return Origin::Default,
        }
    }
}
