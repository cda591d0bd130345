//! Gathering what a system that failed left behind.

use super::Evidence;
use crate::helper::LastWords;
use std::fs;
use std::path::Path;

/// `WDIOF_CARDRESET`: the watchdog restarted the box.
const CARD_RESET: u32 = 0x20;

/// Gathers it. Last words that were there `before` are of other days. `root` stands for `/`.
pub(crate) fn gather(
    root: &Path,
    boots: String,
    mut words: Vec<LastWords>,
    before: &[String],
    limit: u32,
) -> Evidence {
    words.retain(|words| !before.contains(&words.name));
    Evidence {
        boots,
        silent: went_silent(&words),
        last_words: words.into_iter().map(|words| words.text).collect(),
        watchdog: watchdog(root),
        limit,
    }
}

/// A kernel that restarts, whoever asked it to, says so on its console first.
fn went_silent(words: &[LastWords]) -> bool {
    let is_console = |words: &&LastWords| {
        let file = words.name.rsplit('/').next();
        file.is_some_and(|file| file.starts_with("console-"))
    };
    let console = words.iter().rev().find(is_console);
    console.is_some_and(|console| !console.text.contains("reboot: "))
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
