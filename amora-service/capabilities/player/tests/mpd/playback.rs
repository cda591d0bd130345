use crate::bench::{Bench, Mpd};
use crate::library_files::{ALL, FLAC, OPUS};
use amora_contract::commands::ReplayGain;
use amora_contract::state::{Condition, PlaybackState};
use amora_contract::units::Timestamp;
use amora_contract::{ErrorCode, EventKind};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_transport_works_and_the_state_follows() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    assert_eq!(bench.refused("play", json!({})).await.code, ErrorCode::Conflict);
    assert_eq!(bench.refused("toggle", json!({})).await.code, ErrorCode::Conflict);
    assert_eq!(bench.refused("next", json!({})).await.code, ErrorCode::Conflict);
    for file in ALL {
        bench.done("add_track", json!({ "track": file })).await;
    }
    bench.done("play", json!({})).await;
    bench
        .until_player("playing", |player| player.state == PlaybackState::Play)
        .await;
    bench
        .until_player("the first song", |player| {
            player.song.as_ref().is_some_and(|song| song.file == FLAC)
        })
        .await;
    let song = bench.player().song.unwrap();
    assert_eq!(
        (song.title.as_str(), song.artist.as_str(), song.album.as_str()),
        ("Morning", "Ann", "First")
    );
    assert_eq!(
        (song.track, song.position, song.favourite),
        (Some(1), Some(0), Some(false))
    );
    assert!((song.duration.0 - 30.0).abs() < 0.1);
    bench
        .until_player("a format", |player| player.format == "44100:16:2")
        .await;

    bench.done("next", json!({})).await;
    bench
        .until_player("the second song", |player| player.queue_position == Some(1))
        .await;
    bench.done("previous", json!({})).await;
    bench
        .until_player("the first song again", |player| player.queue_position == Some(0))
        .await;
    bench.done("play", json!({"position": 3})).await;
    bench
        .until_player("the last song", |player| {
            player.song.as_ref().is_some_and(|song| song.file == OPUS)
        })
        .await;

    bench.done("seek", json!({"position": 60.5})).await;
    bench
        .until_player("sought", |player| player.position.0 >= 60.0)
        .await;
    bench
        .done("seek", json!({"position": -30, "relative": true}))
        .await;
    bench
        .until_player("sought back", |player| {
            player.position.0 < 45.0 && player.position.0 > 29.0
        })
        .await;
    assert!(bench.player().position_at.0 <= Timestamp::now().0);

    bench.done("pause", json!({})).await;
    bench
        .until_player("paused", |player| player.state == PlaybackState::Pause)
        .await;
    bench.done("toggle", json!({})).await;
    bench
        .until_player("playing again", |player| player.state == PlaybackState::Play)
        .await;
    bench.done("toggle", json!({})).await;
    bench
        .until_player("paused again", |player| player.state == PlaybackState::Pause)
        .await;
    bench.done("stop", json!({})).await;
    bench
        .until_player("stopped", |player| player.state == PlaybackState::Stop)
        .await;
    let stopped = bench.player();
    assert_eq!((stopped.song, stopped.position.0), (None, 0.0));
    // Once this is answered, everything about the state before it was said.
    bench.done("get_status", json!({})).await;
    let events = bench.events();
    let songs: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            EventKind::SongChanged { song } => Some(song.as_ref().map(|song| song.file.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(songs.first(), Some(&Some(FLAC)));
    assert_eq!(songs.last(), Some(&None));
    assert!(
        events
            .iter()
            .any(|event| matches!(event, EventKind::PlayerConnected { .. }))
    );
    assert_eq!(
        bench.router.state().system.health["player"].condition,
        Condition::Ok
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn options_are_set_and_shown() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    for name in ["repeat", "random", "single", "consume"] {
        bench.done(&format!("set_{name}"), json!({ name: true })).await;
    }
    bench.done("set_crossfade", json!({"seconds": 7})).await;
    for (word, mode) in [
        ("track", ReplayGain::Track),
        ("album", ReplayGain::Album),
        ("auto", ReplayGain::Auto),
        ("off", ReplayGain::Off),
    ] {
        bench.done("set_replay_gain", json!({ "mode": word })).await;
        bench
            .until_player(word, |player| player.replay_gain == mode)
            .await;
    }
    bench
        .until_player("all options", |player| {
            player.repeat && player.random && player.single && player.consume && player.crossfade.0 == 7.0
        })
        .await;
    assert_eq!(
        bench
            .refused("set_crossfade", json!({"seconds": 61}))
            .await
            .field
            .as_deref(),
        Some("seconds")
    );
    // The answer to `get_status` is never older than a command answered before it.
    for repeat in [false, true, false, true] {
        bench.done("set_repeat", json!({ "repeat": repeat })).await;
        assert_eq!(bench.done("get_status", json!({})).await["repeat"], json!(repeat));
    }
    mpd.mpc(&["random", "off"]);
    bench.until_player("what mpc set", |player| !player.random).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_places_are_refused_by_name() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    bench.done("add_track", json!({ "track": FLAC })).await;
    let error = bench.refused("play", json!({"position": 9})).await;
    assert_eq!(
        (error.code, error.field.as_deref()),
        (ErrorCode::InvalidParameter, Some("position"))
    );
    let error = bench.refused("play", json!({"id": 999})).await;
    assert_eq!(
        (error.code, error.field.as_deref()),
        (ErrorCode::NotFound, Some("id"))
    );
    assert!(error.message.contains("999"), "{error}");
    assert_eq!(
        bench.refused("seek", json!({"position": 1})).await.code,
        ErrorCode::Conflict
    );
    assert_eq!(
        bench.refused("seek", json!({"position": -1})).await.code,
        ErrorCode::InvalidParameter
    );
    assert_eq!(
        bench.refused("seek", json!({"position": 1e300})).await.code,
        ErrorCode::InvalidParameter
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_played_is_an_error_state_and_the_next_song_ends_it() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    bench
        .done("add_track", json!({"track": "http://127.0.0.1:9/nothing.mp3"}))
        .await;
    // MPD may notice while it starts to play, or later.
    if let Err(error) = bench.ask("play", json!({})).await {
        assert_eq!(error.code, ErrorCode::Failed);
        assert!(error.message.contains("nothing.mp3"), "{error}");
    }
    bench
        .until_player("an error", |player| player.state == PlaybackState::Error)
        .await;
    assert!(bench.player().error.is_some_and(|text| !text.is_empty()));
    bench.done("add_track", json!({ "track": FLAC })).await;
    bench.done("play", json!({"position": 1})).await;
    bench
        .until_player("playing", |player| {
            player.state == PlaybackState::Play && player.error.is_none()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_commands_are_all_answered() {
    let mpd = Mpd::start("");
    let bench = std::sync::Arc::new(Bench::new(&mpd));
    bench.until_connected().await;
    let revision = bench.router.state().revision;
    let tasks: Vec<_> = (0..50)
        .map(|task| {
            let bench = bench.clone();
            tokio::spawn(async move {
                for turn in 0..200 {
                    let on = (task + turn) % 2 == 0;
                    bench.done("set_repeat", json!({ "repeat": on })).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let status = bench.done("get_status", json!({})).await;
    assert_eq!(status["state"], "stop");
    let changes = bench.router.state().revision - revision;
    assert!(
        changes < 5_000,
        "{changes} publications for 10,000 commands: news are not read together"
    );
}
