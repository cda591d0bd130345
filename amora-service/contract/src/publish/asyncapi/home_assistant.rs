//! What goes between the box and Home Assistant, where `[mqtt.home_assistant]` is set.

use super::{message_references, operation};
use serde_json::{Map, Value, json};

/// The entities that can be operated, the payloads they take, and what they do.
const ENTITIES: [(&str, &str, &str); 11] = [
    ("play", "anything", "Play or resume."),
    ("pause", "anything", "Pause."),
    ("stop", "anything", "Stop."),
    ("next", "anything", "The next song."),
    ("previous", "anything", "The previous song."),
    ("chime", "anything", "Play the chime."),
    ("repeat", "`ON` or `OFF`", "Repeat the queue."),
    ("random", "`ON` or `OFF`", "Play in random order."),
    ("mute", "`ON` or `OFF`", "Mute the box."),
    ("volume", "a number from 0 to 100", "Set the volume."),
    ("playlist", "a playlist's name", "Play it instead of the queue."),
];

/// Name, address, what it is for, its parameters, its message.
type Topic = (&'static str, &'static str, &'static str, Value, &'static str);

fn topics() -> [Topic; 3] {
    let prefix = json!({"description": "`mqtt.topic_prefix`.", "default": "amora/devices"});
    let device = json!({"description": "`device.id`."});
    let discovery_prefix =
        json!({"description": "`mqtt.home_assistant.discovery_prefix`.", "default": "homeassistant"});
    let entities: Vec<&str> = ENTITIES.iter().map(|(entity, ..)| *entity).collect();
    let entity = json!({"description": "What is operated.", "enum": entities});
    let object_id = json!({"description": "`amora_` and `device.id`, with `_` for whatever is no letter, digit, `-` or `_`."});
    [
        (
            "homeAssistantWish",
            "{prefix}/{device_id}/homeassistant/{entity}/set",
            "What an entity of Home Assistant is set to. It is answered by the state, not by a response.",
            json!({"prefix": prefix, "device_id": device, "entity": entity}),
            "homeAssistantWish",
        ),
        (
            "homeAssistantDiscovery",
            "{discovery_prefix}/device/{object_id}/config",
            "The box described for Home Assistant, at each connection, when the playlists change, and when Home Assistant starts. An empty message takes the box away.",
            json!({"discovery_prefix": discovery_prefix, "object_id": object_id}),
            "homeAssistantDiscovery",
        ),
        (
            "homeAssistantStatus",
            "{discovery_prefix}/status",
            "Home Assistant's birth message: at `online` the box describes itself again.",
            json!({"discovery_prefix": discovery_prefix}),
            "homeAssistantStatus",
        ),
    ]
}

pub(super) fn channels() -> Map<String, Value> {
    let channel = |(name, address, text, parameters, message): Topic| {
        let channel = json!({
            "address": address,
            "description": text,
            "servers": [{"$ref": "#/servers/broker"}],
            "parameters": parameters,
            "messages": message_references(&[message]),
        });
        (name.to_owned(), channel)
    };
    topics().into_iter().map(channel).collect()
}

pub(super) fn operations() -> Map<String, Value> {
    let operation = |(name, _, text, _, message): Topic| {
        let sends = name == "homeAssistantDiscovery";
        let (action, id) = match name {
            "homeAssistantDiscovery" => ("send", "describeToHomeAssistant"),
            "homeAssistantWish" => ("receive", "takeHomeAssistantWish"),
            _ => ("receive", "takeHomeAssistantStatus"),
        };
        let mut operation = operation(action, name, text, &[message]);
        let mut binding = json!({"qos": 1, "bindingVersion": "0.2.0"});
        if sends {
            binding["retain"] = true.into();
        }
        operation["bindings"] = json!({"mqtt": binding});
        (id.to_owned(), operation)
    };
    topics().into_iter().map(operation).collect()
}

pub(super) fn messages() -> Map<String, Value> {
    let payloads: Vec<String> = ENTITIES
        .iter()
        .map(|(entity, payload, text)| format!("`{entity}`: {payload}. {text}"))
        .collect();
    let entity = json!({
        "type": "object",
        "description": "An entity, as Home Assistant's MQTT integration defines it. With nothing but `platform`, it is taken away.",
        "properties": {
            "platform": {"type": "string", "enum": ["sensor", "switch", "number", "button", "select", "update"]},
            "name": {"type": "string"}, "unique_id": {"type": "string"}, "icon": {"type": "string"},
            "state_topic": {"type": "string"}, "value_template": {"type": "string"}, "command_topic": {"type": "string"},
            "options": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["platform"],
    });
    let device = json!({
        "type": "object",
        "properties": {
            "identifiers": {"type": "array", "items": {"type": "string"}},
            "name": {"type": "string", "description": "`device.name`."},
            "manufacturer": {"type": "string"}, "model": {"type": "string"},
            "sw_version": {"type": "string"}, "serial_number": {"type": "string", "description": "`device.id`."},
        },
        "required": ["identifiers", "name", "manufacturer", "model", "sw_version", "serial_number"],
    });
    let text = |title: &str, summary: &str, payload: Value| json!({"title": title, "summary": summary, "contentType": "text/plain", "payload": payload});
    let Value::Object(messages) = json!({
        "homeAssistantWish": text("Wish of Home Assistant", "Plain text, as the entity in the topic takes it.",
            json!({"type": "string", "description": payloads.join("\n"), "examples": ["ON", "40", "Evening"]})),
        "homeAssistantDiscovery": {
            "title": "Description for Home Assistant",
            "summary": "Device discovery: the whole box and its entities in one message.",
            "payload": {
                "type": "object",
                "properties": {
                    "device": device,
                    "origin": {"type": "object", "properties": {"name": {"type": "string"}, "sw_version": {"type": "string"}}, "required": ["name"]},
                    "availability_topic": {"type": "string", "description": "The topic `connection`."},
                    "availability_template": {"type": "string"},
                    "payload_available": {"type": "string", "const": "online"},
                    "payload_not_available": {"type": "string", "const": "offline"},
                    "qos": {"type": "integer", "const": 1},
                    "components": {"type": "object", "additionalProperties": entity},
                },
                "required": ["device", "origin", "availability_topic", "availability_template", "payload_available",
                    "payload_not_available", "qos", "components"],
            },
        },
        "homeAssistantStatus": text("Status of Home Assistant", "Its birth and its Last Will.",
            json!({"type": "string", "enum": ["online", "offline"]})),
    }) else {
        unreachable!("an object was written")
    };
    messages
}
