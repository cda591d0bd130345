//! Much at once, much in one, and what takes long.

mod support;

use amora_contract::EventKind;
use amora_contract::units::Decibels;
use amora_peer_iot_hub::{Hub, Message};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use support::{BUNDLE, Device, body, call, events, hub, within};

/// The first message of one kind about a method.
async fn message(hub: &Hub, kind: &str, name: &str) -> Message {
    let wait = async {
        for count in 1.. {
            let messages = hub.received("box", count).await;
            let found = messages.into_iter().find(|message| {
                message.property("messageType") == Some(kind) && body(message)["name"] == name
            });
            if let Some(found) = found {
                return found;
            }
        }
        unreachable!("it waits until it is there")
    };
    within("a message tells", wait).await
}

#[tokio::test]
async fn a_hundred_methods_a_second_are_answered_every_one_and_telemetry_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let device = Device::with(&connection_string, &stand_in, folder.path());
    within("it is there", hub.connected("box", true)).await;
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..400u16 {
        let hub = hub.clone();
        calls.spawn(async move { call(&hub, "setVolume", json!({"volume": number % 100})).await });
        if number % 10 == 0 {
            let reduction = Decibels(f32::from(number));
            device.router.publish_event(EventKind::Limited { reduction });
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let replies = within("all are answered", calls.join_all()).await;
    assert_eq!(replies.len(), 400);
    for reply in &replies {
        match reply.status {
            200 => {}
            429 => assert!(
                reply.payload["message"].as_str().unwrap().contains("too many"),
                "{reply:?}"
            ),
            _ => panic!("{reply:?}"),
        }
    }
    let done = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(
        device.asked("audio.set_volume").len(),
        done,
        "what is refused is not done"
    );
    let told = async {
        for count in 1.. {
            let messages = hub.received("box", count).await;
            let limited = events(&messages, "audio.limited");
            let distinct: BTreeSet<i64> = limited
                .iter()
                .map(|body| body["sequence"].as_i64().unwrap())
                .collect();
            if distinct.len() == 40 {
                return;
            }
        }
    };
    within("every event arrived", told).await;
    device.close().await;
}

#[tokio::test]
async fn payloads_that_are_too_large_too_deep_or_not_what_they_should_be_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let device = Device::with(&connection_string, &stand_in, folder.path());
    within("it is there", hub.connected("box", true)).await;
    let mut deep = json!(1);
    for _ in 0..1000 {
        deep = json!([deep]);
    }
    let large = "x".repeat(128 * 1024 - 100);
    for (method, payload) in [
        ("setVolume", json!({"volume": deep})),
        ("setVolume", json!({"volume": large})),
        ("audio.set_volume", json!([1, 2])),
        ("audio.set_volume", json!({"volume": {"volume": 1}})),
        ("player.seek", json!("text")),
    ] {
        let reply = call(&hub, method, payload).await;
        assert_eq!(reply.status, 400, "{method}: {reply:?}");
        let message = reply.payload["message"].as_str().unwrap();
        assert!(
            !message.is_empty() && message.len() < 500,
            "{method}: {} bytes",
            message.len()
        );
    }
    assert!(device.asked("audio.set_volume").is_empty());
    assert_eq!(
        call(&hub, "setVolume", json!({"volume": 5})).await.status,
        200,
        "it goes on"
    );
    device.close().await;
}

#[tokio::test]
async fn who_gave_up_waiting_learns_by_a_message_how_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let device = Device::with(&connection_string, &stand_in, folder.path());
    within("it is there", hub.connected("box", true)).await;
    let impatient = hub
        .invoke(
            "box",
            "next",
            &Value::Null,
            Duration::from_secs(2),
            Duration::from_secs(30),
        )
        .await;
    assert!(impatient.is_err(), "{impatient:?}");
    let long = call(&hub, "syncContent", Value::Null).await;
    assert_eq!(long.status, 202, "{long:?}");
    for name in ["next", "syncContent"] {
        let message = message(&hub, "methodResult", name).await;
        assert_eq!(body(&message)["status"], 200);
        assert_eq!(body(&message)["payload"], json!({"result": true}));
    }
    device.close().await;
}

#[tokio::test]
async fn a_diagnostic_bundle_is_uploaded_and_a_message_tells_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let device = Device::with(&connection_string, &stand_in, folder.path());
    within("it is there", hub.connected("box", true)).await;
    let reply = call(&hub, "system.diagnose", Value::Null).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    let message = message(&hub, "methodResult", "system.diagnose").await;
    let told = body(&message);
    assert_eq!(told["status"], 200, "{told}");
    assert_eq!(told["payload"]["blob"], "box/diagnosis-20270115T080000Z.tar.gz");
    assert_eq!(told["payload"]["size"], BUNDLE.len());
    let uploads = hub.uploads();
    assert_eq!(uploads.len(), 1);
    assert!(uploads[0].success);
    assert_eq!(uploads[0].content.as_deref(), Some(BUNDLE));
    device.close().await;
}
