//! JSON Schema (2020-12) of commands, replies, events, state and configuration.

use crate::commands::catalogue;
use crate::config::document_schema;
use crate::state::Levels;
use crate::{CommandError, Event, State};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Every schema, by the name of its file without the ending.
pub fn schemas() -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        ("command", command()),
        ("replies", replies()),
        ("error", sent::<CommandError>()),
        ("event", sent::<Event>()),
        ("state", sent::<State>()),
        ("levels", sent::<Levels>()),
        ("configuration", document_schema()),
    ])
}

/// The schema of what the box sends.
fn sent<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

fn command() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let commands: Vec<Value> = catalogue(&mut generator)
        .into_iter()
        .map(|command| {
            let params = command
                .params
                .map_or_else(|| json!({"type": "object"}), |schema| schema.to_value());
            let mut required = vec!["command"];
            if needs_params(&params, generator.definitions()) {
                required.push("params");
            }
            json!({
                "title": command.name,
                "description": command.text.trim(),
                "type": "object",
                "properties": {"command": {"const": command.name}, "params": params},
                "required": required,
            })
        })
        .collect();
    finish(
        "Command",
        "Everything that can be asked of a box.",
        json!({"oneOf": commands}),
        generator,
    )
}

fn replies() -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let replies: Map<String, Value> = catalogue(&mut generator)
        .into_iter()
        .map(|command| (command.name.to_owned(), command.reply.to_value()))
        .collect();
    let text = "The data of the reply to each command, by the command's name.";
    finish(
        "Replies",
        text,
        json!({"type": "object", "properties": replies}),
        generator,
    )
}

fn finish(title: &str, text: &str, mut schema: Value, mut generator: SchemaGenerator) -> Value {
    schema["$schema"] = DIALECT.into();
    schema["title"] = title.into();
    schema["description"] = text.into();
    schema["$defs"] = Value::Object(generator.take_definitions(true));
    schema
}

/// Whether a command with this schema of parameters cannot do without them.
pub(super) fn needs_params(params: &Value, definitions: &Map<String, Value>) -> bool {
    let reference = params["$ref"]
        .as_str()
        .and_then(|reference| reference.rsplit('/').next());
    let schema = reference.and_then(|name| definitions.get(name)).unwrap_or(params);
    schema["required"]
        .as_array()
        .is_some_and(|required| !required.is_empty())
}
