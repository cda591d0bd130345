//! Messages in both directions, and files.

use super::*;

#[tokio::test]
async fn telemetry_arrives_in_order_with_its_properties() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let device = Device::with(&connection_string, &stand_in, folder.path());
    for number in 0..20 {
        let properties = Properties::json()
            .with("$.mid", &format!("id {number}"))
            .with("$.cid", "a/b=c&d")
            .with("büro", "1 & 2");
        device
            .send(json!({"number": number}).to_string(), &properties)
            .await;
    }
    let messages = within("all are there", hub.received("box", 20)).await;
    let numbers: Vec<Value> = messages
        .iter()
        .map(|one| support::body(one)["number"].clone())
        .collect();
    assert_eq!(numbers, (0..20).map(Value::from).collect::<Vec<_>>());
    let system = ["mid", "cid", "ct", "ce"].map(|name| messages[3].system(name));
    assert_eq!(
        system,
        [
            Some("id 3"),
            Some("a/b=c&d"),
            Some("application/json"),
            Some("utf-8")
        ]
    );
    assert_eq!(messages[3].property("büro"), Some("1 & 2"));
    device.close().await;
}

#[tokio::test]
async fn a_message_of_256_kilobytes_passes() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let device = Device::with(&connection_string, &stand_in, folder.path());
    device
        .send("x".repeat(256 * 1024 - 100), &Properties::new())
        .await;
    let messages = within("it is there", hub.received("box", 1)).await;
    assert_eq!(messages[0].body.len(), 256 * 1024 - 100);
    device.close().await;
}

#[tokio::test]
async fn cloud_messages_arrive_also_those_sent_while_the_device_was_away() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let message = |text: &str, properties: &[(&str, &str)]| CloudMessage {
        body: text.as_bytes().to_vec(),
        properties: properties
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())))
            .collect(),
        expiry: None,
    };
    let mut device = Device::with(&connection_string, &stand_in, folder.path());
    device.connected().await;
    hub.send(
        "box",
        message("first", &[("$.mid", "m1"), ("colour", "grün & blau")]),
    )
    .unwrap();
    let (body, properties) = device.message().await;
    assert_eq!(body, b"first");
    assert_eq!(
        (properties.get("$.mid"), properties.get("colour")),
        (Some("m1"), Some("grün & blau"))
    );
    device.close().await;
    within("it is gone", hub.connected("box", false)).await;
    hub.send("box", message("second", &[])).unwrap();
    hub.send("box", message("third", &[])).unwrap();
    let mut device = Device::with(&connection_string, &stand_in, folder.path());
    assert_eq!(device.message().await.0, b"second");
    assert_eq!(device.message().await.0, b"third");
    within("they are acknowledged", hub.delivered("box")).await;
    device.close().await;
}

#[tokio::test]
async fn files_are_uploaded() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let device = Device::with(&connection_string, &stand_in, folder.path());
    device.connected().await;
    let content = Bytes::from_static(b"content");
    let uploaded = within("it is uploaded", device.way.upload("logs/today.txt", content))
        .await
        .unwrap();
    assert_eq!(uploaded.blob, "box/logs/today.txt");
    let uploads = hub.uploads();
    assert_eq!((uploads.len(), uploads[0].success), (1, true));
    assert_eq!(uploads[0].content.as_deref(), Some(&b"content"[..]));
    device.close().await;
}
