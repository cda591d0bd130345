//! The last words of kernels, which only root may read: moved away by systemd, or still in the kernel's own place.

use crate::Places;
use serde::Serialize;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

const FOLDERS: [&str; 2] = ["var/lib/systemd/pstore", "sys/fs/pstore"];

/// Most texts answered, the newest.
const MOST_TEXTS: usize = 16;

/// Most of each that is answered: its end, where a kernel says why it stops.
const MOST_BYTES: usize = 8 * 1024;

/// Most of a file that is looked at.
const LARGEST: u64 = 4 << 20;

/// Most files looked at.
const MOST_FILES: usize = 1000;

/// What one kernel said last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastWords {
    /// Tells these words from all others: the file's name, which the next ones may have again, and its time.
    pub name: String,
    /// Its end.
    pub text: String,
}

pub(crate) fn gather(places: &Places) -> Vec<LastWords> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        let folder = places.root.join(folder);
        collect(&folder, &folder, 3, &mut files);
    }
    // The oldest first.
    files.sort();
    let oldest = files.len().saturating_sub(MOST_TEXTS);
    let newest = files.split_off(oldest);
    newest
        .into_iter()
        .filter_map(|(time, name, path)| {
            let text = text(&path)?;
            let name = format!("{name}@{}", time.as_nanos());
            Some(LastWords { name, text })
        })
        .collect()
}

fn collect(top: &Path, folder: &Path, depth: u32, files: &mut Vec<(Duration, String, PathBuf)>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        let path = entry.path();
        if kind.is_dir() && depth > 0 {
            collect(top, &path, depth - 1, files);
        } else if kind.is_file() && files.len() < MOST_FILES {
            let name = path.strip_prefix(top).unwrap_or(&path);
            files.push((time(&entry), name.to_string_lossy().into_owned(), path));
        }
    }
}

/// When the words were written.
fn time(entry: &fs::DirEntry) -> Duration {
    let modified = entry.metadata().and_then(|about| about.modified());
    let since = modified.map(|modified| modified.duration_since(UNIX_EPOCH));
    since.ok().and_then(Result::ok).unwrap_or_default()
}

fn text(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    let mut file = fs::File::open(path).ok()?.take(LARGEST);
    file.read_to_end(&mut bytes).ok()?;
    let start = bytes.len().saturating_sub(MOST_BYTES);
    Some(String::from_utf8_lossy(&bytes[start..]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_words_are_given_by_their_end() {
        let root = tempfile::tempdir().unwrap();
        let places = Places {
            root: root.path().to_owned(),
            ..Places::default()
        };
        assert!(gather(&places).is_empty());
        for number in 0..20 {
            let folder = root.path().join(format!("var/lib/systemd/pstore/17{number:02}"));
            fs::create_dir_all(&folder).unwrap();
            let text = format!("{}end of {number}", "x".repeat(20_000));
            let path = folder.join("dmesg-ramoops-0");
            fs::write(&path, text).unwrap();
            let time = UNIX_EPOCH + Duration::from_secs(1000 + number);
            fs::File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_modified(time)
                .unwrap();
        }
        let words = gather(&places);
        assert_eq!(words.len(), MOST_TEXTS);
        assert_eq!(words[0].name, "1704/dmesg-ramoops-0@1004000000000");
        let newest = words.last().unwrap();
        assert!(newest.text.ends_with("end of 19") && newest.text.len() == MOST_BYTES);
    }
}
