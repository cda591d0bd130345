//! The twin, methods and the model.

use super::*;

#[tokio::test]
async fn the_twin_is_read_patched_and_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    hub.update_desired("box", &json!({"volume": 40, "gone": true}))
        .unwrap();
    let mut device = Device::with(&connection_string, &stand_in, folder.path());
    let read = device.desired().await;
    assert_eq!(Value::Object(read.all), json!({"volume": 40, "gone": true}));
    device.way.report("volume", json!(40)).await;
    device.way.report("audio", json!({"card": "null"})).await;
    within(
        "it is reported",
        hub.reported("box", |now| now["audio"]["card"] == "null"),
    )
    .await;
    device.way.report("volume", Value::Null).await;
    within(
        "it is gone",
        hub.reported("box", |now| now.get("volume").is_none()),
    )
    .await;
    hub.update_desired("box", &json!({"volume": 50, "gone": null}))
        .unwrap();
    let news = device.desired().await;
    assert_eq!(Value::Object(news.all), json!({"volume": 50}));
    device.close().await;
}

#[tokio::test]
async fn a_patch_that_the_hub_does_not_take_fails_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let mut device = Device::with(&connection_string, &stand_in, folder.path());
    device.desired().await;
    // The client makes fit what it knows hubs not to take: this stands for what it does not know.
    hub.fail_twin("box", &[400]).unwrap();
    device.way.report("odd", json!(1)).await;
    let refused = async {
        while device.way.refused().await != ["odd"] {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    within("it is refused", refused).await;
    device.way.report("right", json!(true)).await;
    let reported = within(
        "the next is taken",
        hub.reported("box", |now| now["right"] == true),
    )
    .await;
    assert!(reported.get("odd").is_none(), "{reported}");
    device.close().await;
}

#[tokio::test]
async fn a_throttled_twin_request_fails_and_the_next_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let mut device = Device::with(&connection_string, &stand_in, folder.path());
    device.desired().await;
    hub.fail_twin("box", &[429]).unwrap();
    device.way.report("a", json!(1)).await;
    within("it is told again", hub.reported("box", |now| now["a"] == 1)).await;
    device.close().await;
}

#[tokio::test]
async fn methods_are_called_and_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let Device {
        client, mut events, ..
    } = Device::with(&connection_string, &stand_in, folder.path());
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            let Event::Method(call) = event else { continue };
            if call.name == "silent" {
                continue;
            }
            let status = if call.name == "set_volume" { 200 } else { 404 };
            let payload: Value = serde_json::from_slice(&call.payload).unwrap_or_default();
            let body = json!({"name": call.name, "payload": payload}).to_string();
            call.answer(status, body.into()).await.unwrap();
        }
    });
    let reply = support::call(&hub, "set_volume", json!({"volume": 20})).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.payload,
        json!({"name": "set_volume", "payload": {"volume": 20}})
    );
    let reply = support::call(&hub, "gibt es nicht?", Value::Null).await;
    assert_eq!(
        (reply.status, &reply.payload["name"]),
        (404, &json!("gibt es nicht?"))
    );
    let second = Duration::from_secs(1);
    let silent = hub.invoke("box", "silent", &Value::Null, second, second).await;
    assert_eq!(silent, Err(MethodError::Timeout));
    client.close(Duration::from_secs(5)).await;
    within("it is gone", hub.connected("box", false)).await;
    let away = hub
        .invoke("box", "set_volume", &Value::Null, second, Duration::ZERO)
        .await;
    assert_eq!(away, Err(MethodError::NotOnline));
}

#[tokio::test]
async fn the_model_is_announced() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let identity = Identity::Device(ConnectionString::parse(&connection_string).unwrap());
    let mut options = options(identity, &stand_in, folder.path());
    options.model_id = Some("dtmi:azure:iot:deviceUpdateModel;3".to_owned());
    let device = Device::open(options);
    device.connected().await;
    assert_eq!(
        hub.model("box").as_deref(),
        Some("dtmi:azure:iot:deviceUpdateModel;3")
    );
    device.close().await;
}
