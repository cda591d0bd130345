//! Falling asleep and waking up: the sleep timer, and what is remembered for the next start.

use super::Player;
use crate::memory::BootClock;
use crate::protocol::Command;
use crate::sleep::SleepAction;
use crate::volume::Purpose;
use amora_contract::EventKind;
use amora_contract::state::PlaybackState;
use amora_contract::units::{Timestamp, Volume};
use std::time::Duration;
use tokio::time::Instant;

/// Changes that follow each other are written together.
const SAVE_DELAY: Duration = Duration::from_secs(1);

/// How much of a song may be heard twice after a power cut.
const SAVE_INTERVAL: Duration = Duration::from_secs(30);

impl Player {
    /// The volume that people hear.
    pub(super) fn volume(&self) -> Option<Volume> {
        let document = self.document.borrow();
        document
            .audio
            .as_ref()
            .map(|audio| audio.volume)
            .or(self.model.volume)
    }

    pub(super) async fn tick_sleep(&mut self, now: Instant) {
        let playing = self.model.state.state == PlaybackState::Play;
        let volume = self.volume();
        let was_fading = self.sleep.is_fading();
        let actions = self.sleep.tick(now, playing, volume);
        if self.sleep.is_fading() && !was_fading {
            // Written at once: a power cut in the next seconds must not leave the box quiet.
            match self.owner {
                Some(_) => self.memory.fading_from = self.sleep.original(),
                None => self.memory.mpd_fading_from = self.sleep.original(),
            }
            self.save_at = Some(now);
        }
        for action in actions {
            self.sleep_action(action).await;
        }
        self.show_sleep();
    }

    pub(super) async fn sleep_action(&mut self, action: SleepAction) {
        let has_audio = self.owner.is_some();
        match action {
            SleepAction::Fade(volume) if has_audio => self.box_volume.set(Purpose::Fade, volume),
            SleepAction::Restore(volume) if has_audio => self.box_volume.set(Purpose::Restore, volume),
            SleepAction::Fade(volume) | SleepAction::Restore(volume) => {
                if matches!(action, SleepAction::Restore(_)) {
                    self.fade_ended();
                }
                if let Err(error) = self.set_mpd_volume(volume).await {
                    self.lost(error);
                }
            }
            SleepAction::Pause => {
                let Some(session) = self.link.session() else {
                    // When MPD comes back, the night has begun.
                    self.memory.playing = false;
                    self.save_at = Some(Instant::now());
                    return;
                };
                if self.model.state.state != PlaybackState::Play {
                    return;
                }
                match session.execute_one(Command::new("pause").switch(true)).await {
                    Ok(_) => self.router.publish_event(EventKind::Slept {}),
                    Err(crate::connection::Failure::Lost(error)) => self.lost(error),
                    Err(failure) => tracing::warn!("the sleep timer cannot pause: {failure}"),
                }
            }
        }
    }

    /// The volume is what it should be.
    pub(super) fn fade_ended(&mut self) {
        (self.memory.fading_from, self.memory.mpd_fading_from) = (None, None);
        self.save_at = Some(Instant::now());
    }

    /// The sleep timer has no purpose any more. The volume comes back at once.
    pub(super) async fn end_sleep(&mut self) {
        if let Some(action) = self.sleep.cancel() {
            self.sleep_action(action).await;
        }
        self.show_sleep();
    }

    /// Shows whether, not when: the time was set with the timer.
    pub(super) fn show_sleep(&mut self) {
        if !self.sleep.is_set() && self.model.state.sleep_at.take().is_some() {
            self.publish();
        }
    }

    /// Takes note of what is playing; `going_on` is false when MPD was lost or the service ends.
    pub(super) fn note_playback(&mut self, going_on: bool) {
        let elapsed = self.model.position(Timestamp::now());
        let state = &self.model.state;
        if matches!(state.state, PlaybackState::Disconnected) {
            return;
        }
        let playlist = self
            .model
            .loaded_playlist()
            .map(|(name, version)| (name.to_owned(), version));
        let (name, version) = playlist.map_or((None, 0), |(name, version)| (Some(name), version));
        let mut news = self
            .memory
            .note(state.state, state.song.as_ref(), elapsed, BootClock::now());
        news |= self.memory.playlist != name;
        (self.memory.playlist, self.memory.playlist_version) = (name, version);
        let delay = match (news || !going_on, self.memory.playing) {
            (true, _) => SAVE_DELAY,
            (false, true) => SAVE_INTERVAL,
            (false, false) => return,
        };
        let due = Instant::now() + delay;
        self.save_at = Some(self.save_at.map_or(due, |already| already.min(due)));
    }

    /// Writes the memory down, and plans the next time.
    pub(super) fn save(&mut self, now: Instant) {
        if !self.store.is_idle() {
            self.save_at = Some(now + SAVE_DELAY);
            return;
        }
        self.save_at = None;
        if self.link.session().is_some() {
            let elapsed = self.model.position(Timestamp::now());
            let state = &self.model.state;
            self.memory
                .note(state.state, state.song.as_ref(), elapsed, BootClock::now());
            self.save_at = self.memory.playing.then(|| now + SAVE_INTERVAL);
        }
        self.store.save(&self.memory);
    }
}
