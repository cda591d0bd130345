//! What the door counts about itself.

use super::text::{Kind, Text};
use amora_contract::ErrorCode;
use axum::http::StatusCode;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Kinds of WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SocketKind {
    /// State, events, commands.
    Control,
    /// What leaves the card.
    Listen,
    /// What the microphone hears.
    Hear,
    /// What is said into the room.
    Talk,
    /// The original's.
    Legacy,
}

const KINDS: [(&str, SocketKind); 5] = [
    ("control", SocketKind::Control),
    ("listen", SocketKind::Listen),
    ("hear", SocketKind::Hear),
    ("talk", SocketKind::Talk),
    ("legacy", SocketKind::Legacy),
];

/// Counters since the door was opened. Their labels come from fixed lists, so their number is bounded.
#[derive(Default)]
pub(crate) struct Counters {
    requests: [AtomicU64; 5],
    sockets: Arc<[AtomicI64; KINDS.len()]>,
    labelled: Mutex<Labelled>,
}

#[derive(Default)]
struct Labelled {
    commands: BTreeMap<(&'static str, &'static str), u64>,
    logins_refused: BTreeMap<&'static str, u64>,
}

/// An open socket, counted until it is dropped.
pub(crate) struct OpenSocket(Arc<[AtomicI64; KINDS.len()]>, SocketKind);

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.0[self.1 as usize].fetch_sub(1, Ordering::Relaxed);
    }
}

impl Counters {
    pub(crate) fn count_request(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        self.requests[class].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_command(&self, section: &'static str, error: Option<ErrorCode>) {
        let result = error.map_or("ok", error_name);
        *self.labelled().commands.entry((section, result)).or_default() += 1;
    }

    pub(crate) fn count_login_refused(&self, reason: &'static str) {
        *self.labelled().logins_refused.entry(reason).or_default() += 1;
    }

    pub(crate) fn count_socket(&self, kind: SocketKind) -> OpenSocket {
        self.sockets[kind as usize].fetch_add(1, Ordering::Relaxed);
        OpenSocket(self.sockets.clone(), kind)
    }

    /// Sockets open now.
    pub(crate) fn open_sockets(&self, kind: SocketKind) -> i64 {
        self.sockets[kind as usize].load(Ordering::Relaxed)
    }

    pub(super) fn render(&self, text: &mut Text) {
        text.family(
            "amora_web_requests_total",
            Kind::Counter,
            "Requests answered, by class of status.",
        );
        for (class, count) in ["1xx", "2xx", "3xx", "4xx", "5xx"].iter().zip(&self.requests) {
            text.sample(
                "amora_web_requests_total",
                &[("status", class)],
                count.load(Ordering::Relaxed),
            );
        }
        text.family("amora_web_sockets", Kind::Gauge, "WebSockets open now.");
        for (name, kind) in KINDS {
            text.sample("amora_web_sockets", &[("kind", name)], self.open_sockets(kind));
        }
        let labelled = self.labelled();
        text.family(
            "amora_web_commands_total",
            Kind::Counter,
            "Commands through this door, by section and result.",
        );
        for ((section, result), count) in &labelled.commands {
            text.sample(
                "amora_web_commands_total",
                &[("section", section), ("result", result)],
                count,
            );
        }
        text.family(
            "amora_web_logins_refused_total",
            Kind::Counter,
            "Logins refused, by reason.",
        );
        for (reason, count) in &labelled.logins_refused {
            text.sample("amora_web_logins_refused_total", &[("reason", reason)], count);
        }
    }

    fn labelled(&self) -> std::sync::MutexGuard<'_, Labelled> {
        self.labelled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn error_name(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Malformed => "malformed",
        ErrorCode::TooLarge => "too_large",
        ErrorCode::UnknownCommand => "unknown_command",
        ErrorCode::InvalidParameter => "invalid_parameter",
        ErrorCode::LoginRequired => "login_required",
        ErrorCode::NotAllowed => "not_allowed",
        ErrorCode::NotConfigured => "not_configured",
        ErrorCode::NotFound => "not_found",
        ErrorCode::Conflict => "conflict",
        ErrorCode::Busy => "busy",
        ErrorCode::Unavailable => "unavailable",
        ErrorCode::TimedOut => "timed_out",
        ErrorCode::Failed => "failed",
    }
}
