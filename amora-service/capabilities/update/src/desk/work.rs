//! The installation that goes on.

use super::{AbortOnDrop, Desk, policy, refuse};
use crate::error::{Refusal, UpdateError};
use crate::fetch::{self, Fetch, Piece};
use crate::install::{self, Fitting, Step};
use crate::preflight::{self, Demands};
use crate::record::{Baseline, Pending};
use crate::swupdate::control;
use crate::swupdate::messages::{Progress, Status};
use crate::swupdate::refusal;
use amora_contract::commands::InstallUpdate;
use amora_contract::config::RestartPolicy;
use amora_contract::state::{Slot, UpdateCause, UpdateInstall, UpdatePhase, UpdateSource};
use amora_contract::units::{Bytes, Timestamp};
use amora_contract::{CommandError, ErrorCode, EventKind, Reply};
use amora_router::{Body, Request};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Pieces between the source and the installation. Each is as large as the network gives them.
const PIECES: usize = 4;

/// Time for SWUpdate to end after its stream was cut, and to say why.
const END_PATIENCE: Duration = Duration::from_secs(60);

/// Time for SWUpdate to finish after it has everything.
const FINISH_PATIENCE: Duration = Duration::from_secs(1800);

/// Time for the last lines of the log to arrive after the end.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Lines of errors kept.
const ERRORS: usize = 50;

/// One installation.
pub(super) struct Work {
    pub(super) source: UpdateSource,
    url: Option<String>,
    reference: Option<String>,
    restart: RestartPolicy,
    version: Option<String>,
    slot: Slot,
    received: u64,
    size: Option<u64>,
    percent: u8,
    part: String,
    waiting: Option<String>,
    started_at: Timestamp,
    before: Baseline,
    /// Who waits for the end; who asked for a download has the answer already.
    request: Option<Request>,
    steps: Option<mpsc::Receiver<Step>>,
    _tasks: Vec<AbortOnDrop>,
    pub(super) stage: Stage,
    since: Instant,
    /// Whether SWUpdate has begun to write.
    wrote: bool,
    /// Why it ends badly, where that is known before SWUpdate has ended.
    refusal: Option<Refusal>,
    /// When SWUpdate said that it failed: its reasons may still be on their way.
    failed: Option<Instant>,
    /// Whether SWUpdate went away in the middle of it.
    lost: bool,
    /// Whether there is nothing left to wait for.
    over: bool,
}

/// How far an installation is, from SWUpdate's point of view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It does not know of it.
    Before,
    /// It takes it.
    Taking,
    /// It has all of it.
    Handed,
    /// It was cut off and is about to give up.
    Ending,
}

impl Work {
    pub(super) async fn next_step(&mut self) -> Option<Step> {
        match &mut self.steps {
            Some(steps) => match steps.recv().await {
                None => {
                    self.steps = None;
                    std::future::pending().await
                }
                step => step,
            },
            None => std::future::pending().await,
        }
    }

    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.since = Instant::now();
    }

    /// What the state shows of it.
    pub(super) fn shown(&self) -> UpdateInstall {
        UpdateInstall {
            source: self.source,
            url: self.url.clone(),
            reference: self.reference.clone(),
            version: self.version.clone(),
            slot: self.slot,
            percent: self.percent,
            received: Bytes(self.received),
            size: self.size.map(Bytes),
            part: self.part.clone(),
            waiting: self.waiting.clone(),
            started_at: self.started_at,
        }
    }

    fn received(&mut self, bytes: u64) {
        self.received = bytes;
        if let Some(size) = self.size.filter(|size| *size > 0) {
            // The rest is for what SWUpdate does at the end.
            self.raise((bytes.saturating_mul(99) / size).min(99) as u8);
        }
    }

    fn raise(&mut self, percent: u8) {
        self.percent = self.percent.max(percent);
    }
}

/// An installed update, as the state shows it.
pub(super) fn installed(pending: &Pending) -> UpdateInstall {
    UpdateInstall {
        source: pending.source,
        url: pending.url.clone(),
        reference: pending.reference.clone(),
        version: pending.to_version.clone(),
        slot: pending.to_slot,
        percent: 100,
        received: Bytes(0),
        size: None,
        part: String::new(),
        waiting: None,
        started_at: pending.started_at,
    }
}

impl Desk {
    /// Begins an installation from an address, or of a body.
    pub(super) async fn install(
        &mut self,
        mut request: Request,
        wanted: InstallUpdate,
    ) -> Result<(), UpdateError> {
        if let Err(error) = self.may_install(&wanted) {
            request.answer(Err(error));
            return Ok(());
        }
        let body = request.body.take();
        let source = match body {
            Some(_) => UpdateSource::Upload,
            None => UpdateSource::Url,
        };
        let Ok(slots) = self.slots else {
            return Ok(());
        };
        let size = wanted.size.map(|size| size.0);
        let announced = body.as_ref().map_or(size, |body| body.size.or(size));
        let work = Work {
            source,
            url: (source == UpdateSource::Url).then(|| fetch::shown(&wanted.url)),
            reference: wanted.reference.clone(),
            restart: policy(wanted.restart, &self.config),
            version: None,
            slot: slots.slot.other(),
            received: 0,
            size: announced,
            percent: 0,
            part: String::new(),
            waiting: None,
            started_at: Timestamp::now(),
            before: Baseline::default(),
            request: None,
            steps: None,
            _tasks: Vec::new(),
            stage: Stage::Before,
            since: Instant::now(),
            wrote: false,
            refusal: None,
            failed: None,
            lost: false,
            over: false,
        };
        let readings = preflight::read(&self.surroundings.root, &self.surroundings.data);
        let demands = Demands {
            oldest_boot_loader: self.config.oldest_boot_loader.clone(),
        };
        let fit = preflight::check(&readings, &demands).and_then(|()| match announced {
            Some(size) if size > self.config.max_size.0 => {
                Err(crate::swu::too_big(size, self.config.max_size.0))
            }
            _ => Ok(()),
        });
        let fetch = match &body {
            None => Fetch::new(&wanted.url, size, &self.config).map(Some),
            Some(_) => Ok(None),
        };
        let fetch = match fit.and(fetch) {
            Ok(fetch) => fetch,
            Err(refusal) => {
                self.work = Some(work);
                self.conclude_badly(refusal.clone())?;
                refuse(request, &refusal);
                return Ok(());
            }
        };
        self.start(work, fetch, body, &wanted);
        if let Some(work) = &mut self.work {
            work.before = Baseline {
                links: crate::trial::observe::links(&self.router.state()),
                ..Baseline::default()
            };
        }
        self.publish();
        match source {
            // Whoever sends the file waits for the end of it.
            UpdateSource::Upload => {
                if let Some(work) = &mut self.work {
                    work.request = Some(request);
                }
            }
            _ => request.answer(Ok(Reply::Update(Box::new(self.state.clone())))),
        }
        Ok(())
    }

    fn start(&mut self, mut work: Work, fetch: Option<Fetch>, body: Option<Body>, wanted: &InstallUpdate) {
        let fitting = Fitting {
            board: self.machine.board.clone(),
            floor: self.floor(),
            limit: self.config.max_size.0,
            size: work.size,
            sha256: wanted.sha256.as_deref().and_then(hexadecimal),
        };
        let (to, pieces) = mpsc::channel(PIECES);
        let (step, steps) = mpsc::channel(64);
        let source = match (fetch, body) {
            (Some(fetch), _) => Some(tokio::spawn(fetch.run(to)).abort_handle()),
            (None, Some(body)) => Some(tokio::spawn(forward(body, to)).abort_handle()),
            (None, None) => None,
        };
        let install = tokio::spawn(install::run(fitting, self.config.swupdate.clone(), pieces, step));
        work._tasks = source
            .into_iter()
            .chain([install.abort_handle()])
            .map(AbortOnDrop)
            .collect();
        work.steps = Some(steps);
        self.errors.clear();
        self.state.phase = UpdatePhase::Checking;
        self.router.publish_event(EventKind::UpdateStarted {
            source: work.source,
            url: work.url.clone(),
        });
        self.work = Some(work);
    }

    fn may_install(&self, wanted: &InstallUpdate) -> Result<(), CommandError> {
        if wanted.reference.as_ref().is_some_and(|word| word.len() > 128) {
            return Err(CommandError::invalid("reference", "must be at most 128 bytes"));
        }
        if let Some(sha256) = &wanted.sha256
            && hexadecimal(sha256).is_none()
        {
            return Err(CommandError::invalid("sha256", "must be 64 hexadecimal digits"));
        }
        let conflict = |reason: &str| Err(CommandError::new(ErrorCode::Conflict, reason));
        match self.state.phase {
            UpdatePhase::Idle => {}
            UpdatePhase::Checking | UpdatePhase::Installing => {
                return conflict("an update is being installed already: wait for its end, or cancel it");
            }
            UpdatePhase::Installed | UpdatePhase::Restarting => {
                return conflict(
                    "an update is installed and waits for the restart: restart into it, or roll it back",
                );
            }
            UpdatePhase::Trial => {
                return conflict("the running system is still on trial: wait for its end, or confirm it");
            }
        }
        match self.unavailable() {
            Some(cause) => Err(CommandError::new(
                ErrorCode::Unavailable,
                format!("this box cannot be updated: {cause}"),
            )),
            None => Ok(()),
        }
    }

    /// Calls the installation off.
    pub(super) fn cancel(&mut self) -> Result<(), CommandError> {
        let conflict = |reason: &str| Err(CommandError::new(ErrorCode::Conflict, reason));
        let Some(work) = &mut self.work else {
            return conflict("no update is being installed");
        };
        match work.stage {
            _ if work.source == UpdateSource::Hawkbit => {
                return conflict("this update was ordered by a server: it is cancelled there");
            }
            _ if work.source == UpdateSource::Other => {
                return conflict("this update was not brought by this service");
            }
            Stage::Handed => {
                return conflict("it is too late: the update is written, and SWUpdate is finishing it");
            }
            Stage::Ending => return Ok(()),
            Stage::Before | Stage::Taking => {}
        }
        let begun = work.stage == Stage::Taking;
        self.cut_off(Refusal::new(UpdateCause::Asked, "somebody called it off"), begun);
        Ok(())
    }

    /// Ends our part of the installation. SWUpdate, where it had begun, gives up for lack of the rest.
    fn cut_off(&mut self, refusal: Refusal, begun: bool) {
        if let Some(work) = &mut self.work {
            work._tasks.clear();
            work.steps = None;
            work.waiting = None;
            work.refusal = Some(refusal);
            work.enter(Stage::Ending);
            work.over = !begun;
        }
    }

    pub(super) async fn step(&mut self, step: Step) -> Result<(), UpdateError> {
        let Some(work) = &mut self.work else {
            return Ok(());
        };
        match step {
            Step::Size(size) => work.size = Some(size),
            Step::Described { version } => {
                work.version = Some(version);
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
        if self.work.is_none() {
            let begins = matches!(progress.status, Status::Start | Status::Run | Status::Download);
            if begins && self.state.phase == UpdatePhase::Idle {
                self.begin_foreign(progress.ordered).await;
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
                work.part = progress.image;
                if work.size.is_none() && progress.steps > 0 {
                    let done = progress.step.saturating_sub(1) * 100 + progress.percent;
                    work.raise((done / progress.steps).min(99) as u8);
                }
            }
            Status::Download if work.size.is_none() => work.raise(progress.download.min(99) as u8),
            _ => {}
        }
        Ok(())
    }

    /// An installation that somebody else brought to SWUpdate.
    async fn begin_foreign(&mut self, ordered: bool) {
        let Ok(slots) = self.slots else {
            return;
        };
        let source = match ordered {
            true => UpdateSource::Hawkbit,
            false => UpdateSource::Other,
        };
        self.errors.clear();
        self.work = Some(Work {
            source,
            url: None,
            reference: None,
            restart: self.config.restart,
            version: None,
            slot: slots.slot.other(),
            received: 0,
            size: None,
            percent: 0,
            part: String::new(),
            waiting: None,
            started_at: Timestamp::now(),
            before: Baseline {
                links: crate::trial::observe::links(&self.router.state()),
                ..Baseline::default()
            },
            request: None,
            steps: None,
            _tasks: Vec::new(),
            stage: Stage::Taking,
            since: Instant::now(),
            wrote: false,
            refusal: None,
            failed: None,
            lost: false,
            over: false,
        });
        self.state.phase = UpdatePhase::Installing;
        self.router
            .publish_event(EventKind::UpdateStarted { source, url: None });
    }

    pub(super) async fn hear_line(
        &mut self,
        level: u32,
        status: u32,
        text: String,
    ) -> Result<(), UpdateError> {
        if level == 1 && self.work.is_some() && self.errors.len() < ERRORS {
            tracing::debug!(text, "SWUpdate");
            self.errors.push(text);
        }
        // "Waiting for requests" follows the last reason.
        let over = status == 0 && level > 1;
        if over && self.work.as_ref().is_some_and(|work| work.failed.is_some()) {
            self.fail()?;
        }
        Ok(())
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
            return match self.slot_written().await {
                true => self.installed(),
                false => self.fail(),
            };
        }
        if work.over || work.failed.is_some_and(|failed| failed.elapsed() >= LAST_LINES) {
            return self.fail();
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
        self.fail()
    }

    /// Whether the boot loader knows of an update that waits.
    async fn slot_written(&self) -> bool {
        self.helper
            .slots()
            .await
            .is_ok_and(|slots| slots.waiting().is_some())
    }

    fn fail(&mut self) -> Result<(), UpdateError> {
        let known = self.work.as_mut().and_then(|work| work.refusal.take());
        let refusal = known.unwrap_or_else(|| refusal::read(&self.errors));
        self.conclude_badly(refusal)
    }

    /// Ends an installation that did not get through.
    pub(super) fn conclude_badly(&mut self, refusal: Refusal) -> Result<(), UpdateError> {
        let Some(work) = self.work.take() else {
            return Ok(());
        };
        self.state.phase = UpdatePhase::Idle;
        self.state.install = None;
        let shown = work.shown();
        let result = self.end_without_trial(&shown, &refusal, work.wrote);
        if let Some(request) = work.request {
            refuse(request, &refusal);
        }
        result
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
            from_version: self.machine.version.clone(),
            to_version: work.version.clone(),
            from_slot: work.slot.other(),
            to_slot: work.slot,
            restart: work.restart,
            started_at: work.started_at,
            restarted_at: None,
            before: work.before,
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

/// Hands a body's pieces on.
async fn forward(mut body: Body, to: mpsc::Sender<Piece>) {
    while let Some(piece) = body.pieces.recv().await {
        let piece = match piece {
            Ok(bytes) => Piece::Bytes(bytes),
            Err(cause) => Piece::Broken(Refusal::new(
                UpdateCause::Truncated,
                format!("the file did not arrive whole: {cause}"),
            )),
        };
        if to.send(piece).await.is_err() {
            return;
        }
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..32)
        .map(|index| u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok())
        .collect()
}
