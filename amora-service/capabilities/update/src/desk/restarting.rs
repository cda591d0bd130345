//! From the installed update into it.

use super::{Desk, work};
use crate::error::UpdateError;
use crate::record::{Baseline, Pending};
use crate::restart::{MachineClock, Plan, Planner};
use crate::trial::observe;
use crate::trial::{Reading, SoundReading};
use amora_contract::EventKind;
use amora_contract::state::{PlaybackState, State, UpdatePhase};
use amora_contract::units::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// Time for the doors to tell that the box goes down.
const NOTICE: Duration = Duration::from_millis(700);

/// A restart that was asked for has happened by then, or will not.
const RESTART_PATIENCE: Duration = Duration::from_secs(180);

impl Desk {
    pub(super) fn wait_for_restart(&mut self, pending: Pending) {
        let idle = Duration::from_secs_f64(self.config.idle.0);
        let mut planner = Planner::new(pending.restart, idle, self.hours());
        let sounding = sounding(&self.router.state());
        (self.waiting_for, self.restart_at) =
            match planner.plan(self.now(), &MachineClock, sounding.as_deref()) {
                Plan::Wait { cause, at } => (cause, at),
                Plan::Restart => (String::new(), None),
            };
        self.planner = Some(planner);
        self.state.install = Some(work::installed(&pending));
        self.state.phase = UpdatePhase::Installed;
        self.pending = Some(pending);
    }

    pub(super) async fn tick_restart(&mut self) -> Result<(), UpdateError> {
        if let Some(since) = self.restarting
            && since.elapsed() >= RESTART_PATIENCE
        {
            self.restart_failed("the restart did not happen");
        }
        let now = self.now();
        let sounding = sounding(&self.router.state());
        let Some(planner) = &mut self.planner else {
            return Ok(());
        };
        let plan = planner.plan(now, &MachineClock, sounding.as_deref());
        if self.restarting.is_some() || self.no_restart_before.is_some_and(|until| Instant::now() < until) {
            return Ok(());
        }
        match plan {
            Plan::Wait { cause, at } => (self.waiting_for, self.restart_at) = (cause, at),
            Plan::Restart => self.restart_into_update().await?,
        }
        Ok(())
    }

    /// Notes how the box is now, and restarts into the update.
    pub(super) async fn restart_into_update(&mut self) -> Result<(), UpdateError> {
        let Some(mut pending) = self.pending.clone() else {
            return Ok(());
        };
        self.state.phase = UpdatePhase::Restarting;
        self.restarting = Some(Instant::now());
        self.publish();
        let earlier = std::mem::take(&mut pending.before);
        pending.before = self.baseline().await;
        // What was connected when the installation began counts too: a network may be away for a moment.
        for link in earlier.links {
            if !pending.before.links.contains(&link) {
                pending.before.links.push(link);
            }
        }
        pending.before.sound |= earlier.sound;
        pending.restarted_at = Some(Timestamp::now());
        self.records.save_pending(&pending)?;
        self.pending = Some(pending);
        self.go_down("an update is installed", true).await;
        Ok(())
    }

    /// Has the box restarted, once the doors could tell.
    pub(super) async fn go_down(&mut self, cause: &str, trial: bool) {
        self.state.phase = UpdatePhase::Restarting;
        self.restarting = Some(Instant::now());
        self.publish();
        self.router.publish_event(EventKind::GoingDown {
            how: "restart".to_owned(),
            cause: cause.to_owned(),
        });
        tokio::time::sleep(NOTICE).await;
        if let Err(failure) = self.helper.restart(trial).await {
            self.restart_failed(&format!("the box cannot be restarted: {failure}"));
        }
    }

    fn restart_failed(&mut self, cause: &str) {
        tracing::error!(cause, "not restarted");
        self.restarting = None;
        self.no_restart_before = Some(Instant::now() + Duration::from_secs(60));
        self.waiting_for = cause.to_owned();
        self.state.phase = match (&self.running, &self.planner) {
            (Some(_), _) => UpdatePhase::Trial,
            (None, Some(_)) => UpdatePhase::Installed,
            (None, None) => UpdatePhase::Idle,
        };
    }

    /// How the box is now, for the trial to compare with.
    async fn baseline(&self) -> Baseline {
        let state = self.router.state();
        let sound = state.audio.as_ref().map(SoundReading::from);
        let runs = sound.as_ref().is_some_and(|sound| sound.running || sound.lent);
        let failed_units = match observe::system(&self.surroundings.systemctl).await {
            Reading::System { failed, .. } => failed,
            _ => Vec::new(),
        };
        let microphone = sound.is_some_and(|sound| sound.microphone && sound.running && !sound.lent);
        let tone =
            self.config.trial_tone && microphone && matches!(observe::tone(&self.router).await, Ok(true));
        Baseline {
            failed_units,
            sound: runs,
            tone,
            links: observe::links(&state),
            last_words: self
                .last_words()
                .await
                .into_iter()
                .map(|words| words.name)
                .collect(),
        }
    }
}

/// What sounds now, in a word; nothing when the box is idle.
fn sounding(state: &State) -> Option<String> {
    if let Some(source) = state.audio.as_ref().and_then(|audio| audio.mixer.active.first()) {
        return Some(source.clone());
    }
    let playing = state
        .player
        .as_ref()
        .is_some_and(|player| player.state == PlaybackState::Play);
    playing.then(|| "music".to_owned())
}
