//! Chimes and the sound test.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_chime_is_heard_and_the_ready_chime_comes_by_itself() {
    let mut config = config();
    config.ready_chime = true;
    config.volume = Volume::MAX;
    let rig = Rig::start(config);
    let mut sound = rig.router.sound().subscribe();
    rig.audio_until("chiming", |audio| audio.mixer.active == ["chime"])
        .await;
    rig.audio_until("quiet", |audio| audio.mixer.active.is_empty())
        .await;
    let mut sound_now = sound.resubscribe();
    rig.ask(AudioCommand::Chime(PlayChime { chime: Chime::Done }))
        .await
        .unwrap();
    let chime = heard(&mut sound_now, 1.5).await;
    let start = chime
        .iter()
        .position(|sample| sample.abs() > 0.01)
        .expect("no chime");
    let tone = analysis::tone(&chime[start..start + 5_000], Hertz(48_000.0)).unwrap();
    assert!((tone.frequency.0 - 1046.5).abs() < 10.0, "{tone:?}");
    drop(sound.try_recv());
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sound_test_passes_in_a_sound_room() {
    let rig = Rig::start(config());
    rig.running().await;
    rig.set_volume(30.0).await;
    // A machine that pauses too long costs the run an xrun, which the report says; the next run is clean.
    let mut report = rig.test().await;
    for _ in 0..4 {
        if report.xruns == 0 {
            break;
        }
        report = rig.test().await;
    }
    assert!(
        report.pass && report.listened && report.advice.is_empty(),
        "{report:?}"
    );
    let names: Vec<_> = report
        .channels
        .iter()
        .map(|channel| channel.channel.as_str())
        .collect();
    assert_eq!(names, ["left", "right"]);
    for channel in &report.channels {
        assert!(
            (channel.sent.0 + 20.0).abs() < 0.2,
            "whatever the volume: {channel:?}"
        );
        // 6 dB because the room's one loudspeaker gets half of each channel, 20 dB by the room.
        let heard = channel.heard.unwrap().0;
        assert!((-56.0..=-36.0).contains(&heard), "{channel:?}");
        assert!((channel.frequency.unwrap().0 - 1000.0).abs() < 0.5, "{channel:?}");
        assert!(
            (4..=7).contains(&channel.delay.unwrap().0),
            "the room says 5 ms: {channel:?}"
        );
        assert!(channel.noise.unwrap().0 < heard - 10.0, "{channel:?}");
    }
    // The volume is back to what it was.
    let mut sound = rig.router.sound().subscribe();
    heard(&mut sound, 0.5).await;
    rig.ask(AudioCommand::Chime(PlayChime::default())).await.unwrap();
    let peak = analysis::peak(&heard(&mut sound, 1.2).await).0;
    assert!((peak + 12.0 + 42.0).abs() < 3.0, "{peak}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sound_test_fails_when_the_loudspeaker_is_dead() {
    let mut config = config();
    config.room.echo = Decibels(-200.0);
    let rig = Rig::start(config);
    rig.running().await;
    let report = rig.test().await;
    assert!(!report.pass && report.listened, "{report:?}");
    assert!(report.channels.iter().all(|channel| !channel.pass), "{report:?}");
    assert!(
        (report.channels[0].sent.0 + 20.0).abs() < 0.2,
        "it did leave the card: {report:?}"
    );
    assert!(
        report.advice.contains("loudspeaker") && report.advice.contains("left and right"),
        "{report:?}"
    );
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sound_test_fails_when_the_level_is_wrong() {
    let mut config = config();
    config.limit = Decibels(-30.0);
    let rig = Rig::start(config);
    rig.running().await;
    let report = rig.test().await;
    assert!(!report.pass, "{report:?}");
    assert!(report.advice.contains("audio.limit"), "{report:?}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_tested_is_answered() {
    let rig = Rig::start(config());
    rig.running().await;
    let doorway = rig.router.doorway(amora_router::AllowList::everything());
    let refused = async |name: &str, params| doorway.execute_named(name, params).await.unwrap_err();
    for (params, field) in [
        (json!({"frequency": 5}), "frequency"),
        (json!({"frequency": 30_000}), "frequency"),
        (json!({"level": 3}), "level"),
        (json!({"duration": 0}), "duration"),
        (json!({"duration": 99_999_999}), "duration"),
        (json!({"frequency": "high"}), "frequency"),
    ] {
        let error = refused("audio.test", params.clone()).await;
        assert_eq!(error.code, ErrorCode::InvalidParameter, "{params}: {error:?}");
        assert_eq!(error.field.as_deref(), Some(field), "{params}");
    }
    for (name, params, field) in [
        ("audio.set_volume", json!({}), "volume"),
        ("audio.set_volume", json!({"volume": "loud"}), "volume"),
        ("audio.chime", json!({"chime": "gong"}), "chime"),
        ("audio.set_mute", json!({"mute": 1}), "mute"),
    ] {
        assert_eq!(refused(name, params).await.field.as_deref(), Some(field));
    }
    doorway
        .execute_named("audio.set_mute", json!({"mute": true}))
        .await
        .unwrap();
    let error = refused("audio.test", json!({})).await;
    assert!(
        error.code == ErrorCode::Conflict && error.message.contains("muted"),
        "{error:?}"
    );
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_chimes_is_refused_with_words_and_harms_nothing() {
    let rig = Rig::start(config());
    rig.running().await;
    let mut busy = 0;
    for _ in 0..200 {
        match rig.ask(AudioCommand::Chime(PlayChime::default())).await {
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.code, ErrorCode::Busy);
                busy += 1;
            }
        }
    }
    assert!(busy > 0);
    rig.audio_until("quiet", |audio| audio.mixer.active.is_empty())
        .await;
    rig.ask(AudioCommand::Chime(PlayChime::default())).await.unwrap();
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_in_a_test_answers_it_and_records_what_was_played() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let mut config = config();
    config.recorder = Some(folder.path().join("out.wav"));
    config.room = RoomConfig::default();
    let rig = Rig::start_in(folder, config);
    rig.running().await;
    rig.ask(AudioCommand::Chime(PlayChime::default())).await.unwrap();
    rig.audio_until("chiming", |audio| audio.mixer.active == ["chime"])
        .await;
    rig.audio_until("quiet", |audio| audio.mixer.active.is_empty())
        .await;
    let router = rig.router.clone();
    let test = tokio::spawn(async move {
        router
            .execute(AudioCommand::Test(TestSound::default()).into())
            .await
    });
    rig.audio_until("testing", |audio| audio.mixer.active == ["chime"])
        .await;
    let folder = rig.stop().await;
    assert_eq!(test.await.unwrap().unwrap_err().code, ErrorCode::Unavailable);
    let (rate, channels, samples) = amora_audio::recorder::read_wav(&folder.path().join("out.wav")).unwrap();
    assert_eq!((rate.0, channels), (48_000.0, 2));
    assert!(
        samples.iter().any(|sample| sample.abs() > 0.01),
        "the chime is in the recording"
    );
}
