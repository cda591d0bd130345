//! What Microsoft's SDK passes against the stand-in, `ci/tests/test_iot_hub_stand_in.py`, under the same names with this
//! client. The last test compares the two lists.

mod support;

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

#[tokio::test]
async fn a_device_with_its_own_key_is_assigned_and_connects() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, _, _) = hub().await;
    let key = fresh_key();
    let mut enrolment = Enrolment::new(own_key("own-key", &key), "localhost");
    enrolment.desired = Some(json!({"volume": 30}));
    stand_in.enrol("own-key", enrolment);
    let identity = registering(&stand_in, "own-key", Some(&key));
    let mut device = Device::open(options(identity, &stand_in, folder.path()));
    assert_eq!(device.desired().await.all["volume"], 30);
    assert_eq!(device.connected().await, "localhost");
    let registrations = serde_json::to_value(stand_in.registrations()).unwrap();
    assert_eq!(
        registrations[0]["payload"],
        json!({"modelId": "dtmi:example:model;1"})
    );
    device.close().await;
}

#[tokio::test]
async fn a_device_of_a_group_is_assigned() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, _, _) = hub().await;
    let group = fresh_key();
    let attestation = Attestation::GroupKey { key: group.clone() };
    stand_in.enrol("group", Enrolment::new(attestation, "localhost"));
    let key = Key::parse(&group).unwrap().of_group_member("member-1").reveal();
    let identity = registering(&stand_in, "member-1", Some(&key));
    let device = Device::open(options(identity, &stand_in, folder.path()));
    device.connected().await;
    let identity = registering(&stand_in, "member-2", Some(&key));
    let other = Device::open(options(identity, &stand_in, folder.path()));
    assert!(other.trouble().await.contains("does not accept"));
    device.close().await;
    other.close().await;
}

#[tokio::test]
async fn a_device_with_a_certificate_is_assigned_and_connects() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, _) = hub().await;
    let identity = registering(&stand_in, "own-certificate", None);
    let mut options = options(identity, &stand_in, folder.path());
    let thumbprint = certified(
        &mut options,
        stand_in.authority(),
        "own-certificate",
        folder.path(),
    );
    let attestation = Attestation::Certificate {
        registration_id: "own-certificate".to_owned(),
        thumbprint,
    };
    stand_in.enrol("own-certificate", Enrolment::new(attestation, "localhost"));
    let device = Device::open(options);
    device.send("by certificate", &Properties::new()).await;
    let messages = within("it is there", hub.received("own-certificate", 1)).await;
    assert_eq!(&messages[0].body[..], b"by certificate");
    device.close().await;
}

#[tokio::test]
async fn a_device_with_a_certificate_of_the_groups_authority_is_assigned_and_connects() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, _) = hub().await;
    let authority = stand_in.authority().pem().to_owned();
    stand_in.enrol(
        "authority",
        Enrolment::new(Attestation::GroupAuthority { authority }, "localhost"),
    );
    let mut ours = options(
        registering(&stand_in, "vouched-for", None),
        &stand_in,
        folder.path(),
    );
    certified(&mut ours, stand_in.authority(), "vouched-for", folder.path());
    let device = Device::open(ours.clone());
    device.connected().await;
    hub.register("not-vouched-for", Authentication::CertificateAuthority)
        .unwrap();
    let text = "HostName=localhost;DeviceId=not-vouched-for;x509=true";
    ours.identity = Identity::Device(ConnectionString::parse(text).unwrap());
    let other = Device::open(ours);
    assert!(other.trouble().await.contains("does not accept"));
    device.close().await;
    other.close().await;
}

#[tokio::test]
async fn the_provisioning_service_is_asked_again_when_it_is_busy() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, _, _) = hub().await;
    let key = fresh_key();
    stand_in.enrol("patient", Enrolment::new(own_key("patient", &key), "localhost"));
    stand_in.fail_provisioning(&[429, 500]);
    stand_in.set_provisioning_pace(2, 1);
    let identity = registering(&stand_in, "patient", Some(&key));
    let device = Device::open(options(identity, &stand_in, folder.path()));
    device.connected().await;
    device.close().await;
}

#[tokio::test]
async fn a_registration_that_is_refused_says_so() {
    type Change = fn(&mut Enrolment);
    let cases: [(&str, bool, Change, &str); 3] = [
        ("wrong-key", false, |_| {}, "does not accept"),
        ("failing", true, |enrolment| enrolment.fails = true, "fail"),
        (
            "disabled",
            true,
            |enrolment| enrolment.enabled = false,
            "disabled",
        ),
    ];
    for (name, right, change, reason) in cases {
        let folder = tempfile::tempdir().unwrap();
        let (stand_in, _, _) = hub().await;
        let key = fresh_key();
        let mut enrolment = Enrolment::new(own_key(name, &key), "localhost");
        change(&mut enrolment);
        stand_in.enrol(name, enrolment);
        let shown = if right { key } else { fresh_key() };
        let identity = registering(&stand_in, name, Some(&shown));
        let device = Device::open(options(identity, &stand_in, folder.path()));
        let trouble = device.trouble().await;
        assert!(trouble.contains(reason), "{name}: {trouble}");
        device.close().await;
    }
}

#[tokio::test]
async fn a_device_that_is_assigned_to_another_hub_moves_there() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, first, _) = hub().await;
    let second = stand_in.hub("127.0.0.1").unwrap();
    let key = fresh_key();
    stand_in.enrol("moving", Enrolment::new(own_key("moving", &key), "localhost"));
    let identity = registering(&stand_in, "moving", Some(&key));
    let device = Device::open(options(identity, &stand_in, folder.path()));
    assert_eq!(device.connected().await, "localhost");
    stand_in.enrol("moving", Enrolment::new(own_key("moving", &key), "127.0.0.1"));
    first.remove("moving").unwrap();
    within("it has moved", second.connected("moving", true)).await;
    device.send("moved", &Properties::new()).await;
    assert_eq!(within("it is there", second.received("moving", 1)).await.len(), 1);
    device.close().await;
}

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

#[tokio::test]
async fn the_twin_is_read_patched_and_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    hub.update_desired("box", &json!({"volume": 40, "gone": true}))
        .unwrap();
    let mut device = Device::with(&connection_string, &stand_in, folder.path());
    let read = device.desired().await;
    assert_eq!(Value::Object(read.all), json!({"volume": 40, "gone": true}));
    device.way.report("volume", json!(40)).await;
    device.way.report("audio", json!({"card": "null"})).await;
    within(
        "it is reported",
        hub.reported("box", |now| now["audio"]["card"] == "null"),
    )
    .await;
    device.way.report("volume", Value::Null).await;
    within(
        "it is gone",
        hub.reported("box", |now| now.get("volume").is_none()),
    )
    .await;
    hub.update_desired("box", &json!({"volume": 50, "gone": null}))
        .unwrap();
    let news = device.desired().await;
    assert_eq!(Value::Object(news.all), json!({"volume": 50}));
    device.close().await;
}

#[tokio::test]
async fn a_patch_that_the_hub_does_not_take_fails_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let mut device = Device::with(&connection_string, &stand_in, folder.path());
    device.desired().await;
    // The client makes fit what it knows hubs not to take: this stands for what it does not know.
    hub.fail_twin("box", &[400]).unwrap();
    device.way.report("odd", json!(1)).await;
    let refused = async {
        while device.way.refused().await != ["odd"] {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    within("it is refused", refused).await;
    device.way.report("right", json!(true)).await;
    let reported = within(
        "the next is taken",
        hub.reported("box", |now| now["right"] == true),
    )
    .await;
    assert!(reported.get("odd").is_none(), "{reported}");
    device.close().await;
}

#[tokio::test]
async fn a_throttled_twin_request_fails_and_the_next_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let mut device = Device::with(&connection_string, &stand_in, folder.path());
    device.desired().await;
    hub.fail_twin("box", &[429]).unwrap();
    device.way.report("a", json!(1)).await;
    within("it is told again", hub.reported("box", |now| now["a"] == 1)).await;
    device.close().await;
}

#[tokio::test]
async fn methods_are_called_and_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let Device {
        client, mut events, ..
    } = Device::with(&connection_string, &stand_in, folder.path());
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            let Event::Method(call) = event else { continue };
            if call.name == "silent" {
                continue;
            }
            let status = if call.name == "set_volume" { 200 } else { 404 };
            let payload: Value = serde_json::from_slice(&call.payload).unwrap_or_default();
            let body = json!({"name": call.name, "payload": payload}).to_string();
            call.answer(status, body.into()).await.unwrap();
        }
    });
    let reply = support::call(&hub, "set_volume", json!({"volume": 20})).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.payload,
        json!({"name": "set_volume", "payload": {"volume": 20}})
    );
    let reply = support::call(&hub, "gibt es nicht?", Value::Null).await;
    assert_eq!(
        (reply.status, &reply.payload["name"]),
        (404, &json!("gibt es nicht?"))
    );
    let second = Duration::from_secs(1);
    let silent = hub.invoke("box", "silent", &Value::Null, second, second).await;
    assert_eq!(silent, Err(MethodError::Timeout));
    client.close(Duration::from_secs(5)).await;
    within("it is gone", hub.connected("box", false)).await;
    let away = hub
        .invoke("box", "set_volume", &Value::Null, second, Duration::ZERO)
        .await;
    assert_eq!(away, Err(MethodError::NotOnline));
}

#[tokio::test]
async fn the_model_is_announced() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let identity = Identity::Device(ConnectionString::parse(&connection_string).unwrap());
    let mut options = options(identity, &stand_in, folder.path());
    options.model_id = Some("dtmi:azure:iot:deviceUpdateModel;3".to_owned());
    let device = Device::open(options);
    device.connected().await;
    assert_eq!(
        hub.model("box").as_deref(),
        Some("dtmi:azure:iot:deviceUpdateModel;3")
    );
    device.close().await;
}

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
    let ours = names(include_str!("scenarios.rs").to_owned(), "async fn ");
    assert!(theirs.len() > 20, "{theirs:?}");
    assert_eq!(ours, theirs);
}
