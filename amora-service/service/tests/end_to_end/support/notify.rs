//! The end of systemd's notification socket that systemd has.

use super::until;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::Mutex;

/// Listens as systemd would.
pub(crate) struct Supervisor {
    socket: UnixDatagram,
    path: PathBuf,
    heard: Mutex<Vec<String>>,
}

impl Supervisor {
    pub(crate) fn listen(path: PathBuf) -> Self {
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self {
            socket,
            path,
            heard: Mutex::default(),
        }
    }

    pub(crate) fn address(&self) -> String {
        self.path.display().to_string()
    }

    /// Every line heard so far, in order.
    pub(crate) fn heard(&self) -> Vec<String> {
        let mut heard = self.heard.lock().unwrap();
        let mut datagram = [0; 4096];
        while let Ok(length) = self.socket.recv(&mut datagram) {
            heard.extend(
                String::from_utf8_lossy(&datagram[..length])
                    .lines()
                    .map(str::to_owned),
            );
        }
        heard.clone()
    }

    /// Waits until `line` was heard `times` times.
    pub(crate) async fn hears(&self, line: &str, times: usize) {
        until(&format!("{line} ×{times}"), async || {
            (self.heard().iter().filter(|heard| *heard == line).count() >= times).then_some(())
        })
        .await;
    }
}
