//! What Microsoft's SDK passes against the stand-in, `ci/tests/test_iot_hub_stand_in.py`, under the same names with this
//! client. The last test compares the two lists.

mod connection;
mod messages;
mod provisioning;
#[path = "../support/mod.rs"]
mod support;
mod twin;

use amora_link::iot_hub::client::{self, Client, Event, Hub as Way, Options, Standing, Transport};
use amora_link::iot_hub::connection_string::{ConnectionString, Secret};
use amora_link::iot_hub::identity::{Enrolment as Registration, Identity};
use amora_link::iot_hub::sas::{Key, Renewal};
use amora_link::iot_hub::topic::Properties;
use amora_link::iot_hub::twin::Desired;
use amora_peer_iot_hub::{
    Attestation, Authentication, Authority, CloseReason, CloudMessage, Enrolment, Happening, MethodError,
    StandIn, fresh_key,
};
use bytes::Bytes;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use support::{hub, options, within};
use tokio::sync::mpsc;

struct Device {
    client: Client,
    way: Way,
    events: mpsc::Receiver<Event>,
}

impl Device {
    fn open(options: Options) -> Self {
        let (client, events) = client::open(options);
        let way = client.hub();
        Self { client, way, events }
    }

    fn with(connection_string: &str, stand_in: &StandIn, folder: &Path) -> Self {
        let identity = Identity::Device(ConnectionString::parse(connection_string).unwrap());
        Self::open(options(identity, stand_in, folder))
    }

    async fn stands(&self, what: &str, wanted: impl Fn(&Standing) -> bool) -> Standing {
        let mut standing = self.way.standing();
        within(what, standing.wait_for(wanted)).await.unwrap().clone()
    }

    /// The host that it is connected to.
    async fn connected(&self) -> String {
        let there = self.stands("connected", |one| matches!(one, Standing::Connected { .. }));
        match there.await {
            Standing::Connected { host, .. } => host,
            other => panic!("{other:?}"),
        }
    }

    /// Why it is not connected.
    async fn trouble(&self) -> String {
        let waits = self.stands("in trouble", |one| matches!(one, Standing::Waiting { .. }));
        match waits.await {
            Standing::Waiting { trouble, .. } => trouble.cause,
            other => panic!("{other:?}"),
        }
    }

    /// Sends, and waits until the hub has it.
    async fn send(&self, body: impl Into<Bytes>, properties: &Properties) {
        let mut line = self.way.line();
        let line = within("a line", line.wait_for(Option::is_some))
            .await
            .unwrap()
            .clone()
            .unwrap();
        let delivery = line.send(body.into(), properties).await.unwrap();
        within("it arrives", delivery.arrived()).await.unwrap();
    }

    async fn next<T>(&mut self, what: &str, pick: impl Fn(Event) -> Option<T>) -> T {
        let events = &mut self.events;
        let found = async move {
            loop {
                let event = events.recv().await.expect("the client runs");
                if let Some(found) = pick(event) {
                    return found;
                }
            }
        };
        within(what, found).await
    }

    async fn desired(&mut self) -> Desired {
        self.next("desired properties", |event| match event {
            Event::Desired(desired) => Some(desired),
            _ => None,
        })
        .await
    }

    async fn message(&mut self) -> (Vec<u8>, Properties) {
        self.next("a message", |event| match event {
            Event::Message(message) => Some((message.body.to_vec(), message.properties)),
            _ => None,
        })
        .await
    }

    async fn close(self) {
        self.client.close(Duration::from_secs(5)).await;
    }
}

/// How a device registers.
fn registering(stand_in: &StandIn, name: &str, key: Option<&str>) -> Identity {
    Identity::Provisioned(Registration {
        host: "localhost".to_owned(),
        id_scope: stand_in.scope(),
        registration_id: name.to_owned(),
        secret: match key {
            Some(key) => Secret::SharedAccessKey {
                key: Key::parse(key).unwrap(),
                policy: None,
            },
            None => Secret::Certificate,
        },
        payload: Some(json!({"modelId": "dtmi:example:model;1"})),
    })
}

fn own_key(name: &str, key: &str) -> Attestation {
    Attestation::Key {
        registration_id: name.to_owned(),
        key: key.to_owned(),
    }
}

/// Gives a client a certificate of this name, and tells its thumbprint.
fn certified(options: &mut Options, authority: &Authority, name: &str, folder: &Path) -> String {
    let identity = authority.device(name).unwrap();
    let thumbprint = identity.thumbprint();
    let files = (folder.join("device.pem"), folder.join("device.key"));
    std::fs::write(&files.0, identity.certificate).unwrap();
    std::fs::write(&files.1, identity.key).unwrap();
    options.tls.cert_file = Some(files.0);
    options.tls.key_file = Some(files.1);
    thumbprint
}

#[test]
fn the_list_is_that_of_microsoft_s_sdk() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let names = |text: String, begin: &str| -> Vec<String> {
        text.lines()
            .filter_map(|line| Some(line.strip_prefix(begin)?.split('(').next()?.to_owned()))
            .collect()
    };
    let theirs = std::fs::read_to_string(root.join("ci/tests/test_iot_hub_stand_in.py")).unwrap();
    let theirs = names(theirs, "def test_");
    let ours = [
        include_str!("provisioning.rs"),
        include_str!("messages.rs"),
        include_str!("twin.rs"),
        include_str!("connection.rs"),
    ];
    let ours = names(ours.concat(), "async fn ");
    assert!(theirs.len() > 20, "{theirs:?}");
    assert_eq!(ours, theirs);
}
