use super::*;
use proptest::prelude::*;

fn parse(topic: &str) -> Option<Incoming> {
    Incoming::parse(topic, "box").ok()
}

#[test]
fn what_the_service_sends_is_read() {
    assert_eq!(
        parse("$iothub/twin/res/204/?$rid=7&$version=12"),
        Some(Incoming::TwinAnswer {
            status: 204,
            request: "7".to_owned(),
            version: Some(12)
        })
    );
    assert_eq!(
        parse("$iothub/twin/res/429/?$rid=a%20b"),
        Some(Incoming::TwinAnswer {
            status: 429,
            request: "a b".to_owned(),
            version: None
        })
    );
    assert_eq!(
        parse("$iothub/twin/PATCH/properties/desired/?$version=3"),
        Some(Incoming::Desired { version: 3 })
    );
    assert_eq!(
        parse("$iothub/methods/POST/player%2Aplay/?$rid=1f"),
        Some(Incoming::Method {
            name: "player*play".to_owned(),
            request: "1f".to_owned()
        })
    );
    assert_eq!(
        parse("$dps/registrations/res/202/?$rid=1&retry-after=3"),
        Some(Incoming::Registration {
            status: 202,
            request: "1".to_owned(),
            retry_after: Some(Duration::from_secs(3))
        })
    );
}

#[test]
fn a_message_from_the_cloud_has_its_properties_in_the_topic() {
    let topic = "devices/box/messages/devicebound/%24.to=%2Fdevices%2Fbox%2Fmessages%2Fdevicebound&%24.mid=m1&colour=deep%20blue&flag";
    let Some(Incoming::Message(properties)) = parse(topic) else {
        panic!("not read");
    };
    assert_eq!(properties.get("$.mid"), Some("m1"));
    assert_eq!(properties.get("colour"), Some("deep blue"));
    assert_eq!(properties.get("flag"), Some(""));
    assert_eq!(
        parse("devices/box/messages/devicebound/"),
        Some(Incoming::Message(Properties::new()))
    );
    assert_eq!(parse("devices/another/messages/devicebound/"), None);
}

#[test]
fn what_is_none_of_the_service_s_is_refused() {
    let flood = format!("devices/box/messages/devicebound/{}", "a=b&".repeat(1000));
    for topic in [
        "",
        "$iothub/twin/res/",
        "$iothub/twin/res/200",
        "$iothub/twin/res/abc/?$rid=1",
        "$iothub/twin/res/99999999999/?$rid=1",
        "$iothub/twin/res/200/?rid=1",
        "$iothub/twin/PATCH/properties/desired/",
        "$iothub/twin/PATCH/properties/desired/?$version=-1",
        "$iothub/methods/POST//?$rid=1",
        "$iothub/methods/POST/play",
        "devices/box/messages/devicebound/a=%ff",
        &flood,
    ] {
        assert_eq!(parse(topic), None, "{topic}");
    }
    let long = "x".repeat(100_000);
    assert!(Incoming::parse(&long, "box").unwrap_err().to_string().len() < 300);
}

#[test]
fn topics_are_written_as_the_documents_have_them() {
    let properties = Properties::json().with("$.sub", "thermo stat").with("a&b", "c/d");
    assert_eq!(
        telemetry("box#1", &properties),
        "devices/box%231/messages/events/$.ct=application%2Fjson&$.ce=utf-8&$.sub=thermo%20stat&a%26b=c%2Fd"
    );
    assert_eq!(messages("box"), "devices/box/messages/devicebound/#");
    assert_eq!(get_twin("1"), "$iothub/twin/GET/?$rid=1");
    assert_eq!(
        patch_reported("2"),
        "$iothub/twin/PATCH/properties/reported/?$rid=2"
    );
    assert_eq!(method_answer(404, "1f"), "$iothub/methods/res/404/?$rid=1f");
    assert_eq!(
        registration_status("3", "4.b/c"),
        "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=3&operationId=4.b%2Fc"
    );
    assert_eq!(
        user_name("h", "box", Some("dtmi:com:amora:box;1")),
        "h/box/?api-version=2021-04-12&model-id=dtmi%3Acom%3Aamora%3Abox%3B1"
    );
}

proptest! {
    #[test]
    fn no_topic_is_too_strange(topic in "(\\$iothub/|\\$dps/|devices/box/)?(twin/res/|methods/POST/|messages/devicebound/|registrations/res/)?.{0,60}") {
        let _ = parse(&topic);
    }

    #[test]
    fn every_property_comes_back_as_it_was_written(keys in prop::collection::vec(("[^\u{0}]{1,12}", ".{0,24}"), 0..12)) {
        let properties = keys.iter().fold(Properties::new(), |bag, (key, value)| bag.with(key, value));
        let back = Properties::parse(&properties.to_string()).unwrap();
        prop_assert_eq!(back, properties);
    }
}
