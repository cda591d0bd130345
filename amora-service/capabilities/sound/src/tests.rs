//! The capability from outside: through a router, on a room.

mod card;
mod hearing;
mod talk;
mod volume;

use crate::slot::Chosen;
use crate::{Consoles, SoundError, run_with};
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
    consoles: Consoles,
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
                let other_side = slot.room();
                *room.lock().unwrap_or_else(PoisonError::into_inner) = Some(other_side.clone());
                Chosen {
                    slot: Box::new(slot),
                    stand_in: None,
                    room: Some(other_side),
                }
            }
        };
        let consoles = Consoles::new(None);
        let (data, stop, others) = (folder.path().to_owned(), shutdown.clone(), consoles.clone());
        let task = tokio::spawn(async move { run_with(&mut seat, config, data, others, stop, choose).await });
        Self {
            router,
            room,
            consoles,
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
