//! The life of the service: start every part, answer for the box itself, reload, and end in good order.

use crate::logging::{self, LogControl};
use crate::parts::{self, Meeting, Part};
use crate::watchdog::SoundPulse;
use amora_contract::commands::{Configure, SystemCommand};
use amora_contract::config::layers::{self, Configured, Loaded, Sources, load};
use amora_contract::reply::{ConfigureReply, DiagnosisReply, ReloadReply};
use amora_contract::units::{Bytes, Timestamp};
use amora_contract::{Command, CommandError, Config, ErrorCode, EventKind, Reply, Section, State};
use amora_router::{Request, Router, Seat, private_file};
use anyhow::Context;
use sd_notify::NotifyState;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Mutex;

/// The version that the state, the page and the update door show.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Everything must have ended this long after the request to stop; systemd's own patience is longer.
const DRAIN: Duration = Duration::from_secs(2);

/// The service tells systemd that it is ready once sound flows, or after this long without.
const READY_PATIENCE: Duration = Duration::from_secs(10);

/// The running service.
pub(crate) struct Daemon {
    meeting: Meeting,
    sources: Sources,
    loaded: Loaded,
    log: LogControl,
    parts: Vec<Part>,
    /// Held while a diagnostic bundle is made.
    diagnosis: Arc<Mutex<()>>,
}

impl Daemon {
    /// A service that has not started anything yet.
    pub(crate) fn new(sources: Sources, loaded: Loaded, log: LogControl) -> Self {
        Self {
            meeting: Meeting::default(),
            sources,
            loaded,
            log,
            parts: Vec::new(),
            diagnosis: Arc::default(),
        }
    }

    /// Runs until SIGTERM or SIGINT.
    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
        let mut hang_up = signal(SignalKind::hangup()).context("listening for SIGHUP")?;
        std::fs::create_dir_all(&self.loaded.config.device.data)
            .with_context(|| format!("creating {}", self.loaded.config.device.data.display()))?;

        self.meeting.router.update_state(|state| {
            state.system.version = VERSION.to_owned();
            state.system.started_at = Timestamp::now();
        });
        for warning in &self.loaded.warnings {
            tracing::warn!("configuration: {warning}");
        }
        self.introduce();
        let mut seat = self.meeting.router.take_seat(Section::System);
        for name in parts::NAMES {
            self.parts
                .extend(parts::start(name, &self.meeting, &self.loaded.config));
        }
        let ready = tokio::spawn(announce_ready(self.meeting.router.clone()));
        let watchdog = tokio::spawn(feed_watchdog(self.meeting.router.clone()));

        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hang_up.recv() => {
                    notify(&[NotifyState::Reloading, NotifyState::monotonic_usec_now()?]);
                    match self.reload() {
                        Ok((changes, parts)) => {
                            tracing::info!(?changes, "configuration read again");
                            self.restart_all(parts).await;
                        }
                        Err(error) => tracing::error!(%error, "the new configuration is refused; the old one stays"),
                    }
                    notify(&[NotifyState::Ready]);
                }
                Some(request) = seat.next() => self.answer(&seat, request).await,
            }
        }

        ready.abort();
        watchdog.abort();
        self.stop().await;
        Ok(())
    }

    fn introduce(&self) {
        let device = &self.loaded.config.device;
        self.meeting.router.update_state(|state| {
            state.system.id.clone_from(&device.id);
            state.system.name.clone_from(&device.name);
        });
    }

    async fn answer(&mut self, seat: &Seat, request: Request) {
        let Command::System(command) = &request.command else {
            return;
        };
        let reply = match command {
            SystemCommand::GetState => Ok(Reply::State(Box::new(seat.router().state().as_ref().clone()))),
            SystemCommand::GetStatus => Ok(Reply::System(Box::new(seat.router().state().system.clone()))),
            SystemCommand::GetConfig => Ok(Reply::Config(self.loaded.redacted())),
            SystemCommand::Diagnose => {
                let work = diagnose(
                    self.diagnosis.clone(),
                    seat.router().state(),
                    self.loaded.config.clone(),
                );
                tokio::spawn(async move { request.answer(work.await) });
                return;
            }
            SystemCommand::Reload => {
                let done = self.reload();
                let done = done.map(|(reply, parts)| (Reply::Reload(reply), parts));
                return self.answer_and_restart(request, done).await;
            }
            SystemCommand::Configure(change) => {
                let done = self.configure(change);
                let done = done.map(|(reply, parts)| (Reply::Configure(reply), parts));
                return self.answer_and_restart(request, done).await;
            }
        };
        request.answer(reply);
    }

    /// Parts are started anew once whoever asked has the answer, because it may travel through one of them.
    async fn answer_and_restart(
        &mut self,
        request: Request,
        done: Result<(Reply, Vec<&'static str>), CommandError>,
    ) {
        match done {
            Ok((reply, parts)) => {
                request.answer(Ok(reply));
                self.restart_all(parts).await;
            }
            Err(error) => request.answer(Err(error)),
        }
    }

    /// Reads the configuration again.
    fn reload(&mut self) -> Result<(ReloadReply, Vec<&'static str>), CommandError> {
        let fresh =
            load(&self.sources).map_err(|error| CommandError::new(ErrorCode::Failed, error.to_string()))?;
        self.apply(fresh)
    }

    /// Changes settings, keeps them, and applies them. Nothing is kept or applied where a part of the change is wrong.
    fn configure(&mut self, change: &Configure) -> Result<(ConfigureReply, Vec<&'static str>), CommandError> {
        let Configured {
            loaded,
            document,
            changed,
            file,
            overridden,
        } = layers::configure(&self.sources, change)?;
        logging::check(&loaded.config.log)
            .map_err(|error| CommandError::invalid("settings.log.level", &format!("{error:#}")))?;
        if changed {
            let text = serde_json::to_vec_pretty(&document).expect("a JSON value serialises");
            private_file::write(&file, &text).map_err(|error| {
                let message = format!("{} cannot be written: {error}", file.display());
                CommandError::new(ErrorCode::Failed, message)
            })?;
        }
        let (reply, parts) = self.apply(loaded)?;
        let reply = ConfigureReply {
            applied: reply.applied,
            needs_restart: reply.needs_restart,
            overridden,
        };
        Ok((reply, parts))
    }

    /// Puts a configuration in the place of the present one. What can be applied is in force afterwards, but for the
    /// parts named: they are to be started anew.
    fn apply(&mut self, fresh: Loaded) -> Result<(ReloadReply, Vec<&'static str>), CommandError> {
        let changed = self.loaded.config.differences(&fresh.config);
        let (needs_restart, applied): (Vec<String>, Vec<String>) = changed
            .into_iter()
            .partition(|path| path == "device.id" || path == "device.data");
        // What waits for a restart stays as it was until then.
        let mut config = fresh.config.clone();
        config.device.id.clone_from(&self.loaded.config.device.id);
        config.device.data.clone_from(&self.loaded.config.device.data);
        self.log
            .apply(&config.log)
            .map_err(|error| CommandError::new(ErrorCode::Failed, format!("{error:#}")))?;
        let known = std::mem::replace(&mut self.loaded, Loaded { config, ..fresh }).warnings;
        for warning in self
            .loaded
            .warnings
            .iter()
            .filter(|warning| !known.contains(warning))
        {
            tracing::warn!("configuration: {warning}");
        }
        self.introduce();
        let concerns = |name: &&str| {
            let prefix = format!("{name}.");
            applied
                .iter()
                .any(|path| path == name || path.starts_with(&prefix))
        };
        let parts = parts::NAMES.into_iter().filter(concerns).collect();
        let reply = ReloadReply {
            applied,
            needs_restart,
        };
        Ok((reply, parts))
    }

    async fn restart_all(&mut self, names: Vec<&'static str>) {
        for name in names {
            self.restart(name).await;
        }
    }

    async fn restart(&mut self, name: &'static str) {
        if let Some(index) = self.parts.iter().position(|part| part.name() == name) {
            self.parts.remove(index).stop().await;
        }
        match parts::start(name, &self.meeting, &self.loaded.config) {
            Some(part) => self.parts.push(part),
            None => self.meeting.router.remove_part(name),
        }
    }

    /// Ends every part, the doors while the rest still answers.
    async fn stop(&mut self) {
        notify(&[NotifyState::Stopping]);
        self.meeting.router.publish_event(EventKind::Stopping {});
        let parts = std::mem::take(&mut self.parts);
        let drained = async {
            for part in parts.into_iter().rev() {
                part.stop().await;
            }
        };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!("not everything ended in time");
        }
    }
}

/// Makes a diagnostic bundle, one at a time.
async fn diagnose(turn: Arc<Mutex<()>>, state: Arc<State>, config: Config) -> Result<Reply, CommandError> {
    let Ok(_turn) = turn.try_lock() else {
        return Err(CommandError::new(
            ErrorCode::Busy,
            "a diagnostic bundle is being made; try again in a moment",
        ));
    };
    let (root, journalctl) = (Path::new("/"), Path::new("journalctl"));
    match amora_diagnosis::make(&state, &config, root, journalctl).await {
        Ok(bundle) => Ok(Reply::Diagnosis(DiagnosisReply {
            path: bundle.path.display().to_string(),
            size: Bytes(bundle.size),
            made_at: bundle.made_at,
        })),
        Err(error) => Err(CommandError::new(ErrorCode::Failed, error.to_string())),
    }
}

/// Tells systemd that the service is ready once sound flows.
async fn announce_ready(router: Router) {
    let mut state = router.watch_state();
    let flowing = state.wait_for(|state| state.audio.as_ref().is_some_and(|audio| audio.card.running));
    let sound = matches!(tokio::time::timeout(READY_PATIENCE, flowing).await, Ok(Ok(_)));
    let status = if sound {
        "sound flows"
    } else {
        "running without sound"
    };
    notify(&[NotifyState::Ready, NotifyState::Status(status)]);
    router.publish_event(EventKind::Started {
        version: VERSION.to_owned(),
    });
    tracing::info!(version = VERSION, status, "ready");
}

/// Tells systemd that the service lives, as long as the sound thread turns.
async fn feed_watchdog(router: Router) {
    let Some(patience) = sd_notify::watchdog_enabled() else {
        return;
    };
    let mut pulse = SoundPulse::default();
    let mut ticks = tokio::time::interval(patience / 3);
    loop {
        ticks.tick().await;
        if pulse.alive(router.state().audio.as_ref()) {
            notify(&[NotifyState::Watchdog]);
        } else {
            tracing::error!("the sound thread stands still");
        }
    }
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd does not listen");
    }
}
