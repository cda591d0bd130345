//! Bad input gets a clear answer; memory stays bounded; nothing restarts.

use crate::support::{Client, House, Subscriber, publish, publish_lines, until};
use serde_json::json;
use std::collections::HashSet;
use std::io::{Read, Write};

const COMMANDS: &str = "amora/devices/test/commands";
const MEGABYTE: u64 = 1024 * 1024;

/// A box that was well before is the same process and well after, and has not grown.
async fn unharmed(house: &mut House, started_at: &serde_json::Value, memory: u64) {
    let state = house.client().state_where("the answer", |_| true).await;
    assert_eq!(&state["system"]["started_at"], started_at, "it restarted");
    assert!(house.service().running());
    for (part, health) in state["system"]["health"].as_object().unwrap() {
        assert_eq!(health["condition"], "ok", "{part}: {health}");
    }
    let grown = house.service().memory().saturating_sub(memory);
    assert!(grown < 40 * MEGABYTE, "grew by {grown} bytes");
}

async fn house() -> (House, serde_json::Value, u64) {
    let mut house = House::lived_in().await;
    let started_at = house.client().state().await["system"]["started_at"].clone();
    let memory = house.service().memory();
    (house, started_at, memory)
}

#[tokio::test]
async fn malformed_and_enormous_messages_are_refused() {
    let (mut house, started_at, memory) = house().await;
    let client = house.client();
    for (body, status) in [
        ("{", 400),
        ("[1,2]", 400),
        ("\"text\"", 400),
        ("{\"volume\": 1e999}", 400),
        ("{\"volume\": nul", 400),
        ("\u{0}", 400),
    ] {
        let answer = client.post("audio.set_volume", body).await;
        assert_eq!(answer.status, status, "{body:?}: {}", answer.body);
        assert_eq!(answer.body["result"], false, "{body:?}: {}", answer.body);
        assert!(
            answer.body["error"]["message"].is_string(),
            "{body:?}: {}",
            answer.body
        );
    }
    let answer = client
        .post("audio.set_volume", "x".repeat(10 * MEGABYTE as usize))
        .await;
    assert_eq!(answer.status, 413, "{}", answer.body);

    let subscriber = Subscriber::start(&house, "amora/devices/test/responses").await;
    let port = house.broker_port;
    for message in [
        "{",
        "[]",
        "nonsense",
        r#"{"command": 7}"#,
        r#"{"command_id": "no-command"}"#,
    ] {
        publish(port, COMMANDS, message);
    }
    publish(port, COMMANDS, r#"{"command": {"a": 1}, "command_id": "odd"}"#);
    let reply = subscriber
        .message_where("an answer", "/responses", |message| {
            message.body["command_id"] == "odd"
        })
        .await;
    assert_eq!(reply.body["result"], false);

    let file = house.path("enormous");
    let enormous = json!({"command": "x".repeat(10 * MEGABYTE as usize), "command_id": "enormous"});
    std::fs::write(&file, enormous.to_string()).unwrap();
    let sent = std::process::Command::new("mosquitto_pub")
        .args([
            "--port",
            &port.to_string(),
            "--topic",
            COMMANDS,
            "--qos",
            "0",
            "--file",
        ])
        .arg(&file)
        .status();
    assert!(sent.unwrap().success());
    until("an answer after the enormous message", async || {
        publish(
            port,
            COMMANDS,
            r#"{"command":"get_volume","command_id":"after","params":null}"#,
        );
        subscriber
            .messages()
            .iter()
            .any(|message| message.body["command_id"] == "after")
            .then_some(())
    })
    .await;
    house
        .client()
        .state_where("the door", |state| {
            state["system"]["health"]["mqtt"]["condition"] == "ok"
        })
        .await;
    unharmed(&mut house, &started_at, memory).await;
}

#[tokio::test]
async fn every_command_of_a_flood_is_answered_once() {
    const FLOOD: usize = 20_000;
    let (mut house, started_at, memory) = house().await;
    let subscriber = Subscriber::start(&house, "amora/devices/test/responses").await;
    let port = house.broker_port;
    let flood = (0..FLOOD).map(|number| {
        format!(r#"{{"command":"get_volume","command_id":"{number}","params":null,"timestamp":1.0}}"#)
    });
    publish_lines(port, COMMANDS, flood);
    let answered = until("every answer", async || {
        let messages = subscriber.messages();
        (messages.len() > FLOOD).then_some(messages)
    })
    .await;
    let ids: Vec<&str> = answered
        .iter()
        .filter_map(|message| message.body["command_id"].as_str())
        .collect();
    assert_eq!(ids.len(), FLOOD);
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), FLOOD);
    unharmed(&mut house, &started_at, memory).await;
}

#[tokio::test]
async fn a_browser_that_never_reads_costs_no_memory() {
    let (mut house, started_at, memory) = house().await;
    let code = std::fs::read_to_string(house.path("data/login-code")).unwrap();
    let mut browsers: Vec<std::net::TcpStream> = (0..4)
        .map(|_| {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", house.web_port)).unwrap();
            write!(
                stream,
                "GET /api/socket HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {}\r\nConnection: Upgrade\r\n\
                 Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                house.web_port,
                code.trim()
            )
            .unwrap();
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"HTTP/1.1 101");
            stream
        })
        .collect();
    let client = Client::tcp(house.web_port, Some(code.trim()));
    for number in 0..4000 {
        client
            .command("audio.set_volume", json!({"volume": number % 101}))
            .await;
    }
    unharmed(&mut house, &started_at, memory).await;
    for browser in &mut browsers {
        let _ = browser.shutdown(std::net::Shutdown::Both);
    }
}
