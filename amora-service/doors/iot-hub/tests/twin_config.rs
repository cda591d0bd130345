//! The box's configuration through the twin, with the rules of the configuration itself behind it.

mod support;

use amora_contract::commands::SystemCommand;
use amora_contract::config::IotHubConfig;
use amora_contract::config::layers::{self, ConfigFile, Sources};
use amora_contract::reply::ConfigureReply;
use amora_contract::{Command, Reply, Section};
use amora_peer_iot_hub::{Hub, ServiceError, TwinError};
use amora_router::Router;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{Device, config, hub, within};

/// Answers `system.configure` as the service does, and keeps what is set; the parts are not there to be restarted.
struct Settings {
    folder: tempfile::TempDir,
    kept: Arc<AtomicUsize>,
}

impl Settings {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().display();
        std::fs::write(
            folder.path().join("amora.toml"),
            format!("device.data = \"{data}\"\n[audio]\nperiod = 240\n"),
        )
        .unwrap();
        Self {
            folder,
            kept: Arc::default(),
        }
    }

    fn answer(&self, router: &Router) {
        let mut seat = router.take_seat(Section::System);
        let kept = self.kept.clone();
        let sources = Sources {
            user: ConfigFile::Named(self.folder.path().join("amora.toml")),
            kept: true,
            ..Sources::default()
        };
        tokio::spawn(async move {
            while let Some(request) = seat.next().await {
                let Command::System(SystemCommand::Configure(change)) = &request.command else {
                    continue;
                };
                let result = layers::configure(&sources, change).map(|configured| {
                    if configured.changed {
                        kept.fetch_add(1, Ordering::SeqCst);
                        let text = Value::Object(configured.document).to_string();
                        std::fs::write(configured.file, text).unwrap();
                    }
                    Reply::Configure(ConfigureReply::default())
                });
                request.answer(result);
            }
        });
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("settings.json")
    }

    fn set(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.file()).unwrap()).unwrap()
    }

    fn times_kept(&self) -> usize {
        self.kept.load(Ordering::SeqCst)
    }
}

/// The door with `system.configure` allowed.
fn open(settings: &Settings, connection_string: &str, config: IotHubConfig, data: &Path) -> Device {
    let device = Device::open(
        IotHubConfig {
            connection_string: Some(connection_string.to_owned()),
            allow: IotHubConfig::default().allow,
            ..config
        },
        data,
    );
    settings.answer(&device.router);
    device
}

/// Desires something, and waits for the answer to that version.
async fn desire(hub: &Hub, property: &str, patch: Value) -> Value {
    let version = hub.update_desired("box", &patch).unwrap();
    answered(hub, property, version).await
}

async fn answered(hub: &Hub, property: &str, version: u64) -> Value {
    let is = |reported: &Value| reported[property]["av"] == version;
    within(property, hub.reported("box", is)).await[property].clone()
}

/// Waits until the answer has gone with its property.
async fn taken_back(hub: &Hub) {
    let gone = |reported: &Value| reported.get("config").is_none();
    within("the answer goes with its property", hub.reported("box", gone)).await;
}

#[tokio::test]
async fn the_cloud_sets_what_it_may_and_nothing_of_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let settings = Settings::new();
    let device = open(
        &settings,
        &connection_string,
        config(&stand_in, folder.path()),
        folder.path(),
    );

    let answer = desire(&hub, "config", json!({"config": {"audio": {"period": 480}}})).await;
    assert_eq!((&answer["ac"], &answer["ad"]), (&json!(200), &json!("")));
    assert_eq!(answer["value"], json!({"audio": {"period": 480}}));
    assert_eq!(settings.set(), json!({"audio": {"period": 480}}));
    let answer = desire(&hub, "config", json!({"config": {"log": {"level": "debug"}}})).await;
    assert_eq!(answer["ac"], 200, "{answer}");
    assert_eq!(
        settings.set(),
        json!({"audio": {"period": 480}, "log": {"level": "debug"}})
    );
    desire(&hub, "config", json!({"config": {"audio": null}})).await;
    assert_eq!(settings.set(), json!({"log": {"level": "debug"}}));

    let set = settings.set();
    for (patch, status, words) in [
        (
            json!({"audio": {"period": 960, "ready_chime": "loud"}}),
            400,
            "audio.ready_chime",
        ),
        (
            json!({"audio": {"ready_chime": null, "periods": 99}}),
            400,
            "from 2 to 32",
        ),
        (
            json!({"audio": {"periods": null}, "device": {"id": "other"}}),
            403,
            "device.id",
        ),
        (
            json!({"device": null, "audoi": {"period": 480}}),
            400,
            "did you mean `audio`?",
        ),
        (
            json!({"audoi": null, "mqtt": {"position_update_interval": 5}}),
            400,
            "`[mqtt]` is off",
        ),
    ] {
        let answer = desire(&hub, "config", json!({"config": patch})).await;
        assert_eq!(answer["ac"], status, "{answer}");
        assert!(answer["ad"].as_str().unwrap().contains(words), "{answer}");
        assert_eq!(settings.set(), set, "nothing is applied: {answer}");
    }
    let answer = desire(&hub, "config", json!({"config": {"mqtt": null}})).await;
    assert_eq!(answer["ac"], 200, "{answer}");
    assert_eq!(
        settings.set(),
        json!({"audio": {"period": 960}, "log": {"level": "debug"}})
    );

    hub.update_desired("box", &json!({"config": null})).unwrap();
    taken_back(&hub).await;
    assert_eq!(settings.set(), json!({}));
    device.close().await;
}

#[tokio::test]
async fn a_box_that_starts_again_has_what_is_desired_and_sets_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let settings = Settings::new();
    let start = || {
        open(
            &settings,
            &connection_string,
            config(&stand_in, folder.path()),
            folder.path(),
        )
    };
    let device = start();
    desire(&hub, "config", json!({"config": {"audio": {"period": 480}}})).await;
    device.close().await;
    assert_eq!(settings.times_kept(), 1);

    let device = start();
    let version = hub.update_desired("box", &json!({"repeat": true})).unwrap();
    answered(&hub, "repeat", version).await;
    assert_eq!(settings.times_kept(), 1, "it is set already");
    device.close().await;

    // As after a factory reset: the hub still holds that it was done.
    std::fs::remove_file(settings.file()).unwrap();
    let device = start();
    let version = hub.update_desired("box", &json!({"repeat": false})).unwrap();
    answered(&hub, "repeat", version).await;
    assert_eq!(settings.set(), json!({"audio": {"period": 480}}));
    device.close().await;

    // What is desired no more when the box starts is taken back.
    hub.update_desired("box", &json!({"config": null})).unwrap();
    let device = start();
    taken_back(&hub).await;
    assert_eq!(settings.set(), json!({}));
    device.close().await;
}

#[tokio::test]
async fn a_door_that_does_not_allow_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let device = Device::with(&connection_string, &stand_in, folder.path());
    let settings = Settings::new();
    settings.answer(&device.router);
    let answer = desire(&hub, "config", json!({"config": {"audio": {"period": 480}}})).await;
    assert_eq!(answer["ac"], 403);
    assert!(
        answer["ad"].as_str().unwrap().contains("`allow` list"),
        "{answer}"
    );
    assert_eq!(settings.times_kept(), 0);
    device.close().await;
}

#[tokio::test]
async fn what_is_hostile_is_answered_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let settings = Settings::new();
    let device = open(
        &settings,
        &connection_string,
        config(&stand_in, folder.path()),
        folder.path(),
    );
    for (property, value) in [
        ("volume", json!({"level": 5})),
        ("repeat", json!([true])),
        ("telemetry_interval", json!("often")),
        ("config", json!("none")),
        ("command", json!(7)),
    ] {
        let answer = desire(&hub, property, json!({property: value})).await;
        assert_eq!(answer["ac"], 400, "{answer}");
        assert!(!answer["ad"].as_str().unwrap().is_empty(), "{answer}");
    }

    // A hub takes neither 1,000 levels nor 33 KB ...
    let deep = (0..1000).fold(json!(1), |inner, _| json!({"a": inner}));
    let refused = hub.update_desired("box", &json!({"volume": deep}));
    assert_eq!(refused, Err(ServiceError::Twin(TwinError::Depth)));
    let wide: Value = (0..11)
        .map(|n| (format!("n{n}"), json!("x".repeat(3000))))
        .collect();
    let refused = hub.update_desired("box", &json!({"config": wide}));
    assert!(matches!(
        refused,
        Err(ServiceError::Twin(TwinError::Size(33_000..)))
    ));

    // ... and a box stands them from one that does.
    let version = hub.update_desired("box", &json!({"command": null})).unwrap();
    let text = json!({"volume": deep, "repeat": true}).to_string();
    hub.send_desired("box", version + 1, &text);
    assert_eq!(answered(&hub, "repeat", version + 1).await["ac"], 200);
    assert_eq!(answered(&hub, "volume", version + 1).await["ac"], 400);
    hub.send_desired("box", version + 2, &json!({"config": wide}).to_string());
    let answer = answered(&hub, "config", version + 2).await;
    assert_eq!((&answer["ac"], answer.get("value")), (&json!(400), None));
    assert!(answer["ad"].as_str().unwrap().contains("KB"), "{answer}");

    // Late and double patches are passed over; one that cannot be read has the whole twin read again.
    hub.send_desired("box", version + 2, r#"{"random": true}"#);
    hub.send_desired("box", version, r#"{"random": true}"#);
    hub.send_desired("box", version + 3, "{\"random\": tru");
    let answer = within(
        "the whole was read",
        hub.reported("box", |reported| reported["config"]["value"] == "none"),
    )
    .await["config"]
        .clone();
    assert_eq!(answer["ac"], 400, "{answer}");
    // The hub counts on from its own version, which the box had heard before.
    hub.update_desired("box", &json!({"volume": 20})).unwrap();
    within(
        "the hub's own patch is obeyed",
        hub.reported("box", |reported| reported["volume"]["ac"] == 200),
    )
    .await;
    assert_eq!(device.asked("audio.set_volume"), [json!({"volume": 20})]);
    assert!(device.asked("player.set_random").is_empty());
    assert_eq!(settings.times_kept(), 0);
    device.close().await;
}
