//! Merge patches of JSON objects (RFC 7396): how twins and settings are changed.

use serde_json::{Map, Value};

/// Applies a patch: a null removes its key, an object is merged, anything else, an array too, replaces. However deep
/// the objects of the two are nested, the stack does not grow.
pub fn merge_patch(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    let mut pending = vec![(target, patch)];
    while let Some((target, patch)) = pending.pop() {
        for (key, change) in patch {
            match change {
                Value::Null => {
                    target.remove(key);
                }
                Value::Object(_) => {
                    let slot = target.entry(key.as_str()).or_insert(Value::Null);
                    if !slot.is_object() {
                        *slot = Value::Object(Map::new());
                    }
                }
                other => {
                    target.insert(key.clone(), other.clone());
                }
            }
        }
        for (key, slot) in target {
            if let (Value::Object(slot), Some(Value::Object(change))) = (slot, patch.get(key)) {
                pending.push((slot, change));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            other => panic!("{other} is no object"),
        }
    }

    /// The cases of RFC 7396, appendix A, in which both sides are objects.
    #[test]
    fn the_examples_of_the_standard_hold() {
        for (target, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ] {
            let mut merged = object(target.clone());
            merge_patch(&mut merged, &object(patch.clone()));
            assert_eq!(Value::Object(merged), result, "{target} with {patch}");
        }
    }

    fn nested(levels: usize, leaf: Value) -> Map<String, Value> {
        let mut document = Map::from_iter([("a".to_owned(), leaf)]);
        for _ in 1..levels {
            document = Map::from_iter([("a".to_owned(), Value::Object(document))]);
        }
        document
    }

    /// Takes apart level by level: dropping such a value as it is would overflow the stack by itself.
    fn leaf(mut document: Map<String, Value>) -> Value {
        loop {
            match document.remove("a").unwrap() {
                Value::Object(inner) => document = inner,
                leaf => return leaf,
            }
        }
    }

    #[test]
    fn however_deep_the_nesting_all_of_it_is_merged() {
        const LEVELS: usize = 50_000;
        let mut target = nested(LEVELS, json!(1));
        let patch = nested(LEVELS, json!(2));
        merge_patch(&mut target, &patch);
        assert_eq!((leaf(target), leaf(patch)), (json!(2), json!(2)));
    }
}
