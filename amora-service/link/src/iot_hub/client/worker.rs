//! The task behind the client: does what the session says.

use super::super::identity::Identity;
use super::super::session::{Action, Ending, Hub, Session};
use super::super::twin::Twin;
use super::trouble::Trouble;
use super::{Event, Job, Line, Options, Standing};
use crate::backoff::random;
use crate::mqtt::Failure;
use crate::tls::{self, TlsError};
use rustls::ClientConfig;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The clock and the files of the identity are looked at this often.
const LOOK: Duration = Duration::from_secs(10);

/// What the files of the identity looked like when they were read.
pub(super) type Stamp = Vec<Option<(SystemTime, u64)>>;

pub(super) struct Worker {
    pub(super) options: Options,
    pub(super) session: Session,
    pub(super) twin: Twin,
    pub(super) jobs: mpsc::Receiver<Job>,
    pub(super) events: mpsc::Sender<Event>,
    /// Events that the door has not had time for.
    pub(super) pending: VecDeque<Event>,
    pub(super) line: watch::Sender<Option<Line>>,
    pub(super) standing: watch::Sender<Standing>,
    pub(super) stop: CancellationToken,
    pub(super) connections: u64,
    /// The hub and device that the twin was last read from.
    pub(super) twin_of: Option<(String, String)>,
    pub(super) stamp: Stamp,
    /// The cause that the log has: an outage of some minutes takes hundreds of attempts.
    pub(super) told: String,
    begun: Instant,
    /// Handles may all be gone; then nothing is to be waited for there.
    jobs_open: bool,
}

impl Worker {
    pub(super) fn new(
        options: Options,
        jobs: mpsc::Receiver<Job>,
        events: mpsc::Sender<Event>,
        line: watch::Sender<Option<Line>>,
        standing: watch::Sender<Standing>,
        stop: CancellationToken,
    ) -> Self {
        let hub = match &options.identity {
            Identity::Device(device) => Hub::Fixed {
                host: device.host.clone(),
                device_id: device.device_id.clone(),
            },
            Identity::Provisioned(_) => Hub::Assigned(options.assignment.clone()),
        };
        let signs = options.identity.signs();
        Self {
            session: Session::new(hub, signs, options.renewal, options.backoff),
            twin: Twin::new(options.report_pace),
            options,
            jobs,
            events,
            pending: VecDeque::new(),
            line,
            standing,
            stop,
            connections: 0,
            twin_of: None,
            stamp: Stamp::new(),
            told: String::new(),
            begun: Instant::now(),
            jobs_open: true,
        }
    }

    pub(super) async fn run(mut self) {
        while !self.stop.is_cancelled() {
            match self.session.next(self.now(), self.clock(), random()) {
                Action::Wait(until) => self.rest(until).await,
                Action::WaitForClock(until) => {
                    self.show(Standing::WaitingForClock);
                    self.rest(until).await;
                }
                Action::Provision => self.provision().await,
                Action::Connect {
                    host,
                    device_id,
                    expiry,
                } => self.connect(&host, &device_id, expiry).await,
                // The next round connects again.
                Action::Renew => {}
            }
        }
    }

    /// Time since the client began.
    pub(super) fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The instant of a time, at the latest so far from now that the clock is looked at again.
    pub(super) fn instant(&self, time: Option<Duration>) -> Instant {
        let latest = Instant::now() + LOOK;
        time.and_then(|time| self.begun.checked_add(time))
            .map_or(latest, |instant| instant.min(latest))
    }

    /// Waits without a connection.
    async fn rest(&mut self, until: Duration) {
        let wake = self.instant(Some(until));
        while !self.stop.is_cancelled() && Instant::now() < wake {
            self.attend(wake).await;
        }
    }

    /// One step of what goes on with and without a connection: jobs, and events that wait. Ends at `wake`.
    pub(super) async fn attend(&mut self, wake: Instant) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep_until(wake) => {}
            job = self.jobs.recv(), if self.jobs_open => match job {
                Some(Job::Report(property, value)) => self.twin.report(&property, value),
                Some(Job::Renew) => self.session.identity_changed(),
                Some(Job::Refused(answer)) => {
                    let _ = answer.send(self.twin.refused().map(str::to_owned).collect());
                }
                None => self.jobs_open = false,
            },
            permit = self.events.reserve(), if !self.pending.is_empty() => match (permit, self.pending.pop_front()) {
                (Ok(permit), Some(event)) => permit.send(event),
                // Nobody listens any more.
                _ => self.stop.cancel(),
            },
        }
    }

    pub(super) fn show(&self, standing: Standing) {
        self.standing.send_if_modified(|shown| {
            let changed = *shown != standing;
            if changed {
                *shown = standing;
            }
            changed
        });
    }

    /// An attempt or a connection came to its end.
    pub(super) fn ended(&mut self, trouble: Trouble, ending: Ending) {
        let had_hub = matches!(self.session.hub(), Hub::Assigned(Some(_)));
        let retry_in = self.session.ended(ending, self.now(), random());
        if had_hub && matches!(self.session.hub(), Hub::Assigned(None)) {
            self.pending.push_back(Event::Disowned);
        }
        if self.told == trouble.cause {
            tracing::debug!(cause = trouble.cause, ?retry_in, "no connection to IoT Hub yet");
        } else {
            tracing::warn!(cause = trouble.cause, ?retry_in, "no connection to IoT Hub");
            self.told.clone_from(&trouble.cause);
        }
        self.show(Standing::Waiting { trouble, retry_in });
    }

    /// The TLS identity, read anew.
    pub(super) async fn tls(&mut self) -> Result<Arc<ClientConfig>, TlsError> {
        self.stamp = self.look();
        let config = self.options.tls.clone();
        let clock = Arc::new(self.options.clock.clone());
        let read = tokio::task::spawn_blocking(move || tls::client_by(&config, clock));
        read.await.unwrap_or(Err(TlsError::NoSystemRoots))
    }

    /// What the files of the identity look like now.
    pub(super) fn look(&self) -> Stamp {
        let tls = &self.options.tls;
        let look = |path: &PathBuf| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        [&tls.cert_file, &tls.key_file]
            .map(|path| path.as_ref().and_then(look))
            .to_vec()
    }

    /// When a token that is signed now ends.
    pub(super) fn expiry(&self) -> u64 {
        self.clock() + self.options.renewal.life.as_secs()
    }

    /// The clock's reading in seconds since 1970.
    pub(super) fn clock(&self) -> u64 {
        self.options.clock.read().seconds
    }

    /// Why an attempt failed or a connection ended, as far as it can be told.
    pub(super) fn trouble(&self, failure: &Failure, host: &str, port: u16) -> (Trouble, Ending) {
        Trouble::of(
            failure,
            host,
            port,
            self.options.identity.signs(),
            self.options.clock.read(),
        )
    }
}
