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
        last_words: words.into_iter().map(|words| words.text).collect(),
        watchdog: watchdog(root),
        limit,
    }
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
