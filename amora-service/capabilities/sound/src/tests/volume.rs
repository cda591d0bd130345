//! Volume, mute and meters.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn volume_is_decibels_in_what_left_the_card_and_mute_is_silence() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let fifo = folder.path().join("music.fifo");
    let mut config = config();
    config.music.fifo = Some(fifo.clone());
    config.volume = Volume::MAX;
    let rig = Rig::start_in(folder, config);
    rig.running().await;
    let stop = CancellationToken::new();
    let music = play_music(fifo, stop.clone());
    rig.audio_until("playing", |audio| audio.mixer.active == ["music"])
        .await;
    let mut sound = rig.router.sound().subscribe();
    heard(&mut sound, 1.0).await;

    let mut levels = Vec::new();
    for volume in [100.0, 90.0, 50.0, 20.0] {
        rig.set_volume(volume).await;
        assert_eq!(
            rig.router.state().audio.as_ref().unwrap().volume,
            Volume::clamped(volume)
        );
        heard(&mut sound, 0.6).await;
        let tone = steady_tone(&mut sound).await;
        levels.push(tone.level.0);
    }
    let full = levels[0];
    assert!((full + 12.04).abs() < 0.3, "{levels:?}");
    for (level, expected) in levels.iter().zip([0.0, -6.0, -30.0, -48.0]) {
        assert!((level - full - expected).abs() < 0.5, "{levels:?}");
    }

    rig.ask(AudioCommand::SetMute(SetMute { mute: true }))
        .await
        .unwrap();
    heard(&mut sound, 0.6).await;
    assert!(heard(&mut sound, 0.3).await.iter().all(|&sample| sample == 0.0));
    rig.ask(AudioCommand::SetMute(SetMute { mute: false }))
        .await
        .unwrap();
    heard(&mut sound, 0.6).await;
    assert!(analysis::peak(&heard(&mut sound, 0.3).await).0 > -70.0);
    stop.cancel();
    rig.stop().await;
    music.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn volume_steps_stop_at_the_ends_and_survive_a_restart() {
    let rig = Rig::start(config());
    let doorway = rig.router.doorway(amora_router::AllowList::everything());
    for (by, expected) in [(-32_768, 0), (1, 1), (32_767, 100), (-58, 42)] {
        let reply = doorway
            .execute_named("audio.change_volume", json!({"by": by}))
            .await
            .unwrap();
        assert_eq!(reply.to_json()["volume"], expected);
    }
    rig.ask(AudioCommand::SetMute(SetMute { mute: true }))
        .await
        .unwrap();
    let folder = rig.stop().await;
    let again = Rig::start_in(folder, config());
    let audio = again.audio_until("there", |_| true).await;
    assert_eq!((audio.volume.get(), audio.mute), (42, true));
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn meters_move_only_for_those_who_look() {
    let rig = Rig::start(config());
    rig.running().await;
    let before = *rig.router.levels().borrow();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(*rig.router.levels().borrow(), before);
    let mut levels = rig.router.levels().subscribe();
    rig.ask(AudioCommand::Chime(PlayChime::default())).await.unwrap();
    let loud = levels.wait_for(|levels| levels.peak[0].0 > -40.0);
    tokio::time::timeout(PATIENCE, loud)
        .await
        .expect("no level")
        .unwrap();
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_volumes_ends_at_the_last_one() {
    let rig = Rig::start(config());
    rig.running().await;
    let storm: Vec<_> = (0..20)
        .map(|_| {
            let router = rig.router.clone();
            tokio::spawn(async move {
                for step in 0..250u32 {
                    let volume = Volume::clamped(f64::from(step % 100));
                    let command = AudioCommand::SetVolume(SetBoxVolume { volume });
                    router.execute(command.into()).await.unwrap();
                }
            })
        })
        .collect();
    for one in storm {
        one.await.unwrap();
    }
    rig.set_volume(77.0).await;
    assert_eq!(rig.router.state().audio.as_ref().unwrap().volume.get(), 77);
    let folder = rig.stop().await;
    let kept = std::fs::read_to_string(folder.path().join("sound.json")).unwrap();
    assert!(kept.contains("77"), "{kept}");
}
