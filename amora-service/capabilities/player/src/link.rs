//! The two connections to MPD, and the way back to them when they are lost.

use crate::connection::{Address, Connection, Failure, LinkError};
use crate::model::Subsystems;
use crate::protocol::{Command, Frame, Message};
use std::pin::Pin;
use tokio::time::{Duration, Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// MPD closes a connection that was silent for 60 s, unless it is in idle mode.
const PING_AFTER: Duration = Duration::from_secs(30);

/// Where and how to reach MPD.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: Address,
    pub(crate) password: Option<String>,
    pub(crate) shutdown: CancellationToken,
}

/// A connection for commands and one that waits for news.
pub(crate) struct Session {
    commands: Connection,
    idle: Connection,
    used_at: Instant,
}

impl Session {
    async fn open(target: Target) -> Result<Self, LinkError> {
        let open = || {
            Connection::open(
                &target.address,
                target.password.as_deref(),
                target.shutdown.clone(),
            )
        };
        let mut idle = open().await?;
        idle.send(Command::new("idle")).await?;
        let mut commands = open().await?;
        commands.raise_binary_limit().await?;
        Ok(Self {
            commands,
            idle,
            used_at: Instant::now(),
        })
    }

    /// Has commands carried out; see [`Connection::execute`].
    pub(crate) async fn execute(&mut self, commands: &[Command]) -> Result<Vec<Frame>, Failure> {
        self.used_at = Instant::now();
        self.commands.execute(commands).await
    }

    /// Has one command carried out.
    pub(crate) async fn execute_one(&mut self, command: Command) -> Result<Frame, Failure> {
        self.used_at = Instant::now();
        self.commands.execute_one(command).await
    }

    /// When [`Self::ping`] is due.
    pub(crate) fn ping_at(&self) -> Instant {
        self.used_at + PING_AFTER
    }

    /// Keeps the connection open, and finds out whether it still is.
    pub(crate) async fn ping(&mut self) -> Result<(), LinkError> {
        match self.execute_one(Command::new("ping")).await {
            Err(Failure::Lost(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Waits for the next news again.
    pub(crate) async fn listen(&mut self) -> Result<(), LinkError> {
        self.idle.send(Command::new("idle")).await
    }

    /// MPD's protocol version.
    pub(crate) fn version(&self) -> &str {
        self.commands.version()
    }
}

/// How things stand with MPD.
pub(crate) enum Link {
    /// To be tried at that time.
    Waiting(Instant),
    /// Being tried.
    Connecting(Pin<Box<dyn Future<Output = Result<Session, LinkError>> + Send>>),
    /// There.
    Up(Box<Session>),
}

/// What happened to the link.
pub(crate) enum LinkEvent {
    /// It is up now.
    Up,
    /// The attempt failed, or the link was lost.
    Failed(LinkError),
    /// MPD has news; call [`Session::listen`] for more.
    Changed(Subsystems),
}

impl Link {
    /// The session, while the link is up.
    pub(crate) fn session(&mut self) -> Option<&mut Session> {
        match self {
            Self::Up(session) => Some(session),
            _ => None,
        }
    }

    /// The next thing that happens. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self, target: &Target) -> LinkEvent {
        loop {
            match self {
                Self::Waiting(until) => {
                    sleep_until(*until).await;
                    *self = Self::Connecting(Box::pin(Session::open(target.clone())));
                }
                Self::Connecting(attempt) => match attempt.await {
                    Ok(session) => {
                        *self = Self::Up(Box::new(session));
                        return LinkEvent::Up;
                    }
                    Err(error) => return LinkEvent::Failed(error),
                },
                Self::Up(session) => {
                    return match session.idle.receive().await {
                        Ok(Message::Answer(frames)) => {
                            LinkEvent::Changed(frames.iter().map(Subsystems::read).collect())
                        }
                        Ok(Message::Refusal(ack, _)) => LinkEvent::Failed(LinkError::Refused(ack)),
                        Ok(Message::Greeting(_)) => LinkEvent::Failed(LinkError::Closed),
                        Err(error) => LinkEvent::Failed(error),
                    };
                }
            }
        }
    }
}
