//! Carries commands to capabilities, and their replies, state and events back to the doors.
//!
//! A capability takes its [`Seat`], answers the [`Request`]s that arrive there and publishes its section of the
//! state. A door asks through a [`Doorway`], which lets only allow-listed commands through.

mod allow;
mod cloud_twin;
mod health;
pub mod private_file;
mod seat;
mod streams;
mod talk;

pub use allow::AllowList;
pub use cloud_twin::{CloudTwin, Desired};
pub use health::HealthReporter;
pub use seat::{Body, Request, Seat};
pub use streams::{MICROPHONE_BLOCK_FRAMES, SOUND_BLOCK_FRAMES, SOUND_RATE, SoundBlock};
pub use talk::{Ear, TalkError, Talker};

use amora_contract::state::Levels;
use amora_contract::units::Decibels;
use amora_contract::{Command, CommandError, ErrorCode, Event, EventKind, Reply, Section, State};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// Requests that wait at one seat; a door that sends more waits itself, so memory stays bounded.
const SEAT_QUEUE: usize = 256;

/// Events kept for a slow listener. One that falls further behind is told how many it missed.
const EVENT_QUEUE: usize = 1024;

/// The longest a command may take. `audio.test` is the slowest, at a few seconds.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// The meeting point of doors and capabilities. Clones are handles to the same one.
#[derive(Clone)]
pub struct Router {
    inner: Arc<Inner>,
}

struct Inner {
    seats: Mutex<HashMap<Section, mpsc::Sender<Request>>>,
    state: watch::Sender<Arc<State>>,
    events: broadcast::Sender<Event>,
    levels: watch::Sender<Levels>,
    sound: broadcast::Sender<SoundBlock>,
    microphone: broadcast::Sender<SoundBlock>,
    ears: talk::Ears,
    cloud_twin: CloudTwin,
}

impl Default for Router {
    fn default() -> Self {
        Self::new()
    }
}

impl Router {
    /// A router with no seat taken and an empty state.
    pub fn new() -> Self {
        let silence = Levels {
            peak: [Decibels(f32::NEG_INFINITY); 2],
            rms: [Decibels(f32::NEG_INFINITY); 2],
            limiting: Decibels(0.0),
            ducking: Decibels(0.0),
        };
        Self {
            inner: Arc::new(Inner {
                seats: Mutex::default(),
                state: watch::Sender::new(Arc::default()),
                events: broadcast::Sender::new(EVENT_QUEUE),
                levels: watch::Sender::new(silence),
                sound: broadcast::Sender::new(streams::SOUND_QUEUE),
                microphone: broadcast::Sender::new(streams::MICROPHONE_QUEUE),
                ears: talk::Ears::default(),
                cloud_twin: CloudTwin::default(),
            }),
        }
    }

    /// Takes the seat of one section: from now on its commands arrive there. Whoever sat there before gets no more.
    pub fn take_seat(&self, section: Section) -> Seat {
        let (sender, requests) = mpsc::channel(SEAT_QUEUE);
        self.seats().insert(section, sender);
        Seat {
            requests,
            router: self.clone(),
        }
    }

    /// A door's way in. `allow` holds command names and `section.*` patterns.
    pub fn doorway(&self, allow: AllowList) -> Doorway {
        Doorway {
            router: self.clone(),
            allow: Arc::new(allow),
        }
    }

    /// Has a command carried out, whoever asks. For the box's own parts; doors use a [`Doorway`].
    ///
    /// # Errors
    /// The capability's own, or `not_configured`, `unavailable` or `timed_out` when nobody answers.
    pub async fn execute(&self, command: Command) -> Result<Reply, CommandError> {
        let name = command.name();
        match tokio::time::timeout(COMMAND_TIMEOUT, self.exchange(command, None)).await {
            Ok(result) => result,
            Err(_) => Err(CommandError::new(
                ErrorCode::TimedOut,
                format!("`{name}` got no answer in time"),
            )),
        }
    }

    /// Has a command carried out that comes with a body. It may take as long as the body does.
    ///
    /// # Errors
    /// The capability's own, or `not_configured` or `unavailable` when nobody answers.
    pub async fn execute_with(&self, command: Command, body: Body) -> Result<Reply, CommandError> {
        self.exchange(command, Some(body)).await
    }

    async fn exchange(&self, command: Command, body: Option<Body>) -> Result<Reply, CommandError> {
        let section = command.section();
        let seat = self.seats().get(&section).cloned().ok_or_else(|| {
            CommandError::new(
                ErrorCode::NotConfigured,
                format!(
                    "`{}` is not switched on: add a [{0}] section to the configuration",
                    section.name()
                ),
            )
        })?;
        let (answer, answered) = oneshot::channel();
        let request = Request {
            command,
            body,
            answer,
        };
        let exchange = async {
            seat.send(request).await.ok()?;
            answered.await.ok()
        };
        exchange.await.unwrap_or_else(|| {
            Err(CommandError::new(
                ErrorCode::Unavailable,
                format!("`{}` is starting again; try in a moment", section.name()),
            ))
        })
    }

    /// The state document: the present one, and a notice of every change.
    pub fn watch_state(&self) -> watch::Receiver<Arc<State>> {
        self.inner.state.subscribe()
    }

    /// The present state document.
    pub fn state(&self) -> Arc<State> {
        self.inner.state.borrow().clone()
    }

    /// Changes the state document. The revision grows, and watchers wake, only if something really changed.
    pub fn update_state(&self, change: impl FnOnce(&mut State)) {
        self.inner.state.send_if_modified(|shared| {
            let mut changed = State::clone(shared);
            change(&mut changed);
            let differs = changed != **shared;
            if differs {
                changed.revision = shared.revision + 1;
                *shared = Arc::new(changed);
            }
            differs
        });
    }

    /// Every event from now on.
    pub fn subscribe_events(&self) -> broadcast::Receiver<Event> {
        self.inner.events.subscribe()
    }

    /// Tells every listener that something happened now.
    pub fn publish_event(&self, kind: EventKind) {
        // An error only means that nobody listens.
        let _ = self.inner.events.send(Event::now(kind));
    }

    /// Momentary sound levels, for meters.
    pub fn levels(&self) -> &watch::Sender<Levels> {
        &self.inner.levels
    }

    /// What leaves the card, for listening along.
    pub fn sound(&self) -> &broadcast::Sender<SoundBlock> {
        &self.inner.sound
    }

    /// What the microphone hears, left, and what of it goes to the hub, right, for listening along.
    pub fn microphone(&self) -> &broadcast::Sender<SoundBlock> {
        &self.inner.microphone
    }

    /// Lets others talk into the microphone for as long as the ear is held. `hear` gets mono samples at [`SOUND_RATE`], full
    /// scale ±1; it must not wait, and says how many it had room for.
    pub fn open_ear(&self, hear: impl Fn(&[f32]) -> usize + Send + Sync + 'static) -> Arc<Ear> {
        self.inner.ears.open(Box::new(hear))
    }

    /// Begins to talk into the microphone.
    ///
    /// # Errors
    /// [`TalkError`] where there is nothing to be talked into, or while another talks.
    pub fn talk(&self) -> Result<Talker, TalkError> {
        self.inner.ears.talk()
    }

    /// The parts of the cloud twin that belong to capabilities.
    pub fn cloud_twin(&self) -> &CloudTwin {
        &self.inner.cloud_twin
    }

    /// Forgets a part that the configuration no longer has: its health and its section of the state.
    pub fn remove_part(&self, part: &str) {
        self.update_state(|state| {
            state.system.health.remove(part);
            match part {
                "player" => state.player = None,
                "audio" => state.audio = None,
                "voice" => state.voice = None,
                "update" => state.update = None,
                "iot_hub" => state.iot_hub = None,
                _ => {}
            }
        });
    }

    /// Where one part of the box says how it is.
    pub fn health(&self, part: &str) -> HealthReporter {
        HealthReporter::new(self.clone(), part.to_owned())
    }

    fn seats(&self) -> std::sync::MutexGuard<'_, HashMap<Section, mpsc::Sender<Request>>> {
        // The map is whole between any two statements, so a panic elsewhere cannot have spoilt it.
        self.inner.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A door's way in: the router behind the door's allow-list.
#[derive(Clone)]
pub struct Doorway {
    router: Router,
    allow: Arc<AllowList>,
}

impl Doorway {
    /// Has a command carried out if this door may use it.
    ///
    /// # Errors
    /// `not_allowed`, or those of [`Router::execute`].
    pub async fn execute(&self, command: Command) -> Result<Reply, CommandError> {
        self.permit(&command)?;
        self.router.execute(command).await
    }

    /// Has a command carried out that comes with a body, if this door may use it.
    ///
    /// # Errors
    /// `not_allowed`, or those of [`Router::execute_with`].
    pub async fn execute_with(&self, command: Command, body: Body) -> Result<Reply, CommandError> {
        self.permit(&command)?;
        self.router.execute_with(command, body).await
    }

    fn permit(&self, command: &Command) -> Result<(), CommandError> {
        if self.allow.permits(command.name()) {
            return Ok(());
        }
        Err(CommandError::new(
            ErrorCode::NotAllowed,
            format!(
                "`{}` may not be used through this door: add it to the door's `allow` list",
                command.name()
            ),
        ))
    }

    /// Reads a command from its name and parameters and has it carried out.
    ///
    /// # Errors
    /// Those of [`Command::parse`] and [`Doorway::execute`].
    pub async fn execute_named(&self, name: &str, params: Value) -> Result<Reply, CommandError> {
        self.execute(Command::parse(name, params)?).await
    }

    /// The router, for watching state, events, levels and sound.
    pub fn router(&self) -> &Router {
        &self.router
    }
}

#[cfg(test)]
mod tests;
