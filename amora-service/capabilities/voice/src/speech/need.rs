//! Whether anybody needs to hear the microphone: cancelling echo is the most expensive thing that a box does all day.

use crate::leg::stands;
use amora_contract::state::VoiceLink;
use std::time::Duration;

/// So long after a call stood, or was first wanted, the microphone is still heard: the canceller then knows the room when
/// the call is back.
const LINGER: Duration = Duration::from_secs(60);

/// The need for a microphone. Time is given, as the time since some start.
#[derive(Debug, Default)]
pub(super) struct Need {
    link: VoiceLink,
    /// Since when the call is wanted, or since it stood last.
    since: Duration,
}

impl Need {
    /// The call is this way now.
    pub(super) fn follow(&mut self, link: VoiceLink, now: Duration) {
        if stands(self.link) || self.link == VoiceLink::Off {
            self.since = now;
        }
        self.link = link;
    }

    /// Whether a call is wanted at all.
    pub(super) fn is_wanted(&self) -> bool {
        self.link != VoiceLink::Off
    }

    /// Whether the microphone is to be heard. It may be sent while speech does not come: a media server has a call for each.
    pub(super) fn hears(&mut self, is_sent: bool, now: Duration) -> bool {
        if is_sent {
            self.since = now;
        }
        self.is_wanted() && (is_sent || stands(self.link) || now < self.since + LINGER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use VoiceLink::{Connected, Connecting, Interrupted, Off, Waiting};

    /// Follows a call second by second; the seconds at which the microphone begins or ceases to be heard.
    fn changes(calls: &[(u64, VoiceLink)], seconds: u64) -> Vec<(u64, bool)> {
        let (mut need, mut heard, mut changes) = (Need::default(), false, Vec::new());
        for second in 0..seconds {
            let now = Duration::from_secs(second);
            for (_, link) in calls.iter().filter(|(at, _)| *at == second) {
                need.follow(*link, now);
            }
            if need.hears(false, now) != heard {
                heard = !heard;
                changes.push((second, heard));
            }
        }
        changes
    }

    #[test]
    fn a_call_that_stands_is_heard_for_as_long_as_it_does() {
        let calls = [
            (5, Connecting),
            (6, Connected),
            (900, Interrupted),
            (905, Connected),
            (2_000, Off),
        ];
        assert_eq!(changes(&calls, 3_000), [(5, true), (2_000, false)]);
    }

    #[test]
    fn a_hub_that_is_away_for_long_costs_nothing_until_it_is_back() {
        let mut calls = vec![(10, Connecting)];
        calls.extend(
            (20..500)
                .step_by(20)
                .flat_map(|at| [(at, Waiting), (at + 10, Connecting)]),
        );
        calls.extend([
            (600, Connected),
            (700, Waiting),
            (701, Connecting),
            (702, Connected),
            (800, Waiting),
        ]);
        assert_eq!(
            changes(&calls, 2_000),
            [(10, true), (70, false), (600, true), (860, false)]
        );
    }

    #[test]
    fn a_microphone_that_is_sent_is_heard_though_no_speech_comes() {
        let mut need = Need::default();
        need.follow(Connecting, Duration::ZERO);
        need.follow(Waiting, Duration::ZERO);
        let mut hears = |second| need.hears((10..500).contains(&second), Duration::from_secs(second));
        let heard: Vec<u64> = (0..1_000).filter(|second| hears(*second)).collect();
        assert_eq!(heard, (0..559).collect::<Vec<u64>>());
    }

    #[test]
    fn what_nobody_wants_is_not_heard_and_wanting_it_again_begins_at_once() {
        let calls = [
            (1, Connecting),
            (2, Waiting),
            (3, Off),
            (500, Connecting),
            (501, Waiting),
        ];
        assert_eq!(
            changes(&calls, 1_000),
            [(1, true), (3, false), (500, true), (560, false)]
        );
    }
}
