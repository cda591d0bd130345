//! From the installed update into it.

use crate::bench::{BOARD, Bench};
use crate::updates::image;
use amora_contract::ErrorCode;
use amora_contract::commands::UpdateCommand;
use amora_contract::config::RestartPolicy;
use amora_contract::state::{AudioState, Outcome, UpdateCause, UpdatePhase};
use amora_contract::units::Seconds;
use serde_json::json;

/// A box on which an update is installed.
async fn installed(policy: RestartPolicy) -> Bench {
    let mut bench = Bench::bare();
    bench.config.restart = policy;
    bench.config.idle = Seconds(0.0);
    bench.start_swupdate(BOARD, "1.0.0");
    bench.router.update_state(|state| {
        let mut audio = AudioState::default();
        audio.mixer.active.push("music".to_owned());
        audio.card.running = true;
        state.audio = Some(audio);
    });
    bench.start().await;
    bench.reaches(|state| state.unavailable.is_none()).await;
    let (image, slots) = (image(100_000), bench.path("slots"));
    let update = bench.update("1.1.0", &image, &slots).build();
    bench.send(&update).await.unwrap();
    // So the boot loader's environment is after SWUpdate has written it.
    bench.set_slots(|slots| {
        slots.status = json!({"slot": "a", "next": "b", "trial": true, "tries": 0, "limit": 3, "ustate": 1});
    });
    bench
}

#[tokio::test]
async fn the_box_restarts_when_nothing_sounds_any_more() {
    let bench = installed(RestartPolicy::Idle).await;
    let state = bench.reaches(|state| {
        let waiting = state.restart.as_ref().map(|restart| restart.waiting_for.clone());
        waiting.is_some_and(|waiting| waiting.contains("music"))
    });
    assert_eq!(state.await.phase, UpdatePhase::Installed);
    bench.router.update_state(|state| {
        if let Some(audio) = &mut state.audio {
            audio.mixer.active.clear();
        }
    });
    bench.is_asked(json!({"request": "restart", "trial": true})).await;
    assert_eq!(bench.state().phase, UpdatePhase::Restarting);
    let pending = bench.record("pending.json");
    assert!(pending["restarted_at"].is_u64());
    assert_eq!(pending["before"]["sound"], true);
}

#[tokio::test]
async fn somebody_may_not_want_to_wait() {
    let bench = installed(RestartPolicy::Manual).await;
    bench.command(UpdateCommand::Restart).await.unwrap();
    bench.is_asked(json!({"request": "restart", "trial": true})).await;
}

#[tokio::test]
async fn a_restart_that_is_refused_is_said_and_the_update_still_waits() {
    let bench = installed(RestartPolicy::Manual).await;
    bench.set_slots(|slots| slots.refuses = Some("systemctl: no".to_owned()));
    bench.command(UpdateCommand::Restart).await.unwrap();
    let state = bench.reaches(|state| {
        let waiting = state.restart.as_ref().map(|restart| restart.waiting_for.clone());
        waiting.is_some_and(|waiting| waiting.contains("systemctl: no"))
    });
    assert_eq!(state.await.phase, UpdatePhase::Installed);
}

#[tokio::test]
async fn an_installed_update_survives_the_service_and_can_be_dropped() {
    let mut bench = installed(RestartPolicy::Manual).await;
    bench.stop().await;
    bench.start_capability();
    let state = bench.phase(UpdatePhase::Installed).await;
    assert_eq!(state.install.unwrap().version.as_deref(), Some("1.1.0"));
    let error = bench.command(UpdateCommand::Confirm).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    bench.command(UpdateCommand::RollBack).await.unwrap();
    let last = bench.outcome().await;
    assert_eq!(
        (last.outcome, last.cause),
        (Outcome::Cancelled, Some(UpdateCause::Asked))
    );
    assert_eq!(bench.asked(), [json!({"request": "give-up"})]);
    assert!(bench.record("pending.json").is_null());
}
