//! What Device Update for IoT Hub orders: its agent, and the carrying out of what that decides.
//!
//! The agent's orders are carried out here, between two other things that the desk does, so what it calls off is what
//! is there at that moment.

use super::Desk;
use crate::Surroundings;
use crate::device_update::{
    Agent, Effect, FetchFailure, Identity, MANUFACTURER, TwinComponent, Updater, information,
};
use crate::error::UpdateError;
use crate::fetch::small;
use crate::machine::Machine;
use crate::record::Records;
use amora_contract::state::{UpdatePhase, UpdateSource};
use amora_contract::{CommandError, ErrorCode};
use amora_router::{Desired, Router};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// The twin's component.
const COMPONENT: &str = "deviceUpdate";

/// The agent and what it waits for.
pub(super) struct Deployments {
    agent: Agent,
    /// When the agent last had a turn.
    turned: Duration,
    effects: VecDeque<Effect>,
    twin: watch::Receiver<Option<Arc<Desired>>>,
    /// How often the twin had been read, and what it ordered, when the agent was last told.
    known: (u64, Option<Value>),
    updater: Option<Updater>,
    file: mpsc::Sender<File>,
    files: mpsc::Receiver<File>,
    fetching: Option<AbortOnDropHandle<()>>,
}

/// A small file that was fetched, or not.
pub(super) struct File {
    ticket: u64,
    result: Result<Vec<u8>, FetchFailure>,
}

/// What the agent waits for.
pub(super) enum News {
    /// The twin was read, or what it desires has changed.
    Twin,
    File(File),
    /// It is time.
    Time,
}

impl Deployments {
    /// Nothing on a box that does not say what it is.
    pub(super) fn new(
        router: &Router,
        machine: &Machine,
        records: &Records,
        surroundings: &Surroundings,
    ) -> Option<Self> {
        let (board, _) = &machine.board;
        if board.is_empty() || machine.version.is_empty() {
            return None;
        }
        let identity = Identity {
            manufacturer: MANUFACTURER.to_owned(),
            model: board.clone(),
            version: machine.version.clone(),
        };
        let about = information::read(&surroundings.root, &surroundings.data);
        let about = about.component(&identity, &machine.system);
        report(router, &json!({"deviceInformation": about}));
        let mut twin = router.cloud_twin().watch_desired();
        // It may have been read before this start.
        twin.mark_changed();
        let (file, files) = mpsc::channel(1);
        Some(Self {
            agent: Agent::new(surroundings.roots.clone(), identity, &records.kept()),
            turned: Duration::ZERO,
            effects: VecDeque::new(),
            twin,
            known: (0, None),
            updater: None,
            file,
            files,
            fetching: None,
        })
    }

    fn with(&mut self, now: Duration, act: impl FnOnce(&mut Agent) -> Vec<Effect>) {
        self.turned = now;
        self.effects.extend(act(&mut self.agent));
    }

    fn read_twin(&mut self, now: Duration) {
        let Some(desired) = self.twin.borrow_and_update().clone() else {
            return;
        };
        let service = desired
            .properties
            .get(COMPONENT)
            .map(|own| own["service"].clone());
        let service = service.filter(|service| !service.is_null());
        let known = std::mem::replace(&mut self.known, (desired.readings, service.clone()));
        if known == self.known {
            return;
        }
        let read = known.0 != desired.readings;
        let held = || desired.reported.get(COMPONENT).cloned().unwrap_or_default();
        let component = TwinComponent {
            version: desired.version,
            service,
            reported: read.then(held),
        };
        self.with(now, |agent| agent.twin(now, &component));
    }
}

/// What the agent has to be told next.
pub(super) async fn next_news(deployments: &mut Option<Deployments>, born: Instant) -> News {
    let Some(deployments) = deployments else {
        return std::future::pending().await;
    };
    let wake = deployments.agent.next_wake(deployments.turned);
    let time = async {
        match wake {
            Some(wake) => tokio::time::sleep_until(born + wake).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        Ok(()) = deployments.twin.changed() => News::Twin,
        Some(file) = deployments.files.recv() => News::File(file),
        () = time => News::Time,
    }
}

impl Desk {
    pub(super) fn hear_cloud(&mut self, news: News) {
        let now = self.now();
        let Some(deployments) = &mut self.deployments else {
            return;
        };
        match news {
            News::Twin => deployments.read_twin(now),
            News::File(File { ticket, result }) => {
                deployments.with(now, |agent| agent.fetched(now, ticket, result));
            }
            News::Time => deployments.with(now, |agent| agent.tick(now)),
        }
    }

    /// Shows the agent how the updater stands, and carries out what it wants done, until it has nothing to add.
    pub(super) async fn carry_out_deployment(&mut self) -> Result<(), UpdateError> {
        loop {
            self.show_updater();
            let next = |deployments: &mut Deployments| deployments.effects.pop_front();
            match self.deployments.as_mut().and_then(next) {
                Some(effect) => self.carry_out(effect).await?,
                None => return Ok(()),
            }
            self.publish();
        }
    }

    fn show_updater(&mut self) {
        // Until the slots are known there may be a trial of the very update that the agent asks for.
        if self.is_unsure() {
            return;
        }
        let now = self.now();
        let updater = Updater::new(&self.state, self.deployment.as_ref());
        if let Some(deployments) = &mut self.deployments
            && deployments.updater.as_ref() != Some(&updater)
        {
            deployments.updater = Some(updater.clone());
            deployments.with(now, |agent| agent.updater(now, updater));
        }
    }

    async fn carry_out(&mut self, effect: Effect) -> Result<(), UpdateError> {
        let answer = match effect {
            Effect::Report(patch) => {
                report(&self.router, &patch);
                return Ok(());
            }
            Effect::KeepRootKeys(package) => {
                note(self.records.save_root_keys(&package));
                return Ok(());
            }
            Effect::KeepReport(report) => {
                note(self.records.save_final_report(&report));
                return Ok(());
            }
            Effect::Fetch {
                ticket, url, limit, ..
            } => {
                self.fetch_document(ticket, url, limit);
                return Ok(());
            }
            Effect::Install(wanted) => self.begin_installation(UpdateSource::DeviceUpdate, &wanted, None),
            Effect::Cancel { reference } => match self.deploys(&reference) {
                true => {
                    let result = self.cancel();
                    self.tick_work().await?;
                    result
                }
                false => gone(),
            },
            Effect::RollBack { reference }
                if self.state.phase == UpdatePhase::Installed && self.deploys(&reference) =>
            {
                self.drop_installed().await?
            }
            Effect::RollBack { .. } => gone(),
        };
        let now = self.now();
        if let Some(deployments) = &mut self.deployments {
            deployments.with(now, |agent| agent.answered(now, answer));
        }
        Ok(())
    }

    /// Whether what is being installed, or is installed, is the deployment of this reference.
    fn deploys(&self, reference: &str) -> bool {
        let updater = Updater::new(&self.state, None);
        updater.reference.as_deref() == Some(reference)
    }

    fn fetch_document(&mut self, ticket: u64, url: String, limit: usize) {
        let ca_file = self.config.ca_file.clone();
        if let Some(deployments) = &mut self.deployments {
            let file = deployments.file.clone();
            let fetching = async move {
                let result = small::fetch(&url, limit, ca_file.as_deref()).await;
                // An error only means that the capability has ended.
                let _ = file.send(File { ticket, result }).await;
            };
            deployments.fetching = Some(AbortOnDropHandle::new(tokio::spawn(fetching)));
        }
    }
}

fn report(router: &Router, patch: &Value) {
    if let Value::Object(patch) = patch {
        router.cloud_twin().report(patch);
    }
}

/// What cannot be kept is needed only after a power cut in the next moments: the twin is told all the same.
fn note(kept: Result<(), UpdateError>) {
    if let Err(error) = kept {
        tracing::error!(%error, "a note of Device Update's cannot be kept");
    }
}

fn gone() -> Result<(), CommandError> {
    Err(CommandError::new(
        ErrorCode::Conflict,
        "another update is being installed, or none",
    ))
}
