//! The published model and the door are of one mind: what the model has, the door takes and sends.

use amora_contract::config::{IotHubConfig, settings};
use amora_contract::publish::{interfaces, schemas};
use amora_contract::state::{AudioState, IotHubState, PlayerState, Song, UpdateState, VoiceState};
use amora_contract::units::Timestamp;
use amora_contract::{Event, State};
use amora_iot_hub::desired::{self, Wish};
use amora_iot_hub::reported::Reported;
use amora_iot_hub::{dialect, message};
use amora_router::AllowList;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The contents of one interface that are of one type.
fn contents(interface: &Value, kind: &str) -> Vec<Value> {
    let all = interface["contents"].as_array().unwrap().iter();
    all.filter(|content| content["@type"] == kind).cloned().collect()
}

fn device() -> Value {
    interfaces()["device-1"].clone()
}

/// A value as the model describes it.
fn sample(schema: &Value) -> Value {
    match schema.as_str().or_else(|| schema["@type"].as_str()).unwrap() {
        "boolean" => json!(true),
        "integer" | "long" => json!(1),
        "double" => json!(1.5),
        "string" => json!("text"),
        "Enum" => schema["enumValues"][0]["enumValue"].clone(),
        "Array" => json!([sample(&schema["elementSchema"])]),
        "Map" => json!({"key": sample(&schema["mapValue"]["schema"])}),
        "Object" => {
            let fields = schema["fields"].as_array().unwrap().iter();
            fields
                .map(|field| {
                    (
                        field["name"].as_str().unwrap().to_owned(),
                        sample(&field["schema"]),
                    )
                })
                .collect()
        }
        other => panic!("no sample of {other}"),
    }
}

/// What in a value is other than the model says; fields that the model does not have are named too.
fn differences(value: &Value, schema: &Value, path: &str, into: &mut Vec<String>) {
    let fits = match schema.as_str().or_else(|| schema["@type"].as_str()).unwrap() {
        // Nothing says in DTDL that a value may be missing.
        _ if value.is_null() => true,
        "boolean" => value.is_boolean(),
        "integer" | "long" => value.is_i64() || value.is_u64(),
        "double" => value.is_number(),
        "string" => value.is_string(),
        "dateTime" => value
            .as_str()
            .is_some_and(|text| text.ends_with('Z') && text.contains('T')),
        "Enum" => {
            let values = schema["enumValues"].as_array().unwrap();
            values.iter().any(|known| known["enumValue"] == *value)
        }
        "Array" => value.as_array().is_some_and(|items| {
            items
                .iter()
                .for_each(|item| differences(item, &schema["elementSchema"], path, into));
            true
        }),
        "Map" => value.as_object().is_some_and(|entries| {
            entries
                .values()
                .for_each(|entry| differences(entry, &schema["mapValue"]["schema"], path, into));
            true
        }),
        "Object" => value.as_object().is_some_and(|object| {
            let fields = schema["fields"].as_array().unwrap();
            for (key, value) in object {
                let path = format!("{path}/{key}");
                match fields.iter().find(|field| field["name"] == *key) {
                    Some(field) => differences(value, &field["schema"], &path, into),
                    None => into.push(format!("{path} is not in the model")),
                }
            }
            true
        }),
        other => panic!("{other} is not known"),
    };
    if !fits {
        into.push(format!("{path}: {value} is not {schema}"));
    }
}

#[test]
fn every_command_of_the_model_is_taken() {
    let allow = AllowList::new(&IotHubConfig::default().allow);
    let mut count = 0;
    let interfaces = interfaces();
    let named = contents(&device(), "Component")
        .into_iter()
        .filter_map(|component| {
            let name = component["name"].as_str()?.to_owned();
            let id = component["schema"].clone();
            Some((
                name,
                interfaces.values().find(|interface| interface["@id"] == id)?,
            ))
        });
    let components = named.map(|(name, interface)| (format!("{name}*"), interface));
    let whole = device();
    for (prefix, interface) in components.chain([(String::new(), &whole)]) {
        for command in contents(interface, "Command") {
            let name = format!("{prefix}{}", command["name"].as_str().unwrap());
            let payload = match command.get("request") {
                Some(request) => sample(&request["schema"]).to_string(),
                None => String::new(),
            };
            let asked = dialect::method(&name, payload.as_bytes())
                .unwrap_or_else(|refusal| panic!("{name} {payload}: {refusal:?}"));
            assert!(allow.permits(asked.command.name()), "{name}");
            if !prefix.is_empty() {
                assert_eq!(asked.command.name(), name.replace('*', "."));
            }
            count += 1;
        }
    }
    assert!(count > 60, "{count} commands");
}

#[test]
fn every_property_of_the_model_is_obeyed_or_reported() {
    let state = State {
        audio: Some(AudioState::default()),
        player: Some(PlayerState {
            song: Some(Song::default()),
            ..PlayerState::default()
        }),
        update: Some(UpdateState::default()),
        voice: Some(VoiceState::default()),
        iot_hub: Some(IotHubState::default()),
        ..State::default()
    };
    let reported = Reported::default().update(&state, 0, Timestamp(0)).unwrap();
    let properties = contents(&device(), "Property");
    for property in &properties {
        let name = property["name"].as_str().unwrap();
        let schema = &property["schema"];
        if property["writable"] == true {
            let wish = desired::read(name, &sample(schema));
            assert!(
                matches!(&wish, Ok(wish) if *wish != Wish::Component),
                "{name}: {wish:?}"
            );
        } else {
            let mut all = Vec::new();
            differences(&reported[name], schema, name, &mut all);
            let lists = |difference: &String| {
                let path = difference
                    .strip_suffix(" is not in the model")
                    .unwrap_or_default();
                let value = reported[name].pointer(path.strip_prefix(name).unwrap_or_default());
                // Of an empty object nothing is known to the model but its fields.
                value.is_some_and(|value| value.is_array())
            };
            all.retain(|difference| !lists(difference));
            assert_eq!(all, [""; 0], "{name}");
        }
    }
    assert_eq!(properties.len(), 7);
}

#[test]
fn the_config_of_the_model_is_what_is_marked_remote() {
    let properties = contents(&device(), "Property");
    let config = properties
        .iter()
        .find(|property| property["name"] == "config")
        .unwrap();
    let mut modelled = BTreeSet::new();
    leaves(&sample(&config["schema"]), "", &mut modelled);
    let remote: BTreeSet<String> = settings()
        .values()
        .filter(|setting| setting.remote)
        .map(|setting| setting.path.clone())
        .collect();
    assert_eq!(modelled, remote);
}

fn leaves(value: &Value, path: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| {
            let below = match path {
                "" => key.clone(),
                _ => format!("{path}.{key}"),
            };
            leaves(value, &below, into);
        }),
        _ => {
            into.insert(path.to_owned());
        }
    }
}

/// What a JSON Schema of the contract allows.
fn allowed(schema: &Value, definitions: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return allowed(&definitions[name], definitions);
    }
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    if let Some(branch) = schema["oneOf"].get(0).or_else(|| schema["anyOf"].get(0)) {
        return allowed(branch, definitions);
    }
    match schema["type"].as_str().or_else(|| schema["type"][0].as_str()) {
        Some("object") => {
            let properties = schema["properties"].as_object().cloned().unwrap_or_default();
            properties
                .iter()
                .map(|(key, property)| (key.clone(), allowed(property, definitions)))
                .collect()
        }
        Some("array") => json!([allowed(&schema["items"], definitions)]),
        Some("string") => json!("text"),
        Some("boolean") => json!(true),
        _ => json!(1),
    }
}

#[test]
fn what_is_sent_is_telemetry_of_the_model() {
    let telemetry = contents(&device(), "Telemetry");
    let schema = json!({"@type": "Object", "fields": telemetry});
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut judge = |body: Value| {
        let kept = serde_json::to_vec(&body).unwrap();
        let sent = message::envelope(&kept, "box", 1).unwrap();
        let sent: Map<String, Value> = serde_json::from_str(&sent.body).unwrap();
        seen.extend(sent.keys().cloned());
        let mut all = Vec::new();
        differences(&Value::Object(sent), &schema, "", &mut all);
        assert_eq!(all, [""; 0]);
    };
    let playing = State {
        player: Some(PlayerState {
            state: amora_contract::state::PlaybackState::Play,
            song: Some(Song::default()),
            error: Some("no such file".to_owned()),
            ..PlayerState::default()
        }),
        ..State::default()
    };
    judge(message::status(&playing, Timestamp(0)));
    judge(message::status(&State::default(), Timestamp(0)));
    let events = schemas()["event"].clone();
    let kinds = events["oneOf"].as_array().unwrap();
    for kind in kinds {
        let mut event = allowed(kind, &events["$defs"]);
        event["time"] = json!(0);
        let event: Event = serde_json::from_value(event).unwrap();
        judge(message::event(&event));
    }
    assert!(kinds.len() > 10);
    let modelled = telemetry
        .iter()
        .map(|one| one["name"].as_str().unwrap().to_owned());
    assert_eq!(
        seen,
        modelled.collect(),
        "the model has nothing that is never sent"
    );
}
