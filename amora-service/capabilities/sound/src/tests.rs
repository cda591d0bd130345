//! The capability from outside: through a router, on a room.

use crate::slot::Chosen;
use crate::{SoundError, run_with};
use amora_audio::analysis;
use amora_audio::card::room::{Pace, Room, RoomSlot};
use amora_contract::commands::{AudioCommand, Chime, PlayChime, SetBoxVolume, SetMute, TestSound};
use amora_contract::config::{AudioConfig, CardKind, RoomConfig};
use amora_contract::reply::SoundTestReport;
use amora_contract::state::{AudioState, CardOwner, Condition, State};
use amora_contract::units::{Decibels, Hertz, Millis, Volume};
use amora_contract::{CommandError, ErrorCode, EventKind, Reply, Section};
use amora_router::{Router, SoundBlock};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Long enough for anything here on a busy machine; nothing waits that long when all is well.
const PATIENCE: Duration = Duration::from_secs(40);

/// A running box: nothing but sound.
struct Rig {
    router: Router,
    room: Arc<Mutex<Option<Room>>>,
    folder: Arc<TempDir>,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), SoundError>>,
}

fn config() -> AudioConfig {
    AudioConfig {
        card: CardKind::Room,
        // A shared machine pauses for longer than a card would.
        periods: 8,
        period: amora_contract::units::Frames(480),
        real_time_priority: 0,
        ready_chime: false,
        ..AudioConfig::default()
    }
}

impl Rig {
    fn start(config: AudioConfig) -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().unwrap()), config)
    }

    fn start_in(folder: Arc<TempDir>, config: AudioConfig) -> Self {
        let router = Router::new();
        let mut seat = router.take_seat(Section::Audio);
        let shutdown = CancellationToken::new();
        let room = Arc::new(Mutex::new(None));
        let choose = {
            let (room, config) = (Arc::clone(&room), config.clone());
            move || {
                let slot = RoomSlot::new(
                    &config.room,
                    config.rate,
                    config.period,
                    config.periods,
                    Pace::RealTime,
                );
                *room.lock().unwrap_or_else(PoisonError::into_inner) = Some(slot.room());
                Chosen {
                    slot: Box::new(slot),
                    stand_in: None,
                }
            }
        };
        let (data, stop) = (folder.path().to_owned(), shutdown.clone());
        let task = tokio::spawn(async move { run_with(&mut seat, config, data, stop, choose).await });
        Self {
            router,
            room,
            folder,
            shutdown,
            task,
        }
    }

    fn room(&self) -> Room {
        self.room.lock().unwrap().clone().unwrap()
    }

    async fn until(&self, what: &str, holds: impl Fn(&State) -> bool) -> Arc<State> {
        let mut watch = self.router.watch_state();
        let state = tokio::time::timeout(PATIENCE, watch.wait_for(|state| holds(state))).await;
        state
            .unwrap_or_else(|_| panic!("never {what}: {:?}", self.router.state()))
            .unwrap()
            .clone()
    }

    async fn audio_until(&self, what: &str, holds: impl Fn(&AudioState) -> bool) -> AudioState {
        let state = self
            .until(what, |state| state.audio.as_ref().is_some_and(&holds))
            .await;
        state.audio.clone().unwrap()
    }

    async fn running(&self) {
        self.audio_until("running", |audio| audio.card.running).await;
    }

    async fn ask(&self, command: AudioCommand) -> Result<Reply, CommandError> {
        self.router.execute(command.into()).await
    }

    async fn set_volume(&self, volume: f64) {
        let volume = Volume::clamped(volume);
        self.ask(AudioCommand::SetVolume(SetBoxVolume { volume }))
            .await
            .unwrap();
    }

    async fn test(&self) -> SoundTestReport {
        let test = TestSound {
            duration: Millis(300),
            ..TestSound::default()
        };
        match self.ask(AudioCommand::Test(test)).await.unwrap() {
            Reply::SoundTest(report) => report,
            other => panic!("{other:?}"),
        }
    }

    async fn stop(self) -> Arc<TempDir> {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        self.folder
    }
}

/// Left channel of what leaves the card, in seconds from now on.
async fn heard(sound: &mut broadcast::Receiver<SoundBlock>, seconds: f64) -> Vec<f32> {
    let mut left = Vec::new();
    while left.len() < (seconds * 48_000.0) as usize {
        match tokio::time::timeout(PATIENCE, sound.recv()).await.unwrap() {
            Ok(block) => left.extend(
                block
                    .iter()
                    .step_by(2)
                    .map(|&sample| f32::from(sample) / 32_768.0),
            ),
            Err(broadcast::error::RecvError::Lagged(_)) => left.clear(),
            Err(error) => panic!("{error}"),
        }
    }
    left
}

/// The tone that leaves the card, once it does so for half a second without a gap: a machine that is busy elsewhere may
/// tear one. Its pitch is not exactly 997 Hz, because the music's clock is followed.
async fn steady_tone(sound: &mut broadcast::Receiver<SoundBlock>) -> analysis::Tone {
    let mut found = None;
    for _ in 0..40 {
        found = analysis::tone(&heard(sound, 0.5).await, Hertz(48_000.0));
        if let Some(tone) = found.filter(|tone| tone.distortion.0 < -30.0) {
            assert!((tone.frequency.0 - 997.0).abs() < 10.0, "{tone:?}");
            return tone;
        }
    }
    panic!("no steady tone: {found:?}");
}

/// Writes a tone into the music FIFO, as MPD does, until the other side closes or `stop`.
fn play_music(fifo: PathBuf, stop: CancellationToken) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut file = std::fs::OpenOptions::new().write(true).open(fifo).unwrap();
        let mut frame = 0u64;
        let start = std::time::Instant::now();
        while !stop.is_cancelled() {
            let bytes: Vec<u8> = (0..960)
                .flat_map(|_| {
                    let turns = 997.0 * frame as f64 / 48_000.0;
                    frame += 1;
                    let sample = (0.25 * (std::f64::consts::TAU * turns.fract()).sin()) as f32;
                    [sample.to_le_bytes(), sample.to_le_bytes()].concat()
                })
                .collect();
            if file.write_all(&bytes).is_err() {
                return;
            }
            let due =
                Duration::from_secs_f64(frame as f64 / 48_000.0).saturating_sub(Duration::from_millis(100));
            std::thread::sleep(due.saturating_sub(start.elapsed()));
        }
    })
}

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
    let task = tokio::spawn(async move { crate::run(&mut seat, config, data, stop).await });
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

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_the_seat_ends_this_run() {
    let rig = Rig::start(config());
    rig.running().await;
    let _other = rig.router.take_seat(Section::Audio);
    let end = tokio::time::timeout(PATIENCE, rig.task).await.unwrap().unwrap();
    assert!(matches!(end, Err(SoundError::SeatTaken)), "{end:?}");
}
