//! Who is let in, for how long, and what becomes of a connection that breaks.

use super::*;

#[tokio::test]
async fn a_client_that_does_not_trust_the_authority_does_not_connect() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let identity = Identity::Device(ConnectionString::parse(&connection_string).unwrap());
    let mut options = options(identity, &stand_in, folder.path());
    let other = folder.path().join("other.pem");
    std::fs::write(&other, Authority::new("another").unwrap().pem()).unwrap();
    options.tls.ca_file = Some(other);
    let device = Device::open(options);
    let trouble = device.trouble().await;
    assert!(trouble.contains("nobody this box trusts"), "{trouble}");
    assert_eq!(hub.history("box"), []);
    device.close().await;
}

#[tokio::test]
async fn a_wrong_key_and_a_disabled_device_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, right) = hub().await;
    let wrong = format!("HostName=localhost;DeviceId=box;SharedAccessKey={}", fresh_key());
    let device = Device::with(&wrong, &stand_in, folder.path());
    assert!(device.trouble().await.contains("does not accept"));
    device.close().await;
    hub.set_enabled("box", false).unwrap();
    let device = Device::with(&right, &stand_in, folder.path());
    assert!(device.trouble().await.contains("does not accept"));
    device.close().await;
    assert_eq!(hub.history("box"), [Happening::Refused(5), Happening::Refused(5)]);
}

#[tokio::test]
async fn a_token_ends_the_connection_with_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let device = Device::with(&connection_string, &stand_in, folder.path());
    device.connected().await;
    stand_in.set_clock_ahead(Duration::from_secs(7200));
    within("it is refused", hub.happened("box", Happening::Refused(5), 1)).await;
    assert_eq!(
        hub.history("box")[..2],
        [Happening::Connected, Happening::Closed(CloseReason::TokenExpired)]
    );
    stand_in.set_clock_ahead(Duration::ZERO);
    within("it is back", hub.happened("box", Happening::Connected, 2)).await;
    device.send("back", &Properties::new()).await;
    device.close().await;
}

#[tokio::test]
async fn a_token_is_renewed_before_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let identity = Identity::Device(ConnectionString::parse(&connection_string).unwrap());
    let device = Device::open(Options {
        renewal: Renewal {
            life: Duration::from_secs(20),
            at: 0.1,
            spread: 0.0,
        },
        ..options(identity, &stand_in, folder.path())
    });
    within("it is renewed", hub.happened("box", Happening::Connected, 2)).await;
    device.connected().await;
    device.close().await;
    let history = hub.history("box");
    assert!(
        !history.contains(&Happening::Closed(CloseReason::TokenExpired)),
        "{history:?}"
    );
}

#[tokio::test]
async fn a_second_connection_kicks_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let first = Device::with(&connection_string, &stand_in, folder.path());
    first.connected().await;
    let second = Device::with(&connection_string, &stand_in, folder.path());
    within(
        "the second is there",
        hub.happened("box", Happening::Connected, 2),
    )
    .await;
    assert_eq!(
        hub.history("box")[..3],
        [
            Happening::Connected,
            Happening::Closed(CloseReason::Replaced),
            Happening::Connected
        ]
    );
    first.close().await;
    second.send("from the second", &Properties::new()).await;
    second.close().await;
}

#[tokio::test]
async fn a_client_comes_back_after_the_network_was_cut() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let mut device = Device::with(&connection_string, &stand_in, folder.path());
    device.desired().await;
    device.send("before", &Properties::new()).await;
    stand_in.set_reachable(false);
    device.trouble().await;
    hub.update_desired("box", &json!({"volume": 60})).unwrap();
    stand_in.set_reachable(true);
    assert_eq!(device.desired().await.all["volume"], 60);
    device.send("after", &Properties::new()).await;
    let messages = hub.messages("box");
    let texts: Vec<&[u8]> = messages.iter().map(|message| &message.body[..]).collect();
    assert_eq!(texts, [&b"before"[..], b"after"]);
    device.close().await;
}

#[tokio::test]
async fn all_of_it_works_over_websockets() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, _) = hub().await;
    let key = fresh_key();
    stand_in.enrol(
        "websocket",
        Enrolment::new(own_key("websocket", &key), "localhost"),
    );
    let identity = registering(&stand_in, "websocket", Some(&key));
    let mut options = options(identity, &stand_in, folder.path());
    options.transport = Transport::WebSocket;
    options.port = Some(stand_in.https().port());
    options.provisioning_port = options.port;
    let mut device = Device::open(options);
    device.send("x".repeat(200_000), &Properties::new()).await;
    let messages = within("it is there", hub.received("websocket", 1)).await;
    assert_eq!(messages[0].body.len(), 200_000);
    device.desired().await;
    hub.update_desired("websocket", &json!({"volume": 1})).unwrap();
    assert_eq!(device.desired().await.all["volume"], 1);
    device.close().await;
}
