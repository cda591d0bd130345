//! The call's two ends in the box: the loudspeaker that the hub speaks through, and the microphone without the box's own
//! sound. One thread follows the sound engine, whichever there is.

mod ears;
mod inlet;
mod mouth;
mod need;
#[cfg(test)]
mod tests;
mod work;

use crate::leg::Downlink;
use crate::uplink::Line;
use amora_audio::engine::Console;
use amora_contract::config::VoiceConfig;
use amora_contract::state::{EchoState, VoiceLink};
use inlet::{Inlet, News, inlet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, watch};
use work::Work;

/// What can be seen of the thread.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// The echo canceller, while it works.
    pub(crate) echo: Option<EchoState>,
    /// Why a call that is wanted has no sound, in plain words; empty while it has.
    pub(crate) problem: String,
}

fn guard(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    // What is behind it is whole after every statement.
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running thread. Dropping it ends it.
pub(crate) struct Speech {
    inlet: Inlet,
    seen: Arc<Mutex<Seen>>,
    thread: Option<JoinHandle<()>>,
}

impl Speech {
    /// Starts to follow the engine. Whether somebody speaks while the box does is told to `barge_ins`.
    pub(crate) fn start(
        config: VoiceConfig,
        line: Line,
        consoles: watch::Receiver<Option<Arc<Console>>>,
        barge_ins: mpsc::UnboundedSender<bool>,
    ) -> std::io::Result<Self> {
        let (inlet, outlet) = inlet();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let work = Work::new(config, line, consoles, barge_ins, seen.clone(), outlet);
        let thread = std::thread::Builder::new()
            .name("amora-voice".to_owned())
            .spawn(move || work.run())?;
        Ok(Self {
            inlet,
            seen,
            thread: Some(thread),
        })
    }

    /// Who takes the hub's speech.
    pub(crate) fn downlink(&self) -> Box<dyn Downlink> {
        Box::new(self.inlet.clone())
    }

    /// The call is this way now: while none is wanted, or long after the last, the microphone is heard only for who listens
    /// along.
    pub(crate) fn follow(&self, link: VoiceLink) {
        self.inlet.tell(News::Link(link));
    }

    /// Silences what the hub has said so far.
    pub(crate) fn silence(&self) {
        self.inlet.tell(News::Silence);
    }

    /// How it is.
    pub(crate) fn seen(&self) -> Seen {
        guard(&self.seen).clone()
    }
}

impl Drop for Speech {
    fn drop(&mut self) {
        self.inlet.tell(News::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
