//! The card: lost, missing, lent and returned.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_card_is_told_and_found_again() {
    let rig = Rig::start(config());
    let mut events = rig.router.subscribe_events();
    rig.running().await;
    rig.room().set_unplugged(true);
    rig.until("degraded", |state| {
        let health = &state.system.health["audio"];
        health.condition == Condition::Degraded && !health.next_step.is_empty()
    })
    .await;
    let audio = rig.audio_until("lost", |audio| !audio.card.running).await;
    assert!(audio.card.error.unwrap().contains("unplugged"));
    let error = rig
        .ask(AudioCommand::Chime(PlayChime::default()))
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::Unavailable);
    assert!(error.message.contains("unplugged"), "{error:?}");

    rig.room().set_unplugged(false);
    let audio = rig.audio_until("back", |audio| audio.card.running).await;
    assert_eq!(audio.card.error, None);
    assert!(audio.counters.reopens >= 1);
    rig.until("well", |state| {
        state.system.health["audio"].condition == Condition::Ok
    })
    .await;
    let mut kinds = Vec::new();
    while let Ok(event) = events.try_recv() {
        if !matches!(event.kind, EventKind::HealthChanged { .. }) {
            kinds.push(event.kind.name());
        }
    }
    kinds.retain(|kind| *kind != "audio.xrun");
    assert_eq!(
        kinds,
        ["audio.card_opened", "audio.card_lost", "audio.card_opened"]
    );
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn xruns_are_counted_and_told_but_not_each() {
    let rig = Rig::start(config());
    let mut events = rig.router.subscribe_events();
    rig.running().await;
    rig.room().cause_xruns(30);
    let audio = rig
        .audio_until("counted", |audio| audio.counters.xruns >= 30)
        .await;
    assert!(audio.card.running);
    let mut told = 0;
    while let Ok(event) = events.try_recv() {
        told += usize::from(matches!(event.kind, EventKind::Xrun { .. }));
    }
    assert!((1..=4).contains(&told), "{told}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exclusive_mode_hands_the_card_over_and_takes_it_back() {
    let rig = Rig::start(config());
    rig.running().await;
    let doorway = rig.router.doorway(amora_router::AllowList::everything());
    let exclusive = json!({"exclusive": true});
    doorway
        .execute_named("audio.set_exclusive", exclusive)
        .await
        .unwrap();
    let audio = rig
        .audio_until("the player's", |audio| audio.owner == CardOwner::Player)
        .await;
    assert!(audio.exclusive && !audio.card.running);
    assert_eq!(rig.router.state().system.health["audio"].condition, Condition::Ok);

    // The player has the card open; a chime must wait until it lets go.
    rig.room().set_busy(true);
    let chime = tokio::spawn({
        let doorway = doorway.clone();
        async move { doorway.execute_named("audio.chime", json!({})).await }
    });
    rig.audio_until("returning", |audio| audio.owner == CardOwner::Returning)
        .await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!chime.is_finished(), "answered before it could be heard");
    rig.room().set_busy(false);
    chime.await.unwrap().unwrap();
    rig.audio_until("chiming", |audio| audio.mixer.active == ["chime"])
        .await;
    // Quiet again, the player gets it back.
    rig.audio_until("the player's again", |audio| audio.owner == CardOwner::Player)
        .await;

    let exclusive = json!({"exclusive": false});
    doorway
        .execute_named("audio.set_exclusive", exclusive)
        .await
        .unwrap();
    rig.audio_until("the engine's", |audio| {
        audio.owner == CardOwner::Engine && audio.card.running
    })
    .await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_is_not_there_is_explained_and_everything_else_answers() {
    let router = Router::new();
    let mut seat = router.take_seat(Section::Audio);
    let shutdown = CancellationToken::new();
    let folder = tempfile::tempdir().unwrap();
    let config = AudioConfig {
        card: CardKind::Alsa,
        device: "hw:CARD=NobodysCard".to_owned(),
        ..config()
    };
    let (data, stop) = (folder.path().to_owned(), shutdown.clone());
    let task =
        tokio::spawn(async move { crate::run(&mut seat, config, data, Consoles::new(None), stop).await });
    let mut watch = router.watch_state();
    let degraded = |state: &Arc<State>| {
        let health = state.system.health.get("audio");
        health.is_some_and(|health| health.condition == Condition::Degraded)
    };
    tokio::time::timeout(PATIENCE, watch.wait_for(degraded))
        .await
        .unwrap()
        .unwrap();
    let health = router.state().system.health["audio"].clone();
    assert!(health.cause.contains("NobodysCard"), "{health:?}");
    assert!(health.next_step.contains("plug the card in"), "{health:?}");

    let ask = async |command: AudioCommand| router.execute(command.into()).await;
    let volume = Volume::clamped(12.0);
    ask(AudioCommand::SetVolume(SetBoxVolume { volume }))
        .await
        .unwrap();
    let Ok(Reply::Audio(audio)) = ask(AudioCommand::GetStatus).await else {
        panic!("no status");
    };
    assert_eq!((audio.volume, audio.card.running), (volume, false));
    for command in [
        AudioCommand::Chime(PlayChime::default()),
        AudioCommand::Test(TestSound::default()),
    ] {
        assert_eq!(ask(command).await.unwrap_err().code, ErrorCode::Unavailable);
    }
    shutdown.cancel();
    tokio::time::timeout(PATIENCE, task)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_the_seat_ends_this_run() {
    let rig = Rig::start(config());
    rig.running().await;
    let _other = rig.router.take_seat(Section::Audio);
    let end = tokio::time::timeout(PATIENCE, rig.task).await.unwrap().unwrap();
    assert!(matches!(end, Err(SoundError::SeatTaken)), "{end:?}");
}
