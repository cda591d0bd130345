//! The installation that goes on.

use crate::error::Refusal;
use crate::install::Step;
use crate::record::{Baseline, Pending};
use amora_contract::config::RestartPolicy;
use amora_contract::state::{Slot, UpdateInstall, UpdateSource};
use amora_contract::units::{Bytes, Timestamp};
use amora_router::Request;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// One installation.
pub(super) struct Work {
    pub(super) source: UpdateSource,
    pub(super) url: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) restart: RestartPolicy,
    pub(super) version: Option<String>,
    pub(super) slot: Slot,
    pub(super) received: u64,
    pub(super) size: Option<u64>,
    pub(super) percent: u8,
    pub(super) part: String,
    pub(super) waiting: Option<String>,
    /// Whether SWUpdate fetches the chunks of it.
    pub(super) delta: bool,
    /// Where the full image is, for a delta.
    pub(super) full: Option<String>,
    /// Why the full image is taken in place of the delta.
    pub(super) fallback: Option<String>,
    pub(super) started_at: Timestamp,
    pub(super) before: Baseline,
    /// Who waits for the end; who asked for a download has the answer already.
    pub(super) request: Option<Request>,
    pub(super) steps: Option<mpsc::Receiver<Step>>,
    pub(super) tasks: Vec<AbortOnDropHandle<()>>,
    pub(super) stage: Stage,
    pub(super) since: Instant,
    /// Whether SWUpdate has begun to write.
    pub(super) wrote: bool,
    /// Why it ends badly, where that is known before SWUpdate has ended.
    pub(super) refusal: Option<Refusal>,
    /// When SWUpdate said that it failed: its reasons may still be on their way.
    pub(super) failed: Option<Instant>,
    /// Whether SWUpdate went away in the middle of it.
    pub(super) lost: bool,
    /// Whether there is nothing left to wait for.
    pub(super) over: bool,
}

/// How far an installation is, from SWUpdate's point of view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It does not know of it.
    Before,
    /// It takes it.
    Taking,
    /// It has all of it.
    Handed,
    /// It was cut off and is about to give up.
    Ending,
}

impl Work {
    /// An installation to `slot` that begins now.
    pub(super) fn new(source: UpdateSource, slot: Slot, restart: RestartPolicy, links: Vec<String>) -> Self {
        Self {
            source,
            url: None,
            reference: None,
            restart,
            version: None,
            slot,
            received: 0,
            size: None,
            percent: 0,
            part: String::new(),
            waiting: None,
            delta: false,
            full: None,
            fallback: None,
            started_at: Timestamp::now(),
            before: Baseline {
                links,
                ..Baseline::default()
            },
            request: None,
            steps: None,
            tasks: Vec::new(),
            stage: Stage::Before,
            since: Instant::now(),
            wrote: false,
            refusal: None,
            failed: None,
            lost: false,
            over: false,
        }
    }

    /// News of the task that carries it through.
    pub(super) async fn next_step(&mut self) -> Option<Step> {
        match &mut self.steps {
            Some(steps) => match steps.recv().await {
                None => {
                    self.steps = None;
                    std::future::pending().await
                }
                step => step,
            },
            None => std::future::pending().await,
        }
    }

    pub(super) fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.since = Instant::now();
    }

    /// What the state shows of it.
    pub(super) fn shown(&self) -> UpdateInstall {
        UpdateInstall {
            source: self.source,
            url: self.url.clone(),
            reference: self.reference.clone(),
            version: self.version.clone(),
            slot: self.slot,
            percent: self.percent,
            received: Bytes(self.received),
            size: self.size.map(Bytes),
            part: self.part.clone(),
            waiting: self.waiting.clone(),
            fallback: self.fallback.clone(),
            started_at: self.started_at,
        }
    }

    pub(super) fn received(&mut self, bytes: u64) {
        self.received = bytes;
        // Of a delta this is but the list of its chunks.
        if let Some(size) = self.size.filter(|size| *size > 0 && !self.delta) {
            // The rest is for what SWUpdate does at the end.
            self.raise((bytes.saturating_mul(99) / size).min(99) as u8);
        }
    }

    pub(super) fn raise(&mut self, percent: u8) {
        self.percent = self.percent.max(percent);
    }
}

/// An installed update, as the state shows it.
pub(super) fn installed(pending: &Pending) -> UpdateInstall {
    UpdateInstall {
        source: pending.source,
        url: pending.url.clone(),
        reference: pending.reference.clone(),
        version: pending.to_version.clone(),
        slot: pending.to_slot,
        percent: 100,
        received: Bytes(0),
        size: None,
        part: String::new(),
        waiting: None,
        fallback: pending.fallback.clone(),
        started_at: pending.started_at,
    }
}
