//! Secrets: read from files of their own, and never shown.

use super::settings::{FILE_SUFFIX, settings};
use serde_json::Value;
use std::path::Path;

/// What is shown in a secret's place.
pub const HIDDEN: &str = "***";

/// Longest secret file that is read.
const LIMIT: u64 = 64 * 1024;

/// The dotted paths of every secret setting: those declared `writeOnly` in their type.
pub fn secrets() -> impl Iterator<Item = &'static str> {
    settings()
        .values()
        .filter(|setting| setting.secret)
        .map(|setting| setting.path.as_str())
}

/// The setting that names the file in which a secret stands.
pub(super) fn file_setting(secret: &str) -> String {
    format!("{secret}{FILE_SUFFIX}")
}

/// Replaces every secret in a configuration document by [`HIDDEN`].
pub fn redact(document: &mut Value) {
    for secret in secrets() {
        let pointer = format!("/{}", secret.replace('.', "/"));
        if let Some(value) = document.pointer_mut(&pointer)
            && !value.is_null()
        {
            *value = Value::from(HIDDEN);
        }
    }
}

/// Reads a secret from its file, without the line break at its end.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let metadata =
        std::fs::metadata(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    if !metadata.is_file() || metadata.len() > LIMIT {
        return Err(format!(
            "{} must be a file of at most {} KiB",
            path.display(),
            LIMIT / 1024
        ));
    }
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    match secret {
        "" => Err(format!("{} is empty", path.display())),
        _ if secret.chars().any(char::is_control) => {
            Err(format!("{} must hold one line of text", path.display()))
        }
        _ => Ok(secret.to_owned()),
    }
}

/// A warning where more than the owner and group may read a file.
pub(super) fn warn_if_open(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    (mode & 0o007 != 0).then(|| {
        let path = path.display();
        format!("{path} holds a secret and everybody can read it; `chmod 0600 {path}` keeps it to its owner")
    })
}
