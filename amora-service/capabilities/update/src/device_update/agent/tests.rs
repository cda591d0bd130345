use super::super::testing::Authority;
use super::*;
use amora_contract::ErrorCode;
use amora_contract::commands::InstallUpdate;
use amora_contract::state::{Outcome, Slot, UpdateCause, UpdateInstall, UpdateSource};
use amora_contract::units::{Bytes, Timestamp};
use serde_json::json;

mod calling_off;
mod ending;
mod verifying;

pub(super) const RUNNING: &str = "1.0.0";

pub(super) fn identity(version: &str) -> Identity {
    Identity {
        manufacturer: "AmoraOS".to_owned(),
        model: "raspberrypi4-64".to_owned(),
        version: version.to_owned(),
    }
}

pub(super) fn manifest(version: &str) -> Value {
    json!({
        "manifestVersion": "5",
        "updateId": {"provider": "AmoraOS", "name": "box", "version": version},
        "compatibility": [{"manufacturer": "AmoraOS", "model": "raspberrypi4-64"}],
        "instructions": {"steps": [{
            "handler": "microsoft/swupdate:2",
            "files": ["f1"],
            "handlerProperties": {"installedCriteria": version, "swuFileName": "amora.swu"},
        }]},
        "files": {"f1": {
            "fileName": "amora.swu",
            "sizeInBytes": 1000,
            "hashes": {"sha256": "72OAE2f0NbT0+TL937o70xo8oO96gmVLYDJpxXHzeXE="},
        }},
    })
}

pub(super) fn service(id: &str, retry: Option<&str>, manifest: &str) -> Value {
    json!({
        "workflow": {"action": 3, "id": id, "retryTimestamp": retry},
        "updateManifest": manifest,
        "updateManifestSignature": Authority::new().sign(manifest),
        "fileUrls": {"f1": "http://example.org/amora.swu", "m1": "http://example.org/manifest.json"},
        "rootKeyPackageUrl": "http://example.org/root-keys.json",
    })
}

pub(super) fn cancellation(id: &str) -> Value {
    json!({"workflow": {"action": 255, "id": id}, "updateManifest": null})
}

pub(super) fn outcome(reference: &str, outcome: Outcome, cause: Option<UpdateCause>) -> UpdateOutcome {
    let kept = outcome == Outcome::Kept;
    let text = json!({
        "outcome": outcome,
        "cause": cause,
        "reason": if kept { "" } else { "the new system did not pass the check of sound: no samples move" },
        "next_step": "",
        "source": UpdateSource::DeviceUpdate,
        "reference": reference,
        "from_version": RUNNING,
        "tries": 1,
        "at": Timestamp(0),
    });
    serde_json::from_value(text).unwrap()
}

pub(super) fn updater(phase: UpdatePhase, reference: Option<&str>, ended: Option<UpdateOutcome>) -> Updater {
    Updater {
        phase,
        reference: reference.map(str::to_owned),
        ended,
    }
}

#[test]
fn an_installation_is_device_updates_when_it_ordered_it_whatever_it_is_called() {
    let state = |source| UpdateState {
        phase: UpdatePhase::Installing,
        install: Some(UpdateInstall {
            source,
            url: None,
            reference: Some(REFERENCE.to_owned()),
            version: None,
            slot: Slot::B,
            percent: 0,
            received: Bytes(0),
            size: None,
            part: String::new(),
            waiting: None,
            fallback: None,
            started_at: Timestamp(0),
        }),
        ..UpdateState::default()
    };
    let ordered = Updater::new(&state(UpdateSource::DeviceUpdate), None);
    assert_eq!(ordered, updater(UpdatePhase::Installing, Some(REFERENCE), None));
    let by_hand = Updater::new(&state(UpdateSource::Url), None);
    assert_eq!(by_hand, updater(UpdatePhase::Installing, None, None));
}

/// A box under test, with its clock.
struct Scene {
    agent: Agent,
    now: Duration,
    version: u64,
    effects: Vec<Effect>,
}

const REFERENCE: &str = "device-update:w1@";

impl Scene {
    /// A box that is connected for the first time, and idle.
    fn new() -> Self {
        Self::started(RUNNING, json!({}), None, None)
    }

    fn started(version: &str, reported: Value, order: Option<Value>, ended: Option<UpdateOutcome>) -> Self {
        let mut scene = Self {
            agent: Agent::new(Authority::new().roots(), identity(version), &Kept::default()),
            now: Duration::ZERO,
            version: 1,
            effects: Vec::new(),
        };
        scene.read(order, reported);
        scene.updater(UpdatePhase::Idle, None, ended);
        scene
    }

    fn with(&mut self, act: impl FnOnce(&mut Agent, Duration) -> Vec<Effect>) {
        let effects = act(&mut self.agent, self.now);
        self.effects.extend(effects);
    }

    fn read(&mut self, service: Option<Value>, agent: Value) {
        let component = TwinComponent {
            version: self.version,
            service,
            reported: Some(json!({"__t": "c", "agent": agent})),
        };
        self.with(|agent, now| agent.twin(now, &component));
    }

    fn order(&mut self, service: Value) {
        self.version += 1;
        let component = TwinComponent {
            version: self.version,
            service: Some(service),
            reported: None,
        };
        self.with(|agent, now| agent.twin(now, &component));
    }

    fn updater(&mut self, phase: UpdatePhase, reference: Option<&str>, ended: Option<UpdateOutcome>) {
        let updater = updater(phase, reference, ended);
        self.with(|agent, now| agent.updater(now, updater));
    }

    fn answer(&mut self, result: Result<(), CommandError>) {
        self.with(|agent, now| agent.answered(now, result));
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.with(Agent::tick);
    }

    fn serve(&mut self, result: Result<Vec<u8>, FetchFailure>) {
        let at = self
            .effects
            .iter()
            .position(|effect| matches!(effect, Effect::Fetch { .. }));
        let Effect::Fetch { ticket, .. } = self.effects.remove(at.expect("something is fetched")) else {
            unreachable!()
        };
        self.with(|agent, now| agent.fetched(now, ticket, result));
    }

    fn serve_root_keys(&mut self) {
        self.serve(Ok(Authority::new().root_keys(&json!({})).into_bytes()));
    }

    /// Orders a deployment and brings it as far as the order to the updater.
    fn deploy(&mut self, service: Value) -> InstallUpdate {
        self.order(service);
        self.serve_root_keys();
        self.installs().pop().expect("it is ordered")
    }

    fn installs(&mut self) -> Vec<InstallUpdate> {
        self.take(|effect| match effect {
            Effect::Install(wanted) => Some(wanted.clone()),
            _ => None,
        })
    }

    /// What was reported as `agent`, with states only.
    fn reports(&mut self) -> Vec<Value> {
        self.take(|effect| match effect {
            Effect::Report(patch) => {
                let agent = &patch["deviceUpdate"]["agent"];
                assert_eq!(patch["deviceUpdate"]["__t"], "c");
                (!agent["state"].is_null()).then(|| agent.clone())
            }
            _ => None,
        })
    }

    fn take<T>(&mut self, pick: impl Fn(&Effect) -> Option<T>) -> Vec<T> {
        let mut picked = Vec::new();
        self.effects.retain(|effect| match pick(effect) {
            Some(found) => {
                picked.push(found);
                false
            }
            None => true,
        });
        picked
    }

    fn only_report(&mut self) -> Value {
        let mut reports = self.reports();
        assert_eq!(reports.len(), 1, "{reports:?}");
        reports.remove(0)
    }

    fn took(&mut self, effect: &Effect) -> bool {
        self.take(|other| (other == effect).then_some(())).len() == 1
    }
}

fn cancel() -> Effect {
    Effect::Cancel {
        reference: REFERENCE.to_owned(),
    }
}

fn roll_back() -> Effect {
    Effect::RollBack {
        reference: REFERENCE.to_owned(),
    }
}

fn conflict() -> Result<(), CommandError> {
    Err(CommandError::new(
        ErrorCode::Conflict,
        "an update is being installed already",
    ))
}

fn result(agent: &Value) -> (u64, i64, String) {
    let last = &agent["lastInstallResult"];
    let code = last["extendedResultCodes"].as_str().unwrap().to_owned();
    (
        agent["state"].as_u64().unwrap(),
        last["resultCode"].as_i64().unwrap(),
        code,
    )
}
