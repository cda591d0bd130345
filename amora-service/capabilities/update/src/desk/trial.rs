//! The trial of the system that runs: reading, judging, keeping it or going back.

use super::Desk;
use crate::error::UpdateError;
use crate::helper::SlotStatus;
use crate::record::{Baseline, GivenUp, Pending};
use crate::swu;
use crate::trial::observe::{self, Sites, observe};
use crate::trial::{Judge, Reading, Rules, SoundReading, Verdict};
use amora_contract::EventKind;
use amora_contract::state::{Check, Trial, UpdateCause, UpdatePhase, UpdateSource};
use amora_contract::units::Timestamp;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// Time between attempts to have the verdict written.
const AGAIN: Duration = Duration::from_secs(10);

/// A trial that goes on.
pub(super) struct Running {
    judge: Judge,
    tries: u32,
    limit: u32,
    deadline: Timestamp,
    pub(super) readings: mpsc::Receiver<Reading>,
    sender: mpsc::Sender<Reading>,
    _observer: AbortOnDropHandle<()>,
    not_before: Option<Instant>,
}

impl Running {
    pub(super) fn shown(&self) -> Trial {
        Trial {
            tries: self.tries,
            limit: self.limit,
            deadline: self.deadline,
            checks: self.judge.checks(),
        }
    }
}

impl Desk {
    /// Begins the trial of the system that runs. Without a note of the update it is judged all the same.
    pub(super) fn begin_trial(&mut self, pending: Option<Pending>, slots: SlotStatus) {
        let pending = pending
            .filter(|pending| pending.to_slot == slots.slot)
            .unwrap_or_else(|| Pending {
                source: UpdateSource::Other,
                url: None,
                reference: None,
                action: None,
                from_version: String::new(),
                to_version: Some(self.machine.version.clone()),
                from_slot: slots.slot.other(),
                to_slot: slots.slot,
                restart: self.config.restart,
                started_at: Timestamp::now(),
                restarted_at: None,
                before: Baseline {
                    sound: true,
                    ..Baseline::default()
                },
                fallback: None,
                given_up: None,
            });
        let deadline = Duration::from_secs_f64(self.config.trial_deadline.0);
        let rules = Rules {
            deadline,
            sound: Duration::from_secs_f64(self.config.trial_sound.0),
            before: pending.before.clone(),
            page: self.surroundings.page.is_some(),
        };
        let sites = Sites {
            page: self.surroundings.page.clone(),
            folder: self.records.folder().to_owned(),
            root: self.surroundings.root.clone(),
            systemctl: self.surroundings.systemctl.clone(),
        };
        let (sender, readings) = mpsc::channel(16);
        let observer = AbortOnDropHandle::new(tokio::spawn(observe(sites, sender.clone())));
        self.running = Some(Running {
            judge: Judge::new(rules, self.now()),
            tries: slots.tries,
            limit: slots.limit,
            deadline: Timestamp(Timestamp::now().0 + deadline.as_millis() as u64),
            readings,
            sender,
            _observer: observer,
            not_before: None,
        });
        self.state.phase = UpdatePhase::Trial;
        self.pending = Some(pending);
        self.router.publish_event(EventKind::UpdateTrialStarted {
            version: self.machine.version.clone(),
            slot: slots.slot,
            tries: slots.tries,
        });
        tracing::info!(
            slot = slots.slot.name(),
            tries = slots.tries,
            "this system is on trial"
        );
    }

    pub(super) fn read(&mut self, reading: Reading) {
        let now = self.now();
        if let Some(running) = &mut self.running {
            running.judge.see(now, reading);
        }
    }

    pub(super) async fn tick_trial(&mut self) -> Result<(), UpdateError> {
        let now = self.now();
        let state = self.router.state();
        let Some(running) = &mut self.running else {
            return Ok(());
        };
        if self.restarting.is_some() {
            return Ok(());
        }
        let sound = state.audio.as_ref().map(SoundReading::from);
        running.judge.see(now, Reading::Sound(sound));
        running.judge.see(now, Reading::Links(observe::links(&state)));
        if running.judge.wants_tone() {
            let (router, sender) = (self.router.clone(), running.sender.clone());
            tokio::spawn(async move {
                let heard = observe::tone(&router).await;
                let _ = sender.send(Reading::Tone(heard)).await;
            });
        }
        if running.not_before.is_some_and(|until| Instant::now() < until) {
            return Ok(());
        }
        match running.judge.verdict(now) {
            None => Ok(()),
            Some(Verdict::Keep) => self.keep().await.map(drop),
            Some(Verdict::GiveUp { check, seen }) => {
                let reason = format!("the new system did not pass the check of {}: {seen}", name(check));
                self.give_up(UpdateCause::CheckFailed, Some(check), Some(seen), reason)
                    .await
            }
        }
    }

    /// Keeps the running system; says why not, where that cannot be written.
    pub(super) async fn keep(&mut self) -> Result<Result<(), String>, UpdateError> {
        let Some(pending) = self.pending.clone() else {
            return Ok(Ok(()));
        };
        if let Err(failure) = self.helper.commit().await {
            tracing::error!(%failure, "the verdict cannot be written");
            let late = self
                .running
                .as_ref()
                .is_some_and(|running| self.now() >= running.judge.deadline());
            if late {
                let reason =
                    format!("the new system is well, but the boot loader could not be told: {failure}");
                self.give_up(UpdateCause::CheckFailed, None, None, reason).await?;
            } else if let Some(running) = &mut self.running {
                running.not_before = Some(Instant::now() + AGAIN);
            }
            return Ok(Err(failure.to_string()));
        }
        let tries = self.running.take().map_or(0, |running| running.tries);
        self.pending = None;
        self.state.phase = UpdatePhase::Idle;
        self.state.install = None;
        self.end_kept(&pending, tries)?;
        self.records.forget_pending()?;
        self.raise_floor()?;
        self.ask_slots().await;
        self.settle_with_server();
        Ok(Ok(()))
    }

    /// What has proved itself is the least that is let in from now on.
    fn raise_floor(&mut self) -> Result<(), UpdateError> {
        let known = self.records.floor().unwrap_or_default();
        let floor = swu::version::higher(&known, &self.machine.version).to_owned();
        if floor != known && !floor.is_empty() {
            self.records.save_floor(&floor)?;
        }
        self.tell_floor();
        Ok(())
    }

    /// Gives the running system up: the reason is written first, then the boot loader is told, then the box restarts.
    pub(super) async fn give_up(
        &mut self,
        cause: UpdateCause,
        check: Option<Check>,
        seen: Option<String>,
        reason: String,
    ) -> Result<(), UpdateError> {
        let Some(mut pending) = self.pending.clone() else {
            return Ok(());
        };
        tracing::error!(reason, "this system is given up");
        pending.given_up = Some(GivenUp {
            cause,
            check,
            seen,
            reason: reason.clone(),
            tries: self.running.as_ref().map_or(0, |running| running.tries),
        });
        // A full or broken `/data` must not keep a bad system running.
        if let Err(error) = self.records.save_pending(&pending) {
            tracing::error!(%error, "the reason cannot be kept");
        }
        if let Err(failure) = self.helper.give_up().await {
            // The boot loader counts the tries, and goes back by itself after them.
            tracing::error!(%failure, "the boot loader could not be told");
        }
        self.pending = Some(pending);
        if let Some(running) = &mut self.running {
            running.not_before = Some(Instant::now() + AGAIN);
        }
        self.go_down(&reason, false).await;
        Ok(())
    }
}

fn name(check: Check) -> &'static str {
    match check {
        Check::System => "the system",
        Check::Sound => "sound",
        Check::Page => "the page",
        Check::Cloud => "its connections",
        Check::Data => "`/data`",
    }
}
