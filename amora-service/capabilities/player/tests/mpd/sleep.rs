//! The clock is moved forward by hand here, so the runtime has one thread.

use crate::bench::{Bench, Mpd, eventually, forward};
use crate::library_files::OPUS;
use amora_contract::EventKind;
use amora_contract::state::PlaybackState;
use serde_json::json;

/// A minute's timer that has just begun to fade.
async fn fading() -> (Mpd, Bench) {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    bench.done("queue_add", json!({"uri": OPUS, "play": true})).await;
    bench
        .until_player("playing", |player| player.state == PlaybackState::Play)
        .await;
    bench.done("set_sleep_timer", json!({"minutes": 1})).await;
    bench
        .until_player("a timer", |player| player.sleep_at.is_some())
        .await;
    forward(52).await;
    bench
        .until("the fade", |state| {
            state.audio.as_ref().unwrap().volume.get() < 38
        })
        .await;
    (mpd, bench)
}

async fn until_restored(bench: &Bench) {
    bench
        .until("the volume from before", |state| {
            state.audio.as_ref().unwrap().volume.get() == 40
        })
        .await;
}

#[tokio::test]
async fn the_music_fades_and_pauses_and_the_volume_comes_back() {
    let (_mpd, bench) = fading().await;
    assert_eq!(bench.player().state, PlaybackState::Play);
    forward(9).await;
    bench
        .until_player("asleep", |player| {
            player.state == PlaybackState::Pause && player.sleep_at.is_none()
        })
        .await;
    until_restored(&bench).await;
    assert!(bench.events().contains(&EventKind::Slept {}));
    let volumes = bench.volumes.lock().unwrap().clone();
    let (last, fade) = volumes.split_last().unwrap();
    assert!(
        *last == 40 && fade.is_sorted_by(|before, after| before > after),
        "{volumes:?}"
    );
    bench.done("play", json!({})).await;
    forward(120).await;
    assert_eq!(bench.done("get_status", json!({})).await["state"], "play");
}

#[tokio::test]
async fn cancelled_it_gives_the_volume_back() {
    let (_mpd, bench) = fading().await;
    bench.done("set_sleep_timer", json!({"minutes": null})).await;
    until_restored(&bench).await;
    bench
        .until_player("no timer", |player| player.sleep_at.is_none())
        .await;
    forward(30).await;
    assert_eq!(bench.done("get_status", json!({})).await["state"], "play");
    for minutes in [0, 1441] {
        let error = bench
            .refused("set_sleep_timer", json!({ "minutes": minutes }))
            .await;
        assert_eq!(error.field.as_deref(), Some("minutes"));
    }
}

#[tokio::test]
async fn paused_by_hand_it_gives_the_volume_back() {
    let (mpd, bench) = fading().await;
    mpd.mpc(&["pause"]);
    until_restored(&bench).await;
    bench
        .until_player("no timer", |player| player.sleep_at.is_none())
        .await;
}

#[tokio::test]
async fn when_mpd_dies_the_volume_comes_back_and_the_timer_goes_on() {
    let (mut mpd, bench) = fading().await;
    mpd.kill();
    until_restored(&bench).await;
    assert!(bench.player().sleep_at.is_some());
    forward(10).await;
    bench
        .until_player("the end", |player| player.sleep_at.is_none())
        .await;
}

#[tokio::test]
async fn whoever_turns_the_knob_during_the_fade_keeps_it() {
    let (mpd, bench) = fading().await;
    mpd.mpc(&["volume", "66"]);
    bench
        .until("the knob", |state| {
            state.audio.as_ref().unwrap().volume.get() == 66
        })
        .await;
    bench.done("get_status", json!({})).await;
    forward(10).await;
    bench
        .until_player("asleep", |player| player.state == PlaybackState::Pause)
        .await;
    bench.done("get_status", json!({})).await;
    assert_eq!(bench.box_volume(), 66);
}

#[tokio::test]
async fn the_end_of_the_service_gives_the_volume_back() {
    let (_mpd, mut bench) = fading().await;
    bench.stop().await;
    assert_eq!(bench.box_volume(), 40);
}

#[tokio::test]
async fn a_crash_in_the_fade_is_made_good_at_the_next_start() {
    let (_mpd, mut bench) = fading().await;
    let kept = bench.data().join("player.json");
    eventually("the note", || {
        std::fs::read_to_string(&kept)
            .unwrap_or_default()
            .contains("\"fading_from\":40")
    })
    .await;
    bench.abandon().await;
    assert!(bench.box_volume() < 40);
    bench.start();
    until_restored(&bench).await;
    eventually("no note", || {
        std::fs::read_to_string(&kept)
            .unwrap_or_default()
            .contains("\"fading_from\":null")
    })
    .await;
}
