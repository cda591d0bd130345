//! The model of a box for IoT Plug and Play, in the Digital Twins Definition Language (DTDL), version 2: the version that
//! both IoT Hub's tools and IoT Central read, and the one of the models of Device Update.
//!
//! The box is one interface; each section of commands is a component, whose commands the door takes as
//! `component*command`. What version 2 cannot say is left out: lists in properties, and values of any shape.

mod original;
mod schema;

use crate::commands::catalogue;
use crate::config::{IotHubConfig, Kind, Setting, settings};
use crate::state::RESTLESS;
use crate::{Event, State};
use schema::{Converter, description, with_description};
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The version of the language.
const CONTEXT: &str = "dtmi:dtdl:context;2";

/// The model of a whole box. A box announces it when `iot_hub.model_id` says so: Device Update looks for its own.
pub const MODEL_ID: &str = "dtmi:amora:device;1";

/// Every interface, by the name of its file without the ending.
pub fn interfaces() -> BTreeMap<String, Value> {
    let components = components();
    let mut contents = components
        .keys()
        .map(|section| {
            json!({
                "@type": "Component",
                "name": section,
                "schema": component_id(section),
            })
        })
        .collect::<Vec<_>>();
    // https://github.com/Azure/iot-plugandplay-models, dtmi/azure/devicemanagement/deviceinformation-1.json
    contents.push(json!({
        "@type": "Component",
        "name": "deviceInformation",
        "schema": "dtmi:azure:DeviceManagement:DeviceInformation;1",
    }));
    contents.extend(properties());
    contents.extend(telemetry());
    contents.extend(original::commands());
    let device = json!({
        "@context": CONTEXT,
        "@id": MODEL_ID,
        "@type": "Interface",
        "displayName": "AmoraOS",
        "description": "A box that runs AmoraOS: its player, its sound, its updates.",
        // Has the component `deviceUpdate`; without the diagnostics of `deviceUpdateModel;3`, which a box has not.
        "extends": "dtmi:azure:iot:deviceUpdateContractModel;3",
        "contents": contents,
    });
    let named = components
        .into_iter()
        .map(|(section, interface)| (format!("{section}-1"), interface));
    named.chain([("device-1".to_owned(), device)]).collect()
}

fn component_id(section: &str) -> String {
    format!("dtmi:amora:{section};1")
}

/// One interface for each section that has commands which the door takes unless told otherwise.
fn components() -> BTreeMap<&'static str, Value> {
    let mut requests = SchemaSettings::draft2020_12().into_generator();
    let mut replies = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let asked = catalogue(&mut requests);
    let answered = catalogue(&mut replies);
    let (requests, replies) = (requests.take_definitions(true), replies.take_definitions(true));
    let allow = IotHubConfig::default().allow;
    let allowed = |name: &str, section: &str| {
        let of_section = format!("{section}.*");
        allow.iter().any(|entry| entry == name || *entry == of_section)
    };
    let mut sections: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (asked, answered) in asked.iter().zip(&answered) {
        let Some((section, verb)) = asked.name.split_once('.') else {
            continue;
        };
        if !allowed(asked.name, section) {
            continue;
        }
        let mut command = json!({"@type": "Command", "name": verb});
        with_description(&mut command, asked.text);
        if let Some(params) = &asked.params {
            let mut schema = Converter::with_lists(&requests).convert(params.as_value());
            if asked.name == "system.configure" {
                // Its settings are free in the schema of the command, and known.
                let given = json!({"name": "settings", "schema": configuration()});
                let fields = schema.as_mut().and_then(|schema| schema["fields"].as_array_mut());
                fields.into_iter().for_each(|fields| fields.push(given.clone()));
            }
            if let Some(schema) = schema {
                command["request"] = json!({"name": "parameters", "schema": schema});
            }
        }
        if let Some(schema) = Converter::with_lists(&replies).convert(answered.reply.as_value()) {
            command["response"] = json!({"name": "reply", "schema": schema});
        }
        sections.entry(section).or_default().push(command);
    }
    let interface = |(section, commands): (&'static str, Vec<Value>)| {
        let interface = json!({
            "@context": CONTEXT,
            "@id": component_id(section),
            "@type": "Interface",
            "displayName": format!("AmoraOS: {section}"),
            "contents": commands,
        });
        (section, interface)
    };
    sections.into_iter().map(interface).collect()
}

/// The twin's properties. `status`, which the original reports too, is telemetry by this name, and in `state.player`.
fn properties() -> Vec<Value> {
    let writable = |name: &str, schema: Value, text: &str| {
        let mut property = json!({"@type": "Property", "name": name, "schema": schema, "writable": true});
        with_description(&mut property, text);
        property
    };
    let reported = |name: &str, schema: Value, text: &str| {
        let mut property = json!({"@type": "Property", "name": name, "schema": schema});
        with_description(&mut property, text);
        property
    };
    let state = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<State>()
        .to_value();
    let definitions = state["$defs"].as_object().cloned().unwrap_or_default();
    let state = Converter::without(&definitions, &RESTLESS).convert(&state);
    vec![
        writable(
            "config",
            configuration(),
            "Settings that the box is to have in place of those of its files; what is not here is as the files say.",
        ),
        writable("volume", json!("integer"), "Volume, 0 to 100."),
        writable("repeat", json!("boolean"), "Play the queue again and again."),
        writable("random", json!("boolean"), "Play the queue in random order."),
        writable(
            "telemetry_interval",
            json!("double"),
            "Seconds between playerStatus messages; 0 sends none.",
        ),
        reported(
            "state",
            state.unwrap_or_default(),
            "The state of the box, without lists and without what changes all the time.",
        ),
        reported(
            "last_updated",
            json!("dateTime"),
            "When a reported property last changed.",
        ),
    ]
}

/// What messages carry. The messages that tell how a call ended are not among it: their `status` is a number.
fn telemetry() -> Vec<Value> {
    let schema = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Event>()
        .to_value();
    let definitions = schema["$defs"].as_object().cloned().unwrap_or_default();
    let (names, data) = Converter::with_lists(&definitions).events(&schema);
    let telemetry = |name: &str, schema: Value, text: &str| {
        let mut telemetry = json!({"@type": "Telemetry", "name": name, "schema": schema});
        with_description(&mut telemetry, text);
        telemetry
    };
    vec![
        telemetry(
            "messageType",
            json!("string"),
            "playerStatus, with status; event, with event and data; or how a call ended.",
        ),
        telemetry("deviceId", json!("string"), "The device's id."),
        telemetry("timestamp", json!("dateTime"), "When it was so."),
        telemetry("sequence", json!("long"), "Grows with each message of a kind."),
        telemetry("status", original::status(), "The player's status."),
        telemetry("event", names, "What happened."),
        telemetry("data", data, "What there is to say of it."),
    ]
}

/// The settings that are set by command, nested as in the configuration.
fn configuration() -> Value {
    section("")
}

fn section(path: &str) -> Value {
    let prefix = match path {
        "" => String::new(),
        _ => format!("{path}."),
    };
    let fields: Vec<Value> = settings()
        .values()
        .filter_map(|setting| {
            let name = setting.path.strip_prefix(&prefix)?;
            if name.contains('.') || name.is_empty() {
                return None;
            }
            let below = format!("{}.", setting.path);
            let holds = |other: &Setting| other.remote && other.path.starts_with(&below);
            let schema = match setting.kind {
                Kind::Section { .. } if settings().values().any(holds) => section(&setting.path),
                _ if setting.remote => written(&setting.kind),
                _ => return None,
            };
            let mut field = json!({"name": name, "schema": schema});
            let mut text = setting.meaning.clone();
            if let Some(unit) = setting.unit {
                text.push_str(&format!(" In {unit}."));
            }
            with_description(&mut field, &text);
            Some(field)
        })
        .collect();
    json!({"@type": "Object", "fields": fields})
}

fn written(kind: &Kind) -> Value {
    match kind {
        Kind::Integer(least, most) if i32::try_from(*least).is_ok() && i32::try_from(*most).is_ok() => {
            json!("integer")
        }
        Kind::Integer(..) => json!("long"),
        Kind::Number(..) => json!("double"),
        Kind::Switch => json!("boolean"),
        Kind::Choice(words) => {
            let values = words.iter().map(|(word, text)| {
                json!({"name": schema::name(word), "enumValue": word, "description": description(text)})
            });
            json!({"@type": "Enum", "valueSchema": "string", "enumValues": values.collect::<Vec<_>>()})
        }
        Kind::Text | Kind::List | Kind::Section { .. } => json!("string"),
    }
}
