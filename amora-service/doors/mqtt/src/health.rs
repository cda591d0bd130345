//! How the door is, for people.

use amora_contract::state::Condition;
use amora_link::mqtt::Status;
use amora_link::outbox::Fill;
use amora_router::HealthReporter;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How long dropped events are spoken of while all else is well.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// Reports until the session is over. `trouble` is why events cannot be kept.
pub(crate) async fn report(
    health: HealthReporter,
    mut status: watch::Receiver<Status>,
    mut trouble: watch::Receiver<Option<String>>,
    mut fill: watch::Receiver<Fill>,
) {
    let mut loss = Loss::new(fill.borrow().dropped);
    let mut told = String::new();
    loop {
        let now = status.borrow_and_update().clone();
        match &now {
            Status::Waiting { failure, .. } if failure.cause != told => {
                // Once, however many attempts it takes.
                tracing::warn!(cause = failure.cause, "no connection to the MQTT broker");
                told.clone_from(&failure.cause);
            }
            Status::Connected { .. } => told.clear(),
            _ => {}
        }
        let kept = trouble.borrow_and_update().clone();
        loss.take(fill.borrow_and_update().dropped, Instant::now());
        let Verdict {
            condition,
            cause,
            next_step,
        } = judge(&now, kept.as_deref(), loss.words().as_deref());
        match condition {
            Condition::Starting => health.starting(),
            Condition::Ok => health.ok(),
            _ => health.degraded(&cause, &next_step),
        }
        let forgotten = loss.forgotten_at();
        tokio::select! {
            changed = status.changed() => if changed.is_err() { return },
            changed = trouble.changed() => if changed.is_err() { return },
            changed = fill.changed() => if changed.is_err() { return },
            () = tokio::time::sleep_until(forgotten.unwrap_or_else(Instant::now)), if forgotten.is_some() => {}
        }
    }
}

struct Verdict {
    condition: Condition,
    cause: String,
    next_step: String,
}

fn judge(status: &Status, kept: Option<&str>, lost: Option<&str>) -> Verdict {
    let degraded = |cause: String, next_step: &str| Verdict {
        condition: Condition::Degraded,
        cause,
        next_step: next_step.to_owned(),
    };
    let fine = |condition| Verdict {
        condition,
        ..degraded(String::new(), "")
    };
    let mut verdict = match status {
        Status::Connecting => return fine(Condition::Starting),
        Status::Waiting { failure, .. } => degraded(failure.cause.clone(), &failure.next_step),
        Status::Connected { refused, .. } if !refused.is_empty() => degraded(
            format!(
                "the broker does not let this box subscribe to {}",
                refused.join(", ")
            ),
            "allow it in the broker's access rules",
        ),
        Status::Connected { .. } => match (kept, lost) {
            (Some(cause), _) => degraded(
                format!("events are not kept through a power cut: {cause}"),
                "check that the data folder can be written and is not full",
            ),
            (None, Some(lost)) => {
                return degraded(
                    lost.to_owned(),
                    "see what kept the broker away; a gap in the events' `sequence` tells which are missing",
                );
            }
            (None, None) => return fine(Condition::Ok),
        },
    };
    if let Some(lost) = lost {
        verdict.cause = format!("{}; {lost}", verdict.cause);
    }
    verdict
}

/// Events that the outbox dropped for want of room.
struct Loss {
    before: u64,
    dropped: u64,
    latest: Option<Instant>,
}

impl Loss {
    fn new(before: u64) -> Self {
        Self {
            before,
            dropped: before,
            latest: None,
        }
    }

    /// The outbox has dropped so many in all.
    fn take(&mut self, dropped: u64, now: Instant) {
        if dropped > self.dropped {
            if self.latest.is_none() {
                tracing::warn!("the outbox is full: the oldest events are dropped");
            }
            self.dropped = dropped;
            self.latest = Some(now);
        } else if self.forgotten_at().is_some_and(|forgotten| forgotten <= now) {
            *self = Self::new(dropped);
        }
    }

    fn forgotten_at(&self) -> Option<Instant> {
        self.latest.map(|latest| latest + REMEMBERED)
    }

    /// Counted by powers of ten only: a new cause is itself an event, and where the outbox is full it drops one more.
    fn words(&self) -> Option<String> {
        let lost = self.dropped - self.before;
        Some(match lost.checked_ilog10()? {
            0 => "events were dropped because the outbox was full".to_owned(),
            digits => format!(
                "{} or more events were dropped because the outbox was full",
                10_u64.pow(digits)
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amora_contract::state::Health;
    use amora_router::Router;

    const UP: Status = Status::Connected {
        connection: 1,
        refused: Vec::new(),
    };

    struct Bench {
        router: Router,
        fill: watch::Sender<Fill>,
        status: watch::Sender<Status>,
        _trouble: watch::Sender<Option<String>>,
    }

    impl Bench {
        fn new(dropped: u64) -> Self {
            let router = Router::new();
            let fill = Fill {
                dropped,
                ..Fill::default()
            };
            let (fill, filled) = watch::channel(fill);
            let (status, watched) = watch::channel(UP);
            let (trouble, troubled) = watch::channel(None);
            tokio::spawn(report(router.health("mqtt"), watched, troubled, filled));
            Self {
                router,
                fill,
                status,
                _trouble: trouble,
            }
        }

        async fn drop_in_all(&self, dropped: u64) -> Health {
            self.fill.send_modify(|fill| fill.dropped = dropped);
            self.health().await
        }

        async fn health(&self) -> Health {
            // The clock stands still: this lets the task come to rest.
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.router.state().system.health["mqtt"].clone()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_events_are_told_and_in_time_forgotten() {
        let bench = Bench::new(7);
        assert_eq!(
            bench.health().await.condition,
            Condition::Ok,
            "those of an earlier run"
        );
        let health = bench.drop_in_all(8).await;
        assert_eq!(health.condition, Condition::Degraded);
        assert_eq!(health.cause, "events were dropped because the outbox was full");
        assert!(!health.next_step.is_empty());
        let health = bench.drop_in_all(7 + 123).await;
        assert!(health.cause.starts_with("100 or more events"), "{}", health.cause);
        tokio::time::sleep(REMEMBERED).await;
        assert_eq!(bench.health().await.condition, Condition::Ok);
        assert_eq!(bench.drop_in_all(7 + 124).await.condition, Condition::Degraded);
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_events_are_told_beside_another_cause() {
        let bench = Bench::new(0);
        bench.health().await;
        bench.status.send_replace(Status::Connected {
            connection: 1,
            refused: vec!["a".to_owned()],
        });
        let health = bench.drop_in_all(1).await;
        assert!(
            health.cause.contains("subscribe to a; events were dropped"),
            "{}",
            health.cause
        );
    }

    #[tokio::test(start_paused = true)]
    async fn telling_of_a_loss_causes_no_endless_loss() {
        let bench = Bench::new(0);
        bench.health().await;
        let mut events = bench.router.subscribe_events();
        let (fill, mut dropped) = (bench.fill.clone(), 1);
        bench.drop_in_all(dropped).await;
        // A full outbox: every event pushes out another.
        while events.try_recv().is_ok() {
            dropped += 1;
            fill.send_modify(|fill| fill.dropped = dropped);
            bench.health().await;
            assert!(dropped < 5);
        }
    }
}
