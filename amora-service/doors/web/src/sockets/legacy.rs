//! The original's `/ws`: the status once a second.

use super::{End, Liveness, Upgrade, close, open, read_failure, send};
use crate::door::Door;
use crate::legacy::status;
use crate::metrics::SocketKind;
use crate::refusal::Refusal;
use amora_contract::units::Timestamp;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket};
use axum::response::Response;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Opens the socket.
pub(crate) async fn legacy(State(door): State<Arc<Door>>, upgrade: Upgrade) -> Result<Response, Refusal> {
    let talker = door.clone();
    open(&door, upgrade, SocketKind::Legacy, move |mut socket| async move {
        let Err(end) = push(&talker, &mut socket).await;
        close(socket, end).await;
    })
}

async fn push(door: &Door, socket: &mut WebSocket) -> Result<Infallible, End> {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut liveness = Liveness::new();
    loop {
        tokio::select! {
            () = door.closing.cancelled() => return Err(End::Closing),
            _ = seconds.tick() => {
                let text = status(&door.router().state(), Timestamp::now()).to_string();
                send(socket, Message::Text(text.into())).await?;
            }
            message = socket.recv() => {
                liveness.heard();
                match message {
                    Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(read_failure(&error)),
                }
            }
            () = liveness.tick() => liveness.ask(socket).await?,
        }
    }
}
