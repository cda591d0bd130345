//! Gathering what a system that failed left behind, below any folder that stands for `/`.

use super::Evidence;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Where last words are found: moved there by systemd, or still in the kernel's own place.
const PLACES: [&str; 2] = ["var/lib/systemd/pstore", "sys/fs/pstore"];

/// Most texts read, and most of each: the end is what counts.
const MOST_TEXTS: usize = 24;
const MOST_BYTES: usize = 64 * 1024;

/// `WDIOF_CARDRESET`: the watchdog restarted the box.
const CARD_RESET: u32 = 0x20;

/// Gathers it. Last words that were there `before` are of other days.
pub(crate) fn gather(root: &Path, boots: String, before: &[String], limit: u32) -> Evidence {
    let mut files = last_words(root);
    files.retain(|(name, _)| !before.contains(name));
    let texts = files.iter().take(MOST_TEXTS).filter_map(|(_, path)| text(path));
    Evidence {
        boots,
        last_words: texts.collect(),
        watchdog: watchdog(root),
        limit,
    }
}

/// The names of the last words that are there now.
pub(crate) fn names(root: &Path) -> Vec<String> {
    last_words(root).into_iter().map(|(name, _)| name).collect()
}

/// Name below its place, and path, sorted by name, which begins with the time.
fn last_words(root: &Path) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    for place in PLACES {
        let place = root.join(place);
        collect(&place, &place, 3, &mut files);
    }
    files.sort();
    files
}

fn collect(place: &Path, folder: &Path, depth: u32, files: &mut Vec<(String, PathBuf)>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        let path = entry.path();
        if kind.is_dir() && depth > 0 {
            collect(place, &path, depth - 1, files);
        } else if kind.is_file() && files.len() < 1000 {
            let name = path.strip_prefix(place).unwrap_or(&path);
            files.push((name.to_string_lossy().into_owned(), path));
        }
    }
}

fn text(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    let mut file = fs::File::open(path).ok()?.take(4 << 20);
    file.read_to_end(&mut bytes).ok()?;
    let start = bytes.len().saturating_sub(MOST_BYTES);
    Some(String::from_utf8_lossy(&bytes[start..]).into_owned())
}

fn watchdog(root: &Path) -> bool {
    let Ok(dogs) = fs::read_dir(root.join("sys/class/watchdog")) else {
        return false;
    };
    dogs.flatten().any(|dog| {
        let status = fs::read_to_string(dog.path().join("bootstatus"));
        let status = status.ok().and_then(|text| text.trim().parse::<u32>().ok());
        status.is_some_and(|status| status & CARD_RESET != 0)
    })
}
