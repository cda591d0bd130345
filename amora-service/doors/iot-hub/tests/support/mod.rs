//! A box with stand-in capabilities, and a stand-in for the hub.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use amora_contract::commands::{AudioCommand, PlayerCommand, SystemCommand};
use amora_contract::config::{DeviceConfig, IotHubConfig, TlsConfig};
use amora_contract::reply::{DiagnosisReply, PlaylistSummary, PlaylistsReply, VolumeReply};
use amora_contract::state::{AudioState, Condition, Health, PlaybackState, PlayerState, State};
use amora_contract::units::{Bytes, Seconds, Timestamp};
use amora_contract::{Command, CommandError, ErrorCode, Reply, Section};
use amora_iot_hub::IotHubError;
use amora_link::iot_hub::client::{self, Transport};
use amora_link::iot_hub::clock::Clock;
use amora_link::iot_hub::identity::Identity;
use amora_link::iot_hub::sas::Renewal;
use amora_link::iot_hub::session::BACKOFF;
use amora_peer_iot_hub::{Hub, Message, MethodReply, Options, StandIn};
use amora_router::Router;
use serde_json::Value;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Long enough for a busy machine; only a failure waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

pub async fn within<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("in {PATIENCE:?} not: {what}"))
}

/// A hub named `localhost`, with a device `box` that has a key.
pub async fn hub() -> (StandIn, Hub, String) {
    let options = Options {
        hubs: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        ..Options::default()
    };
    let stand_in = StandIn::start(options).await.unwrap();
    let hub = stand_in.hub("localhost").unwrap();
    let connection_string = hub.register_with_key("box").unwrap();
    (stand_in, hub, connection_string)
}

/// Trusts the stand-in, reports at once and sends no status messages.
pub fn config(stand_in: &StandIn, data: &Path) -> IotHubConfig {
    let ca_file = data.join("authority.pem");
    std::fs::write(&ca_file, stand_in.authority().pem()).unwrap();
    IotHubConfig {
        port: Some(stand_in.mqtt().port()),
        tls: TlsConfig {
            ca_file: Some(ca_file),
            ..TlsConfig::default()
        },
        telemetry_interval: Seconds(0.0),
        report_interval: Seconds(0.1),
        https_port: Some(stand_in.https().port()),
        allow: ["player.*", "audio.*", "system.get_state", "system.diagnose"]
            .map(str::to_owned)
            .to_vec(),
        ..IotHubConfig::default()
    }
}

/// A client of the stand-in, without the door around it.
pub fn options(identity: Identity, stand_in: &StandIn, folder: &Path) -> client::Options {
    let config = config(stand_in, folder);
    client::Options {
        identity,
        assignment: None,
        model_id: None,
        transport: Transport::Mqtt,
        port: config.port,
        provisioning_port: config.port,
        https_port: config.https_port,
        clock: Clock::system(),
        tls: config.tls,
        keep_alive: Duration::from_secs(60),
        report_pace: Duration::from_millis(100),
        renewal: Renewal::default(),
        backoff: BACKOFF,
    }
}

/// What the stand-in capabilities were asked, in order.
pub type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// The door on a router with stand-in capabilities.
pub struct Device {
    pub router: Router,
    pub asked: Asked,
    shutdown: CancellationToken,
    door: JoinHandle<Result<(), IotHubError>>,
}

impl Device {
    pub fn open(config: IotHubConfig, data: &Path) -> Self {
        Self::open_by(Clock::system(), config, data)
    }

    /// By another clock than the machine's.
    pub fn open_by(clock: Clock, config: IotHubConfig, data: &Path) -> Self {
        let router = Router::new();
        router.update_state(|state| {
            state.audio = Some(AudioState::default());
            state.player = Some(PlayerState {
                position_at: Timestamp::now(),
                ..PlayerState::default()
            });
        });
        let asked = Asked::default();
        for section in [Section::Player, Section::Audio, Section::System] {
            let mut seat = router.take_seat(section);
            let (router, asked, data) = (router.clone(), asked.clone(), data.to_owned());
            tokio::spawn(async move {
                while let Some(request) = seat.next().await {
                    let command = request.command.clone();
                    let known = (command.name().to_owned(), command.params());
                    asked.lock().unwrap().push(known);
                    if let Some(length) = slow(&command) {
                        tokio::spawn(async move {
                            tokio::time::sleep(length).await;
                            request.answer(Ok(Reply::NOTHING));
                        });
                        continue;
                    }
                    request.answer(stand_in(&router, command, &data));
                }
            });
        }
        let device = DeviceConfig {
            id: "box".to_owned(),
            name: "Box".to_owned(),
            data: data.to_owned(),
        };
        let shutdown = CancellationToken::new();
        let door = amora_iot_hub::run_by(clock, router.clone(), config, device, shutdown.clone());
        Self {
            router,
            asked,
            shutdown,
            door: tokio::spawn(door),
        }
    }

    /// The door with a connection string.
    pub fn with(connection_string: &str, stand_in: &StandIn, data: &Path) -> Self {
        let config = IotHubConfig {
            connection_string: Some(connection_string.to_owned()),
            ..config(stand_in, data)
        };
        Self::open(config, data)
    }

    pub fn asked(&self, name: &str) -> Vec<Value> {
        let asked = self.asked.lock().unwrap();
        let of = asked.iter().filter(|(known, _)| known == name);
        of.map(|(_, params)| params.clone()).collect()
    }

    pub async fn state(&self, what: &str, wanted: impl Fn(&State) -> bool) -> Arc<State> {
        let mut states = self.router.watch_state();
        within(what, states.wait_for(|state| wanted(state)))
            .await
            .unwrap()
            .clone()
    }

    pub async fn health(&self, condition: Condition) -> Health {
        let state = self
            .state(&format!("health is {condition:?}"), |state| {
                state
                    .system
                    .health
                    .get("iot_hub")
                    .is_some_and(|health| health.condition == condition)
            })
            .await;
        state.system.health["iot_hub"].clone()
    }

    pub async fn close(self) {
        self.shutdown.cancel();
        within("the door closes", self.door).await.unwrap().unwrap();
    }
}

/// Commands that take their time.
fn slow(command: &Command) -> Option<Duration> {
    match command {
        Command::Player(PlayerCommand::UpdateLibrary(_)) => Some(Duration::from_secs(22)),
        Command::Player(PlayerCommand::Next) => Some(Duration::from_secs(6)),
        _ => None,
    }
}

/// What the stand-in's diagnostic bundle holds.
pub const BUNDLE: &[u8] = b"a bundle";

fn stand_in(router: &Router, command: Command, data: &Path) -> Result<Reply, CommandError> {
    match command {
        Command::System(SystemCommand::Diagnose) => {
            let path = data.join("diagnosis.tar.gz");
            std::fs::write(&path, BUNDLE).unwrap();
            Ok(Reply::Diagnosis(DiagnosisReply {
                path: path.display().to_string(),
                size: Bytes(BUNDLE.len() as u64),
                made_at: Timestamp(1_800_000_000_000),
            }))
        }
        Command::Audio(AudioCommand::SetVolume(wanted)) => {
            router.update_state(|state| state.audio.as_mut().unwrap().volume = wanted.volume);
            let volume = wanted.volume;
            Ok(Reply::Volume(VolumeReply { volume, mute: false }))
        }
        Command::Player(PlayerCommand::GetStatus) => {
            Ok(Reply::Player(Box::new(router.state().player.clone().unwrap())))
        }
        Command::Player(PlayerCommand::GetPlaylists) => Ok(Reply::Playlists(PlaylistsReply {
            playlists: vec![PlaylistSummary {
                name: "Jazz".to_owned(),
                modified: None,
            }],
        })),
        Command::Player(PlayerCommand::PlayPlaylist(name)) if name.playlist != "Jazz" => {
            Err(CommandError::new(
                ErrorCode::NotFound,
                format!("there is no playlist `{}`", name.playlist),
            ))
        }
        Command::Player(PlayerCommand::Play(_)) => {
            router.update_state(|state| state.player.as_mut().unwrap().state = PlaybackState::Play);
            Ok(Reply::NOTHING)
        }
        _ => Ok(Reply::NOTHING),
    }
}

/// The body of a message.
pub fn body(message: &Message) -> Value {
    serde_json::from_slice(&message.body).unwrap()
}

/// The bodies in a message: several when it is a batch.
pub fn bodies(message: &Message) -> Vec<Value> {
    match body(message) {
        Value::Array(bodies) => bodies,
        body => vec![body],
    }
}

/// What the events of this name say, those in batches too.
pub fn events(messages: &[Message], name: &str) -> Vec<Value> {
    let bodies = messages.iter().flat_map(bodies);
    bodies.filter(|body| body["event"] == name).collect()
}

/// Calls a method, waiting for the box to be there.
pub async fn call(hub: &Hub, method: &str, payload: Value) -> MethodReply {
    let patience = Duration::from_secs(30);
    hub.invoke("box", method, &payload, patience, patience)
        .await
        .unwrap()
}
