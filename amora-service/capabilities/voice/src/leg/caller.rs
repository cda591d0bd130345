//! What a call asks the other side, each as a future that may be dropped: to be answered, to be found by another path, to
//! know of the end.

use crate::session::{Direction, MediaSession, SessionError, SessionSettings, Sessions};
use crate::signalling::{Signalling, SignallingError};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long the other side is given to hear that a call ended.
const FAREWELL: Duration = Duration::from_secs(3);

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Signalling(#[from] SignallingError),
}

/// What came of a question.
pub(super) enum Outcome {
    /// A call was answered, or not.
    Called(Result<Box<dyn MediaSession>, AttemptError>),
    /// The answer to the offer of another path, or none.
    Moved(Result<String, SignallingError>),
}

/// A question that is being asked.
pub(super) type Question = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Asks one thing at a time: a question is dropped before the next is asked.
pub(super) struct Caller {
    pub(super) signalling: Mutex<Box<dyn Signalling>>,
    pub(super) sessions: Arc<dyn Sessions>,
    pub(super) direction: Direction,
    pub(super) addresses: Vec<String>,
}

impl Caller {
    /// Asks for a call.
    pub(super) fn call(self: &Arc<Self>) -> Question {
        let caller = self.clone();
        Box::pin(async move { Outcome::Called(caller.attempt().await) })
    }

    /// Offers another path for the session that there is.
    pub(super) fn move_by(self: &Arc<Self>, offer: String) -> Question {
        let caller = self.clone();
        Box::pin(async move { Outcome::Moved(caller.signalling.lock().await.restart(&offer).await) })
    }

    /// Whether the other side takes another path for the session that there is.
    pub(super) async fn can_restart(&self) -> bool {
        self.signalling.lock().await.can_restart()
    }

    /// Tells the other side that the session ended, where there is a way to.
    pub(super) async fn end(&self) {
        let mut signalling = self.signalling.lock().await;
        if timeout(FAREWELL, signalling.end()).await.is_err() {
            tracing::debug!("the other side was not told that the call ended");
        }
    }

    async fn attempt(&self) -> Result<Box<dyn MediaSession>, AttemptError> {
        let mut signalling = self.signalling.lock().await;
        let settings = SessionSettings {
            direction: self.direction,
            addresses: self.addresses.clone(),
            ice_servers: signalling.ice_servers().await,
        };
        let mut session = self.sessions.open(settings).await?;
        let exchange = async {
            let offer = session.offer().await?;
            let answer = signalling.connect(&offer).await?;
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
}
