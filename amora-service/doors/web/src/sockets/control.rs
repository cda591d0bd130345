//! `/api/socket`: state, events and levels out; commands in.

use super::{End, Liveness, Upgrade, check_session, close, open, read_failure, send};
use crate::access::{Caller, Reader};
use crate::door::Door;
use crate::metrics::SocketKind;
use crate::refusal::Refusal;
use crate::snapshot::Snapshot;
use amora_contract::{CommandError, ErrorCode, Event, Reply};
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket};
use axum::response::Response;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval};

/// Commands of one socket under way at once. Whoever sends more is not read until some are answered.
const OUTSTANDING: usize = 32;

/// Least time between two readings of the levels.
const LEVELS: Duration = Duration::from_millis(50);

/// Opens the socket.
pub(crate) async fn control(
    State(door): State<Arc<Door>>,
    Reader(caller): Reader,
    upgrade: Upgrade,
) -> Result<Response, Refusal> {
    let talker = door.clone();
    open(&door, upgrade, SocketKind::Control, move |socket| async move {
        let mut conversation = Conversation {
            sent: Arc::default(),
            wants_levels: false,
            under_way: FuturesUnordered::new(),
            door: talker,
            caller,
            socket,
        };
        let Err(end) = conversation.run().await;
        close(conversation.socket, end).await;
    })
}

type Answer = (Value, Result<Reply, CommandError>);

struct Conversation {
    door: Arc<Door>,
    caller: Caller,
    socket: WebSocket,
    /// The state as the other end knows it.
    sent: Arc<Snapshot>,
    wants_levels: bool,
    /// Each is polled first in the order of arrival, and so reaches its capability in that order.
    under_way: FuturesUnordered<BoxFuture<'static, Answer>>,
}

impl Conversation {
    async fn run(&mut self) -> Result<std::convert::Infallible, End> {
        let door = self.door.clone();
        let mut states = door.router().watch_state();
        let mut events = door.router().subscribe_events();
        let mut levels = door.router().levels().subscribe();
        let mut ended = door.access.watch_ended();
        let mut meter = interval(LEVELS);
        meter.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut liveness = Liveness::new();

        states.mark_unchanged();
        self.sent = door.snapshot();
        self.say(format!("{{\"state\":{}}}", self.sent.whole())).await?;
        loop {
            let full = self.under_way.len() >= OUTSTANDING;
            tokio::select! {
                () = door.closing.cancelled() => return Err(End::Closing),
                message = self.socket.recv(), if !full => {
                    liveness.heard();
                    match message {
                        Some(Ok(message)) => self.hear(message).await?,
                        Some(Err(error)) => return Err(read_failure(&error)),
                        None => return Err(End::Gone),
                    }
                }
                Some((id, result)) = self.under_way.next() => self.reply(id, result).await?,
                Ok(()) = states.changed() => self.tell_changes().await?,
                event = events.recv() => self.tell_event(event).await?,
                _ = meter.tick(), if self.wants_levels => {
                    if levels.has_changed().unwrap_or(false) {
                        let reading = *levels.borrow_and_update();
                        self.say(json!({"levels": reading}).to_string()).await?;
                    }
                }
                () = liveness.tick() => {
                    check_session(&door, &self.caller).await?;
                    // While it is not read, its silence means nothing.
                    if full {
                        liveness.heard();
                    }
                    liveness.ask(&mut self.socket).await?;
                }
                Ok(()) = ended.changed() => check_session(&door, &self.caller).await?,
            }
        }
    }

    async fn say(&mut self, text: String) -> Result<(), End> {
        send(&mut self.socket, Message::Text(text.into())).await
    }

    async fn tell_changes(&mut self) -> Result<(), End> {
        let latest = self.door.snapshot();
        let changes = latest.changes_since(&self.sent);
        self.sent = latest;
        match changes {
            Some(changes) => self.say(format!("{{\"state\":{changes}}}")).await,
            None => Ok(()),
        }
    }

    async fn tell_event(&mut self, event: Result<Event, RecvError>) -> Result<(), End> {
        match event {
            Ok(event) => self.say(json!({"event": event}).to_string()).await,
            Err(RecvError::Lagged(missed)) => self.say(json!({"lagged": missed}).to_string()).await,
            Err(RecvError::Closed) => Err(End::Closing),
        }
    }

    async fn reply(&mut self, id: Value, result: Result<Reply, CommandError>) -> Result<(), End> {
        let reply = match result {
            Ok(reply) => json!({"id": id, "result": true, "data": reply.to_json()}),
            Err(error) => json!({"id": id, "result": false, "error": error}),
        };
        self.say(json!({"reply": reply}).to_string()).await
    }

    async fn hear(&mut self, message: Message) -> Result<(), End> {
        let request = match &message {
            Message::Text(text) => Request::read(text),
            Message::Binary(_) => Err((Value::Null, malformed("messages are JSON text, not binary"))),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(End::Gone),
        };
        match request {
            Ok(Request::Command { id, name, params }) => {
                if !self.caller.is_known() {
                    let error =
                        CommandError::new(ErrorCode::LoginRequired, "log in before you send commands");
                    return self.reply(id, Err(error)).await;
                }
                let door = self.door.clone();
                self.under_way.push(Box::pin(async move {
                    let result = door.execute(&name, params).await;
                    (id, result)
                }));
                Ok(())
            }
            Ok(Request::Levels(wanted)) => {
                self.wants_levels = wanted;
                Ok(())
            }
            Err((id, error)) => self.reply(id, Err(error)).await,
        }
    }
}

/// What the other end may ask.
#[derive(Debug, PartialEq)]
enum Request {
    Command { id: Value, name: String, params: Value },
    Levels(bool),
}

impl Request {
    /// Reads a message. An error comes with the id to answer to, where there is one.
    fn read(text: &str) -> Result<Self, (Value, CommandError)> {
        let mut message: Value = serde_json::from_str(text).map_err(|error| {
            (
                Value::Null,
                malformed(format!("the message is not JSON: {error}")),
            )
        })?;
        let mut take = |field: &str| message.get_mut(field).map(Value::take);
        let id = take("id").filter(|id| id.is_number() || id.is_string());
        if let Some(name) = take("command") {
            let Some(id) = id else {
                return Err((
                    Value::Null,
                    CommandError::invalid("id", "must be a number or text, to answer to"),
                ));
            };
            return match name {
                Value::String(name) => Ok(Self::Command {
                    id,
                    name,
                    params: take("params").unwrap_or_default(),
                }),
                _ => Err((
                    id,
                    CommandError::invalid("command", "must be a command's name, as text"),
                )),
            };
        }
        let id = id.unwrap_or_default();
        for (field, wanted) in [("subscribe", true), ("unsubscribe", false)] {
            if let Some(streams) = take(field) {
                return match streams == json!(["levels"]) {
                    true => Ok(Self::Levels(wanted)),
                    false => Err((id, CommandError::invalid(field, "must be `[\"levels\"]`"))),
                };
            }
        }
        Err((
            id,
            malformed("the message has neither `command` nor `subscribe` nor `unsubscribe`"),
        ))
    }
}

fn malformed(message: impl Into<String>) -> CommandError {
    CommandError::new(ErrorCode::Malformed, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_and_mistakes_are_answered_to_their_id() {
        assert_eq!(
            Request::read(r#"{"id":7,"command":"player.play","params":{"id":3},"extra":1}"#),
            Ok(Request::Command {
                id: json!(7),
                name: "player.play".to_owned(),
                params: json!({"id": 3})
            })
        );
        assert_eq!(
            Request::read(r#"{"subscribe":["levels"]}"#),
            Ok(Request::Levels(true))
        );
        assert_eq!(
            Request::read(r#"{"unsubscribe":["levels"]}"#),
            Ok(Request::Levels(false))
        );

        for (text, id, code, field) in [
            ("{", Value::Null, ErrorCode::Malformed, None),
            ("[]", Value::Null, ErrorCode::Malformed, None),
            ("7", Value::Null, ErrorCode::Malformed, None),
            (r#"{"id":1}"#, json!(1), ErrorCode::Malformed, None),
            (
                r#"{"command":"player.play"}"#,
                Value::Null,
                ErrorCode::InvalidParameter,
                Some("id"),
            ),
            (
                r#"{"id":{},"command":"player.play"}"#,
                Value::Null,
                ErrorCode::InvalidParameter,
                Some("id"),
            ),
            (
                r#"{"id":"a","command":3}"#,
                json!("a"),
                ErrorCode::InvalidParameter,
                Some("command"),
            ),
            (
                r#"{"subscribe":["weather"]}"#,
                Value::Null,
                ErrorCode::InvalidParameter,
                Some("subscribe"),
            ),
        ] {
            let (answered, error) = Request::read(text).unwrap_err();
            assert_eq!(
                (answered, error.code, error.field.as_deref()),
                (id, code, field),
                "{text}"
            );
        }
        let deep = "[".repeat(10_000);
        assert_eq!(Request::read(&deep).unwrap_err().1.code, ErrorCode::Malformed);
    }
}
