//! The agent's workflow: from an order in the twin to its one final report.
//!
//! The twin says which deployment is ordered and what was reported of it; the updater's record holds the deployment's
//! reference, and with it how the installation ended. So a box that lost power at any moment finds its place again. Of
//! its own the agent keeps the final report, which may be on its way to the twin, and the package of root keys.

mod deploying;
mod ordering;
mod updating;

use super::codes::{ExtendedResultCode, ResultCode};
use super::manifest::{Payload, UpdateId};
use super::order::{Deployment, Order, Workflow, acknowledgement};
use super::report::{self, AgentState, Standing};
use super::root_keys::RootKeyPackage;
use super::roots::Roots;
use amora_contract::CommandError;
use amora_contract::commands::InstallUpdate;
use amora_contract::state::{UpdateInstall, UpdateOutcome, UpdatePhase, UpdateSource, UpdateState};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use updating::Asked;

/// Who the box is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who made it.
    pub manufacturer: String,
    /// Which board it is.
    pub model: String,
    /// The version of the running image.
    pub version: String,
}

impl Identity {
    /// Whether the box has all of a set of properties, under their names of today or of before.
    pub(crate) fn has(&self, set: &BTreeMap<String, String>) -> bool {
        let own = |name: &str| match name.to_ascii_lowercase().as_str() {
            "manufacturer" | "devicemanufacturer" => Some(&self.manufacturer),
            "model" | "devicemodel" => Some(&self.model),
            _ => None,
        };
        let has =
            |(name, value): (&String, &String)| own(name).is_some_and(|own| own.eq_ignore_ascii_case(value));
        !set.is_empty() && set.iter().all(has)
    }
}

/// The twin's component `deviceUpdate`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TwinComponent {
    /// Version of the twin's desired properties.
    pub version: u64,
    /// The desired property `service`, whole; nothing where there is none.
    pub service: Option<Value>,
    /// The component's reported properties, where the twin was read; nothing with a patch.
    pub reported: Option<Value>,
}

/// A small file that the agent itself needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// The package of root keys.
    RootKeys,
    /// A manifest that is too large for the twin.
    Manifest,
}

/// What has to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Patch the twin's reported properties with this. What is to be kept comes before, and is kept before.
    Report(Value),
    /// Keep the newest package of root keys, for [`Agent::new`].
    KeepRootKeys(String),
    /// Keep the last deployment's final report, for [`Agent::new`].
    KeepReport(String),
    /// Fetch a small file and give it to [`Agent::fetched`]. Redirects: at most ten, each to http or https, none from
    /// https to http.
    Fetch {
        /// Given back with the file.
        ticket: u64,
        /// What it is.
        document: Document,
        /// `http://` or `https://`.
        url: String,
        /// Most bytes to take.
        limit: usize,
    },
    /// Carry out `update.install`, and give the answer to [`Agent::answered`].
    Install(InstallUpdate),
    /// Carry out `update.cancel` if what is being installed has this reference, and give the answer, else a conflict, to
    /// [`Agent::answered`].
    Cancel {
        /// Whose installation it is.
        reference: String,
    },
    /// Carry out `update.roll_back` if what is installed has this reference, and give the answer, else a conflict, to
    /// [`Agent::answered`].
    RollBack {
        /// Whose installation it is.
        reference: String,
    },
}

/// What the agent has kept over restarts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// What [`Effect::KeepRootKeys`] brought last.
    pub root_keys: Option<String>,
    /// What [`Effect::KeepReport`] brought last.
    pub report: Option<String>,
}

/// Why a file could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchFailure {
    /// In plain words.
    pub reason: String,
    /// Whether it may work another time.
    pub again: bool,
}

/// What is known of the updater.
#[derive(Debug, Clone, PartialEq)]
pub struct Updater {
    /// What is going on there, whoever ordered it.
    pub phase: UpdatePhase,
    /// The reference of what is being installed, or is installed; nothing where Device Update did not order it.
    pub reference: Option<String>,
    /// How the last installation ended that Device Update ordered, whatever others have installed since.
    pub ended: Option<UpdateOutcome>,
}

impl Updater {
    /// Of the updater's section of the state, which shows what others install too.
    pub fn new(state: &UpdateState, ended: Option<&UpdateOutcome>) -> Self {
        let ours = |install: &&UpdateInstall| install.source == UpdateSource::DeviceUpdate;
        let install = state.install.as_ref().filter(ours);
        Self {
            phase: state.phase,
            reference: install.and_then(|install| install.reference.clone()),
            ended: ended.cloned(),
        }
    }
}

/// The agent. Times are since the program began.
pub struct Agent {
    roots: Roots,
    identity: Identity,
    /// The newest package of root keys seen.
    package: Option<RootKeyPackage>,
    /// Version of the desired properties that were taken last.
    version: Option<u64>,
    updater: Option<Updater>,
    target: Option<Target>,
    asked: Option<Asked>,
    tickets: u64,
    /// What was reported last of a deployment.
    report: Option<Value>,
    /// The final report that was kept before this start.
    kept: Option<Value>,
    effects: Vec<Effect>,
}

/// The deployment that the twin orders.
struct Target {
    workflow: Workflow,
    /// As it is reported.
    action: u8,
    cancelled: bool,
    deployment: Option<Deployment>,
    stage: Stage,
}

/// How far a deployment is before the updater has it.
enum Stage {
    /// Fetching the package of root keys, to verify the manifest with.
    RootKeys(Attempt),
    /// Fetching the detached manifest.
    Manifest(Payload, Attempt),
    /// Verified.
    Ready {
        update: UpdateId,
        file: Payload,
        criteria: String,
    },
    /// Its end is reported.
    Done,
}

/// Fetching, again and again.
#[derive(Default)]
struct Attempt {
    failures: u32,
    ticket: Option<u64>,
    not_before: Duration,
}

impl Target {
    /// Whether an installation at the updater is of this deployment. Where all that is left of it is its cancellation,
    /// that names no retry.
    fn owns(&self, reference: Option<&str>) -> bool {
        match self.deployment {
            Some(_) => reference == Some(self.workflow.reference().as_str()),
            None => {
                let any = Workflow {
                    retry: None,
                    ..self.workflow.clone()
                };
                reference.is_some_and(|word| word.starts_with(&any.reference()))
            }
        }
    }
}

impl Agent {
    /// An agent that trusts `roots`. What was kept and cannot be read counts as not there.
    pub fn new(roots: Roots, identity: Identity, kept: &Kept) -> Self {
        let root_keys = kept.root_keys.as_ref();
        let package = root_keys.and_then(|text| RootKeyPackage::read(text, &roots).ok());
        let report = kept.report.as_ref();
        Self {
            roots,
            identity,
            package,
            version: None,
            updater: None,
            target: None,
            asked: None,
            tickets: 0,
            report: None,
            kept: report.and_then(|text| serde_json::from_str(text).ok()),
            effects: Vec::new(),
        }
    }

    /// The twin was read, or its desired properties were patched.
    pub fn twin(&mut self, now: Duration, component: &TwinComponent) -> Vec<Effect> {
        match &component.reported {
            Some(reported) => self.reconcile(&reported["agent"]),
            None if self.version.is_some_and(|known| component.version <= known) => return Vec::new(),
            None => {}
        }
        self.version = Some(component.version);
        if let Some(service) = &component.service {
            let order = Order::read(service);
            let answered = component
                .reported
                .as_ref()
                .map(|reported| &reported["service"]["av"]);
            if answered.and_then(Value::as_u64) != Some(component.version) {
                let answer = acknowledgement(service, component.version, &order);
                self.effects
                    .push(Effect::Report(report::patch("service", &answer)));
            }
            let reported = component.reported.as_ref().map(|reported| &reported["agent"]);
            self.take(order, reported.unwrap_or(&Value::Null));
        }
        self.turn(now)
    }

    /// The updater shows how it stands.
    pub fn updater(&mut self, now: Duration, updater: Updater) -> Vec<Effect> {
        if let Some(asked) = &mut self.asked {
            asked.see(&updater);
        }
        self.updater = Some(updater);
        self.turn(now)
    }

    /// The updater answers to [`Effect::Install`], [`Effect::Cancel`] or [`Effect::RollBack`].
    pub fn answered(&mut self, now: Duration, result: Result<(), CommandError>) -> Vec<Effect> {
        if let Some(asked) = &mut self.asked {
            asked.answer(now, result);
        }
        self.turn(now)
    }

    /// A file was fetched, or not.
    pub fn fetched(
        &mut self,
        now: Duration,
        ticket: u64,
        result: Result<Vec<u8>, FetchFailure>,
    ) -> Vec<Effect> {
        self.receive(now, ticket, result);
        self.turn(now)
    }

    /// It is the time that [`Self::next_wake`] said.
    pub fn tick(&mut self, now: Duration) -> Vec<Effect> {
        self.turn(now)
    }

    /// When to tick after `now`; nothing where there is nothing to wait for.
    pub fn next_wake(&self, now: Duration) -> Option<Duration> {
        let attempt = match self.target.as_ref().map(|target| &target.stage) {
            Some(Stage::RootKeys(attempt) | Stage::Manifest(_, attempt)) if attempt.ticket.is_none() => {
                Some(attempt.not_before)
            }
            _ => None,
        };
        let asked = self.asked.as_ref().and_then(Asked::settled_at);
        attempt.into_iter().chain(asked).filter(|at| *at > now).min()
    }

    /// After a connection: says who the box is, and what was said while nobody heard it.
    fn reconcile(&mut self, reported: &Value) {
        let properties = report::properties(&self.identity);
        let known = |name: &str| {
            let known = &reported["deviceProperties"][name];
            *known == properties["deviceProperties"][name]
        };
        let all = [
            "manufacturer",
            "model",
            "contractModelId",
            "aduVer",
            "interfaceId",
        ];
        if !all.into_iter().all(known) || reported["compatPropertyNames"] != properties["compatPropertyNames"]
        {
            self.effects
                .push(Effect::Report(report::patch("agent", &properties)));
        }
        if let Some(agent) = self
            .report
            .as_ref()
            .filter(|agent| !report::agrees(reported, agent))
        {
            self.effects.push(Effect::Report(report::patch("agent", agent)));
        }
    }

    fn turn(&mut self, now: Duration) -> Vec<Effect> {
        self.decide(now);
        std::mem::take(&mut self.effects)
    }

    /// Reports how the deployment stands.
    fn say(&mut self, standing: &Standing) {
        let Some(target) = &self.target else {
            return;
        };
        let agent = report::standing(&target.workflow, target.action, standing);
        if standing.state != AgentState::InProgress {
            self.effects.push(Effect::KeepReport(agent.to_string()));
        }
        self.effects.push(Effect::Report(report::patch("agent", &agent)));
        self.report = Some(agent);
    }

    /// Reports how the deployment ended. It is said once.
    fn end(&mut self, standing: &Standing) {
        self.say(standing);
        if let Some(target) = &mut self.target {
            target.stage = Stage::Done;
        }
    }

    /// The deployment fails before the updater has it.
    fn fail(&mut self, code: ExtendedResultCode, details: String) {
        self.end(&Standing {
            state: AgentState::Failed,
            result: ResultCode::FAILED,
            code,
            details,
            installed: None,
            step: false,
        });
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
