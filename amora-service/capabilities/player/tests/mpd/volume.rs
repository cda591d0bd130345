use crate::bench::{Bench, Mpd, eventually};
use amora_contract::ErrorCode;
use amora_contract::config::PlayerConfig;
use amora_contract::units::Volume;
use serde_json::json;

fn mpc_volume(mpd: &Mpd) -> String {
    mpd.mpc(&["volume"])
        .trim()
        .trim_start_matches("volume:")
        .trim()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_client_has_the_boxs_volume_in_its_hands() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    eventually("MPD takes the box's volume", || mpc_volume(&mpd) == "40%").await;
    assert!(
        bench.volumes.lock().unwrap().is_empty(),
        "the box's volume was changed by MPD's coming"
    );

    mpd.mpc(&["volume", "55"]);
    bench
        .until("what mpc set", |state| {
            state.audio.as_ref().unwrap().volume.get() == 55
        })
        .await;
    bench
        .router
        .update_state(|state| state.audio.as_mut().unwrap().volume = Volume::clamped(23.0));
    eventually("what a knob set", || mpc_volume(&mpd) == "23%").await;

    assert_eq!(
        bench.done("set_volume", json!({"volume": 64.4})).await,
        json!({"volume": 64, "mute": false})
    );
    assert_eq!(bench.done("get_volume", json!({})).await["volume"], 64);
    eventually("what a command set", || mpc_volume(&mpd) == "64%").await;
    assert_eq!(bench.done("set_volume", json!({"volume": -5})).await["volume"], 0);
    assert_eq!(bench.done("get_volume", json!({})).await["volume"], 0);
    assert_eq!(
        bench.done("set_volume", json!({"volume": 250})).await["volume"],
        100
    );
    eventually("the end of it", || mpc_volume(&mpd) == "100%").await;
    bench.done("get_status", json!({})).await;
    assert_eq!(*bench.volumes.lock().unwrap(), [55, 64, 0, 100], "an echo");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fader_that_moves_fast_ends_where_it_was_left() {
    let mpd = Mpd::start("");
    let bench = Bench::new(&mpd);
    bench.until_connected().await;
    eventually("MPD takes the box's volume", || mpc_volume(&mpd) == "40%").await;
    for volume in 41..=70 {
        mpd.mpc(&["volume", &volume.to_string()]);
    }
    bench
        .until("the end of the way", |state| {
            state.audio.as_ref().unwrap().volume.get() == 70
        })
        .await;
    bench.done("get_status", json!({})).await;
    assert_eq!((mpc_volume(&mpd).as_str(), bench.box_volume()), ("70%", 70));
    assert!(
        bench.volumes.lock().unwrap().is_sorted(),
        "the fader was pushed back"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_mpd_the_volume_works() {
    let bench = Bench::with(PlayerConfig {
        host: "/nowhere/socket".to_owned(),
        ..PlayerConfig::default()
    });
    assert_eq!(
        bench.done("set_volume", json!({"volume": 12})).await["volume"],
        12
    );
    assert_eq!(bench.done("get_volume", json!({})).await["volume"], 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_sound_section_mpds_own_volume_is_used() {
    let mpd = Mpd::start("");
    let mut bench = Bench::without_sound(PlayerConfig {
        host: mpd.socket().to_str().unwrap().to_owned(),
        ..PlayerConfig::default()
    });
    bench.start();
    bench.until_connected().await;
    assert_eq!(
        bench.done("set_volume", json!({"volume": 31})).await["volume"],
        31
    );
    assert_eq!(mpc_volume(&mpd), "31%");
    bench.done("get_status", json!({})).await;
    assert_eq!(bench.done("get_volume", json!({})).await["volume"], 31);
    mpd.mpc(&["disable", "Amora"]);
    eventually("no mixer", || !mpd.mpc(&["volume"]).contains('%')).await;
    bench.done("get_status", json!({})).await;
    assert_eq!(
        bench.refused("set_volume", json!({"volume": 31})).await.code,
        ErrorCode::Unavailable
    );
}
