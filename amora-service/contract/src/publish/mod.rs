//! The contract as other programs read it: JSON Schema, OpenAPI, AsyncAPI, DTDL and the reference for people, all generated
//! from the types.

mod asyncapi;
mod dtdl;
mod openapi;
mod reference;
mod schemas;

pub use asyncapi::asyncapi;
pub use dtdl::{MODEL_ID, interfaces};
pub use openapi::openapi;
pub use reference::{command_reference, configuration_reference};
pub use schemas::schemas;

use serde_json::Value;
use std::collections::BTreeMap;

/// Version of the software that the contract belongs to.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Every published file: its path and its text. The same types always give the same texts.
pub fn files() -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = schemas()
        .into_iter()
        .map(|(name, schema)| (format!("schemas/{name}.json"), json_text(&schema)))
        .collect();
    let interfaces = interfaces().into_iter();
    files.extend(interfaces.map(|(name, interface)| (format!("dtdl/{name}.json"), json_text(&interface))));
    files.insert("openapi.json".to_owned(), json_text(&openapi()));
    files.insert("asyncapi.json".to_owned(), json_text(&asyncapi()));
    files.insert("configuration.md".to_owned(), configuration_reference());
    files.insert("commands.md".to_owned(), command_reference());
    files.insert("README.md".to_owned(), README.to_owned());
    files
}

fn json_text(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("a JSON value serialises");
    text.push('\n');
    text
}

const README: &str = "\
# The contract

Everything that can be asked of a box, everything it answers and tells, and everything that can be set: generated from
the types in `amora-service/contract`. `cargo run -p amora-contract --bin publish-contract -- docs/contract` writes
these files; with `--check` it fails where they are stale.

| File | What it describes |
|---|---|
| [`commands.md`](commands.md) | every command with its parameters, for people |
| [`configuration.md`](configuration.md) | every setting, for people |
| [`openapi.json`](openapi.json) | the HTTP API, OpenAPI 3.1 |
| [`asyncapi.json`](asyncapi.json) | MQTT topics and WebSockets, AsyncAPI 3.0 |
| [`schemas/command.json`](schemas/command.json) | a command with its parameters, JSON Schema 2020-12 |
| [`schemas/replies.json`](schemas/replies.json) | the data of each command's reply |
| [`schemas/error.json`](schemas/error.json) | why a command was not carried out |
| [`schemas/event.json`](schemas/event.json) | what happens |
| [`schemas/state.json`](schemas/state.json) | what is so |
| [`schemas/levels.json`](schemas/levels.json) | the sound meter |
| [`schemas/configuration.json`](schemas/configuration.json) | `amora.toml` |
| [`dtdl/device-1.json`](dtdl/device-1.json) and beside it | a box for IoT Plug and Play, DTDL version 2 |
";

#[cfg(test)]
mod tests;
