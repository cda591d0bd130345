use super::*;

const START: Duration = Duration::from_secs(100);

fn registration() -> Registration {
    Registration::new("0ne1", "box", Some(json!({"modelId": "dtmi:x;1"})), START)
}

fn assigned() -> Vec<u8> {
    json!({"operationId": "4.op", "status": "assigned", "registrationState": {
        "registrationId": "box", "assignedHub": "h.azure-devices.net", "deviceId": "box-7", "status": "assigned",
    }})
    .to_string()
    .into_bytes()
}

#[test]
fn it_asks_registers_and_asks_again_as_late_as_it_is_told() {
    let mut registration = registration();
    let ask = registration.ask(START).unwrap().unwrap();
    assert_eq!(ask.topic, "$dps/registrations/PUT/iotdps-register/?$rid=1");
    let body: Value = serde_json::from_slice(&ask.body).unwrap();
    assert_eq!(
        body,
        json!({"registrationId": "box", "payload": {"modelId": "dtmi:x;1"}})
    );
    let wait = Some(Duration::from_secs(7));
    let accepted = br#"{"operationId": "4.op", "status": "assigning"}"#;
    assert_eq!(registration.answer("1", 202, wait, accepted, START), Ok(None));
    assert_eq!(registration.deadline(), Some(START + Duration::from_secs(7)));
    assert_eq!(registration.ask(START + Duration::from_secs(6)), Ok(None));
    let later = START + Duration::from_secs(7);
    let ask = registration.ask(later).unwrap().unwrap();
    assert_eq!(
        ask.topic,
        "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId=4.op"
    );
    assert_eq!(
        registration.answer("1", 200, None, &assigned(), later),
        Ok(None),
        "not its answer"
    );
    let assignment = registration
        .answer("2", 200, None, &assigned(), later)
        .unwrap()
        .unwrap();
    assert_eq!(
        (assignment.host.as_str(), assignment.device_id.as_str()),
        ("h.azure-devices.net", "box-7")
    );
    assert_eq!(
        (registration.ask(later), registration.deadline()),
        (Ok(None), None)
    );
}

#[test]
fn throttling_and_silence_only_cost_time() {
    let mut registration = registration();
    registration.ask(START).unwrap().unwrap();
    let wait = Some(Duration::from_secs(5));
    assert_eq!(registration.answer("1", 429, wait, b"", START), Ok(None));
    let later = START + Duration::from_secs(5);
    assert!(
        registration
            .ask(later)
            .unwrap()
            .unwrap()
            .topic
            .contains("iotdps-register")
    );
    let later = later + PATIENCE;
    assert!(registration.ask(later).unwrap().is_some(), "no answer came");
    assert_eq!(
        registration.ask(START + LONGEST),
        Err(RegistrationError::TimedOut)
    );
}

#[test]
fn each_verdict_against_the_device_says_why() {
    let verdict = |status, body: &str| {
        let mut registration = registration();
        registration.ask(START).unwrap().unwrap();
        registration
            .answer("1", status, None, body.as_bytes(), START)
            .unwrap_err()
    };
    assert_eq!(
        verdict(
            401,
            r#"{"errorCode": 401002, "trackingId": "t", "message": "Unauthorized"}"#
        ),
        RegistrationError::Identity("Unauthorized (401002)".to_owned())
    );
    assert_eq!(
        verdict(200, r#"{"status": "disabled"}"#),
        RegistrationError::Disabled
    );
    let failed = r#"{"status": "failed", "registrationState": {"errorCode": 400207, "errorMessage": "custom allocation"}}"#;
    assert_eq!(
        verdict(200, failed),
        RegistrationError::Failed("custom allocation (400207)".to_owned())
    );
    assert_eq!(
        verdict(400, "not JSON"),
        RegistrationError::Refused("status 400".to_owned())
    );
    for body in [
        "",
        "[]",
        r#"{"status": "assigned"}"#,
        r#"{"status": "assigned", "registrationState": {"assignedHub": "https://evil/", "deviceId": "d"}}"#,
    ] {
        assert!(
            matches!(verdict(200, body), RegistrationError::Unreadable(_)),
            "{body}"
        );
    }
}
