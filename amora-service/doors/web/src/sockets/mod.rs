//! WebSockets: bounded in number, in what one may send, and in how long one may be silent.

mod control;
mod legacy;
mod listen;
mod talk;

pub(crate) use control::control;
pub(crate) use legacy::legacy;
pub(crate) use listen::{hear, listen};
pub(crate) use talk::talk;

use crate::access::Caller;
use crate::door::Door;
use crate::metrics::SocketKind;
use crate::refusal::Refusal;
use amora_contract::ErrorCode;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};

/// Longest message taken.
const LONGEST: usize = 64 * 1024;

/// Time between pings.
const PING: Duration = Duration::from_secs(20);

/// A socket from which nothing came for so long, not even answers to pings, is dead.
const SILENCE: Duration = Duration::from_secs(50);

/// Time for the other end to take the farewell.
const FAREWELL: Duration = Duration::from_millis(500);

/// What the extractor makes of a request that should become a WebSocket.
pub(crate) type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// Why a conversation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The other end has gone, or takes nothing any more.
    Gone,
    /// The door closes.
    Closing,
    /// The session that it began with has ended.
    LoggedOut,
    /// A message was too long.
    TooLarge,
    /// The box has no voice desk, so that it does not hear.
    Deaf,
    /// The card is no simulated room.
    NoRoom,
    /// The room that was talked into is gone.
    RoomClosed,
    /// Somebody else talks into the room.
    Taken,
    /// A talker sent text.
    NotSound,
    /// A talker sent half a sample.
    HalfSample,
    /// A talker sent more than anybody can say.
    Flood,
}

/// Opens a socket if there is room, and keeps it counted while `talk` runs.
fn open<F>(
    door: &Door,
    upgrade: Upgrade,
    kind: SocketKind,
    talk: impl FnOnce(WebSocket) -> F + Send + 'static,
) -> Result<Response, Refusal>
where
    F: Future<Output = ()> + Send,
{
    let upgrade = upgrade.map_err(|rejection| {
        let text = format!("this address is for WebSockets: {}", rejection.body_text());
        Refusal::new(rejection.status(), ErrorCode::Malformed, text)
    })?;
    let permit = door.sockets.clone().try_acquire_owned();
    let permit = permit.map_err(|_| {
        Refusal::too_many(
            "too many WebSockets are open; close some pages and try again",
            Duration::from_secs(10),
        )
    })?;
    let counted = door.counters.count_socket(kind);
    let upgrade = upgrade.max_message_size(LONGEST).max_frame_size(LONGEST);
    // Each message is sent on at once, so larger buffers would only cost memory.
    let upgrade = upgrade.read_buffer_size(8 * 1024).write_buffer_size(4 * 1024);
    Ok(upgrade.on_upgrade(move |socket| async move {
        talk(socket).await;
        drop((permit, counted));
    }))
}

/// Says why it ends and waits a moment until that has been heard.
async fn close(mut socket: WebSocket, end: End) {
    let (code, reason) = match end {
        End::Gone => return,
        End::Closing => (close_code::AWAY, "the box is closing its web door"),
        End::LoggedOut => (close_code::POLICY, "the session has ended"),
        End::TooLarge => (close_code::SIZE, "messages may be 64 KiB long"),
        End::Deaf => (close_code::POLICY, "this box does not hear: it has no voice desk"),
        End::NoRoom => (
            close_code::POLICY,
            "this box hears with its own microphone: only a simulated room at 48 kHz can be talked into",
        ),
        End::RoomClosed => (close_code::AGAIN, "the room was closed; connect again"),
        End::Taken => (
            close_code::AGAIN,
            "somebody else is talking into the room; try again when they have finished",
        ),
        End::NotSound => (
            close_code::UNSUPPORTED,
            "sound is binary: mono, 16 bits, little-endian, 48 kHz",
        ),
        End::HalfSample => (
            close_code::INVALID,
            "half a sample: messages are whole samples of two bytes",
        ),
        End::Flood => (
            close_code::POLICY,
            "too much at once: sound is said as fast as it is spoken",
        ),
    };
    let farewell = async {
        if socket
            .send(Message::Close(Some(CloseFrame {
                code,
                reason: reason.into(),
            })))
            .await
            .is_ok()
        {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    let _ = timeout(FAREWELL, farewell).await;
}

/// Whether a failed read was for a message too long.
fn read_failure(error: &axum::Error) -> End {
    match error.to_string().contains("too long") {
        true => End::TooLarge,
        false => End::Gone,
    }
}

/// Asks the other end from time to time whether it lives.
struct Liveness {
    heard: Instant,
    pings: Interval,
}

impl Liveness {
    fn new() -> Self {
        let now = Instant::now();
        let mut pings = interval_at(now + PING, PING);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { heard: now, pings }
    }

    /// Something came.
    fn heard(&mut self) {
        self.heard = Instant::now();
    }

    /// Waits until it is time to ask.
    async fn tick(&mut self) {
        self.pings.tick().await;
    }

    /// Asks, unless it was silent for too long.
    async fn ask(&self, socket: &mut WebSocket) -> Result<(), End> {
        if self.heard.elapsed() >= SILENCE {
            return Err(End::Gone);
        }
        send(socket, Message::Ping(Default::default())).await
    }
}

/// Sends one message; a peer that does not take it is given up by its connection.
async fn send(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    socket.send(message).await.map_err(|_| End::Gone)
}

/// Whether the caller may still use what it opened.
async fn check_session(door: &Door, caller: &Caller) -> Result<(), End> {
    match caller {
        Caller::Session(token) if !door.access.touch(token).await => Err(End::LoggedOut),
        _ => Ok(()),
    }
}
