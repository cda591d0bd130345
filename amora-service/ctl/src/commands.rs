//! The catalogue's commands as subcommands: `player.set_volume` is `amoractl player set-volume 40`.

use amora_contract::commands::{CommandDescription, catalogue};
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

/// Every command of the catalogue, with its parameters.
pub(crate) struct Commands(Vec<Entry>);

struct Entry {
    name: &'static str,
    text: String,
    params: Vec<Param>,
}

struct Param {
    name: String,
    text: String,
    kind: Kind,
    place: Place,
    /// Whether leaving it out means null, so that a word may say so too.
    nullable: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Needed,
    Position,
    Flag,
}

enum Kind {
    Text,
    Integer {
        least: i64,
        most: i64,
    },
    Number,
    Switch,
    Choice(Vec<String>),
    Texts,
    /// Objects with two keys, written `FIRST=SECOND`.
    Pairs(String, String),
    /// One object of whatever is in it, written `PATH=VALUE`; nothing after `=` is null.
    Nested,
}

/// What each section is about.
const SECTIONS: [(&str, &str); 6] = [
    ("player", "Music: playback, queue, library, playlists"),
    ("audio", "The sound card and what is mixed into it"),
    ("voice", "The call to the hub: connecting, muting"),
    ("system", "The box itself"),
    ("update", "Updates of the whole image"),
    (
        "box",
        "The machine as a whole: its power, and its state as delivered",
    ),
];

impl Commands {
    /// Reads the catalogue.
    pub(crate) fn new() -> Self {
        let mut generator = SchemaSettings::draft2020_12().into_generator();
        let list = catalogue(&mut generator);
        let definitions = generator.take_definitions(true);
        Self(
            list.iter()
                .map(|command| Entry::new(command, &definitions))
                .collect(),
        )
    }

    /// One subcommand for each section.
    pub(crate) fn subcommands(&self) -> impl Iterator<Item = Command> {
        SECTIONS.iter().map(|(section, about)| {
            let own = self
                .0
                .iter()
                .filter(|entry| entry.name.split('.').next() == Some(section));
            Command::new(*section)
                .about(*about)
                .subcommand_required(true)
                .arg_required_else_help(true)
                .subcommands(own.map(Entry::subcommand))
        })
    }

    /// The command that the matches of a section's subcommand stand for.
    pub(crate) fn read(&self, section: &str, matches: &ArgMatches) -> Option<(&'static str, Value)> {
        let (verb, matches) = matches.subcommand()?;
        let name = format!("{section}.{}", verb.replace('-', "_"));
        let entry = self.0.iter().find(|entry| entry.name == name)?;
        Some((entry.name, entry.read(matches)))
    }
}

impl Entry {
    fn new(command: &CommandDescription, definitions: &Map<String, Value>) -> Self {
        let schema = command
            .params
            .clone()
            .map(schemars::Schema::to_value)
            .unwrap_or_default();
        let schema = resolve(&schema, definitions);
        let empty = Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&empty);
        // The order of the required ones is that of their declaration: what is acted on comes first.
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut keys: Vec<&String> = properties.keys().collect();
        keys.sort_by_key(|key| required.iter().position(|name| name == key).unwrap_or(usize::MAX));
        let params = keys
            .into_iter()
            .map(|key| {
                let kind = Kind::new(&properties[key], definitions);
                let place = if required.contains(&key.as_str()) {
                    Place::Needed
                } else if kind.repeats() || properties.len() == 1 && !matches!(kind, Kind::Switch) {
                    Place::Position
                } else {
                    Place::Flag
                };
                Param {
                    name: key.clone(),
                    text: properties[key]["description"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                    nullable: is_type(&properties[key], "null"),
                    kind,
                    place,
                }
            })
            .collect();
        Self {
            name: command.name,
            text: command.text.trim().trim_end_matches('.').to_owned(),
            params,
        }
    }

    fn subcommand(&self) -> Command {
        let verb = self
            .name
            .split('.')
            .next_back()
            .unwrap_or(self.name)
            .replace('_', "-");
        Command::new(verb)
            .about(self.text.clone())
            .args(self.params.iter().map(Param::arg))
    }

    fn read(&self, matches: &ArgMatches) -> Value {
        let given = self
            .params
            .iter()
            .filter_map(|param| Some((param.name.clone(), param.read(matches)?)));
        given.collect::<Map<String, Value>>().into()
    }
}

impl Param {
    fn arg(&self) -> Arg {
        let arg = Arg::new(self.name.clone()).help(self.text.trim_end_matches('.').to_owned());
        let arg = match self.place {
            Place::Needed => arg.required(true),
            Place::Position => arg,
            Place::Flag => arg.long(self.name.replace('_', "-")),
        };
        let value_name = self.name.to_uppercase();
        let arg = match &self.kind {
            Kind::Switch if self.place == Place::Flag => return arg.action(ArgAction::SetTrue),
            Kind::Switch => arg.value_parser(PossibleValuesParser::new(["on", "off"])),
            Kind::Choice(words) => arg.value_parser(PossibleValuesParser::new(words.clone())),
            Kind::Integer { least, most } => {
                let (least, most, nullable) = (*least, *most, self.nullable);
                arg.allow_negative_numbers(least < 0)
                    .value_parser(move |text: &str| integer(text, least, most, nullable))
            }
            Kind::Number => arg.allow_negative_numbers(true).value_parser(number),
            Kind::Text => arg,
            Kind::Texts => arg.num_args(1..).action(ArgAction::Append),
            Kind::Pairs(first, second) => {
                let shape = format!("{}={}", first.to_uppercase(), second.to_uppercase());
                let (first, second) = (first.clone(), second.clone());
                let parser = move |text: &str| pair(text, &first, &second);
                return arg
                    .num_args(1..)
                    .action(ArgAction::Append)
                    .value_name(shape)
                    .value_parser(parser);
            }
            Kind::Nested => {
                return arg
                    .num_args(1..)
                    .action(ArgAction::Append)
                    .value_name("PATH=VALUE")
                    .value_parser(nested);
            }
        };
        arg.value_name(value_name)
    }

    fn read(&self, matches: &ArgMatches) -> Option<Value> {
        let text = || matches.get_one::<String>(&self.name);
        Some(match &self.kind {
            Kind::Text | Kind::Choice(_) => Value::from(text()?.as_str()),
            Kind::Switch if self.place == Place::Flag => {
                matches.get_flag(&self.name).then_some(Value::from(true))?
            }
            Kind::Switch => Value::from(text()? == "on"),
            Kind::Integer { .. } | Kind::Number => matches.get_one::<Value>(&self.name)?.clone(),
            Kind::Texts => matches
                .get_many::<String>(&self.name)?
                .map(String::as_str)
                .collect(),
            Kind::Pairs(..) => matches.get_many::<Value>(&self.name)?.cloned().collect(),
            Kind::Nested => {
                let mut object = Value::Object(Map::new());
                for (path, value) in matches.get_many::<(String, Value)>(&self.name)? {
                    put(&mut object, path, value);
                }
                object
            }
        })
    }
}

impl Kind {
    fn new(schema: &Value, definitions: &Map<String, Value>) -> Self {
        let resolved = resolve(schema, definitions);
        if let Some(words) = resolved["oneOf"].as_array() {
            return Self::Choice(
                words
                    .iter()
                    .filter_map(|word| word["const"].as_str().map(str::to_owned))
                    .collect(),
            );
        }
        let bound = |key: &str| {
            schema
                .get(key)
                .or_else(|| resolved.get(key))
                .and_then(Value::as_i64)
        };
        if is_type(resolved, "integer") {
            Self::Integer {
                least: bound("minimum").unwrap_or(i64::MIN),
                most: bound("maximum").unwrap_or(i64::MAX),
            }
        } else if is_type(resolved, "number") {
            Self::Number
        } else if is_type(resolved, "boolean") {
            Self::Switch
        } else if is_type(resolved, "array") {
            let items = resolve(&resolved["items"], definitions);
            let keys: Vec<&str> = items["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            match keys.as_slice() {
                [first, second] => Self::Pairs((*first).to_owned(), (*second).to_owned()),
                _ => Self::Texts,
            }
        } else if is_type(resolved, "object") {
            Self::Nested
        } else {
            Self::Text
        }
    }

    fn repeats(&self) -> bool {
        matches!(self, Self::Texts | Self::Pairs(..) | Self::Nested)
    }
}

fn resolve<'a>(schema: &'a Value, definitions: &'a Map<String, Value>) -> &'a Value {
    let name = schema["$ref"]
        .as_str()
        .and_then(|reference| reference.rsplit('/').next());
    name.and_then(|name| definitions.get(name)).unwrap_or(schema)
}

fn is_type(schema: &Value, name: &str) -> bool {
    let kind = &schema["type"];
    kind == name
        || kind
            .as_array()
            .is_some_and(|kinds| kinds.iter().any(|kind| kind == name))
}

fn integer(text: &str, least: i64, most: i64, nullable: bool) -> Result<Value, String> {
    match text.parse::<i64>() {
        _ if nullable && matches!(text, "off" | "none") => Ok(Value::Null),
        Ok(number) if (least..=most).contains(&number) => Ok(Value::from(number)),
        _ if most == i64::MAX && least == i64::MIN => Err("must be a whole number".to_owned()),
        _ if most == i64::MAX => Err(format!("must be a whole number, {least} or more")),
        _ => Err(format!("must be a whole number from {least} to {most}")),
    }
}

fn number(text: &str) -> Result<Value, String> {
    let number = text.parse::<f64>().ok().and_then(serde_json::Number::from_f64);
    number
        .map(Value::from)
        .ok_or_else(|| "must be a number".to_owned())
}

fn pair(text: &str, first: &str, second: &str) -> Result<Value, String> {
    let (left, right) = text.split_once('=').ok_or_else(|| {
        format!(
            "write {}={}, for example artist=\"Nina Simone\"",
            first.to_uppercase(),
            second.to_uppercase()
        )
    })?;
    Ok(serde_json::json!({first: left, second: right}))
}

/// `PATH=VALUE`: the value as JSON, or else as a text; null where there is none.
fn nested(text: &str) -> Result<(String, Value), String> {
    let (path, value) = text
        .split_once('=')
        .ok_or("write PATH=VALUE, for example audio.ready_chime=false")?;
    let value = match value {
        "" => Value::Null,
        value => serde_json::from_str(value).unwrap_or_else(|_| Value::from(value)),
    };
    Ok((path.to_owned(), value))
}

/// Sets what a dotted path leads to.
fn put(object: &mut Value, path: &str, value: &Value) {
    let mut at = object;
    for key in path.split('.') {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = &mut at[key];
    }
    *at = value.clone();
}

#[cfg(test)]
mod tests;
