//! The parts of the cloud twin that belong to a capability, for example the component `deviceUpdate`: what is desired
//! of it comes in, what it reports goes out. The door between the box and the cloud carries both and reads neither.

use amora_contract::merge_patch;
use serde_json::{Map, Value};
use std::sync::Arc;
use tokio::sync::watch;

/// What the cloud desires of the box, as the twin has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Desired {
    /// Version of the desired properties.
    pub version: u64,
    /// All desired properties.
    pub properties: Map<String, Value>,
    /// What the twin held as reported when it was last read as a whole.
    pub reported: Map<String, Value>,
    /// Counts how often the twin was read as a whole: after each connect, and where a patch was missing.
    pub readings: u64,
}

/// The meeting point of the door and whoever has a component in the twin.
pub struct CloudTwin {
    desired: watch::Sender<Option<Arc<Desired>>>,
    reported: watch::Sender<Map<String, Value>>,
}

impl Default for CloudTwin {
    fn default() -> Self {
        Self {
            desired: watch::Sender::new(None),
            reported: watch::Sender::default(),
        }
    }
}

impl CloudTwin {
    /// What the cloud desires, and every change of that; `None` until the twin was read once.
    pub fn watch_desired(&self) -> watch::Receiver<Option<Arc<Desired>>> {
        self.desired.subscribe()
    }

    /// Wants properties reported: a patch (null takes away) of what was reported before. It reaches the twin as soon
    /// as there is a connection.
    pub fn report(&self, patch: &Map<String, Value>) {
        self.reported.send_if_modified(|reported| {
            let before = reported.clone();
            merge_patch(reported, patch);
            *reported != before
        });
    }

    /// For the door: the twin was read, or changed.
    pub fn set_desired(&self, desired: Desired) {
        self.reported.send_if_modified(|reported| {
            let before = reported.clone();
            // What a component had reported before this start stays until it says otherwise.
            for (name, held) in desired.reported.iter().filter(|(_, held)| is_component(held)) {
                let mut whole = Map::from_iter([(name.clone(), held.clone())]);
                if let Some(own) = reported.get(name) {
                    merge_patch(&mut whole, &Map::from_iter([(name.clone(), own.clone())]));
                }
                reported.extend(whole);
            }
            *reported != before
        });
        self.desired.send_replace(Some(Arc::new(desired)));
    }

    /// For the door: all that components want reported, by property, and every change of that.
    pub fn watch_reported(&self) -> watch::Receiver<Map<String, Value>> {
        self.reported.subscribe()
    }
}

/// Components carry a mark: `"__t": "c"`.
fn is_component(value: &Value) -> bool {
    value.get("__t").is_some_and(|mark| mark == "c")
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

    #[test]
    fn what_a_component_had_reported_stays_until_it_says_otherwise() {
        let twin = CloudTwin::default();
        twin.report(&object(json!({"a": {"__t": "c", "state": 0}})));
        twin.set_desired(Desired {
            reported: object(json!({"a": {"__t": "c", "state": 6, "kept": 1}, "plain": 5})),
            ..Desired::default()
        });
        let reported = twin.watch_reported();
        assert_eq!(
            Value::Object(reported.borrow().clone()),
            json!({"a": {"__t": "c", "state": 0, "kept": 1}})
        );
        twin.report(&object(json!({"a": {"kept": null}})));
        assert_eq!(
            Value::Object(reported.borrow().clone()),
            json!({"a": {"__t": "c", "state": 0}})
        );
        assert!(twin.watch_desired().borrow().is_some());
    }

    #[test]
    fn saying_the_same_again_wakes_nobody() {
        let twin = CloudTwin::default();
        let patch = object(json!({"a": {"__t": "c", "state": 0, "gone": null}}));
        twin.report(&patch);
        let reported = twin.watch_reported();
        twin.report(&patch);
        assert!(!reported.has_changed().unwrap());
    }
}
