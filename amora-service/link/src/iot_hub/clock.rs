//! The clock that dates tokens and judges certificates. It comes from outside, so that tests set it.

use super::sas;
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What `systemd-timesyncd` leaves once it has set the clock since the start of the system.
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";

/// What the clock shows, and whether to believe it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Seconds since 1970.
    pub seconds: u64,
    /// Whether a time service has set it since the box started; `None` where that cannot be told.
    pub set: Option<bool>,
}

/// A clock.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Reading + Send + Sync>);

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({:?})", self.read())
    }
}

impl Clock {
    /// A clock that shows what `read` gives.
    pub fn new(read: impl Fn() -> Reading + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The system's.
    pub fn system() -> Self {
        Self::new(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            let mark = Path::new(SYNCHRONISED);
            Reading {
                seconds: since.map_or(0, |since| since.as_secs()),
                set: mark.parent().is_some_and(Path::is_dir).then(|| mark.exists()),
            }
        })
    }

    /// What it shows now; never later than tokens can say.
    pub fn read(&self) -> Reading {
        let reading = (self.0)();
        Reading {
            seconds: reading.seconds.min(sas::LATEST),
            ..reading
        }
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(
            self.read().seconds,
        )))
    }
}
