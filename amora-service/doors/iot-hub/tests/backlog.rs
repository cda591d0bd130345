//! What waited for a connection: how it drains, what it costs, and that it is in nobody's way.

mod support;

use amora_contract::EventKind;
use amora_contract::config::IotHubBatch;
use amora_contract::state::Condition;
use amora_contract::units::Decibels;
use amora_link::outbox::{Limits, Outbox};
use amora_peer_iot_hub::{CloseReason, Happening, Hub, TelemetryRule};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use support::{Device, bodies, call, config, events, hub, within};

/// The unit by which a hub counts a message.
const UNIT: usize = 4096;

/// Writes messages into an outbox of a box that is off, as it would have.
async fn wait_there(folder: &Path, name: &str, messages: impl Iterator<Item = Value>) -> Vec<i64> {
    let outbox = Outbox::open(
        &folder.join(name),
        Limits {
            entries: 20_000,
            bytes: 16 << 20,
        },
    )
    .unwrap();
    let mut sequences = Vec::new();
    let messages: Vec<Vec<u8>> = messages.map(|message| message.to_string().into_bytes()).collect();
    for together in messages.chunks(256) {
        let mut appends = tokio::task::JoinSet::new();
        for message in together {
            let (outbox, message) = (outbox.clone(), message.clone());
            appends.spawn(async move { outbox.append(message).await.unwrap() });
        }
        sequences.extend(appends.join_all().await);
    }
    sequences.sort_unstable();
    sequences
}

/// The numbers of what the hub has of one kind, in the order in which it came.
fn sequences(hub: &Hub, kind: &str) -> Vec<i64> {
    let messages = hub.messages("box");
    let of_kind = messages
        .iter()
        .flat_map(bodies)
        .filter(|body| body["messageType"] == kind);
    of_kind.map(|body| body["sequence"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_week_drains_in_order_while_methods_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let minute = |number: u64| 1_800_000_000_000 + number * 60_000;
    let status = |number| json!({"messageType": "playerStatus", "timestamp": minute(number), "status": {"state": "play", "volume": 30}});
    let event = |number| json!({"messageType": "event", "event": "player.song_changed", "timestamp": minute(number), "data": {"title": "A song"}});
    let statuses = wait_there(folder.path(), "iot-hub-status.sqlite", (0..10_080).map(status)).await;
    let events = wait_there(folder.path(), "iot-hub-events.sqlite", (0..3360).map(event)).await;
    let device = Device::with(&connection_string, &stand_in, folder.path());
    within("it is there", hub.connected("box", true)).await;
    let mut answered_during = 0;
    while hub.messages("box").len() < statuses.len() {
        let reply = within(
            "a method is answered",
            call(&hub, "setVolume", json!({"volume": 7})),
        )
        .await;
        assert_eq!(reply.status, 200, "{reply:?}");
        answered_during += usize::from(hub.messages("box").len() < statuses.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(
        answered_during >= 10,
        "{answered_during} answers came while the week drained"
    );
    device
        .state("all is struck out", |state| {
            state.iot_hub.as_ref().is_some_and(|hub| hub.waiting == 0)
        })
        .await;
    assert_eq!(
        sequences(&hub, "playerStatus"),
        statuses,
        "in order, none lost, none twice"
    );
    let told: Vec<i64> = sequences(&hub, "event").into_iter().take(events.len()).collect();
    assert_eq!(told, events, "in order, none lost, none twice");
    let messages = hub.messages("box");
    let batches: Vec<_> = messages
        .iter()
        .filter(|message| message.property("messageType") == Some("batch"))
        .collect();
    assert!(
        batches
            .iter()
            .all(|batch| batch.body.len() < UNIT && batch.property("batchOf") == Some("event"))
    );
    assert!(
        batches.len() < events.len() / 10,
        "{} batches for {} events",
        batches.len(),
        events.len()
    );
    device.close().await;
}

#[tokio::test]
async fn a_cut_in_the_middle_of_a_backlog_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let event = |number: u64| json!({"messageType": "event", "event": "player.song_changed", "data": {"number": number}});
    let events = wait_there(folder.path(), "iot-hub-events.sqlite", (0..2000).map(event)).await;
    stand_in.set_delay(Duration::from_millis(2));
    let device = Device::with(&connection_string, &stand_in, folder.path());
    within("some are there", hub.received("box", 20)).await;
    hub.set_telemetry_rule("box", TelemetryRule::LoseAcknowledgement)
        .unwrap();
    within("some came without being acknowledged", hub.received("box", 30)).await;
    stand_in.cut();
    hub.set_telemetry_rule("box", TelemetryRule::Accept).unwrap();
    within("it comes back", hub.happened("box", Happening::Connected, 2)).await;
    device
        .state("all is struck out", |state| {
            state
                .iot_hub
                .as_ref()
                .is_some_and(|hub| hub.waiting == 0 && hub.sent > 0)
        })
        .await;
    let arrived = sequences(&hub, "event");
    let distinct: BTreeSet<i64> = arrived.iter().copied().collect();
    assert!(
        events.iter().all(|event| distinct.contains(event)),
        "none is lost"
    );
    assert!(
        arrived.len() > distinct.len(),
        "what was not acknowledged came again, with its number"
    );
    // A message that is new comes after all those before it.
    let mut newest = 0;
    let first_time = arrived.iter().filter(|sequence| {
        let new = **sequence > newest;
        newest = newest.max(**sequence);
        new
    });
    assert_eq!(first_time.count(), distinct.len(), "in order");
    device.close().await;
}

#[tokio::test]
async fn a_burst_shares_messages_and_one_alone_does_not_wait() {
    for (batch, shares) in [(IotHubBatch::Events, true), (IotHubBatch::Off, false)] {
        let folder = tempfile::tempdir().unwrap();
        let (stand_in, hub, connection_string) = hub().await;
        let mut config = config(&stand_in, folder.path());
        config.connection_string = Some(connection_string);
        config.batch = batch;
        let device = Device::open(config, folder.path());
        device.health(Condition::Ok).await;
        stand_in.set_delay(Duration::from_millis(20));
        for number in 0..100u8 {
            let reduction = Decibels(f32::from(number));
            device.router.publish_event(EventKind::Limited { reduction });
        }
        let all = async {
            for count in 1.. {
                let messages = hub.received("box", count).await;
                if events(&messages, "audio.limited").len() == 100 {
                    return messages.len();
                }
            }
            unreachable!("it waits until they are there")
        };
        let messages = within("all are there", all).await;
        assert_eq!(messages < 50, shares, "{messages} messages, {batch:?}");
        device.router.publish_event(EventKind::Slept {});
        let alone = within("one alone", hub.received("box", messages + 1)).await;
        assert_eq!(alone[messages].property("event"), Some("player.slept"));
        device.close().await;
    }
}

#[tokio::test]
async fn a_hub_whose_quota_is_used_up_is_not_pressed_and_gets_all_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    hub.set_telemetry_rule("box", TelemetryRule::QuotaExceeded)
        .unwrap();
    let device = Device::with(&connection_string, &stand_in, folder.path());
    within("it is there", hub.connected("box", true)).await;
    for number in 0..10u8 {
        let reduction = Decibels(f32::from(number));
        device.router.publish_event(EventKind::Limited { reduction });
    }
    let ended = Happening::Closed(CloseReason::Quota);
    within("it is sent away", hub.happened("box", ended, 1)).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let tries = hub.history("box").iter().filter(|one| **one == ended).count();
    assert!(tries <= 5, "{tries} tries in three seconds");
    hub.set_telemetry_rule("box", TelemetryRule::Accept).unwrap();
    device
        .state("all is struck out", |state| {
            state
                .iot_hub
                .as_ref()
                .is_some_and(|hub| hub.waiting == 0 && hub.sent >= 10)
        })
        .await;
    let messages = hub.messages("box");
    let limited = messages
        .iter()
        .flat_map(bodies)
        .filter(|body| body["event"] == "audio.limited");
    let numbers: Vec<i64> = limited
        .map(|body| body["data"]["reduction"].as_f64().unwrap() as i64)
        .collect();
    assert_eq!(numbers, (0..10).collect::<Vec<_>>());
    device.close().await;
}
