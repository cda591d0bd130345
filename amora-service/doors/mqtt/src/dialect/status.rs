//! The player status that the original published, readable in both dialects.

use amora_contract::state::{
    AudioState, Outcome, PlaybackState, PlayerState, Song, State, UpdatePhase, UpdateState,
};
use amora_contract::units::Timestamp;
use serde_json::{Map, Value, json};

/// Home Assistant takes no longer summary of an update.
const LONGEST_SUMMARY: usize = 255;

/// The body of the `state` topic.
///
/// Both dialects share the topic, so one object carries both spellings: `current_song` and `currentSong`. The
/// `timestamp` is in float seconds, as every original device has sent it and so every client has read it;
/// `timestamp_ms` is the same time in milliseconds. `state` is `play`, `pause`, `stop`, `disconnected` or `error`.
pub struct StateMessage;

impl StateMessage {
    /// The body, complete at all times.
    pub fn encode(state: &State, now: Timestamp) -> Vec<u8> {
        let mut message = player_status(state.player.as_ref(), state.audio.as_ref(), now);
        message.insert("timestamp".to_owned(), json!(now.seconds()));
        message.insert("timestamp_ms".to_owned(), json!(now));
        let mute = state.audio.as_ref().is_some_and(|audio| audio.mute);
        message.insert("mute".to_owned(), mute.into());
        message.insert("health".to_owned(), json!(state.system.condition()));
        let causes: Vec<&str> = state
            .system
            .health
            .values()
            .map(|health| health.cause.as_str())
            .filter(|cause| !cause.is_empty())
            .collect();
        message.insert("health_cause".to_owned(), causes.join("; ").into());
        message.insert("version".to_owned(), state.system.version.as_str().into());
        if let Some(update) = &state.update {
            message.insert("software".to_owned(), software(update, &state.system.version));
        }
        Value::Object(message).to_string().into_bytes()
    }
}

/// The original's player status object, in both spellings.
pub fn player_status(
    player: Option<&PlayerState>,
    audio: Option<&AudioState>,
    now: Timestamp,
) -> Map<String, Value> {
    let stopped = PlayerState::default();
    let player = player.unwrap_or(&stopped);
    let song = player
        .song
        .as_ref()
        .filter(|_| player.state != PlaybackState::Stop)
        .map_or(Value::Null, |song| current_song(song, position(player, now)));
    let volume = audio.map_or(0, |audio| audio.volume.get());
    let mut status = Map::new();
    status.insert("state".to_owned(), json!(player.state));
    status.insert("volume".to_owned(), volume.into());
    status.insert("current_song".to_owned(), song.clone());
    status.insert("currentSong".to_owned(), song);
    status.insert("playlist".to_owned(), json!(player.playlist));
    status.insert("repeat".to_owned(), player.repeat.into());
    status.insert("random".to_owned(), player.random.into());
    if let Some(error) = &player.error {
        status.insert("error".to_owned(), error.as_str().into());
    }
    status
}

/// What is installed, and what waits or is being written to replace it.
fn software(update: &UpdateState, service: &str) -> Value {
    let installed = match update.version.as_str() {
        // Not an image of ours: what there is is the service.
        "" => service,
        version => version,
    };
    let coming = update.install.as_ref();
    let latest = coming.and_then(|install| install.version.as_deref());
    let in_progress = matches!(update.phase, UpdatePhase::Checking | UpdatePhase::Installing);
    let summary = match update.last.as_ref().filter(|last| last.outcome != Outcome::Kept) {
        Some(last) => last.reason.chars().take(LONGEST_SUMMARY).collect(),
        None => String::new(),
    };
    json!({
        "installed_version": installed,
        "latest_version": latest.unwrap_or(installed),
        "in_progress": in_progress,
        "update_percentage": coming.filter(|_| in_progress).map(|install| install.percent),
        "release_summary": summary,
    })
}

/// Seconds into the song at `now`, to the millisecond.
pub(crate) fn position(player: &PlayerState, now: Timestamp) -> f64 {
    match player.song {
        Some(_) => (player.position_now(now).0 * 1000.0).round() / 1000.0,
        None => 0.0,
    }
}

fn current_song(song: &Song, position: f64) -> Value {
    json!({
        "title": song.title, "artist": song.artist, "album": song.album, "albumArt": null,
        "file": song.file, "duration": song.duration, "position": position,
    })
}
