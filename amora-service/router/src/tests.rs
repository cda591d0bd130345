use super::*;
use amora_contract::commands::PlayerCommand;
use amora_contract::reply::VolumeReply;
use amora_contract::state::Condition;
use amora_contract::units::Volume;

fn volume(value: f64) -> Reply {
    Reply::Volume(VolumeReply {
        volume: Volume::clamped(value),
        mute: false,
    })
}

#[tokio::test]
async fn a_command_reaches_its_seat_and_the_reply_comes_back() {
    let router = Router::new();
    let mut seat = router.take_seat(Section::Player);
    tokio::spawn(async move {
        while let Some(request) = seat.next().await {
            assert_eq!(request.command, PlayerCommand::GetVolume.into());
            request.answer(Ok(volume(40.0)));
        }
    });
    let doorway = router.doorway(AllowList::everything());
    assert_eq!(
        doorway.execute_named("player.get_volume", Value::Null).await,
        Ok(volume(40.0))
    );
}

#[tokio::test]
async fn an_empty_seat_is_not_configured() {
    let error = Router::new()
        .execute(PlayerCommand::Play(Default::default()).into())
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::NotConfigured);
    assert!(error.message.contains("[player]"), "{}", error.message);
}

#[tokio::test]
async fn a_dropped_request_is_answered_all_the_same() {
    let router = Router::new();
    let mut seat = router.take_seat(Section::Player);
    tokio::spawn(async move { drop(seat.next().await) });
    let error = router.execute(PlayerCommand::Stop.into()).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Unavailable);
}

#[tokio::test]
async fn a_door_lets_only_its_list_through() {
    let router = Router::new();
    let _seat = router.take_seat(Section::Player);
    let doorway = router.doorway(AllowList::new(&["audio.*".to_owned()]));
    let error = doorway
        .execute_named("player.stop", Value::Null)
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::NotAllowed);
}

#[tokio::test]
async fn the_revision_grows_only_with_a_real_change() {
    let router = Router::new();
    let mut watch = router.watch_state();
    router.update_state(|state| state.system.name = "Kitchen".to_owned());
    assert!(watch.has_changed().unwrap());
    assert_eq!(watch.borrow_and_update().revision, 1);
    router.update_state(|state| state.system.name = "Kitchen".to_owned());
    assert!(!watch.has_changed().unwrap());
}

#[tokio::test]
async fn a_change_of_health_is_state_and_event() {
    let router = Router::new();
    let mut events = router.subscribe_events();
    let health = router.health("player");
    health.degraded("MPD does not answer", "check that mpd.service runs");
    health.degraded("MPD does not answer", "check that mpd.service runs");
    assert_eq!(router.state().system.condition(), Condition::Degraded);
    assert_eq!(events.try_recv().unwrap().kind.name(), "system.health_changed");
    assert!(events.try_recv().is_err(), "the same news twice");
}

#[tokio::test(start_paused = true)]
async fn a_body_travels_with_its_command_and_may_take_its_time() {
    let router = Router::new();
    let mut seat = router.take_seat(Section::Player);
    tokio::spawn(async move {
        let mut request = seat.next().await.unwrap();
        let mut body = request.body.take().unwrap();
        let mut length = 0;
        while let Some(Ok(piece)) = body.pieces.recv().await {
            length += piece.len();
        }
        request.answer(Ok(volume(length as f64)));
    });
    let (sender, pieces) = mpsc::channel(1);
    let body = Body { size: None, pieces };
    let sending = async move {
        for _ in 0..3 {
            tokio::time::sleep(COMMAND_TIMEOUT).await;
            sender
                .send(Ok(bytes::Bytes::from_static(b"0123456789")))
                .await
                .unwrap();
        }
    };
    let doorway = router.doorway(AllowList::everything());
    let (reply, ()) = tokio::join!(doorway.execute_with(PlayerCommand::Stop.into(), body), sending);
    assert_eq!(reply, Ok(volume(30.0)));
    let (_, pieces) = mpsc::channel(1);
    let closed = router.doorway(AllowList::default());
    let error = closed
        .execute_with(PlayerCommand::Stop.into(), Body { size: None, pieces })
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::NotAllowed);
}
