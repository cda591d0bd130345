//! When to restart into an installed update. Pure: the time, the time of day and what sounds come in.

use amora_contract::config::{Hours, RestartPolicy};
use amora_contract::units::Timestamp;
use std::time::Duration;

const MINUTE: u64 = 60_000;

/// Minutes that are looked ahead: the longest hours, and the day until they begin, on days that a clock change made longer.
const AHEAD: u64 = 2 * 25 * 60;

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Restart.
    Restart,
    /// Wait.
    Wait {
        /// For what.
        cause: String,
        /// When to restart at the latest, where that is known.
        at: Option<Timestamp>,
    },
}

/// The box's clock.
pub(crate) trait Clock {
    /// The time; `None` while the clock cannot be right.
    fn now(&self) -> Option<Timestamp>;

    /// The minute of the day, in local time, at a time; `None` when it cannot be told.
    fn minute(&self, at: Timestamp) -> Option<u16>;
}

/// Plans a restart.
#[derive(Debug)]
pub(crate) struct Planner {
    policy: RestartPolicy,
    idle: Duration,
    hours: Hours,
    quiet_since: Option<Duration>,
}

impl Planner {
    pub(crate) fn new(policy: RestartPolicy, idle: Duration, hours: Hours) -> Self {
        Self {
            policy,
            idle,
            hours,
            quiet_since: None,
        }
    }

    pub(crate) fn policy(&self) -> RestartPolicy {
        self.policy
    }

    /// What to do at `now`, which no setting of the clock moves, while `sounding` or nothing sounds.
    pub(crate) fn plan(&mut self, now: Duration, clock: &impl Clock, sounding: Option<&str>) -> Plan {
        match sounding {
            Some(_) => self.quiet_since = None,
            None => {
                self.quiet_since.get_or_insert(now);
            }
        }
        let quiet = self.quiet_since.map(|since| now.saturating_sub(since));
        let idle = quiet.is_some_and(|quiet| quiet >= self.idle);
        let wait = |cause: String| Plan::Wait { cause, at: None };
        match self.policy {
            RestartPolicy::Now => Plan::Restart,
            RestartPolicy::Manual => wait("somebody to say so".to_owned()),
            RestartPolicy::Idle if idle => Plan::Restart,
            RestartPolicy::Idle => wait(silence(sounding)),
            RestartPolicy::Window => self.plan_in_hours(clock, idle, sounding),
        }
    }

    /// The clock may be set at any time, so all of it is found out anew each time.
    fn plan_in_hours(&self, clock: &impl Clock, idle: bool, sounding: Option<&str>) -> Plan {
        let Some(time) = clock.now() else {
            return Plan::Wait {
                cause: "the clock to be set".to_owned(),
                at: None,
            };
        };
        let this_minute = time.0 - time.0 % MINUTE;
        let within = |minute: u64| {
            let minute = clock.minute(Timestamp(minute));
            minute.is_some_and(|minute| self.hours.contains(minute))
        };
        let minutes = (0..AHEAD).map(|ahead| this_minute + ahead * MINUTE);
        // Their last minute is the one before the first outside: a clock change may leave out any other.
        let last = minutes
            .skip_while(|minute| !within(*minute))
            .find(|minute| !within(minute + MINUTE));
        let inside = within(this_minute);
        if inside && (idle || last == Some(this_minute)) {
            return Plan::Restart;
        }
        let cause = match inside {
            true => silence(sounding),
            false => format!("{} o'clock", clock_face(self.hours.from)),
        };
        Plan::Wait {
            cause,
            at: last.map(Timestamp),
        }
    }
}

fn silence(sounding: Option<&str>) -> String {
    match sounding {
        Some(source) => format!("silence: {source} sounds"),
        None => "silence to last".to_owned(),
    }
}

fn clock_face(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// The clock of the machine that this runs on.
pub(crate) struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Option<Timestamp> {
        let now = Timestamp::now();
        (now >= Timestamp::EARLIEST).then_some(now)
    }

    fn minute(&self, at: Timestamp) -> Option<u16> {
        let at = libc::time_t::try_from(at.0 / 1000).ok()?;
        // SAFETY: a structure of numbers and a pointer may be all zero.
        let mut local: libc::tm = unsafe { std::mem::zeroed() };
        // SAFETY: both pointers are to live values, and the function keeps neither.
        let told = unsafe { libc::localtime_r(&raw const at, &raw mut local) };
        if told.is_null() {
            return None;
        }
        u16::try_from(local.tm_hour * 60 + local.tm_min).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that shows minutes since a midnight, ahead of UTC by what `ahead` says of each.
    struct Zone {
        now: Option<u64>,
        ahead: fn(u64) -> u64,
    }

    impl Clock for Zone {
        fn now(&self) -> Option<Timestamp> {
            // Some seconds into the minute, as clocks are.
            self.now.map(|now| Timestamp(now * MINUTE + 17_000))
        }

        fn minute(&self, at: Timestamp) -> Option<u16> {
            let minute = at.0 / MINUTE;
            u16::try_from((minute + (self.ahead)(minute)) % (24 * 60)).ok()
        }
    }

    fn shows(now: u64) -> Zone {
        Zone {
            now: Some(now),
            ahead: |_| 0,
        }
    }

    fn planner(policy: RestartPolicy) -> Planner {
        between(policy, 180, 300)
    }

    fn between(policy: RestartPolicy, from: u16, to: u16) -> Planner {
        Planner::new(policy, Duration::from_secs(60), Hours { from, to })
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn restarts(planner: &mut Planner, seconds: u64, minute: u64, sounding: Option<&str>) -> bool {
        planner.plan(at(seconds), &shows(minute), sounding) == Plan::Restart
    }

    /// The minute of the restart, while music plays.
    fn latest(planner: &mut Planner, clock: &Zone) -> Option<u64> {
        match planner.plan(at(0), clock, Some("music")) {
            Plan::Restart => clock.now,
            Plan::Wait { at, .. } => at.map(|at| {
                assert_eq!(at.0 % MINUTE, 0);
                at.0 / MINUTE
            }),
        }
    }

    #[test]
    fn idle_is_a_silence_that_lasts() {
        let mut planner = planner(RestartPolicy::Idle);
        assert!(!restarts(&mut planner, 0, 0, None));
        assert!(!restarts(&mut planner, 59, 0, None));
        assert!(!restarts(&mut planner, 60, 0, Some("music")), "it sounds again");
        assert!(!restarts(&mut planner, 61, 0, None));
        assert!(!restarts(&mut planner, 120, 0, None));
        assert!(restarts(&mut planner, 121, 0, None));
    }

    #[test]
    fn the_window_wants_silence_and_its_last_minute_does_not() {
        let mut planner = planner(RestartPolicy::Window);
        assert!(!restarts(&mut planner, 0, 170, None));
        assert!(!restarts(&mut planner, 600, 179, None), "before the window");
        assert!(restarts(&mut planner, 660, 180, None));
        assert!(!restarts(&mut planner, 700, 200, Some("music")));
        assert!(!restarts(&mut planner, 701, 298, Some("music")));
        assert!(restarts(&mut planner, 702, 299, Some("music")));
        assert!(!restarts(&mut planner, 800, 300, None), "after the window");
    }

    #[test]
    fn the_window_says_what_it_waits_for_and_until_when() {
        let mut planner = planner(RestartPolicy::Window);
        let waits = |cause: &str, minute: u64| Plan::Wait {
            cause: cause.to_owned(),
            at: Some(Timestamp(minute * MINUTE)),
        };
        let plan = planner.plan(at(0), &shows(100), None);
        assert_eq!(plan, waits("03:00 o'clock", 299));
        let plan = planner.plan(at(1), &shows(200), Some("music"));
        assert_eq!(plan, waits("silence: music sounds", 299));
        let plan = planner.plan(at(2), &shows(300), Some("music"));
        assert_eq!(plan, waits("03:00 o'clock", 1440 + 299), "the next day's");
    }

    #[test]
    fn a_window_may_run_past_midnight_or_end_at_it() {
        let mut night = between(RestartPolicy::Window, 23 * 60, 60);
        for (now, expected) in [
            (0, 59),
            (59, 59),
            (60, 1440 + 59),
            (22 * 60, 1440 + 59),
            (23 * 60, 1440 + 59),
            (1439, 1440 + 59),
            (1440, 1440 + 59),
        ] {
            assert_eq!(latest(&mut night, &shows(now)), Some(expected), "{now}");
        }
        let mut evening = between(RestartPolicy::Window, 23 * 60, 0);
        assert_eq!(latest(&mut evening, &shows(1400)), Some(1439));
        assert!(restarts(&mut evening, 0, 1439, Some("music")));
        assert!(!restarts(&mut evening, 0, 1440, Some("music")));
        let mut never = between(RestartPolicy::Window, 180, 180);
        assert_eq!(latest(&mut never, &shows(180)), None, "hours that are none");
    }

    #[test]
    fn an_hour_that_is_left_out_in_spring_ends_the_window_early() {
        // At 02:00 the clock goes to 03:00.
        let spring = |now| Zone {
            now: Some(now),
            ahead: |minute| if minute >= 120 { 60 } else { 0 },
        };
        let mut ends_in_it = between(RestartPolicy::Window, 60, 150);
        assert_eq!(latest(&mut ends_in_it, &spring(0)), Some(119));
        assert_eq!(ends_in_it.plan(at(0), &spring(119), Some("music")), Plan::Restart);
        let mut begins_in_it = between(RestartPolicy::Window, 150, 240);
        assert_eq!(latest(&mut begins_in_it, &spring(119)), Some(179));
        let mut lies_in_it = between(RestartPolicy::Window, 125, 170);
        let the_next_day = 1440 + 169 - 60;
        assert_eq!(latest(&mut lies_in_it, &spring(0)), Some(the_next_day));
    }

    #[test]
    fn an_hour_that_comes_twice_in_autumn_makes_the_window_longer_or_gives_two() {
        // At 03:00 the clock goes back to 02:00.
        let autumn = |now| Zone {
            now: Some(now),
            ahead: |minute| if minute >= 60 { 60 } else { 120 },
        };
        let local = |minute: u64| minute - 120;
        let mut around = between(RestartPolicy::Window, 120, 240);
        assert_eq!(latest(&mut around, &autumn(local(125))), Some(239 - 60));
        // 02:10 to 02:40 is there twice: the first time counts.
        let mut twice = between(RestartPolicy::Window, 130, 160);
        assert_eq!(latest(&mut twice, &autumn(local(125))), Some(local(159)));
        assert_eq!(latest(&mut twice, &autumn(local(165))), Some(159 - 60));
    }

    #[test]
    fn a_clock_that_is_set_meanwhile_changes_the_plan_and_not_the_silence() {
        let mut planner = planner(RestartPolicy::Window);
        let unset = Zone {
            now: None,
            ahead: |_| 0,
        };
        let plan = planner.plan(at(0), &unset, None);
        let cause = "the clock to be set".to_owned();
        assert_eq!(plan, Plan::Wait { cause, at: None });
        assert!(
            !restarts(&mut planner, 30, 200, None),
            "known now, but not silent for long"
        );
        let a_year = 365 * 1440;
        assert_eq!(
            latest(&mut planner, &shows(a_year + 400)),
            Some(a_year + 1440 + 299)
        );
        assert!(!restarts(&mut planner, 40, 200, None), "set back");
        assert!(!restarts(&mut planner, 99, a_year + 200, None));
        assert!(restarts(&mut planner, 100, a_year + 200, None));
    }

    #[test]
    fn now_and_manual_are_what_they_say() {
        assert!(restarts(&mut planner(RestartPolicy::Now), 0, 0, Some("music")));
        assert!(!restarts(&mut planner(RestartPolicy::Manual), 100_000, 200, None));
    }

    #[test]
    fn the_machine_tells_the_minute_of_any_time() {
        let minute = |at: u64| MachineClock.minute(Timestamp(at)).unwrap();
        let later = minute(1_800_000_000_000 + 60 * MINUTE);
        assert_eq!((minute(1_800_000_000_000) + 60) % 1440, later);
        assert!(MachineClock.now().is_some());
    }
}
