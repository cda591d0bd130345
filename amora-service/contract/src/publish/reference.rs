//! The references for people, in Markdown.

use crate::commands::catalogue;
use crate::config::{Kind, ORIGINAL_VARIABLES, Setting, settings};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};
use std::fmt::Write;

const CONFIGURATION: &str = "\
# Configuration

A box reads its settings layer upon layer; each setting comes from the highest layer that has it:

1. built-in defaults;
2. the recipe embedded in the service, only on a box that has neither of the files below;
3. `/etc/amora/amora.toml`, which comes with the image;
4. `/data/amora/amora.toml`, this one box's own;
5. `settings.json` in the data folder, where `system.configure` keeps what it sets;
6. environment variables;
7. flags: `amora-service --set audio.volume=40`.

`amoractl config show --origin` tells where each setting comes from, `amoractl config check FILE` reports every mistake
in a file at once, and `amoractl system reload` makes the box read its files again.

- **Sections.** An optional section is on when any layer mentions it (its heading alone is enough), unless its `enabled`
  is `false`.
- **Taking away.** `\"\"` takes an optional setting away that a lower layer gave.
- **Secrets** may stand in a file of their own: `password_file = \"/data/amora/mqtt-password\"` in place of `password`.
  The file holds one line; only its owner should be able to read it.
- **Remote** settings can also be set by the command `system.configure`, and so by the twin of a box at Azure IoT Hub. What
  could cut a box off or open it is not among them. A section that is off is not switched on by them, and what is kept but
  does not fit the files any more is passed over with a warning.
- **Environment.** Every setting has a variable: its path in capitals after `AMORA__`, with `__` for each dot. Lists are
  separated by commas. The names that the original AmoraOS used work too; the systematic ones win over them. An empty
  variable counts as missing. `WAYBOX_DEV_MODE=true` stands for `log.level = \"debug\"`. Of the voice client's names,
  `NAILA_LOG_LEVEL` stands for `log.level`; `NAILA_SAMPLE_RATE`, `NAILA_FRAME_DURATION_MS` and `NAILA_CHANNELS` may only be
  48000, 20 and 1.
- **The voice client's flags** work too, and win over its variables: `--hub-url` is `NAILA_HUB_URL`, and so on.
";

/// Every setting: path, type, unit, range, default, meaning and environment variables.
pub fn configuration_reference() -> String {
    let mut text = CONFIGURATION.to_owned();
    let sections = settings()
        .values()
        .filter(|setting| matches!(setting.kind, Kind::Section { .. }));
    for section in sections {
        let _ = write!(text, "\n## `[{}]`\n\n{}", section.path, section.meaning);
        if section.kind == (Kind::Section { optional: true }) {
            text.push_str(" *Optional.*");
        }
        text.push_str("\n\n| Setting | Type | Unit | Range | Default | Meaning | Environment |\n|---|---|---|---|---|---|---|\n");
        let prefix = format!("{}.", section.path);
        let own = settings().values().filter(|setting| {
            let key = setting.path.strip_prefix(&prefix);
            key.is_some_and(|key| !key.contains('.')) && !matches!(setting.kind, Kind::Section { .. })
        });
        own.for_each(|setting| text.push_str(&setting_row(setting)));
    }
    text
}

fn setting_row(setting: &Setting) -> String {
    let (kind, range) = match &setting.kind {
        Kind::Text => ("text", String::new()),
        Kind::Integer(least, most) => (
            "whole number",
            range(least, most, *least == i64::MIN, *most == i64::MAX),
        ),
        Kind::Number(least, most) => (
            "number",
            range(least, most, *least == f64::MIN, *most == f64::MAX),
        ),
        Kind::Switch => ("true or false", String::new()),
        Kind::Choice(words) => {
            let words: Vec<String> = words.iter().map(|(word, _)| format!("`\"{word}\"`")).collect();
            ("choice", words.join(", "))
        }
        Kind::List => ("list of texts", String::new()),
        Kind::Section { .. } => ("section", String::new()),
    };
    let mut meaning = cell(&setting.meaning);
    if let Kind::Choice(words) = &setting.kind {
        for (word, text) in words {
            let _ = write!(meaning, "<br>`\"{word}\"`: {}", cell(text));
        }
    }
    if setting.secret {
        meaning.push_str(" *Secret.*");
    }
    if setting.remote {
        meaning.push_str(" *Remote.*");
    }
    let mut variables = vec![format!("`{}`", setting.variable())];
    variables.extend(
        ORIGINAL_VARIABLES
            .iter()
            .filter(|(_, path)| *path == setting.path)
            .map(|(name, _)| format!("`{name}`")),
    );
    let default = setting
        .default
        .as_ref()
        .map_or("–".to_owned(), |value| format!("`{value}`"));
    format!(
        "| `{}` | {kind} | {} | {range} | {default} | {meaning} | {} |\n",
        setting.path,
        setting.unit.unwrap_or_default(),
        variables.join("<br>"),
    )
}

fn range(
    least: &dyn std::fmt::Display,
    most: &dyn std::fmt::Display,
    no_least: bool,
    no_most: bool,
) -> String {
    match (no_least, no_most) {
        (true, true) => String::new(),
        (true, false) => format!("up to {most}"),
        (false, true) => format!("from {least}"),
        (false, false) => format!("{least} to {most}"),
    }
}

/// Text that fits into a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

const COMMANDS: &str = "\
# Commands

Every command works behind every door that allows it: `POST /api/commands/player.play` with the parameters as the body,
`{\"command\": \"player.play\", \"params\": {…}}` over the WebSocket and MQTT, and `amoractl player play` in a shell.
Fields that a command does not know are ignored.
";

/// Every command with its parameters and its reply.
pub fn command_reference() -> String {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let commands = catalogue(&mut generator);
    let definitions = generator.take_definitions(true);
    let mut text = COMMANDS.to_owned();
    let mut section = "";
    for command in commands {
        let own = command.name.split('.').next().unwrap_or_default();
        if own != section {
            section = own;
            let _ = write!(text, "\n## {section}\n");
        }
        let _ = write!(text, "\n### `{}`\n\n{}\n", command.name, command.text.trim());
        let params = command.params.map(schemars::Schema::to_value).unwrap_or_default();
        let params = resolve(&params, &definitions);
        let required = |key: &str| {
            params["required"]
                .as_array()
                .is_some_and(|names| names.iter().any(|name| name == key))
        };
        if let Some(properties) = params["properties"]
            .as_object()
            .filter(|properties| !properties.is_empty())
        {
            text.push_str("\n| Parameter | Type | Required | Meaning |\n|---|---|---|---|\n");
            for (key, schema) in properties {
                let needed = if required(key) { "yes" } else { "" };
                let meaning = cell(schema["description"].as_str().unwrap_or_default());
                let _ = writeln!(
                    text,
                    "| `{key}` | {} | {needed} | {meaning} |",
                    type_text(schema, &definitions)
                );
            }
        }
        let reply = command.reply.to_value();
        match reply["$ref"]
            .as_str()
            .and_then(|reference| reference.rsplit('/').next())
        {
            Some("Nothing") | None => {}
            Some(name) => {
                let _ = write!(text, "\nReply: [`{name}`](schemas/replies.json).\n");
            }
        }
    }
    text
}

fn resolve<'a>(schema: &'a Value, definitions: &'a Map<String, Value>) -> &'a Value {
    let name = schema["$ref"]
        .as_str()
        .and_then(|reference| reference.rsplit('/').next());
    name.and_then(|name| definitions.get(name)).unwrap_or(schema)
}

/// A schema's type in words.
fn type_text(schema: &Value, definitions: &Map<String, Value>) -> String {
    let resolved = resolve(schema, definitions);
    if let Some(words) = resolved["oneOf"].as_array() {
        let words: Vec<String> = words.iter().map(|word| format!("`{}`", word["const"])).collect();
        return words.join(", ");
    }
    let kind = match &resolved["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").and_then(Value::as_str),
        kind => kind.as_str(),
    };
    let bound = |key: &str| schema.get(key).or_else(|| resolved.get(key));
    match (kind, bound("minimum"), bound("maximum")) {
        (Some("integer"), Some(least), Some(most)) => format!("whole number, {least} to {most}"),
        (Some("integer"), ..) => "whole number".to_owned(),
        (Some("boolean"), ..) => "true or false".to_owned(),
        (Some("string"), ..) => "text".to_owned(),
        (Some("array"), ..) => {
            let items = resolve(&resolved["items"], definitions);
            match items["properties"].as_object() {
                Some(properties) => {
                    let keys: Vec<String> = properties.keys().map(|key| format!("`{key}`")).collect();
                    format!("list of objects with {}", keys.join(", "))
                }
                None => format!("list of {}", type_text(items, definitions)),
            }
        }
        (Some(kind), ..) => kind.to_owned(),
        (None, ..) => "any".to_owned(),
    }
}
