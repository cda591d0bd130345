//! Asking `amora-helper` for what only root may do.

use amora_contract::state::Slot;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// Time for it to act and to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longest answer taken: last words, each byte of which may take six in JSON.
const LONGEST: u64 = 1 << 20;

/// Why it did not act.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HelperFailure {
    /// There is no such helper on this box.
    #[error("there is no {}", .0.display())]
    Missing(PathBuf),
    /// It does not answer.
    #[error("{}: {cause}", path.display())]
    Silent {
        /// Its socket.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// It says why it did not.
    #[error("{0}")]
    Refused(String),
}

/// How the slots stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct SlotStatus {
    /// The slot that runs.
    pub(crate) slot: Slot,
    /// The slot of the next start.
    pub(crate) next: Slot,
    /// Whether the slot of the next start is on trial.
    pub(crate) trial: bool,
    pub(crate) tries: u32,
    pub(crate) limit: u32,
    #[serde(default)]
    pub(crate) ustate: u32,
}

/// What a kernel said last.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct LastWords {
    /// Tells it from others.
    pub(crate) name: String,
    pub(crate) text: String,
}

impl SlotStatus {
    /// Whether the system that runs is on trial.
    pub(crate) fn on_trial(&self) -> bool {
        self.trial && self.next == self.slot
    }

    /// The slot that waits for its trial.
    pub(crate) fn waiting(&self) -> Option<Slot> {
        (self.trial && self.next != self.slot).then_some(self.next)
    }
}

/// The sockets of the helper.
#[derive(Debug, Clone)]
pub(crate) struct Helper(PathBuf);

impl Helper {
    pub(crate) fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    pub(crate) async fn slots(&self) -> Result<SlotStatus, HelperFailure> {
        let answer = self.ask("slot.sock", &json!({"request": "status"})).await?;
        serde_json::from_value(answer)
            .map_err(|error| HelperFailure::Refused(format!("it answers nonsense: {error}")))
    }

    /// What kernels said last: name and text, the newest last.
    pub(crate) async fn last_words(&self) -> Result<Vec<LastWords>, HelperFailure> {
        let mut answer = self.ask("slot.sock", &json!({"request": "last-words"})).await?;
        serde_json::from_value(answer["last_words"].take())
            .map_err(|error| HelperFailure::Refused(format!("it answers nonsense: {error}")))
    }

    pub(crate) async fn commit(&self) -> Result<(), HelperFailure> {
        self.ask("slot.sock", &json!({"request": "commit"}))
            .await
            .map(drop)
    }

    pub(crate) async fn give_up(&self) -> Result<(), HelperFailure> {
        self.ask("slot.sock", &json!({"request": "give-up"}))
            .await
            .map(drop)
    }

    pub(crate) async fn restart(&self, trial: bool) -> Result<(), HelperFailure> {
        self.ask("power.sock", &json!({"request": "restart", "trial": trial}))
            .await
            .map(drop)
    }

    pub(crate) async fn power_off(&self) -> Result<(), HelperFailure> {
        self.ask("power.sock", &json!({"request": "power-off"}))
            .await
            .map(drop)
    }

    pub(crate) async fn factory_reset(&self) -> Result<(), HelperFailure> {
        self.ask("reset.sock", &json!({"request": "factory-reset"}))
            .await
            .map(drop)
    }

    async fn ask(&self, socket: &str, request: &Value) -> Result<Value, HelperFailure> {
        let path = self.0.join(socket);
        let exchange = tokio::time::timeout(PATIENCE, exchange(&path, request)).await;
        let answer = exchange.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let answer = answer.map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => HelperFailure::Missing(path.clone()),
            _ => HelperFailure::Silent { path, cause },
        })?;
        match answer["error"].as_str() {
            Some(error) => Err(HelperFailure::Refused(error.chars().take(300).collect())),
            None => Ok(answer),
        }
    }
}

async fn exchange(path: &Path, request: &Value) -> io::Result<Value> {
    let mut stream = UnixStream::connect(path).await?;
    stream.write_all(format!("{request}\n").as_bytes()).await?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST)).read_line(&mut line).await?;
    match line.ends_with('\n') {
        true => Ok(serde_json::from_str(&line)?),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amora_helper::slot::{self, Status};
    use amora_helper::{Answer, HelperError, Power, Reset, parse};
    use tokio::net::UnixListener;

    /// Answers each connection as the helper words it, once the helper's own parser has read the request.
    fn serve(path: PathBuf, answer: impl Fn(&[u8]) -> Result<Answer, HelperError> + Send + 'static) {
        let listener = UnixListener::bind(path).unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                let answer = Answer::line(&answer(line.trim_end().as_bytes()));
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
    }

    #[tokio::test]
    async fn the_helper_and_this_speak_the_same_language() {
        let folder = tempfile::tempdir().unwrap();
        serve(folder.path().join("slot.sock"), |line| {
            Ok(match parse(line)? {
                amora_helper::Slot::Status {} => Answer::Status(Status {
                    slot: slot::Slot::A,
                    next: slot::Slot::B,
                    trial: true,
                    tries: 1,
                    limit: 3,
                    ustate: 1,
                }),
                amora_helper::Slot::LastWords {} => Answer::LastWords(vec![slot::LastWords {
                    name: "dmesg-1".to_owned(),
                    text: "Kernel panic".to_owned(),
                }]),
                amora_helper::Slot::Commit {} => Answer::Done,
                other => return Err(HelperError::State(format!("not now: {other:?}"))),
            })
        });
        serve(folder.path().join("power.sock"), |line| {
            assert!(matches!(
                parse(line)?,
                Power::Restart { trial: true } | Power::PowerOff {}
            ));
            Ok(Answer::Done)
        });
        serve(folder.path().join("reset.sock"), |line| {
            parse::<Reset>(line).map(|_| Answer::Done)
        });
        let helper = Helper::new(folder.path());
        let expected = SlotStatus {
            slot: Slot::A,
            next: Slot::B,
            trial: true,
            tries: 1,
            limit: 3,
            ustate: 1,
        };
        assert_eq!(helper.slots().await.unwrap(), expected);
        let words = helper.last_words().await.unwrap();
        assert_eq!(
            (words[0].name.as_str(), words[0].text.as_str()),
            ("dmesg-1", "Kernel panic")
        );
        helper.commit().await.unwrap();
        helper.restart(true).await.unwrap();
        helper.power_off().await.unwrap();
        helper.factory_reset().await.unwrap();
        let refused = helper.give_up().await.unwrap_err();
        assert_eq!(refused.to_string(), "not now: GiveUp");
    }
}
