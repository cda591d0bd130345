//! The rules of a hub for connections and what goes over them.

mod support;

use amora_peer_iot_hub::{CloseReason, ConnectReturnCode, Happening, MESSAGE_BYTES, TelemetryRule};
use rumqttc_v4::mqttbytes::QoS;
use rumqttc_v4::mqttbytes::v4::{ConnectAuth, LastWill, Packet};
use std::time::{Duration, SystemTime};
use support::{DEVICE, Fixture, start, within};

const EVENTS: &str = "devices/box/messages/events/";
const BOUND: &str = "devices/box/messages/devicebound/#";

async fn closed(fixture: &Fixture, reason: CloseReason) {
    within(
        "the end",
        fixture.hub.happened(DEVICE, Happening::Closed(reason), 1),
    )
    .await;
}

#[tokio::test]
async fn who_cannot_prove_who_it_is_is_refused_and_told_why() {
    let fixture = start().await;
    let with = |user: &str, password: Option<String>| {
        let mut connect = fixture.hello();
        match password {
            Some(password) => connect.set_credentials(user, password),
            None => connect.set_username(user),
        };
        connect
    };
    let good = format!("{}/{DEVICE}/?api-version=2021-04-12", fixture.hub.name());
    let now = SystemTime::now();
    let valid = || Some(fixture.token(now + Duration::from_secs(600)));
    let expired = Some(fixture.token(now - Duration::from_secs(1)));
    let mut nameless = fixture.hello();
    nameless.auth = ConnectAuth::None;
    let mut other_name = fixture.hello();
    other_name.client_id = "other".into();
    let mut unknown = with(&good.replace(DEVICE, "other"), valid());
    unknown.client_id = "other".into();
    for (connect, code) in [
        (nameless, ConnectReturnCode::BadUserNamePassword),
        (with("box", valid()), ConnectReturnCode::BadUserNamePassword),
        (
            with(&good.replace("2021-04-12", "2031-04-12"), valid()),
            ConnectReturnCode::BadUserNamePassword,
        ),
        (other_name, ConnectReturnCode::BadClientId),
        (unknown, ConnectReturnCode::NotAuthorized),
        (
            with(&good.replace("stand-in", "another"), valid()),
            ConnectReturnCode::NotAuthorized,
        ),
        (with(&good, None), ConnectReturnCode::NotAuthorized),
        (
            with(&good, Some("secret".into())),
            ConnectReturnCode::NotAuthorized,
        ),
        (with(&good, expired), ConnectReturnCode::NotAuthorized),
    ] {
        let (mut client, ack) = fixture.knock(connect.clone()).await;
        assert_eq!(ack.code, code, "{connect:?}");
        client.ended().await;
    }
    fixture.hub.refuse(Some(ConnectReturnCode::ServiceUnavailable));
    assert_eq!(
        fixture.knock(fixture.hello()).await.1.code,
        ConnectReturnCode::ServiceUnavailable
    );
    fixture.hub.refuse(None);
    fixture.client().await;
}

#[tokio::test]
async fn what_a_hub_does_not_take_ends_the_connection() {
    let fixture = start().await;
    let large = vec![b'x'; MESSAGE_BYTES + 1];
    for (topic, quality, payload, reason) in [
        ("somewhere/else", QoS::AtLeastOnce, Vec::new(), CloseReason::Topic),
        (
            "devices/other/messages/events/",
            QoS::AtLeastOnce,
            Vec::new(),
            CloseReason::Topic,
        ),
        (
            "$iothub/twin/DELETE/?$rid=1",
            QoS::AtMostOnce,
            Vec::new(),
            CloseReason::Topic,
        ),
        (
            EVENTS,
            QoS::ExactlyOnce,
            Vec::new(),
            CloseReason::QualityOfService,
        ),
        (EVENTS, QoS::AtLeastOnce, large, CloseReason::Size),
    ] {
        let mut client = fixture.client().await;
        client.publish(topic, quality, payload).await;
        client.ended().await;
        assert_eq!(
            fixture.hub.history(DEVICE).last(),
            Some(&Happening::Closed(reason)),
            "{topic}"
        );
    }
    assert!(fixture.hub.messages(DEVICE).is_empty());
}

#[tokio::test]
async fn what_is_not_mqtt_ends_the_connection() {
    let fixture = start().await;
    let mut client = fixture.client().await;
    // A packet of type 0, which does not exist.
    tokio::io::AsyncWriteExt::write_all(client.0.get_mut(), &[0, 0])
        .await
        .unwrap();
    client.ended().await;
    closed(&fixture, CloseReason::Protocol).await;
    let mut client = fixture.dial().await;
    client
        .publish(EVENTS, QoS::AtMostOnce, "before the connection")
        .await;
    client.ended().await;
}

#[tokio::test]
async fn a_silent_client_is_dropped_and_its_will_done() {
    let fixture = start().await;
    let mut hello = fixture.hello();
    hello.keep_alive = 1;
    hello.last_will = Some(LastWill::new(
        format!("{EVENTS}a=1"),
        "gone",
        QoS::AtLeastOnce,
        false,
    ));
    let (mut client, _) = fixture.knock(hello.clone()).await;
    client.ended().await;
    closed(&fixture, CloseReason::KeepAlive).await;
    let messages = within("the will", fixture.hub.received(DEVICE, 1)).await;
    assert_eq!(&messages[0].body[..], b"gone");
    assert_eq!(messages[0].property("iothub-MessageType"), Some("Will"));
    assert_eq!(messages[0].property("a"), Some("1"));
    let (mut client, _) = fixture.knock(hello).await;
    client.send(Packet::Disconnect).await;
    client.ended().await;
    closed(&fixture, CloseReason::Client).await;
    assert_eq!(fixture.hub.messages(DEVICE).len(), 1, "no will after a farewell");
}

#[tokio::test]
async fn a_token_ends_the_connection_when_its_time_is_over() {
    let fixture = start().await;
    let mut client = fixture.client().await;
    fixture.stand_in.set_clock_ahead(Duration::from_secs(3601));
    client.ended().await;
    closed(&fixture, CloseReason::TokenExpired).await;
    assert_eq!(
        fixture.knock(fixture.hello()).await.1.code,
        ConnectReturnCode::NotAuthorized
    );
    fixture.stand_in.set_clock_ahead(Duration::ZERO);
    let mut client = fixture.client().await;
    fixture.stand_in.set_clock_ahead(Duration::from_secs(3597));
    client.ended().await;
    within(
        "the end",
        fixture
            .hub
            .happened(DEVICE, Happening::Closed(CloseReason::TokenExpired), 2),
    )
    .await;
}

#[tokio::test]
async fn subscriptions_are_granted_to_the_documented_topics_with_quality_1_at_most() {
    let fixture = start().await;
    let mut client = fixture.client().await;
    let filters = [
        BOUND,
        "$iothub/twin/res/#",
        "$iothub/methods/POST/#",
        "$iothub/twin/PATCH/properties/desired/#",
        "#",
    ];
    let codes = client.subscribe(&filters, QoS::ExactlyOnce).await;
    let granted = |code: &u8| *code == 1;
    let codes: Vec<u8> = codes
        .iter()
        .map(|code| match code {
            rumqttc_v4::mqttbytes::v4::SubscribeReasonCode::Success(quality) => *quality as u8,
            rumqttc_v4::mqttbytes::v4::SubscribeReasonCode::Failure => 0x80,
        })
        .collect();
    assert!(codes[..4].iter().all(granted), "{codes:?}");
    assert_eq!(codes[4], 0x80);
}

#[tokio::test]
async fn telemetry_is_lost_where_a_test_wants_it() {
    let fixture = start().await;
    let mut client = fixture.client().await;
    fixture
        .hub
        .set_telemetry_rule(DEVICE, TelemetryRule::LoseAcknowledgement)
        .unwrap();
    client.publish(EVENTS, QoS::AtLeastOnce, "taken").await;
    within("the message", fixture.hub.received(DEVICE, 1)).await;
    fixture
        .hub
        .set_telemetry_rule(DEVICE, TelemetryRule::Lose)
        .unwrap();
    client.publish(EVENTS, QoS::AtLeastOnce, "lost").await;
    client.send(Packet::PingReq).await;
    assert_eq!(
        client.next().await,
        Some(Packet::PingResp),
        "no acknowledgement came before"
    );
    fixture
        .hub
        .set_telemetry_rule(DEVICE, TelemetryRule::Accept)
        .unwrap();
    let mut retained = rumqttc_v4::mqttbytes::v4::Publish::new(EVENTS, QoS::AtLeastOnce, "kept");
    (retained.pkid, retained.retain) = (9, true);
    client.send(Packet::Publish(retained)).await;
    assert!(matches!(client.next().await, Some(Packet::PubAck(ack)) if ack.pkid == 9));
    let messages = fixture.hub.messages(DEVICE);
    assert_eq!(
        messages
            .iter()
            .map(|message| &message.body[..])
            .collect::<Vec<_>>(),
        [&b"taken"[..], b"kept"]
    );
    assert_eq!(messages[1].property("mqtt-retain"), Some("true"));
    fixture
        .hub
        .set_telemetry_rule(DEVICE, TelemetryRule::QuotaExceeded)
        .unwrap();
    client.publish(EVENTS, QoS::AtLeastOnce, "too much").await;
    client.ended().await;
    closed(&fixture, CloseReason::Quota).await;
}

#[tokio::test]
async fn a_removed_device_loses_its_connection_and_does_not_come_back() {
    let fixture = start().await;
    let mut client = fixture.client().await;
    fixture.hub.remove(DEVICE).unwrap();
    client.ended().await;
    assert_eq!(
        fixture.knock(fixture.hello()).await.1.code,
        ConnectReturnCode::NotAuthorized
    );
}
