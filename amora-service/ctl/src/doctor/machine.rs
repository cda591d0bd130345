//! What the machine itself must have: room to write, a sound card, a FIFO, the right time.

use super::Finding;
use crate::text::plain;
use amora_audio::card::alsa::{self, FoundCard};
use amora_contract::Config;
use amora_contract::config::CardKind;
use amora_contract::units::Timestamp;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Less free space than this, and the outbox may not be able to keep events.
const LEAST_FREE: u64 = 64 * 1024 * 1024;

/// Whether the data folder can be written and has room.
pub(super) fn data(folder: &Path) -> Vec<Finding> {
    let subject = "data folder";
    let name = folder.display();
    if !folder.is_dir() {
        let next =
            format!("create it and give it to the service: `install -d -o amora -g amora -m 0750 {name}`");
        return vec![Finding::failed(subject, format!("{name} does not exist"), next)];
    }
    let probe = folder.join(format!(".amoractl-{}", std::process::id()));
    let written = std::fs::write(&probe, b"probe").and_then(|()| std::fs::remove_file(&probe));
    let writable = match written {
        Ok(()) => Finding::ok(subject, format!("{name} can be written")),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Finding::skipped(
            subject,
            format!("{name} is not yours to write: run this as root, or as the service's user"),
        ),
        Err(error) => Finding::failed(
            subject,
            format!("{name} cannot be written: {error}"),
            "see whether it is mounted read-only, or the disk is full",
        ),
    };
    let room = match free(folder) {
        Some(free) if free < LEAST_FREE => Finding::failed(
            subject,
            format!("only {} MiB are free", free >> 20),
            "remove music or recordings that are not needed",
        ),
        Some(free) => Finding::ok(subject, format!("{} MiB are free", free >> 20)),
        None => Finding::warning(subject, "its free space cannot be read", ""),
    };
    vec![writable, room]
}

/// Bytes that may still be written to the file system that a folder is on.
fn free(folder: &Path) -> Option<u64> {
    let path = CString::new(folder.as_os_str().as_bytes()).ok()?;
    let mut statistics = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: `path` ends in NUL and `statistics` is large enough for what the call writes.
    let result = unsafe { libc::statvfs(path.as_ptr(), statistics.as_mut_ptr()) };
    if result != 0 {
        return None;
    }
    // SAFETY: the call succeeded, so it has filled `statistics`.
    let statistics = unsafe { statistics.assume_init() };
    // The fields are of 32 or 64 bits, as the machine is.
    (u128::from(statistics.f_bavail) * u128::from(statistics.f_frsize))
        .try_into()
        .ok()
}

/// Whether the way that music takes to the mixer is a FIFO.
pub(super) fn fifo(config: &Config) -> Finding {
    let subject = "music FIFO";
    let Some(path) = &config.audio.music.fifo else {
        return Finding::skipped(
            subject,
            "`audio.music.fifo` is not set: MPD's music does not reach the mixer",
        );
    };
    let name = path.display();
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.file_type().is_fifo() => Finding::ok(subject, name.to_string()),
        Ok(_) => Finding::failed(
            subject,
            format!("{name} is not a FIFO"),
            format!("remove it; the service makes it anew: `rm {name}`"),
        ),
        Err(error) => Finding::failed(
            subject,
            format!("{name}: {error}"),
            "the service makes it when it starts: see whether it runs",
        ),
    }
}

/// Every sound card with the board that it is, and which of them the box plays to.
pub(super) fn cards(config: &Config) -> Vec<Finding> {
    let mut findings: Vec<Finding> = alsa::cards().iter().map(card).collect();
    findings.push(chosen_card(config));
    findings
}

fn card(found: &FoundCard) -> Finding {
    let subject = format!("card {}", plain(&found.device));
    let uses = match (found.plays, found.records) {
        (true, true) => "plays and records",
        (true, false) => "plays",
        (false, true) => "records",
        (false, false) => "neither plays nor records",
    };
    let name = plain(&found.name);
    match (found.profile, found.board) {
        (Some(profile), Some(board)) => {
            Finding::ok(subject, format!("{name}, {uses}: profile `{profile}` ({board})"))
        }
        _ => Finding::ok(
            subject,
            format!("{name}, {uses}: no known board, its mixer is left as it is"),
        ),
    }
}

fn chosen_card(config: &Config) -> Finding {
    let subject = "sound card";
    let kind = config.audio.card;
    if matches!(kind, CardKind::Room | CardKind::Null) {
        return Finding::skipped(subject, "`audio.card` asks for none");
    }
    let reason = match alsa::choice(&config.audio) {
        Ok(choice) => return Finding::ok(subject, format!("the box {choice}")),
        Err(reason) => reason,
    };
    let known = card_names(&std::fs::read_to_string("/proc/asound/cards").unwrap_or_default());
    let seen = if known.is_empty() {
        String::new()
    } else {
        format!(" (the kernel knows {})", known.join(", "))
    };
    let next = "a board without an identity of its own is named in config.txt, for example `dtoverlay=iqaudio-dacplus`; another card is named in `audio.device`";
    match kind {
        CardKind::Alsa => Finding::failed(subject, format!("{reason}{seen}"), next),
        _ => Finding::warning(
            subject,
            format!("{reason}{seen}; until then the box plays into a simulated room"),
            next,
        ),
    }
}

/// The names of the cards in `/proc/asound/cards`.
fn card_names(listed: &str) -> Vec<String> {
    let lines = listed.lines().filter(|line| line.contains("]: "));
    lines
        .filter_map(|line| line.split_once(" - ").map(|(_, name)| name.trim().to_owned()))
        .collect()
}

/// Whether the clock can be right, and is kept right.
pub(super) fn clock() -> Finding {
    let next = "connect the box to a network, so that it learns the time: certificates and timers need it";
    if Timestamp::now() < Timestamp::EARLIEST {
        return Finding::failed("clock", "it stands before this software was made", next);
    }
    // SAFETY: all-zero is a valid `timex`, and with `modes` 0 the call only reads the clock's state into it.
    let state = unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        libc::adjtimex(&mut timex)
    };
    match state {
        libc::TIME_ERROR | -1 => Finding::warning("clock", "nothing keeps it right", next),
        _ => Finding::ok("clock", "it is kept right by the network"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn the_data_folder_must_be_there_and_writable() {
        let folder = tempfile::tempdir().unwrap();
        assert!(
            data(folder.path())
                .iter()
                .all(|finding| finding.verdict == Verdict::Ok)
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let missing = data(&folder.path().join("missing"));
        assert_eq!(missing[0].verdict, Verdict::Failed);
        assert!(missing[0].next_step.contains("install -d"));
    }

    #[test]
    fn a_file_is_no_fifo() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        assert_eq!(fifo(&config).verdict, Verdict::Skipped);
        let path = folder.path().join("fifo");
        config.audio.music.fifo = Some(path.clone());
        assert_eq!(fifo(&config).verdict, Verdict::Failed);
        std::fs::write(&path, "").unwrap();
        assert!(fifo(&config).found.contains("is not a FIFO"));
        std::fs::remove_file(&path).unwrap();
        std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert_eq!(fifo(&config).verdict, Verdict::Ok);
    }

    #[test]
    fn a_card_is_missed_only_where_one_is_wanted() {
        let mut config = Config::default();
        config.audio.card = CardKind::Room;
        assert_eq!(chosen_card(&config).verdict, Verdict::Skipped);
        let verdict_of = |card: CardKind, config: &mut Config| {
            config.audio.card = card;
            chosen_card(config).verdict
        };
        let found = amora_audio::card::alsa::find().is_ok();
        let expected = if found {
            (Verdict::Ok, Verdict::Ok)
        } else {
            (Verdict::Warning, Verdict::Failed)
        };
        let verdicts = (
            verdict_of(CardKind::Auto, &mut config),
            verdict_of(CardKind::Alsa, &mut config),
        );
        assert_eq!(verdicts, expected);
    }

    #[test]
    fn each_card_is_named_with_its_profile() {
        let known = FoundCard {
            device: "hw:CARD=Zero".to_owned(),
            name: "RPi Codec Zero".to_owned(),
            plays: true,
            records: true,
            profile: Some("codec-zero"),
            board: Some("Raspberry Pi Codec Zero"),
        };
        assert_eq!(
            card(&known),
            Finding::ok(
                "card hw:CARD=Zero",
                "RPi Codec Zero, plays and records: profile `codec-zero` (Raspberry Pi Codec Zero)"
            )
        );
        let unknown = FoundCard {
            profile: None,
            board: None,
            records: false,
            ..known
        };
        assert!(card(&unknown).found.contains("plays: no known board"));
    }

    #[test]
    fn cards_are_read_as_the_kernel_lists_them() {
        let listed = " 0 [IQaudIODAC     ]: IQaudIODAC - IQaudIODAC\n                      IQaudIODAC\n 1 [vc4hdmi        ]: vc4-hdmi - vc4-hdmi\n";
        assert_eq!(card_names(listed), ["IQaudIODAC", "vc4-hdmi"]);
        assert!(card_names("--- no soundcards ---\n").is_empty());
    }
}
