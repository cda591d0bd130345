//! JSON Schema as the schemas of DTDL, version 2.
//! <https://azure.github.io/opendigitaltwins-dtdl/DTDL/v2/DTDL.v2.html>

use serde_json::{Map, Value, json};

/// Levels of objects, maps and arrays in a schema.
const DEEPEST: usize = 5;

/// Characters of a description.
const LONGEST: usize = 512;

/// A name: letters, digits and underscores, a letter first and no underscore last.
pub(super) fn name(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    text.chars().map(plain).collect()
}

/// The first paragraph of a text, cut where it is too long.
pub(super) fn description(text: &str) -> String {
    let first = text.trim().split("\n\n").next().unwrap_or_default();
    let first = first.replace('\n', " ");
    match first.char_indices().nth(LONGEST) {
        Some((end, _)) => first[..end].to_owned(),
        None => first,
    }
}

/// Describes an element, if there is something to say.
pub(super) fn with_description(element: &mut Value, text: &str) {
    let text = description(text);
    if !text.is_empty() {
        element["description"] = text.into();
    }
}

/// Converts schemas that share definitions.
pub(super) struct Converter<'a> {
    definitions: &'a Map<String, Value>,
    /// Properties cannot hold lists.
    lists: bool,
    /// Paths, such as `/player/position`, that are left out.
    without: &'a [&'a str],
}

impl<'a> Converter<'a> {
    /// For commands and telemetry.
    pub(super) fn with_lists(definitions: &'a Map<String, Value>) -> Self {
        Self {
            definitions,
            lists: true,
            without: &[],
        }
    }

    /// For properties: without lists, and without some paths.
    pub(super) fn without(definitions: &'a Map<String, Value>, without: &'a [&'a str]) -> Self {
        Self {
            definitions,
            lists: false,
            without,
        }
    }

    /// The schema in DTDL; `None` for what it cannot say, or says nothing.
    pub(super) fn convert(&self, schema: &Value) -> Option<Value> {
        self.at(schema, "", 0)
    }

    fn at(&self, schema: &Value, path: &str, level: usize) -> Option<Value> {
        let schema = self.plain(schema);
        if let Some(words) = words(schema) {
            return Some(json!({"@type": "Enum", "valueSchema": "string", "enumValues": words}));
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null")?.as_str()?,
            kind => kind.as_str()?,
        };
        let complex = level < DEEPEST;
        match kind {
            "boolean" => Some(json!("boolean")),
            "number" => Some(json!("double")),
            "string" => Some(json!("string")),
            "integer" => Some(match schema["format"].as_str() {
                Some("uint8" | "int8" | "uint16" | "int16" | "int32") => json!("integer"),
                _ => json!("long"),
            }),
            "array" if self.lists && complex => {
                let items = self.at(&schema["items"], path, level + 1)?;
                Some(json!({"@type": "Array", "elementSchema": items}))
            }
            "object" if complex && schema["properties"].is_object() => {
                let fields = self.fields(&schema["properties"], path, level);
                (!fields.is_empty()).then(|| json!({"@type": "Object", "fields": fields}))
            }
            "object" if complex && schema["additionalProperties"].is_object() => {
                let value = self.at(&schema["additionalProperties"], path, level + 1)?;
                Some(json!({
                    "@type": "Map",
                    "mapKey": {"name": "key", "schema": "string"},
                    "mapValue": {"name": "value", "schema": value},
                }))
            }
            _ => None,
        }
    }

    fn fields(&self, properties: &Value, path: &str, level: usize) -> Vec<Value> {
        let properties = properties.as_object().into_iter().flatten();
        let field = |(key, property): (&String, &Value)| {
            let path = format!("{path}/{key}");
            if self.without.contains(&path.as_str()) {
                return None;
            }
            let mut field = json!({"name": key, "schema": self.at(property, &path, level + 1)?});
            with_description(&mut field, property["description"].as_str().unwrap_or_default());
            Some(field)
        };
        properties.filter_map(field).collect()
    }

    /// The names of events, and one object with everything that any of them tells.
    pub(super) fn events(&self, schema: &Value) -> (Value, Value) {
        let mut names = Vec::new();
        let mut fields: Vec<Value> = Vec::new();
        for event in schema["oneOf"].as_array().into_iter().flatten() {
            let word = event["properties"]["event"]["const"].as_str().unwrap_or_default();
            let mut value = json!({"name": name(word), "enumValue": word});
            with_description(&mut value, event["description"].as_str().unwrap_or_default());
            names.push(value);
            let data = self.plain(&event["properties"]["data"]);
            for field in self.fields(&data["properties"], "", 0) {
                if !fields.iter().any(|known| known["name"] == field["name"]) {
                    fields.push(json!({"name": field["name"], "schema": field["schema"]}));
                }
            }
        }
        (
            json!({"@type": "Enum", "valueSchema": "string", "enumValues": names}),
            json!({"@type": "Object", "fields": fields}),
        )
    }

    /// What a reference leads to, and what may be null without that.
    fn plain<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let mut schema = schema;
        loop {
            let branches = schema["anyOf"].as_array();
            let branch =
                branches.and_then(|branches| branches.iter().find(|branch| branch["type"] != "null"));
            let reference = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
            let definition = reference.and_then(|name| self.definitions.get(name));
            match branch.or(definition) {
                Some(inner) => schema = inner,
                None => return schema,
            }
        }
    }
}

/// The values of an enumeration of words.
fn words(schema: &Value) -> Option<Vec<Value>> {
    let described = schema["oneOf"].as_array().map(|branches| {
        branches.iter().map(|branch| {
            let word = branch["const"].as_str()?;
            let mut value = json!({"name": name(word), "enumValue": word});
            with_description(&mut value, branch["description"].as_str().unwrap_or_default());
            Some(value)
        })
    });
    let bare = schema["enum"].as_array().map(|words| {
        words.iter().map(|word| {
            let word = word.as_str()?;
            Some(json!({"name": name(word), "enumValue": word}))
        })
    });
    match (described, bare) {
        (Some(mut words), _) => words.by_ref().collect(),
        (None, Some(words)) => words.collect(),
        (None, None) => None,
    }
}
