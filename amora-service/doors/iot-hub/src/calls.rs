//! Carries out direct methods, and the commands in messages from the cloud.

use crate::dialect::{self, Answer, Asked};
use crate::message;
use crate::telemetry::Telemetry;
use crate::uploads::Uploads;
use amora_contract::Command;
use amora_contract::commands::SystemCommand;
use amora_contract::state::IotHubReceived;
use amora_contract::units::Timestamp;
use amora_link::iot_hub::client::{CloudMessage, MethodCall};
use amora_router::Doorway;
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Notices of what was received, until they are shown.
pub(crate) const RECEIPTS: usize = 64;

/// The hub waits 30 s for an answer where the caller does not say otherwise. Work that takes longer than this is
/// answered with 202, and a message tells how it ended.
const PATIENCE: Duration = Duration::from_secs(20);

/// Some callers wait as little as this, the least that a hub allows them. What takes longer is told by a message too, so
/// that it reaches those who had given up.
const SHORTEST: Duration = Duration::from_secs(5);

/// Commands follow each other in the order in which they came, but one that takes longer than this no longer holds up
/// those behind it.
const TURN: Duration = Duration::from_secs(1);

/// Calls under way or waiting at once; one more is answered with 429.
const MOST: usize = 32;

/// Longest id that is sent back.
const LONGEST_ID: usize = 128;

pub(crate) struct Calls {
    worker: Worker,
    enabled: bool,
    running: JoinSet<()>,
}

#[derive(Clone)]
struct Worker {
    doorway: Doorway,
    telemetry: Telemetry,
    receipts: mpsc::Sender<IotHubReceived>,
    uploads: Uploads,
    /// Held while it is one's turn; it is passed on in the order of asking.
    turn: Arc<Mutex<()>>,
}

impl Calls {
    pub(crate) fn new(
        doorway: Doorway,
        telemetry: Telemetry,
        receipts: mpsc::Sender<IotHubReceived>,
        uploads: Uploads,
        enabled: bool,
    ) -> Self {
        Self {
            worker: Worker {
                doorway,
                telemetry,
                receipts,
                uploads,
                turn: Arc::default(),
            },
            enabled,
            running: JoinSet::new(),
        }
    }

    /// Waits until a call has ended; for ever while there is none.
    pub(crate) async fn progress(&mut self) {
        if self.running.join_next().await.is_none() {
            std::future::pending().await
        }
    }

    /// Somebody calls a method.
    pub(crate) fn method(&mut self, call: MethodCall) {
        let worker = self.worker.clone();
        let read = match dialect::method(&call.name, &call.payload) {
            _ if !self.enabled => Err(dialect::switched_off()),
            Ok(_) if self.running.len() >= MOST => Err(dialect::too_many()),
            read => read,
        };
        match read {
            Ok(asked) => self.running.spawn(worker.call(call, asked)),
            Err(answer) => self.running.spawn(async move {
                worker.note(&call.name, answer.status);
                send(call, &answer).await;
            }),
        };
    }

    /// A message came from the cloud: a command as `{"command": name, "params": {…}}`, or with its name as the property
    /// `command` and the parameters as its body.
    pub(crate) fn message(&mut self, message: CloudMessage) {
        let worker = self.worker.clone();
        let id = message
            .properties
            .get("$.mid")
            .filter(|id| id.len() <= LONGEST_ID);
        let id = id.map(str::to_owned);
        let (name, payload) = match command_of(&message) {
            Ok(command) => command,
            Err(answer) => {
                self.running
                    .spawn(async move { worker.tell("commandResult", "", &answer, id).await });
                return;
            }
        };
        let read = match dialect::method(&name, &payload) {
            _ if !self.enabled => Err(dialect::switched_off()),
            Ok(_) if self.running.len() >= MOST => Err(dialect::too_many()),
            read => read,
        };
        self.running.spawn(async move {
            let answer = match read {
                Ok(asked) => {
                    let uploads = makes_bundle(&asked);
                    let answer = worker.clone().carry_out(asked).await;
                    worker.finish(uploads, answer).await
                }
                Err(answer) => answer,
            };
            worker.note(&name, answer.status);
            worker.tell("commandResult", &name, &answer, id).await;
        });
    }
}

/// The command in a message, and its parameters as JSON.
fn command_of(message: &CloudMessage) -> Result<(String, Vec<u8>), Answer> {
    if let Some(name) = message.properties.get("command") {
        return Ok((name.to_owned(), message.body.to_vec()));
    }
    let wrong = || Answer {
        status: 400,
        body: json!({
            "result": false,
            "message": "a message must be {\"command\": name, \"params\": {…}}, or have a property `command`",
        }),
    };
    let body: Value = serde_json::from_slice(&message.body).map_err(|_| wrong())?;
    let name = body.get("command").and_then(Value::as_str).ok_or_else(wrong)?;
    let params = body.get("params").filter(|params| !params.is_null());
    Ok((
        name.to_owned(),
        params.map_or(Vec::new(), |params| params.to_string().into_bytes()),
    ))
}

impl Worker {
    async fn call(self, call: MethodCall, asked: Asked) {
        let name = call.name.clone();
        let uploads = makes_bundle(&asked);
        let began = Instant::now();
        let mut work = Box::pin(self.clone().carry_out(asked));
        let answer = tokio::select! {
            answer = &mut work => answer,
            () = tokio::time::sleep(PATIENCE) => {
                self.note(&name, 202);
                send(call, &dialect::under_way(&name)).await;
                let answer = self.finish(uploads, work.await).await;
                return self.tell("methodResult", &name, &answer, None).await;
            }
        };
        if uploads && answer.status == 200 {
            self.note(&name, 202);
            send(call, &dialect::under_way(&name)).await;
            let answer = self.finish(uploads, answer).await;
            return self.tell("methodResult", &name, &answer, None).await;
        }
        self.note(&name, answer.status);
        send(call, &answer).await;
        if began.elapsed() >= SHORTEST {
            self.tell("methodResult", &name, &answer, None).await;
        }
    }

    /// Uploads what a command made, where it did.
    async fn finish(&self, uploads: bool, answer: Answer) -> Answer {
        if uploads && answer.status == 200 {
            self.uploads.upload(&answer.body).await
        } else {
            answer
        }
    }

    async fn carry_out(self, asked: Asked) -> Answer {
        let turn = self.turn.clone().lock_owned().await;
        let mut work = Box::pin(self.doorway.execute(asked.command));
        let result = match tokio::time::timeout(TURN, &mut work).await {
            Ok(result) => result,
            Err(_) => {
                drop(turn);
                work.await
            }
        };
        let state = self.doorway.router().state();
        dialect::answer(asked.style, &result, &state, Timestamp::now())
    }

    fn note(&self, name: &str, status: u16) {
        let received = IotHubReceived {
            at: Timestamp::now(),
            name: name.chars().take(64).collect(),
            status,
        };
        // Under a flood some are not shown.
        let _ = self.receipts.try_send(received);
    }

    async fn tell(&self, kind: &str, name: &str, answer: &Answer, id: Option<String>) {
        let now = Timestamp::now();
        let body = message::result(kind, name, answer.status, &answer.body, id.as_deref(), now);
        self.telemetry.keep(&body).await;
    }
}

/// Whether what the command makes goes to the hub's storage.
fn makes_bundle(asked: &Asked) -> bool {
    asked.command == Command::System(SystemCommand::Diagnose)
}

async fn send(call: MethodCall, answer: &Answer) {
    let name = call.name.clone();
    let body = Bytes::from(answer.body.to_string());
    if let Err(error) = call.answer(answer.status, body).await {
        tracing::warn!(name, %error, "the answer to a method could not be sent");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amora_link::iot_hub::topic::Properties;

    fn read(body: &str, command: Option<&str>) -> Result<(String, Vec<u8>), u16> {
        let properties = command.map_or(Properties::new(), |name| Properties::new().with("command", name));
        let message = CloudMessage {
            body: Bytes::copy_from_slice(body.as_bytes()),
            properties,
        };
        command_of(&message).map_err(|answer| answer.status)
    }

    #[test]
    fn a_message_names_its_command_in_the_body_or_beside_it() {
        let volume = || ("setVolume".to_owned(), br#"{"volume":5}"#.to_vec());
        assert_eq!(
            read(r#"{"command": "setVolume", "params": {"volume": 5}}"#, None),
            Ok(volume())
        );
        assert_eq!(read(r#"{"volume":5}"#, Some("setVolume")), Ok(volume()));
        assert_eq!(
            read(r#"{"command": "play", "params": null}"#, None),
            Ok(("play".to_owned(), Vec::new()))
        );
        for wrong in ["", "play", "[]", "{}", r#"{"command": 5}"#] {
            assert_eq!(read(wrong, None), Err(400), "{wrong}");
        }
    }
}
