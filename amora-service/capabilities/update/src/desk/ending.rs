//! How updates end, and what is kept of it.

use super::Desk;
use crate::aftermath::{self, evidence};
use crate::error::{Refusal, UpdateError, next_step};
use crate::hawkbit::Report;
use crate::helper::SlotStatus;
use crate::record::{GivenUp, Pending};
use amora_contract::EventKind;
use amora_contract::state::{Outcome, UpdateCause, UpdateInstall, UpdateOutcome, UpdateSource};
use amora_contract::units::Timestamp;

impl Desk {
    /// Keeps how an update ended that was not even tried.
    pub(super) fn end_without_trial(&mut self, install: &UpdateInstall, refusal: &Refusal, wrote: bool) {
        let outcome = match refusal.cause {
            UpdateCause::Asked => Outcome::Cancelled,
            _ if refusal.is_refusal() && !wrote => Outcome::Refused,
            _ => Outcome::Failed,
        };
        let outcome = UpdateOutcome {
            outcome,
            cause: Some(refusal.cause),
            reason: refusal.reason.clone(),
            next_step: next_step(refusal.cause).to_owned(),
            check: None,
            seen: None,
            source: install.source,
            reference: install.reference.clone(),
            from_version: self.machine.version.clone(),
            to_version: install.version.clone(),
            slot: Some(install.slot),
            fallback: install.fallback.clone(),
            tries: 0,
            at: Timestamp::now(),
        };
        // The reason may be that nothing can be written. Nothing on the box has changed; it is told all the same.
        if let Err(error) = self.records.save_end(&outcome) {
            tracing::error!(%error, "how an update ended cannot be kept");
        }
        self.tell_end(outcome);
    }

    /// In the old slot after a trial: why the new system did not stay.
    pub(super) async fn conclude_trial(
        &mut self,
        pending: Pending,
        slots: SlotStatus,
    ) -> Result<(), UpdateError> {
        if pending.to_slot == slots.slot {
            // It was kept, and only the note of it was not taken away in time.
            self.end_kept(&pending, slots.tries)?;
            return self.records.forget_pending();
        }
        let evidence = evidence::gather(
            &self.surroundings.root,
            self.records.boots(),
            self.last_words().await,
            &pending.before.last_words,
            slots.limit,
        );
        let given_up = aftermath::explain(pending.given_up.as_ref(), pending.to_slot, &evidence);
        self.end_rolled_back(&pending, &given_up)?;
        self.records.forget_pending()
    }

    pub(super) fn end_kept(&mut self, pending: &Pending, tries: u32) -> Result<(), UpdateError> {
        self.end_tried(
            pending,
            UpdateOutcome {
                to_version: Some(self.machine.version.clone()),
                ..about(pending, tries)
            },
        )
    }

    pub(super) fn end_rolled_back(
        &mut self,
        pending: &Pending,
        given_up: &GivenUp,
    ) -> Result<(), UpdateError> {
        self.end_tried(
            pending,
            UpdateOutcome {
                outcome: Outcome::RolledBack,
                cause: Some(given_up.cause),
                reason: given_up.reason.clone(),
                next_step: next_step(given_up.cause).to_owned(),
                check: given_up.check,
                seen: given_up.seen.clone(),
                ..about(pending, given_up.tries)
            },
        )
    }

    /// An installed update that is dropped before its trial.
    pub(super) fn end_dropped(&mut self, pending: &Pending) -> Result<(), UpdateError> {
        self.end_tried(
            pending,
            UpdateOutcome {
                outcome: Outcome::Cancelled,
                cause: Some(UpdateCause::Asked),
                reason: "somebody dropped the installed update before its trial".to_owned(),
                ..about(pending, 0)
            },
        )
    }

    /// Ends an update that was installed; a server that ordered it is owed a report.
    fn end_tried(&mut self, pending: &Pending, outcome: UpdateOutcome) -> Result<(), UpdateError> {
        if let Some(action) = pending.action {
            self.records.save_report(&Report::new(action, &outcome))?;
        }
        self.records.save_end(&outcome)?;
        self.tell_end(outcome);
        Ok(())
    }

    fn tell_end(&mut self, outcome: UpdateOutcome) {
        match outcome.outcome {
            Outcome::Kept => tracing::info!(version = outcome.to_version, "the update is kept"),
            _ => tracing::warn!(
                outcome = ?outcome.outcome,
                cause = ?outcome.cause,
                reason = outcome.reason,
                seen = outcome.seen,
                "the update did not get through"
            ),
        }
        if outcome.source == UpdateSource::DeviceUpdate {
            self.deployment = Some(outcome.clone());
        }
        self.state.last = Some(outcome.clone());
        self.router
            .publish_event(EventKind::UpdateEnded(Box::new(outcome)));
    }
}

/// What every outcome says of its update.
fn about(pending: &Pending, tries: u32) -> UpdateOutcome {
    UpdateOutcome {
        outcome: Outcome::Kept,
        cause: None,
        reason: String::new(),
        next_step: String::new(),
        check: None,
        seen: None,
        source: pending.source,
        reference: pending.reference.clone(),
        from_version: pending.from_version.clone(),
        to_version: pending.to_version.clone(),
        slot: Some(pending.to_slot),
        fallback: pending.fallback.clone(),
        tries,
        at: Timestamp::now(),
    }
}
