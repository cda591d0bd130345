use super::*;
use crate::helper::LastWords;
use amora_contract::state::Check;
use std::fs;

fn cause(boots: &str, last_words: &[&str], watchdog: bool) -> GivenUp {
    let evidence = Evidence {
        boots: boots.to_owned(),
        last_words: last_words.iter().map(|text| (*text).to_owned()).collect(),
        watchdog,
        silent: false,
        limit: 3,
    };
    explain(None, Slot::B, &evidence)
}

const PANIC: &str = "Panic#1 Part1\n<6>[    0.3] pstore: Registered ramoops as persistent store backend\n<0>[    4.2] Kernel panic - not syncing: Fatal exception in interrupt\n<0>[    4.3] Rebooting in 5 seconds..\n";
const NO_INIT: &str = "<3>[    2.0] Failed to execute /usr/sbin/amora-init (error -2)\n<0>[    2.1] Kernel panic - not syncing: Requested init /usr/sbin/amora-init failed (error -2).\n";
const INIT_WENT: &str =
    "<0>[    9.0] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00007f00\n";
const INIT_DIED: &str =
    "<0>[    9.0] Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b\n";
const CORRUPT: &str = "<3>[    2.0] device-mapper: verity: 254:3: data block 30720 is corrupted\n<3>[    2.0] SQUASHFS error: Failed to read block\n<0>[    2.1] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(253,0)\n";
const OOPS: &str = "<0>[    4.2] Internal error: Oops: 0000000096000004 [#1] SMP\n";
const QUIET: &str = "<6>[    0.3] ramoops: using 0x100000@0x47e00000, ecc: 0\n<6>[  100.0] systemd[1]: Started something.\n\n";

#[test]
fn each_kind_of_failure_is_told_from_the_others() {
    for (boots, words, watchdog, expected) in [
        ("", &[PANIC][..], false, UpdateCause::Panic),
        ("b 1 init\n", &[PANIC], true, UpdateCause::Panic),
        ("b 1 init\n", &[OOPS], true, UpdateCause::Panic),
        ("", &[NO_INIT], false, UpdateCause::MissingInit),
        ("b 1 init\n", &[INIT_WENT], false, UpdateCause::MissingInit),
        ("b 1 init\n", &[INIT_DIED], false, UpdateCause::Panic),
        ("", &[CORRUPT], false, UpdateCause::CorruptRoot),
        ("", &[QUIET, CORRUPT, PANIC], false, UpdateCause::CorruptRoot),
        (
            "b 1 init\nb 2 init\nb 3 init\n",
            &[QUIET],
            true,
            UpdateCause::Watchdog,
        ),
        (
            "b 1 init\nb 2 init\nb 3 init\n",
            &[QUIET],
            false,
            UpdateCause::NeverReady,
        ),
        ("", &[], false, UpdateCause::NeverStarted),
        ("a 1 init\n", &[], false, UpdateCause::NeverStarted),
        ("nonsense\nb\nb x init\n", &[], false, UpdateCause::NeverStarted),
    ] {
        let told = cause(boots, words, watchdog);
        assert_eq!(told.cause, expected, "{boots:?} {words:?} {watchdog}");
        assert!(told.reason.contains("slot b"), "{}", told.reason);
        assert_eq!(told.tries, 3);
    }
}

#[test]
fn the_last_words_are_quoted_without_their_frame() {
    assert_eq!(
        cause("", &[PANIC], false).seen.as_deref(),
        Some("Kernel panic - not syncing: Fatal exception in interrupt")
    );
    assert_eq!(
        cause("", &[CORRUPT], false).seen.as_deref(),
        Some("device-mapper: verity: 254:3: data block 30720 is corrupted")
    );
    assert_eq!(
        cause("b 1 init\n", &[QUIET], true).seen.as_deref(),
        Some("systemd[1]: Started something.")
    );
    let endless = "<0>[1.0] Kernel panic \u{1b}[31m".to_owned() + &"x".repeat(10_000);
    let seen = cause("", &[&endless], false).seen.unwrap();
    assert!(seen.len() <= 200 && !seen.contains('\u{1b}'));
}

#[test]
fn the_count_of_starts_is_said() {
    let told = cause("b 1 init\nb 2 init\n", &[], false);
    assert!(told.reason.contains("2 times"), "{}", told.reason);
}

#[test]
fn a_trial_that_was_given_up_speaks_for_itself() {
    let given_up = GivenUp {
        cause: UpdateCause::CheckFailed,
        check: Some(Check::Sound),
        seen: Some("no sound flows".to_owned()),
        reason: "the check `sound` failed".to_owned(),
        tries: 1,
    };
    let evidence = Evidence {
        last_words: vec![PANIC.to_owned()],
        ..Evidence::default()
    };
    assert_eq!(explain(Some(&given_up), Slot::B, &evidence), given_up);
}

#[test]
fn words_of_other_days_do_not_count_and_any_watchdog_does() {
    let root = tempfile::tempdir().unwrap();
    let words = |name: &str, text: &str| LastWords {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let gather = |words: Vec<LastWords>| {
        let before = ["1700000000/dmesg-ramoops-0".to_owned()];
        evidence::gather(root.path(), "b 1 init\n".to_owned(), words, &before, 3)
    };
    let old = words("1700000000/dmesg-ramoops-0", PANIC);
    let new = words("1800000000/dmesg-ramoops-0", NO_INIT);
    let gathered = gather(vec![old, new]);
    assert_eq!(gathered.last_words, [NO_INIT]);
    assert!(!gathered.watchdog);
    assert_eq!(explain(None, Slot::B, &gathered).cause, UpdateCause::MissingInit);
    for (dog, status) in [("watchdog0", "0\n"), ("watchdog1", "32\n")] {
        let folder = root.path().join("sys/class/watchdog").join(dog);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("bootstatus"), status).unwrap();
    }
    assert!(gather(Vec::new()).watchdog);
}

#[test]
fn a_console_that_goes_silent_tells_of_the_watchdog_too() {
    let root = tempfile::tempdir().unwrap();
    let explained = |texts: &[(&str, &str)]| {
        let words = texts.iter().map(|(name, text)| LastWords {
            name: format!("{name}@1004000000000"),
            text: (*text).to_owned(),
        });
        let gathered = evidence::gather(root.path(), "b 1 init\n".to_owned(), words.collect(), &[], 3);
        explain(None, Slot::B, &gathered)
    };
    let restarted = QUIET.to_owned() + "[  100.2] reboot: Restarting system\n";
    for (texts, expected) in [
        (&[("console-ramoops-0", QUIET)][..], UpdateCause::Watchdog),
        (&[("console-ramoops-0", &restarted)], UpdateCause::NeverReady),
        (
            &[
                ("1700/console-ramoops-0", QUIET),
                ("console-ramoops-0", &restarted),
            ],
            UpdateCause::NeverReady,
        ),
        (&[("1700/dmesg-ramoops-0", QUIET)], UpdateCause::NeverReady),
        (
            &[("1700/dmesg-ramoops-0", PANIC), ("console-ramoops-0", QUIET)],
            UpdateCause::Panic,
        ),
    ] {
        assert_eq!(explained(texts).cause, expected, "{texts:?}");
    }
    let told = explained(&[("console-ramoops-0", QUIET)]);
    assert_eq!(told.seen.as_deref(), Some("systemd[1]: Started something."));
}
