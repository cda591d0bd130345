//! `/api/update`: an update sent as the body of a request, handed on piece by piece as it arrives.

use crate::access::Commander;
use crate::door::Door;
use crate::refusal::Refusal;
use amora_contract::Command;
use amora_contract::CommandError;
use amora_contract::commands::{InstallUpdate, UpdateCommand};
use amora_contract::config::RestartPolicy;
use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// Pieces that wait to be taken. Each is as large as the connection gives them, some 100 KiB at most.
const PIECES: usize = 4;

/// Time for the next piece to arrive.
const SILENCE: Duration = Duration::from_secs(60);

/// After a refusal the rest is read and thrown away for so long, so that the sender sees the answer instead of a broken
/// connection.
const DISCARDING: Duration = Duration::from_secs(60);

/// What is said of the update besides its bytes.
#[derive(Deserialize)]
pub(crate) struct UpdateQuery {
    restart: Option<RestartPolicy>,
    reference: Option<String>,
}

/// Takes an update and answers when it is installed or refused.
pub(crate) async fn update(
    State(door): State<Arc<Door>>,
    _: Commander,
    query: Result<Query<UpdateQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Refusal> {
    let Query(query) = query.map_err(|error| CommandError::invalid("restart", &error.body_text()))?;
    let command = UpdateCommand::Install(InstallUpdate {
        restart: query.restart,
        reference: query.reference,
        ..InstallUpdate::default()
    });
    let size = headers.get(header::CONTENT_LENGTH);
    let size = size.and_then(|size| size.to_str().ok()?.parse().ok());
    let waits = headers.contains_key(header::EXPECT);
    let (to, pieces) = mpsc::channel(PIECES);
    let execution = door.execute_with(Command::from(command), amora_router::Body { size, pieces });
    let mut execution = std::pin::pin!(execution);
    let mut body = body.into_data_stream();
    let begun = AtomicBool::new(!waits);
    let sending = async {
        // Who waits for a "100 Continue" is let go on by the first look at the body: an update that is refused at once
        // need not come.
        if waits {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        begun.store(true, Ordering::Relaxed);
        loop {
            let piece = match tokio::time::timeout(SILENCE, body.next()).await {
                Ok(None) => return,
                Ok(Some(Ok(piece))) => Ok(piece),
                Ok(Some(Err(_))) => Err("the connection broke off".to_owned()),
                Err(_) => Err("nothing came for a minute".to_owned()),
            };
            let broken = piece.is_err();
            if to.send(piece).await.is_err() || broken {
                return;
            }
        }
    };
    let reply = tokio::select! {
        biased;
        reply = execution.as_mut() => reply,
        () = sending => {
            drop(to);
            execution.await
        }
    };
    if reply.is_err() && begun.load(Ordering::Relaxed) {
        let rest = async { while let Some(Ok(_)) = body.next().await {} };
        let _ = tokio::time::timeout(DISCARDING, rest).await;
    }
    Ok(Json(json!({"result": true, "data": reply?.to_json()})))
}
