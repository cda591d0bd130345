//! From a verified manifest through the updater to the final report.
//!
//! The updater is one for all who ask, and refuses a second installation while one goes on; so a deployment waits for
//! its turn. It is ordered once, and judged by what the updater recorded under its reference.

use super::{Agent, Effect, Stage, Updater};
use crate::device_update::codes::{ExtendedResultCode, ResultCode};
use crate::device_update::manifest::{Manifest, UpdateId};
use crate::device_update::report::{AgentState, Standing};
use amora_contract::commands::InstallUpdate;
use amora_contract::state::{Outcome, UpdateOutcome, UpdatePhase};
use amora_contract::units::Bytes;
use amora_contract::{CommandError, ErrorCode};
use std::time::Duration;

/// Time for the state to show what an answer announced, and until a refused request is made again.
const SETTLE: Duration = Duration::from_secs(15);

/// Time for an updater that cannot work now, as one that has not started yet.
const AWAY: Duration = Duration::from_secs(600);

/// Times that an installation is ordered that the updater took and then knew nothing of, as after its own restart.
const TRIES: u32 = 3;

/// What the updater was asked last.
pub(super) struct Asked {
    command: Request,
    reference: String,
    answer: Option<(Duration, Result<(), CommandError>)>,
    /// Whether the state has shown the installation, or its end.
    seen: bool,
    times: u32,
    /// Since when the updater could not work.
    away_since: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    Install,
    Cancel,
    RollBack,
}

impl Asked {
    pub(super) fn answer(&mut self, now: Duration, result: Result<(), CommandError>) {
        let away = matches!(&result, Err(error) if error.code == ErrorCode::Unavailable);
        self.away_since = self.away_since.or(Some(now)).filter(|_| away);
        self.answer.get_or_insert((now, result));
    }

    /// When its answer has had time to show.
    pub(super) fn settled_at(&self) -> Option<Duration> {
        let (at, _) = self.answer.as_ref()?;
        Some(*at + SETTLE)
    }

    /// Whether an installation may come of it that the state does not show yet.
    fn may_begin(&self, now: Duration) -> bool {
        match self.answer {
            None => true,
            Some(_) => self.command == Request::Install && !refused(self) && !self.settled(now),
        }
    }

    fn settled(&self, now: Duration) -> bool {
        self.settled_at().is_some_and(|at| self.seen || now >= at)
    }

    /// Whether it is no use to ask again, and why.
    fn refusal(&self, now: Duration) -> Option<&str> {
        let (_, Err(error)) = self.answer.as_ref()? else {
            return None;
        };
        let may_change = match error.code {
            ErrorCode::Conflict => true,
            ErrorCode::Unavailable => self.away_since.is_some_and(|since| now < since + AWAY),
            _ => false,
        };
        (!may_change).then_some(error.message.as_str())
    }

    /// Looks whether the state shows the installation that was ordered.
    pub(super) fn see(&mut self, updater: &Updater) {
        let ended = updater.ended.as_ref().and_then(|ended| ended.reference.as_ref());
        let shown = [updater.reference.as_ref(), ended].contains(&Some(&self.reference));
        self.seen |= shown && self.command == Request::Install;
    }
}

/// What to do next.
enum Next {
    Wait,
    Prepare,
    CallOff(String),
    Install,
    Conclude(Box<UpdateOutcome>),
    EndCancelled,
    EndInstalled,
    EndLost,
    EndRefused(String),
}

impl Agent {
    pub(super) fn decide(&mut self, now: Duration) {
        match self.next(now) {
            Next::Wait => {}
            Next::Prepare => self.prepare(now),
            Next::CallOff(reference) => self.call_off(reference),
            Next::Install => self.install(),
            Next::Conclude(outcome) => self.conclude(&outcome),
            Next::EndCancelled => self.end_cancelled(String::new()),
            Next::EndInstalled => {
                let update = self.update();
                self.end_applied(update);
            }
            Next::EndLost => self.fail(
                ExtendedResultCode::NOT_TAKEN,
                "the updater took the order and knows nothing of it".to_owned(),
            ),
            Next::EndRefused(reason) => self.fail(ExtendedResultCode::NOT_TAKEN, reason),
        }
        if self.asked.as_ref().is_some_and(|asked| self.is_over(asked, now)) {
            self.asked = None;
        }
    }

    fn next(&self, now: Duration) -> Next {
        let (Some(updater), Some(target)) = (&self.updater, &self.target) else {
            return Next::Wait;
        };
        let going_on = updater.reference.as_deref();
        if going_on.is_some() && !target.owns(going_on) {
            return self.may_call_off(now);
        }
        if matches!(target.stage, Stage::Done) {
            return Next::Wait;
        }
        if let Some(ended) = &updater.ended
            && target.owns(ended.reference.as_deref())
        {
            return Next::Conclude(Box::new(ended.clone()));
        }
        match updater.phase {
            UpdatePhase::Idle => {}
            // On its way into the new system, and in it, the state does not say whose update it is.
            UpdatePhase::Restarting | UpdatePhase::Trial => return Next::Wait,
            _ if target.owns(going_on) => {
                return match target.cancelled {
                    true => self.may_call_off(now),
                    false => Next::Wait,
                };
            }
            _ => {}
        }
        let idle = updater.phase == UpdatePhase::Idle;
        let asked = self
            .asked
            .as_ref()
            .filter(|asked| asked.command == Request::Install && target.owns(Some(asked.reference.as_str())));
        if target.cancelled {
            return match asked {
                Some(asked) if !refused(asked) && !asked.settled(now) => Next::Wait,
                _ => Next::EndCancelled,
            };
        }
        let Stage::Ready { criteria, .. } = &target.stage else {
            return Next::Prepare;
        };
        if !idle {
            return Next::Wait;
        }
        match asked {
            Some(asked) if !asked.settled(now) => Next::Wait,
            Some(asked) => match (asked.refusal(now), &asked.answer) {
                (Some(reason), _) => Next::EndRefused(reason.to_owned()),
                (None, Some((_, Ok(())))) if asked.times >= TRIES => Next::EndLost,
                _ => Next::Install,
            },
            None if self.asked.as_ref().is_some_and(|asked| asked.may_begin(now)) => Next::Wait,
            None if *criteria == self.identity.version => Next::EndInstalled,
            None => Next::Install,
        }
    }

    /// Calls off what goes on at the updater and is not wanted any more, where it still can be.
    fn may_call_off(&self, now: Duration) -> Next {
        let Some(updater) = &self.updater else {
            return Next::Wait;
        };
        let Some(reference) = updater.reference.clone() else {
            return Next::Wait;
        };
        let Some(wanted) = call_off_by(updater.phase) else {
            return Next::Wait;
        };
        match &self.asked {
            Some(asked) if asked.answer.is_none() => Next::Wait,
            Some(asked) if asked.command == wanted && asked.reference == reference && !asked.settled(now) => {
                Next::Wait
            }
            _ => Next::CallOff(reference),
        }
    }

    fn call_off(&mut self, reference: String) {
        let Some(command) = self
            .updater
            .as_ref()
            .and_then(|updater| call_off_by(updater.phase))
        else {
            return;
        };
        self.effects.push(match command {
            Request::RollBack => Effect::RollBack {
                reference: reference.clone(),
            },
            _ => Effect::Cancel {
                reference: reference.clone(),
            },
        });
        self.asked = Some(Asked {
            command,
            reference,
            answer: None,
            seen: false,
            times: 1,
            away_since: None,
        });
    }

    fn install(&mut self) {
        let Some(target) = &self.target else {
            return;
        };
        let Stage::Ready { file, .. } = &target.stage else {
            return;
        };
        let reference = target.workflow.reference();
        let known = self
            .asked
            .as_ref()
            .filter(|asked| asked.command == Request::Install && asked.reference == reference);
        // One that was refused because of another installation was no order.
        let times = known.map_or(1, |asked| asked.times + u32::from(!refused(asked)));
        let away_since = known.and_then(|asked| asked.away_since);
        self.effects.push(Effect::Install(InstallUpdate {
            url: file.url.clone(),
            size: Some(Bytes(file.size)),
            sha256: Some(file.sha256.clone()),
            reference: Some(reference.clone()),
            ..InstallUpdate::default()
        }));
        self.asked = Some(Asked {
            command: Request::Install,
            reference,
            answer: None,
            seen: false,
            times,
            away_since,
        });
    }

    /// Whether nothing depends any more on what was asked last.
    fn is_over(&self, asked: &Asked, now: Duration) -> bool {
        let wanted = self.target.as_ref().is_some_and(|target| {
            !matches!(target.stage, Stage::Done) && target.owns(Some(asked.reference.as_str()))
        });
        !wanted && asked.settled(now)
    }

    /// The updater's record says how the installation ended.
    fn conclude(&mut self, outcome: &UpdateOutcome) {
        let cancelled = self.target.as_ref().is_some_and(|target| target.cancelled);
        if outcome.outcome == Outcome::Kept {
            let update = self.update();
            return self.end_applied(update);
        }
        let details = match &outcome.seen {
            Some(seen) if !outcome.reason.contains(seen.as_str()) => format!("{}: {seen}", outcome.reason),
            _ => outcome.reason.clone(),
        };
        if cancelled {
            return self.end_cancelled(details);
        }
        self.end(&Standing {
            state: AgentState::Failed,
            result: match outcome.outcome {
                Outcome::Cancelled => ResultCode::CANCELLED,
                _ => ResultCode::FAILED,
            },
            code: outcome
                .cause
                .map_or(ExtendedResultCode::NOT_TAKEN, ExtendedResultCode::of),
            details,
            installed: None,
            step: true,
        });
    }

    fn end_applied(&mut self, update: Option<UpdateId>) {
        self.end(&Standing {
            state: AgentState::Idle,
            result: ResultCode::APPLIED,
            code: ExtendedResultCode::NONE,
            details: String::new(),
            installed: update,
            step: true,
        });
    }

    fn end_cancelled(&mut self, details: String) {
        self.end(&Standing {
            state: AgentState::Idle,
            result: ResultCode::CANCELLED,
            code: ExtendedResultCode::NONE,
            details,
            installed: None,
            step: false,
        });
    }

    /// The update of the deployment. After a restart its manifest is not verified again: it was, before the updater got
    /// its order, and all that is taken of it here is a name to report.
    fn update(&self) -> Option<UpdateId> {
        let target = self.target.as_ref()?;
        match &target.stage {
            Stage::Ready { update, .. } => Some(update.clone()),
            _ => Manifest::update_id(&target.deployment.as_ref()?.manifest),
        }
    }
}

/// How an installation is called off in a phase of the updater.
fn call_off_by(phase: UpdatePhase) -> Option<Request> {
    match phase {
        UpdatePhase::Checking | UpdatePhase::Installing => Some(Request::Cancel),
        UpdatePhase::Installed => Some(Request::RollBack),
        UpdatePhase::Idle | UpdatePhase::Restarting | UpdatePhase::Trial => None,
    }
}

fn refused(asked: &Asked) -> bool {
    matches!(&asked.answer, Some((_, Err(_))))
}
