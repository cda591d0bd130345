use super::*;
use amora_contract::state::{AudioState, Song};
use amora_contract::units::{Seconds, Volume};

fn playing() -> amora_contract::State {
    let song = Song {
        file: "a/b.flac".to_owned(),
        title: "B".to_owned(),
        artist: "Unknown".to_owned(),
        album: "A".to_owned(),
        duration: Seconds(180.5),
        ..Song::default()
    };
    let player = PlayerState {
        state: PlaybackState::Play,
        song: Some(song),
        position: Seconds(10.0),
        position_at: Timestamp(100_000),
        playlist: Some("Evening".to_owned()),
        random: true,
        ..PlayerState::default()
    };
    let audio = AudioState {
        volume: Volume::clamped(42.0),
        ..AudioState::default()
    };
    amora_contract::State {
        player: Some(player),
        audio: Some(audio),
        ..Default::default()
    }
}

#[test]
fn the_status_is_the_originals_to_the_letter() {
    assert_eq!(
        status(&playing(), Timestamp(102_500)),
        json!({
            "state": "play",
            "volume": 42,
            "current_song": {
                "title": "B", "artist": "Unknown", "album": "A", "file": "a/b.flac",
                "duration": 180.5, "position": 12.5,
            },
            "playlist": "Evening",
            "repeat": false,
            "random": true,
        })
    );
}

#[test]
fn the_position_stands_still_when_paused_and_ends_with_the_song() {
    let mut state = playing();
    assert_eq!(
        status(&state, Timestamp(10_000_000))["current_song"]["position"],
        json!(180.5)
    );
    state.player.as_mut().unwrap().state = PlaybackState::Pause;
    assert_eq!(
        status(&state, Timestamp(10_000_000))["current_song"]["position"],
        json!(10.0)
    );
}

#[test]
fn nothing_is_sung_when_stopped_and_errors_have_a_text() {
    let mut state = playing();
    state.player.as_mut().unwrap().state = PlaybackState::Stop;
    assert_eq!(status(&state, Timestamp(0))["current_song"], Value::Null);
    let player = state.player.as_mut().unwrap();
    player.state = PlaybackState::Error;
    player.error = Some("cannot decode".to_owned());
    assert_eq!(status(&state, Timestamp(0))["error"], json!("cannot decode"));
}
