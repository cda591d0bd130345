//! The task that everything meets in: one loop, one thing at a time.

mod news;
mod rest;
mod serve;

use crate::PlayerError;
use crate::connection::{Address, LinkError};
use crate::cover::CoverCache;
use crate::link::{Link, LinkEvent, Target};
use crate::memory::Memory;
use crate::model::{Model, Subsystems};
use crate::outputs::Silence;
use crate::sleep::{SleepAction, SleepTimer};
use crate::store::Store;
use crate::volume::{BoxVolume, Purpose, VolumeSync};
use amora_contract::config::PlayerConfig;
use amora_contract::state::{CardOwner, State};
use amora_contract::units::Timestamp;
use amora_contract::{EventKind, State as Document};
use amora_link::backoff::{self, Backoff, Policy, Reset};
use amora_router::{HealthReporter, Request, Router};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// News that come faster are read together.
const REFRESH_INTERVAL: Duration = Duration::from_millis(20);

/// How often the progress of a library scan is read.
const SCAN_INTERVAL: Duration = Duration::from_millis(500);

/// How long to wait before MPD is tried again. It mostly runs on the same box, where asking costs nothing.
const MPD_BACK_OFF: Policy = Policy {
    base: Duration::from_secs(1),
    factor: 2.0,
    cap: Duration::from_secs(5),
    jitter: 0.2,
    reset: Reset::OnSuccess,
};

/// Far enough to never come.
const NEVER: Duration = Duration::from_secs(86_400);

pub(crate) struct Player {
    router: Router,
    /// What the front lets through.
    requests: mpsc::Receiver<Request>,
    health: HealthReporter,
    config: PlayerConfig,
    shutdown: CancellationToken,
    target: Target,
    link: Link,
    back_off: Backoff,
    document: watch::Receiver<Arc<Document>>,
    model: Model,
    /// Why MPD is away, for those who ask.
    away: LinkError,
    /// Whether MPD was there before.
    was_lost: bool,
    /// What has news that was not read yet.
    pending: Subsystems,
    refreshed_at: Instant,
    scan_at: Option<Instant>,
    sync: VolumeSync,
    box_volume: BoxVolume,
    owner: Option<CardOwner>,
    silence: Silence,
    covers: CoverCache,
    sleep: SleepTimer,
    memory: Memory,
    store: Store,
    save_at: Option<Instant>,
}

impl Player {
    pub(crate) fn new(
        router: Router,
        requests: mpsc::Receiver<Request>,
        config: PlayerConfig,
        data: &Path,
        shutdown: CancellationToken,
    ) -> Self {
        let target = Target {
            address: Address::of(&config),
            password: config.password.clone(),
            shutdown: shutdown.clone(),
        };
        let store = Store::new(data);
        Self {
            health: router.health("player"),
            document: router.watch_state(),
            box_volume: BoxVolume::new(router.clone()),
            link: Link::Waiting(Instant::now()),
            back_off: Backoff::new(MPD_BACK_OFF),
            model: Model::default(),
            away: LinkError::NotYet,
            was_lost: false,
            pending: Subsystems::NONE,
            refreshed_at: Instant::now(),
            scan_at: None,
            sync: VolumeSync::default(),
            owner: None,
            silence: Silence::default(),
            covers: CoverCache::default(),
            sleep: SleepTimer::default(),
            memory: store.load(),
            store,
            save_at: None,
            target,
            shutdown,
            config,
            router,
            requests,
        }
    }

    pub(crate) async fn run(mut self) -> Result<(), PlayerError> {
        self.health.starting();
        self.model.disconnected(&self.away.to_string(), Timestamp::now());
        self.publish();
        self.follow_box().await;
        let shutdown = self.shutdown.clone();
        let result = loop {
            let deadline = self.deadline();
            tokio::select! {
                () = shutdown.cancelled() => break Ok(()),
                request = self.requests.recv() => match request {
                    Some(request) => self.serve(request).await,
                    None => break Err(PlayerError::SeatTaken),
                },
                event = self.link.next(&self.target) => match event {
                    LinkEvent::Up => self.connected().await,
                    LinkEvent::Failed(error) => self.lost(error),
                    LinkEvent::Changed(changed) => self.changed(changed).await,
                },
                (purpose, result) = self.box_volume.next(), if self.box_volume.is_busy() => {
                    self.box_was_set(purpose, result).await;
                }
                _ = self.document.changed() => self.follow_box().await,
                () = sleep_until(deadline) => self.tick().await,
            }
        };
        self.finish().await;
        result
    }

    /// When [`Self::tick`] has something to do.
    fn deadline(&mut self) -> Instant {
        let mut deadline = Instant::now() + NEVER;
        let mut consider = |instant: Option<Instant>| deadline = deadline.min(instant.unwrap_or(deadline));
        consider(self.sleep.deadline());
        consider(self.save_at);
        let now = Instant::now();
        consider(self.silence.deadline().filter(|deadline| *deadline > now));
        if let Some(session) = self.link.session() {
            consider(Some(session.ping_at()));
            consider(self.scan_at);
            if self.pending != Subsystems::NONE {
                consider(Some(self.refreshed_at + REFRESH_INTERVAL));
            }
        }
        deadline
    }

    /// Does everything that is due.
    async fn tick(&mut self) {
        let now = Instant::now();
        let due = |instant: Option<Instant>| instant.is_some_and(|instant| instant <= now);
        if due(self.sleep.deadline()) {
            self.tick_sleep(now).await;
        }
        if due(self.save_at) {
            self.save(now);
        }
        if due(self.silence.deadline()) {
            self.report_health();
        }
        if due(self.scan_at) {
            self.scan_at = None;
            self.pending = self.pending.with(Subsystems::UPDATE);
        }
        if self.pending != Subsystems::NONE && self.refreshed_at + REFRESH_INTERVAL <= now {
            self.refresh().await;
        }
        if let Some(session) = self.link.session()
            && session.ping_at() <= now
            && let Err(error) = session.ping().await
        {
            self.lost(error);
        }
    }

    /// Shows the model to everybody.
    fn publish(&mut self) {
        let section = self.model.state.clone();
        self.router
            .update_state(|state: &mut State| state.player = Some(section));
    }

    fn publish_events(&mut self, events: Vec<EventKind>) {
        for event in events {
            self.router.publish_event(event);
        }
    }

    /// MPD is away: says so at once and tries again later.
    fn lost(&mut self, error: LinkError) {
        if matches!(error, LinkError::ShuttingDown) {
            return;
        }
        let was_up = matches!(self.link, Link::Up(_));
        self.link = Link::Waiting(Instant::now() + self.back_off.next_delay(backoff::random()));
        let cause = format!("{error} ({})", self.target.address);
        self.health.degraded(&cause, error.next_step());
        if was_up {
            tracing::warn!("{cause}");
            self.was_lost = true;
            self.note_playback(false);
        }
        let stopped = self.model.disconnected(&cause, Timestamp::now());
        self.pending = Subsystems::NONE;
        self.scan_at = None;
        self.sync.mpd_lost();
        if let Some(SleepAction::Restore(volume)) = self.sleep.suspend()
            && self.owner.is_some()
        {
            self.box_volume.set(Purpose::Restore, volume);
        }
        self.away = error;
        self.publish();
        self.publish_events(stopped.into_iter().collect());
        if was_up {
            self.router.publish_event(EventKind::PlayerDisconnected { cause });
        }
    }

    /// Gives back what was borrowed and writes down what is known.
    async fn finish(mut self) {
        if matches!(self.link, Link::Up(_)) {
            self.note_playback(false);
        }
        if let Some(action) = self.sleep.cancel() {
            self.sleep_action(action).await;
        }
        // The sound capability may be on its way out too. Then the volume is restored at the next start.
        let restoring = async {
            while self.box_volume.is_fading() {
                let (purpose, result) = self.box_volume.next().await;
                self.box_was_set(purpose, result).await;
            }
        };
        let _ = timeout(Duration::from_secs(1), restoring).await;
        self.store.finish(&self.memory).await;
    }
}
