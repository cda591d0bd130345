//! The twin, methods, telemetry and messages, over a connection that holds.

mod support;

use amora_contract::EventKind;
use amora_contract::config::{IotHubBatch, IotHubConfig};
use amora_contract::state::{Condition, IotHubLink};
use amora_contract::units::Seconds;
use amora_peer_iot_hub::{CloudMessage, MethodReply};
use serde_json::{Value, json};
use support::{Device, body, call, config, hub, within};

#[tokio::test]
async fn the_box_connects_says_which_model_it_is_and_reports_its_state() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let device = Device::with(&connection_string, &stand_in, folder.path());
    device.health(Condition::Ok).await;
    assert_eq!(
        hub.model("box").as_deref(),
        Some("dtmi:azure:iot:deviceUpdateModel;3")
    );
    let reported = within(
        "the state is reported",
        hub.reported("box", |reported| reported["state"]["player"].is_object()),
    )
    .await;
    assert_eq!(reported["status"]["state"], "stop");
    assert_eq!(reported["telemetry_interval"], 0.0);
    device
        .router
        .update_state(|state| state.player.as_mut().unwrap().random = true);
    within(
        "a change is reported",
        hub.reported("box", |reported| reported["status"]["random"] == true),
    )
    .await;
    let state = device
        .state("the section says so", |state| {
            state
                .iot_hub
                .as_ref()
                .is_some_and(|hub| hub.link == IotHubLink::Connected)
        })
        .await;
    let section = state.iot_hub.as_ref().unwrap();
    assert_eq!(
        (section.hub.as_deref(), section.device_id.as_deref()),
        (Some("localhost"), Some("box"))
    );
    device.close().await;
    within("the hub sees it go", hub.connected("box", false)).await;
}

#[tokio::test]
async fn desired_properties_are_obeyed_once_and_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let version = hub
        .update_desired("box", &json!({"volume": 30, "repeat": "yes"}))
        .unwrap();
    let device = Device::with(&connection_string, &stand_in, folder.path());
    let answered = |property: &'static str, status: u16| {
        let hub = hub.clone();
        async move {
            let is = |reported: &Value| reported[property]["ac"] == status;
            within(property, hub.reported("box", is)).await[property].clone()
        }
    };
    let volume = answered("volume", 200).await;
    assert_eq!(volume, json!({"value": 30, "ac": 200, "ad": "", "av": version}));
    let repeat = answered("repeat", 400).await;
    assert!(
        repeat["ad"].as_str().unwrap().contains("true or false"),
        "{repeat}"
    );
    let version = hub
        .update_desired(
            "box",
            &json!({"volume": 31, "command": {"action": "play"}, "colour": 1}),
        )
        .unwrap();
    assert_eq!(answered("command", 200).await["av"], version);
    assert_eq!(answered("colour", 404).await["value"], 1);
    within("an answer goes with its property", async {
        hub.update_desired("box", &json!({"colour": null})).unwrap();
        hub.reported("box", |reported| reported.get("colour").is_none())
            .await
    })
    .await;
    device.close().await;

    // The box starts again: what was done is not done again.
    let device = Device::with(&connection_string, &stand_in, folder.path());
    hub.update_desired("box", &json!({"random": true})).unwrap();
    answered("random", 200).await;
    assert_eq!(device.asked("player.set_random").len(), 1);
    assert!(device.asked("audio.set_volume").is_empty(), "it was done before");
    assert!(device.asked("player.play").is_empty(), "it was done before");
    device.close().await;
}

#[tokio::test]
async fn methods_are_answered_as_the_original_did_and_by_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let device = Device::with(&connection_string, &stand_in, folder.path());
    let reply = |status, payload| MethodReply { status, payload };
    assert_eq!(
        call(&hub, "play", Value::Null).await,
        reply(200, json!({"result": true}))
    );
    assert_eq!(
        call(&hub, "setVolume", json!({"volume": 12})).await,
        reply(200, json!({"result": true}))
    );
    assert_eq!(
        call(&hub, "setVolume", json!({})).await,
        reply(
            400,
            json!({"result": false, "message": "Invalid payload for setVolume method"})
        )
    );
    assert_eq!(
        call(&hub, "getPlaylists", Value::Null).await,
        reply(200, json!({"result": true, "playlists": ["Jazz"]}))
    );
    let status = call(&hub, "getStatus", Value::Null).await;
    assert_eq!(
        (
            &status.payload["status"]["state"],
            &status.payload["status"]["volume"]
        ),
        (&json!("play"), &json!(12))
    );
    assert_eq!(
        call(&hub, "dance", Value::Null).await,
        reply(
            400,
            json!({"result": false, "message": "Method dance not implemented"})
        )
    );
    let missing = call(&hub, "playPlaylist", json!({"playlist": "Polka"})).await;
    assert_eq!((missing.status, &missing.payload["result"]), (404, &json!(false)));
    assert_eq!(
        call(&hub, "player.seek", json!({"position": 5})).await.status,
        200
    );
    assert_eq!(call(&hub, "player*stop", Value::Null).await.status, 200);
    let forbidden = call(&hub, "box.factory_reset", json!({"confirm": "box"})).await;
    assert_eq!(forbidden.status, 403, "{forbidden:?}");
    let state = device
        .state("calls are shown", |state| {
            let received = state.iot_hub.as_ref().and_then(|hub| hub.received.first());
            received.is_some_and(|newest| newest.name == "box.factory_reset")
        })
        .await;
    let received = &state.iot_hub.as_ref().unwrap().received;
    assert_eq!((received.len(), received[0].status), (5, 403));
    device.close().await;
}

#[tokio::test]
async fn a_flood_of_calls_is_answered_every_one() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let device = Device::with(&connection_string, &stand_in, folder.path());
    within("it is there", hub.connected("box", true)).await;
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..300 {
        let hub = hub.clone();
        calls.spawn(async move {
            call(&hub, "setVolume", json!({"volume": number % 100}))
                .await
                .status
        });
    }
    let statuses = within("all are answered", calls.join_all()).await;
    assert_eq!(statuses.len(), 300);
    assert!(
        statuses.iter().all(|status| [200, 429].contains(status)),
        "{statuses:?}"
    );
    assert_eq!(
        device.asked("audio.set_volume").len(),
        statuses.iter().filter(|status| **status == 200).count(),
        "what is refused is not done"
    );
    device.close().await;
}

#[tokio::test]
async fn status_messages_and_events_carry_their_properties() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let config = IotHubConfig {
        connection_string: Some(connection_string),
        telemetry_interval: Seconds(0.2),
        batch: IotHubBatch::Off,
        ..config(&stand_in, folder.path())
    };
    let device = Device::open(config, folder.path());
    device.health(Condition::Ok).await;
    device.router.publish_event(EventKind::Slept {});
    let find = |wanted: &'static str| {
        let hub = hub.clone();
        async move {
            for count in 1.. {
                let messages = within(wanted, hub.received("box", count)).await;
                let found = messages.into_iter().find(|message| {
                    let body = body(message);
                    body["messageType"] == wanted || body["event"] == wanted
                });
                if let Some(found) = found {
                    return found;
                }
            }
            unreachable!("it waits until it is there")
        }
    };
    let status = find("playerStatus").await;
    assert_eq!(body(&status)["deviceId"], "box");
    assert_eq!(body(&status)["status"]["state"], "stop");
    assert_eq!(status.system("ct"), Some("application/json"));
    assert_eq!(status.system("ce"), Some("utf-8"));
    assert_eq!(status.property("messageType"), Some("playerStatus"));
    let event = find("player.slept").await;
    assert_eq!(event.property("event"), Some("player.slept"));
    hub.update_desired("box", &json!({"telemetry_interval": 0}))
        .unwrap();
    within(
        "the interval is answered",
        hub.reported("box", |reported| reported["telemetry_interval"]["ac"] == 200),
    )
    .await;
    device.close().await;
}

#[tokio::test]
async fn a_command_in_a_message_is_carried_out_and_answered_by_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    // It waits for the box, which has been connected once: the hub keeps messages for devices it knows.
    let command = CloudMessage {
        body: br#"{"command": "setVolume", "params": {"volume": 44}}"#.to_vec(),
        properties: vec![("$.mid".to_owned(), Some("m-1".to_owned()))],
        expiry: None,
    };
    hub.send("box", command).unwrap();
    let device = Device::with(&connection_string, &stand_in, folder.path());
    let answer = async {
        for count in 1.. {
            let messages = hub.received("box", count).await;
            let found = messages
                .into_iter()
                .find(|message| body(message)["messageType"] == "commandResult");
            if let Some(found) = found {
                return found;
            }
        }
        unreachable!("it waits until it is there")
    };
    let answer = within("it is answered", answer).await;
    assert_eq!(body(&answer)["status"], 200);
    assert_eq!(answer.system("cid"), Some("m-1"));
    assert_eq!(device.asked("audio.set_volume"), [json!({"volume": 44})]);
    within("it is acknowledged", hub.delivered("box")).await;
    device.close().await;
}
