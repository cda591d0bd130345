//! What differs between JSON objects as twins hold them: the merge patch (RFC 7396) from one to the other.

use serde_json::{Map, Value};

/// The patch that makes `to` out of `from`; `None` when they are equal.
pub fn difference(from: &Map<String, Value>, to: &Map<String, Value>) -> Option<Map<String, Value>> {
    let mut patch = Map::new();
    for key in from.keys().filter(|key| !to.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, wanted) in to {
        let change = match (from.get(key), wanted) {
            (Some(Value::Object(from)), Value::Object(to)) => difference(from, to).map(Value::Object),
            (Some(present), _) if equal(present, wanted) => None,
            _ => Some(wanted.clone()),
        };
        if let Some(change) = change {
            patch.insert(key.clone(), change);
        }
    }
    (!patch.is_empty()).then_some(patch)
}

/// Whether two values are the same to a twin, which does not tell 1 from 1.0.
pub fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left_number), Value::Number(right_number)) => {
            left_number == right_number || left_number.as_f64() == right_number.as_f64()
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, value)| right.get(key).is_some_and(|other| equal(value, other)))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        _ => left == right,
    }
}

/// Without nulls, which a twin cannot hold.
pub fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => {
            items.retain(|value| !value.is_null());
            items.iter_mut().for_each(without_nulls);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amora_contract::merge_patch;
    use proptest::prelude::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            other => panic!("{other} is no object"),
        }
    }

    #[test]
    fn a_number_is_the_same_with_and_without_a_point() {
        let (from, to) = (
            object(json!({"a": 1, "b": [2.0]})),
            object(json!({"a": 1.0, "b": [2]})),
        );
        assert_eq!(difference(&from, &to), None);
    }

    fn documents() -> impl Strategy<Value = Map<String, Value>> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            (-5i64..5).prop_map(Value::from),
            "[a-c]{0,3}".prop_map(Value::from),
        ];
        let value = leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-d]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        });
        prop::collection::btree_map("[a-d]", value, 0..5).prop_map(|map| map.into_iter().collect())
    }

    proptest! {
        #[test]
        fn the_difference_leads_from_one_to_the_other(from in documents(), to in documents()) {
            let mut reached = from.clone();
            if let Some(patch) = difference(&from, &to) {
                merge_patch(&mut reached, &patch);
            }
            prop_assert_eq!(difference(&reached, &to), None);
            prop_assert_eq!(reached, to);
        }
    }
}
