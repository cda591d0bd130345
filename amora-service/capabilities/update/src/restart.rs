//! When to restart into an installed update. Pure: the time, the time of day and what sounds come in.

use amora_contract::config::{Hours, RestartPolicy};
use std::time::Duration;

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Restart.
    Restart,
    /// Wait, and for what.
    Wait(String),
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

    /// What to do at `now`, at a minute of the day in local time, while `sounding` or nothing sounds.
    pub(crate) fn plan(&mut self, now: Duration, minute: Option<u16>, sounding: Option<&str>) -> Plan {
        match sounding {
            Some(_) => self.quiet_since = None,
            None => {
                self.quiet_since.get_or_insert(now);
            }
        }
        let quiet = self.quiet_since.map(|since| now.saturating_sub(since));
        let idle = quiet.is_some_and(|quiet| quiet >= self.idle);
        match self.policy {
            RestartPolicy::Now => Plan::Restart,
            RestartPolicy::Manual => Plan::Wait("somebody to say so".to_owned()),
            RestartPolicy::Idle if idle => Plan::Restart,
            RestartPolicy::Idle => Plan::Wait(silence(sounding)),
            RestartPolicy::Window => {
                let Some(minute) = minute.filter(|minute| self.hours.contains(*minute)) else {
                    return Plan::Wait(format!("{} o'clock", clock(self.hours.from)));
                };
                let last = (minute + 1) % (24 * 60) == self.hours.to % (24 * 60);
                if idle || last {
                    Plan::Restart
                } else {
                    Plan::Wait(format!(
                        "{}, at the latest {}",
                        silence(sounding),
                        clock(self.hours.to)
                    ))
                }
            }
        }
    }
}

fn silence(sounding: Option<&str>) -> String {
    match sounding {
        Some(source) => format!("silence: {source} sounds"),
        None => "silence to last".to_owned(),
    }
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// The minute of the day in local time; `None` when it cannot be told.
pub(crate) fn minute_of_day() -> Option<u16> {
    let now = libc::time_t::try_from(amora_contract::units::Timestamp::now().0 / 1000).ok()?;
    // SAFETY: a structure of numbers and a pointer may be all zero.
    let mut local: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live values, and the function keeps neither.
    let told = unsafe { libc::localtime_r(&raw const now, &raw mut local) };
    if told.is_null() {
        return None;
    }
    u16::try_from(local.tm_hour * 60 + local.tm_min).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planner(policy: RestartPolicy) -> Planner {
        let hours = Hours { from: 180, to: 300 };
        Planner::new(policy, Duration::from_secs(60), hours)
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn restarts(planner: &mut Planner, seconds: u64, minute: u16, sounding: Option<&str>) -> bool {
        planner.plan(at(seconds), Some(minute), sounding) == Plan::Restart
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
        assert_eq!(
            planner.plan(at(900), None, None),
            Plan::Wait("03:00 o'clock".to_owned()),
            "without a clock"
        );
    }

    #[test]
    fn a_window_may_end_at_midnight() {
        let mut planner = Planner::new(RestartPolicy::Window, at(60), Hours { from: 1380, to: 0 });
        assert!(!restarts(&mut planner, 0, 1400, Some("music")));
        assert!(restarts(&mut planner, 0, 1439, Some("music")));
        assert!(!restarts(&mut planner, 0, 0, Some("music")));
    }

    #[test]
    fn now_and_manual_are_what_they_say() {
        assert!(restarts(&mut planner(RestartPolicy::Now), 0, 0, Some("music")));
        assert!(!restarts(&mut planner(RestartPolicy::Manual), 100_000, 200, None));
    }
}
