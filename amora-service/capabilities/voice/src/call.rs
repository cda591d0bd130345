//! When to make a call, when to wait, and when to give one up. Time is given, as the time since some start.

use std::time::Duration;

/// How long an attempt may take from the answer of the hub to the first connection of the media.
const MEDIA_PATIENCE: Duration = Duration::from_secs(30);

/// The waits of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// First wait before a call is made again; it doubles with each failure in a row.
    pub first: Duration,
    /// Longest wait before a call is made again.
    pub longest: Duration,
    /// How long a call whose packets stopped may take to come back by itself.
    pub grace: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(3),
            longest: Duration::from_secs(30),
            grace: Duration::from_secs(10),
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Drop the session that there may be, empty the microphone's queue and call.
    Connect,
    /// Drop the session, or the attempt.
    HangUp,
    /// Look for another path for the session that there is, where the way of signalling knows how.
    RestartIce,
}

/// How the media of a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaState {
    /// Packets flow.
    Connected,
    /// Packets stopped; they may come back.
    Disconnected,
    /// It will not come back.
    Failed,
    /// The other side ended it.
    Closed,
}

/// How the call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// None is wanted.
    Off,
    /// The hub is being asked.
    Asking,
    /// The hub answered; the media connects.
    Answered {
        /// When it must have connected.
        until: Duration,
    },
    /// Packets flow.
    Connected,
    /// Packets stopped.
    Interrupted {
        /// When it is given up.
        until: Duration,
    },
    /// The next attempt comes by itself.
    Waiting {
        /// When.
        until: Duration,
    },
}

/// What was counted since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls whose media connected.
    pub connections: u64,
    /// Attempts that failed.
    pub failures: u64,
}

/// One call and its repetitions.
#[derive(Debug, Clone)]
pub struct Call {
    patience: Patience,
    phase: Phase,
    delay: Duration,
    action: Option<Action>,
    tally: Tally,
}

impl Call {
    /// A call that is not wanted yet.
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            phase: Phase::Off,
            delay: patience.first,
            action: None,
            tally: Tally::default(),
        }
    }

    /// How it is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// What was counted.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Wants the call: it is made at once, whatever was waited for.
    pub fn want(&mut self) {
        if matches!(self.phase, Phase::Off | Phase::Waiting { .. }) {
            self.delay = self.patience.first;
            self.connect();
        }
    }

    /// Wants no call any more.
    pub fn end(&mut self) {
        if self.phase != Phase::Off {
            self.phase = Phase::Off;
            self.action = Some(Action::HangUp);
        }
    }

    /// The hub answered, and its answer was taken.
    pub fn answered(&mut self, now: Duration) {
        if self.phase == Phase::Asking {
            let until = now + MEDIA_PATIENCE;
            self.phase = Phase::Answered { until };
        }
    }

    /// The attempt failed: no answer, a refusal, or one that is of no use.
    pub fn refused(&mut self, now: Duration) {
        if matches!(self.phase, Phase::Asking | Phase::Answered { .. }) {
            self.tally.failures += 1;
            self.wait(now);
        }
    }

    /// The media of the session changed.
    pub fn media(&mut self, state: MediaState, now: Duration) {
        match (state, self.phase) {
            (MediaState::Connected, Phase::Asking | Phase::Answered { .. }) => {
                self.tally.connections += 1;
                self.delay = self.patience.first;
                self.phase = Phase::Connected;
            }
            (MediaState::Connected, Phase::Interrupted { .. }) => self.phase = Phase::Connected,
            (MediaState::Disconnected, Phase::Connected) => {
                let until = now + self.patience.grace;
                self.phase = Phase::Interrupted { until };
                self.action = Some(Action::RestartIce);
            }
            (MediaState::Failed | MediaState::Closed, Phase::Asking | Phase::Answered { .. }) => {
                self.refused(now);
            }
            (MediaState::Failed | MediaState::Closed, Phase::Connected | Phase::Interrupted { .. }) => {
                self.wait(now);
            }
            _ => {}
        }
    }

    /// When [`act`](Self::act) has something to say without further news; `None` while nothing is waited for.
    pub fn due(&self) -> Option<Duration> {
        if self.action.is_some() {
            return Some(Duration::ZERO);
        }
        match self.phase {
            Phase::Answered { until } | Phase::Interrupted { until } | Phase::Waiting { until } => {
                Some(until)
            }
            Phase::Off | Phase::Asking | Phase::Connected => None,
        }
    }

    /// What is to be done now; ask until there is nothing more.
    pub fn act(&mut self, now: Duration) -> Option<Action> {
        if let Some(action) = self.action.take() {
            return Some(action);
        }
        match self.phase {
            Phase::Answered { until } if now >= until => {
                self.refused(now);
                self.action.take()
            }
            Phase::Interrupted { until } if now >= until => {
                self.wait(now);
                self.action.take()
            }
            Phase::Waiting { until } if now >= until => {
                self.connect();
                self.action.take()
            }
            _ => None,
        }
    }

    fn connect(&mut self) {
        self.phase = Phase::Asking;
        self.action = Some(Action::Connect);
    }

    /// Waits for the next attempt. The delay was set back by the last success, so a call that drops is made again
    /// after the shortest.
    fn wait(&mut self, now: Duration) {
        let until = now + self.delay;
        self.phase = Phase::Waiting { until };
        self.action = Some(Action::HangUp);
        self.delay = (self.delay * 2).min(self.patience.longest);
    }
}

#[cfg(test)]
mod tests;
