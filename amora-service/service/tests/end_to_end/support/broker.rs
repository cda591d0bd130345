//! mosquitto's own clients.

use super::{Process, until};
use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// `mosquitto_sub` writing down what it receives.
pub(crate) struct Subscriber {
    _process: Process,
    heard: PathBuf,
}

/// One message as received.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) retained: bool,
    pub(crate) body: Value,
}

impl Subscriber {
    /// Subscribes to `topic` and waits until the broker has said yes.
    pub(crate) async fn start(house: &super::House, topic: &str) -> Self {
        Self::subscribe(house, topic, &[]).await
    }

    /// The same with a session that the broker keeps: what comes while this client is away is delivered later.
    pub(crate) async fn durable(house: &super::House, topic: &str) -> Self {
        Self::subscribe(
            house,
            topic,
            &["--id", "durable-listener", "--disable-clean-session"],
        )
        .await
    }

    async fn subscribe(house: &super::House, topic: &str, session: &[&str]) -> Self {
        let heard = house.path(&format!("heard-{}", super::free_port()));
        let port = house.broker_port.to_string();
        let marker = format!("marker/{port}");
        let mut arguments = session.to_vec();
        arguments.extend([
            "--port", &port, "--topic", &marker, "--topic", topic, "--qos", "1", "-F", "%r %t %p",
        ]);
        let process = Process::start(&heard, "mosquitto_sub", &arguments, &[]);
        let subscriber = Self {
            _process: process,
            heard,
        };
        until("the subscription", async || {
            publish(house.broker_port, &marker, "\"here\"");
            subscriber
                .messages()
                .iter()
                .any(|message| message.topic == marker)
                .then_some(())
        })
        .await;
        subscriber
    }

    /// Everything received so far.
    pub(crate) fn messages(&self) -> Vec<Message> {
        let text = std::fs::read_to_string(&self.heard).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().filter_map(read).collect()
    }

    /// Waits for a message on a topic that ends in `leaf`.
    pub(crate) async fn message_where(
        &self,
        what: &str,
        leaf: &str,
        wanted: impl Fn(&Message) -> bool,
    ) -> Message {
        until(what, async || {
            self.messages()
                .into_iter()
                .find(|message| message.topic.ends_with(leaf) && wanted(message))
        })
        .await
    }
}

fn read(line: &str) -> Option<Message> {
    let mut parts = line.splitn(3, ' ');
    let (retained, topic, body) = (parts.next()?, parts.next()?, parts.next()?);
    let body = serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned()));
    Some(Message {
        topic: topic.to_owned(),
        retained: retained == "1",
        body,
    })
}

/// `mosquitto_pub` with one message.
pub(crate) fn publish(port: u16, topic: &str, message: &str) {
    publish_lines(port, topic, [message.to_owned()]);
}

/// `mosquitto_pub` with a message per line, over one connection, as fast as it can.
pub(crate) fn publish_lines(port: u16, topic: &str, lines: impl IntoIterator<Item = String>) {
    let mut child = Command::new("mosquitto_pub")
        .args(["--port", &port.to_string(), "--topic", topic, "--qos", "1", "-l"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = std::io::BufWriter::new(child.stdin.take().unwrap());
    for line in lines {
        writeln!(input, "{line}").unwrap();
    }
    drop(input);
    assert!(child.wait().unwrap().success(), "publishing to {topic}");
}
