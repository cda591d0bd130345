//! One installation: pieces come in from wherever they come, are read on the way, and go on to SWUpdate.

use crate::error::Refusal;
use crate::fetch::Piece;
use crate::swu::Reader;
use crate::swupdate::control::{self, NotTaken, Stream};
use amora_contract::state::UpdateCause;
use aws_lc_rs::digest;
use bytes::Bytes;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Time for SWUpdate to be done with an update that it gives up, or to be started again.
const BUSY_PATIENCE: Duration = Duration::from_secs(60);

/// Time between looks at whether it is.
const BUSY_PAUSE: Duration = Duration::from_millis(500);

/// What an update must fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fitting {
    /// The board's name and revision.
    pub(crate) board: (String, String),
    /// The oldest version let in.
    pub(crate) floor: String,
    /// Largest size.
    pub(crate) limit: u64,
    /// The size that was announced.
    pub(crate) size: Option<u64>,
    /// The SHA-256 that was announced.
    pub(crate) sha256: Option<Vec<u8>>,
    /// The version of the delta that this is taken in place of.
    pub(crate) in_place_of: Option<String>,
}

/// How an installation goes on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The file's size is known.
    Size(u64),
    /// The description was read and fits.
    Described {
        version: String,
        /// Whether SWUpdate has to fetch the chunks.
        delta: bool,
        /// Where the full image is.
        full: Option<String>,
    },
    /// So much has arrived.
    Received(u64),
    /// It stands still, and why; nothing while it moves.
    Waiting(Option<String>),
    /// SWUpdate has all of it, and decides.
    Handed,
    /// SWUpdate closed its end before it had all: it says why in its log.
    Closed,
    /// It is not let in, or did not get through. `begun` is whether SWUpdate had begun with it.
    Refused { refusal: Refusal, begun: bool },
}

/// Carries an installation through until SWUpdate has all of it. Being dropped ends it: SWUpdate then gives up.
pub(crate) async fn run(
    fitting: Fitting,
    swupdate: PathBuf,
    mut pieces: mpsc::Receiver<Piece>,
    steps: mpsc::Sender<Step>,
) {
    let mut install = Install {
        reader: Some(Reader::new(fitting.limit)),
        digest: digest::Context::new(&digest::SHA256),
        stream: None,
        fitting,
        swupdate,
    };
    let last = match install.all(&mut pieces, &steps).await {
        Ok(()) => Step::Handed,
        Err(End::Closed) => Step::Closed,
        Err(End::Refused(refusal)) => Step::Refused {
            refusal,
            begun: install.stream.is_some(),
        },
    };
    let _ = steps.send(last).await;
}

struct Install {
    fitting: Fitting,
    swupdate: PathBuf,
    reader: Option<Reader>,
    digest: digest::Context,
    stream: Option<Stream>,
}

enum End {
    Closed,
    Refused(Refusal),
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Install {
    async fn all(
        &mut self,
        pieces: &mut mpsc::Receiver<Piece>,
        steps: &mpsc::Sender<Step>,
    ) -> Result<(), End> {
        let mut reported = 0;
        while let Some(piece) = pieces.recv().await {
            match piece {
                Piece::Size(size) => {
                    self.check_size(size)?;
                    let _ = steps.send(Step::Size(size)).await;
                }
                Piece::Bytes(bytes) => {
                    self.take(bytes, steps).await?;
                    let position = self.reader.as_ref().map_or(0, Reader::position);
                    // A bar has a hundred steps: more news is noise.
                    if position - reported >= 256 * 1024 {
                        reported = position;
                        let _ = steps.send(Step::Received(position)).await;
                    }
                }
                Piece::Waiting(cause) => {
                    let _ = steps.send(Step::Waiting(cause)).await;
                }
                Piece::Broken(refusal) => return Err(refusal.into()),
            }
        }
        self.finish(steps).await
    }

    async fn take(&mut self, bytes: Bytes, steps: &mpsc::Sender<Step>) -> Result<(), End> {
        let Some(reader) = &mut self.reader else {
            return Ok(());
        };
        self.digest.update(&bytes);
        let on = reader.push(bytes)?;
        if on.is_empty() {
            return Ok(());
        }
        if self.stream.is_none() {
            let Some(description) = reader.description() else {
                return Ok(());
            };
            let (board, revision) = &self.fitting.board;
            description.check_board(board, revision)?;
            description.check_floor(&self.fitting.floor)?;
            if let Some(version) = &self.fitting.in_place_of {
                description.check_fallback(version)?;
            }
            let described = Step::Described {
                version: description.version.clone(),
                delta: description.delta,
                full: description.full.clone(),
            };
            self.stream = Some(self.begin().await.map_err(not_taken)?);
            let _ = steps.send(described).await;
        }
        self.write(&on).await
    }

    /// Has SWUpdate begin. It may still be giving up the delta that this is taken in place of.
    async fn begin(&self) -> Result<Stream, NotTaken> {
        let patience = match self.fitting.in_place_of {
            Some(_) => BUSY_PATIENCE,
            None => Duration::ZERO,
        };
        let since = Instant::now();
        loop {
            match control::install(&self.swupdate).await {
                Err(_) if since.elapsed() < patience => tokio::time::sleep(BUSY_PAUSE).await,
                begun => return begun,
            }
        }
    }

    async fn write(&mut self, pieces: &[Bytes]) -> Result<(), End> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        for piece in pieces {
            stream.write_all(piece).await.map_err(|_| End::Closed)?;
        }
        Ok(())
    }

    async fn finish(&mut self, steps: &mpsc::Sender<Step>) -> Result<(), End> {
        let Some(reader) = self.reader.take() else {
            return Ok(());
        };
        let size = reader.position();
        let end = reader.finish()?;
        self.check_size(size)?;
        let digest = self.digest.clone().finish();
        if let Some(announced) = &self.fitting.sha256
            && announced.as_slice() != digest.as_ref()
        {
            return Err(Refusal::new(
                UpdateCause::Corrupt,
                "the file is not the one that was announced: its SHA-256 is another",
            )
            .into());
        }
        let _ = steps.send(Step::Received(size)).await;
        self.write(&[end]).await?;
        if let Some(stream) = &mut self.stream {
            stream.flush().await.map_err(|_| End::Closed)?;
            // SWUpdate closes the connection itself; it takes our closing as the end.
            let _ = stream.shutdown().await;
        }
        Ok(())
    }

    fn check_size(&self, size: u64) -> Result<(), Refusal> {
        if size > self.fitting.limit {
            return Err(crate::swu::too_big(size, self.fitting.limit));
        }
        match self.fitting.size {
            Some(announced) if announced != size => Err(Refusal::new(
                if size < announced {
                    UpdateCause::Truncated
                } else {
                    UpdateCause::Corrupt
                },
                format!("the file has {size} bytes, and {announced} were announced"),
            )),
            _ => Ok(()),
        }
    }
}

fn not_taken(cause: NotTaken) -> Refusal {
    let reason = match cause {
        NotTaken::Away(error) => format!("SWUpdate does not answer: {error}"),
        NotTaken::Refused(text) if text.is_empty() => "SWUpdate does not take updates now".to_owned(),
        NotTaken::Refused(text) => format!("SWUpdate does not take updates now: {text}"),
    };
    Refusal::new(UpdateCause::Installer, reason)
}
