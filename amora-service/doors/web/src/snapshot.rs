//! The state as JSON text, made once for all sockets, section by section.

use amora_contract::State;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The state at one revision.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    revision: u64,
    sections: BTreeMap<String, Arc<str>>,
}

impl Snapshot {
    /// The state as text. Sections that are as they were share `earlier`'s text.
    fn new(state: &State, earlier: &Self) -> Self {
        let document = serde_json::to_value(state).expect("the state is JSON");
        let sections = document
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| *name != "revision");
        let sections = sections
            .map(|(name, section)| {
                let text = section.to_string();
                let known = earlier.sections.get(name).filter(|known| ***known == *text);
                (name.clone(), known.cloned().unwrap_or_else(|| text.into()))
            })
            .collect();
        Self {
            revision: state.revision,
            sections,
        }
    }

    /// The whole document.
    pub(crate) fn whole(&self) -> String {
        self.text(self.sections.iter().map(|(name, section)| (name, &**section)))
    }

    /// The sections that differ from `earlier`; one that is gone is null. `None` when nothing differs.
    pub(crate) fn changes_since(&self, earlier: &Self) -> Option<String> {
        let changed = self.sections.iter().filter(|(name, section)| {
            earlier
                .sections
                .get(*name)
                .is_none_or(|known| !Arc::ptr_eq(known, section) && known != *section)
        });
        let gone = earlier
            .sections
            .keys()
            .filter(|name| !self.sections.contains_key(*name));
        let changed = changed.map(|(name, section)| (name, &**section));
        let changes: Vec<_> = changed.chain(gone.map(|name| (name, "null"))).collect();
        (!changes.is_empty()).then(|| self.text(changes.into_iter()))
    }

    fn text<'a>(&self, sections: impl Iterator<Item = (&'a String, &'a str)>) -> String {
        let mut text = format!("{{\"revision\":{}", self.revision);
        for (name, section) in sections {
            // Names of sections are identifiers: nothing in them needs escaping.
            text.extend([",\"", name, "\":", section]);
        }
        text.push('}');
        text
    }
}

/// The latest snapshot, for everybody who asks at the same revision.
#[derive(Default)]
pub(crate) struct Snapshots(Mutex<Arc<Snapshot>>);

impl Snapshots {
    /// The snapshot of `state`.
    pub(crate) fn of(&self, state: &State) -> Arc<Snapshot> {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.revision != state.revision || latest.sections.is_empty() {
            *latest = Arc::new(Snapshot::new(state, &latest));
        }
        latest.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amora_contract::state::{AudioState, PlayerState};
    use serde_json::{Value, json};

    fn parse(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_snapshot_is_the_state_and_changes_are_only_what_changed() {
        let snapshots = Snapshots::default();
        let mut state = State {
            revision: 1,
            player: Some(PlayerState::default()),
            ..State::default()
        };
        let first = snapshots.of(&state);
        assert_eq!(parse(&first.whole()), serde_json::to_value(&state).unwrap());
        assert_eq!(first.changes_since(&first), None);

        state.revision = 2;
        state.audio = Some(AudioState::default());
        let second = snapshots.of(&state);
        let audio = serde_json::to_value(AudioState::default()).unwrap();
        assert_eq!(
            parse(&second.changes_since(&first).unwrap()),
            json!({"revision": 2, "audio": audio})
        );

        state.revision = 3;
        state.player = None;
        state.audio = None;
        let third = snapshots.of(&state);
        assert_eq!(
            parse(&third.changes_since(&second).unwrap()),
            json!({"revision": 3, "audio": null, "player": null})
        );
        let back = third.changes_since(&first).unwrap();
        assert_eq!(
            parse(&back),
            json!({"revision": 3, "player": null}),
            "what came and went in between is no change"
        );
    }

    #[test]
    fn the_same_revision_is_made_once() {
        let snapshots = Snapshots::default();
        let state = State {
            revision: 1,
            ..State::default()
        };
        assert!(Arc::ptr_eq(&snapshots.of(&state), &snapshots.of(&state)));
    }
}
