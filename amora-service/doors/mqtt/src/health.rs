//! How the door is, for people.

use amora_link::mqtt::Status;
use amora_link::outbox::Fill;
use amora_router::HealthReporter;
use tokio::sync::watch;

/// Reports until the session is over. `trouble` is why events cannot be kept.
pub(crate) async fn report(
    health: HealthReporter,
    mut status: watch::Receiver<Status>,
    mut trouble: watch::Receiver<Option<String>>,
    mut fill: watch::Receiver<Fill>,
) {
    let mut dropped = fill.borrow().dropped;
    loop {
        let now = status.borrow_and_update().clone();
        let kept = trouble.borrow_and_update().clone();
        match now {
            Status::Connecting => health.starting(),
            Status::Waiting { failure, .. } => health.degraded(&failure.cause, &failure.next_step),
            Status::Connected { refused, .. } if !refused.is_empty() => health.degraded(
                &format!(
                    "the broker does not let this box subscribe to {}",
                    refused.join(", ")
                ),
                "allow it in the broker's access rules",
            ),
            Status::Connected { .. } => match kept {
                Some(cause) => health.degraded(
                    &format!("events are not kept through a power cut: {cause}"),
                    "check that the data folder can be written and is not full",
                ),
                None => health.ok(),
            },
        }
        let lost = fill.borrow_and_update().dropped;
        if lost > dropped {
            tracing::warn!(
                lost = lost - dropped,
                "the outbox was full: the oldest events were dropped"
            );
            dropped = lost;
        }
        tokio::select! {
            changed = status.changed() => if changed.is_err() { return },
            changed = trouble.changed() => if changed.is_err() { return },
            changed = fill.changed() => if changed.is_err() { return },
        }
    }
}
