//! `/api/listen`: what leaves the card. `/api/hear`: what the microphone hears, before and after the box's own sound is taken
//! out of it. Both ask for a login even where the state is open: what is heard in a home is nobody else's business.

use super::{End, Liveness, Upgrade, check_session, close, open, read_failure, send};
use crate::access::{Caller, Commander};
use crate::door::Door;
use crate::metrics::SocketKind;
use crate::refusal::Refusal;
use amora_router::SoundBlock;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket};
use axum::response::Response;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// Opens the socket of what leaves the card.
pub(crate) async fn listen(
    State(door): State<Arc<Door>>,
    Commander(caller): Commander,
    upgrade: Upgrade,
) -> Result<Response, Refusal> {
    let player = door.clone();
    open(&door, upgrade, SocketKind::Listen, move |mut socket| async move {
        let sound = player.router().sound();
        let Err(end) = play(&player, &caller, &mut socket, sound).await;
        close(socket, end).await;
    })
}

/// Opens the socket of what the microphone hears.
pub(crate) async fn hear(
    State(door): State<Arc<Door>>,
    Commander(caller): Commander,
    upgrade: Upgrade,
) -> Result<Response, Refusal> {
    let player = door.clone();
    open(&door, upgrade, SocketKind::Hear, move |mut socket| async move {
        let mut state = player.router().watch_state();
        let sound = player.router().microphone();
        let end = tokio::select! {
            biased;
            // An error only means that the box is no more.
            _ = state.wait_for(|state| state.voice.is_none()) => End::Deaf,
            Err(end) = play(&player, &caller, &mut socket, sound) => end,
        };
        close(socket, end).await;
    })
}

async fn play(
    door: &Door,
    caller: &Caller,
    socket: &mut WebSocket,
    sound: &broadcast::Sender<SoundBlock>,
) -> Result<Infallible, End> {
    let mut sound = sound.subscribe();
    let mut ended = door.access.watch_ended();
    let mut liveness = Liveness::new();
    loop {
        tokio::select! {
            () = door.closing.cancelled() => return Err(End::Closing),
            block = sound.recv() => match block {
                Ok(block) => send(socket, Message::Binary(bytes(&block).into())).await?,
                // Who falls behind goes on with what sounds now rather than with what sounded a second ago.
                Err(RecvError::Lagged(_)) => sound = sound.resubscribe(),
                Err(RecvError::Closed) => return Err(End::Closing),
            },
            message = socket.recv() => {
                liveness.heard();
                match message {
                    Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(read_failure(&error)),
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

/// The block as it goes over the wire: little-endian.
fn bytes(block: &SoundBlock) -> Vec<u8> {
    block.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}
