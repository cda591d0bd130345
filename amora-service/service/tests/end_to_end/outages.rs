//! What the box needs goes away and comes back.

use crate::support::{House, Subscriber, Tone, encode, until, write_tone};
use serde_json::json;

#[tokio::test]
async fn mpd_dies_and_returns_and_nothing_else_suffers() {
    let mut house = House::lived_in().await;
    let wave = house.music().join("tone.wav");
    write_tone(
        &wave,
        Tone {
            seconds: 30.0,
            ..Tone::default()
        },
    );
    encode(&wave, "flac");
    house.scan();
    let client = house.client();

    house.mpd = None;
    let state = client
        .state_where("the loss", |state| state["player"]["state"] == "disconnected")
        .await;
    let health = &state["system"]["health"];
    assert_eq!(health["player"]["condition"], "degraded", "{health}");
    assert!(
        health["player"]["cause"]
            .as_str()
            .is_some_and(|cause| !cause.is_empty()),
        "{health}"
    );
    assert!(
        health["player"]["next_step"]
            .as_str()
            .is_some_and(|step| !step.is_empty()),
        "{health}"
    );
    assert_eq!(health["audio"]["condition"], "ok", "{health}");
    assert_eq!(health["mqtt"]["condition"], "ok", "{health}");
    let refused = client.post("player.play", "{}").await;
    assert_eq!(
        (refused.status, &refused.body["error"]["code"]),
        (503, &json!("unavailable")),
        "{}",
        refused.body
    );
    // The volume is the box's own.
    client.command("player.set_volume", json!({"volume": 44})).await;
    client.command("audio.chime", json!({})).await;

    house.start_mpd().await;
    client
        .state_where("the return", |state| state["player"]["state"] == "stop")
        .await;
    client
        .state_where("health", |state| {
            state["system"]["health"]["player"]["condition"] == "ok"
        })
        .await;
    until("MPD to be told the volume", async || {
        house.mpc(&["volume"]).contains("44%").then_some(())
    })
    .await;
    client
        .command("player.queue_add", json!({"uri": "tone.flac", "play": true}))
        .await;
    client
        .state_where("music", |state| state["audio"]["music"]["flowing"] == true)
        .await;
}

#[tokio::test]
async fn a_broker_that_was_away_gets_the_state_and_every_event() {
    let mut house = House::lived_in().await;
    let wave = house.music().join("tone.wav");
    write_tone(
        &wave,
        Tone {
            seconds: 30.0,
            ..Tone::default()
        },
    );
    let names = ["first.flac", "second.flac", "third.flac"];
    let flac = encode(&wave, "flac");
    for name in names {
        std::fs::copy(&flac, house.music().join(name)).unwrap();
    }
    house.scan();
    let client = house.client();
    let subscriber = Subscriber::durable(&house, "amora/devices/test/#").await;

    // Told to end, mosquitto writes down the sessions it knows, ours and the listener's.
    house.broker.as_mut().unwrap().end();
    client
        .state_where("the loss", |state| {
            state["system"]["health"]["mqtt"]["condition"] != "ok"
        })
        .await;
    for name in names {
        client
            .command("player.queue_add", json!({"uri": name, "play": true}))
            .await;
        client
            .state_where(name, |state| state["player"]["song"]["file"] == name)
            .await;
    }
    assert_eq!(
        client.state().await["system"]["health"]["player"]["condition"],
        "ok"
    );

    house.start_broker().await;
    client
        .state_where("the return", |state| {
            state["system"]["health"]["mqtt"]["condition"] == "ok"
        })
        .await;
    subscriber
        .message_where("the state of now", "/state", |message| {
            message.body["current_song"]["file"] == "third.flac"
                || message.body["currentSong"]["file"] == "third.flac"
        })
        .await;
    let songs = until("every song's event", async || {
        let songs: Vec<String> = subscriber
            .messages()
            .iter()
            .filter(|message| message.body["event"] == "player.song_changed")
            .filter_map(|message| message.body["data"]["song"]["file"].as_str().map(str::to_owned))
            .collect();
        (songs.len() >= names.len()).then_some(songs)
    })
    .await;
    assert_eq!(songs, names, "each once, in order");
}

#[tokio::test]
async fn a_box_that_dies_is_shown_offline_and_online_again_when_it_returns() {
    let mut house = House::lived_in().await;
    let subscriber = Subscriber::start(&house, "amora/devices/test/connection").await;
    let told = async |what: &str, times: usize| {
        until(what, async || {
            let all = subscriber.messages();
            let told = all
                .iter()
                .filter(|m| m.topic.ends_with("/connection"))
                .map(|m| m.body["status"].clone());
            let told: Vec<_> = told.collect();
            (told.len() >= times).then_some(told)
        })
        .await
    };
    assert_eq!(told("the retained status", 1).await, ["online"]);
    let retained = |leaf: &str| {
        subscriber
            .messages()
            .iter()
            .any(|m| m.topic.ends_with(leaf) && m.retained)
    };
    assert!(retained("/connection"));
    house.service().signal("KILL");
    assert_eq!(told("the last will", 2).await, ["online", "offline"]);
    house.start_service().await;
    assert_eq!(told("the return", 3).await, ["online", "offline", "online"]);
}
