//! How each part of the box says how it is.

use crate::Router;
use amora_contract::EventKind;
use amora_contract::state::{Condition, Health};
use amora_contract::units::Timestamp;

/// One part's entry in `system.health`. A change of condition or cause is also an event.
#[derive(Clone)]
pub struct HealthReporter {
    router: Router,
    part: String,
}

impl HealthReporter {
    pub(crate) fn new(router: Router, part: String) -> Self {
        Self { router, part }
    }

    /// The part works.
    pub fn ok(&self) {
        self.report(Condition::Ok, "", "");
    }

    /// The part is starting.
    pub fn starting(&self) {
        self.report(Condition::Starting, "", "");
    }

    /// The part does not work for now and tries again by itself. `cause` and `next_step` are for people.
    pub fn degraded(&self, cause: &str, next_step: &str) {
        self.report(Condition::Degraded, cause, next_step);
    }

    /// The part does not work until somebody does something. `cause` and `next_step` are for people.
    pub fn failed(&self, cause: &str, next_step: &str) {
        self.report(Condition::Failed, cause, next_step);
    }

    fn report(&self, condition: Condition, cause: &str, next_step: &str) {
        let mut news = false;
        self.router.update_state(|state| {
            let known = state.system.health.get(&self.part);
            news = known.is_none_or(|known| known.condition != condition || known.cause != cause);
            if news {
                state.system.health.insert(
                    self.part.clone(),
                    Health {
                        condition,
                        cause: cause.to_owned(),
                        next_step: next_step.to_owned(),
                        since: Timestamp::now(),
                    },
                );
            }
        });
        if news {
            self.router.publish_event(EventKind::HealthChanged {
                part: self.part.clone(),
                condition,
                cause: cause.to_owned(),
            });
        }
    }
}
