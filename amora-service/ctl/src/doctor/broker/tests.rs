use super::*;
use crate::doctor::Verdict;
use amora_contract::config::{MqttVersion, TlsConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// CONNACK of MQTT 3.1.1 with a return code.
const fn answer(code: u8) -> [u8; 4] {
    [0x20, 2, 0, code]
}

/// A broker that is only played: answers CONNECT with `answer`, and SUBSCRIBE with `granted` where it lets in.
async fn played(answer: [u8; 4], granted: u8) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let connect = packet(&mut stream).await;
        assert_eq!(connect[0] >> 4, 1, "CONNECT comes first");
        stream.write_all(&answer).await.unwrap();
        if answer[3] == 0 {
            let subscribe = packet(&mut stream).await;
            assert_eq!(subscribe[0] >> 4, 8);
            let acknowledgement = [0x90, 3, subscribe[2], subscribe[3], granted];
            stream.write_all(&acknowledgement).await.unwrap();
        }
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    });
    port
}

/// One packet of fewer than 128 bytes.
async fn packet(stream: &mut tokio::net::TcpStream) -> Vec<u8> {
    let mut packet = vec![0; 2];
    stream.read_exact(&mut packet).await.unwrap();
    assert!(packet[1] < 128);
    packet.resize(2 + usize::from(packet[1]), 0);
    stream.read_exact(&mut packet[2..]).await.unwrap();
    packet
}

async fn examined(port: u16, change: impl FnOnce(&mut MqttConfig)) -> Vec<Finding> {
    let mut mqtt = MqttConfig {
        host: "127.0.0.1".to_owned(),
        port: Some(port),
        version: MqttVersion::V3,
        ..MqttConfig::default()
    };
    change(&mut mqtt);
    broker(&Config {
        mqtt: Some(mqtt),
        ..Config::default()
    })
    .await
}

#[tokio::test]
async fn a_broker_that_lets_the_box_in_is_well() {
    let findings = examined(played(answer(0), 0).await, |_| {}).await;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].verdict, Verdict::Ok, "{findings:?}");
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let credentials = examined(played(answer(4), 0).await, |_| {}).await;
    assert_eq!(credentials[0].verdict, Verdict::Failed);
    assert!(
        credentials[0].found.contains("user name or password"),
        "{credentials:?}"
    );
    assert!(credentials[0].next_step.contains("mqtt.password"));
    let unauthorised = examined(played(answer(5), 0).await, |_| {}).await;
    assert!(
        unauthorised[0].found.contains("does not let this client in"),
        "{unauthorised:?}"
    );
    assert!(unauthorised[0].next_step.contains("-doctor"), "{unauthorised:?}");
    let deaf = examined(played(answer(0), 0x80).await, |_| {}).await;
    assert_eq!((deaf[0].verdict, deaf[1].verdict), (Verdict::Ok, Verdict::Failed));
    assert!(
        deaf[1].found.contains("`amora/devices/amora/commands`"),
        "{deaf:?}"
    );
}

#[tokio::test]
async fn what_does_not_listen_or_speaks_no_tls_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let closed = examined(port, |_| {}).await;
    assert!(closed[0].found.contains("nothing listens"), "{closed:?}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.write_all(&answer(5)).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let hung_up = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closing = hung_up.local_addr().unwrap().port();
    tokio::spawn(async move { drop(hung_up.accept().await) });
    let closed = examined(closing, |_| {}).await;
    assert!(closed[0].next_step.contains("[mqtt.tls]"), "{closed:?}");

    let authority = tempfile::tempdir().unwrap();
    let missing = authority.path().join("ca.pem");
    let without = examined(port, |mqtt| {
        mqtt.tls = Some(TlsConfig {
            ca_file: Some(missing),
            ..TlsConfig::default()
        });
    })
    .await;
    assert!(
        without[0].found.contains("ca.pem") && without[0].next_step.contains("[mqtt.tls]"),
        "{without:?}"
    );
    let plain = examined(port, |mqtt| mqtt.tls = Some(TlsConfig::default())).await;
    assert_eq!(plain[0].verdict, Verdict::Failed);
    assert!(plain[0].found.contains("TLS"), "{plain:?}");
}

#[tokio::test]
async fn a_password_that_cannot_be_read_is_not_guessed() {
    let findings = examined(1, |mqtt| {
        mqtt.username = Some("box".to_owned());
        mqtt.password = Some(HIDDEN.to_owned());
    })
    .await;
    assert_eq!(findings[0].verdict, Verdict::Skipped);
    assert_eq!(broker(&Config::default()).await[0].verdict, Verdict::Skipped);
}
