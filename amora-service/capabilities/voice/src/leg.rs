//! Carries one call out: asks, connects, moves packets, hangs up.

use crate::call::{Action, Call, MediaState, Patience, Phase, Tally};
use crate::figures::{Count, Figures, Meter};
use crate::microphone::Microphone;
use crate::session::{
    Arrival, Direction, MediaSession, SessionError, SessionEvent, SessionSettings, WebRtcSession,
};
use crate::signalling::{Signalling, SignallingError};
use amora_contract::state::VoiceLink;
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// How long the other side is given to hear that a call ended.
const FAREWELL: Duration = Duration::from_secs(3);

/// Takes speech that comes.
pub trait Downlink: Send {
    /// A call begins: what comes from now on has nothing to do with what came before.
    fn begin(&mut self);

    /// A packet came.
    fn arrived(&mut self, arrival: Arrival);

    /// The call ended.
    fn end(&mut self);
}

/// Opens sessions.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Opens one.
    ///
    /// # Errors
    /// [`SessionError::Setup`].
    async fn open(&self, settings: SessionSettings) -> Result<Box<dyn MediaSession>, SessionError>;
}

/// Opens sessions on the `webrtc` crate.
#[derive(Debug, Clone, Copy, Default)]
pub struct WebRtcSessions;

#[async_trait]
impl Sessions for WebRtcSessions {
    async fn open(&self, settings: SessionSettings) -> Result<Box<dyn MediaSession>, SessionError> {
        Ok(Box::new(WebRtcSession::new(settings).await?))
    }
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

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
enum AttemptError {
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Signalling(#[from] SignallingError),
}

impl Leg {
    /// Makes the call whenever `wanted`, again and again, until `shutdown`.
    pub async fn run(self, wanted: watch::Receiver<bool>, shutdown: CancellationToken) {
        let mut work = Work {
            call: Call::new(self.patience),
            leg: self,
            start: Instant::now(),
            session: None,
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
    leg: Leg,
    call: Call,
    start: Instant,
    session: Option<Box<dyn MediaSession>>,
    /// What of the call's tally has been counted.
    told: Tally,
    cause: String,
    received: Meter,
}

/// What woke the work.
enum News {
    Wanted(bool),
    Session(Option<SessionEvent>),
    Packet(crate::session::OpusPacket),
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
                Some(Action::Connect) => tokio::select! {
                    () = self.connect() => {}
                    ended = is_ended(&mut wanted) => match ended {
                        true => self.call.end(),
                        false => return,
                    },
                },
                Some(Action::HangUp) => self.hang_up().await,
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
        if let (Phase::Answered { .. }, Phase::Waiting { .. }) = (before, self.call.phase()) {
            "the hub answered, but its media does not connect".clone_into(&mut self.cause);
            tracing::warn!(cause = self.cause, "the call failed");
        }
        action
    }

    fn set_wanted(&mut self, wanted: bool) {
        if wanted {
            self.call.want();
        } else {
            self.call.end();
        }
    }

    async fn wait(&mut self, wanted: &mut watch::Receiver<bool>) -> Option<News> {
        let due = self.call.due().map(|due| self.start + due);
        let sends = self.call.phase() == Phase::Connected;
        let microphone = self.leg.microphone.as_ref().filter(|_| sends);
        tokio::select! {
            changed = wanted.changed() => {
                changed.ok()?;
                Some(News::Wanted(*wanted.borrow_and_update()))
            }
            event = next(&mut self.session) => Some(News::Session(event)),
            packet = pop(microphone) => Some(News::Packet(packet)),
            () = sleep_until(due.unwrap_or(self.start)), if due.is_some() => Some(News::Due),
        }
    }

    async fn take(&mut self, news: News) {
        match news {
            News::Wanted(wanted) => self.set_wanted(wanted),
            News::Session(Some(SessionEvent::Packet(arrival))) => {
                self.received.add(arrival.frames(), &self.leg.figures);
                if let Some(downlink) = &mut self.leg.downlink {
                    downlink.arrived(arrival);
                }
            }
            News::Session(Some(SessionEvent::State(state))) => self.media(state),
            News::Session(None) => self.media(MediaState::Closed),
            News::Packet(packet) => self.send(packet).await,
            News::Due => {}
        }
    }

    async fn send(&mut self, packet: crate::session::OpusPacket) {
        let Some(session) = &mut self.session else {
            return;
        };
        match session.send(packet).await {
            Ok(()) => self.leg.figures.count(Count::MicSent, 1),
            Err(error) => {
                tracing::debug!(%error, "a packet of the microphone was lost");
                self.leg.figures.count(Count::MicDropped, 1);
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
                if let Some(microphone) = &self.leg.microphone {
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
            Phase::Waiting { .. } => tracing::warn!(cause = self.cause, "the call is over"),
            _ => {}
        }
    }

    /// One attempt.
    async fn connect(&mut self) {
        self.hang_up().await;
        if let Some(microphone) = &self.leg.microphone {
            microphone.clear();
        }
        match attempt(&mut self.leg).await {
            Ok(session) => {
                self.session = Some(session);
                if let Some(downlink) = &mut self.leg.downlink {
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

    /// Drops the session that there may be. What is already gone needs no farewell.
    async fn hang_up(&mut self) {
        if let Some(mut session) = self.session.take() {
            session.close().await;
            if let Some(downlink) = &mut self.leg.downlink {
                downlink.end();
            }
        }
        if timeout(FAREWELL, self.leg.signalling.end()).await.is_err() {
            tracing::debug!("the other side was not told that the call ended");
        }
    }

    /// Looks for another path, as long as the call's grace lasts.
    async fn restart(&mut self) {
        let until = self.call.due().map(|due| self.start + due);
        let (Some(session), Some(until)) = (&mut self.session, until) else {
            return;
        };
        if !self.leg.signalling.can_restart() {
            return;
        }
        let signalling = &mut self.leg.signalling;
        let exchange = async {
            let offer = session.restart().await?;
            let answer = signalling.restart(&offer).await?;
            Ok::<(), AttemptError>(session.answer(&answer).await?)
        };
        match tokio::time::timeout_at(until, exchange).await {
            Ok(Ok(())) => tracing::info!("the call tries another path"),
            Ok(Err(error)) => tracing::warn!(%error, "the call found no other path"),
            Err(_) => tracing::warn!("the call found no other path in time"),
        }
    }

    /// Counts and publishes what changed.
    fn tell(&mut self) {
        let tally = self.call.tally();
        let figures = &self.leg.figures;
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
        if let Some(microphone) = &self.leg.microphone {
            microphone.set_open(link == VoiceLink::Connected);
        }
        let status = Status {
            link,
            cause: self.cause.clone(),
            ..Status::default()
        };
        self.leg.status.send_if_modified(|shared| {
            let differs = *shared != status;
            *shared = status;
            differs
        });
    }
}

/// Waits until the call is not wanted any more: true, or nobody can want it: false.
async fn is_ended(wanted: &mut watch::Receiver<bool>) -> bool {
    wanted.wait_for(|wanted| !wanted).await.is_ok()
}

async fn attempt(leg: &mut Leg) -> Result<Box<dyn MediaSession>, AttemptError> {
    let settings = SessionSettings {
        direction: leg.direction,
        addresses: leg.addresses.clone(),
        ice_servers: leg.signalling.ice_servers().await,
    };
    let mut session = leg.sessions.open(settings).await?;
    let exchange = async {
        let offer = session.offer().await?;
        let answer = leg.signalling.connect(&offer).await?;
        Ok(session.answer(&answer).await?)
    };
    match exchange.await {
        Ok(()) => Ok(session),
        Err(error) => {
            session.close().await;
            Err(error)
        }
    }
}

/// The next event of the session that there may be.
async fn next(session: &mut Option<Box<dyn MediaSession>>) -> Option<SessionEvent> {
    match session {
        Some(session) => session.next().await,
        None => std::future::pending().await,
    }
}

/// The next packet to send, where any may be sent.
async fn pop(microphone: Option<&Microphone>) -> crate::session::OpusPacket {
    match microphone {
        Some(microphone) => microphone.pop().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
