//! The configuration from a stand-in for IoT Hub, through the door, into the running service.

use crate::support::House;
use amora_peer_iot_hub::{Happening, Options, StandIn};
use serde_json::json;
use std::time::Duration;

/// Only a failure waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_the_cloud_sets_restarts_its_own_door_once_and_is_answered() {
    let stand_in = StandIn::start(Options {
        hubs: vec!["localhost".to_owned()],
        ..Options::default()
    })
    .await
    .unwrap();
    let hub = stand_in.hub("localhost").unwrap();
    let connection_string = hub.register_with_key("box").unwrap();
    let authority = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(authority.path(), stand_in.authority().pem()).unwrap();
    let mut house = House::build()
        .environment("AMORA__IOT_HUB__CONNECTION_STRING", connection_string)
        .environment("AMORA__IOT_HUB__PORT", stand_in.mqtt().port().to_string())
        .environment(
            "AMORA__IOT_HUB__TLS__CA_FILE",
            authority.path().display().to_string(),
        )
        .environment("AMORA__AUDIO__PERIODS", "4");
    house.start_everything().await;
    tokio::time::timeout(PATIENCE, hub.connected("box", true))
        .await
        .expect("the box is there");
    let answered = |property: &'static str, version: u64| {
        let hub = hub.clone();
        async move {
            let is = |reported: &serde_json::Value| reported[property]["av"] == version;
            tokio::time::timeout(PATIENCE, hub.reported("box", is))
                .await
                .unwrap_or_else(|_| panic!("{property} is not answered"))[property]
                .clone()
        }
    };
    let connections = || {
        let history = hub.history("box");
        history.iter().filter(|one| **one == Happening::Connected).count()
    };

    // The settings restart the sound and the door that they came through.
    let before = connections();
    let config = json!({"config": {
        "iot_hub": {"report_interval": 0.2},
        "audio": {"period": 480, "periods": 3, "ready_chime": false},
    }});
    let version = hub.update_desired("box", &config).unwrap();
    let answer = answered("config", version).await;
    assert_eq!(answer["ac"], 200, "{answer}");
    assert_eq!(answer["value"], config["config"]);
    tokio::time::timeout(PATIENCE, hub.happened("box", Happening::Connected, before + 1))
        .await
        .expect("the door starts anew");
    for repeat in [true, false, true] {
        let version = hub.update_desired("box", &json!({"repeat": repeat})).unwrap();
        assert_eq!(answered("repeat", version).await["ac"], 200);
    }
    assert_eq!(connections(), before + 1, "once, and not again");
    let shown = house.client().command("system.get_config", json!({})).await;
    assert_eq!(
        (
            &shown["config"]["audio"]["period"],
            &shown["config"]["audio"]["periods"],
            &shown["origin"]["iot_hub.report_interval"],
        ),
        (&json!(480), &json!(4), &json!("system.configure"))
    );
    let kept = std::fs::read(house.path("data/settings.json")).unwrap();

    // What is wrong is answered, and neither kept nor in force.
    let version = hub
        .update_desired(
            "box",
            &json!({"config": {"audio": {"period": 960}, "log": {"level": "=="}}}),
        )
        .unwrap();
    let answer = answered("config", version).await;
    assert_eq!(answer["ac"], 400, "{answer}");
    assert!(answer["ad"].as_str().unwrap().contains("log.level"), "{answer}");
    assert_eq!(std::fs::read(house.path("data/settings.json")).unwrap(), kept);

    hub.update_desired("box", &json!({"config": null})).unwrap();
    tokio::time::timeout(
        PATIENCE,
        hub.reported("box", |reported| reported.get("config").is_none()),
    )
    .await
    .expect("the answer goes with its property");
    let shown = house.client().command("system.get_config", json!({})).await;
    assert_eq!(shown["config"]["audio"]["period"], 240);
    house.end_service();
}
