use crate::bench::{Bench, Mpd};
use amora_contract::ErrorCode;
use amora_contract::config::PlayerConfig;
use amora_contract::state::{CardOwner, Condition, PlayerState};
use serde_json::json;

fn enabled(player: &PlayerState) -> Vec<&str> {
    player
        .outputs
        .iter()
        .filter(|output| output.enabled)
        .map(|output| output.name.as_str())
        .collect()
}

fn set_owner(bench: &Bench, owner: CardOwner) {
    bench
        .router
        .update_state(|state| state.audio.as_mut().unwrap().owner = owner);
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_are_listed_and_switched() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    let outputs = bench.done("get_outputs", json!({})).await;
    assert_eq!(
        outputs["outputs"][0],
        json!({"id": 0, "name": "Amora", "plugin": "fifo", "enabled": true})
    );
    bench.done("set_output", json!({"id": 1, "enabled": true})).await;
    bench
        .until_player("both", |player| enabled(player) == ["Amora", "Exclusive"])
        .await;
    bench.done("set_output", json!({"id": 0, "enabled": false})).await;
    bench
        .until_player("one", |player| enabled(player) == ["Exclusive"])
        .await;
    let error = bench
        .refused("set_output", json!({"id": 9, "enabled": true}))
        .await;
    assert_eq!(
        (error.code, error.field.as_deref()),
        (ErrorCode::NotFound, Some("id"))
    );
    mpd.mpc(&["enable", "Amora"]);
    bench
        .until_player("what mpc did", |player| enabled(player).len() == 2)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_card_is_taken_and_given_back() {
    let mut mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench
        .until_player("the mixer's output", |player| enabled(player) == ["Amora"])
        .await;
    set_owner(&bench, CardOwner::Player);
    bench
        .until_player("the card's output", |player| enabled(player) == ["Exclusive"])
        .await;
    set_owner(&bench, CardOwner::Returning);
    bench
        .until_player("the mixer's output again", |player| enabled(player) == ["Amora"])
        .await;
    set_owner(&bench, CardOwner::Engine);
    set_owner(&bench, CardOwner::Player);
    bench
        .until_player("exclusive again", |player| enabled(player) == ["Exclusive"])
        .await;
    assert_eq!(
        bench.box_volume(),
        40,
        "an output without a mixer has no say in the volume"
    );

    // MPD restores its outputs from its state file; the card's owner has the last word.
    mpd.stop();
    bench.until_player("gone", |player| player.error.is_some()).await;
    set_owner(&bench, CardOwner::Engine);
    mpd.start_again();
    bench.until_connected().await;
    bench
        .until_player("the mixer's output after all", |player| {
            enabled(player) == ["Amora"]
        })
        .await;
    let mpd_volume = || mpd.mpc(&["volume"]).contains("40%");
    crate::bench::eventually("the box's volume", mpd_volume).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_output_is_reported() {
    let mpd = Mpd::start("");
    let bench = Bench::with(PlayerConfig {
        host: mpd.socket().to_str().unwrap().to_owned(),
        mixer_output: "Mixer".to_owned(),
        ..PlayerConfig::default()
    });
    bench
        .until("degraded", |state| {
            state.system.health.get("player").is_some_and(|health| {
                health.condition == Condition::Degraded
                    && health.cause.contains("`Mixer`")
                    && health.next_step.contains("mpd.conf")
            })
        })
        .await;
    bench.done("set_repeat", json!({"repeat": true})).await;
}
