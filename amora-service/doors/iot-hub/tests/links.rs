//! What happens to connections: cuts, identities, moves from hub to hub.

mod support;

use amora_contract::EventKind;
use amora_contract::config::{IotHubConfig, IotHubTransport, ProvisioningConfig};
use amora_contract::state::{Condition, IotHubLink};
use amora_contract::units::{Decibels, Seconds};
use amora_link::iot_hub::client::{self, Options};
use amora_link::iot_hub::connection_string::ConnectionString;
use amora_link::iot_hub::identity::Identity;
use amora_link::iot_hub::sas::{Key, Renewal};
use amora_peer_iot_hub::{
    Attestation, Authentication, CloseReason, Enrolment, Happening, StandIn, TelemetryRule, fresh_key,
};
use serde_json::json;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;
use support::{Device, bodies, config, hub, options, within};

#[tokio::test]
async fn no_event_is_lost_over_cuts_and_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let mut device = Device::with(&connection_string, &stand_in, folder.path());
    let tell = |device: &Device, from: u16| {
        for number in from..from + 20 {
            let reduction = Decibels(f32::from(number));
            device.router.publish_event(EventKind::Limited { reduction });
        }
    };
    for round in 0..3 {
        within("it is there", hub.connected("box", true)).await;
        tell(&device, round * 20);
        stand_in.cut();
    }
    tell(&device, 60);
    // Time to write down what nobody has taken yet.
    tokio::time::sleep(Duration::from_millis(500)).await;
    device.close().await;
    device = Device::with(&connection_string, &stand_in, folder.path());
    let all = async {
        for count in 1.. {
            let messages = hub.received("box", count).await;
            let seen: BTreeSet<i64> = messages
                .iter()
                .flat_map(bodies)
                .filter(|body| body["event"] == "audio.limited")
                .map(|body| body["data"]["reduction"].as_f64().unwrap() as i64)
                .collect();
            if seen.len() == 80 {
                return;
            }
        }
    };
    within("every event is there", all).await;
    device.close().await;
}

#[tokio::test]
async fn what_is_not_acknowledged_is_sent_again_over_another_connection() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    hub.set_telemetry_rule("box", TelemetryRule::LoseAcknowledgement)
        .unwrap();
    let device = Device::with(&connection_string, &stand_in, folder.path());
    within("it is there", hub.connected("box", true)).await;
    device.router.publish_event(EventKind::Slept {});
    within("it tries anew", hub.happened("box", Happening::Connected, 2)).await;
    hub.set_telemetry_rule("box", TelemetryRule::Accept).unwrap();
    device
        .state("it is struck out", |state| {
            state
                .iot_hub
                .as_ref()
                .is_some_and(|hub| hub.sent > 0 && hub.waiting == 0)
        })
        .await;
    let messages = hub.messages("box");
    let sequences: BTreeSet<i64> = messages
        .iter()
        .flat_map(bodies)
        .filter(|body| body["event"] == "player.slept")
        .map(|body| body["sequence"].as_i64().unwrap())
        .collect();
    assert_eq!(sequences.len(), 1, "it is known again by its number");
    device.close().await;
}

#[tokio::test]
async fn what_changes_while_the_hub_is_away_is_there_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let device = Device::with(&connection_string, &stand_in, folder.path());
    within(
        "it reported",
        hub.reported("box", |reported| reported["status"]["random"] == false),
    )
    .await;
    // Long enough connected to be tried again at once.
    tokio::time::sleep(Duration::from_secs(6)).await;
    stand_in.set_reachable(false);
    within("it is gone", hub.connected("box", false)).await;
    device
        .router
        .update_state(|state| state.player.as_mut().unwrap().random = true);
    hub.update_desired("box", &json!({"volume": 1})).unwrap();
    stand_in.set_reachable(true);
    within(
        "both sides are told",
        hub.reported("box", |reported| {
            reported["status"]["random"] == true && reported["volume"]["ac"] == 200
        }),
    )
    .await;
    device.close().await;
}

#[tokio::test]
async fn a_token_is_renewed_by_a_goodbye_and_a_new_connection() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let identity = Identity::Device(ConnectionString::parse(&connection_string).unwrap());
    let (client, mut events) = client::open(Options {
        renewal: Renewal {
            life: Duration::from_secs(60),
            at: 0.1,
            spread: 0.0,
        },
        ..options(identity, &stand_in, folder.path())
    });
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    within("it is renewed", hub.happened("box", Happening::Connected, 2)).await;
    client.hub().report("still", json!("here")).await;
    within(
        "the twin works on",
        hub.reported("box", |reported| reported["still"] == "here"),
    )
    .await;
    assert_eq!(
        hub.history("box")[..3],
        [
            Happening::Connected,
            Happening::Closed(CloseReason::Client),
            Happening::Connected
        ],
        "no token ran out"
    );
    client.close(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_web_socket_does_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let config = IotHubConfig {
        connection_string: Some(connection_string),
        transport: IotHubTransport::Websocket,
        port: Some(stand_in.https().port()),
        ..config(&stand_in, folder.path())
    };
    let device = Device::open(config, folder.path());
    device.health(Condition::Ok).await;
    hub.update_desired("box", &json!({"volume": 3})).unwrap();
    within(
        "the twin works",
        hub.reported("box", |reported| reported["volume"]["ac"] == 200),
    )
    .await;
    device.close().await;
}

#[tokio::test]
async fn why_there_is_no_connection_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    hub.set_enabled("box", false).unwrap();
    let device = Device::with(&connection_string, &stand_in, folder.path());
    let health = device.health(Condition::Degraded).await;
    assert!(health.cause.contains("does not accept"), "{health:?}");
    assert!(health.next_step.contains("enabled"), "{health:?}");
    device.close().await;

    let strange = IotHubConfig {
        connection_string: Some(connection_string),
        ..config(&stand_in, folder.path())
    };
    std::fs::write(
        folder.path().join("authority.pem"),
        amora_peer_iot_hub::Authority::new("another").unwrap().pem(),
    )
    .unwrap();
    let device = Device::open(strange, folder.path());
    let health = device.health(Condition::Degraded).await;
    assert!(health.cause.contains("nobody this box trusts"), "{health:?}");
    assert!(health.next_step.contains("ca_file"), "{health:?}");
    device.close().await;
}

#[tokio::test]
async fn a_certificate_is_shown_and_its_successor_too() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, _) = hub().await;
    hub.trust(stand_in.authority().pem());
    hub.register("box", Authentication::CertificateAuthority).unwrap();
    let (cert_file, key_file) = (folder.path().join("box.pem"), folder.path().join("box.key"));
    let issue = || {
        let identity = stand_in.authority().device("box").unwrap();
        std::fs::write(&cert_file, identity.certificate).unwrap();
        std::fs::write(&key_file, identity.key).unwrap();
    };
    issue();
    let mut config = IotHubConfig {
        connection_string: Some("HostName=localhost;DeviceId=box;x509=true".to_owned()),
        ..config(&stand_in, folder.path())
    };
    config.tls.cert_file = Some(cert_file.clone());
    config.tls.key_file = Some(key_file.clone());
    let device = Device::open(config, folder.path());
    device.health(Condition::Ok).await;
    issue();
    within(
        "the new one is shown",
        hub.happened("box", Happening::Connected, 2),
    )
    .await;
    device.close().await;
}

fn provisioned(stand_in: &StandIn, folder: &std::path::Path) -> IotHubConfig {
    IotHubConfig {
        provisioning: Some(ProvisioningConfig {
            host: "localhost".to_owned(),
            id_scope: stand_in.scope(),
            ..ProvisioningConfig::default()
        }),
        ..config(stand_in, folder)
    }
}

#[tokio::test]
async fn a_box_of_a_group_is_provisioned_once_and_follows_when_it_is_moved() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, first, _) = hub().await;
    first.remove("box").unwrap();
    let second = stand_in.hub("127.0.0.1").unwrap();
    let key = fresh_key();
    let group = |hub| Enrolment::new(Attestation::GroupKey { key: key.clone() }, hub);
    stand_in.enrol("fleet", group("localhost"));
    let mut config = provisioned(&stand_in, folder.path());
    config.provisioning.as_mut().unwrap().group_key = Some(key.clone());
    let device = Device::open(config.clone(), folder.path());
    within("it is at the first hub", first.connected("box", true)).await;
    device.health(Condition::Ok).await;
    let kept = folder.path().join("iot-hub-assignment.json");
    let mode = std::fs::metadata(&kept).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    device.close().await;

    // It starts again, with the key that the operator derived: the hub is known.
    let own = config.provisioning.as_mut().unwrap();
    own.group_key = None;
    own.key = Some(Key::parse(&key).unwrap().of_group_member("box").reveal());
    let device = Device::open(config, folder.path());
    device.health(Condition::Ok).await;
    assert_eq!(stand_in.registrations().len(), 1);

    stand_in.enrol("fleet", group("127.0.0.1"));
    first.remove("box").unwrap();
    within("it is at the second hub", second.connected("box", true)).await;
    device
        .state("the second hub is shown", |state| {
            state.iot_hub.as_ref().is_some_and(|hub| {
                hub.link == IotHubLink::Connected && hub.hub.as_deref() == Some("127.0.0.1")
            })
        })
        .await;
    device.close().await;
}

#[tokio::test]
async fn an_enrolment_that_is_refused_says_why_and_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, _) = hub().await;
    hub.remove("box").unwrap();
    let mut config = provisioned(&stand_in, folder.path());
    config.provisioning.as_mut().unwrap().key = Some(fresh_key());
    let device = Device::open(config, folder.path());
    let health = device.health(Condition::Degraded).await;
    assert!(health.cause.contains("does not accept"), "{health:?}");
    device.close().await;
}

#[tokio::test]
async fn no_event_is_lost_and_no_token_runs_out_over_renewals() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, connection_string) = hub().await;
    let config = IotHubConfig {
        connection_string: Some(connection_string),
        sas_lifetime: Seconds(8.0),
        ..config(&stand_in, folder.path())
    };
    let device = Device::open(config, folder.path());
    within("it is there", hub.connected("box", true)).await;
    let mut number = 0u16;
    while hub
        .history("box")
        .iter()
        .filter(|one| **one == Happening::Connected)
        .count()
        < 3
    {
        let reduction = Decibels(f32::from(number));
        device.router.publish_event(EventKind::Limited { reduction });
        number += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    device
        .state("all is struck out", |state| {
            state
                .iot_hub
                .as_ref()
                .is_some_and(|hub| hub.waiting == 0 && hub.sent >= u64::from(number))
        })
        .await;
    let messages = hub.messages("box");
    let told = messages
        .iter()
        .flat_map(bodies)
        .filter(|body| body["event"] == "audio.limited");
    let told: BTreeSet<i64> = told.map(|body| body["sequence"].as_i64().unwrap()).collect();
    assert_eq!(told.len(), usize::from(number), "every event arrived");
    let history = hub.history("box");
    assert!(
        !history.contains(&Happening::Closed(CloseReason::TokenExpired)),
        "{history:?}"
    );
    device.close().await;
}

#[tokio::test]
async fn a_box_with_a_certificate_is_provisioned_and_shows_its_successor() {
    let folder = tempfile::tempdir().unwrap();
    let (stand_in, hub, _) = hub().await;
    hub.remove("box").unwrap();
    hub.trust(stand_in.authority().pem());
    let authority = stand_in.authority().pem().to_owned();
    stand_in.enrol(
        "fleet",
        Enrolment::new(Attestation::GroupAuthority { authority }, "localhost"),
    );
    let mut config = provisioned(&stand_in, folder.path());
    let (cert_file, key_file) = (folder.path().join("box.pem"), folder.path().join("box.key"));
    config.tls.cert_file = Some(cert_file.clone());
    config.tls.key_file = Some(key_file.clone());
    let issue = |authority: &amora_peer_iot_hub::Authority| {
        let identity = authority.device("box").unwrap();
        std::fs::write(&cert_file, identity.certificate).unwrap();
        std::fs::write(&key_file, identity.key).unwrap();
    };
    // One that nobody vouches for is refused, with words that help.
    issue(&amora_peer_iot_hub::Authority::new("another").unwrap());
    let device = Device::open(config.clone(), folder.path());
    let health = device.health(Condition::Degraded).await;
    assert!(health.next_step.contains("iot_hub.tls.cert_file"), "{health:?}");
    assert!(health.next_step.contains("common name"), "{health:?}");
    // The right one is taken at the next attempt, without a restart.
    issue(stand_in.authority());
    device.health(Condition::Ok).await;
    issue(stand_in.authority());
    within(
        "the successor is shown",
        hub.happened("box", Happening::Connected, 2),
    )
    .await;
    device.close().await;
}
