//! Why a new system did not stay, put together in the old one from what it left behind. Pure.

pub(crate) mod evidence;

use crate::record::GivenUp;
use amora_contract::state::{Slot, UpdateCause};

/// What a system that failed left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// The starts that came as far as the first program: slot, try, how far.
    pub(crate) boots: String,
    /// Last words of kernels, the newest last.
    pub(crate) last_words: Vec<String>,
    /// Whether the hardware watchdog says that it restarted the box last. A Raspberry Pi's does not say.
    pub(crate) watchdog: bool,
    /// Whether the last console went silent without a word of a restart.
    pub(crate) silent: bool,
    /// Starts that a trial may take.
    pub(crate) limit: u32,
}

/// Signs in a kernel's last words, the weightier first: a root that cannot be read also makes the kernel panic.
const SIGNS: [(UpdateCause, &[&str]); 3] = [
    (
        UpdateCause::CorruptRoot,
        &[
            "unable to mount root fs",
            "cannot open root device",
            "dm-verity device corrupted",
            "metadata block",
            "data block",
            "squashfs error",
            "unable to read squashfs_super_block",
        ],
    ),
    (
        UpdateCause::MissingInit,
        &[
            "no working init found",
            "requested init",
            "no init found",
            "attempted to kill init! exitcode=0x00007f00",
            "attempted to kill init! exitcode=0x00007e00",
        ],
    ),
    (
        UpdateCause::Panic,
        // Not "oops": every start says "ramoops".
        &[
            "kernel panic",
            "internal error:",
            "kernel bug at",
            "unable to handle kernel",
        ],
    ),
];

/// Why the system in `slot` did not stay.
pub(crate) fn explain(given_up: Option<&GivenUp>, slot: Slot, evidence: &Evidence) -> GivenUp {
    if let Some(given_up) = given_up {
        return given_up.clone();
    }
    let starts = starts(&evidence.boots, slot);
    let tries = starts.last().copied().unwrap_or(0).max(evidence.limit);
    let slot = slot.name();
    let (cause, reason, seen) = match sign(&evidence.last_words) {
        Some((cause, line)) => {
            let reason = match cause {
                UpdateCause::CorruptRoot => {
                    "the new system's root file system is not what its signed hash promises, or cannot be read"
                }
                UpdateCause::MissingInit => "the new system has no first program that can be started",
                _ => "the new system's kernel panicked",
            };
            (cause, format!("{reason} (slot {slot})"), Some(line))
        }
        None if evidence.watchdog => (
            UpdateCause::Watchdog,
            format!("the new system in slot {slot} stood still until the watchdog restarted the box"),
            evidence.last_words.last().and_then(|text| last_line(text)),
        ),
        None if evidence.silent => (
            UpdateCause::Watchdog,
            format!(
                "the new system in slot {slot} stood still without a last word until the watchdog restarted the box, or its power was cut"
            ),
            evidence.last_words.last().and_then(|text| last_line(text)),
        ),
        None if starts.is_empty() => (
            UpdateCause::NeverStarted,
            format!(
                "the new system in slot {slot} never came as far as its first program, and left no word: its kernel could not be started, or the power was cut"
            ),
            None,
        ),
        None => (
            UpdateCause::NeverReady,
            format!(
                "the new system in slot {slot} was started {} times, and its service never came so far as to check it",
                starts.len()
            ),
            evidence.last_words.last().and_then(|text| last_line(text)),
        ),
    };
    GivenUp {
        cause,
        check: None,
        seen,
        reason,
        tries,
    }
}

/// The tries of a slot that came as far as its first program.
fn starts(boots: &str, slot: Slot) -> Vec<u32> {
    boots
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (name, number) = (words.next()?, words.next()?.parse().ok()?);
            // Other words are of the same try.
            (name == slot.name() && words.next()? == "init").then_some(number)
        })
        .collect()
}

/// The weightiest sign in any of the texts, with the line that holds it.
fn sign(texts: &[String]) -> Option<(UpdateCause, String)> {
    SIGNS.iter().find_map(|(cause, words)| {
        let line = texts.iter().flat_map(|text| text.lines()).find(|line| {
            let line = line.to_lowercase();
            words.iter().any(|word| line.contains(word))
                && (*cause != UpdateCause::CorruptRoot || is_of_root(&line))
        })?;
        Some((*cause, bare(line)))
    })
}

/// "data block" and "metadata block" are common words: the verified root says them with its own name.
fn is_of_root(line: &str) -> bool {
    !(line.contains("data block") || line.contains("metadata block")) || line.contains("verity")
}

fn last_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    Some(bare(line))
}

/// A line of a kernel's log without level and time, and not too long.
fn bare(line: &str) -> String {
    let line = line.trim();
    let line = match line.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        Some((_, rest)) => rest,
        None => line,
    };
    let line = match line.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((_, rest)) => rest,
        None => line,
    };
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests;
