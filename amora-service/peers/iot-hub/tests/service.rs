//! What the service side does with a device: messages, twin, methods, and a network that breaks.

mod support;

use amora_peer_iot_hub::{CloseReason, CloudMessage, Happening, MethodError};
use rumqttc_v4::mqttbytes::QoS;
use rumqttc_v4::mqttbytes::v4::{Packet, PubAck};
use serde_json::{Value, json};
use std::time::Duration;
use support::{DEVICE, start, text, within};

const BOUND: &str = "devices/box/messages/devicebound/#";
const LONG: Duration = Duration::from_secs(60);

fn message(body: &str) -> CloudMessage {
    CloudMessage {
        body: body.into(),
        ..CloudMessage::default()
    }
}

#[tokio::test]
async fn a_message_that_was_not_acknowledged_comes_again_and_the_subscription_stays_with_the_hub() {
    let fixture = start().await;
    let mut hello = fixture.hello();
    hello.clean_session = false;
    let (mut client, ack) = fixture.knock(hello.clone()).await;
    assert!(!ack.session_present);
    let answers = "$iothub/twin/res/#";
    client.subscribe(&[BOUND, answers], QoS::AtLeastOnce).await;
    fixture.hub.send(DEVICE, message("1")).unwrap();
    fixture.hub.send(DEVICE, message("2")).unwrap();
    let (first, second) = (client.next_publish().await, client.next_publish().await);
    assert_eq!((&first.payload[..], &second.payload[..]), (&b"1"[..], &b"2"[..]));
    client.send(Packet::PubAck(PubAck::new(second.pkid))).await;
    client.send(Packet::PingReq).await;
    assert_eq!(client.next().await, Some(Packet::PingResp));
    assert_eq!(fixture.hub.waiting(DEVICE), 1);

    let (mut client, ack) = fixture.knock(hello).await;
    assert!(ack.session_present);
    let again = client.next_publish().await;
    assert_eq!(&again.payload[..], b"1");
    client.send(Packet::PubAck(PubAck::new(again.pkid))).await;
    within("the acknowledgement", fixture.hub.delivered(DEVICE)).await;
    within(
        "the other subscription",
        fixture.hub.subscribed(DEVICE, &[answers]),
    )
    .await;

    let mut client = fixture.client().await;
    fixture.hub.send(DEVICE, message("3")).unwrap();
    client.send(Packet::PingReq).await;
    assert_eq!(
        client.next().await,
        Some(Packet::PingResp),
        "a clean session has no subscription"
    );
}

#[tokio::test]
async fn the_twin_answers_whoever_listens() {
    let fixture = start().await;
    let mut client = fixture.client().await;
    client
        .publish("$iothub/twin/GET/?$rid=0", QoS::AtMostOnce, "")
        .await;
    client.subscribe(&["$iothub/twin/res/#"], QoS::AtMostOnce).await;
    client
        .publish("$iothub/twin/GET/?$rid=a%20b", QoS::AtMostOnce, "")
        .await;
    let (topic, body) = text(&client.next_publish().await);
    assert_eq!(
        topic, "$iothub/twin/res/200/?$rid=a%20b",
        "the first question was not answered"
    );
    let twin: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        twin,
        json!({ "desired": { "$version": 1 }, "reported": { "$version": 1 } })
    );

    let reported = "$iothub/twin/PATCH/properties/reported/?$rid=";
    for (payload, wanted) in [
        (r#"{"a":1}"#.to_owned(), "$iothub/twin/res/204/?$rid=1&$version=2"),
        ("{".to_owned(), "$iothub/twin/res/400/?$rid=1"),
        ("[1]".to_owned(), "$iothub/twin/res/400/?$rid=1"),
        (
            format!("{}1{}", r#"{"a":"#.repeat(1000), "}".repeat(1000)),
            "$iothub/twin/res/400/?$rid=1",
        ),
    ] {
        client
            .publish(&format!("{reported}1"), QoS::AtMostOnce, payload)
            .await;
        assert_eq!(text(&client.next_publish().await).0, wanted);
    }
    fixture.hub.fail_twin(DEVICE, &[429]).unwrap();
    client
        .publish(&format!("{reported}2"), QoS::AtMostOnce, r#"{"a":2}"#)
        .await;
    assert_eq!(
        text(&client.next_publish().await).0,
        "$iothub/twin/res/429/?$rid=2"
    );
    fixture.hub.ignore_twin(DEVICE, 1).unwrap();
    client
        .publish(&format!("{reported}3"), QoS::AtMostOnce, r#"{"a":3}"#)
        .await;
    client
        .publish(&format!("{reported}4"), QoS::AtMostOnce, r#"{"b":4}"#)
        .await;
    assert_eq!(
        text(&client.next_publish().await).0,
        "$iothub/twin/res/204/?$rid=4&$version=3"
    );
    assert_eq!(
        fixture.hub.twin(DEVICE).unwrap().reported.document(),
        json!({ "a": 1, "b": 4, "$version": 3 })
    );
}

#[tokio::test]
async fn a_changed_desired_property_is_told_with_its_version() {
    let fixture = start().await;
    let mut client = fixture.client().await;
    fixture
        .hub
        .update_desired(DEVICE, &json!({ "before": 1 }))
        .unwrap();
    client
        .subscribe(&["$iothub/twin/PATCH/properties/desired/#"], QoS::AtMostOnce)
        .await;
    assert_eq!(
        fixture
            .hub
            .update_desired(DEVICE, &json!({ "volume": 4, "before": null })),
        Ok(3)
    );
    let (topic, body) = text(&client.next_publish().await);
    assert_eq!(topic, "$iothub/twin/PATCH/properties/desired/?$version=3");
    let patch: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(patch, json!({ "volume": 4, "before": null, "$version": 3 }));
}

#[tokio::test]
async fn a_method_is_answered_by_the_connection_that_was_asked_only() {
    let fixture = start().await;
    let hub = fixture.hub.clone();
    assert_eq!(
        hub.invoke("nobody", "m", &Value::Null, LONG, LONG).await,
        Err(MethodError::NotFound)
    );
    assert_eq!(
        hub.invoke(DEVICE, "m", &Value::Null, LONG, Duration::ZERO).await,
        Err(MethodError::NotOnline)
    );

    let mut client = fixture.client().await;
    client
        .subscribe(&["$iothub/methods/POST/#"], QoS::AtMostOnce)
        .await;
    let call = tokio::spawn(async move {
        hub.invoke(DEVICE, "set volume", &json!({ "a": 1 }), LONG, LONG)
            .await
    });
    let (topic, body) = text(&client.next_publish().await);
    let request = topic
        .strip_prefix("$iothub/methods/POST/set%20volume/?$rid=")
        .unwrap()
        .to_owned();
    assert_eq!(&body[..], br#"{"a":1}"#);
    client
        .publish("$iothub/methods/res/200/?$rid=ffff", QoS::AtMostOnce, "{}")
        .await;
    client
        .publish(
            &format!("$iothub/methods/res/-7/?$rid={request}"),
            QoS::AtMostOnce,
            "[1]",
        )
        .await;
    let reply = call.await.unwrap().unwrap();
    assert_eq!((reply.status, reply.payload), (-7, json!([1])));

    let hub = fixture.hub.clone();
    let call = tokio::spawn(async move { hub.invoke(DEVICE, "m", &Value::Null, LONG, LONG).await });
    let (topic, body) = text(&client.next_publish().await);
    assert_eq!(&body[..], b"");
    let request = topic.rsplit_once('=').unwrap().1.to_owned();
    let mut other = fixture.client().await;
    other
        .publish(
            &format!("$iothub/methods/res/200/?$rid={request}"),
            QoS::AtMostOnce,
            "",
        )
        .await;
    assert_eq!(call.await.unwrap(), Err(MethodError::Timeout));
}

#[tokio::test]
async fn the_network_breaks_goes_and_comes_back() {
    let fixture = start().await;
    let mut client = fixture.client().await;
    fixture.stand_in.cut();
    client.ended().await;
    let mut client = fixture.client().await;
    fixture.stand_in.set_silent(true);
    client.send(Packet::PingReq).await;
    let answer = tokio::time::timeout(Duration::from_millis(200), client.next()).await;
    assert!(answer.is_err(), "{answer:?} from a silent network");
    fixture.stand_in.set_silent(false);
    assert_eq!(client.next().await, Some(Packet::PingResp));
    fixture.stand_in.set_reachable(false);
    client.ended().await;
    let broken = Happening::Closed(CloseReason::Broken);
    within("the breaks", fixture.hub.happened(DEVICE, broken, 2)).await;
    fixture.stand_in.set_reachable(true);
    fixture.client().await;
}
