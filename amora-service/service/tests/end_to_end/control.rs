//! Every way to control the box, with the programs that people use, and all of them agree.

use crate::support::{Client, House, Subscriber, Tone, encode, publish, write_tone};
use serde_json::json;

const COMMANDS: &str = "amora/devices/test/commands";

async fn house_with_songs() -> House {
    let house = House::lived_in().await;
    for (number, name) in ["one", "two", "three"].into_iter().enumerate() {
        let wave = house.music().join(format!("{name}.wav"));
        write_tone(
            &wave,
            Tone {
                hertz: 500.0 + 100.0 * number as f64,
                seconds: 30.0,
                ..Tone::default()
            },
        );
        encode(&wave, "flac");
        std::fs::remove_file(wave).unwrap();
    }
    house.scan();
    house.mpc(&["add", "one.flac", "two.flac", "three.flac"]);
    house
}

#[tokio::test]
async fn mpc_controls_the_box_and_sees_what_others_did() {
    let house = house_with_songs().await;
    let client = house.client();
    client
        .state_where("the queue", |state| state["player"]["queue_length"] == 3)
        .await;

    house.mpc(&["play"]);
    client
        .state_where("the first song", |state| {
            state["player"]["song"]["file"] == "one.flac"
        })
        .await;
    house.mpc(&["next"]);
    let state = client
        .state_where("the second", |state| {
            state["player"]["song"]["file"] == "two.flac"
        })
        .await;
    assert_eq!(state["player"]["state"], "play");
    house.mpc(&["random", "on"]);
    house.mpc(&["repeat", "on"]);
    client
        .state_where("the modes", |state| {
            state["player"]["random"] == true && state["player"]["repeat"] == true
        })
        .await;

    house.mpc(&["volume", "42"]);
    client
        .state_where("mpc's volume", |state| state["audio"]["volume"] == 42)
        .await;
    client.command("player.set_volume", json!({"volume": 61})).await;
    client
        .state_where("the box's volume", |state| state["audio"]["volume"] == 61)
        .await;
    crate::support::until("mpc to show it", async || {
        house.mpc(&["volume"]).contains("61%").then_some(())
    })
    .await;
}

#[tokio::test]
async fn both_dialects_are_answered_over_mqtt_each_in_its_own() {
    let house = house_with_songs().await;
    let subscriber = Subscriber::start(&house, "amora/devices/test/#").await;
    let port = house.broker_port;

    publish(
        port,
        COMMANDS,
        r#"{"command":"set_volume","command_id":"device-1","params":{"volume":33},"timestamp":1.5,"colour":"red"}"#,
    );
    let reply = subscriber
        .message_where("an answer to the device dialect", "/responses", |message| {
            message.body["command_id"] == "device-1"
        })
        .await;
    assert_eq!(reply.body["result"], true, "{}", reply.body);
    assert!(
        reply.body["timestamp"].is_f64() || reply.body["timestamp"].as_u64() < Some(10_000_000_000),
        "seconds: {}",
        reply.body
    );

    publish(
        port,
        COMMANDS,
        r#"{"command":"getStatus","commandId":"client-1","params":null,"timestamp":1500}"#,
    );
    let reply = subscriber
        .message_where("an answer to the client dialect", "/responses", |message| {
            message.body["commandId"] == "client-1"
        })
        .await;
    assert_eq!(reply.body["result"], true, "{}", reply.body);
    assert_eq!(reply.body["data"]["status"]["volume"], 33, "{}", reply.body);
    assert!(
        reply.body["timestamp"].as_u64() > Some(1_000_000_000_000),
        "milliseconds: {}",
        reply.body
    );

    // Playing with a position of nothing must not lose the other fields of the state.
    publish(
        port,
        COMMANDS,
        r#"{"command":"play","command_id":"device-2","params":null,"timestamp":2.5}"#,
    );
    let state = subscriber
        .message_where("the playing state", "/state", |message| {
            ["play", "playing"]
                .iter()
                .any(|word| message.body["state"] == *word)
        })
        .await;
    assert_eq!(state.body["volume"], 33, "{}", state.body);

    publish(
        port,
        COMMANDS,
        r#"{"command":"make_coffee","command_id":"device-3","params":{}}"#,
    );
    let reply = subscriber
        .message_where("an answer to an unknown command", "/responses", |message| {
            message.body["command_id"] == "device-3"
        })
        .await;
    assert_eq!(reply.body["result"], false);
    assert_eq!(reply.body["message"], "Command make_coffee not supported");
}

#[tokio::test]
async fn the_page_needs_the_code_and_the_socket_does_not() {
    let house = house_with_songs().await;
    let code = std::fs::read_to_string(house.path("data/login-code")).unwrap();
    let stranger = Client::tcp(house.web_port, None);
    assert_eq!(stranger.get("/api/state").await.status, 401);
    assert_eq!(stranger.post("player.play", "{}").await.status, 401);
    let page = stranger.get("/").await;
    assert_eq!(page.status, 200);
    assert!(
        page.body
            .as_str()
            .is_some_and(|text| text.to_lowercase().contains("<!doctype html>"))
    );

    let wrong = Client::tcp(house.web_port, Some("AAAA-AAAA-AAAA"));
    assert_eq!(wrong.get("/api/state").await.status, 401);

    let friend = Client::tcp(house.web_port, Some(code.trim()));
    friend.command("player.set_random", json!({"random": true})).await;
    friend
        .state_where("the mode", |state| state["player"]["random"] == true)
        .await;
    let refused = friend.post("audio.set_volume", r#"{"volume":"loud"}"#).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert_eq!(refused.body["error"]["code"], "invalid_parameter");
    assert_eq!(refused.body["error"]["field"], "volume");
    assert_eq!(friend.post("audio.explode", "").await.status, 404);
}

#[tokio::test]
async fn every_door_tells_the_same_state() {
    let house = house_with_songs().await;
    let subscriber = Subscriber::start(&house, "amora/devices/test/#").await;
    let client = house.client();
    house.amoractl(&["audio", "set-volume", "58"]);
    house.amoractl(&["player", "play"]);
    client
        .state_where("the music", |state| {
            state["player"]["state"] == "play" && state["audio"]["volume"] == 58
        })
        .await;
    house.mpc(&["next"]);
    client
        .state_where("the song", |state| state["player"]["song"]["file"] == "two.flac")
        .await;

    let state = subscriber
        .message_where("the song over MQTT", "/state", |message| {
            let song = if message.body["current_song"].is_null() {
                "currentSong"
            } else {
                "current_song"
            };
            message.body[song]["file"] == "two.flac" && message.body["volume"] == 58
        })
        .await;
    assert!(!state.body["state"].is_null());
    assert!(house.mpc(&["status"]).contains("58%"));
    assert!(house.mpc(&["current", "-f", "%file%"]).contains("two.flac"));
    let seen = house.amoractl(&["player", "get-status"]);
    let song = seen
        .pointer("/data/song")
        .or_else(|| seen.get("song"))
        .unwrap_or_else(|| panic!("{seen}"));
    assert_eq!(song["file"], "two.flac");
}
