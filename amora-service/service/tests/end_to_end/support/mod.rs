//! What the tests are made with.

mod broker;
mod house;
mod music;
mod notify;
mod process;
mod recording;
mod web;

pub(crate) use broker::{Subscriber, publish, publish_lines};
pub(crate) use house::House;
pub(crate) use music::{Tone, encode, write_tone};
pub(crate) use notify::Supervisor;
pub(crate) use process::Process;
pub(crate) use recording::{Recording, recorded};
pub(crate) use web::Client;

use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// How long anything may take that is expected to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `ready` gives something, or fails with `what`.
pub(crate) async fn until<T>(what: &str, mut ready: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ready().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A port that nobody listens on, of those that the system gives to nobody by itself: one of the others may be taken before
/// its server is there, and who tries it too early may be connected to itself.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let offset = std::process::id() * 97 + u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 20_000 + u16::try_from(offset % 12_000).unwrap();
        // Never listening: a process that is just being started would hold that port open until it has begun.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        if socket.bind(([127, 0, 0, 1], port).into()).is_ok() {
            return port;
        }
    }
}
