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
    /// Empty the microphone's queue and call. A session whose packets stopped stays until the call is answered.
    Connect,
    /// Drop the session, and the attempt.
    HangUp,
    /// Drop the session; the attempt goes on.
    DropSession,
    /// Drop the attempt; the session goes on.
    DropAttempt,
    /// Look for another path for the session that there is. Where that can't be done, [`call_anew`](Call::call_anew).
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
        /// The call that may take its place.
        anew: Anew,
    },
    /// The next attempt comes by itself.
    Waiting {
        /// When.
        until: Duration,
    },
}

/// A call that is made while packets of the one before may still come back. The last one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anew {
    /// Not made: another path is looked for.
    No,
    /// Made later.
    At(Duration),
    /// The hub is being asked.
    Asking,
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
        match self.phase {
            Phase::Off | Phase::Waiting { .. } => {
                self.delay = self.patience.first;
                self.connect(Phase::Asking);
            }
            Phase::Interrupted {
                until,
                anew: Anew::At(_),
            } => {
                self.delay = self.patience.first;
                self.connect_anew(until);
            }
            _ => {}
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
        if let Phase::Asking
        | Phase::Interrupted {
            anew: Anew::Asking, ..
        } = self.phase
        {
            let until = now + MEDIA_PATIENCE;
            self.phase = Phase::Answered { until };
        }
    }

    /// The attempt failed: no answer, a refusal, or one that is of no use.
    pub fn refused(&mut self, now: Duration) {
        match self.phase {
            Phase::Asking | Phase::Answered { .. } => {
                self.tally.failures += 1;
                let next = self.next_attempt(now);
                self.wait(next);
            }
            Phase::Interrupted {
                until,
                anew: Anew::Asking,
            } => {
                self.tally.failures += 1;
                let anew = Anew::At(self.next_attempt(now));
                self.phase = Phase::Interrupted { until, anew };
            }
            _ => {}
        }
    }

    /// No other path is to be had for the session whose packets stopped: another call is tried.
    pub fn call_anew(&mut self) {
        if let Phase::Interrupted {
            until,
            anew: Anew::No,
        } = self.phase
        {
            self.connect_anew(until);
        }
    }

    /// The media of the session changed.
    pub fn media(&mut self, state: MediaState, now: Duration) {
        match (state, self.phase) {
            (MediaState::Connected, Phase::Asking | Phase::Answered { .. }) => {
                self.tally.connections += 1;
                self.stand();
            }
            (MediaState::Connected, Phase::Interrupted { anew, .. }) => {
                self.action = (anew == Anew::Asking).then_some(Action::DropAttempt);
                self.stand();
            }
            (MediaState::Disconnected, Phase::Connected) => {
                let until = now + self.patience.grace;
                let anew = Anew::No;
                self.phase = Phase::Interrupted { until, anew };
                self.action = Some(Action::RestartIce);
            }
            (MediaState::Failed | MediaState::Closed, Phase::Asking | Phase::Answered { .. }) => {
                self.refused(now);
            }
            (MediaState::Failed | MediaState::Closed, Phase::Connected) => {
                let next = self.next_attempt(now);
                self.wait(next);
            }
            (MediaState::Failed | MediaState::Closed, Phase::Interrupted { anew, .. }) => {
                self.give_up(anew, now);
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
            Phase::Interrupted {
                until,
                anew: Anew::At(next),
            } => Some(until.min(next)),
            Phase::Answered { until } | Phase::Interrupted { until, .. } | Phase::Waiting { until } => {
                Some(until)
            }
            Phase::Off | Phase::Asking | Phase::Connected => None,
        }
    }

    /// What is to be done now; ask until there is nothing more.
    pub fn act(&mut self, now: Duration) -> Option<Action> {
        if self.action.is_none() {
            match self.phase {
                Phase::Answered { until } if now >= until => self.refused(now),
                Phase::Interrupted { until, anew } if now >= until => self.give_up(anew, now),
                Phase::Interrupted {
                    until,
                    anew: Anew::At(next),
                } if now >= next => self.connect_anew(until),
                Phase::Waiting { until } if now >= until => self.connect(Phase::Asking),
                _ => {}
            }
        }
        self.action.take()
    }

    /// Packets flow.
    fn stand(&mut self) {
        self.delay = self.patience.first;
        self.phase = Phase::Connected;
    }

    fn connect(&mut self, phase: Phase) {
        self.phase = phase;
        self.action = Some(Action::Connect);
    }

    fn connect_anew(&mut self, until: Duration) {
        let anew = Anew::Asking;
        self.connect(Phase::Interrupted { until, anew });
    }

    /// The session whose packets stopped will not come back; what takes its place goes on.
    fn give_up(&mut self, anew: Anew, now: Duration) {
        match anew {
            Anew::No => {
                let next = self.next_attempt(now);
                self.wait(next);
            }
            Anew::At(next) => self.wait(next),
            Anew::Asking => {
                self.phase = Phase::Asking;
                self.action = Some(Action::DropSession);
            }
        }
    }

    /// When the next attempt is made. The delay was set back by the last success, so a call that drops is made again
    /// after the shortest.
    fn next_attempt(&mut self, now: Duration) -> Duration {
        let next = now + self.delay;
        self.delay = (self.delay * 2).min(self.patience.longest);
        next
    }

    fn wait(&mut self, until: Duration) {
        self.phase = Phase::Waiting { until };
        self.action = Some(Action::HangUp);
    }
}

#[cfg(test)]
mod tests;
