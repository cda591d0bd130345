//! Installations that begin, and that are called off.

use super::Desk;
use super::work::{Stage, Work};
use crate::error::Refusal;
use crate::fetch::{self, Fetch, Piece};
use crate::helper::SlotStatus;
use crate::install::{self, Fitting};
use crate::preflight::{self, Demands};
use crate::trial::observe;
use amora_contract::commands::InstallUpdate;
use amora_contract::state::{UpdateCause, UpdatePhase, UpdateSource};
use amora_contract::{CommandError, ErrorCode, EventKind, Reply};
use amora_router::{Body, Request};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

/// Pieces between the source and the installation. Each is as large as the network gives them.
const PIECES: usize = 4;

impl Desk {
    /// Somebody wants an update installed, from an address or of a body.
    pub(super) fn install(&mut self, mut request: Request, wanted: &InstallUpdate) {
        let body = request.body.take();
        let source = match body {
            Some(_) => UpdateSource::Upload,
            None => UpdateSource::Url,
        };
        match (self.begin_installation(source, wanted, body), &mut self.work) {
            (Err(error), _) => request.answer(Err(error)),
            // Whoever sends the file waits for the end of it.
            (Ok(()), Some(work)) if source == UpdateSource::Upload => work.request = Some(request),
            _ => request.answer(Ok(Reply::Update(Box::new(self.state.clone())))),
        }
    }

    /// Begins an installation from an address, or of a body. The box and the update must be fit for each other.
    ///
    /// # Errors
    /// Why it does not begin. Where the box or the address was found unfit, that is the installation's end.
    pub(super) fn begin_installation(
        &mut self,
        source: UpdateSource,
        wanted: &InstallUpdate,
        body: Option<Body>,
    ) -> Result<(), CommandError> {
        let slots = self.may_install(wanted)?;
        let size = wanted.size.map(|size| size.0);
        let announced = body.as_ref().map_or(size, |body| body.size.or(size));
        let links = observe::links(&self.router.state());
        let restart = wanted.restart.unwrap_or(self.config.restart);
        let mut work = Work::new(source, slots.slot.other(), restart, links);
        work.url = (source != UpdateSource::Upload).then(|| fetch::shown(&wanted.url));
        work.reference.clone_from(&wanted.reference);
        work.size = announced;
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
                self.conclude_badly(&refusal);
                return Err(refusal.to_error());
            }
        };
        let fitting = Fitting {
            size: announced,
            sha256: wanted.sha256.as_deref().and_then(hexadecimal),
            ..self.fitting()
        };
        self.router.publish_event(EventKind::UpdateStarted {
            source,
            url: work.url.clone(),
        });
        self.state.phase = UpdatePhase::Checking;
        self.carry(work, fitting, |to| match (fetch, body) {
            (Some(fetch), _) => Some(tokio::spawn(fetch.run(to))),
            (None, Some(body)) => Some(tokio::spawn(forward(body, to))),
            (None, None) => None,
        });
        self.publish();
        Ok(())
    }

    /// What any update must fit.
    pub(super) fn fitting(&self) -> Fitting {
        Fitting {
            board: self.machine.board.clone(),
            floor: self.floor(),
            limit: self.config.max_size.0,
            size: None,
            sha256: None,
            in_place_of: None,
        }
    }

    /// Carries an installation through, of the pieces that `source` gives.
    pub(super) fn carry(
        &mut self,
        mut work: Work,
        fitting: Fitting,
        source: impl FnOnce(mpsc::Sender<Piece>) -> Option<JoinHandle<()>>,
    ) {
        let (to, pieces) = mpsc::channel(PIECES);
        let (step, steps) = mpsc::channel(64);
        let source = source(to);
        let install = tokio::spawn(install::run(fitting, self.config.swupdate.clone(), pieces, step));
        work.tasks = source
            .into_iter()
            .chain([install])
            .map(AbortOnDropHandle::new)
            .collect();
        work.steps = Some(steps);
        self.errors.clear();
        self.work = Some(work);
    }

    /// An installation that somebody else brought to SWUpdate.
    pub(super) fn begin_foreign(&mut self, ordered: bool) {
        let Ok(slots) = self.slots else {
            return;
        };
        let source = match ordered {
            true => UpdateSource::Hawkbit,
            false => UpdateSource::Other,
        };
        self.errors.clear();
        let links = observe::links(&self.router.state());
        let mut work = Work::new(source, slots.slot.other(), self.config.restart, links);
        work.enter(Stage::Taking);
        self.work = Some(work);
        self.state.phase = UpdatePhase::Installing;
        self.router
            .publish_event(EventKind::UpdateStarted { source, url: None });
    }

    /// How the slots stand, where something may be installed.
    fn may_install(&self, wanted: &InstallUpdate) -> Result<SlotStatus, CommandError> {
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
        match (self.unavailable(), &self.slots) {
            (None, Ok(slots)) => Ok(*slots),
            (cause, _) => Err(CommandError::new(
                ErrorCode::Unavailable,
                format!("this box cannot be updated: {}", cause.unwrap_or_default()),
            )),
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
            Stage::Handed if work.delta => {
                return conflict(
                    "it is too late: SWUpdate fetches the rest by itself; `update.roll_back` drops the update once it is installed",
                );
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
