use crate::bench::{Bench, Mpd};
use crate::library_files::{FLAC, OPUS};
use amora_contract::state::{Condition, PlaybackState, PlayerState};
use amora_contract::{ErrorCode, EventKind};
use serde_json::json;

/// MPD comes back paused, so whatever plays afterwards was set going by the player.
const PAUSED: &str = "restore_paused \"yes\"\nstate_file_interval \"1\"";

fn plays(player: &PlayerState, file: &str) -> bool {
    player.state == PlaybackState::Play && player.song.as_ref().is_some_and(|song| song.file == file)
}

async fn play_from(bench: &Bench, file: &str, position: f64) {
    bench.done("queue_add", json!({ "uri": FLAC })).await;
    bench
        .done("queue_add", json!({ "uri": file, "play": true }))
        .await;
    bench.done("seek", json!({ "position": position })).await;
    bench
        .until_player("playing there", |player| {
            plays(player, file) && player.position.0 >= position
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loss_of_mpd_is_said_at_once_and_mpd_is_found_again() {
    let mut mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    play_from(&bench, OPUS, 10.0).await;
    bench.events();
    mpd.kill();
    bench
        .until_player("disconnected", |player| {
            player.state == PlaybackState::Disconnected
        })
        .await;
    let lost = bench.player();
    assert!(lost.error.is_some_and(|cause| cause.contains("MPD")));
    assert_eq!((lost.song, lost.queue_length), (None, 2));
    let health = bench.router.state().system.health["player"].clone();
    assert_eq!(health.condition, Condition::Degraded);
    assert!(health.next_step.contains("mpd"), "{health:?}");
    let error = bench.refused("play", json!({})).await;
    assert_eq!(error.code, ErrorCode::Unavailable);
    assert!(error.message.contains("MPD"), "{error}");
    assert_eq!(
        bench.refused("set_crossfade", json!({"seconds": 99})).await.code,
        ErrorCode::InvalidParameter
    );
    assert_eq!(bench.done("get_status", json!({})).await["state"], "disconnected");
    assert_eq!(
        bench.done("set_volume", json!({"volume": 77})).await["volume"],
        77
    );
    mpd.start_again();
    bench.until_connected().await;
    bench
        .until("well again", |state| {
            state.system.health["player"].condition == Condition::Ok
        })
        .await;
    crate::bench::eventually("MPD gets the volume", || mpd.mpc(&["volume"]).contains("77%")).await;
    let events = bench.events();
    assert!(
        events
            .iter()
            .any(|event| matches!(event, EventKind::PlayerDisconnected { .. }))
    );
    assert!(
        events
            .iter()
            .any(|event| matches!(event, EventKind::PlayerConnected { .. }))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn music_that_played_goes_on_after_mpds_restart() {
    let mut mpd = Mpd::start(PAUSED);
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    play_from(&bench, OPUS, 40.0).await;
    mpd.stop();
    bench
        .until_player("gone", |player| player.state == PlaybackState::Disconnected)
        .await;
    mpd.start_again();
    bench.until_player("going on", |player| plays(player, OPUS)).await;
    let position = bench.player().position.0;
    assert!((39.0..80.0).contains(&position), "{position}");
}

#[tokio::test(flavor = "multi_thread")]
async fn music_goes_on_after_a_power_cut() {
    let mut mpd = Mpd::start(PAUSED);
    let mut bench = Bench::new(&mpd);
    bench.until_connected().await;
    play_from(&bench, OPUS, 40.0).await;
    let state_file = mpd.socket().with_file_name("state");
    crate::bench::eventually("MPD's own memory", || {
        std::fs::read_to_string(&state_file)
            .unwrap_or_default()
            .contains("Long.opus")
    })
    .await;
    let kept = bench.data().join("player.json");
    crate::bench::eventually("the player's memory", || {
        std::fs::read_to_string(&kept)
            .unwrap_or_default()
            .contains("Long.opus")
    })
    .await;
    mpd.kill();
    bench.abandon().await;
    // No box is back sooner, and MPD tells its age in whole seconds only.
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    mpd.start_again();
    assert!(mpd.mpc(&["status"]).contains("[paused]"));
    bench.start();
    bench
        .until_player("going on", |player| {
            plays(player, OPUS) && player.position.0 >= 39.0
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn music_that_was_paused_stays_paused() {
    let mut mpd = Mpd::start(PAUSED);
    let mut bench = Bench::new(&mpd);
    bench.until_connected().await;
    play_from(&bench, OPUS, 40.0).await;
    bench.done("pause", json!({})).await;
    bench
        .until_player("paused", |player| player.state == PlaybackState::Pause)
        .await;
    mpd.stop();
    bench
        .until_player("gone", |player| player.state == PlaybackState::Disconnected)
        .await;
    mpd.start_again();
    bench.until_connected().await;
    assert_eq!(bench.done("get_status", json!({})).await["state"], "pause");
    bench.stop().await;
    mpd.stop();
    mpd.start_again();
    bench.start();
    bench.until_connected().await;
    assert_eq!(bench.done("get_status", json!({})).await["state"], "pause");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_paused_while_the_service_was_away_stays_paused() {
    let mpd = Mpd::start(PAUSED);
    let mut bench = Bench::new(&mpd);
    bench.until_connected().await;
    bench
        .done("create_playlist", json!({"name": "P", "files": [OPUS]}))
        .await;
    bench.done("play_playlist", json!({"playlist": "P"})).await;
    bench.until_player("playing", |player| plays(player, OPUS)).await;
    bench.stop().await;
    mpd.mpc(&["pause"]);
    bench.start();
    bench.until_connected().await;
    bench
        .until_player("paused", |player| player.state == PlaybackState::Pause)
        .await;
    assert_eq!(
        bench.player().playlist.as_deref(),
        Some("P"),
        "MPD's queue is still the playlist's"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_told_not_to_resume_does_not() {
    use amora_contract::config::PlayerConfig;
    let mut mpd = Mpd::start(PAUSED);
    let bench = Bench::with(PlayerConfig {
        host: mpd.socket().to_str().unwrap().to_owned(),
        resume: false,
        ..PlayerConfig::default()
    });
    bench.until_connected().await;
    play_from(&bench, OPUS, 40.0).await;
    mpd.stop();
    bench
        .until_player("gone", |player| player.state == PlaybackState::Disconnected)
        .await;
    mpd.start_again();
    bench.until_connected().await;
    assert_eq!(bench.done("get_status", json!({})).await["state"], "pause");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_given_and_a_wrong_one_explained() {
    use amora_contract::config::PlayerConfig;
    let mpd = Mpd::start(
        "password \"let me \\\"in\\\"@read,add,control,admin\"\ndefault_permissions \"\"\n# no-update",
    );
    let config = |password: Option<&str>| PlayerConfig {
        host: mpd.socket().to_str().unwrap().to_owned(),
        password: password.map(str::to_owned),
        ..PlayerConfig::default()
    };
    let bench = Bench::with(config(Some("let me \"in\"")));
    bench.until_connected().await;
    for password in [Some("wrong"), None] {
        let bench = Bench::with(config(password));
        bench
            .until("degraded", |state| {
                state
                    .system
                    .health
                    .get("player")
                    .is_some_and(|health| health.next_step.contains("`password`"))
            })
            .await;
        assert_eq!(
            bench.refused("stop", json!({})).await.code,
            ErrorCode::Unavailable
        );
    }
}
