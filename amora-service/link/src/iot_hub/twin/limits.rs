//! What a twin can hold, and how a document is made to fit.

use serde_json::{Map, Value};

/// Bytes of the reported (and of the desired) properties, as [`size`] counts them.
pub const LARGEST: usize = 32 * 1024;

/// Bytes of one text.
const LONGEST_TEXT: usize = 4096;

/// Bytes of one key.
const LONGEST_KEY: usize = 1024;

/// Levels of objects and arrays, from the reported document itself.
const DEEPEST: usize = 10;

/// The integers from minus this to this.
const LARGEST_INTEGER: i64 = 1 << 52;

/// The size as the hub counts it: keys and texts by their bytes, a number 8, a truth value 4.
pub fn size(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(object) => size_of_object(object),
    }
}

/// [`size`] of an object.
pub fn size_of_object(object: &Map<String, Value>) -> usize {
    object.iter().map(|(key, value)| key.len() + size(value)).sum()
}

/// Makes a value into one that a twin holds: nulls go, keys lose what they may not have (`_` takes its place), long
/// texts are cut (`…` ends them), integers beyond ±2⁵² become texts, and what is nested too deeply goes.
pub fn conform(value: &mut Value) {
    super::merge::without_nulls(value);
    // The reported document itself and the property are levels too.
    conform_below(value, 2);
}

fn conform_below(value: &mut Value, level: usize) {
    match value {
        Value::String(text) => cut(text),
        Value::Number(number) => {
            let beyond = match (number.as_i64(), number.as_u64()) {
                (Some(integer), _) => !(-LARGEST_INTEGER..=LARGEST_INTEGER).contains(&integer),
                (None, Some(_)) => true,
                (None, None) => false,
            };
            if beyond {
                *value = Value::String(number.to_string());
            }
        }
        Value::Array(items) => {
            items.retain(|item| level < DEEPEST || !is_nest(item));
            items.iter_mut().for_each(|item| conform_below(item, level + 1));
        }
        Value::Object(object) => {
            let held = std::mem::take(object);
            for (key, mut value) in held {
                if level >= DEEPEST && is_nest(&value) {
                    continue;
                }
                conform_below(&mut value, level + 1);
                object.insert(key_of(key), value);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

const fn is_nest(value: &Value) -> bool {
    matches!(value, Value::Array(_) | Value::Object(_))
}

fn key_of(key: String) -> String {
    let allowed = |c: char| !c.is_control() && !matches!(c, '.' | '$' | ' ');
    if key.len() <= LONGEST_KEY && key.chars().all(allowed) && !key.is_empty() {
        return key;
    }
    let kept = key.chars().map(|c| if allowed(c) { c } else { '_' });
    let mut fit: String = kept.collect();
    fit.truncate(fit.floor_char_boundary(LONGEST_KEY));
    if fit.is_empty() { "_".to_owned() } else { fit }
}

fn cut(text: &mut String) {
    if text.len() > LONGEST_TEXT {
        text.truncate(text.floor_char_boundary(LONGEST_TEXT - '…'.len_utf8()));
        text.push('…');
    }
}

/// Takes parts away until the document fits into `budget` bytes: in the order of `first_to_go` (paths such as
/// `/player/outputs`), then whole properties from the largest down. Gives the paths of what went.
pub fn fit(document: &mut Map<String, Value>, budget: usize, first_to_go: &[&str]) -> Vec<String> {
    let mut gone = Vec::new();
    for path in first_to_go {
        if size_of_object(document) <= budget {
            return gone;
        }
        if remove(document, path) {
            gone.push((*path).to_owned());
        }
    }
    while size_of_object(document) > budget {
        let largest = document
            .iter()
            .max_by_key(|(_, value)| size(value))
            .map(|(key, _)| key.clone());
        let Some(largest) = largest else { break };
        document.remove(&largest);
        gone.push(format!("/{largest}"));
    }
    gone
}

fn remove(document: &mut Map<String, Value>, path: &str) -> bool {
    let mut keys = path.trim_start_matches('/').split('/');
    let Some(last) = keys.next_back() else {
        return false;
    };
    let mut at = document;
    for key in keys {
        match at.get_mut(key) {
            Some(Value::Object(inner)) => at = inner,
            _ => return false,
        }
    }
    at.remove(last).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn size_is_counted_as_the_hub_does() {
        assert_eq!(
            size(&json!({"ab": 1, "c": true, "d": "xyz", "e": [1, {"f": 2}]})),
            10 + 5 + 4 + 1 + 8 + 9
        );
    }

    #[test]
    fn a_value_is_made_to_conform() {
        let mut value = json!({
            "a.b $c": 1, "": 2, "n": null, "big": 1_u64 << 60, "time": 1_800_000_000_000_u64,
            "long": "ü".repeat(5000),
        });
        conform(&mut value);
        assert_eq!(value["a_b__c"], 1);
        assert_eq!(value["_"], 2);
        assert!(value.get("n").is_none());
        assert_eq!(value["big"], (1_u64 << 60).to_string());
        assert_eq!(value["time"], 1_800_000_000_000_u64);
        let long = value["long"].as_str().unwrap();
        assert!(long.len() <= LONGEST_TEXT && long.ends_with('…'));
    }

    #[test]
    fn what_is_nested_too_deeply_goes() {
        let mut value = json!("leaf");
        for _ in 0..40 {
            value = json!({"a": value, "b": 1});
        }
        conform(&mut value);
        let mut depth = 1;
        let mut at = &value;
        while let Some(inner) = at.get("a").filter(|inner| inner.is_object()) {
            depth += 1;
            at = inner;
        }
        assert_eq!(depth + 1, DEEPEST, "the reported document is the first level");
        assert_eq!(at["b"], 1);
    }

    #[test]
    fn the_named_parts_go_first_and_then_the_largest() {
        let document = || match json!({
            "player": {"outputs": "o".repeat(300), "song": "s".repeat(100)},
            "audio": "a".repeat(200), "system": "y",
        }) {
            Value::Object(document) => document,
            _ => unreachable!("it is an object"),
        };
        let first = ["/player/none", "/player/outputs", "/audio"];
        let mut whole = document();
        assert!(fit(&mut whole, 700, &first).is_empty());
        assert_eq!(whole, document());
        let mut small = document();
        assert_eq!(fit(&mut small, 350, &first), ["/player/outputs"]);
        assert_eq!(small["player"]["song"], "s".repeat(100));
        let mut tiny = document();
        assert_eq!(
            fit(&mut tiny, 50, &first),
            ["/player/outputs", "/audio", "/player"]
        );
        assert_eq!(tiny.len(), 1);
    }
}
