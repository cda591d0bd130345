//! Both dialects, driven by the real mosquitto and its command-line clients.

mod support;

use serde_json::{Value, json};
use support::{Broker, Device};

const COMMANDS: &str = "amora/devices/box/commands";
const RESPONSES: &str = "amora/devices/box/responses";
const STATE: &str = "amora/devices/box/state";
const CONNECTION: &str = "amora/devices/box/connection";

async fn scene() -> (Broker, Device, tempfile::TempDir) {
    let broker = Broker::start().await;
    let data = tempfile::tempdir().unwrap();
    let device = Device::open(broker.config(), data.path());
    device.ready().await;
    (broker, device, data)
}

#[tokio::test]
async fn a_device_dialect_client_and_a_client_sdk_are_served_side_by_side() {
    let (broker, device, _data) = scene().await;
    let mut responses = broker.subscribe(&[RESPONSES]).await;

    let command = json!({"command": "set_volume", "command_id": "py-1", "params": {"volume": 35}, "timestamp": 1.7e9, "extra": {}});
    broker.publish(COMMANDS, &command.to_string()).await;
    let answer = responses.next().await.json();
    assert_eq!(answer["command_id"], "py-1");
    assert_eq!(answer["result"], true);
    assert_eq!(answer["message"], "Command set_volume executed");
    assert_eq!(answer["data"], json!({"result": true}));
    assert!(answer["timestamp"].as_f64().unwrap() < 1e11, "seconds");

    let command = json!({"command": "getStatus", "commandId": "ts-1", "timestamp": 1_700_000_000_000u64});
    broker.publish(COMMANDS, &command.to_string()).await;
    let answer = responses.next().await.json();
    assert_eq!(answer["commandId"], "ts-1");
    assert!(
        answer["timestamp"].as_u64().unwrap() > 1_600_000_000_000,
        "milliseconds"
    );
    assert_eq!(answer["data"]["status"]["volume"], 35);

    let command = json!({"command": "getPlaylists", "commandId": "ts-2", "params": {}});
    broker.publish(COMMANDS, &command.to_string()).await;
    let answer = responses.next().await.json();
    assert_eq!(answer["data"]["playlists"][0]["name"], "Evening");
    assert_eq!(answer["data"]["playlists"][0]["items"][0]["title"], "Song");

    let command = json!({"command": "play_playlist", "commandId": "ts-3", "params": {"playlist": "Evening"}});
    broker.publish(COMMANDS, &command.to_string()).await;
    assert_eq!(responses.next().await.json()["result"], true);
    let asked = device.asked.lock().unwrap().last().unwrap().clone();
    assert_eq!(
        asked,
        ("player.play_playlist".to_owned(), json!({"playlist": "Evening"}))
    );

    broker
        .publish(COMMANDS, r#"{"command": "player.get_volume", "command_id": 5}"#)
        .await;
    let answer = responses.next().await.json();
    assert_eq!(
        (&answer["command_id"], &answer["data"]["result"]["volume"]),
        (&json!(5), &json!(35))
    );
    device.close().await;
}

#[tokio::test]
async fn whatever_is_wrong_is_answered_and_harms_nothing() {
    let (broker, device, _data) = scene().await;
    let mut responses = broker.subscribe(&[RESPONSES]).await;
    let wrong = [
        (r#"{"command": "explode", "command_id": "1"}"#, "unknown_command"),
        (
            r#"{"command": "setVolume", "commandId": "2"}"#,
            "invalid_parameter",
        ),
        (
            r#"{"command": "play", "command_id": "3", "params": [1]}"#,
            "invalid_parameter",
        ),
        (r#"{"command": "play", "command_id": "4", "#, "malformed"),
        (r#"{"command": ["play"], "command_id": "5"}"#, "invalid_parameter"),
        (
            r#"{"command": "seek", "command_id": "6", "params": {"position": 4}}"#,
            "conflict",
        ),
        (
            r#"{"command": "system.reload", "command_id": "7"}"#,
            "not_allowed",
        ),
        (r#"{"command_id": "8"}"#, "invalid_parameter"),
        ("\u{0}\u{1}\u{2}", "malformed"),
        ("[[[[[[", "malformed"),
        (" ", "malformed"),
    ];
    for (message, code) in wrong {
        broker.publish(COMMANDS, message).await;
        let answer = responses.next().await.json();
        assert_eq!(answer["result"], false, "{message}");
        assert_eq!(answer["error"]["code"], code, "{message}");
    }
    broker
        .publish_with(&["-r"], COMMANDS, br#"{"command": "next", "command_id": "kept"}"#)
        .await;
    // It arrives live, so it is carried out; but not again when a new connection finds it kept.
    assert_eq!(responses.next().await.json()["result"], true);
    device.close().await;
    let data = tempfile::tempdir().unwrap();
    let device = Device::open(broker.config(), data.path());
    let answer = responses.next().await.json();
    assert_eq!(
        (&answer["command_id"], &answer["error"]["code"]),
        (&json!("kept"), &json!("not_allowed"))
    );
    assert_eq!(device.times_asked("player.next"), 0);
    device.close().await;
}

#[tokio::test]
async fn a_message_of_ten_megabytes_is_refused_by_its_id_and_a_huge_answer_too() {
    let (broker, device, _data) = scene().await;
    let mut responses = broker.subscribe(&[RESPONSES]).await;
    let filler = "x".repeat(10 << 20);
    for huge in [
        format!(r#"{{"command": "play", "command_id": "head", "params": {{"a": "{filler}"}}}}"#),
        format!(r#"{{"params": {{"a": "{filler}"}}, "commandId": "tail", "command": "play"}}"#),
    ] {
        broker.publish(COMMANDS, &huge).await;
        let answer = responses.next().await.json();
        assert_eq!(answer["error"]["code"], "too_large");
        assert!(
            answer["command_id"] == "head" || answer["commandId"] == "tail",
            "{answer}"
        );
    }
    assert_eq!(device.times_asked("player.play"), 0);
    let command =
        json!({"command": "get_playlist_songs", "command_id": "songs", "params": {"playlist": "Huge"}});
    broker.publish(COMMANDS, &command.to_string()).await;
    let answer = responses.next().await.json();
    assert_eq!(
        (&answer["command_id"], &answer["error"]["code"]),
        (&json!("songs"), &json!("too_large"))
    );
    broker
        .publish(COMMANDS, r#"{"command": "play", "command_id": "after"}"#)
        .await;
    assert_eq!(responses.next().await.json()["result"], true);
    device.close().await;
}

#[tokio::test]
async fn repetitions_are_answered_but_not_carried_out() {
    let (broker, device, _data) = scene().await;
    let mut responses = broker.subscribe(&[RESPONSES]).await;
    for _ in 0..3 {
        broker
            .publish(COMMANDS, r#"{"command": "next", "command_id": "n"}"#)
            .await;
        assert_eq!(responses.next().await.json()["result"], true);
    }
    assert_eq!(device.times_asked("player.next"), 1);
    // The same id with other content is another command.
    broker
        .publish(COMMANDS, r#"{"command": "previous", "command_id": "n"}"#)
        .await;
    responses.next().await;
    assert_eq!(device.times_asked("player.previous"), 1);
    device.close().await;
}

#[tokio::test]
async fn a_slow_command_does_not_hold_up_the_others() {
    let (broker, device, _data) = scene().await;
    let mut responses = broker.subscribe(&[RESPONSES]).await;
    broker
        .publish(COMMANDS, r#"{"command": "audio.test", "command_id": "slow"}"#)
        .await;
    broker
        .publish(COMMANDS, r#"{"command": "pause", "command_id": "quick"}"#)
        .await;
    assert_eq!(responses.next().await.json()["command_id"], "quick");
    assert_eq!(responses.next().await.json()["command_id"], "slow");
    device.close().await;
}

#[tokio::test]
async fn a_storm_of_commands_is_answered_in_order_and_none_is_lost() {
    const STORM: usize = 30_000;
    let (broker, device, _data) = scene().await;
    let mut listener = broker.subscribe(&[RESPONSES, STATE]).await;
    let mut lines = String::new();
    for number in 0..STORM {
        let volume = number % 101;
        lines += &format!(
            "{{\"command\":\"set_volume\",\"command_id\":{number},\"params\":{{\"volume\":{volume}}}}}\n"
        );
    }
    let began = std::time::Instant::now();
    let storm = broker.publish_lines(COMMANDS, lines);
    let hearing = async {
        let (mut next, mut states) = (0, 0);
        while next < STORM {
            let heard = listener.next().await;
            if heard.topic == STATE {
                states += 1;
                continue;
            }
            let answer = heard.json();
            assert_eq!(answer["command_id"], json!(next));
            assert_eq!(answer["result"], true);
            next += 1;
        }
        states
    };
    let ((), states) = tokio::join!(storm, hearing);
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{STORM} commands answered in {seconds:.2} s ({:.0}/s), {states} states",
        STORM as f64 / seconds
    );
    // The latest state wins, whatever was left out on the way.
    let last = ((STORM - 1) % 101) as u64;
    listener
        .find(|heard| heard.topic == STATE && heard.json()["volume"] == last)
        .await;
    device.close().await;
}

#[tokio::test]
async fn state_and_connection_are_kept_for_later_subscribers() {
    let (broker, device, _data) = scene().await;
    let mut responses = broker.subscribe(&[RESPONSES]).await;
    broker
        .publish(COMMANDS, r#"{"command": "play", "command_id": "1"}"#)
        .await;
    responses.next().await;
    let mut state = broker.subscribe(&[STATE]).await;
    let playing = state.find(|heard| heard.json()["state"] == "play").await.json();
    for spelling in ["current_song", "currentSong"] {
        assert_eq!(playing[spelling]["title"], "Song");
        assert_eq!(playing[spelling]["duration"], 200.0);
    }
    // While playing the position is refreshed without anybody asking.
    let position = |state: &Value| state["current_song"]["position"].as_f64().unwrap();
    let before = position(&playing);
    state.find(|heard| position(&heard.json()) > before + 0.5).await;
    let mut kept = broker.subscribe(&[STATE, CONNECTION]).await;
    for _ in 0..2 {
        let heard = kept.next().await;
        assert!(heard.retained, "{heard:?}");
        let body = heard.json();
        match heard.topic.as_str() {
            CONNECTION => assert_eq!(body["status"], "online"),
            _ => assert_eq!(body["state"], "play"),
        }
    }
    device.close().await;
    assert_eq!(
        kept.find(|heard| heard.topic == CONNECTION).await.json()["status"],
        "offline"
    );
    let mut late = broker.subscribe(&[CONNECTION]).await;
    let heard = late.next().await;
    assert!(heard.retained && heard.json()["status"] == "offline", "{heard:?}");
}
