//! What MPD and the sound capability have to say.

use super::{Player, REFRESH_INTERVAL, SCAN_INTERVAL};
use crate::connection::{Failure, LinkError};
use crate::memory::BootClock;
use crate::model::{Model, Subsystems};
use crate::outputs;
use crate::perform;
use crate::protocol::Command;
use crate::volume::{Alignment, Purpose};
use amora_contract::state::{CardOwner, PlaybackState};
use amora_contract::units::{Timestamp, Volume};
use amora_contract::{CommandError, EventKind, Reply};
use std::time::Duration;
use tokio::time::Instant;

/// MPD that has just started may call a song not seekable until its decoder is ready.
const RESUME_ATTEMPTS: u32 = 5;
const RESUME_PAUSE: Duration = Duration::from_millis(250);

/// Whatever happened to the link was dealt with.
type Outcome = Result<(), LinkError>;

fn gone(failure: Failure) -> LinkError {
    match failure {
        Failure::Lost(error) => error,
        Failure::Refused(ack, _) => LinkError::Refused(ack),
        Failure::Unsendable(_) => LinkError::Closed,
    }
}

impl Player {
    /// MPD is there.
    pub(super) async fn connected(&mut self) {
        match self.take_up().await {
            Ok(()) => {
                self.back_off.connected();
                let version = self
                    .link
                    .session()
                    .map(|session| session.version().to_owned())
                    .unwrap_or_default();
                tracing::info!("connected to MPD {version} at {}", self.target.address);
                self.router.publish_event(EventKind::PlayerConnected { version });
                self.report_health();
            }
            Err(error) => self.lost(error),
        }
    }

    async fn take_up(&mut self) -> Outcome {
        let first_look = [
            Command::new("stats"),
            Command::new("status"),
            Command::new("currentsong"),
        ];
        let frames = match self.link.session() {
            Some(session) => session.execute(&first_look).await.map_err(gone)?,
            None => return Ok(()),
        };
        // What was remembered has to be looked at before the refresh overwrites it.
        let remembered = self.memory.clone();
        let uptime = frames
            .first()
            .and_then(|stats| stats.parse("uptime"))
            .unwrap_or(0);
        let restarted = remembered.precedes_start(uptime, &BootClock::now(), self.was_lost);
        if let Some(playlist) = remembered.playlist.as_deref().filter(|_| !restarted) {
            self.model.loaded(playlist, remembered.playlist_version);
        } else {
            self.model.state.playlist = None;
        }
        let state = match frames.get(1).and_then(|status| status.get("state")) {
            Some("play") => PlaybackState::Play,
            _ => PlaybackState::Pause,
        };
        if self.config.resume && restarted && remembered.wants_resume(state) {
            self.resume(&remembered).await?;
        }
        self.pending = Subsystems::ALL;
        self.read_news().await?;
        if !self.sleep.is_fading()
            && let Some(original) = self.memory.mpd_fading_from.take()
        {
            // A fade of MPD's own volume was cut short.
            self.set_mpd_volume(original).await?;
        }
        self.fit_outputs().await
    }

    async fn resume(&mut self, memory: &crate::memory::Memory) -> Outcome {
        let Some(session) = self.link.session() else {
            return Ok(());
        };
        let found = session.execute_one(memory.search()).await.map_err(gone)?;
        let Some((from_there, from_start)) = memory.resume(&found) else {
            tracing::info!("`{}` was playing, but is not in the queue any more", memory.file);
            return Ok(());
        };
        for attempt in 1..=RESUME_ATTEMPTS {
            let commands = if attempt < RESUME_ATTEMPTS {
                &from_there
            } else {
                &from_start
            };
            match session.execute(commands).await {
                Ok(_) => {
                    tracing::info!("going on with `{}` at {}", memory.file, memory.elapsed);
                    break;
                }
                Err(Failure::Lost(error)) => return Err(error),
                Err(failure) => tracing::debug!("`{}` cannot be taken up yet: {failure}", memory.file),
            }
            tokio::time::sleep(RESUME_PAUSE).await;
        }
        Ok(())
    }

    /// MPD has news: reads them now, or a little later when the last ones are fresh.
    pub(super) async fn changed(&mut self, changed: Subsystems) {
        self.pending = self.pending.with(changed);
        if let Some(session) = self.link.session()
            && let Err(error) = session.listen().await
        {
            return self.lost(error);
        }
        if changed.any(Subsystems::DATABASE) {
            self.covers.clear();
        }
        if self.pending != Subsystems::NONE && self.refreshed_at.elapsed() >= REFRESH_INTERVAL {
            self.refresh().await;
        }
    }

    /// Reads what has news.
    pub(super) async fn refresh(&mut self) {
        if let Err(error) = self.read_news().await {
            self.lost(error);
        }
    }

    async fn read_news(&mut self) -> Outcome {
        let changed = std::mem::take(&mut self.pending);
        let Some(session) = self.link.session() else {
            return Ok(());
        };
        if changed.any(Subsystems::STICKER) {
            let favourites = perform::load_favourites(session).await?;
            self.model.set_favourites(favourites);
        }
        let frames = session.execute(&Model::queries(changed)).await.map_err(gone)?;
        self.refreshed_at = Instant::now();
        let events = self.model.apply(changed, &frames, Timestamp::now());
        self.scan_at = self
            .model
            .state
            .library
            .updating
            .then(|| Instant::now() + SCAN_INTERVAL);
        if changed.any(Subsystems::OUTPUT) {
            self.report_health();
        }
        if self.sleep.is_fading() && self.model.state.state != PlaybackState::Play && self.sleep.is_set() {
            self.end_sleep().await;
        }
        self.note_playback(true);
        self.publish();
        self.publish_events(events);
        if let Some(alignment) = self.sync.mpd_has(self.model.volume) {
            self.align(alignment).await?;
        }
        if self.owner.is_none()
            && let Some(volume) = self.model.volume
        {
            self.watch_fade(volume);
        }
        Ok(())
    }

    /// Whoever sets the volume during a fade keeps it.
    fn watch_fade(&mut self, volume: Volume) {
        let was_fading = self.sleep.is_fading();
        self.sleep.volume_is(volume);
        if was_fading && !self.sleep.is_fading() {
            self.fade_ended();
        }
    }

    /// The state document changed: the volume and the card's owner in it concern the player.
    pub(super) async fn follow_box(&mut self) {
        let (volume, owner) = {
            let document = self.document.borrow_and_update();
            let audio = document.audio.as_ref();
            (audio.map(|audio| audio.volume), audio.map(|audio| audio.owner))
        };
        if let Some(volume) = volume {
            self.watch_fade(volume);
            if !self.sleep.is_fading()
                && !self.box_volume.is_fading()
                && let Some(original) = self.memory.fading_from
            {
                // The service ended in the middle of a fade.
                self.box_volume.set(Purpose::Restore, original);
            }
        }
        if let Some(alignment) = self.sync.box_has(volume)
            && let Err(error) = self.align(alignment).await
        {
            self.lost(error);
        }
        if owner != self.owner {
            self.owner = owner;
            if let Err(error) = self.fit_outputs().await {
                self.lost(error);
            }
            self.report_health();
        }
        self.listen_for_silence();
    }

    /// Compares what MPD says that it plays with what arrives at the mixer.
    fn listen_for_silence(&mut self) {
        let now = Instant::now();
        let before = self.silence.lasts(now);
        let flowing = self
            .document
            .borrow()
            .audio
            .as_ref()
            .is_none_or(|audio| audio.music.flowing);
        let state = &self.model.state;
        let mixed = state
            .outputs
            .iter()
            .any(|output| output.enabled && output.name == self.config.mixer_output);
        let should_sound =
            state.state == PlaybackState::Play && self.owner == Some(CardOwner::Engine) && mixed;
        self.silence.observe(should_sound, flowing, now);
        if before != self.silence.lasts(now) {
            self.report_health();
        }
    }

    /// Switches MPD's outputs as the card's owner demands.
    async fn fit_outputs(&mut self) -> Outcome {
        let (Some(owner), Some(session)) = (self.owner, self.link.session()) else {
            return Ok(());
        };
        let commands = outputs::switch(owner, &self.model.state.outputs, &self.config);
        if commands.is_empty() {
            return Ok(());
        }
        match session.execute(&commands).await {
            Ok(_) => Ok(()),
            Err(Failure::Lost(error)) => Err(error),
            Err(failure) => {
                tracing::warn!("MPD's outputs cannot be switched: {failure}");
                Ok(())
            }
        }
    }

    /// Well, or one of the outputs is missing.
    pub(super) fn report_health(&mut self) {
        if self.link.session().is_none() {
            return;
        }
        let owner = self.owner.unwrap_or(CardOwner::Engine);
        let silent = self.silence.lasts(Instant::now());
        let problem = self
            .owner
            .and_then(|_| outputs::problem(owner, &self.model.state.outputs, &self.config))
            .or_else(|| silent.then(|| outputs::silence(&self.config)));
        match problem {
            Some((cause, next_step)) => self.health.degraded(&cause, &next_step),
            None => self.health.ok(),
        }
    }

    /// Makes MPD's number and the box's volume equal.
    async fn align(&mut self, alignment: Alignment) -> Outcome {
        match alignment {
            Alignment::SetBox(volume) => {
                self.box_volume.set(Purpose::Sync, volume);
                Ok(())
            }
            Alignment::SetMpd(volume) => self.set_mpd_volume(volume).await,
        }
    }

    pub(super) async fn set_mpd_volume(&mut self, volume: Volume) -> Outcome {
        let Some(session) = self.link.session() else {
            return Ok(());
        };
        match session
            .execute_one(Command::new("setvol").word(volume.get()))
            .await
        {
            Ok(_) => Ok(()),
            Err(Failure::Lost(error)) => Err(error),
            Err(failure) => {
                tracing::debug!("MPD does not take the volume: {failure}");
                Ok(())
            }
        }
    }

    /// The sound capability set the volume, or refused.
    pub(super) async fn box_was_set(&mut self, purpose: Purpose, result: Result<Reply, CommandError>) {
        match purpose {
            Purpose::Fade => {}
            Purpose::Restore => {
                if result.is_ok() && !self.sleep.is_fading() {
                    self.fade_ended();
                }
            }
            Purpose::Sync => {
                let volume = self.router.state().audio.as_ref().map(|audio| audio.volume);
                if let Some(alignment) = self.sync.box_was_set(volume)
                    && let Err(error) = self.align(alignment).await
                {
                    self.lost(error);
                }
            }
        }
    }
}
