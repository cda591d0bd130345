use super::*;
use proptest::prelude::*;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A call on a clock of its own, that acts whenever it is due.
struct Bench {
    call: Call,
    now: Duration,
}

impl Bench {
    fn new() -> Self {
        let mut call = Call::new(Patience::default());
        call.want();
        Self {
            call,
            now: Duration::ZERO,
        }
    }

    /// What the call does next, and how long it waited for that.
    fn next(&mut self) -> (Action, Duration) {
        let before = self.now;
        self.now = self.now.max(self.call.due().expect("something is waited for"));
        let action = self.call.act(self.now).expect("it is due");
        (action, self.now - before)
    }

    fn media(&mut self, state: MediaState) {
        self.call.media(state, self.now);
    }

    fn succeed(&mut self) {
        self.call.answered(self.now);
        self.media(MediaState::Connected);
    }

    /// A call that stands loses its packets, and there is no other path: the hub is asked again, at once.
    fn fall_silent() -> Self {
        let mut bench = Self::new();
        bench.next();
        bench.now = seconds(100);
        bench.succeed();
        bench.media(MediaState::Disconnected);
        assert_eq!(bench.next(), (Action::RestartIce, Duration::ZERO));
        bench.call.call_anew();
        assert_eq!(bench.next(), (Action::Connect, Duration::ZERO));
        assert!(matches!(bench.call.phase(), Phase::Interrupted { .. }));
        bench
    }
}

#[test]
fn the_first_call_is_made_at_once() {
    let mut bench = Bench::new();
    assert_eq!(bench.next(), (Action::Connect, Duration::ZERO));
    assert_eq!(bench.call.act(bench.now), None);
    assert_eq!(
        bench.call.due(),
        None,
        "nothing but the hub's answer is waited for"
    );
}

#[test]
fn failures_wait_3_6_12_24_30_30_seconds() {
    let mut bench = Bench::new();
    bench.next();
    for wait in [3, 6, 12, 24, 30, 30] {
        bench.call.refused(bench.now);
        assert_eq!(bench.next(), (Action::HangUp, Duration::ZERO));
        assert_eq!(bench.next(), (Action::Connect, seconds(wait)));
    }
    let tally = Tally {
        connections: 0,
        failures: 6,
    };
    assert_eq!(bench.call.tally(), tally);
}

#[test]
fn success_sets_the_wait_back() {
    let mut bench = Bench::new();
    bench.next();
    for _ in 0..4 {
        bench.call.refused(bench.now);
        bench.next();
        bench.next();
    }
    bench.succeed();
    bench.media(MediaState::Closed);
    assert_eq!(bench.next(), (Action::HangUp, Duration::ZERO));
    assert_eq!(bench.next(), (Action::Connect, seconds(3)));
    let tally = bench.call.tally();
    assert_eq!(
        (tally.connections, tally.failures),
        (1, 4),
        "a drop is no failure to connect"
    );
}

#[test]
fn a_hub_that_restarts_a_hundred_times_is_called_after_three_seconds_each_time() {
    let mut bench = Bench::new();
    bench.next();
    for restart in 0..100 {
        bench.succeed();
        assert_eq!(bench.call.tally().connections, restart + 1);
        bench.now += seconds(60);
        bench.media(MediaState::Disconnected);
        assert_eq!(bench.next(), (Action::RestartIce, Duration::ZERO));
        bench.media(MediaState::Failed);
        assert_eq!(bench.next(), (Action::HangUp, Duration::ZERO));
        assert_eq!(bench.next(), (Action::Connect, seconds(3)));
        // Still starting: it refuses once.
        bench.call.refused(bench.now);
        assert_eq!(bench.next(), (Action::HangUp, Duration::ZERO));
        assert_eq!(bench.next(), (Action::Connect, seconds(6)));
    }
    assert_eq!(bench.call.tally().failures, 100);
}

#[test]
fn packets_that_come_back_within_the_grace_keep_the_call() {
    let mut bench = Bench::new();
    bench.next();
    bench.succeed();
    bench.media(MediaState::Disconnected);
    assert_eq!(bench.next(), (Action::RestartIce, Duration::ZERO));
    bench.now += seconds(9);
    assert_eq!(bench.call.act(bench.now), None);
    bench.media(MediaState::Connected);
    assert_eq!(bench.call.phase(), Phase::Connected);
    assert_eq!(bench.call.due(), None);
    assert_eq!(bench.call.tally().connections, 1, "it is the same call");
}

#[test]
fn packets_that_stay_away_end_the_call_after_the_grace() {
    let mut bench = Bench::new();
    bench.next();
    bench.succeed();
    bench.media(MediaState::Disconnected);
    bench.next();
    assert_eq!(bench.next(), (Action::HangUp, seconds(10)));
    assert_eq!(bench.next(), (Action::Connect, seconds(3)));
    assert_eq!(bench.call.tally().failures, 0);
}

#[test]
fn a_call_made_beside_the_silent_one_takes_its_place_when_it_is_answered() {
    let mut bench = Bench::fall_silent();
    bench.now += seconds(1);
    bench.succeed();
    assert_eq!((bench.call.phase(), bench.call.due()), (Phase::Connected, None));
    assert_eq!(bench.call.act(bench.now), None);
    let tally = bench.call.tally();
    assert_eq!((tally.connections, tally.failures), (2, 0));
}

#[test]
fn a_silent_hub_is_asked_with_the_waits_of_any_other_and_the_graces_end_changes_none() {
    let mut bench = Bench::fall_silent();
    bench.call.refused(bench.now);
    assert_eq!(bench.next(), (Action::Connect, seconds(3)));
    bench.call.refused(bench.now);
    assert_eq!(bench.next(), (Action::Connect, seconds(6)));
    bench.call.refused(bench.now);
    assert_eq!(bench.next(), (Action::HangUp, seconds(1)), "ten seconds are over");
    assert_eq!(bench.next(), (Action::Connect, seconds(11)));
    bench.call.refused(bench.now);
    assert_eq!(bench.next(), (Action::HangUp, Duration::ZERO));
    assert_eq!(bench.next(), (Action::Connect, seconds(24)));
    assert_eq!(bench.call.tally().failures, 4);
}

#[test]
fn packets_that_come_back_end_the_call_that_would_take_their_place() {
    let mut bench = Bench::fall_silent();
    bench.now += seconds(1);
    bench.media(MediaState::Connected);
    assert_eq!(bench.next(), (Action::DropAttempt, Duration::ZERO));
    assert_eq!((bench.call.phase(), bench.call.due()), (Phase::Connected, None));
    let tally = bench.call.tally();
    assert_eq!((tally.connections, tally.failures), (1, 0), "it is the same call");

    let mut bench = Bench::fall_silent();
    for wait in [3, 6] {
        bench.call.refused(bench.now);
        assert_eq!(bench.next(), (Action::Connect, seconds(wait)));
    }
    bench.call.refused(bench.now);
    bench.media(MediaState::Connected);
    assert_eq!((bench.call.act(bench.now), bench.call.due()), (None, None));
    bench.media(MediaState::Closed);
    assert_eq!(bench.next(), (Action::HangUp, Duration::ZERO));
    assert_eq!(bench.next(), (Action::Connect, seconds(3)));
}

#[test]
fn a_call_that_is_being_made_goes_on_without_the_silent_one() {
    for end in [Some(MediaState::Closed), Some(MediaState::Failed), None] {
        let mut bench = Bench::fall_silent();
        let wait = match end {
            Some(state) => {
                bench.media(state);
                Duration::ZERO
            }
            None => seconds(10),
        };
        assert_eq!(bench.next(), (Action::DropSession, wait));
        assert_eq!((bench.call.phase(), bench.call.due()), (Phase::Asking, None));
        bench.succeed();
        let tally = bench.call.tally();
        assert_eq!((tally.connections, tally.failures), (2, 0));
    }
}

#[test]
fn an_answer_without_media_is_a_failure() {
    let mut bench = Bench::new();
    bench.next();
    bench.call.answered(bench.now);
    assert_eq!(bench.next(), (Action::HangUp, MEDIA_PATIENCE));
    assert_eq!(bench.next(), (Action::Connect, seconds(3)));
    assert_eq!(bench.call.tally().failures, 1);

    bench.call.answered(bench.now);
    bench.media(MediaState::Failed);
    assert_eq!(bench.next(), (Action::HangUp, Duration::ZERO));
    assert_eq!(bench.next(), (Action::Connect, seconds(6)));
    assert_eq!(bench.call.tally().failures, 2);
}

#[test]
fn a_call_that_is_not_wanted_ends_and_stays_ended() {
    let mut bench = Bench::new();
    bench.next();
    bench.succeed();
    bench.call.end();
    assert_eq!(bench.next(), (Action::HangUp, Duration::ZERO));
    bench.media(MediaState::Closed);
    bench.call.refused(bench.now);
    assert_eq!((bench.call.phase(), bench.call.due()), (Phase::Off, None));
    bench.call.want();
    assert_eq!(bench.next(), (Action::Connect, Duration::ZERO));
}

#[test]
fn wanting_it_again_ends_the_wait() {
    let mut bench = Bench::new();
    bench.next();
    for _ in 0..5 {
        bench.call.refused(bench.now);
        bench.next();
        bench.next();
    }
    bench.call.refused(bench.now);
    bench.next();
    bench.call.want();
    assert_eq!(bench.next(), (Action::Connect, Duration::ZERO));

    let mut bench = Bench::fall_silent();
    bench.call.refused(bench.now);
    bench.call.want();
    assert_eq!(bench.next(), (Action::Connect, Duration::ZERO));
    bench.call.want();
    assert_eq!(bench.call.act(bench.now), None, "it is being made");
}

#[derive(Debug, Clone)]
enum Step {
    Want,
    End,
    Answered,
    Refused,
    CallAnew,
    Media(MediaState),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Want),
        Just(Step::End),
        Just(Step::Answered),
        Just(Step::Refused),
        Just(Step::CallAnew),
        Just(Step::Media(MediaState::Connected)),
        Just(Step::Media(MediaState::Disconnected)),
        Just(Step::Media(MediaState::Failed)),
        Just(Step::Media(MediaState::Closed)),
        (0..40_000u64).prop_map(Step::Pass),
    ]
}

proptest! {
    /// Whatever comes in whatever order: a wanted call is never stuck, an unwanted one never made, and after an attempt that
    /// failed and a call that ended lies a wait, unless somebody asked.
    #[test]
    fn any_order_of_news_is_taken(steps in proptest::collection::vec(step(), 0..200)) {
        let mut call = Call::new(Patience::default());
        let (mut now, mut wanted, mut asked) = (Duration::ZERO, false, false);
        let (mut failed, mut stood) = (None, None);
        for step in steps {
            let failures = call.tally().failures;
            if call.phase() == Phase::Connected {
                (stood, failed) = (Some(now), None);
            }
            match step {
                Step::Want => {
                    wanted = true;
                    asked = true;
                    call.want();
                }
                Step::End => {
                    wanted = false;
                    call.end();
                }
                Step::Answered => call.answered(now),
                Step::Refused => call.refused(now),
                Step::CallAnew => call.call_anew(),
                Step::Media(state) => call.media(state, now),
                Step::Pass(millis) => now += Duration::from_millis(millis),
            }
            if call.tally().failures > failures {
                failed = Some(now);
            }
            while let Some(action) = call.act(now) {
                if call.tally().failures > failures {
                    failed = Some(now);
                }
                let is_beside = matches!(call.phase(), Phase::Interrupted { .. });
                match action {
                    Action::Connect => {
                        prop_assert!(wanted);
                        let is_due = |since: Option<Duration>| {
                            since.is_none_or(|then| now - then >= Patience::default().first)
                        };
                        prop_assert!(asked || is_due(failed) && (is_beside || is_due(stood)));
                        asked = false;
                    }
                    Action::HangUp => prop_assert!(!matches!(call.phase(), Phase::Asking | Phase::Connected)),
                    Action::DropSession => prop_assert_eq!(call.phase(), Phase::Asking),
                    Action::DropAttempt => prop_assert_eq!(call.phase(), Phase::Connected),
                    Action::RestartIce => prop_assert!(is_beside),
                }
            }
            prop_assert_eq!(wanted, call.phase() != Phase::Off);
            prop_assert!(call.due().is_none_or(|due| due > now));
            if let Phase::Waiting { until } = call.phase() {
                prop_assert!(until - now <= Patience::default().longest);
            }
        }
    }
}
