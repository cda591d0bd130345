//! Which engine suits what was measured, and why.

use super::Kind;
use amora_contract::config::EchoEngine;
use std::collections::BTreeSet;
use std::time::Duration;

/// What an engine is chosen by.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Conditions {
    /// How far what the marks say strays, in frames.
    pub(super) spread: f64,
    /// How much of the echo is bent by the loudspeaker, in dB of the echo; `None` while unknown.
    pub(super) distortion: Option<f32>,
    /// How much of the echo the present engine takes away, in dB, once it had time to learn.
    pub(super) reduction: Option<f32>,
}

/// A part of the echo that is bent this much (−20 dB) is more than a linear canceller may leave.
const BENT: f32 = -20.0;

/// So much less and for so long it must be before it counts as straight again.
const STRAIGHT: f32 = -26.0;

/// Delays that stray by more than 5 ms can't be aligned by.
const UNSTEADY: f64 = 240.0;

/// An engine that takes less than this away has failed.
const USELESS: f32 = 6.0;

/// How long an engine must fail before another is tried, and how long one is kept that another has replaced.
const PATIENCE: Duration = Duration::from_secs(4);
const LOYALTY: Duration = Duration::from_secs(60);

/// A choice and its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) kind: Option<Kind>,
    pub(super) why: String,
}

/// Chooses, and remembers for how long something has been so.
#[derive(Debug, Default)]
pub(super) struct Chooser {
    /// How long the present engine has been useless.
    useless: Duration,
    /// Engines that could not do it here, and for how long they are left alone.
    given_up: Vec<(Kind, Duration, f32)>,
    bent: Option<Duration>,
}

impl Chooser {
    /// The room or the time line is another now: what could not be done may be possible.
    pub(super) fn restart(&mut self) {
        *self = Self {
            bent: self.bent,
            ..Self::default()
        };
    }

    /// The engine for what was measured, `elapsed` after the last time this was asked.
    pub(super) fn choose(
        &mut self,
        asked: EchoEngine,
        conditions: &Conditions,
        current: Option<Kind>,
        failed: &BTreeSet<Kind>,
        elapsed: Duration,
    ) -> Choice {
        let pinned = match asked {
            EchoEngine::Auto => return self.automatic(conditions, current, failed, elapsed),
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

    fn automatic(
        &mut self,
        conditions: &Conditions,
        current: Option<Kind>,
        failed: &BTreeSet<Kind>,
        elapsed: Duration,
    ) -> Choice {
        self.remember(conditions, current, elapsed);
        let bent = self.bent.is_some();
        let unsteady = conditions.spread > UNSTEADY;
        // Linear engines leave the near talker alone; AEC3 bears what is not linear and ducks him.
        let order = if bent || unsteady {
            [Kind::Aec3, Kind::Kalman, Kind::Speex]
        } else {
            [Kind::Kalman, Kind::Speex, Kind::Aec3]
        };
        let usable = |kind: &Kind| !failed.contains(kind);
        let fresh = |kind: &Kind| usable(kind) && !self.given_up.iter().any(|(other, ..)| other == kind);
        let kind = order.into_iter().find(fresh).or_else(|| {
            // All have been tried: the one that took most away.
            let best = self.given_up.iter().filter(|(kind, ..)| usable(kind));
            best.max_by(|a, b| a.2.total_cmp(&b.2)).map(|(kind, ..)| *kind)
        });
        Choice {
            kind,
            why: self.reason(kind, bent, unsteady, conditions, failed),
        }
    }

    fn remember(&mut self, conditions: &Conditions, current: Option<Kind>, elapsed: Duration) {
        for (_, age, _) in &mut self.given_up {
            *age += elapsed;
        }
        self.given_up.retain(|(_, age, _)| *age < LOYALTY);
        match (self.bent, conditions.distortion) {
            (_, Some(part)) if part > BENT => self.bent = Some(Duration::ZERO),
            (Some(since), Some(part)) if part < STRAIGHT => {
                self.bent = Some(since + elapsed).filter(|since| *since < LOYALTY);
            }
            _ => {}
        }
        match (current, conditions.reduction) {
            (Some(kind), Some(reduction)) if reduction < USELESS => {
                self.useless += elapsed;
                if self.useless >= PATIENCE {
                    self.useless = Duration::ZERO;
                    self.given_up.retain(|(other, ..)| *other != kind);
                    self.given_up.push((kind, Duration::ZERO, reduction));
                }
            }
            (_, Some(_)) => self.useless = Duration::ZERO,
            _ => {}
        }
    }

    fn reason(
        &self,
        kind: Option<Kind>,
        bent: bool,
        unsteady: bool,
        conditions: &Conditions,
        failed: &BTreeSet<Kind>,
    ) -> String {
        let Some(kind) = kind else {
            return "no echo canceller works here: the microphone passes as it is".to_owned();
        };
        let mut why = if let Some((other, _, reduction)) =
            self.given_up.iter().find(|(other, ..)| *other != kind)
        {
            format!("{kind}, because {other} took only {reduction:.0} dB of the echo away")
        } else if bent {
            match conditions.distortion {
                Some(part) => {
                    format!("{kind}, because the loudspeaker bends the sound ({part:.0} dB of the echo)")
                }
                None => format!("{kind}, because the loudspeaker bent the sound a while ago"),
            }
        } else if unsteady {
            format!(
                "{kind}, because the card tells its delay only to {:.0} frames",
                conditions.spread
            )
        } else {
            format!("{kind}, because echo and reference stand on one time line and the loudspeaker is linear")
        };
        for other in failed {
            why.push_str(&format!("; {other} does not work here"));
        }
        why
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn choose(chooser: &mut Chooser, conditions: &Conditions, current: Option<Kind>) -> Option<Kind> {
        chooser
            .choose(EchoEngine::Auto, conditions, current, &BTreeSet::new(), SECOND)
            .kind
    }

    #[test]
    fn a_linear_engine_unless_the_loudspeaker_bends() {
        let mut chooser = Chooser::default();
        let mut conditions = Conditions::default();
        assert_eq!(choose(&mut chooser, &conditions, None), Some(Kind::Kalman));
        conditions.distortion = Some(-12.0);
        let kalman = Some(Kind::Kalman);
        let choice = chooser.choose(EchoEngine::Auto, &conditions, kalman, &BTreeSet::new(), SECOND);
        assert_eq!(choice.kind, Some(Kind::Aec3));
        assert!(
            choice.why.contains("bends") && choice.why.contains("-12 dB"),
            "{}",
            choice.why
        );
        // Straight again, but not yet for long.
        conditions.distortion = Some(-40.0);
        for second in 1..60 {
            assert_eq!(
                choose(&mut chooser, &conditions, Some(Kind::Aec3)),
                Some(Kind::Aec3),
                "{second} s"
            );
        }
        assert_eq!(
            choose(&mut chooser, &conditions, Some(Kind::Aec3)),
            Some(Kind::Kalman)
        );
    }

    #[test]
    fn an_engine_that_does_nothing_makes_way() {
        let mut chooser = Chooser::default();
        let conditions = Conditions {
            reduction: Some(2.0),
            ..Conditions::default()
        };
        let kalman = Some(Kind::Kalman);
        for _ in 0..3 {
            assert_eq!(choose(&mut chooser, &conditions, kalman), kalman);
        }
        let choice = chooser.choose(EchoEngine::Auto, &conditions, kalman, &BTreeSet::new(), SECOND);
        assert_eq!(choice.kind, Some(Kind::Speex));
        assert!(choice.why.contains("kalman took only 2 dB"), "{}", choice.why);
        let good = Conditions {
            reduction: Some(25.0),
            ..Conditions::default()
        };
        for _ in 0..50 {
            assert_eq!(choose(&mut chooser, &good, Some(Kind::Speex)), Some(Kind::Speex));
        }
    }

    #[test]
    fn what_is_set_is_used_or_said_to_be_missing() {
        let mut chooser = Chooser::default();
        let conditions = Conditions::default();
        let none = BTreeSet::new();
        let set = chooser.choose(EchoEngine::Speex, &conditions, None, &none, SECOND);
        assert_eq!(set.kind, Some(Kind::Speex));
        let failed = BTreeSet::from([Kind::Speex]);
        let lost = chooser.choose(EchoEngine::Speex, &conditions, set.kind, &failed, SECOND);
        assert_eq!(lost.kind, None);
        assert!(lost.why.contains("does not work"));
        assert_eq!(
            chooser
                .choose(EchoEngine::Off, &conditions, None, &none, SECOND)
                .kind,
            None
        );
        let all = BTreeSet::from([Kind::Speex, Kind::Aec3, Kind::Kalman]);
        let choice = chooser.choose(EchoEngine::Auto, &conditions, None, &all, SECOND);
        assert_eq!(choice.kind, None);
        let rest = BTreeSet::from([Kind::Kalman]);
        assert_eq!(
            chooser
                .choose(EchoEngine::Auto, &conditions, None, &rest, SECOND)
                .kind,
            Some(Kind::Speex)
        );
    }
}
