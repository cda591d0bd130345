//! Hubs that answer as no hub does.

use super::{DEVICE, Music, assert_never_stumbled, calling, connected};
use crate::sound::listen;
use crate::support::recorded;
use amora_peer_hub::{Fault, Hub, Options};
use serde_json::{Value, json};
use std::cell::Cell;
use std::iter::repeat_n;
use std::time::Duration;

/// What is answered, and what the box then says of it.
const ANSWERS: [(Fault, &str); 7] = [
    (Fault::Error, "refused with 500: "),
    (Fault::Html, "the answer is not what was agreed: "),
    (
        Fault::BrokenSdp,
        "the answer cannot be used: it has no audio line",
    ),
    (Fault::VideoOnly, "it has no audio line, only video"),
    (Fault::Large, "the answer is longer than "),
    (Fault::Redirect, "redirected too often"),
    (Fault::NoAudio, "the answer cannot be used: it has no audio line"),
];

fn failures(state: &Value) -> u64 {
    state["counters"]["connection_failures"].as_u64().unwrap()
}

#[tokio::test]
async fn whatever_a_hub_answers_is_told_and_outlived_and_the_music_does_not_notice() {
    let played = Cell::new(Duration::ZERO);
    let recording = recorded(async || {
        let hub = Hub::start(Options::default()).await.unwrap();
        hub.answer_next_with(repeat_n(Fault::Error, 1_000));
        let mut house = calling(hub.url());
        house.start_everything().await;
        let music = Music::play(&house).await;
        let client = house.client();
        for (fault, cause) in ANSWERS {
            hub.answer_next_with(repeat_n(fault, 1_000));
            let before = failures(&client.command("voice.connect", json!({})).await);
            let state = client
                .state_where(cause, |state| {
                    let voice = &state["voice"];
                    // One attempt may have been under way.
                    failures(voice) >= before + 2
                        && voice["cause"].as_str().is_some_and(|told| told.contains(cause))
                })
                .await;
            assert_ne!(state["voice"]["link"], "connected");
        }
        client
            .state_where("the health to tell", |state| {
                let health = &state["system"]["health"]["voice"];
                health["condition"] == "degraded"
                    && health["cause"]
                        .as_str()
                        .is_some_and(|told| told.contains("no audio line"))
            })
            .await;

        // One that never ends is waited for, until nobody wants it any more.
        hub.answer_next_with(repeat_n(Fault::SlowDrip, 1_000));
        client.command("voice.connect", json!({})).await;
        client
            .state_where("an attempt", |state| state["voice"]["link"] == "connecting")
            .await;
        let before = failures(&client.command("voice.get_status", json!({})).await);
        listen(2.0).await;
        let state = client.command("voice.get_status", json!({})).await;
        assert_eq!((&state["link"], failures(&state)), (&json!("connecting"), before));
        client.command("voice.disconnect", json!({})).await;
        client
            .state_where("the attempt to end", |state| state["voice"]["link"] == "off")
            .await;

        hub.answer_next_with([]);
        client.command("voice.connect", json!({})).await;
        hub.connected(DEVICE).await;
        let state = connected(&house).await;
        assert_eq!(state["voice"]["cause"], "");
        played.set(music.played());
        house
    })
    .await;
    assert_never_stumbled(&recording, played.get());
}
