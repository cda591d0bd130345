//! Carries one call out: asks, connects, moves packets, hangs up.

mod caller;

use crate::call::{Action, Call, MediaState, Patience, Phase, Tally};
use crate::figures::{Count, Figures, Meter};
use crate::microphone::Microphone;
use crate::session::{Arrival, Direction, MediaSession, OpusPacket, SessionEvent, Sessions};
use crate::signalling::{Signalling, SignallingError};
use amora_contract::state::VoiceLink;
use caller::{AttemptError, Caller, Outcome, Question};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Takes speech that comes.
pub trait Downlink: Send {
    /// A call begins: what comes from now on has nothing to do with what came before.
    fn begin(&mut self);

    /// A packet came.
    fn arrived(&mut self, arrival: Arrival);

    /// The call ended.
    fn end(&mut self);
}

/// One call, with what it needs.
pub struct Leg {
    /// How descriptions are exchanged.
    pub signalling: Box<dyn Signalling>,
    /// Where sessions come from.
    pub sessions: Arc<dyn Sessions>,
    /// Which ways sound goes.
    pub direction: Direction,
    /// Local addresses to be reached at.
    pub addresses: Vec<String>,
    /// The waits.
    pub patience: Patience,
    /// What is sent.
    pub microphone: Option<Microphone>,
    /// Who takes what comes.
    pub downlink: Option<Box<dyn Downlink>>,
    /// Where is counted.
    pub figures: Arc<Figures>,
    /// Where is told how the call is.
    pub status: watch::Sender<Status>,
}

/// How a call is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// How.
    pub link: VoiceLink,
    /// Why there is none, in plain words; empty while there is one.
    pub cause: String,
    /// Why there is no health page, in plain words; empty while there is one, or none is asked for.
    pub health_page: String,
}

/// Whether there is a call, though its packets may have stopped.
pub(crate) fn stands(link: VoiceLink) -> bool {
    matches!(link, VoiceLink::Connected | VoiceLink::Interrupted)
}

impl Leg {
    /// Makes the call whenever `wanted`, again and again, until `shutdown`.
    pub async fn run(self, wanted: watch::Receiver<bool>, shutdown: CancellationToken) {
        let mut work = Work {
            caller: Arc::new(Caller {
                signalling: Mutex::new(self.signalling),
                sessions: self.sessions,
                direction: self.direction,
                addresses: self.addresses,
            }),
            microphone: self.microphone,
            downlink: self.downlink,
            figures: self.figures,
            status: self.status,
            call: Call::new(self.patience),
            start: Instant::now(),
            session: None,
            question: None,
            told: Tally::default(),
            cause: String::new(),
            received: Meter::new(Count::TtsReceived),
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = work.run(wanted) => {}
        }
        work.call.end();
        work.hang_up().await;
        work.tell();
    }
}

struct Work {
    caller: Arc<Caller>,
    microphone: Option<Microphone>,
    downlink: Option<Box<dyn Downlink>>,
    figures: Arc<Figures>,
    status: watch::Sender<Status>,
    call: Call,
    start: Instant,
    session: Option<Box<dyn MediaSession>>,
    /// What the other side is being asked.
    question: Option<Question>,
    /// What of the call's tally has been counted.
    told: Tally,
    cause: String,
    received: Meter,
}

/// What woke the work.
enum News {
    Wanted(bool),
    Session(Option<SessionEvent>),
    Outcome(Outcome),
    Packet(OpusPacket),
    Due,
}

impl Work {
    /// Works until nobody can want the call any more.
    async fn run(&mut self, mut wanted: watch::Receiver<bool>) {
        if *wanted.borrow_and_update() {
            self.call.want();
        }
        loop {
            let action = self.act();
            self.tell();
            match action {
                Some(Action::Connect) => self.connect().await,
                Some(Action::HangUp) => self.hang_up().await,
                Some(Action::DropSession) => self.drop_session().await,
                Some(Action::DropAttempt) => self.question = None,
                Some(Action::RestartIce) => self.restart().await,
                None => match self.wait(&mut wanted).await {
                    Some(news) => self.take(news).await,
                    None => return,
                },
            }
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn act(&mut self) -> Option<Action> {
        let before = self.call.phase();
        let action = self.call.act(self.now());
        match (before, self.call.phase()) {
            (Phase::Answered { .. }, Phase::Waiting { .. }) => {
                "the hub answered, but its media does not connect".clone_into(&mut self.cause);
                tracing::warn!(cause = self.cause, "the call failed");
            }
            (Phase::Interrupted { .. }, Phase::Waiting { .. } | Phase::Asking) => {
                tracing::warn!(cause = self.cause, "the call is over");
            }
            _ => {}
        }
        action
    }

    async fn wait(&mut self, wanted: &mut watch::Receiver<bool>) -> Option<News> {
        let due = self.call.due().map(|due| self.start + due);
        let sends = self.call.phase() == Phase::Connected;
        let microphone = self.microphone.as_ref().filter(|_| sends);
        tokio::select! {
            changed = wanted.changed() => {
                changed.ok()?;
                Some(News::Wanted(*wanted.borrow_and_update()))
            }
            event = next(&mut self.session) => Some(News::Session(event)),
            outcome = answer(&mut self.question) => Some(News::Outcome(outcome)),
            packet = pop(microphone) => Some(News::Packet(packet)),
            () = sleep_until(due.unwrap_or(self.start)), if due.is_some() => Some(News::Due),
        }
    }

    async fn take(&mut self, news: News) {
        match news {
            News::Wanted(true) => self.call.want(),
            News::Wanted(false) => self.call.end(),
            News::Session(Some(SessionEvent::Packet(arrival))) => {
                self.received.add(arrival.frames(), &self.figures);
                if let Some(downlink) = &mut self.downlink {
                    downlink.arrived(arrival);
                }
            }
            News::Session(Some(SessionEvent::State(state))) => self.media(state),
            News::Session(None) => self.media(MediaState::Closed),
            News::Outcome(outcome) => {
                self.question = None;
                match outcome {
                    Outcome::Called(called) => self.called(called).await,
                    Outcome::Moved(moved) => self.moved(moved).await,
                }
            }
            News::Packet(packet) => self.send(packet).await,
            News::Due => {}
        }
    }

    async fn send(&mut self, packet: OpusPacket) {
        let Some(session) = &mut self.session else {
            return;
        };
        match session.send(packet).await {
            Ok(()) => self.figures.count(Count::MicSent, 1),
            Err(error) => {
                tracing::debug!(%error, "a packet of the microphone was lost");
                self.figures.count(Count::MicDropped, 1);
            }
        }
    }

    fn media(&mut self, state: MediaState) {
        let before = self.call.phase();
        self.call.media(state, self.now());
        let after = self.call.phase();
        if before == after {
            return;
        }
        match after {
            Phase::Connected => {
                // What was said into a call that was not there is not said now.
                if let Some(microphone) = &self.microphone {
                    microphone.clear();
                }
                self.cause.clear();
                tracing::info!("the call is connected");
            }
            Phase::Interrupted { .. } => "its packets stopped".clone_into(&mut self.cause),
            _ if state == MediaState::Failed => "no path to the hub works".clone_into(&mut self.cause),
            _ => "the hub ended it".clone_into(&mut self.cause),
        }
        match after {
            Phase::Interrupted { .. } => tracing::warn!(cause = self.cause, "the call is interrupted"),
            Phase::Waiting { .. } | Phase::Asking => tracing::warn!(cause = self.cause, "the call is over"),
            _ => {}
        }
    }

    /// Begins an attempt.
    async fn connect(&mut self) {
        if self.call.phase() == Phase::Asking {
            self.drop_session().await;
        }
        if let Some(microphone) = &self.microphone {
            microphone.clear();
        }
        self.question = Some(self.caller.call());
    }

    /// Takes a session that was answered, in the place of the one that there may be.
    async fn called(&mut self, called: Result<Box<dyn MediaSession>, AttemptError>) {
        match called {
            Ok(session) => {
                self.drop_session().await;
                self.session = Some(session);
                if let Some(downlink) = &mut self.downlink {
                    downlink.begin();
                }
                self.call.answered(self.now());
            }
            Err(error) => {
                self.cause = error.to_string();
                self.call.refused(self.now());
                tracing::warn!(cause = self.cause, "the call failed");
            }
        }
    }

    async fn drop_session(&mut self) {
        if let Some(mut session) = self.session.take() {
            session.close().await;
            if let Some(downlink) = &mut self.downlink {
                downlink.end();
            }
        }
    }

    /// Drops all that there may be. What is already gone needs no farewell.
    async fn hang_up(&mut self) {
        self.question = None;
        self.drop_session().await;
        self.caller.end().await;
    }

    /// Looks for another path for the session, where the other side knows how; otherwise another call is tried.
    async fn restart(&mut self) {
        self.question = None;
        let knows_how = self.caller.can_restart().await;
        let Some(session) = self.session.as_mut().filter(|_| knows_how) else {
            return self.call.call_anew();
        };
        match session.restart().await {
            Ok(offer) => self.question = Some(self.caller.move_by(offer)),
            Err(error) => self.stay(&error),
        }
    }

    /// Takes the other side's end of another path. The old path went with the offer of that one.
    async fn moved(&mut self, moved: Result<String, SignallingError>) {
        let Some(session) = &mut self.session else { return };
        match moved {
            Ok(answer) => match session.answer(&answer).await {
                Ok(()) => tracing::info!("the call tries another path"),
                Err(error) => self.stay(&error),
            },
            Err(error) => self.stay(&error),
        }
    }

    fn stay(&mut self, error: &dyn std::error::Error) {
        tracing::warn!(%error, "the call found no other path");
        self.call.call_anew();
    }

    /// Counts and publishes what changed.
    fn tell(&mut self) {
        let tally = self.call.tally();
        let figures = &self.figures;
        figures.count(Count::Connection, tally.connections - self.told.connections);
        figures.count(Count::ConnectionFailure, tally.failures - self.told.failures);
        self.told = tally;
        let link = match self.call.phase() {
            Phase::Off => VoiceLink::Off,
            Phase::Asking | Phase::Answered { .. } => VoiceLink::Connecting,
            Phase::Connected => VoiceLink::Connected,
            Phase::Interrupted { .. } => VoiceLink::Interrupted,
            Phase::Waiting { .. } => VoiceLink::Waiting,
        };
        if let Some(microphone) = &self.microphone {
            microphone.set_open(link == VoiceLink::Connected);
        }
        let status = Status {
            link,
            cause: self.cause.clone(),
            ..Status::default()
        };
        self.status.send_if_modified(|shared| {
            let differs = *shared != status;
            *shared = status;
            differs
        });
    }
}

/// The next event of the session that there may be.
async fn next(session: &mut Option<Box<dyn MediaSession>>) -> Option<SessionEvent> {
    match session {
        Some(session) => session.next().await,
        None => std::future::pending().await,
    }
}

/// What comes of the question that there may be.
async fn answer(question: &mut Option<Question>) -> Outcome {
    match question {
        Some(question) => question.await,
        None => std::future::pending().await,
    }
}

/// The next packet to send, where any may be sent.
async fn pop(microphone: Option<&Microphone>) -> OpusPacket {
    match microphone {
        Some(microphone) => microphone.pop().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
