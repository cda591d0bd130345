//! A box with SWUpdate, its hub, and the service that orders updates.

use crate::bench::{BOARD, Bench, PATIENCE};
use crate::updates::image;
use amora_contract::config::{DeviceConfig, IotHubConfig, RestartPolicy, TlsConfig};
use amora_contract::state::{Condition, UpdateState};
use amora_contract::units::Seconds;
use amora_iot_hub::IotHubError;
use amora_peer_iot_hub::{Hub, Options, StandIn, Update, UpdateService};
use amora_router::Router;
use amora_update::device_update::{PublicKey, Roots};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const DEVICE: &str = "box";

/// The file of every deployment.
pub(crate) const FILE: &str = "amora.swu";

pub(crate) struct Scene {
    pub(crate) bench: Bench,
    pub(crate) service: UpdateService,
    pub(crate) hub: Hub,
    stand_in: StandIn,
    connection_string: String,
    door: Option<(CancellationToken, JoinHandle<Result<(), IotHubError>>)>,
}

impl Scene {
    /// A box that runs 1.0.0 from slot a, is connected, and has said who it is.
    pub(crate) async fn new(restart: RestartPolicy) -> Self {
        let service = UpdateService::start().await.unwrap();
        let options = Options {
            hubs: vec!["localhost".to_owned()],
            ..Options::default()
        };
        let stand_in = StandIn::start(options).await.unwrap();
        let hub = stand_in.first_hub().unwrap();
        let connection_string = hub.register_with_key(DEVICE).unwrap();
        let mut bench = Bench::bare();
        let keys = service.roots().into_iter();
        bench.roots = Roots::for_tests(keys.map(|(name, modulus)| (name, PublicKey::new(&modulus).unwrap())));
        bench.config.restart = restart;
        bench.config.idle = Seconds(0.0);
        bench.config.trial_sound = Seconds(1.0);
        bench.config.trial_deadline = Seconds(30.0);
        bench.start_swupdate(BOARD, "1.0.0");
        bench.start().await;
        bench.reaches(|state| state.unavailable.is_none()).await;
        let mut scene = Self {
            bench,
            service,
            hub,
            stand_in,
            connection_string,
            door: None,
        };
        scene.connect().await;
        scene
            .agent("who it is", |agent| agent["deviceProperties"]["model"] == BOARD)
            .await;
        scene
    }

    /// Opens the door to the hub.
    pub(crate) async fn connect(&mut self) {
        let data = self.bench.path("data");
        let ca_file = data.join("authority.pem");
        fs::write(&ca_file, self.stand_in.authority().pem()).unwrap();
        let config = IotHubConfig {
            connection_string: Some(self.connection_string.clone()),
            port: Some(self.stand_in.mqtt().port()),
            tls: TlsConfig {
                ca_file: Some(ca_file),
                ..TlsConfig::default()
            },
            telemetry_interval: Seconds(0.0),
            report_interval: Seconds(0.1),
            ..IotHubConfig::default()
        };
        let device = DeviceConfig {
            id: DEVICE.to_owned(),
            name: "Box".to_owned(),
            data,
        };
        let shutdown = CancellationToken::new();
        let door = amora_iot_hub::run(self.bench.router.clone(), config, device, shutdown.clone());
        self.door = Some((shutdown, tokio::spawn(door)));
        let mut states = self.bench.router.watch_state();
        let connected = states.wait_for(|state| {
            let health = state.system.health.get("iot_hub");
            health.is_some_and(|health| health.condition == Condition::Ok)
        });
        tokio::time::timeout(PATIENCE, connected).await.unwrap().unwrap();
    }

    pub(crate) async fn disconnect(&mut self) {
        if let Some((shutdown, door)) = self.door.take() {
            shutdown.cancel();
            door.await.unwrap().unwrap();
        }
    }

    /// The box goes down.
    pub(crate) async fn go_down(&mut self) {
        self.disconnect().await;
        self.bench.stop().await;
    }

    /// The box comes up with this system, and is not connected yet.
    pub(crate) fn come_up(&mut self, version: &str, slots: Value) {
        self.bench.put(
            "root/etc/os-release",
            &format!("IMAGE_ID=amora\nIMAGE_VERSION={version}\n"),
        );
        self.bench.set_slots(|known| known.status = slots);
        self.bench.router = Router::new();
        self.bench.start_capability();
    }

    /// An update to `version`, and what is in it.
    pub(crate) fn image(&self, version: &str) -> (Vec<u8>, Vec<u8>) {
        let (image, slots) = (image(400_000), self.bench.path("slots"));
        (self.bench.update(version, &image, &slots).build(), image)
    }

    /// Has the service know a deployment of a file; the desired properties that order it.
    pub(crate) fn deployment(&self, workflow: &str, version: &str, file: &str, content: Vec<u8>) -> Value {
        let properties = json!({"installedCriteria": version, "swuFileName": file});
        let update = Update {
            provider: "AmoraOS".to_owned(),
            name: BOARD.to_owned(),
            version: version.to_owned(),
            compatibility: BTreeMap::from([
                ("manufacturer".to_owned(), "AmoraOS".to_owned()),
                ("model".to_owned(), BOARD.to_owned()),
            ]),
            handler: "microsoft/swupdate:2".to_owned(),
            handler_properties: properties.as_object().unwrap().clone(),
            files: vec![(file.to_owned(), content)],
        };
        self.service.deployment(workflow, &update)
    }

    /// Orders this in place of what was ordered before.
    pub(crate) fn order(&self, desired: &Value) {
        let mut patch = desired.clone();
        let workflow = patch["deviceUpdate"]["service"]["workflow"]
            .as_object_mut()
            .unwrap();
        workflow.entry("retryTimestamp").or_insert(Value::Null);
        self.hub.update_desired(DEVICE, &patch).unwrap();
    }

    /// Orders an update to `version`; its image.
    pub(crate) fn deploy(&self, workflow: &str, version: &str) -> Vec<u8> {
        let (update, image) = self.image(version);
        self.order(&self.deployment(workflow, version, FILE, update));
        image
    }

    /// What the twin holds as reported once the agent's part is so.
    pub(crate) async fn agent(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let reported = self
            .hub
            .reported(DEVICE, |reported| wanted(&reported["deviceUpdate"]["agent"]));
        match tokio::time::timeout(PATIENCE, reported).await {
            Ok(reported) => reported["deviceUpdate"]["agent"].clone(),
            Err(_) => panic!(
                "{what}: {:#}\n{:#?}\n{}",
                self.agent_now(),
                self.bench.state(),
                self.bench.log()
            ),
        }
    }

    pub(crate) fn reported_now(&self) -> Value {
        let twin = self.hub.twin_document(DEVICE).unwrap();
        twin["properties"]["reported"].clone()
    }

    pub(crate) fn agent_now(&self) -> Value {
        self.reported_now()["deviceUpdate"]["agent"].clone()
    }

    /// Waits for the state in which a deployment is.
    pub(crate) async fn stands(&self, workflow: &str, state: u64) -> Value {
        self.agent(&format!("{workflow} is {state}"), |agent| {
            agent["workflow"]["id"] == workflow && agent["state"] == state
        })
        .await
    }

    /// Waits until the deployment of this reference is what the updater is at.
    pub(crate) async fn works_on(&self, reference: &str, so: impl Fn(&UpdateState) -> bool) -> UpdateState {
        self.bench
            .reaches(|state| {
                let install = state.install.as_ref();
                let known = install.and_then(|install| install.reference.as_deref());
                known == Some(reference) && so(state)
            })
            .await
    }

    /// Waits until something of the service's was asked for.
    pub(crate) async fn is_asked_for(&self, path: &str) {
        let waiting = async {
            while !self.service.requests().iter().any(|request| request.path == path) {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap();
    }
}

/// State, result code and extended result code of a report, and its words.
pub(crate) fn result(agent: &Value) -> (u64, i64, &str, &str) {
    let last = &agent["lastInstallResult"];
    (
        agent["state"].as_u64().unwrap(),
        last["resultCode"].as_i64().unwrap(),
        last["extendedResultCodes"].as_str().unwrap(),
        last["resultDetails"].as_str().unwrap(),
    )
}
