//! SWUpdate itself: away, back, and busy with what somebody else brought.

use crate::bench::{BOARD, Bench};
use crate::updates::image;
use amora_contract::ErrorCode;
use amora_contract::commands::UpdateCommand;
use amora_contract::state::{Outcome, Slot, UpdateCause, UpdatePhase, UpdateSource};
use amora_router::Body;
use bytes::Bytes;
use std::process::{Command, Stdio};
use tokio::sync::mpsc;

#[tokio::test]
async fn a_laptop_has_no_updates_and_says_why() {
    let mut bench = Bench::bare();
    bench.start_capability();
    let state = bench.reaches(|state| state.unavailable.is_some()).await;
    let cause = state.unavailable.unwrap();
    assert!(cause.contains("not an AmoraOS image"), "{cause}");
    let error = bench.send(b"x").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Unavailable);
    let health = bench.router.state().system.health["update"].clone();
    assert_eq!(health.condition, amora_contract::state::Condition::Ok);
    assert!(
        bench
            .command(UpdateCommand::GetStatus)
            .await
            .unwrap()
            .last
            .is_none()
    );
    bench.stop().await;
}

#[tokio::test]
async fn swupdate_that_is_away_is_waited_for() {
    let mut bench = Bench::bare();
    bench.start().await;
    let state = bench.reaches(|state| state.slot == Some(Slot::A)).await;
    assert!(state.unavailable.unwrap().contains("SWUpdate cannot be reached"));
    bench.start_swupdate(BOARD, "1.0.0");
    bench.reaches(|state| state.unavailable.is_none()).await;
}

#[tokio::test]
async fn an_update_that_somebody_else_brings_is_followed() {
    let bench = Bench::new().await;
    let (image, slots) = (image(400_000), bench.path("slots"));
    let file = bench.path("update.swu");
    std::fs::write(&file, bench.update("1.3.0", &image, &slots).build()).unwrap();
    let mut client = Command::new("swupdate-client")
        .arg(&file)
        .env("TMPDIR", bench.path("swupdate"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let state = bench.phase(UpdatePhase::Installed).await;
    client.wait().unwrap();
    let install = state.install.unwrap();
    assert_eq!(install.source, UpdateSource::Other);
    assert_eq!(install.version.as_deref(), Some("1.3.0"));
}

#[tokio::test]
async fn swupdate_that_ends_in_the_middle_leaves_the_box_ready_for_another_attempt() {
    let mut bench = Bench::new().await;
    let (image, slots) = (image(2_000_000), bench.path("slots"));
    let update = bench.update("1.1.0", &image, &slots).build();
    let (sender, pieces) = mpsc::channel(2);
    let router = bench.router.clone();
    let first = tokio::spawn(async move {
        let command = UpdateCommand::Install(Default::default());
        router
            .execute_with(command.into(), Body { size: None, pieces })
            .await
    });
    sender
        .send(Ok(Bytes::copy_from_slice(&update[..1_000_000])))
        .await
        .unwrap();
    bench.phase(UpdatePhase::Installing).await;
    bench.kill_swupdate();
    // The next piece finds nobody who takes it.
    let _ = sender
        .send(Ok(Bytes::copy_from_slice(&update[1_000_000..])))
        .await;
    drop(sender);
    assert!(first.await.unwrap().is_err());
    let last = bench.outcome().await;
    assert_eq!(
        (last.outcome, last.cause),
        (Outcome::Failed, Some(UpdateCause::Installer)),
        "{}",
        last.reason
    );
    assert!(last.reason.contains("in the middle"), "{}", last.reason);
    bench.start_swupdate(BOARD, "1.0.0");
    bench.reaches(|state| state.unavailable.is_none()).await;
    assert_eq!(bench.send(&update).await.unwrap().phase, UpdatePhase::Installed);
}
