//! The box, its updater and the hub, in which anything happens.

use super::super::tests::{RUNNING, cancellation, identity, manifest, outcome, service, updater};
use super::Happening;
use crate::device_update::agent::*;
use crate::device_update::testing::Authority;
use amora_contract::state::{Outcome, UpdateCause};
use amora_contract::{ErrorCode, merge_patch};
use serde_json::{Map, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::OnceLock;

/// The word for what somebody else installs.
const BY_HAND: &str = "by hand";

/// The box, its updater and the hub.
pub(super) struct World {
    agent: Agent,
    memory: Kept,
    now: Duration,
    // The hub.
    orders: usize,
    order: Option<(String, Option<u32>, bool)>,
    pub(super) desired: Option<Value>,
    version: u64,
    pub(super) reported: Map<String, Value>,
    on_the_way: VecDeque<Value>,
    finals: BTreeMap<String, Vec<Value>>,
    // The updater.
    running: String,
    before: String,
    phase: UpdatePhase,
    reference: Option<String>,
    incoming: String,
    ended: Option<UpdateOutcome>,
    requests: VecDeque<Effect>,
    kept: Vec<String>,
    started: BTreeMap<String, u32>,
    lost: BTreeMap<String, u32>,
    // The network.
    fetches: VecDeque<u64>,
}

/// A signed order; signing takes time, so each is made once.
fn signed(number: usize, good: bool) -> Value {
    static ORDERS: OnceLock<Vec<Value>> = OnceLock::new();
    let orders = ORDERS.get_or_init(|| {
        let text = |number: usize| manifest(&format!("2.{number}")).to_string();
        (0..8).map(|number| service("", None, &text(number))).collect()
    });
    let mut order = orders[number % 8].clone();
    if !good {
        order["updateManifestSignature"] = "a.b.c".into();
    }
    order
}

fn root_keys() -> Vec<u8> {
    static TEXT: OnceLock<Vec<u8>> = OnceLock::new();
    TEXT.get_or_init(|| Authority::new().root_keys(&json!({})).into_bytes())
        .clone()
}

impl World {
    pub(super) fn new() -> Self {
        let mut world = Self {
            agent: Agent::new(Authority::new().roots(), identity(RUNNING), &Kept::default()),
            memory: Kept::default(),
            now: Duration::ZERO,
            orders: 0,
            order: None,
            desired: None,
            version: 1,
            reported: Map::new(),
            on_the_way: VecDeque::new(),
            finals: BTreeMap::new(),
            running: RUNNING.to_owned(),
            before: RUNNING.to_owned(),
            phase: UpdatePhase::Idle,
            reference: None,
            incoming: String::new(),
            ended: None,
            requests: VecDeque::new(),
            kept: Vec::new(),
            started: BTreeMap::new(),
            lost: BTreeMap::new(),
            fetches: VecDeque::new(),
        };
        world.begin();
        world
    }

    /// The program begins, without memory of its own.
    fn begin(&mut self) {
        self.agent = Agent::new(Authority::new().roots(), identity(&self.running), &self.memory);
        self.now = Duration::ZERO;
        self.on_the_way.clear();
        self.requests.clear();
        self.fetches.clear();
        self.publish();
        self.read();
    }

    fn read(&mut self) {
        self.on_the_way.clear();
        let component = TwinComponent {
            version: self.version,
            service: self.desired.clone(),
            reported: Some(Value::Object(self.reported.clone())),
        };
        let effects = self.agent.twin(self.now, &component);
        self.carry_out(effects);
    }

    fn send(&mut self) {
        self.version += 1;
        let Some((id, retry, good)) = self.order.clone() else {
            return;
        };
        let number = id[1..].parse().unwrap();
        let mut order = signed(number, good);
        order["workflow"] =
            json!({"action": 3, "id": id, "retryTimestamp": retry.map(|retry| retry.to_string())});
        self.desired = Some(order);
        self.patch();
    }

    fn patch(&mut self) {
        let component = TwinComponent {
            version: self.version,
            service: self.desired.clone(),
            reported: None,
        };
        let effects = self.agent.twin(self.now, &component);
        self.carry_out(effects);
    }

    /// Shows the updater's state.
    fn publish(&mut self) {
        let shown = match self.phase {
            UpdatePhase::Idle | UpdatePhase::Trial => None,
            _ => self
                .reference
                .as_deref()
                .filter(|reference| *reference != BY_HAND),
        };
        let updater = updater(self.phase, shown, self.ended.clone());
        let effects = self.agent.updater(self.now, updater);
        self.carry_out(effects);
    }

    fn end(&mut self, how: Outcome, cause: Option<UpdateCause>) {
        let reference = self.reference.take().unwrap();
        self.phase = UpdatePhase::Idle;
        // What others install takes nothing away from the record.
        if reference == BY_HAND {
            return;
        }
        self.ended = Some(outcome(&reference, how, cause));
        if how == Outcome::Kept {
            self.kept.push(reference);
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Report(patch) => self.on_the_way.push_back(patch),
                Effect::Fetch { ticket, .. } => self.fetches.push_back(ticket),
                Effect::KeepRootKeys(text) => self.memory.root_keys = Some(text),
                Effect::KeepReport(text) => self.memory.report = Some(text),
                Effect::Install(_) | Effect::Cancel { .. } | Effect::RollBack { .. } => {
                    if let Effect::Install(wanted) = &effect {
                        assert_eq!(
                            self.phase,
                            UpdatePhase::Idle,
                            "it is ordered while another goes on"
                        );
                        let reference = wanted.reference.clone().unwrap();
                        assert!(!self.is_final(&reference), "it is ordered after its end");
                    }
                    assert!(
                        self.requests.is_empty(),
                        "it is asked before the last answer came"
                    );
                    self.requests.push_back(effect);
                }
            }
        }
    }

    pub(super) fn is_final(&self, reference: &str) -> bool {
        self.finals.contains_key(reference)
    }

    /// A report arrives at the twin.
    fn deliver(&mut self) -> bool {
        let Some(patch) = self.on_the_way.pop_front() else {
            return false;
        };
        merge_patch(&mut self.reported, patch["deviceUpdate"].as_object().unwrap());
        let agent = &patch["deviceUpdate"]["agent"];
        let ended = matches!(agent["state"].as_u64(), Some(0 | 255));
        if let Some(workflow) = Workflow::read(&agent["workflow"]).filter(|_| ended) {
            let reference = workflow.reference();
            if agent["lastInstallResult"]["resultCode"] == 700 {
                let runs = agent["installedUpdateId"].as_str().is_some_and(|update| {
                    update.contains(&format!("\"{}\"", self.running)) && self.phase != UpdatePhase::Trial
                });
                // A cancellation names the deployment and not the retry.
                let deployment = &reference[..=reference.find('@').unwrap()];
                let kept = self.kept.iter().any(|kept| kept.starts_with(deployment));
                assert!(runs || kept, "{reference} was not kept");
            }
            let known = self.finals.entry(reference).or_default();
            if !known.contains(agent) {
                known.push(agent.clone());
            }
            assert_eq!(known.len(), 1, "two ends of one deployment: {known:?}");
        }
        true
    }

    fn fetch(&mut self, works: bool) -> bool {
        let Some(ticket) = self.fetches.pop_front() else {
            return false;
        };
        let result = match works {
            true => Ok(root_keys()),
            false => Err(FetchFailure {
                reason: "no route".to_owned(),
                again: true,
            }),
        };
        let effects = self.agent.fetched(self.now, ticket, result);
        self.carry_out(effects);
        true
    }

    fn answer(&mut self, late: bool) -> bool {
        let Some(request) = self.requests.pop_front() else {
            return false;
        };
        let result = match (&request, self.phase) {
            (Effect::Install(wanted), UpdatePhase::Idle) => {
                let reference = wanted.reference.clone().unwrap();
                *self.started.entry(reference.clone()).or_default() += 1;
                let lost = self.lost.get(&reference).copied().unwrap_or_default();
                assert!(
                    self.started[&reference] <= 1 + lost,
                    "{reference} is installed twice"
                );
                self.incoming = self.version_of(&reference);
                self.reference = Some(reference);
                self.phase = UpdatePhase::Installing;
                Ok(())
            }
            (Effect::Cancel { reference }, UpdatePhase::Installing) if !late && self.has(reference) => {
                self.end(Outcome::Cancelled, Some(UpdateCause::Asked));
                Ok(())
            }
            (Effect::RollBack { reference }, UpdatePhase::Installed) if self.has(reference) => {
                self.end(Outcome::Cancelled, Some(UpdateCause::Asked));
                Ok(())
            }
            _ => Err(CommandError::new(ErrorCode::Conflict, "not now")),
        };
        // The state may show it before the answer comes, or after.
        if late {
            self.publish();
        }
        let effects = self.agent.answered(self.now, result);
        self.carry_out(effects);
        self.publish();
        true
    }

    /// Whether the installation is that of `reference`, which is never somebody else's.
    fn has(&self, reference: &str) -> bool {
        assert!(reference != BY_HAND, "what others install is theirs");
        self.reference.as_deref() == Some(reference)
    }

    fn version_of(&self, reference: &str) -> String {
        let number: usize = reference["device-update:w".len()..]
            .split('@')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        format!("2.{}", number % 8)
    }

    fn finish(&mut self, well: bool) -> bool {
        if self.phase != UpdatePhase::Installing {
            return false;
        }
        match well {
            true => self.phase = UpdatePhase::Installed,
            false => self.end(Outcome::Failed, Some(UpdateCause::Download)),
        }
        self.publish();
        true
    }

    fn restart(&mut self) {
        match self.phase {
            UpdatePhase::Installed => {
                self.before = std::mem::replace(&mut self.running, self.incoming.clone());
                self.phase = UpdatePhase::Trial;
            }
            UpdatePhase::Installing => {
                // Nothing tells of it afterwards.
                let reference = self.reference.take().unwrap();
                *self.lost.entry(reference).or_default() += 1;
                self.phase = UpdatePhase::Idle;
            }
            _ => {}
        }
        self.begin();
    }

    fn judge(&mut self, keep: bool) -> bool {
        if self.phase != UpdatePhase::Trial {
            return false;
        }
        if keep {
            self.end(Outcome::Kept, None);
            self.publish();
        } else {
            self.end(Outcome::RolledBack, Some(UpdateCause::CheckFailed));
            self.running = self.before.clone();
            self.begin();
        }
        true
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        let effects = self.agent.tick(self.now);
        self.carry_out(effects);
    }

    pub(super) fn happen(&mut self, happening: &Happening) {
        match happening {
            Happening::Deploy { good } => {
                self.orders += 1;
                self.order = Some((format!("w{}", self.orders), None, *good));
                self.send();
            }
            Happening::Retry => {
                if let Some((_, retry, _)) = &mut self.order {
                    *retry = Some(retry.map_or(1, |retry| retry + 1));
                    self.send();
                }
            }
            Happening::Cancel => {
                if let Some((id, ..)) = self.order.clone() {
                    self.version += 1;
                    self.desired = Some(cancellation(&id));
                    self.patch();
                }
            }
            Happening::Duplicate => self.patch(),
            Happening::Reconnect => self.read(),
            Happening::Deliver => {
                self.deliver();
            }
            Happening::Fetch { works } => {
                self.fetch(*works);
            }
            Happening::Answer { late } => {
                self.answer(*late);
            }
            Happening::Finish { well } => {
                self.finish(*well);
            }
            Happening::Restart => self.restart(),
            Happening::Judge { keep } => {
                self.judge(*keep);
            }
            Happening::ByHand => {
                if self.phase == UpdatePhase::Idle {
                    self.phase = UpdatePhase::Installing;
                    self.reference = Some(BY_HAND.to_owned());
                    self.incoming = "9.9".to_owned();
                    self.publish();
                }
            }
            Happening::Pass(seconds) => self.pass(u64::from(*seconds)),
        }
    }

    /// Everything works from now on: it comes to an end.
    pub(super) fn settle(&mut self) {
        self.read();
        for _ in 0..200 {
            let moved = self.deliver()
                || self.fetch(true)
                || self.answer(false)
                || self.judge(true)
                || self.finish(true);
            if !moved && self.phase == UpdatePhase::Installed {
                self.restart();
            } else if !moved && let Some(wake) = self.agent.next_wake(self.now) {
                self.pass((wake - self.now).as_secs() + 1);
            } else if !moved {
                return;
            }
        }
        panic!("it does not come to an end");
    }
}
