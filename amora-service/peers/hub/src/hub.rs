//! The hub: its sessions by device, its counters, and the handle that tests hold.

use crate::counters::Counters;
use crate::fault::Fault;
use crate::negotiation::NegotiationError;
use crate::server;
use crate::session::Session;
use crate::speech::speak;
use crate::{BURST, RATE};
use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What the assistant says to who has spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Answer {
    /// There is no assistant.
    #[default]
    Nothing,
    /// What it heard.
    Repeat,
    /// How long it heard somebody speak.
    Length,
}

/// How a hub is started.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where it listens on 127.0.0.1; 0 for a free port.
    pub port: u16,
    /// Who answers.
    pub answer: Answer,
}

/// A running hub. It runs until it is stopped or dropped.
pub struct Hub {
    state: Arc<State>,
    address: SocketAddr,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

impl Hub {
    /// Starts listening.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::new(options.answer));
        let stop = CancellationToken::new();
        let server = tokio::spawn(server::serve(listener, state.clone(), stop.clone()));
        Ok(Self {
            state,
            address,
            stop,
            server,
        })
    }

    /// Where devices connect: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port, to start another hub in the place of this one.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What `/health` counts.
    pub fn counters(&self) -> &Counters {
        &self.state.counters
    }

    /// The devices that have a session.
    pub fn devices(&self) -> Vec<String> {
        self.state.sessions().keys().cloned().collect()
    }

    /// The device's session, if it has one.
    pub fn session(&self, device: &str) -> Option<Arc<Session>> {
        self.state.sessions().get(device).cloned()
    }

    /// How often the device was answered with a session.
    pub fn connects(&self, device: &str) -> u64 {
        self.state.connects(device)
    }

    /// Waits until the device's call stands.
    pub async fn connected(&self, device: &str) -> Arc<Session> {
        let mut changes = self.state.changes.subscribe();
        loop {
            if let Some(session) = self.session(device)
                && session.settled().await
            {
                return session;
            }
            let _ = changes.changed().await;
        }
    }

    /// Answers the next attempts to connect with these, one after the other.
    pub fn answer_next_with(&self, faults: impl IntoIterator<Item = Fault>) {
        *self.state.faults() = faults.into_iter().collect();
    }

    /// Hangs up.
    pub async fn hang_up(&self, device: &str) {
        self.state.end(device).await;
    }

    /// Ends all sessions and stops listening.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let _ = (&mut self.server).await;
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What the server and the handle share.
pub(crate) struct State {
    pub(crate) started: Instant,
    pub(crate) counters: Arc<Counters>,
    pub(crate) answer: Answer,
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    connects: Mutex<HashMap<String, u64>>,
    faults: Mutex<VecDeque<Fault>>,
    changes: watch::Sender<()>,
}

impl State {
    fn new(answer: Answer) -> Self {
        Self {
            started: Instant::now(),
            counters: Arc::default(),
            answer,
            sessions: Mutex::default(),
            connects: Mutex::default(),
            faults: Mutex::default(),
            changes: watch::Sender::new(()),
        }
    }

    pub(crate) fn sessions(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, VecDeque<Fault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connects_by_device(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.connects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often the device was answered.
    pub(crate) fn connects(&self, device: &str) -> u64 {
        self.connects_by_device().get(device).copied().unwrap_or_default()
    }

    /// Answers a device's offer: its older session ends at once.
    pub(crate) async fn connect(
        self: &Arc<Self>,
        device: String,
        offer: String,
    ) -> Result<String, NegotiationError> {
        self.end(&device).await;
        let (utterances, spoken) = mpsc::unbounded_channel();
        let (session, answer) = Session::answer(offer, self.counters.clone(), utterances).await?;
        *self.connects_by_device().entry(device.clone()).or_default() += 1;
        let older = self.sessions().insert(device.clone(), session.clone());
        if let Some(older) = older {
            older.close().await;
        }
        self.changes.send_replace(());
        tokio::spawn(assist(self.answer, session.clone(), spoken));
        tokio::spawn(self.clone().forget_when_ended(device, session));
        Ok(answer)
    }

    /// Ends a device's session, if there is one.
    pub(crate) async fn end(&self, device: &str) {
        let session = self.sessions().remove(device);
        if let Some(session) = session {
            session.close().await;
            self.changes.send_replace(());
        }
    }

    /// Ends all.
    pub(crate) async fn end_all(&self) {
        let sessions = std::mem::take(&mut *self.sessions());
        for session in sessions.into_values() {
            session.close().await;
        }
    }

    async fn forget_when_ended(self: Arc<Self>, device: String, session: Arc<Session>) {
        session.ended().await;
        let is_current = |sessions: &HashMap<String, Arc<Session>>| {
            sessions
                .get(&device)
                .is_some_and(|current| Arc::ptr_eq(current, &session))
        };
        {
            let mut sessions = self.sessions();
            if is_current(&sessions) {
                sessions.remove(&device);
            }
        }
        session.close().await;
        self.changes.send_replace(());
    }
}

/// Answers what is spoken, until the session has ended.
async fn assist(answer: Answer, session: Arc<Session>, mut spoken: mpsc::UnboundedReceiver<Vec<i16>>) {
    loop {
        let heard = tokio::select! {
            heard = spoken.recv() => heard,
            () = session.ended() => None,
        };
        let Some(heard) = heard else { return };
        let speech = match answer {
            Answer::Nothing => continue,
            Answer::Repeat => Ok(heard),
            Answer::Length => {
                let seconds = heard.len() as f64 / f64::from(RATE);
                speak(&format!("I heard {seconds:.1} seconds.")).await
            }
        };
        let said = match speech {
            Ok(speech) => session
                .say(&speech, BURST)
                .await
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = said {
            tracing::warn!("the assistant says nothing: {error}");
        }
    }
}
