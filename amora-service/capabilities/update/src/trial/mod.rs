//! Whether a new system has proved itself. Pure: readings and the time come in, the standing and the verdict go out.

mod sound;

pub(crate) mod observe;

use crate::record::Baseline;
use amora_contract::state::{Check, CheckResult, TrialCheck};
use sound::SoundCheck;
pub(crate) use sound::SoundReading;
use std::collections::BTreeMap;
use std::time::Duration;

/// A unit that failed may be started again by systemd: so long it has for that.
const GRACE: Duration = Duration::from_secs(30);

/// What a trial goes by.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// How long it may take.
    pub(crate) deadline: Duration,
    /// How long sound must flow without a gap.
    pub(crate) sound: Duration,
    /// How the box was before the update.
    pub(crate) before: Baseline,
    /// Whether the box has a page.
    pub(crate) page: bool,
}

/// Something that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reading {
    /// What systemd says of the system, and the units that failed.
    System { state: String, failed: Vec<String> },
    /// What the sound section says; nothing where there is none yet.
    Sound(Option<SoundReading>),
    /// Whether the tone was heard back, or why it could not be played.
    Tone(Result<bool, String>),
    /// Whether the page answered, or what it answered instead.
    Page(Result<(), String>),
    /// The doors to the outside that are connected.
    Links(Vec<String>),
    /// Whether `/data` took a file, or why not.
    Data(Result<(), String>),
}

/// How a trial ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The system stays.
    Keep,
    /// It does not.
    GiveUp {
        /// The check that it failed.
        check: Check,
        /// What that saw.
        seen: String,
    },
}

/// Judges a system on trial.
#[derive(Debug)]
pub(crate) struct Judge {
    rules: Rules,
    began: Duration,
    standings: BTreeMap<Check, Standing>,
    failing_since: Option<Duration>,
    sound: SoundCheck,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Standing {
    result: CheckResult,
    seen: String,
}

impl Judge {
    /// A trial that begins now.
    pub(crate) fn new(rules: Rules, now: Duration) -> Self {
        let waiting = |seen: &str| Standing {
            result: CheckResult::Waiting,
            seen: seen.to_owned(),
        };
        let skipped = |seen: &str| Standing {
            result: CheckResult::Skipped,
            seen: seen.to_owned(),
        };
        let page = match rules.page {
            true => waiting("the page was not asked yet"),
            false => skipped("this box has no page"),
        };
        let cloud = match rules.before.links.as_slice() {
            [] => skipped("the box was connected to nothing before the update"),
            links => waiting(&format!("not connected yet: {}", links.join(", "))),
        };
        let sound = match rules.before.sound {
            true => waiting("the sound engine has not started yet"),
            false => skipped("no sound flowed before the update either"),
        };
        Self {
            standings: BTreeMap::from([
                (Check::System, waiting("systemd was not asked yet")),
                (Check::Sound, sound),
                (Check::Page, page),
                (Check::Cloud, cloud),
                (Check::Data, waiting("nothing was written yet")),
            ]),
            sound: SoundCheck::new(rules.sound, rules.before.tone),
            failing_since: None,
            began: now,
            rules,
        }
    }

    /// Takes a reading.
    pub(crate) fn see(&mut self, now: Duration, reading: Reading) {
        match reading {
            Reading::System { state, failed } => self.see_system(now, &state, failed),
            Reading::Sound(reading) => {
                let standing = self.sound.see(now, reading);
                self.stand_unless_decided(Check::Sound, standing);
            }
            Reading::Tone(heard) => {
                let standing = self.sound.hear(heard);
                self.stand_unless_decided(Check::Sound, standing);
            }
            Reading::Page(Ok(())) => self.stand(Check::Page, CheckResult::Passed, "the page answers"),
            Reading::Page(Err(cause)) => self.stand_unless_skipped(Check::Page, &cause),
            Reading::Links(connected) => self.see_links(&connected),
            Reading::Data(Ok(())) => {
                self.stand(
                    Check::Data,
                    CheckResult::Passed,
                    "a file was written and read back",
                );
            }
            Reading::Data(Err(cause)) => self.stand(Check::Data, CheckResult::Failed, &cause),
        }
    }

    /// Whether it is time to play the tone and listen for it.
    pub(crate) fn wants_tone(&mut self) -> bool {
        self.standings[&Check::Sound].result == CheckResult::Waiting && self.sound.wants_tone()
    }

    /// How long the trial may last at most.
    pub(crate) fn deadline(&self) -> Duration {
        self.began + self.rules.deadline
    }

    /// The verdict, once there is one.
    pub(crate) fn verdict(&self, now: Duration) -> Option<Verdict> {
        let with = |wanted: CheckResult| {
            self.standings
                .iter()
                .find(|(_, standing)| standing.result == wanted)
        };
        let give_up = |(check, standing): (&Check, &Standing)| Verdict::GiveUp {
            check: *check,
            seen: standing.seen.clone(),
        };
        if let Some(failed) = with(CheckResult::Failed) {
            return Some(give_up(failed));
        }
        match with(CheckResult::Waiting) {
            None => Some(Verdict::Keep),
            Some(waiting) => (now >= self.deadline()).then(|| give_up(waiting)),
        }
    }

    /// Where the checks stand.
    pub(crate) fn checks(&self) -> Vec<TrialCheck> {
        self.standings
            .iter()
            .map(|(check, standing)| TrialCheck {
                check: *check,
                result: standing.result,
                seen: standing.seen.clone(),
            })
            .collect()
    }

    fn see_system(&mut self, now: Duration, state: &str, mut failed: Vec<String>) {
        failed.retain(|unit| !self.rules.before.failed_units.contains(unit));
        let degraded = state == "degraded" || state == "running";
        if degraded && failed.is_empty() {
            self.failing_since = None;
            let seen = match state {
                "running" => "the system is up and no unit has failed",
                _ => "the system is up, and only units have failed that had failed before the update",
            };
            return self.stand(Check::System, CheckResult::Passed, seen);
        }
        if !degraded {
            self.failing_since = None;
            return self.stand(
                Check::System,
                CheckResult::Waiting,
                &format!("the system is {state}"),
            );
        }
        let since = *self.failing_since.get_or_insert(now);
        let result = match now.saturating_sub(since) >= GRACE {
            true => CheckResult::Failed,
            false => CheckResult::Waiting,
        };
        failed.truncate(8);
        self.stand(Check::System, result, &format!("failed: {}", failed.join(", ")));
    }

    fn see_links(&mut self, connected: &[String]) {
        let before = &self.rules.before.links;
        if before.is_empty() {
            return;
        }
        let missing: Vec<&str> = before
            .iter()
            .filter(|link| !connected.contains(link))
            .map(String::as_str)
            .collect();
        match missing.as_slice() {
            [] => self.stand(
                Check::Cloud,
                CheckResult::Passed,
                "what was reached before is reached again",
            ),
            missing => {
                let seen = format!(
                    "not connected, as it was before the update: {}",
                    missing.join(", ")
                );
                self.stand(Check::Cloud, CheckResult::Waiting, &seen);
            }
        }
    }

    fn stand(&mut self, check: Check, result: CheckResult, seen: &str) {
        let seen = seen.chars().take(300).collect();
        self.standings.insert(check, Standing { result, seen });
    }

    fn stand_unless_skipped(&mut self, check: Check, seen: &str) {
        if self.standings[&check].result != CheckResult::Skipped {
            self.stand(check, CheckResult::Waiting, seen);
        }
    }

    fn stand_unless_decided(&mut self, check: Check, (result, seen): (CheckResult, String)) {
        if self.standings[&check].result == CheckResult::Waiting {
            self.stand(check, result, &seen);
        }
    }
}

#[cfg(test)]
mod tests;
