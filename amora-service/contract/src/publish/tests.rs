use super::*;
use crate::Command;
use crate::commands::catalogue;
use schemars::generate::SchemaSettings;
use serde_json::{Map, json};

/// A value that a schema allows: with all of its properties, or only with what it requires.
fn sample(schema: &Value, definitions: &Map<String, Value>, whole: bool) -> Value {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|reference| reference.rsplit('/').next())
    {
        return sample(&definitions[name], definitions, whole);
    }
    if let Some(value) = schema.get("const").or_else(|| schema["enum"].get(0)) {
        return value.clone();
    }
    if let Some(branch) = schema["oneOf"].get(0).or_else(|| schema["anyOf"].get(0)) {
        return sample(branch, definitions, whole);
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match kind {
        Some("object") => {
            let required = |key: &str| {
                schema["required"]
                    .as_array()
                    .is_some_and(|names| names.iter().any(|name| name == key))
            };
            let properties = schema["properties"].as_object().cloned().unwrap_or_default();
            properties
                .iter()
                .filter(|(key, _)| whole || required(key))
                .map(|(key, property)| (key.clone(), sample(property, definitions, whole)))
                .collect()
        }
        Some("array") => json!([sample(&schema["items"], definitions, whole)]),
        Some("string") => json!("text"),
        Some("integer") => json!(schema["minimum"].as_f64().unwrap_or(0.0) as i64),
        Some("number") => json!(0.5),
        Some("boolean") => json!(true),
        other => panic!("no sample for {other:?}: {schema}"),
    }
}

#[test]
fn what_the_schema_of_a_command_allows_is_read_and_written_back() {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let commands = catalogue(&mut generator);
    let definitions = generator.take_definitions(true);
    for command in &commands {
        let schema = command
            .params
            .clone()
            .map_or(json!({"type": "object"}), schemars::Schema::to_value);
        for whole in [true, false] {
            let params = sample(&schema, &definitions, whole);
            let parsed = Command::parse(command.name, params.clone())
                .unwrap_or_else(|error| panic!("{} {params}: {error}", command.name));
            assert_eq!(parsed.name(), command.name);
            let written = parsed.params();
            for (key, value) in params.as_object().unwrap() {
                assert_eq!(written[key], *value, "{} {key}", command.name);
            }
            assert_eq!(Command::parse(command.name, written), Ok(parsed));
        }
    }
    assert!(
        commands.len() > 50,
        "the catalogue has {} commands",
        commands.len()
    );
}

/// Every `$ref` in a document.
fn references(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            assert!(object.get("properties").is_none_or(Value::is_object), "{value}");
            into.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
            object.values().for_each(|value| references(value, into));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, into)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    for (name, text) in files()
        .into_iter()
        .filter(|(name, _)| name.ends_with(".json") && !name.starts_with("dtdl/"))
    {
        let document: Value = serde_json::from_str(&text).unwrap();
        let mut all = Vec::new();
        references(&document, &mut all);
        assert!(
            !all.is_empty() || name.contains("error") || name.contains("levels"),
            "{name}"
        );
        for reference in all {
            let pointer = reference
                .strip_prefix('#')
                .unwrap_or_else(|| panic!("{name}: {reference}"));
            assert!(document.pointer(pointer).is_some(), "{name}: {reference}");
        }
    }
}

#[test]
fn every_command_has_a_path_and_ids_are_unique() {
    let document = openapi();
    let paths = document["paths"].as_object().unwrap();
    for name in crate::commands::catalogue_names() {
        let operation = &paths[&format!("/api/commands/{name}")]["post"];
        assert!(!operation["summary"].as_str().unwrap().is_empty());
        for status in [
            "200", "400", "401", "403", "404", "409", "413", "429", "500", "503", "504",
        ] {
            assert!(operation["responses"].get(status).is_some(), "{name} {status}");
        }
    }
    let mut ids: Vec<&str> = paths
        .values()
        .flat_map(|path| path.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
    let volume = &document["paths"]["/api/commands/player.set_volume"]["post"]["requestBody"];
    assert_eq!(volume["required"], true);
    assert_eq!(
        document["paths"]["/api/commands/player.play"]["post"]["requestBody"]["required"],
        false
    );
}

#[test]
fn the_reference_names_every_setting_with_its_variables() {
    let text = configuration_reference();
    for setting in crate::config::settings().values() {
        let is_section = matches!(setting.kind, crate::config::Kind::Section { .. });
        let expected = if is_section {
            format!("## `[{}]`", setting.path)
        } else {
            format!("| `{}` |", setting.path)
        };
        assert!(text.contains(&expected), "{expected}");
        assert!(!setting.meaning.is_empty(), "{}", setting.path);
    }
    for (variable, _) in crate::config::ORIGINAL_VARIABLES {
        assert!(text.contains(variable), "{variable}");
    }
    let columns: Vec<usize> = text
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.replace("\\|", "").matches('|').count())
        .collect();
    assert!(columns.iter().all(|count| *count == 8), "{columns:?}");
}

#[test]
fn the_published_files_are_fresh() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/contract");
    for (name, text) in files() {
        let published = std::fs::read_to_string(folder.join(&name)).unwrap_or_default();
        assert!(
            published == text,
            "docs/contract/{name} is stale: run publish-contract"
        );
    }
}
