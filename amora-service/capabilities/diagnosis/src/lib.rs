//! The diagnostic bundle: a `.tar.gz` for whoever is to find out what is wrong with a box, made on a command.
//!
//! | File | What |
//! |---|---|
//! | `README.txt` | what is in the bundle, and what was taken out |
//! | `state.json` | the state: health, counters of the sound, what waits for the cloud, the last update |
//! | `configuration.json` | the settings |
//! | `updates.json` | the records of updates |
//! | `board.txt` | board, kernel, memory, storage, temperature |
//! | `log.txt` | the service's log |
//!
//! What is taken out is decided in [`document`] for what has names, and in [`mask`] for free text.

pub mod document;
mod gather;
pub mod mask;

use amora_contract::units::Timestamp;
use amora_contract::{Config, State};
use flate2::Compression;
use flate2::write::GzEncoder;
use mask::Mask;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Largest file of a bundle; of a longer one the end is kept.
const LARGEST_FILE: usize = 1 << 20;

/// The bundle's name in the data folder. There is one at a time.
pub const FILE: &str = "diagnosis.tar.gz";

const README: &str = "\
A diagnostic bundle of a box with AmoraOS.

state.json          health, counters of the sound, what waits for the cloud, the last update
configuration.json  the settings
updates.json        the records of updates
board.txt           board, kernel, memory, storage, temperature
log.txt             the service's log

Taken out, so that no secret and nothing about the people around the box is in it:
- passwords, keys, tokens, connection strings, the login code, and whatever looks like one
- titles, artists, albums, files, playlists, stations and addresses of streams
- names of Wi-Fi networks, IP and MAC addresses, addresses of mail and of pages
- the box's own name and id, user names, host names, and every text in the settings that is not the default
- in the log: all that stands in quotation marks, and paths outside the system's own folders
";

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", path.display())]
pub struct DiagnosisError {
    path: PathBuf,
    cause: io::Error,
}

/// A bundle that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// When it was made.
    pub made_at: Timestamp,
}

/// Makes a bundle of a box, in its data folder and readable by the service alone. `root` is where the system's files
/// begin, and `journalctl` the program that shows the log. It takes some seconds.
///
/// # Errors
/// When the file cannot be written. What else cannot be read is said in the bundle.
pub async fn make(
    state: &State,
    config: &Config,
    root: &Path,
    journalctl: &Path,
) -> Result<Bundle, DiagnosisError> {
    let data = &config.device.data;
    let gathered = gather::Gathered {
        log: gather::log(journalctl).await,
        board: gather::board(root, data),
        updates: gather::updates(data),
    };
    let made_at = Timestamp::now();
    let files = contents(state, config, &gathered);
    let path = data.join(FILE);
    let write = {
        let path = path.clone();
        move || {
            let archive = archive(&files, made_at)?;
            amora_router::private_file::write(&path, &archive)?;
            Ok(archive.len() as u64)
        }
    };
    let size = tokio::task::spawn_blocking(write).await.map_err(io::Error::other);
    match size.and_then(|size| size) {
        Ok(size) => Ok(Bundle { path, size, made_at }),
        Err(cause) => Err(DiagnosisError { path, cause }),
    }
}

/// The files of a bundle by their names, with nothing in them that is to stay on the box.
fn contents(state: &State, config: &Config, gathered: &gather::Gathered) -> Vec<(&'static str, String)> {
    let mut removed = Vec::new();
    let mut state = serde_json::to_value(state).expect("a state serialises to JSON");
    let mut settings = serde_json::to_value(config).expect("a configuration serialises to JSON");
    document::configuration(&mut settings, &mut removed);
    document::state(&mut state, &mut removed);
    let mut updates = gathered.updates.clone();
    document::updates(&mut updates, &mut removed);
    let mask = Mask::new(removed);
    for value in [&mut state, &mut settings, &mut updates] {
        document::texts(value, &mask);
    }
    let json = |value| serde_json::to_string_pretty(value).expect("a JSON value serialises");
    vec![
        ("README.txt", README.to_owned()),
        ("state.json", json(&state)),
        ("configuration.json", json(&settings)),
        ("updates.json", json(&updates)),
        ("board.txt", mask.text(&gathered.board)),
        ("log.txt", mask.text(&gathered.log)),
    ]
}

fn archive(files: &[(&'static str, String)], made_at: Timestamp) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (name, text) in files {
        let bytes = text.as_bytes();
        let kept = &bytes[bytes.len().saturating_sub(LARGEST_FILE)..];
        let mut header = tar::Header::new_gnu();
        header.set_size(kept.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(made_at.0 / 1000);
        archive.append_data(&mut header, format!("diagnosis/{name}"), kept)?;
    }
    let mut encoder = archive.into_inner()?;
    encoder.flush()?;
    encoder.finish()
}

#[cfg(test)]
mod tests;
