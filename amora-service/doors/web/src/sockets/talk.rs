//! `/api/talk`: somebody talks into the simulated room. It asks for a login even where the state is open: who talks here is
//! heard wherever the box's microphone is.

use super::{End, Liveness, Upgrade, check_session, close, open, read_failure, send};
use crate::access::{Caller, Commander};
use crate::door::Door;
use crate::metrics::SocketKind;
use crate::refusal::Refusal;
use amora_router::{SOUND_RATE, TalkError};
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket};
use axum::response::Response;
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// Time between two accounts of what was dropped; also the time over which a flood is judged.
const SECOND: Duration = Duration::from_secs(1);

/// What one talker may send in a second: far more than anybody can say.
const MOST_MESSAGES: usize = 1000;
const MOST_BYTES: usize = 20 * 2 * SOUND_RATE as usize;

/// Opens the socket.
pub(crate) async fn talk(
    State(door): State<Arc<Door>>,
    Commander(caller): Commander,
    upgrade: Upgrade,
) -> Result<Response, Refusal> {
    let host = door.clone();
    open(&door, upgrade, SocketKind::Talk, move |mut socket| async move {
        let Err(end) = hear(&host, &caller, &mut socket).await;
        close(socket, end).await;
    })
}

async fn hear(door: &Door, caller: &Caller, socket: &mut WebSocket) -> Result<Infallible, End> {
    let talker = door.router().talk().map_err(|error| match error {
        TalkError::NoEar => End::NoRoom,
        TalkError::Taken => End::Taken,
    })?;
    let mut ended = door.access.watch_ended();
    let mut liveness = Liveness::new();
    let mut seconds = interval_at(Instant::now() + SECOND, SECOND);
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut flood = Flood::default();
    let mut dropped = 0;
    loop {
        tokio::select! {
            () = door.closing.cancelled() => return Err(End::Closing),
            message = socket.recv() => {
                liveness.heard();
                let message = match message {
                    Some(Ok(message)) => message,
                    Some(Err(error)) => return Err(read_failure(&error)),
                    None => return Err(End::Gone),
                };
                let sound = match &message {
                    Message::Binary(bytes) => samples(bytes)?,
                    Message::Text(_) => return Err(End::NotSound),
                    Message::Close(_) => return Err(End::Gone),
                    Message::Ping(_) | Message::Pong(_) => Vec::new(),
                };
                flood.take(2 * sound.len())?;
                let said = talker.say(&sound).ok_or(End::RoomClosed)?;
                dropped += sound.len() - said;
            }
            _ = seconds.tick() => {
                flood = Flood::default();
                if dropped > 0 {
                    let text = json!({"dropped": dropped}).to_string();
                    dropped = 0;
                    send(socket, Message::Text(text.into())).await?;
                }
            }
            () = liveness.tick() => {
                check_session(door, caller).await?;
                liveness.ask(socket).await?;
            }
            Ok(()) = ended.changed() => check_session(door, caller).await?,
        }
    }
}

/// The samples of a message, full scale ±1.
fn samples(bytes: &[u8]) -> Result<Vec<f32>, End> {
    let (pairs, rest) = bytes.as_chunks();
    match rest {
        [] => Ok(pairs
            .iter()
            .map(|pair| f32::from(i16::from_le_bytes(*pair)) / 32_768.0)
            .collect()),
        _ => Err(End::HalfSample),
    }
}

/// What came within this second.
#[derive(Debug, Default)]
struct Flood {
    messages: usize,
    bytes: usize,
}

impl Flood {
    fn take(&mut self, bytes: usize) -> Result<(), End> {
        self.messages += 1;
        self.bytes += bytes;
        match self.messages > MOST_MESSAGES || self.bytes > MOST_BYTES {
            true => Err(End::Flood),
            false => Ok(()),
        }
    }
}
