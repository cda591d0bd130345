use super::*;

#[tokio::test]
async fn a_message_too_long_ends_the_socket_with_its_reason() {
    let fixture = Fixture::new().await;
    let mut socket = fixture.socket().await;
    socket.0.send(Message::text("x".repeat(65 * 1024))).await.unwrap();
    assert_eq!(close_code(socket).await, 1009);
}

#[tokio::test]
async fn thousands_of_sockets_may_come_and_go() {
    let fixture = Fixture::new().await;
    for _ in 0..40 {
        let sockets = futures_util::future::join_all((0..50).map(|_| fixture.socket())).await;
        drop(sockets);
        until_open(&fixture, SocketKind::Control, 0).await;
    }
    fixture.socket().await.hear_next("state").await;
}

#[tokio::test]
async fn beyond_the_most_sockets_the_next_is_told_to_wait() {
    let fixture = Fixture::new().await;
    let most = u32::try_from(crate::door::SOCKETS).unwrap();
    let held = fixture.door.sockets.clone().try_acquire_many_owned(most).unwrap();
    let bearer = format!("Bearer {}", fixture.code);
    let refused = fixture
        .socket_with("/api/socket", &[("authorization", &bearer)])
        .await
        .err();
    let Some(WsError::Http(answer)) = refused else {
        panic!("should be refused")
    };
    assert_eq!(answer.status(), 429);
    assert!(answer.headers().contains_key("retry-after"));
    drop(held);
    fixture.socket().await.hear_next("state").await;
}

#[tokio::test]
async fn a_browser_that_never_reads_is_given_up_and_others_do_not_notice() {
    let fixture = Fixture::new().await;
    let _stuck = fixture.socket().await;
    let mut healthy = fixture.socket().await;
    until_open(&fixture, SocketKind::Control, 2).await;
    tokio::time::pause();
    let mut rounds = async |count: usize, step| {
        for round in 0..count {
            let name = format!("{step:?} {round} {}", "x".repeat(100_000));
            fixture
                .router
                .update_state(|state| state.system.name.clone_from(&name));
            while healthy.hear_next("state").await["system"]["name"] != json!(name) {}
            tokio::time::advance(step).await;
        }
    };
    // More than the system keeps for a reader that does not read.
    rounds(300, Duration::ZERO).await;
    assert_eq!(fixture.door.counters.open_sockets(SocketKind::Control), 2);
    rounds(20, Duration::from_secs(1)).await;
    assert_eq!(fixture.door.counters.open_sockets(SocketKind::Control), 1);
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_given_up() {
    let fixture = Fixture::new().await;
    let silent = fixture.socket().await;
    until_open(&fixture, SocketKind::Control, 1).await;
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(45)).await;
    assert_eq!(
        fixture.door.counters.open_sockets(SocketKind::Control),
        1,
        "not yet"
    );
    tokio::time::sleep(Duration::from_secs(45)).await;
    assert_eq!(fixture.door.counters.open_sockets(SocketKind::Control), 0);
    drop(silent);
}

#[tokio::test]
async fn closing_the_door_says_farewell() {
    let fixture = Fixture::new().await;
    let mut socket = fixture.socket().await;
    socket.hear_next("state").await;
    let listener = fixture
        .socket_with(
            "/api/listen",
            &[("authorization", &format!("Bearer {}", fixture.code))],
        )
        .await
        .unwrap();
    until_open(&fixture, SocketKind::Listen, 1).await;
    fixture.shutdown.cancel();
    assert_eq!(close_code(socket).await, 1001);
    assert_eq!(close_code(listener).await, 1001);
    fixture.stop().await;
}
