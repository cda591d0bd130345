//! What the hawkBit server is told, by SWUpdate's own client.
//!
//! The client starts without leave to ask its server (`-d`) and says nothing of its own about the update before (`-c 0`):
//! it would take the installed update for a finished one, and install it once more over the slot that is the way back.
//! It gets leave when nothing is on trial, after it has told the server how the update before ended.

use crate::record::Records;
use crate::swupdate::control;
use crate::swupdate::messages::Message;
use amora_contract::state::{Outcome, UpdateOutcome};
use amora_link::backoff::{Backoff, Policy, Reset, random};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where a box is told of its server.
const SETTINGS: &str = "data/system/hawkbit.conf";

/// Longest detail: a server keeps 512 characters of each.
const LONGEST: usize = 480;

const AGAIN: Policy = Policy {
    base: Duration::from_secs(2),
    factor: 2.0,
    cap: Duration::from_secs(300),
    jitter: 0.2,
    reset: Reset::OnSuccess,
};

/// How an update ended that the server ordered, until the server knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The server's number of what it ordered.
    action: u32,
    good: bool,
    details: Vec<String>,
}

impl Report {
    pub(crate) fn new(action: u32, outcome: &UpdateOutcome) -> Self {
        let good = outcome.outcome == Outcome::Kept;
        let details = match good {
            true => vec!["the new system proved itself".to_owned()],
            false => std::iter::once(&outcome.reason)
                .chain(outcome.seen.iter().filter(|seen| !outcome.reason.contains(*seen)))
                .map(|text| detail(text))
                .filter(|text| !text.is_empty())
                .collect(),
        };
        Self {
            action,
            good,
            details,
        }
    }
}

/// A text as it can be told: SWUpdate puts it between quotes as it is.
fn detail(text: &str) -> String {
    let mut detail = String::new();
    for character in text.chars() {
        let told = match character {
            '"' => '\'',
            '\\' => '/',
            character if character.is_control() => ' ',
            character => character,
        };
        if detail.len() + told.len_utf8() > LONGEST {
            break;
        }
        detail.push(told);
    }
    detail.trim().to_owned()
}

/// Whether this box has a server.
pub(crate) fn in_use(root: &Path) -> bool {
    std::fs::metadata(root.join(SETTINGS)).is_ok_and(|about| about.len() > 0)
}

/// Has the server told what it is owed, and lets SWUpdate ask it again. Ends when both are done.
pub(crate) async fn settle(swupdate: PathBuf, records: Records) {
    let mut back_off = Backoff::new(AGAIN);
    while let Err(error) = try_to_settle(&swupdate, &records).await {
        let wait = back_off.next_delay(random());
        tracing::info!(%error, wait_seconds = wait.as_secs(), "the hawkBit server cannot be told yet");
        tokio::time::sleep(wait).await;
    }
}

async fn try_to_settle(swupdate: &Path, records: &Records) -> io::Result<()> {
    if let Some(report) = records.report() {
        // Two at once would share one connection in there.
        control::tell(swupdate, &Message::enable(false)).await?;
        let verdict = Message::verdict(report.action, report.good, &report.details);
        control::tell(swupdate, &verdict).await?;
        tracing::info!(
            report.action,
            report.good,
            "the hawkBit server knows how its update ended"
        );
        records.forget_report().map_err(io::Error::other)?;
    }
    control::tell(swupdate, &Message::enable(true)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn outcome(outcome: Outcome, reason: &str, seen: Option<&str>) -> UpdateOutcome {
        let outcome = json!({
            "outcome": outcome, "reason": reason, "seen": seen, "next_step": "", "source": "hawkbit",
            "from_version": "1.0.0", "tries": 1, "at": 0,
        });
        serde_json::from_value(outcome).unwrap()
    }

    #[test]
    fn only_what_was_kept_is_a_success() {
        for (ending, good) in [
            (Outcome::Kept, true),
            (Outcome::RolledBack, false),
            (Outcome::Cancelled, false),
            (Outcome::Failed, false),
        ] {
            let report = Report::new(7, &outcome(ending, "a reason", None));
            assert_eq!((report.action, report.good), (7, good), "{ending:?}");
            assert_eq!(report.details.len(), 1);
        }
    }

    #[test]
    fn a_failure_is_told_with_what_was_seen() {
        let report = Report::new(
            7,
            &outcome(Outcome::RolledBack, "it panicked", Some("Oops:\n\t\"x\\y\"")),
        );
        assert_eq!(report.details, ["it panicked", "Oops:  'x/y'"]);
        let report = Report::new(
            7,
            &outcome(Outcome::RolledBack, "no sound: 3 gaps", Some("3 gaps")),
        );
        assert_eq!(report.details, ["no sound: 3 gaps"], "once is enough");
    }

    proptest! {
        #[test]
        fn whatever_was_seen_fits_the_message_and_is_json_between_quotes(reason in any::<String>(), seen in "\\PC{0,2000}") {
            let report = Report::new(u32::MAX, &outcome(Outcome::RolledBack, &reason, Some(&seen)));
            for detail in &report.details {
                let told: String = serde_json::from_str(&format!("\"{detail}\"")).unwrap();
                prop_assert_eq!(&told, detail);
            }
            let message = Message::verdict(report.action, report.good, &report.details);
            let text: Vec<u8> = message.bytes()[24..].iter().copied().take_while(|byte| *byte != 0).collect();
            let told: serde_json::Value = serde_json::from_slice(&text).unwrap();
            prop_assert_eq!(told["details"].as_array().unwrap().len(), report.details.len());
        }
    }
}
