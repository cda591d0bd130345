//! What differs between two configurations.

use super::Config;
use serde_json::Value;

impl Config {
    /// The settings that differ from `other`, by dotted path, in alphabetical order. A section that is in only one of
    /// the two is given as a whole.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let document =
            |config: &Self| serde_json::to_value(config).expect("a configuration serialises to JSON");
        let mut paths = Vec::new();
        compare("", &document(self), &document(other), &mut paths);
        paths
    }
}

fn compare(prefix: &str, left: &Value, right: &Value, paths: &mut Vec<String>) {
    let (Value::Object(left_object), Value::Object(right_object)) = (left, right) else {
        if left != right {
            paths.push(prefix.to_owned());
        }
        return;
    };
    let keys: std::collections::BTreeSet<&String> = left_object.keys().chain(right_object.keys()).collect();
    for key in keys {
        let path = match prefix {
            "" => key.clone(),
            _ => format!("{prefix}.{key}"),
        };
        compare(&path, &left[key], &right[key], paths);
    }
}
