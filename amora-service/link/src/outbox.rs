//! A durable queue of what must reach the other side: written before it is sent, deleted once it has arrived.
//!
//! It is an SQLite database in WAL mode with one writer thread. `synchronous` is `FULL`: an entry is promised
//! when `append` returns, so it must be on the disk then, not only in the kernel. Appends that wait together
//! share one commit, which keeps a burst from wearing the card.

mod store;

pub use store::Limits;

use std::path::{Path, PathBuf};
use store::Store;
use tokio::sync::{mpsc, oneshot, watch};

/// Jobs that wait for the writer; more wait at the caller.
const QUEUE: usize = 256;

/// Why the outbox did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// The file cannot be used.
    #[error("outbox {}: {cause}", path.display())]
    Storage {
        /// The database.
        path: PathBuf,
        /// What the system says.
        cause: String,
    },
    /// One entry alone is larger than the whole outbox may be.
    #[error("an entry of {size} bytes cannot be kept: the outbox holds at most {limit} bytes")]
    TooLarge {
        /// Bytes of the entry.
        size: usize,
        /// Bytes the outbox may hold.
        limit: u64,
    },
    /// The writer is gone.
    #[error("the outbox is closed")]
    Closed,
}

/// Something to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number. Numbers only grow, also across a replaced database file; a gap is what was dropped.
    pub sequence: i64,
    /// What was appended.
    pub body: Vec<u8>,
}

/// How full the outbox is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fill {
    /// Entries waiting.
    pub entries: u64,
    /// Bytes waiting.
    pub bytes: u64,
    /// Entries dropped since the database was made, oldest first, because there was no room.
    pub dropped: u64,
    /// Where a damaged database was put, if one had to be replaced.
    pub replaced: Option<PathBuf>,
    /// Number of the newest entry ever appended.
    pub newest: i64,
}

enum Job {
    Append(Vec<u8>, oneshot::Sender<Result<i64, OutboxError>>),
    Read(i64, usize, oneshot::Sender<Result<Vec<Entry>, OutboxError>>),
    Delete(Vec<i64>, oneshot::Sender<Result<(), OutboxError>>),
}

/// A handle to the outbox. The writer ends, with all its work done, when the last handle is dropped.
#[derive(Clone)]
pub struct Outbox {
    jobs: mpsc::Sender<Job>,
    fill: watch::Receiver<Fill>,
}

impl Outbox {
    /// Opens or makes the database. A damaged one is moved aside (`.damaged`) and a new one begun.
    ///
    /// # Errors
    /// When the file can neither be opened nor made.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, OutboxError> {
        let store = Store::open(path, limits)?;
        let (publish, fill) = watch::channel(store.fill().clone());
        let (jobs, waiting) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("outbox".to_owned())
            .spawn(move || write(store, waiting, &publish))
            .map_err(|cause| OutboxError::Storage {
                path: path.to_owned(),
                cause: cause.to_string(),
            })?;
        Ok(Self { jobs, fill })
    }

    /// Keeps something until it is deleted; it is on the disk when this returns. Gives its number.
    ///
    /// # Errors
    /// When it is too large or cannot be written.
    pub async fn append(&self, body: Vec<u8>) -> Result<i64, OutboxError> {
        self.ask(|answer| Job::Append(body, answer)).await
    }

    /// At most `limit` entries with numbers above `after`, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn read(&self, after: i64, limit: usize) -> Result<Vec<Entry>, OutboxError> {
        self.ask(|answer| Job::Read(after, limit, answer)).await
    }

    /// Forgets entries that have arrived. Numbers that are not there any more do no harm.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn delete(&self, sequences: Vec<i64>) -> Result<(), OutboxError> {
        self.ask(|answer| Job::Delete(sequences, answer)).await
    }

    /// How full it is.
    pub fn watch(&self) -> watch::Receiver<Fill> {
        self.fill.clone()
    }

    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, OutboxError>>) -> Job,
    ) -> Result<T, OutboxError> {
        let (answer, answered) = oneshot::channel();
        self.jobs
            .send(job(answer))
            .await
            .map_err(|_| OutboxError::Closed)?;
        answered.await.map_err(|_| OutboxError::Closed)?
    }
}

/// The writer: takes every job that waits, appends in one commit, answers.
fn write(mut store: Store, mut waiting: mpsc::Receiver<Job>, fill: &watch::Sender<Fill>) {
    let mut jobs = Vec::with_capacity(QUEUE);
    while waiting.blocking_recv_many(&mut jobs, QUEUE) > 0 {
        let mut bodies = Vec::new();
        let mut askers = Vec::new();
        let mut others = Vec::new();
        for job in jobs.drain(..) {
            match job {
                Job::Append(body, answer) => {
                    bodies.push(body);
                    askers.push(answer);
                }
                other => others.push(other),
            }
        }
        let appended = store.append(&bodies);
        // The fill goes first: whoever is told of an entry then finds it counted.
        show(&store, fill);
        for (asker, result) in askers.into_iter().zip(appended) {
            let _ = asker.send(result);
        }
        for job in others {
            match job {
                Job::Append(..) => {}
                Job::Read(after, limit, answer) => {
                    let _ = answer.send(store.read(after, limit));
                }
                Job::Delete(sequences, answer) => {
                    let result = store.delete(&sequences);
                    show(&store, fill);
                    let _ = answer.send(result);
                }
            }
        }
    }
}

/// Shows the fill to its watchers where it changed: whoever reads at every change must not be woken by reading.
fn show(store: &Store, fill: &watch::Sender<Fill>) {
    fill.send_if_modified(|shown| {
        let changed = shown != store.fill();
        if changed {
            shown.clone_from(store.fill());
        }
        changed
    });
}

#[cfg(test)]
mod tests;
