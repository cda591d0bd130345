//! Answers commands, watches the engine and keeps the state.

mod answers;

use crate::SoundError;
use crate::exclusive::{Act, Exclusive};
use crate::memory::{Memory, Remembered};
use crate::news::{Herald, Publisher, next_step};
use crate::slot::Chosen;
use crate::streams::feed_sound;
use crate::talk;
use amora_audio::card::alsa;
use amora_audio::engine::{CardPhase, Console, Engine, EngineOptions, EngineStatus, SourceKind};
use amora_audio::real_time;
use amora_audio::recorder::Recorder;
use amora_contract::commands::{Chime, TestSound};
use amora_contract::config::AudioConfig;
use amora_contract::reply::SoundTestReport;
use amora_contract::state::AudioState;
use amora_contract::units::Hertz;
use amora_contract::{CommandError, ErrorCode};
use amora_router::{Ear, HealthReporter, Request, SOUND_RATE, Seat};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How often the engine is looked at, and meters move, while something sounds, changes or is watched.
const LOOK: Duration = Duration::from_millis(50);

/// How often otherwise: every look wakes a processor that could sleep.
const GLANCE: Duration = Duration::from_millis(250);

/// How often a real card is looked for while the room stands in.
const SEARCH: Duration = Duration::from_secs(5);

/// Why the desk was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Shutdown,
    /// There is a real card now, in whose place the room stood.
    CardFound,
}

/// What waits for the card to come back from the player.
enum Job {
    Chime(Chime),
    Test(TestSound),
}

type Tested = (Request, Result<SoundTestReport, CommandError>);

/// The running capability.
pub(crate) struct Desk<'a> {
    seat: &'a mut Seat,
    engine: Arc<Engine>,
    recorder: Option<Recorder>,
    listeners: JoinHandle<()>,
    /// Where others talk into the room, where the card is one.
    ear: Option<Arc<Ear>>,
    search: Option<JoinHandle<bool>>,
    searched: Instant,
    /// Why the room stands in for a card, where it does.
    stand_in: Option<String>,
    present: Remembered,
    memory: Memory,
    writing: Option<JoinHandle<()>>,
    exclusive: Exclusive,
    publisher: Publisher,
    herald: Herald,
    health: HealthReporter,
    /// The condition last reported, as cause; empty for well.
    reported: Option<String>,
    jobs: VecDeque<(Request, Job, Instant)>,
    test: Option<JoinHandle<Tested>>,
    cancel: CancellationToken,
    greet: bool,
}

impl<'a> Desk<'a> {
    /// Starts the engine on the slot chosen.
    pub(crate) async fn open(
        seat: &'a mut Seat,
        config: &AudioConfig,
        chosen: Chosen,
        memory: Memory,
        present: Remembered,
        greet: bool,
    ) -> Result<Self, SoundError> {
        let health = seat.health("audio");
        if let Some(why) = &chosen.stand_in {
            tracing::warn!(why, "the simulated room stands in for a sound card");
        }
        let (engine, recorder) = {
            let config = config.clone();
            tokio::task::spawn_blocking(move || start(&config, chosen.slot, present)).await??
        };
        let engine = Arc::new(engine);
        let listeners = tokio::spawn(feed_sound(seat.router().clone(), Arc::clone(&engine)));
        let room = chosen
            .room
            .filter(|_| engine.rate() == Hertz(f64::from(SOUND_RATE)));
        let ear = room.map(|room| seat.router().open_ear(move |samples| talk::say(&room, samples)));
        health.starting();
        Ok(Self {
            seat,
            engine,
            recorder,
            listeners,
            ear,
            search: None,
            searched: Instant::now(),
            stand_in: chosen.stand_in,
            present,
            memory,
            writing: None,
            exclusive: Exclusive::new(config.exclusive),
            publisher: Publisher::default(),
            herald: Herald::default(),
            health,
            reported: None,
            jobs: VecDeque::new(),
            test: None,
            cancel: CancellationToken::new(),
            greet,
        })
    }

    /// The engine's controls.
    pub(crate) fn console(&self) -> Arc<Console> {
        self.engine.console()
    }

    /// Serves until `shutdown`, or until there is reason to start anew.
    pub(crate) async fn serve(&mut self, shutdown: &CancellationToken) -> Result<End, SoundError> {
        let mut next = tokio::time::Instant::now();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return Ok(End::Shutdown),
                request = self.seat.requests.recv() => {
                    self.answer(request.ok_or(SoundError::SeatTaken)?);
                    next = next.min(tokio::time::Instant::now() + LOOK);
                }
                tested = finished(&mut self.test) => self.end_test(tested),
                found = finished(&mut self.search) => {
                    self.search = None;
                    if found.is_ok_and(|found| found) {
                        return Ok(End::CardFound);
                    }
                }
                () = tokio::time::sleep_until(next) => {
                    let pause = if self.look() { LOOK } else { GLANCE };
                    next = tokio::time::Instant::now() + pause;
                }
            }
        }
    }

    /// Stops everything and says what is to be remembered.
    pub(crate) async fn close(mut self) -> (Memory, Remembered) {
        self.cancel.cancel();
        drop(self.ear.take());
        self.listeners.abort();
        // Their ends let go of the engine, so that it can be stopped here.
        let _ = (&mut self.listeners).await;
        if let Some(test) = self.test.take() {
            let _ = test.await;
        }
        if let Some(writing) = self.writing.take() {
            let _ = writing.await;
        }
        let write = self.memory.due(Instant::now(), true);
        let (engine, recorder) = (self.engine, self.recorder.take());
        let stop = tokio::task::spawn_blocking(move || {
            if let Some(write) = write {
                write.perform();
            }
            if let Some(Err(error)) = recorder.map(Recorder::stop) {
                tracing::warn!(%error, "the recording is not whole");
            }
            if let Some(engine) = Arc::into_inner(engine) {
                engine.stop();
            }
        });
        let _ = stop.await;
        self.seat.update_state(|state| {
            if let Some(audio) = &mut state.audio {
                audio.card.running = false;
            }
        });
        (self.memory, self.present)
    }

    /// One look at the engine; whether the next one should come soon.
    fn look(&mut self) -> bool {
        let now = Instant::now();
        while let Some(event) = self.engine.poll_event() {
            if let Some(event) = self.herald.announce(now, &event) {
                self.seat.publish_event(event);
            }
        }
        let status = self.engine.status();
        self.hand_over(now, &status);
        self.start_jobs(now, &status);
        if self.greet && status.card.running {
            self.greet = false;
            if let Err(error) = self.chime(Chime::Ready) {
                tracing::warn!(%error, "no ready chime");
            }
        }
        let levels = self.seat.router().levels();
        let watched = levels.receiver_count() > 0;
        if watched {
            levels.send_replace(self.engine.levels());
        }
        let still = status.phase == CardPhase::Running
            && status.mixer.active.is_empty()
            && self.jobs.is_empty()
            && self.test.is_none()
            && !self.exclusive.wanted();
        self.remember(now);
        self.report_health(now, &status);
        self.publish(now, status);
        self.look_for_card(now);
        watched || !still
    }

    fn hand_over(&mut self, now: Instant, status: &EngineStatus) {
        let needed = self.test.is_some() || !self.jobs.is_empty() || others(status);
        match self.exclusive.step(now, status.phase, needed) {
            Some(Act::Release) => self.engine.release(),
            Some(Act::Resume) => self.engine.resume(),
            None => {}
        }
    }

    fn publish(&mut self, now: Instant, status: EngineStatus) {
        let present = self.state(status);
        if self.publisher.due(now, &present) {
            self.seat.update_state(|state| state.audio = Some(present));
        }
    }

    fn state(&self, status: EngineStatus) -> AudioState {
        AudioState {
            volume: self.present.volume,
            mute: self.present.mute,
            card: status.card,
            owner: self.exclusive.owner(),
            exclusive: self.exclusive.wanted(),
            mixer: status.mixer,
            music: status.music,
            counters: status.counters,
        }
    }

    fn report_health(&mut self, now: Instant, status: &EngineStatus) {
        let cause = match (status.phase, &status.card.error, &self.stand_in) {
            (CardPhase::Opening, None, _) => return,
            (CardPhase::Opening, Some(cause), _) if !self.exclusive.is_patient(now) => cause.clone(),
            (_, _, Some(why)) => format!("no sound card, the simulated room stands in: {why}"),
            _ => String::new(),
        };
        if self.reported.as_ref() == Some(&cause) {
            return;
        }
        if cause.is_empty() {
            self.health.ok();
        } else if self.stand_in.is_some() {
            let next_step =
                "plug a card in, it is found by itself; or set `card = \"room\"` in [audio] if this is meant";
            self.health.degraded(&cause, next_step);
        } else {
            self.health.degraded(&cause, next_step(&cause));
        }
        self.reported = Some(cause);
    }

    fn remember(&mut self, now: Instant) {
        if self
            .writing
            .as_ref()
            .is_some_and(|writing| !writing.is_finished())
        {
            return;
        }
        if let Some(write) = self.memory.due(now, false) {
            self.writing = Some(tokio::task::spawn_blocking(move || write.perform()));
        }
    }

    fn look_for_card(&mut self, now: Instant) {
        let idle = self.stand_in.is_some() && self.search.is_none() && self.test.is_none();
        if idle && now.saturating_duration_since(self.searched) >= SEARCH {
            self.searched = now;
            self.search = Some(tokio::task::spawn_blocking(|| alsa::find().is_ok()));
        }
    }
}

/// Whether anything but music sounds.
fn others(status: &EngineStatus) -> bool {
    let music = SourceKind::Music.name();
    status.mixer.active.iter().any(|kind| kind != music)
}

/// The result of a task, if there is one; for ever pending otherwise.
async fn finished<T>(task: &mut Option<JoinHandle<T>>) -> Result<T, tokio::task::JoinError> {
    match task {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}

fn start(
    config: &AudioConfig,
    slot: Box<dyn amora_audio::card::CardSlot>,
    present: Remembered,
) -> Result<(Engine, Option<Recorder>), SoundError> {
    let priority = config.real_time_priority;
    let options = EngineOptions {
        volume: present.volume.gain(),
        mute: present.mute,
        thread_setup: Box::new(move || {
            let granted = real_time::request(priority);
            for advice in &granted.advice {
                tracing::warn!("{advice}");
            }
            granted.priority
        }),
        ..EngineOptions::from_config(config)
    };
    let engine = Engine::start(slot, options)?;
    let recorder = match &config.recorder {
        Some(path) => Some(Recorder::start(engine.tap()?, path, engine.rate())?),
        None => None,
    };
    Ok((engine, recorder))
}

/// No card is there to sound through.
fn away(status: &EngineStatus) -> CommandError {
    let cause = status
        .card
        .error
        .as_deref()
        .unwrap_or("the sound card is being opened");
    CommandError::new(ErrorCode::Unavailable, cause)
}
