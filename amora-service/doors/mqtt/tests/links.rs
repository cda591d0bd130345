//! Connections that break, are refused, or are secured: against the real mosquitto.

mod support;

use amora_contract::EventKind;
use amora_contract::config::{MqttVersion, TlsConfig};
use amora_contract::state::Condition;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::{Broker, Device};

const COMMANDS: &str = "amora/devices/box/commands";
const RESPONSES: &str = "amora/devices/box/responses";
const CONNECTION: &str = "amora/devices/box/connection";
const EVENTS: &str = "amora/devices/box/events";

/// An event that carries a number.
fn numbered(number: u64) -> EventKind {
    EventKind::Xrun { count: number }
}

fn number(event: &Value) -> Option<u64> {
    event["data"]["count"]
        .as_u64()
        .filter(|_| event["event"] == "audio.xrun")
}

#[tokio::test]
async fn a_box_that_vanishes_is_reported_by_its_last_will() {
    let broker = Broker::start().await;
    let data = tempfile::tempdir().unwrap();
    let device = Device::open(broker.config(), data.path());
    device.ready().await;
    let mut connection = broker.subscribe(&[CONNECTION]).await;
    connection.find(|heard| heard.json()["status"] == "online").await;
    device.vanish().await;
    connection.find(|heard| heard.json()["status"] == "offline").await;
}

#[tokio::test]
async fn no_event_is_lost_or_out_of_order_when_the_broker_restarts() {
    let mut broker = Broker::start().await;
    let data = tempfile::tempdir().unwrap();
    for (version, clean_session) in [
        (MqttVersion::V3, true),
        (MqttVersion::V3, false),
        (MqttVersion::V5, false),
    ] {
        let mut config = broker.config();
        config.version = version;
        config.clean_session = clean_session;
        // A subscriber whose session the broker keeps through its restart.
        let watcher = format!("watcher-{version:?}-{clean_session}");
        let keep = ["-c", "-i", watcher.as_str()];
        drop(broker.subscribe_with(&keep, &[EVENTS]).await);
        let device = Device::open(config, data.path());
        device.ready().await;
        for number in 0..40 {
            device.router.publish_event(numbered(number));
            if number == 20 {
                broker.stop().await;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let health = device
            .health(|health| health.condition == Condition::Degraded)
            .await;
        assert!(!health.next_step.is_empty());
        broker.resume().await;
        device.ready().await;
        for number in 40..60 {
            device.router.publish_event(numbered(number));
        }
        let mut events = broker.subscribe_with(&keep, &[EVENTS]).await;
        let (mut expected, mut newest) = (0, 0);
        while expected < 60 {
            let event = events.next().await.json();
            let sequence = event["sequence"].as_i64().unwrap();
            let Some(number) = number(&event) else { continue };
            if sequence > newest {
                assert_eq!(number, expected, "{version:?} {clean_session}");
                newest = sequence;
                expected += 1;
            } else {
                assert!(number < expected, "an old number must be a repetition");
            }
        }
        let mut responses = broker.subscribe(&[RESPONSES]).await;
        broker
            .publish(COMMANDS, r#"{"command": "play", "command_id": "again"}"#)
            .await;
        assert_eq!(responses.next().await.json()["command_id"], "again");
        device.close().await;
    }
}

#[tokio::test]
async fn events_of_a_box_without_a_broker_wait_on_the_disk_for_the_next_start() {
    let mut broker = Broker::start().await;
    let data = tempfile::tempdir().unwrap();
    broker.stop().await;
    let device = Device::open(broker.config(), data.path());
    let health = device
        .health(|health| health.condition == Condition::Degraded)
        .await;
    assert!(health.cause.contains("nothing listens"), "{}", health.cause);
    for number in 0..10 {
        device.router.publish_event(numbered(number));
    }
    let outbox = device.data.join("mqtt-outbox.sqlite");
    support::within("the events are written down", async {
        loop {
            let outbox = amora_link::outbox::Outbox::open(&outbox, Default::default()).unwrap();
            // Beside the ten there is the change of health.
            if outbox.watch().borrow().entries >= 11 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    device.vanish().await;
    broker.resume().await;
    let mut events = broker.subscribe(&[EVENTS]).await;
    let device = Device::open(broker.config(), data.path());
    for expected in 0..10 {
        let event = events.find(|heard| number(&heard.json()).is_some()).await.json();
        assert_eq!(number(&event), Some(expected));
    }
    device.close().await;
}

#[tokio::test]
async fn mqtt_5_works_like_3_1_1() {
    let broker = Broker::start().await;
    let data = tempfile::tempdir().unwrap();
    let mut config = broker.config();
    config.version = MqttVersion::V5;
    let device = Device::open(config, data.path());
    device.ready().await;
    let mut listener = broker
        .subscribe_with(&["-V", "5"], &[RESPONSES, CONNECTION])
        .await;
    assert_eq!(listener.next().await.json()["status"], "online");
    broker
        .publish_with(
            &["-V", "5"],
            COMMANDS,
            br#"{"command": "play", "command_id": "five"}"#,
        )
        .await;
    assert_eq!(listener.next().await.json()["command_id"], "five");
    device.vanish().await;
    assert_eq!(listener.next().await.json()["status"], "offline");
}

#[tokio::test]
async fn a_wrong_password_is_told_apart_and_the_right_one_works() {
    let broker = Broker::with(
        "allow_anonymous false\npassword_file {folder}/passwords",
        |folder| {
            run(
                folder,
                "mosquitto_passwd",
                &["-b", "-c", "passwords", "box", "secret"],
            );
            // mosquitto insists that nobody else may read it.
            run(folder, "chmod", &["600", "passwords"]);
        },
    )
    .await;
    for version in [MqttVersion::V3, MqttVersion::V5] {
        let data = tempfile::tempdir().unwrap();
        let mut config = broker.config();
        config.version = version;
        config.username = Some("box".to_owned());
        config.password = Some("wrong".to_owned());
        let device = Device::open(config.clone(), data.path());
        let health = device
            .health(|health| health.condition == Condition::Degraded)
            .await;
        assert!(health.next_step.contains("mqtt.password"), "{health:?}");
        device.close().await;
        config.password = Some("secret".to_owned());
        let device = Device::open(config, data.path());
        device.ready().await;
        device.close().await;
    }
}

#[tokio::test]
async fn unknown_hosts_are_named() {
    let broker = Broker::start().await;
    let data = tempfile::tempdir().unwrap();
    let mut config = broker.config();
    config.host = "no-such-broker.invalid".to_owned();
    let device = Device::open(config, data.path());
    let health = device
        .health(|health| health.condition == Condition::Degraded)
        .await;
    assert!(
        health.cause.contains("no-such-broker.invalid"),
        "{}",
        health.cause
    );
    assert!(health.next_step.contains("mqtt.host"), "{}", health.next_step);
    device.close().await;
}

#[tokio::test]
async fn tls_with_a_client_certificate() {
    let broker = Broker::with(
        "cafile {folder}/ca.pem\ncertfile {folder}/server.pem\nkeyfile {folder}/server.key\nrequire_certificate true\nuse_identity_as_username true\nallow_anonymous false",
        certificates,
    )
    .await;
    let file = |name: &str| Some(broker.folder.path().join(name));
    let data = tempfile::tempdir().unwrap();
    let mut config = broker.config();
    let tls = TlsConfig {
        ca_file: file("ca.pem"),
        cert_file: file("box.pem"),
        key_file: file("box.key"),
    };
    for version in [MqttVersion::V3, MqttVersion::V5] {
        config.version = version;
        config.tls = Some(tls.clone());
        let device = Device::open(config.clone(), data.path());
        device.ready().await;
        device.close().await;
    }

    config.tls = Some(TlsConfig {
        ca_file: file("other-ca.pem"),
        ..tls.clone()
    });
    let device = Device::open(config.clone(), data.path());
    let health = device
        .health(|health| health.condition == Condition::Degraded)
        .await;
    assert!(health.next_step.contains("ca_file"), "{health:?}");
    device.close().await;

    config.tls = Some(TlsConfig {
        cert_file: None,
        key_file: None,
        ..tls.clone()
    });
    let device = Device::open(config.clone(), data.path());
    let health = device
        .health(|health| health.condition == Condition::Degraded)
        .await;
    assert!(
        !health.cause.is_empty() && !health.next_step.is_empty(),
        "{health:?}"
    );
    device.close().await;

    config.tls = Some(TlsConfig {
        key_file: file("server.key"),
        ..tls
    });
    let error = Device::open(config, data.path()).failed().await.to_string();
    assert!(
        error.contains("server.key") && error.contains("box.pem"),
        "{error}"
    );
}

/// An authority, a server and a client certificate, and an authority that has nothing to do with them.
fn certificates(folder: &Path) {
    for authority in ["ca", "other-ca"] {
        let subject = format!("/CN={authority}");
        let (key, certificate) = (format!("{authority}.key"), format!("{authority}.pem"));
        run(
            folder,
            "openssl",
            &[
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "30",
                "-subj",
                &subject,
                "-keyout",
                &key,
                "-out",
                &certificate,
            ],
        );
    }
    std::fs::write(
        folder.join("names"),
        "subjectAltName=IP:127.0.0.1,DNS:localhost\n",
    )
    .unwrap();
    for name in ["server", "box"] {
        let (key, request, certificate) = (
            format!("{name}.key"),
            format!("{name}.csr"),
            format!("{name}.pem"),
        );
        run(
            folder,
            "openssl",
            &[
                "req",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-subj",
                &format!("/CN={name}"),
                "-keyout",
                &key,
                "-out",
                &request,
            ],
        );
        run(
            folder,
            "openssl",
            &[
                "x509",
                "-req",
                "-in",
                &request,
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-CAcreateserial",
                "-days",
                "30",
                "-extfile",
                "names",
                "-out",
                &certificate,
            ],
        );
    }
}

fn run(folder: &Path, program: &str, arguments: &[&str]) {
    let status = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.unwrap().success(), "{program} {}", json!(arguments));
}
