//! Keeps one part of the box running: restarts it with back-off when it fails or panics, and says so in its health.

use amora_link::backoff::{Backoff, Policy, Reset};
use amora_router::Router;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long to wait before a part is started again. One that ran for a minute counts as having worked. There is
/// no jitter: parts of one box disturb nobody by starting together.
const RESTART: Policy = Policy {
    base: Duration::from_secs(1),
    factor: 2.0,
    cap: Duration::from_secs(60),
    jitter: 0.0,
    reset: Reset::AfterHolding(Duration::from_secs(60)),
};

/// Runs a part until `shutdown`. `start` begins one life of it; the life's error is its cause of death.
pub(crate) async fn supervise(
    part: &'static str,
    router: Router,
    shutdown: CancellationToken,
    mut start: impl FnMut(CancellationToken) -> JoinHandle<Result<(), String>> + Send,
) {
    let health = router.health(part);
    let mut back_off = Backoff::new(RESTART);
    while !shutdown.is_cancelled() {
        health.starting();
        let born = tokio::time::Instant::now();
        let cause = match start(shutdown.child_token()).await {
            Ok(Ok(())) if shutdown.is_cancelled() => return,
            Ok(Ok(())) => "ended without being asked to".to_owned(),
            Ok(Err(cause)) => cause,
            Err(panic) => format!("crashed: {}", panic_text(panic)),
        };
        back_off.ended(born.elapsed());
        let wait = back_off.next_delay(0.5);
        tracing::error!(
            part,
            cause,
            wait_seconds = wait.as_secs(),
            "part failed; starting it again"
        );
        health.degraded(
            &cause,
            &format!(
                "it is tried again in {} s; see the log if this lasts",
                wait.as_secs()
            ),
        );
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

fn panic_text(error: tokio::task::JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned()),
        Err(cancelled) => cancelled.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amora_contract::state::Condition;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(start_paused = true)]
    async fn a_part_that_fails_or_panics_is_started_again_and_shown_degraded() {
        let router = Router::new();
        let shutdown = CancellationToken::new();
        let lives = Arc::new(AtomicUsize::new(0));
        let count = lives.clone();
        let task = tokio::spawn(supervise(
            "demo",
            router.clone(),
            shutdown.clone(),
            move |shutdown| {
                let life = count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    match life {
                        0 => Err("the cable is out".to_owned()),
                        1 => panic!("boom"),
                        _ => {
                            shutdown.cancelled().await;
                            Ok(())
                        }
                    }
                })
            },
        ));
        let mut state = router.watch_state();
        let seen = |cause: &'static str| {
            move |state: &Arc<amora_contract::State>| {
                state.system.health.get("demo").is_some_and(|health| {
                    health.condition == Condition::Degraded && health.cause.contains(cause)
                })
            }
        };
        state.wait_for(seen("the cable is out")).await.unwrap();
        state.wait_for(seen("crashed: boom")).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(lives.load(Ordering::SeqCst), 3);
        shutdown.cancel();
        task.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn waits_double_up_to_the_cap() {
        let router = Router::new();
        let shutdown = CancellationToken::new();
        let lives = Arc::new(AtomicUsize::new(0));
        let count = lives.clone();
        let task = tokio::spawn(supervise("demo", router, shutdown.clone(), move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async { Err("no".to_owned()) })
        }));
        // Lives begin after 0, 1, 3, 7, 15, 31, 63 s and then every 60 s.
        tokio::time::sleep(Duration::from_secs(62)).await;
        assert_eq!(lives.load(Ordering::SeqCst), 6);
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert_eq!(lives.load(Ordering::SeqCst), 8);
        shutdown.cancel();
        task.await.unwrap();
    }
}
