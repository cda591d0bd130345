//! Connect, wait, renew, provision again: what the connection is to do next. Pure: time and randomness come in.

#[cfg(test)]
mod tests;

use super::assignment::Assignment;
use super::sas::{self, Renewal};
use crate::backoff::{Backoff, Policy, Reset};
use std::time::Duration;

/// The original's waits: 10 s, half as long again each time, up to 300 s. It gave up after ten attempts; this one
/// never does.
pub const BACKOFF: Policy = Policy {
    base: Duration::from_secs(10),
    factor: 1.5,
    cap: Duration::from_secs(300),
    jitter: 0.2,
    reset: Reset::AfterHolding(BRIEF),
};

/// A connection that ends sooner counts as ended at once.
pub const BRIEF: Duration = Duration::from_secs(3);

/// A connection that had worked is tried again within this, at random: a hub that let a whole fleet go must not have
/// it back within one instant.
const AT_ONCE: Duration = Duration::from_secs(2);

/// For so long after a connection that had worked, attempts that reach nobody are repeated within [`AT_ONCE`]: they
/// cost no service anything, and most networks are back by then.
const OUTAGE: Duration = Duration::from_secs(300);

/// So many brief connections in a row point at another client with this device's id.
const BRIEF_IN_A_ROW: u32 = 4;

/// So many failures in a row, and the device may have been moved to another hub.
const FAILURES: u32 = 10;

/// The clock is looked at so often while it is wrong.
const CLOCK: Duration = Duration::from_secs(1);

/// A clock that is set by more has made each token's life another one.
const JUMP: u64 = 60;

/// How an attempt or a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The service does not accept the identity (401, 403, 404).
    Identity,
    /// The service is there and does not serve now (429, 5xx).
    Busy,
    /// The service, or the network, ended it.
    Lost,
    /// By this box's clock a certificate is not valid: the clock may be wrong.
    Clock,
    /// Nobody was reached: the name is unknown, there is no way, or nothing listens.
    Unreached,
    /// Anything else: no TLS, a strange answer.
    Failed,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing, until this moment or until something happens.
    Wait(Duration),
    /// Nothing, because the clock is wrong; look again at this moment.
    WaitForClock(Duration),
    /// Ask the provisioning service for a hub.
    Provision,
    /// Connect to this hub.
    Connect {
        /// Host name.
        host: String,
        /// The device's id there.
        device_id: String,
        /// When the token ends, in seconds since 1970.
        expiry: u64,
    },
    /// Say goodbye, and ask again at once: the identity is to be shown anew.
    Renew,
}

#[derive(Debug, Clone, PartialEq)]
enum State {
    Idle {
        until: Duration,
    },
    Provisioning,
    Connecting,
    Connected {
        since: Duration,
        renew_at: Option<Duration>,
    },
}

/// Which hub.
#[derive(Debug, Clone, PartialEq)]
pub enum Hub {
    /// Always this one.
    Fixed {
        /// Host name.
        host: String,
        /// The device's id there.
        device_id: String,
    },
    /// The one that the provisioning service assigned, if it has.
    Assigned(Option<Assignment>),
}

/// The session. Times are counted from any one moment.
pub struct Session {
    hub: Hub,
    signs: bool,
    renewal: Renewal,
    state: State,
    backoff: Backoff,
    failures: u32,
    brief: u32,
    renew: bool,
    last: Option<Ending>,
    /// When the last connection that had worked was gone.
    worked_until: Option<Duration>,
    /// The clock's reading less the time, in seconds, when last looked at.
    offset: Option<i128>,
    random: f64,
}

impl Session {
    /// A session that has not begun. `signs` is whether the identity signs tokens.
    pub const fn new(hub: Hub, signs: bool, renewal: Renewal, policy: Policy) -> Self {
        Self {
            hub,
            signs,
            renewal,
            state: State::Idle {
                until: Duration::ZERO,
            },
            backoff: Backoff::new(policy),
            failures: 0,
            brief: 0,
            renew: false,
            last: None,
            worked_until: None,
            offset: None,
            random: 0.5,
        }
    }

    /// What to do at `now`, when the clock shows `clock` (seconds since 1970). `random` is uniform in 0 to 1.
    pub fn next(&mut self, now: Duration, clock: u64, random: f64) -> Action {
        self.random = random;
        let jumped = self.jumped(now, clock);
        match &mut self.state {
            State::Idle { until } => {
                if jumped && matches!(self.last, Some(Ending::Identity | Ending::Clock)) {
                    // What was dated or judged by the clock is another thing now that it has been set.
                    *until = now;
                }
                if now < *until {
                    return Action::Wait(*until);
                }
                if self.signs && !sas::is_plausible(clock) {
                    return Action::WaitForClock(now + CLOCK);
                }
                self.begin(clock)
            }
            State::Provisioning | State::Connecting => Action::Wait(Duration::MAX),
            State::Connected { renew_at, .. } => {
                let due = renew_at.is_some_and(|at| at <= now) || (jumped && renew_at.is_some());
                if due || std::mem::take(&mut self.renew) {
                    self.renew = false;
                    self.state = State::Idle { until: now };
                    return Action::Renew;
                }
                Action::Wait(renew_at.unwrap_or(Duration::MAX))
            }
        }
    }

    fn begin(&mut self, clock: u64) -> Action {
        let target = match &self.hub {
            Hub::Fixed { host, device_id } => Some((host, device_id)),
            Hub::Assigned(assignment) => assignment
                .as_ref()
                .map(|assignment| (&assignment.host, &assignment.device_id)),
        };
        let expiry = clock + self.renewal.life.as_secs();
        match target {
            Some((host, device_id)) => {
                let action = Action::Connect {
                    host: host.clone(),
                    device_id: device_id.clone(),
                    expiry,
                };
                self.state = State::Connecting;
                action
            }
            None => {
                self.state = State::Provisioning;
                Action::Provision
            }
        }
    }

    /// The provisioning service decided.
    pub fn assigned(&mut self, assignment: Assignment, now: Duration) {
        self.hub = Hub::Assigned(Some(assignment));
        self.failures = 0;
        self.state = State::Idle { until: now };
    }

    /// Connected and subscribed.
    pub fn connected(&mut self, now: Duration) {
        let due = self.renewal.due_in(self.random);
        self.renew = false;
        self.last = None;
        self.state = State::Connected {
            since: now,
            renew_at: self.signs.then_some(now + due),
        };
    }

    /// The attempt failed, or the connection ended. Gives the wait until the next.
    pub fn ended(&mut self, ending: Ending, now: Duration, random: f64) -> Duration {
        let held = match self.state {
            State::Connected { since, .. } => Some(now.saturating_sub(since)),
            _ => None,
        };
        let provisioning = self.state == State::Provisioning;
        match held {
            Some(held) if held >= BRIEF => self.brief = 0,
            Some(_) => self.brief += 1,
            None => {}
        }
        let worked = held.is_some() && !self.is_contested();
        if worked {
            self.worked_until = Some(now);
        }
        let outage = !provisioning
            && ending == Ending::Unreached
            && self.worked_until.is_some_and(|until| now < until + OUTAGE);
        if worked {
            self.failures = 0;
        } else if !outage && ending != Ending::Clock {
            // A wrong clock says nothing of where the device belongs.
            self.failures += 1;
        }
        self.last = Some(ending);
        self.backoff.ended(held.unwrap_or_default());
        let elsewhere = ending == Ending::Identity || self.failures >= FAILURES;
        if let (Hub::Assigned(assignment), true, false) = (&mut self.hub, elsewhere, provisioning) {
            *assignment = None;
            self.failures = 0;
        }
        let random = random.clamp(0.0, 1.0);
        let wait = if outage {
            AT_ONCE.mul_f64((1.0 + random) / 2.0)
        } else if worked && !matches!(ending, Ending::Identity | Ending::Busy) {
            AT_ONCE.mul_f64(random)
        } else {
            self.backoff.next_delay(random)
        };
        self.state = State::Idle { until: now + wait };
        wait
    }

    /// The identity changed: a new certificate or key is to be shown.
    pub const fn identity_changed(&mut self) {
        self.renew = true;
    }

    /// The service said on an open connection that it does not know this device (any more).
    pub const fn disowned(&self) -> bool {
        matches!(self.hub, Hub::Assigned(_))
    }

    /// Whether another client seems to use this device's id: each connection is ended at once.
    pub const fn is_contested(&self) -> bool {
        self.brief >= BRIEF_IN_A_ROW
    }

    /// Which hub.
    pub const fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Whether the clock was set since it was last looked at.
    fn jumped(&mut self, now: Duration, clock: u64) -> bool {
        let offset = i128::from(clock) - i128::from(now.as_secs());
        let before = self.offset.replace(offset);
        before.is_some_and(|before| before.abs_diff(offset) > u128::from(JUMP))
    }
}
