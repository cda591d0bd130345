//! The handle that tests hold of a hub.

use crate::counters::Counters;
use crate::fault::Fault;
use crate::server;
use crate::session::Session;
use crate::state::State;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
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
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens and is reached by media.
    pub address: IpAddr,
    /// 0 for a free port.
    pub port: u16,
    /// Who answers.
    pub answer: Answer,
    /// The bearer token that WHIP and WHEP ask for.
    pub token: Option<String>,
    /// Values of `Link` headers that WHIP and WHEP answer with: `<stun:stun.example>; rel="ice-server"`.
    pub links: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            answer: Answer::default(),
            token: None,
            links: Vec::new(),
        }
    }
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
        let listener = TcpListener::bind((options.address, options.port)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::new(options));
        let stop = CancellationToken::new();
        let server = tokio::spawn(server::serve(listener, state.clone(), stop.clone()));
        Ok(Self {
            state,
            address,
            stop,
            server,
        })
    }

    /// Where devices connect: `http://127.0.0.1:PORT`, unless another address was asked for.
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
        self.state.devices().into_iter().collect()
    }

    /// The session in which the device is heard, if it has one.
    pub fn session(&self, device: &str) -> Option<Arc<Session>> {
        self.state.session(device)
    }

    /// How often the device was answered with a session in which it is heard.
    pub fn connects(&self, device: &str) -> u64 {
        self.state.connects(device)
    }

    /// How many listen along, by WHEP.
    pub fn viewers(&self, device: &str) -> usize {
        self.state.viewers(device)
    }

    /// Waits until the hub hears the device.
    pub async fn connected(&self, device: &str) -> Arc<Session> {
        self.settled(|| self.session(device)).await
    }

    /// Waits until the hub can speak to the device: in its call, or by WHEP.
    pub async fn reachable(&self, device: &str) -> Arc<Session> {
        self.settled(|| self.state.speaker(device)).await
    }

    async fn settled(&self, find: impl Fn() -> Option<Arc<Session>>) -> Arc<Session> {
        let mut changes = self.state.changes.subscribe();
        loop {
            if let Some(session) = find()
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
