//! Being assigned to a hub.

use super::*;

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
