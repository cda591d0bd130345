//! Carries out what arrives, in order, and answers in the same order.

use crate::dialect::{self, Asked, Dialect, Request, Shape};
use crate::home_assistant;
use crate::recent::{Fingerprint, Known, Recent};
use crate::responder::Answer;
use crate::topics::Topics;
use amora_contract::commands::{PlayerCommand, PlaylistName};
use amora_contract::units::Timestamp;
use amora_contract::{Command, CommandError, ErrorCode, Reply};
use amora_link::mqtt::{Incoming, Message};
use amora_router::Doorway;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// A command that takes longer, like the sound test, no longer holds up those behind it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Slow commands under way at once; more wait.
const ASIDE: usize = 16;

/// Playlists whose songs are put into an answer.
const PLAYLISTS_WITH_SONGS: usize = 64;

/// What the worker tells the rest of the door.
#[derive(Default)]
pub(crate) struct Signals {
    /// A command was carried out: the state is to be published.
    pub(crate) acted: Notify,
    /// Home Assistant started and wants to be told everything again.
    pub(crate) born: Notify,
}

pub(crate) struct Worker {
    pub(crate) doorway: Doorway,
    pub(crate) topics: Topics,
    pub(crate) birth: Option<String>,
    pub(crate) max_message_size: usize,
    pub(crate) answers: mpsc::Sender<Answer>,
    pub(crate) signals: Arc<Signals>,
}

type Outcome = (Option<Fingerprint>, Asked, Bytes);

impl Worker {
    /// Works until the messages end.
    pub(crate) async fn work(self, mut incoming: Incoming) {
        let mut recent = Recent::new();
        let mut aside: JoinSet<Outcome> = JoinSet::new();
        loop {
            tokio::select! {
                message = incoming.next(), if aside.len() < ASIDE => match message {
                    Some(message) => self.take(message, &mut recent, &mut aside).await,
                    None => return,
                },
                Some(done) = aside.join_next() => {
                    // A panic is the capability's own affair and was logged there.
                    if let Ok((fingerprint, asked, body)) = done {
                        self.answer(&mut recent, fingerprint, asked, body).await;
                        self.signals.acted.notify_one();
                    }
                }
            }
        }
    }

    async fn take(&self, message: Message, recent: &mut Recent, aside: &mut JoinSet<Outcome>) {
        if message.topic == self.topics.commands {
            self.command(message, recent, aside).await;
        } else if let Some(entity) = self.topics.entity(&message.topic) {
            self.wish(entity, &message, recent).await;
        } else if Some(&message.topic) == self.birth.as_ref() && &*message.payload == b"online" {
            self.signals.born.notify_one();
        }
    }

    async fn command(&self, message: Message, recent: &mut Recent, aside: &mut JoinSet<Outcome>) {
        let Request { asked, command } = self.read(&message);
        let command = match command {
            Ok(command) => command,
            Err(error) => {
                tracing::debug!(command = asked.name, %error, "a command was refused");
                let body = dialect::encode_error(&asked, &error, Timestamp::now()).into();
                return self.answer(recent, None, asked, body).await;
            }
        };
        let mut fingerprint = None;
        if changes(&command) && (asked.id.is_some() || message.duplicate) {
            let now = Instant::now();
            let print = recent.fingerprint(&message.topic, &message.payload);
            match recent.find(print, now) {
                Some(Known::Running) => return,
                Some(Known::Answered(body)) => {
                    let body = body.clone();
                    return self.answer(recent, None, asked, body).await;
                }
                None => recent.begin(print, now),
            }
            fingerprint = Some(print);
        }
        let doorway = self.doorway.clone();
        let mut life = Box::pin(async move {
            let body = carry_out(&doorway, &asked, command).await;
            (fingerprint, asked, body)
        });
        tokio::select! {
            (fingerprint, asked, body) = &mut life => {
                self.answer(recent, fingerprint, asked, body).await;
                self.signals.acted.notify_one();
            }
            () = tokio::time::sleep(PATIENCE) => {
                aside.spawn(life);
            }
        }
    }

    fn read(&self, message: &Message) -> Request {
        let refuse = |code, reason| dialect::refuse(&message.payload, CommandError::new(code, reason));
        if message.size > self.max_message_size {
            return refuse(
                ErrorCode::TooLarge,
                format!(
                    "the message has {} bytes and the limit is {}",
                    message.size, self.max_message_size
                ),
            );
        }
        if message.retained {
            // It would be carried out again at every connect.
            return refuse(
                ErrorCode::NotAllowed,
                "a retained command is not carried out; publish it without `retain`".to_owned(),
            );
        }
        dialect::parse(&message.payload)
    }

    /// Something Home Assistant wants. It expects no answer but the state.
    async fn wish(&self, entity: &str, message: &Message, recent: &mut Recent) {
        if message.retained || message.size > self.max_message_size {
            return;
        }
        if message.duplicate {
            let print = recent.fingerprint(&message.topic, &message.payload);
            if recent.find(print, Instant::now()).is_some() {
                return;
            }
        }
        let print = recent.fingerprint(&message.topic, &message.payload);
        recent.begin(print, Instant::now());
        let result = match home_assistant::command(entity, &message.payload) {
            Ok(command) => self.doorway.execute(command).await,
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            tracing::warn!(entity, %error, "Home Assistant's wish was not carried out");
        }
        // Also after a failure: it makes Home Assistant show what is so.
        self.signals.acted.notify_one();
    }

    async fn answer(&self, recent: &mut Recent, fingerprint: Option<Fingerprint>, asked: Asked, body: Bytes) {
        if let Some(fingerprint) = fingerprint {
            recent.answered(fingerprint, body.clone());
        }
        // An error only means that the door is closing.
        let _ = self.answers.send(Answer { asked, body }).await;
    }
}

async fn carry_out(doorway: &Doorway, asked: &Asked, command: Command) -> Bytes {
    let result = doorway.execute(command).await;
    if let (Shape::Playlists, Dialect::Client, Ok(Reply::Playlists(list))) =
        (asked.shape, asked.dialect, &result)
    {
        let mut playlists = Vec::new();
        for summary in list.playlists.iter().take(PLAYLISTS_WITH_SONGS) {
            let name = PlaylistName {
                playlist: summary.name.clone(),
            };
            // One that vanished meanwhile is left out.
            if let Ok(Reply::Playlist(playlist)) =
                doorway.execute(PlayerCommand::GetPlaylist(name).into()).await
            {
                playlists.push(playlist);
            }
        }
        let state = doorway.router().state();
        let data = dialect::playlists_with_songs(&playlists, &state);
        return dialect::encode_data(asked, data, Timestamp::now()).into();
    }
    let state = doorway.router().state();
    dialect::encode(asked, &result, &state, Timestamp::now()).into()
}

/// Whether doing it twice is more than doing it once.
fn changes(command: &Command) -> bool {
    let verb = command.name().split_once('.').map_or("", |(_, verb)| verb);
    !(verb.starts_with("get_") || ["browse", "search", "list", "find"].contains(&verb))
}
