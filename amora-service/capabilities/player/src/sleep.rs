//! The sleep timer: fades out over the last ten seconds, pauses, and gives the volume back.

use amora_contract::units::Volume;
use std::time::Duration;
use tokio::time::Instant;

const FADE: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(500);

/// What MPD, the FIFO and the mixer still hold when MPD has paused; it must not be heard at the old volume.
const DRAIN: Duration = Duration::from_millis(1500);

/// A plan to pause playback. It does not outlive the service.
#[derive(Debug, Default)]
pub(crate) struct SleepTimer {
    phase: Phase,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Off,
    Waiting {
        at: Instant,
    },
    Fading {
        at: Instant,
        next: Instant,
        original: Volume,
        /// What the fade has set so far: any other volume was set by somebody.
        sent: Vec<Volume>,
    },
    /// Somebody set the volume during the fade: it is left alone, but playback still pauses.
    Interrupted {
        at: Instant,
    },
    Draining {
        until: Instant,
        original: Volume,
    },
}

/// What the timer wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SleepAction {
    /// A step of the fade.
    Fade(Volume),
    /// Pause playback; the timer has done its work.
    Pause,
    /// Give back the volume from before the fade.
    Restore(Volume),
}

impl SleepTimer {
    /// Pauses at `at` instead of whenever it was planned before.
    pub(crate) fn set(&mut self, at: Instant) -> Option<SleepAction> {
        let restore = self.cancel();
        self.phase = Phase::Waiting { at };
        restore
    }

    /// Does not pause after all. Also for when the music was stopped during the fade.
    pub(crate) fn cancel(&mut self) -> Option<SleepAction> {
        match std::mem::take(&mut self.phase) {
            Phase::Fading { original, sent, .. } if !sent.is_empty() => Some(SleepAction::Restore(original)),
            Phase::Draining { original, .. } => Some(SleepAction::Restore(original)),
            _ => None,
        }
    }

    /// MPD is gone for now: the volume comes back at once, and playback pauses at its time if it plays again by then.
    pub(crate) fn suspend(&mut self) -> Option<SleepAction> {
        match &self.phase {
            Phase::Fading { at, .. } => {
                let at = *at;
                let restore = self.cancel();
                self.phase = Phase::Interrupted { at };
                restore
            }
            Phase::Draining { .. } => self.cancel(),
            _ => None,
        }
    }

    /// Whether playback will be paused.
    pub(crate) fn is_set(&self) -> bool {
        !matches!(self.phase, Phase::Off | Phase::Draining { .. })
    }

    /// Whether the volume is being changed.
    pub(crate) fn is_fading(&self) -> bool {
        matches!(self.phase, Phase::Fading { .. } | Phase::Draining { .. })
    }

    /// The volume from before the fade, while it is not given back yet.
    pub(crate) fn original(&self) -> Option<Volume> {
        match &self.phase {
            Phase::Fading { original, .. } | Phase::Draining { original, .. } => Some(*original),
            _ => None,
        }
    }

    /// When [`Self::tick`] is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Off => None,
            Phase::Waiting { at } => Some(at.checked_sub(FADE).unwrap_or(*at)),
            Phase::Fading { next, .. } => Some(*next),
            Phase::Interrupted { at } => Some(*at),
            Phase::Draining { until, .. } => Some(*until),
        }
    }

    /// Somebody, or the fade itself, set the volume.
    pub(crate) fn volume_is(&mut self, volume: Volume) {
        if let Phase::Fading {
            at, original, sent, ..
        } = &self.phase
            && volume != *original
            && !sent.contains(&volume)
        {
            self.phase = Phase::Interrupted { at: *at };
        } else if let Phase::Draining { original, .. } = &mut self.phase
            && volume > *original
        {
            *original = volume;
        }
    }

    /// Does what is due at `now`, given whether music plays and at what volume.
    pub(crate) fn tick(&mut self, now: Instant, playing: bool, volume: Option<Volume>) -> Vec<SleepAction> {
        let mut actions = Vec::new();
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return actions;
        }
        if let Phase::Waiting { at } = self.phase {
            self.phase = match volume {
                Some(original) if playing => Phase::Fading {
                    at,
                    next: now,
                    original,
                    sent: Vec::new(),
                },
                _ => Phase::Interrupted { at },
            };
        }
        match &mut self.phase {
            Phase::Fading {
                at,
                next,
                original,
                sent,
            } => {
                if now >= *at {
                    let original = *original;
                    self.phase = Phase::Draining {
                        until: now + DRAIN,
                        original,
                    };
                    actions.push(SleepAction::Pause);
                } else {
                    let left = (*at - now).as_secs_f64() / FADE.as_secs_f64();
                    let volume = Volume::clamped(f64::from(original.get()) * left.min(1.0));
                    *next = (now + STEP).min(*at);
                    if volume != *original && sent.last() != Some(&volume) {
                        sent.push(volume);
                        actions.push(SleepAction::Fade(volume));
                    }
                }
            }
            Phase::Interrupted { at } if now >= *at => {
                self.phase = Phase::Off;
                actions.push(SleepAction::Pause);
            }
            Phase::Draining { original, .. } => {
                actions.push(SleepAction::Restore(*original));
                self.phase = Phase::Off;
            }
            _ => {}
        }
        actions
    }
}

#[cfg(test)]
mod tests;
