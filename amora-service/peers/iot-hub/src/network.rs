//! The network between the stand-in and its clients, which tests break.

use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

#[derive(Debug, Clone, Copy)]
pub(crate) struct State {
    /// Counts the cuts.
    pub(crate) cuts: u64,
    /// False: whoever connects is reset at once.
    pub(crate) reachable: bool,
    /// True: connections stay open, and nothing is read or written.
    pub(crate) silent: bool,
    /// How long each packet of a client takes.
    pub(crate) delay: Duration,
}

impl Default for State {
    fn default() -> Self {
        Self {
            cuts: 0,
            reachable: true,
            silent: false,
            delay: Duration::ZERO,
        }
    }
}

/// The network as one connection sees it.
#[derive(Clone)]
pub(crate) struct Network {
    state: watch::Receiver<State>,
    cuts: u64,
}

impl Network {
    pub(crate) fn new(state: watch::Receiver<State>) -> Self {
        let cuts = state.borrow().cuts;
        Self { state, cuts }
    }

    pub(crate) fn is_reachable(&self) -> bool {
        self.state.borrow().reachable
    }

    /// Ends when the network is cut after this was made.
    pub(crate) async fn cut(&self) {
        self.until(|state| state.cuts != self.cuts).await;
    }

    /// Ends when nothing passes any more.
    pub(crate) async fn silent(&self) {
        self.until(|state| state.silent).await;
    }

    /// Ends when packets pass.
    pub(crate) async fn loud(&self) {
        self.until(|state| !state.silent).await;
    }

    /// Takes as long as a packet is to take.
    pub(crate) async fn delay(&self) {
        let delay = self.state.borrow().delay;
        if delay > Duration::ZERO {
            sleep(delay).await;
        }
    }

    async fn until(&self, condition: impl Fn(&State) -> bool) {
        let _ = self.state.clone().wait_for(|state| condition(state)).await;
    }
}
