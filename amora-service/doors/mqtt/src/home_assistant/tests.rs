use super::*;
use amora_contract::config::{DeviceConfig, MqttConfig};

fn described(playlists: &[String]) -> (Value, Topics) {
    let device = DeviceConfig {
        id: "kitchen:1.b".to_owned(),
        ..DeviceConfig::default()
    };
    let topics = Topics::new(&MqttConfig::default(), &device).unwrap();
    let system = SystemState {
        id: device.id,
        name: "Kitchen".to_owned(),
        version: "1.2.3".to_owned(),
        ..SystemState::default()
    };
    (discovery(&system, &topics, playlists), topics)
}

#[test]
fn every_entity_that_can_be_operated_is_understood() {
    let (description, topics) = described(&["Evening".to_owned()]);
    let mut operated = 0;
    for (key, component) in description["components"].as_object().unwrap() {
        let Some(topic) = component["command_topic"].as_str() else {
            continue;
        };
        let entity = topics.entity(topic).unwrap();
        assert_eq!(entity, key);
        let payload = match component["platform"].as_str().unwrap() {
            "switch" => "ON",
            "number" => "55.0",
            "select" => "Evening",
            _ => "PRESS",
        };
        command(entity, payload.as_bytes()).unwrap();
        operated += 1;
    }
    assert_eq!(operated, 11);
}

#[test]
fn ids_are_unique_and_hold_only_what_home_assistant_allows() {
    let (description, _) = described(&[]);
    let components = description["components"].as_object().unwrap();
    let ids: std::collections::BTreeSet<_> = components
        .values()
        .filter_map(|component| component["unique_id"].as_str())
        .collect();
    // The select without playlists is only taken away, and so has none.
    assert_eq!(ids.len(), components.len() - 1);
    let topic = discovery_topic("homeassistant", "kitchen:1.b");
    assert_eq!(topic, "homeassistant/device/amora_kitchen_1_b/config");
    assert_eq!(components["playlist"], json!({"platform": "select"}));
}

#[test]
fn plain_payloads_become_commands() {
    assert_eq!(
        command("volume", b" 49.6 ").unwrap().params(),
        json!({"volume": 50})
    );
    assert_eq!(command("mute", b"OFF").unwrap().params(), json!({"mute": false}));
    for (entity, payload) in [
        ("volume", "loud"),
        ("volume", "NaN"),
        ("repeat", "yes"),
        ("reboot", "PRESS"),
    ] {
        assert!(command(entity, payload.as_bytes()).is_err(), "{entity} {payload}");
    }
    assert!(command("volume", b"\xff").is_err());
}

#[test]
fn the_published_contract_names_exactly_these_topics_and_entities() {
    let published: Value =
        serde_json::from_str(include_str!("../../../../../docs/contract/asyncapi.json")).unwrap();
    let address = |channel: &str| {
        published["channels"][channel]["address"]
            .as_str()
            .unwrap()
            .replace("{prefix}", "amora/devices")
            .replace("{device_id}", "kitchen:1.b")
            .replace("{discovery_prefix}", "homeassistant")
            .replace("{object_id}", "amora_kitchen_1_b")
    };
    let (description, topics) = described(&["Evening".to_owned()]);
    assert_eq!(
        address("homeAssistantDiscovery"),
        discovery_topic("homeassistant", "kitchen:1.b")
    );
    assert_eq!(address("homeAssistantStatus"), birth_topic("homeassistant"));
    assert_eq!(address("state"), topics.state);
    assert_eq!(
        address("connection"),
        description["availability_topic"].as_str().unwrap()
    );
    let operated: std::collections::BTreeSet<_> = description["components"]
        .as_object()
        .unwrap()
        .values()
        .filter_map(|component| component["command_topic"].as_str().map(str::to_owned))
        .collect();
    let entities = &published["channels"]["homeAssistantWish"]["parameters"]["entity"]["enum"];
    let promised: std::collections::BTreeSet<_> = entities
        .as_array()
        .unwrap()
        .iter()
        .map(|entity| address("homeAssistantWish").replace("{entity}", entity.as_str().unwrap()))
        .collect();
    assert_eq!(operated, promised);
}
