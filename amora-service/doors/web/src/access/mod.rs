//! Who may do what: login code, sessions, origins, and how often a login may be tried.

mod code;
mod guard;
mod limiter;
mod origin;
mod sessions;

pub(crate) use guard::{Caller, Commander, Reader, guard};
pub(crate) use sessions::{LIFETIME_SECONDS, Token};

use crate::WebError;
use amora_contract::units::Timestamp;
use amora_router::private_file;
use code::LoginCode;
use limiter::Limiter;
use origin::AllowedOrigins;
use sessions::Sessions;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The cookie that holds a session's token.
pub(crate) const COOKIE: &str = "amora_session";

/// The header in which pages of ours prove that they are ours.
pub(crate) const CSRF_HEADER: &str = "x-amora-csrf";

/// What the door knows about its callers.
pub(crate) struct Access {
    code: LoginCode,
    new_code: bool,
    origins: AllowedOrigins,
    open_status: bool,
    limiter: Mutex<Limiter>,
    sessions: Arc<Mutex<Sessions>>,
    file: PathBuf,
    /// Writes of the file go one after another.
    saving: Arc<tokio::sync::Mutex<()>>,
    /// Ticks when a session was ended by its owner, so that open sockets look whether it was theirs.
    ended: watch::Sender<u64>,
}

impl Access {
    /// Reads, or makes, what the door keeps in the data folder.
    pub(crate) fn open(data: &Path, open_status: bool, origins: &[String]) -> Result<Self, WebError> {
        let (code, new_code) = LoginCode::read_or_create(data)?;
        let file = data.join("sessions.json");
        // Without the file nobody is logged in yet, which is no harm.
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let sessions = Sessions::from_text(&text, &code.fingerprint());
        Ok(Self {
            code,
            new_code,
            origins: AllowedOrigins::new(origins),
            open_status,
            limiter: Mutex::new(Limiter::new(Instant::now())),
            sessions: Arc::new(Mutex::new(sessions)),
            file,
            saving: Arc::default(),
            ended: watch::Sender::new(0),
        })
    }

    /// The login code as people read it.
    pub(crate) fn login_code(&self) -> &str {
        self.code.shown()
    }

    /// Whether the login code was made just now.
    pub(crate) fn has_new_code(&self) -> bool {
        self.new_code
    }

    /// Whether anyone may read the state.
    pub(crate) fn open_status(&self) -> bool {
        self.open_status
    }

    /// Compares a login code, or tells how long to wait before the next attempt.
    pub(crate) fn try_code(&self, address: IpAddr, attempt: &str) -> Result<bool, Duration> {
        let mut limiter = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        limiter.attempt(address, Instant::now(), || self.code.matches(attempt))
    }

    /// Begins a session; `None` when the system has no random numbers.
    pub(crate) async fn log_in(&self) -> Option<Token> {
        let token = Token::generate()?;
        self.sessions().insert(token.id(), Timestamp::now());
        self.save().await;
        Some(token)
    }

    /// Ends a session, and the sockets opened with it.
    pub(crate) async fn log_out(&self, token: &Token) {
        let removed = self.sessions().remove(&token.id());
        if removed {
            self.save().await;
        }
        self.ended.send_modify(|count| *count += 1);
    }

    /// Whether the session lives; using it prolongs it.
    pub(crate) async fn touch(&self, token: &Token) -> bool {
        let (alive, worth_saving) = {
            let mut sessions = self.sessions();
            (
                sessions.touch(&token.id(), Timestamp::now()),
                sessions.worth_saving(),
            )
        };
        if worth_saving {
            self.save().await;
        }
        alive
    }

    /// A notice of every session that its owner ended.
    pub(crate) fn watch_ended(&self) -> watch::Receiver<u64> {
        self.ended.subscribe()
    }

    async fn save(&self) {
        let saving = self.saving.clone().lock_owned().await;
        let text = self.sessions().save_text(&self.code.fingerprint());
        let file = self.file.clone();
        let written = tokio::task::spawn_blocking(move || {
            let _in_order = saving;
            private_file::write(&file, text.as_bytes())
        });
        if let Ok(Err(error)) = written.await {
            let path = self.file.display();
            tracing::warn!(%error, %path, "sessions could not be saved: after a restart people log in again");
        }
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        // The map is whole between any two statements, so a panic elsewhere cannot have spoilt it.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
