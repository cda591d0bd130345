//! What of the engine's doings is worth waking the doors for, and when. No I/O.

use amora_audio::engine::EngineEvent;
use amora_contract::EventKind;
use amora_contract::state::{AudioCounters, AudioState};
use std::time::{Duration, Instant};

/// While something sounds, numbers are shown this often.
const BUSY: Duration = Duration::from_secs(1);

/// While nothing does. The watchdog wants to see the period counter move within 6 s.
const IDLE: Duration = Duration::from_secs(4);

/// The same complaint is not made more often.
const COMPLAIN: Duration = Duration::from_secs(10);

/// Decides when the state is published.
#[derive(Debug, Default)]
pub(crate) struct Publisher {
    last: Option<(AudioState, Instant)>,
}

impl Publisher {
    /// Whether `present` is to be published now.
    pub(crate) fn due(&mut self, now: Instant, present: &AudioState) -> bool {
        let due = self.last.as_ref().is_none_or(|(last, at)| {
            let age = now.saturating_duration_since(*at);
            urgent(last, present) || age >= if quiet(last, present) { IDLE } else { BUSY }
        });
        if due {
            self.last = Some((present.clone(), now));
        }
        due
    }
}

fn urgent(last: &AudioState, present: &AudioState) -> bool {
    last.volume != present.volume
        || last.mute != present.mute
        || last.card != present.card
        || last.owner != present.owner
        || last.exclusive != present.exclusive
        || last.mixer.active != present.mixer.active
        || last.music.flowing != present.music.flowing
}

/// Whether nothing happened but silence.
fn quiet(last: &AudioState, present: &AudioState) -> bool {
    let events = |counters: &AudioCounters| AudioCounters {
        periods: 0,
        callback_microseconds: [0; 10],
        ..counters.clone()
    };
    present.mixer.active.is_empty()
        && !present.music.flowing
        && events(&last.counters) == events(&present.counters)
}

/// Turns what happens in the engine into events, complaints not too often.
#[derive(Debug, Default)]
pub(crate) struct Herald {
    xrun: Option<Instant>,
    limited: Option<Instant>,
}

impl Herald {
    pub(crate) fn announce(&mut self, now: Instant, event: &EngineEvent) -> Option<EventKind> {
        let again = |last: &mut Option<Instant>| {
            let again = last.is_none_or(|at| now.saturating_duration_since(at) >= COMPLAIN);
            if again {
                *last = Some(now);
            }
            again
        };
        match event {
            EngineEvent::Xrun { count } => again(&mut self.xrun).then_some(EventKind::Xrun { count: *count }),
            EngineEvent::Limited { reduction } => again(&mut self.limited).then_some(EventKind::Limited {
                reduction: *reduction,
            }),
            EngineEvent::CardLost { cause } => Some(EventKind::CardLost { cause: cause.clone() }),
            EngineEvent::CardOpened { device } => Some(EventKind::CardOpened {
                device: device.clone(),
            }),
            EngineEvent::CardUnavailable { .. } | EngineEvent::CardReleased => None,
        }
    }
}

/// What to do about a card that is away, by the words of [`amora_audio::card::CardError`].
pub(crate) fn next_step(cause: &str) -> &'static str {
    if cause.contains("in use") {
        "stop the other program (`fuser -v /dev/snd/*` shows it); the box tries again by itself"
    } else if cause.contains("not there") {
        "plug the card in, or check the board's overlay in config.txt; the box tries again by itself"
    } else if cause.contains("can't be set up") {
        "correct [audio] in the configuration; `amoractl doctor` shows what the card can do"
    } else {
        "check the card's cable and power; the box tries again by itself"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amora_contract::units::{Decibels, Volume};

    #[test]
    fn silence_is_told_seldom_and_music_each_second() {
        let mut publisher = Publisher::default();
        let start = Instant::now();
        let mut state = AudioState::default();
        let mut count = |state: &mut AudioState, seconds: std::ops::Range<u64>| {
            let mut published = 0;
            for tick in seconds.start * 10..seconds.end * 10 {
                state.counters.periods += 20;
                published +=
                    u32::from(publisher.due(start + Duration::from_millis(100) * tick as u32, state));
            }
            published
        };
        assert_eq!(count(&mut state, 0..40), 10);
        state.mixer.active = vec!["music".to_owned()];
        assert_eq!(count(&mut state, 40..80), 40);
    }

    #[test]
    fn what_people_do_is_told_at_once() {
        let mut publisher = Publisher::default();
        let now = Instant::now();
        let mut state = AudioState::default();
        assert!(publisher.due(now, &state));
        assert!(!publisher.due(now, &state));
        state.volume = Volume::clamped(3.0);
        assert!(publisher.due(now, &state));
        state.mute = true;
        assert!(publisher.due(now, &state));
        state.card.running = true;
        assert!(publisher.due(now, &state));
    }

    #[test]
    fn an_xrun_in_silence_is_told_within_a_second() {
        let mut publisher = Publisher::default();
        let now = Instant::now();
        let mut state = AudioState::default();
        assert!(publisher.due(now, &state));
        state.counters.xruns = 1;
        assert!(!publisher.due(now + BUSY / 2, &state));
        assert!(publisher.due(now + BUSY, &state));
    }

    #[test]
    fn a_storm_of_complaints_is_one_in_ten_seconds() {
        let mut herald = Herald::default();
        let start = Instant::now();
        let told = (0..1000)
            .filter(|&step| {
                let event = match step % 2 {
                    0 => EngineEvent::Xrun { count: step },
                    _ => EngineEvent::Limited {
                        reduction: Decibels(-9.0),
                    },
                };
                herald
                    .announce(start + Duration::from_millis(step * 20), &event)
                    .is_some()
            })
            .count();
        assert_eq!(told, 4);
        let lost = EngineEvent::CardLost {
            cause: "gone".to_owned(),
        };
        assert!(herald.announce(start, &lost).is_some());
        assert!(herald.announce(start, &lost).is_some());
    }

    #[test]
    fn every_kind_of_card_error_has_its_own_next_step() {
        use amora_audio::card::CardError;
        let errors = [
            CardError::Gone(String::new()),
            CardError::Busy(String::new()),
            CardError::Unsupported(String::new()),
            CardError::Broken(String::new()),
        ];
        let steps: std::collections::HashSet<_> =
            errors.iter().map(|error| next_step(&error.to_string())).collect();
        assert_eq!(steps.len(), errors.len());
    }
}
