use super::*;
use amora_contract::EventKind;
use amora_contract::commands::{PlayerCommand, SetRepeat};
use amora_router::SOUND_BLOCK_FRAMES;

#[tokio::test]
async fn the_whole_state_comes_first_and_then_what_changed() {
    let fixture = Fixture::new().await;
    let mut health = fixture.router.watch_state();
    health
        .wait_for(|state| state.system.health.contains_key("web"))
        .await
        .unwrap();
    fixture
        .router
        .update_state(|state| state.player = Some(Default::default()));
    let mut socket = fixture.socket().await;
    let first = socket.hear().await;
    assert_eq!(
        first["state"],
        serde_json::to_value(&*fixture.router.state()).unwrap()
    );

    fixture
        .router
        .update_state(|state| state.player.as_mut().unwrap().repeat = true);
    let change = socket.hear_next("state").await;
    let revision = fixture.router.state().revision;
    let player = serde_json::to_value(&fixture.router.state().player).unwrap();
    assert_eq!(change, json!({"revision": revision, "player": player}));

    fixture.router.update_state(|state| state.player = None);
    assert_eq!(
        socket.hear_next("state").await,
        json!({"revision": revision + 1, "player": null})
    );
}

#[tokio::test]
async fn a_client_that_is_behind_gets_the_latest_state_and_no_backlog() {
    let fixture = Fixture::new().await;
    let mut socket = fixture.socket().await;
    socket.hear_next("state").await;
    // One thread: the socket's task cannot run in between.
    for number in 0..10_000 {
        fixture
            .router
            .update_state(|state| state.system.name = format!("name {number}"));
    }
    let mut changes = 0;
    loop {
        changes += 1;
        if socket.hear_next("state").await["system"]["name"] == json!("name 9999") {
            break;
        }
    }
    assert!(changes <= 2, "{changes} messages for 10,000 changes");
}

#[tokio::test]
async fn events_come_as_they_happen_and_missed_ones_are_counted() {
    let fixture = Fixture::new().await;
    let mut socket = fixture.socket().await;
    socket.hear_next("state").await;
    fixture.router.publish_event(EventKind::Xrun { count: 1 });
    let event = socket.hear_next("event").await;
    assert_eq!(
        (&event["event"], &event["data"]),
        (&json!("audio.xrun"), &json!({"count": 1}))
    );
    assert!(event["time"].as_u64().unwrap() > 0);

    for count in 0..3000u64 {
        fixture.router.publish_event(EventKind::Xrun { count });
    }
    let missed = socket.hear_next("lagged").await.as_u64().unwrap();
    let next = socket.hear_next("event").await["data"]["count"].as_u64().unwrap();
    assert_eq!(next, missed, "what is not told is counted, and the rest follows");
    assert!(missed >= 1024, "{missed}");
}

#[tokio::test]
async fn commands_of_one_socket_are_carried_out_in_order_and_all_answered() {
    let fixture = Fixture::new().await;
    let mut socket = fixture.socket().await;
    for id in 0..500u32 {
        let message = json!({"id": id, "command": "player.play", "params": {"position": id}});
        socket.0.feed(Message::text(message.to_string())).await.unwrap();
    }
    socket.0.flush().await.unwrap();
    let mut answered = std::collections::BTreeSet::new();
    while answered.len() < 500 {
        let reply = socket.hear_next("reply").await;
        assert_eq!(reply["result"], json!(true));
        assert_eq!(reply["data"], json!({}));
        assert!(answered.insert(reply["id"].as_u64().unwrap()), "twice");
    }
    let reached: Vec<Value> = fixture
        .reached
        .lock()
        .unwrap()
        .iter()
        .map(|command| command.params()["position"].clone())
        .collect();
    assert_eq!(reached, (0..500).map(|id| json!(id)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_slow_command_does_not_hold_up_another_section() {
    let fixture = Fixture::new().await;
    let mut seat = fixture.router.take_seat(Section::Audio);
    let mut socket = fixture.socket().await;
    socket.say(json!({"id": "test", "command": "audio.test"})).await;
    let held = seat.next().await.unwrap();
    socket
        .say(json!({"id": "pause", "command": "player.pause"}))
        .await;
    assert_eq!(socket.hear_next("reply").await["id"], json!("pause"));
    held.answer(Ok(Reply::NOTHING));
    assert_eq!(socket.hear_next("reply").await["id"], json!("test"));
}

#[tokio::test]
async fn so_many_commands_of_one_socket_are_under_way_and_no_more() {
    let fixture = Fixture::new().await;
    let mut seat = fixture.router.take_seat(Section::Player);
    let mut socket = fixture.socket().await;
    for id in 0..100 {
        socket
            .say(json!({"id": id, "command": "player.set_repeat", "params": {"repeat": true}}))
            .await;
    }
    let mut held = Vec::new();
    for _ in 0..32 {
        held.push(seat.next().await.unwrap());
    }
    let more = tokio::time::timeout(Duration::from_millis(200), seat.next()).await;
    assert!(more.is_err(), "a 33rd is let in");
    let expected: Command = PlayerCommand::SetRepeat(SetRepeat { repeat: true }).into();
    for count in 0..100 {
        let request = match held.pop() {
            Some(request) => request,
            None => tokio::time::timeout(PATIENCE, seat.next())
                .await
                .unwrap()
                .unwrap(),
        };
        assert_eq!(request.command, expected, "{count}");
        request.answer(Ok(Reply::NOTHING));
    }
    for _ in 0..100 {
        assert_eq!(socket.hear_next("reply").await["result"], json!(true));
    }
}

#[tokio::test]
async fn mistakes_are_answered_and_the_socket_stays_open() {
    let fixture = Fixture::new().await;
    let mut socket = fixture.socket().await;
    for (message, id, code, field) in [
        ("{", Value::Null, "malformed", None),
        (
            r#"{"id":1,"command":"player.nothing"}"#,
            json!(1),
            "unknown_command",
            None,
        ),
        (
            r#"{"id":2,"command":"player.set_volume","params":{"volume":"x"}}"#,
            json!(2),
            "invalid_parameter",
            Some("volume"),
        ),
        (
            r#"{"id":3,"command":"player.set_volume","params":7}"#,
            json!(3),
            "invalid_parameter",
            Some("params"),
        ),
        (
            r#"{"id":4,"command":"player.create_playlist","params":{"name":"conflict"}}"#,
            json!(4),
            "conflict",
            None,
        ),
        (
            r#"{"id":5,"command":"system.reload"}"#,
            json!(5),
            "not_configured",
            None,
        ),
        (
            r#"{"subscribe":"levels"}"#,
            Value::Null,
            "invalid_parameter",
            Some("subscribe"),
        ),
    ] {
        socket.0.send(Message::text(message)).await.unwrap();
        let reply = socket.hear_next("reply").await;
        assert_eq!(
            (&reply["id"], &reply["result"]),
            (&id, &json!(false)),
            "{message}"
        );
        assert_eq!(reply["error"]["code"], json!(code), "{message}");
        assert_eq!(reply["error"]["field"], json!(field), "{message}");
    }
    socket.0.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(
        socket.hear_next("reply").await["error"]["code"],
        json!("malformed")
    );
    socket.say(json!({"id": 9, "command": "player.play"})).await;
    assert_eq!(socket.hear_next("reply").await["result"], json!(true));
}

#[tokio::test]
async fn levels_come_only_to_those_who_asked() {
    let fixture = Fixture::new().await;
    let (mut asking, mut other) = (fixture.socket().await, fixture.socket().await);
    asking.say(json!({"subscribe": ["levels"]})).await;
    // An answered command shows that the subscription before it was read.
    asking.say(json!({"id": 1, "command": "player.play"})).await;
    asking.hear_next("reply").await;
    fixture
        .router
        .levels()
        .send_modify(|levels| levels.ducking.0 = -18.0);
    assert_eq!(asking.hear_next("levels").await["ducking"], json!(-18.0));
    asking.say(json!({"unsubscribe": ["levels"]})).await;
    for socket in [&mut asking, &mut other] {
        socket.say(json!({"id": 2, "command": "player.play"})).await;
        loop {
            let message = socket.hear().await;
            assert!(message.get("levels").is_none(), "{message}");
            if message["reply"]["id"] == json!(2) {
                break;
            }
        }
    }
}

#[tokio::test]
async fn levels_come_at_most_twenty_times_a_second() {
    let fixture = Fixture::new().await;
    let mut socket = fixture.socket().await;
    socket.say(json!({"subscribe": ["levels"]})).await;
    socket.say(json!({"id": 1, "command": "player.play"})).await;
    socket.hear_next("reply").await;
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    for step in 0..400u16 {
        fixture
            .router
            .levels()
            .send_modify(|levels| levels.limiting.0 = -f32::from(step));
        tokio::time::advance(Duration::from_millis(5)).await;
        tokio::task::yield_now().await;
    }
    socket.say(json!({"id": 2, "command": "player.play"})).await;
    let mut readings = 0;
    loop {
        let message = socket.hear().await;
        readings += u128::from(message.get("levels").is_some());
        if message["reply"]["id"] == json!(2) {
            break;
        }
    }
    let most = start.elapsed().as_millis() / 50 + 1;
    assert!(
        (1..=most).contains(&readings),
        "{readings} readings, at most {most}"
    );
}

#[tokio::test]
async fn listening_brings_what_leaves_the_card_and_skips_when_it_is_slow() {
    let fixture = Fixture::new().await;
    let bearer = format!("Bearer {}", fixture.code);
    let mut socket = fixture
        .socket_with("/api/listen", &[("authorization", &bearer)])
        .await
        .unwrap();
    until_open(&fixture, SocketKind::Listen, 1).await;
    let block = |value: i16| amora_router::SoundBlock::from(vec![value; 2 * SOUND_BLOCK_FRAMES]);
    let mut heard = async || loop {
        if let Some(Message::Binary(bytes)) = socket.raw().await {
            assert_eq!(bytes.len(), 4 * SOUND_BLOCK_FRAMES);
            return i16::from_le_bytes([bytes[0], bytes[1]]);
        }
    };
    let send = fixture.router.sound().clone();
    while send.receiver_count() == 0 {
        tokio::task::yield_now().await;
    }
    send.send(block(-2)).unwrap();
    assert_eq!(heard().await, -2);

    for value in 0..500 {
        send.send(block(value)).unwrap();
    }
    tokio::task::yield_now().await;
    // Until the listener has found out that it fell behind, blocks may still be lost.
    let mut value = 1000;
    let arrived = loop {
        value += 1;
        send.send(block(value)).unwrap();
        if let Ok(first) = tokio::time::timeout(Duration::from_millis(50), heard()).await {
            break first;
        }
    };
    assert!(arrived > 500, "it goes on with the present, not with {arrived}");
}
