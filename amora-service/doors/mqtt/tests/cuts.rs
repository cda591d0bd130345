//! A network that breaks at random, between the box and the real mosquitto.

mod support;

use amora_contract::EventKind;
use amora_contract::config::MqttVersion;
use std::sync::Arc;
use std::time::Duration;
use support::{Broker, Device};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

const CUTS: u64 = 6;
const EVENTS: u64 = 300;

/// Passes connections on to the broker and breaks all of them at each notice.
async fn breakable(broker: u16) -> (u16, Arc<Notify>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let scissors = Arc::new(Notify::new());
    let cut = scissors.clone();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let cut = cut.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(("127.0.0.1", broker)).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    () = cut.notified() => {
                        // Reset rather than closed: what is under way is lost, in both directions.
                        let _ = near.set_zero_linger();
                        let _ = far.set_zero_linger();
                    }
                }
            });
        }
    });
    (port, scissors)
}

async fn survives(version: MqttVersion, clean_session: bool, seed: u64) {
    let broker = Broker::start().await;
    let (port, scissors) = breakable(broker.port).await;
    let data = tempfile::tempdir().unwrap();
    let mut config = broker.config();
    config.port = Some(port);
    config.version = version;
    config.clean_session = clean_session;
    let mut events = broker.subscribe(&["amora/devices/box/events"]).await;
    let device = Device::open(config, data.path());
    device.ready().await;

    let mut random = seed;
    let publishing = async {
        for number in 0..EVENTS {
            device.router.publish_event(EventKind::Xrun { count: number });
            if number % (EVENTS / CUTS) == EVENTS / CUTS / 2 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                tokio::time::sleep(Duration::from_micros(random >> 51)).await;
                scissors.notify_waiters();
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    };
    let hearing = async {
        let (mut expected, mut newest, mut repeated) = (0, 0, 0);
        while expected < EVENTS {
            let event = events.next().await.json();
            let sequence = event["sequence"].as_i64().unwrap();
            if sequence <= newest {
                repeated += 1;
                continue;
            }
            newest = sequence;
            if event["event"] == "audio.xrun" {
                assert_eq!(event["data"]["count"], expected, "lost or out of order");
                expected += 1;
            }
        }
        repeated
    };
    let ((), repeated) = tokio::join!(publishing, hearing);
    println!(
        "{version:?}, clean session {clean_session}: {EVENTS} events, {CUTS} cuts, {repeated} repetitions"
    );
    support::within("the outbox is empty", async {
        loop {
            let outbox =
                amora_link::outbox::Outbox::open(&data.path().join("mqtt-outbox.sqlite"), Default::default());
            if outbox.unwrap().watch().borrow().entries == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    device.close().await;
}

#[tokio::test]
async fn no_event_is_lost_with_a_clean_session() {
    survives(MqttVersion::V3, true, 1).await;
}

#[tokio::test]
async fn no_event_is_lost_with_a_kept_session() {
    survives(MqttVersion::V3, false, 2).await;
}

#[tokio::test]
async fn no_event_is_lost_over_mqtt_5() {
    survives(MqttVersion::V5, true, 3).await;
}

#[tokio::test]
async fn no_event_is_lost_over_mqtt_5_with_a_kept_session() {
    survives(MqttVersion::V5, false, 4).await;
}
