//! How an installation goes on, from our end and from SWUpdate's, and how it ends.

use super::work::{Stage, Work};
use super::{Desk, refuse};
use crate::error::{Refusal, UpdateError};
use crate::install::Step;
use crate::record::Pending;
use crate::swupdate::control;
use crate::swupdate::messages::{Progress, Status};
use crate::swupdate::refusal;
use amora_contract::state::{UpdateCause, UpdatePhase, UpdateSource};
use amora_contract::units::Bytes;
use amora_contract::{EventKind, Reply};
use std::time::Duration;
use tokio::time::Instant;

/// Time for SWUpdate to end after its stream was cut, and to say why.
const END_PATIENCE: Duration = Duration::from_secs(60);

/// Time for SWUpdate to finish after it has everything.
const FINISH_PATIENCE: Duration = Duration::from_secs(1800);

/// Time for the last lines of the log to arrive after the end.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Lines of errors kept.
const ERRORS: usize = 50;

impl Desk {
    pub(super) async fn step(&mut self, step: Step) -> Result<(), UpdateError> {
        let Some(work) = &mut self.work else {
            return Ok(());
        };
        match step {
            Step::Size(size) => work.size = Some(size),
            Step::Described { version, delta, full } => {
                work.version = Some(version);
                work.delta = delta;
                work.full = full.filter(|_| delta);
                work.enter(Stage::Taking);
                self.state.phase = UpdatePhase::Installing;
            }
            Step::Received(bytes) => work.received(bytes),
            Step::Waiting(cause) => work.waiting = cause,
            Step::Handed => work.enter(Stage::Handed),
            Step::Closed => work.enter(Stage::Ending),
            Step::Refused { refusal, begun } => {
                self.cut_off(refusal, begun);
                self.tick_work().await?;
            }
        }
        Ok(())
    }

    pub(super) async fn hear_progress(&mut self, progress: Progress) -> Result<(), UpdateError> {
        if progress.status == Status::Start {
            self.action = progress.action;
        }
        if self.work.is_none() {
            let begins = matches!(progress.status, Status::Start | Status::Run | Status::Download);
            if begins && self.state.phase == UpdatePhase::Idle {
                self.begin_foreign(progress.ordered);
            }
        }
        let Some(work) = &mut self.work else {
            return Ok(());
        };
        // News that a server's update is on its way says nothing of ours.
        if work.stage == Stage::Before
            && work.source != UpdateSource::Hawkbit
            && work.source != UpdateSource::Other
        {
            return Ok(());
        }
        if progress.version.is_some() {
            work.version = progress.version;
        }
        match progress.status {
            Status::Success => self.installed()?,
            Status::Failure => {
                work.failed.get_or_insert(Instant::now());
            }
            Status::Run => {
                // Its preparations are a step without a name.
                work.wrote |= progress.step > 0 && !progress.image.is_empty();
                if work.delta && (progress.percent > 0 || work.part != progress.image) {
                    // It is still on its way, for as long as it moves.
                    work.since = Instant::now();
                }
                work.part = progress.image;
                if (work.size.is_none() || work.delta) && progress.steps > 0 {
                    let done = progress.step.saturating_sub(1) * 100 + progress.percent;
                    work.raise((done / progress.steps).min(99) as u8);
                }
            }
            Status::Download if work.size.is_none() => work.raise(progress.download.min(99) as u8),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn hear_line(&mut self, level: u32, status: u32, text: String) {
        if level == 1 && self.work.is_some() && self.errors.len() < ERRORS {
            tracing::debug!(text, "SWUpdate");
            self.errors.push(text);
        }
        // "Waiting for requests" follows the last reason, but for those of the process that fetches chunks.
        let over = status == 0 && level > 1;
        let failed = |work: &Work| work.failed.is_some() && !work.delta;
        if over && self.work.as_ref().is_some_and(failed) {
            self.fail();
        }
    }

    /// SWUpdate went away. What it was given and not yet done with is lost, unless it had come to its end.
    pub(super) fn lose_swupdate(&mut self) {
        if let Some(work) = &mut self.work
            && work.stage != Stage::Before
            && (work.stage != Stage::Taking || work.steps.is_none())
        {
            work.lost = true;
            work.refusal.get_or_insert_with(|| {
                Refusal::new(
                    UpdateCause::Installer,
                    "SWUpdate ended in the middle of the installation",
                )
            });
        }
    }

    pub(super) async fn tick_work(&mut self) -> Result<(), UpdateError> {
        let Some(work) = &self.work else {
            return Ok(());
        };
        if work.lost {
            // It may have come to its end before.
            if self.slot_written().await {
                return self.installed();
            }
            self.fail();
            return Ok(());
        }
        if work.over || work.failed.is_some_and(|failed| failed.elapsed() >= LAST_LINES) {
            self.fail();
            return Ok(());
        }
        let patience = match work.stage {
            Stage::Before | Stage::Taking => return Ok(()),
            Stage::Ending => END_PATIENCE,
            Stage::Handed => FINISH_PATIENCE,
        };
        let asked = work.since.elapsed();
        // Its news may have been missed while it was away.
        if asked >= Duration::from_secs(15)
            && asked.as_secs().is_multiple_of(5)
            && let Ok(Some(result)) = control::last_result(&self.config.swupdate).await
            && work.stage == Stage::Handed
            && self.swupdate_away.is_none()
            && self.slot_written().await
            && result == Status::Success
        {
            return self.installed();
        }
        if asked < patience {
            return Ok(());
        }
        if let Some(work) = &mut self.work {
            work.refusal.get_or_insert_with(|| {
                Refusal::new(UpdateCause::Installer, "SWUpdate did not come to an end in time")
            });
        }
        self.fail();
        Ok(())
    }

    /// Ends our part of the installation. SWUpdate, where it had begun, gives up for lack of the rest.
    pub(super) fn cut_off(&mut self, refusal: Refusal, begun: bool) {
        if let Some(work) = &mut self.work {
            work.tasks.clear();
            work.steps = None;
            work.waiting = None;
            work.refusal = Some(refusal);
            work.enter(Stage::Ending);
            work.over = !begun;
        }
    }

    /// Whether the boot loader knows of an update that waits.
    async fn slot_written(&self) -> bool {
        self.helper
            .slots()
            .await
            .is_ok_and(|slots| slots.waiting().is_some())
    }

    fn fail(&mut self) {
        let known = self.work.as_mut().and_then(|work| work.refusal.take());
        let refusal = known.unwrap_or_else(|| refusal::read(&self.errors));
        if let Some(refusal) = self.fall_back(refusal) {
            self.conclude_badly(&refusal);
        }
    }

    /// Ends an installation that did not get through.
    pub(super) fn conclude_badly(&mut self, refusal: &Refusal) {
        let Some(work) = self.work.take() else {
            return;
        };
        self.state.phase = UpdatePhase::Idle;
        self.state.install = None;
        let shown = work.shown();
        self.end_without_trial(&shown, refusal, work.wrote);
        if let Some(request) = work.request {
            refuse(request, refusal);
        }
    }

    /// Ends an installation that got through: the update waits for the restart.
    fn installed(&mut self) -> Result<(), UpdateError> {
        let Some(work) = self.work.take() else {
            return Ok(());
        };
        let pending = Pending {
            source: work.source,
            url: work.url.clone(),
            reference: work.reference.clone(),
            action: self
                .action
                .take()
                .filter(|_| work.source == UpdateSource::Hawkbit),
            from_version: self.machine.version.clone(),
            to_version: work.version.clone(),
            from_slot: work.slot.other(),
            to_slot: work.slot,
            restart: work.restart,
            started_at: work.started_at,
            restarted_at: None,
            before: work.before,
            fallback: work.fallback,
            given_up: None,
        };
        // Notes of the starts of an update before are not this one's.
        self.records.forget_pending()?;
        self.records.save_pending(&pending)?;
        self.router.publish_event(EventKind::UpdateInstalled {
            version: pending.to_version.clone(),
            slot: pending.to_slot,
        });
        tracing::info!(
            version = pending.to_version,
            slot = pending.to_slot.name(),
            "an update is installed"
        );
        self.wait_for_restart(pending);
        if let Some(install) = &mut self.state.install {
            install.received = Bytes(work.received);
            install.size = work.size.map(Bytes);
        }
        if let Some(request) = work.request {
            self.publish();
            request.answer(Ok(Reply::Update(Box::new(self.state.clone()))));
        }
        Ok(())
    }
}
