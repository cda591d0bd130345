//! Names and paths that are fit to be sent.

use amora_contract::CommandError;

/// The name under which a playlist is made before it takes its own.
pub(super) const DRAFT: &str = ".amora-draft";

/// File systems take 255 bytes, `.m3u` included.
const MAX_PLAYLIST_NAME: usize = 240;

/// Linux's longest path.
const MAX_PATH: usize = 4_000;

fn plain<'a>(field: &str, text: &'a str, longest: usize) -> Result<&'a str, CommandError> {
    if text.chars().any(char::is_control) {
        return Err(CommandError::invalid(
            field,
            "must not hold line breaks or other control characters",
        ));
    }
    if text.len() > longest {
        return Err(CommandError::invalid(
            field,
            &format!("must not be longer than {longest} bytes"),
        ));
    }
    Ok(text)
}

/// The name of a stored playlist.
pub(crate) fn playlist_name<'a>(field: &str, name: &'a str) -> Result<&'a str, CommandError> {
    if name.trim().is_empty() {
        return Err(CommandError::invalid(field, "must not be empty"));
    }
    if name.contains(['/', '\\']) || matches!(name, "." | "..") || name == DRAFT {
        return Err(CommandError::invalid(
            field,
            "must not hold `/` or `\\`, or be a reserved name",
        ));
    }
    plain(field, name, MAX_PLAYLIST_NAME)
}

/// A stored playlist's name, or the path of a playlist file in the library.
pub(crate) fn playlist_to_load<'a>(field: &str, name: &'a str) -> Result<&'a str, CommandError> {
    if !name.contains('/') {
        return playlist_name(field, name);
    }
    if name.contains("://") {
        return Err(CommandError::invalid(
            field,
            "must be a stored playlist or a playlist file of the library",
        ));
    }
    library_path(field, name)
}

/// A path below the music folder.
pub(crate) fn library_path<'a>(field: &str, path: &'a str) -> Result<&'a str, CommandError> {
    let path = path.trim_matches('/');
    if path.split('/').any(|part| matches!(part, "." | "..")) {
        return Err(CommandError::invalid(
            field,
            "must be a path below the music folder, without `.` or `..`",
        ));
    }
    plain(field, path, MAX_PATH)
}

/// A file or folder of the library, or a stream. Local files elsewhere are nobody's business.
pub(crate) fn song_uri<'a>(field: &str, uri: &'a str) -> Result<&'a str, CommandError> {
    if uri.trim().is_empty() {
        return Err(CommandError::invalid(field, "must not be empty"));
    }
    match uri.split_once("://") {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("file") => Err(CommandError::invalid(
            field,
            "must be a file of the library, or a stream on the network",
        )),
        Some(_) => plain(field, uri, MAX_PATH),
        None if uri.starts_with('/') => Err(CommandError::invalid(
            field,
            "must be a path below the music folder, without a leading `/`",
        )),
        None => library_path(field, uri),
    }
}
