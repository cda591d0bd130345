//! The box's own reported properties.
//!
//! | Property | Value |
//! |---|---|
//! | `status` | the original's player status; its position is that of the last change |
//! | `state` | the state document, without what changes all the time and without this door's own section |
//! | `telemetry_interval` | seconds; an answer to the desired property where there is one |
//! | `last_updated` | when any of this last changed, `YYYY-MM-DDTHH:MM:SSZ` |
//!
//! A twin holds 32 KB. Where that is not enough, parts of `state` go first, in the order of [`FIRST_TO_GO`], then whole
//! properties from the largest down; `state.left_out` names what went.

use crate::dialect::player_status;
use amora_contract::State;
use amora_contract::state::RESTLESS;
use amora_contract::units::Timestamp;
use amora_link::iot_hub::calendar;
use amora_link::iot_hub::twin::limits;
use serde_json::{Map, Value, json};

/// What is left out first where a twin is too small, first to last.
pub const FIRST_TO_GO: [&str; 10] = [
    "/state/player/outputs",
    "/state/audio/counters",
    "/state/player/library",
    "/state/audio/music",
    "/state/update/last",
    "/state/audio/card",
    "/state/player/song",
    "/state/update",
    "/state/player",
    "/state/system/health",
];

/// Room left for what the hub counts and this box does not know of.
const MARGIN: usize = 1024;

/// What was last reported.
#[derive(Debug, Default)]
pub struct Reported {
    /// Without positions and times, by which a change is told.
    still: Value,
}

impl Reported {
    /// The properties to report, if anything changed that is worth it. `others` is the size of all that shares the twin.
    pub fn update(&mut self, state: &State, others: usize, now: Timestamp) -> Option<Map<String, Value>> {
        let mut whole = serde_json::to_value(state).expect("the state serialises to JSON");
        for path in RESTLESS {
            take_away(&mut whole, path);
        }
        let status = player_status(state.player.as_ref(), state.audio.as_ref(), now);
        let mut still = json!({"status": status, "state": whole, "others": others});
        take_away(&mut still, "/status/current_song/position");
        if still == self.still {
            return None;
        }
        let mut document = Map::new();
        document.insert("status".to_owned(), status);
        document.insert("state".to_owned(), whole);
        document.insert("last_updated".to_owned(), calendar::seconds(now).into());
        self.still = still;
        for value in document.values_mut() {
            limits::conform(value);
        }
        let budget = limits::LARGEST.saturating_sub(MARGIN + others);
        let left_out = limits::fit(&mut document, budget, &FIRST_TO_GO);
        if let (Some(Value::Object(state)), false) = (document.get_mut("state"), left_out.is_empty()) {
            state.insert("left_out".to_owned(), json!(left_out));
        }
        Some(document)
    }
}

fn take_away(document: &mut Value, path: &str) {
    let Some((parent, key)) = path.rsplit_once('/') else {
        return;
    };
    if let Some(Value::Object(parent)) = document.pointer_mut(parent) {
        parent.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amora_contract::reply::Output;
    use amora_contract::state::{AudioState, Health, PlaybackState, PlayerState, Song};
    use amora_contract::units::Seconds;

    fn playing() -> State {
        State {
            player: Some(PlayerState {
                state: PlaybackState::Play,
                song: Some(Song {
                    title: "T".to_owned(),
                    ..Song::default()
                }),
                ..PlayerState::default()
            }),
            audio: Some(AudioState::default()),
            ..State::default()
        }
    }

    #[test]
    fn only_what_matters_is_reported_anew() {
        let mut reported = Reported::default();
        let mut state = playing();
        let first = reported.update(&state, 0, Timestamp(1_000)).unwrap();
        assert_eq!(first["last_updated"], "1970-01-01T00:00:01Z");
        assert_eq!(first["status"]["state"], "play");
        assert!(first["state"]["player"].get("position").is_none());
        state.revision = 9;
        let player = state.player.as_mut().unwrap();
        player.position = Seconds(5.0);
        player.bitrate = 320;
        state.audio.as_mut().unwrap().counters.periods = 1000;
        assert_eq!(reported.update(&state, 0, Timestamp(2_000)), None);
        state.player.as_mut().unwrap().repeat = true;
        let next = reported.update(&state, 0, Timestamp(3_000)).unwrap();
        assert_eq!(
            (&next["status"]["repeat"], &next["last_updated"]),
            (&json!(true), &json!("1970-01-01T00:00:03Z"))
        );
    }

    #[test]
    fn a_full_twin_loses_the_least_worthy_first_and_says_so() {
        let mut state = playing();
        let output = Output {
            id: 1,
            name: "o".repeat(400),
            plugin: "alsa".to_owned(),
            enabled: true,
        };
        state.player.as_mut().unwrap().outputs = vec![output; 100];
        let document = Reported::default().update(&state, 0, Timestamp(0)).unwrap();
        assert!(limits::size_of_object(&document) <= limits::LARGEST - MARGIN);
        assert_eq!(document["state"]["left_out"], json!(["/state/player/outputs"]));
        assert_eq!(document["state"]["player"]["song"]["title"], "T");
        let crowded = Reported::default()
            .update(&state, limits::LARGEST - MARGIN - 700, Timestamp(0))
            .unwrap();
        assert!(limits::size_of_object(&crowded) <= 1500, "{crowded:?}");
        assert_eq!(crowded["status"]["state"], "play");
    }

    #[test]
    fn the_largest_state_fits_and_keeps_what_is_worth_most() {
        let long = "ü".repeat(5000);
        let mut state = playing();
        let player = state.player.as_mut().unwrap();
        player.song = Some(Song {
            file: long.clone(),
            title: long.clone(),
            artist: long.clone(),
            album: long.clone(),
            ..Song::default()
        });
        player.playlist = Some(long.clone());
        player.error = Some(long.clone());
        for part in 0..40 {
            let health = Health {
                cause: long.clone(),
                next_step: long.clone(),
                ..Health::default()
            };
            state.system.health.insert(format!("part{part}"), health);
        }
        let document = Reported::default().update(&state, 0, Timestamp(0)).unwrap();
        assert!(limits::size_of_object(&document) <= limits::LARGEST - MARGIN);
        assert_eq!(document["status"]["state"], "play");
        assert_eq!(document["state"]["system"]["version"], "");
        let left_out = document["state"]["left_out"].as_array().unwrap();
        assert_eq!(left_out.last().unwrap(), "/state/system/health");
        assert!(left_out.len() <= FIRST_TO_GO.len());
    }
}
