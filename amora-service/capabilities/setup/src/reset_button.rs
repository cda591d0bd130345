//! Decides what holding a button means. Time is given.

use std::time::Duration;

/// After this part of the time that the button must be held, the box warns.
const WARNING: u32 = 3;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Tell whoever holds the button that something comes of it.
    Warn,
    /// Make the box as it was delivered.
    Reset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Pressed since before we looked: a line that is stuck, or a finger from before the start. Nothing comes of it.
    Stuck,
    Released,
    Pressed {
        since: Duration,
    },
    Warned {
        since: Duration,
    },
    /// It has done what it does; it must be released first to do it again.
    Done,
}

/// The button's state.
#[derive(Debug, Clone)]
pub(crate) struct ResetButton {
    hold: Duration,
    phase: Phase,
}

impl ResetButton {
    /// A button that is pressed now, or not, and must be held this long.
    pub(crate) const fn new(hold: Duration, pressed: bool) -> Self {
        let phase = if pressed { Phase::Stuck } else { Phase::Released };
        Self { hold, phase }
    }

    /// Whether it was held from the start and has not been released yet.
    pub(crate) fn is_stuck(&self) -> bool {
        self.phase == Phase::Stuck
    }

    /// The line changed.
    pub(crate) fn set_pressed(&mut self, pressed: bool, now: Duration) {
        self.phase = match (pressed, self.phase) {
            (false, _) => Phase::Released,
            (true, Phase::Released) => Phase::Pressed { since: now },
            (true, phase) => phase,
        };
    }

    /// What time has brought. Ask when [`due`](Self::due) says.
    pub(crate) fn act(&mut self, now: Duration) -> Option<Act> {
        if self.due()? > now {
            return None;
        }
        let (phase, act) = match self.phase {
            Phase::Pressed { since } => (Phase::Warned { since }, Act::Warn),
            _ => (Phase::Done, Act::Reset),
        };
        self.phase = phase;
        Some(act)
    }

    /// When time brings something, if nothing else happens.
    pub(crate) fn due(&self) -> Option<Duration> {
        match self.phase {
            Phase::Pressed { since } => Some(since + self.hold / WARNING),
            Phase::Warned { since } => Some(since + self.hold),
            Phase::Stuck | Phase::Released | Phase::Done => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLD: Duration = Duration::from_secs(9);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1000 + seconds)
    }

    /// What comes of it until `end`, second by second.
    fn acts(button: &mut ResetButton, from: u64, end: u64) -> Vec<(u64, Act)> {
        (from..=end)
            .filter_map(|second| Some((second, button.act(at(second))?)))
            .collect()
    }

    #[test]
    fn held_long_enough_it_warns_and_resets_once() {
        let mut button = ResetButton::new(HOLD, false);
        button.set_pressed(true, at(0));
        assert_eq!(acts(&mut button, 0, 60), [(3, Act::Warn), (9, Act::Reset)]);
        button.set_pressed(true, at(61));
        assert_eq!(acts(&mut button, 61, 90), []);
        button.set_pressed(false, at(91));
        button.set_pressed(true, at(100));
        assert_eq!(acts(&mut button, 100, 110), [(103, Act::Warn), (109, Act::Reset)]);
    }

    #[test]
    fn released_too_soon_nothing_comes_of_it() {
        let mut button = ResetButton::new(HOLD, false);
        button.set_pressed(true, at(0));
        assert_eq!(acts(&mut button, 0, 8), [(3, Act::Warn)]);
        button.set_pressed(false, at(8));
        assert_eq!(acts(&mut button, 8, 60), []);
        // Time held does not add up.
        button.set_pressed(true, at(60));
        assert_eq!(acts(&mut button, 60, 62), []);
    }

    #[test]
    fn a_button_that_is_held_as_the_box_starts_must_be_released_first() {
        let mut button = ResetButton::new(HOLD, true);
        assert!(button.is_stuck());
        button.set_pressed(true, at(0));
        assert_eq!(acts(&mut button, 0, 60), []);
        button.set_pressed(false, at(61));
        assert!(!button.is_stuck());
        button.set_pressed(true, at(70));
        assert_eq!(acts(&mut button, 70, 80), [(73, Act::Warn), (79, Act::Reset)]);
    }

    #[test]
    fn a_late_look_still_warns_before_it_resets() {
        let mut button = ResetButton::new(HOLD, false);
        button.set_pressed(true, at(0));
        assert_eq!(button.act(at(30)), Some(Act::Warn));
        assert_eq!(button.act(at(30)), Some(Act::Reset));
    }
}
