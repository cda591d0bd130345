//! Which engine is at work, and why.

use super::Kind;
use amora_contract::config::EchoEngine;
use std::collections::BTreeSet;
use std::time::Duration;

/// From the first choice to the last: by what each leaves of the echo and of the near talker, `docs/echo-scoreboard.md`.
/// Our own leads with true loudspeakers and with those that bend, in any room and on any clock; of the others AEC3 bears
/// more.
const ORDER: [Kind; 3] = [Kind::Kalman, Kind::Aec3, Kind::Speex];

/// An engine that takes less than this away, in dB, has failed.
const USELESS: f32 = 6.0;

/// How long an engine must fail before another is tried, and how long it is then left alone.
const PATIENCE: Duration = Duration::from_secs(4);
const REST: Duration = Duration::from_secs(60);

/// A choice and its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) kind: Option<Kind>,
    pub(super) why: String,
}

/// An engine that could not do it here.
#[derive(Debug, Clone, Copy)]
struct GivenUp {
    kind: Kind,
    since: Duration,
    /// What it took away, in dB.
    reduction: f32,
}

/// Chooses, and remembers what was tried.
#[derive(Debug, Default)]
pub(super) struct Chooser {
    /// How long the present engine has been useless.
    useless: Duration,
    given_up: Vec<GivenUp>,
}

impl Chooser {
    /// The room or the time line is another now: what could not be done may be possible.
    pub(super) fn restart(&mut self) {
        *self = Self::default();
    }

    /// The engine for what was asked, `elapsed` after the last time. `reduction` is how much of the echo the `current` one
    /// takes away, in dB, once it had time to learn.
    pub(super) fn choose(
        &mut self,
        asked: EchoEngine,
        reduction: Option<f32>,
        current: Option<Kind>,
        failed: &BTreeSet<Kind>,
        elapsed: Duration,
    ) -> Choice {
        let pinned = match asked {
            EchoEngine::Auto => {
                self.remember(reduction, current, elapsed);
                return self.automatic(failed);
            }
            EchoEngine::Off => None,
            EchoEngine::Speex => Some(Kind::Speex),
            EchoEngine::Aec3 => Some(Kind::Aec3),
            EchoEngine::Kalman => Some(Kind::Kalman),
        };
        match pinned {
            Some(kind) if failed.contains(&kind) => Choice {
                kind: None,
                why: format!("{kind} is set but does not work here: the microphone passes as it is"),
            },
            Some(kind) => Choice {
                kind: Some(kind),
                why: format!("{kind} is set"),
            },
            None => Choice {
                kind: None,
                why: "echo cancelling is set off".to_owned(),
            },
        }
    }

    fn remember(&mut self, reduction: Option<f32>, current: Option<Kind>, elapsed: Duration) {
        for engine in &mut self.given_up {
            engine.since += elapsed;
        }
        self.given_up.retain(|engine| engine.since < REST);
        let (Some(kind), Some(reduction)) = (current, reduction) else {
            return;
        };
        if reduction >= USELESS {
            self.useless = Duration::ZERO;
            return;
        }
        self.useless += elapsed;
        if self.useless >= PATIENCE {
            self.useless = Duration::ZERO;
            self.given_up.retain(|engine| engine.kind != kind);
            self.given_up.push(GivenUp {
                kind,
                since: Duration::ZERO,
                reduction,
            });
        }
    }

    fn automatic(&self, failed: &BTreeSet<Kind>) -> Choice {
        let usable = |kind: &Kind| !failed.contains(kind);
        let tried = |kind: &Kind| self.given_up.iter().any(|engine| engine.kind == *kind);
        let fresh = ORDER.into_iter().find(|kind| usable(kind) && !tried(kind));
        let kind = fresh.or_else(|| {
            // All have been tried: the one that took most away.
            let best = self.given_up.iter().filter(|engine| usable(&engine.kind));
            best.max_by(|a, b| a.reduction.total_cmp(&b.reduction))
                .map(|engine| engine.kind)
        });
        let Some(kind) = kind else {
            return Choice {
                kind: None,
                why: "no echo canceller works here: the microphone passes as it is".to_owned(),
            };
        };
        // What comes after the one chosen is no reason, unless all were tried.
        let rank = |kind: Kind| ORDER.iter().position(|other| *other == kind);
        let matters = |other: Kind| other != kind && (tried(&kind) || rank(other) < rank(kind));
        let missing = failed.iter().filter(|other| matters(**other));
        let mut reasons: Vec<String> = missing
            .map(|other| format!("{other} does not work here"))
            .collect();
        let useless = self.given_up.iter().filter(|engine| matters(engine.kind));
        reasons.extend(useless.map(|engine| {
            let GivenUp { kind, reduction, .. } = engine;
            format!("{kind} took only {reduction:.0} dB of the echo away")
        }));
        if reasons.is_empty() {
            reasons.push("it leaves the least of the echo and the most of who speaks near".to_owned());
        }
        Choice {
            kind: Some(kind),
            why: format!("{kind}, because {}", reasons.join(" and ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn choose(chooser: &mut Chooser, reduction: Option<f32>, current: Option<Kind>) -> Choice {
        chooser.choose(EchoEngine::Auto, reduction, current, &BTreeSet::new(), SECOND)
    }

    #[test]
    fn the_best_stays_as_long_as_it_works() {
        let mut chooser = Chooser::default();
        let first = choose(&mut chooser, None, None);
        assert_eq!(first.kind, Some(Kind::Kalman));
        assert!(first.why.contains("the least of the echo"), "{}", first.why);
        for _ in 0..120 {
            assert_eq!(choose(&mut chooser, Some(8.0), first.kind), first);
        }
    }

    #[test]
    fn an_engine_that_does_nothing_makes_way_for_a_minute() {
        let mut chooser = Chooser::default();
        let kalman = Some(Kind::Kalman);
        for _ in 0..3 {
            assert_eq!(choose(&mut chooser, Some(2.0), kalman).kind, kalman);
        }
        let choice = choose(&mut chooser, Some(2.0), kalman);
        assert_eq!(choice.kind, Some(Kind::Aec3));
        assert!(choice.why.contains("kalman took only 2 dB"), "{}", choice.why);
        for second in 1..60 {
            let kind = choose(&mut chooser, Some(25.0), Some(Kind::Aec3)).kind;
            assert_eq!(kind, Some(Kind::Aec3), "{second} s");
        }
        assert_eq!(choose(&mut chooser, Some(25.0), Some(Kind::Aec3)).kind, kalman);
    }

    #[test]
    fn where_none_works_the_one_that_took_most_away_stays() {
        let mut chooser = Chooser::default();
        let mut current = None;
        for _ in 0..30 {
            let reduction = match current {
                Some(Kind::Kalman) => 2.0,
                Some(Kind::Aec3) => 5.0,
                _ => 1.0,
            };
            current = choose(&mut chooser, Some(reduction), current).kind;
        }
        assert_eq!(current, Some(Kind::Aec3));
    }

    #[test]
    fn what_is_set_is_used_or_said_to_be_missing() {
        let mut chooser = Chooser::default();
        let mut ask = |engine, failed: &[Kind]| {
            let failed = failed.iter().copied().collect();
            chooser.choose(engine, None, None, &failed, SECOND)
        };
        assert_eq!(ask(EchoEngine::Speex, &[]).kind, Some(Kind::Speex));
        let lost = ask(EchoEngine::Speex, &[Kind::Speex]);
        assert_eq!(lost.kind, None);
        assert!(lost.why.contains("does not work"), "{}", lost.why);
        assert_eq!(ask(EchoEngine::Off, &[]).kind, None);
        let none = ask(EchoEngine::Auto, &[Kind::Speex, Kind::Aec3, Kind::Kalman]);
        assert_eq!(none.kind, None);
        let next = ask(EchoEngine::Auto, &[Kind::Kalman]);
        assert_eq!(next.kind, Some(Kind::Aec3));
        assert_eq!(next.why, "aec3, because kalman does not work here");
        let same = ask(EchoEngine::Auto, &[Kind::Speex]);
        assert_eq!(same.kind, Some(Kind::Kalman));
        assert!(!same.why.contains("speex"), "{}", same.why);
    }
}
