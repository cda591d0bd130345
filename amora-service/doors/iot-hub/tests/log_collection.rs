//! Device Update collects a box's logs.

mod support;

use amora_contract::config::IotHubConfig;
use amora_peer_iot_hub::{Hub, LOG_CONTAINER, StandIn};
use serde_json::{Value, json};
use support::{BUNDLE, Device, config, hub, within};

const COMPONENT: &str = "diagnosticInformation";

/// Wants the logs collected; the twin's version with that.
fn order(hub: &Hub, service: &Value) -> u64 {
    // The whole of it, as Device Update writes it: a merge would keep the place of the order before.
    let before = json!({COMPONENT: {"service": null}});
    hub.update_desired("box", &before).unwrap();
    let component = json!({COMPONENT: {"__t": "c", "service": service}});
    hub.update_desired("box", &component).unwrap()
}

/// Waits until the order has come to this end.
async fn ended(hub: &Hub, operation: &str, code: i64) -> Value {
    let agent = json!({"operationId": operation, "resultCode": code});
    let is = move |reported: &Value| reported[COMPONENT]["agent"] == agent;
    within(&format!("{operation} ends with {code}"), hub.reported("box", is)).await[COMPONENT].clone()
}

fn place(stand_in: &StandIn) -> String {
    format!("https://localhost:{}/{LOG_CONTAINER}", stand_in.https().port())
}

#[tokio::test]
async fn the_bundle_is_put_where_it_is_wanted_and_each_operation_is_carried_out_once() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let place = place(&stand_in);
    let version = order(&hub, &json!({"operationId": "first", "storageSasUrl": place}));
    let device = Device::with(&connection_string, &stand_in, folder.path());
    let reported = ended(&hub, "first", 200).await;
    assert_eq!(
        reported["service"],
        json!({"value": {"operationId": "first"}, "ac": 200, "ad": "", "av": version})
    );
    let name = |operation: &str| format!("box/{operation}/amora/diagnosis.tar.gz");
    assert_eq!(stand_in.logs(), [(name("first"), BUNDLE.into())]);

    stand_in.cut();
    order(
        &hub,
        &json!({"operationId": "first", "storageSasUrl": format!("{place}&again=1")}),
    );
    order(&hub, &json!({"operationId": "second", "storageSasUrl": place}));
    ended(&hub, "second", 200).await;
    let names: Vec<String> = stand_in.logs().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, [name("first"), name("second")]);
    assert_eq!(device.asked("system.diagnose").len(), 2);
    device.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_an_order_is_told_by_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let device = Device::with(&connection_string, &stand_in, folder.path());
    within("it is there", hub.connected("box", true)).await;
    let place = place(&stand_in);
    for (operation, code, service) in [
        ("", -6, json!({"storageSasUrl": place})),
        ("none", -7, json!({"operationId": "none"})),
        (
            "plain",
            -4,
            json!({"operationId": "plain", "storageSasUrl": place.replace("https", "http")}),
        ),
        (
            "file",
            -4,
            json!({"operationId": "file", "storageSasUrl": "file:///etc/passwd?sig=1"}),
        ),
        (
            "token",
            -2,
            json!({"operationId": "token", "storageSasUrl": place.replace("sig=logs", "sig=other")}),
        ),
    ] {
        order(&hub, &service);
        let reported = ended(&hub, operation, code).await;
        let wanted = if code < -4 { 400 } else { 200 };
        assert_eq!(reported["service"]["ac"], wanted, "{operation}");
        assert!(!reported.to_string().contains("sig="), "{operation}: {reported}");
    }
    assert!(stand_in.logs().is_empty());
    device.close().await;
}

#[tokio::test]
async fn a_box_that_may_not_make_a_bundle_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let config = IotHubConfig {
        connection_string: Some(connection_string),
        allow: vec!["player.*".to_owned()],
        ..config(&stand_in, folder.path())
    };
    let device = Device::open(config, folder.path());
    within("it is there", hub.connected("box", true)).await;
    order(
        &hub,
        &json!({"operationId": "secret", "storageSasUrl": place(&stand_in)}),
    );
    let reported = ended(&hub, "secret", 0).await;
    assert_eq!(reported["service"]["ac"], 403);
    assert!(stand_in.logs().is_empty() && device.asked("system.diagnose").is_empty());
    device.close().await;
}
