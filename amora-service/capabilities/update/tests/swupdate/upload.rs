//! Updates that are sent, good and bad.

use crate::bench::{BOARD, Bench};
use crate::updates::{Keys, Update, image};
use amora_contract::commands::UpdateCommand;
use amora_contract::state::{Outcome, Slot, UpdateCause, UpdatePhase, UpdateSource};
use amora_contract::{ErrorCode, EventKind};
use amora_router::Body;
use bytes::Bytes;
use std::fs;
use tokio::sync::mpsc;

#[tokio::test]
async fn a_signed_update_is_written_to_the_other_slot() {
    let mut bench = Bench::new().await;
    let (image, slots) = (image(5_000_000), bench.path("slots"));
    let update = bench.update("1.1.0", &image, &slots).build();
    let state = bench.send(&update).await.unwrap();
    assert_eq!(state.phase, UpdatePhase::Installed, "{}", bench.log());
    let install = state.install.unwrap();
    assert_eq!(install.version.as_deref(), Some("1.1.0"));
    assert_eq!(
        (install.slot, install.source, install.percent),
        (Slot::B, UpdateSource::Upload, 100)
    );
    assert_eq!(state.restart.unwrap().waiting_for, "somebody to say so");
    assert!(
        fs::read(slots.join("b")).unwrap() == image,
        "the slot holds the image"
    );
    assert!(
        fs::read(slots.join("a")).unwrap().is_empty(),
        "the running slot is not touched"
    );
    let pending = bench.record("pending.json");
    assert_eq!(
        (pending["to_slot"].as_str(), pending["to_version"].as_str()),
        (Some("b"), Some("1.1.0"))
    );
    let mut names = Vec::new();
    while let Ok(event) = bench.events.try_recv() {
        names.push(event.kind.name());
    }
    names.retain(|name| name.starts_with("update."));
    assert_eq!(names, ["update.started", "update.installed"]);
}

/// Sends an update to a fresh box and gives the cause and the words with which it is refused.
async fn refused(bench: &Bench, update: &[u8]) -> (UpdateCause, String) {
    let error = bench.send(update).await.expect_err("it is refused");
    let last = bench.outcome().await;
    assert_eq!(error.message, last.reason);
    assert!(!last.next_step.is_empty(), "{last:?}");
    assert!(
        matches!(last.outcome, Outcome::Refused | Outcome::Failed),
        "{last:?}"
    );
    assert_eq!(bench.record("last.json")["reason"], last.reason.as_str());
    assert!(bench.record("pending.json").is_null());
    (last.cause.unwrap(), last.reason)
}

#[tokio::test]
async fn bad_updates_are_refused_each_for_its_own_reason_and_a_good_one_passes_after_them() {
    let bench = Bench::new().await;
    let (image, slots) = (image(600_000), bench.path("slots"));
    let good = bench.update("1.1.0", &image, &slots);
    let strangers = Keys::new();

    let stranger = Update {
        keys: &strangers,
        ..good.clone()
    }
    .build();
    let (cause, words) = refused(&bench, &stranger).await;
    assert_eq!(cause, UpdateCause::WrongSigner, "{words}\n{}", bench.log());
    assert_eq!(
        bench.state().last.unwrap().outcome,
        Outcome::Refused,
        "nothing was written"
    );

    let unsigned = Update {
        signed: false,
        ..good.clone()
    }
    .build();
    assert_eq!(refused(&bench, &unsigned).await.0, UpdateCause::NotSigned);

    let mut forged = good.build();
    let place = forged
        .windows(7)
        .position(|window| window == b"\"1.1.0\"")
        .unwrap();
    forged[place + 1] = b'9';
    let (cause, words) = refused(&bench, &forged).await;
    // SWUpdate may find the archive's own sum wrong before it looks at the signature.
    assert!(
        matches!(cause, UpdateCause::WrongSigner | UpdateCause::Corrupt),
        "{cause:?} {words}"
    );

    let mut damaged = good.build();
    let place = damaged
        .windows(64)
        .position(|window| window == &image[1000..1064])
        .unwrap();
    damaged[place] ^= 1;
    let (cause, words) = refused(&bench, &damaged).await;
    assert_eq!(cause, UpdateCause::Corrupt, "{words}");
    assert_eq!(
        bench.state().last.unwrap().outcome,
        Outcome::Failed,
        "the other slot was written to"
    );

    let other_board = Update {
        board: "raspberrypi5",
        ..good.clone()
    }
    .build();
    let (cause, words) = refused(&bench, &other_board).await;
    assert_eq!(cause, UpdateCause::WrongBoard);
    assert_eq!(
        words,
        format!("the update is made for raspberrypi5, and this board is {BOARD}")
    );

    let older = Update {
        version: "0.9.0",
        ..good.clone()
    }
    .build();
    let (cause, words) = refused(&bench, &older).await;
    assert_eq!(cause, UpdateCause::Downgrade);
    assert!(words.contains("0.9.0") && words.contains("1.0.0"), "{words}");

    let whole = good.build();
    let (cause, _) = refused(&bench, &whole[..whole.len() / 2]).await;
    assert_eq!(cause, UpdateCause::Truncated);
    assert_eq!(refused(&bench, &whole[..300]).await.0, UpdateCause::Truncated);
    assert_eq!(
        refused(&bench, b"<!DOCTYPE html><html></html>").await.0,
        UpdateCause::Truncated
    );
    assert_eq!(
        refused(&bench, &b"<!DOCTYPE html>".repeat(100)).await.0,
        UpdateCause::Malformed
    );

    let state = bench.send(&whole).await.unwrap();
    assert_eq!(state.phase, UpdatePhase::Installed, "{}", bench.log());
    assert!(fs::read(slots.join("b")).unwrap()[..image.len()] == image);
}

#[tokio::test]
async fn what_swupdate_alone_finds_is_told_in_plain_words_too() {
    // Here SWUpdate knows another board, and a higher floor, than the box's own files say.
    for (board, floor, expected) in [
        ("other-board", "1.0.0", UpdateCause::WrongBoard),
        (BOARD, "2.0.0", UpdateCause::Downgrade),
    ] {
        let mut bench = Bench::bare();
        // A floor that is told later would hide the one that SWUpdate starts with.
        bench.put("root/etc/os-release", "IMAGE_ID=amora\n");
        bench.start_swupdate(board, floor);
        bench.start().await;
        bench.reaches(|state| state.unavailable.is_none()).await;
        let (image, slots) = (image(100_000), bench.path("slots"));
        let update = bench.update("1.1.0", &image, &slots).build();
        let (cause, words) = refused(&bench, &update).await;
        assert!(words.starts_with("SWUpdate refuses the update"), "{words}");
        // Of another board SWUpdate finds nothing that it could install.
        assert!(
            cause == expected || board != BOARD && cause == UpdateCause::Malformed,
            "{cause:?} {words}"
        );
    }
}

#[tokio::test]
async fn an_update_larger_than_allowed_is_refused_by_its_announced_size() {
    let mut bench = Bench::bare();
    bench.config.max_size = amora_contract::units::Bytes(1 << 20);
    bench.start_swupdate(BOARD, "1.0.0");
    bench.start().await;
    bench.reaches(|state| state.unavailable.is_none()).await;
    let (_sender, pieces) = mpsc::channel(1);
    let body = Body {
        size: Some((1 << 20) + 1),
        pieces,
    };
    let error = bench.offer(body).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::TooLarge);
    assert_eq!(bench.outcome().await.cause, Some(UpdateCause::TooBig));
    // Without an announcement it is found on the way.
    let (image, slots) = (image(1 << 20), bench.path("slots"));
    let update = bench.update("1.1.0", &image, &slots).build();
    let (sender, pieces) = mpsc::channel(1);
    let sending = async move {
        for piece in update.chunks(50_000) {
            if sender.send(Ok(Bytes::copy_from_slice(piece))).await.is_err() {
                break;
            }
        }
    };
    let (reply, ()) = tokio::join!(bench.offer(Body { size: None, pieces }), sending);
    assert_eq!(reply.unwrap_err().code, ErrorCode::TooLarge);
}

#[tokio::test]
async fn one_update_at_a_time_and_it_can_be_called_off() {
    let mut bench = Bench::new().await;
    let (image, slots) = (image(2_000_000), bench.path("slots"));
    let update = bench.update("1.1.0", &image, &slots).build();
    let (sender, pieces) = mpsc::channel(2);
    let router = bench.router.clone();
    let size = Some(update.len() as u64);
    let first = tokio::spawn(async move {
        let command = UpdateCommand::Install(Default::default());
        router.execute_with(command.into(), Body { size, pieces }).await
    });
    sender
        .send(Ok(Bytes::copy_from_slice(&update[..1_000_000])))
        .await
        .unwrap();
    bench.phase(UpdatePhase::Installing).await;

    let error = bench.send(&update).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict, "{error}");
    bench.command(UpdateCommand::Cancel).await.unwrap();
    let error = first.await.unwrap().unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    assert_eq!(bench.outcome().await.outcome, Outcome::Cancelled);
    drop(sender);
    let error = bench.command(UpdateCommand::Cancel).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict, "there is nothing to call off");

    let state = bench.send(&update).await.unwrap();
    assert_eq!(state.phase, UpdatePhase::Installed, "{}", bench.log());
    let ended = std::iter::from_fn(|| bench.events.try_recv().ok())
        .filter(|event| matches!(event.kind, EventKind::UpdateEnded(_)))
        .count();
    assert_eq!(ended, 1);
}

#[tokio::test]
async fn a_sender_that_goes_away_leaves_the_box_as_it_was() {
    let bench = Bench::new().await;
    let (image, slots) = (image(2_000_000), bench.path("slots"));
    let update = bench.update("1.1.0", &image, &slots).build();
    let (sender, pieces) = mpsc::channel(2);
    let sending = async {
        sender
            .send(Ok(Bytes::copy_from_slice(&update[..1_000_000])))
            .await
            .unwrap();
        sender
            .send(Err("the connection broke off".to_owned()))
            .await
            .unwrap();
        drop(sender);
    };
    let (reply, ()) = tokio::join!(bench.offer(Body { size: None, pieces }), sending);
    assert!(reply.unwrap_err().message.contains("broke off"));
    let last = bench.outcome().await;
    assert_eq!(
        (last.outcome, last.cause),
        (Outcome::Failed, Some(UpdateCause::Truncated))
    );
    assert_eq!(bench.send(&update).await.unwrap().phase, UpdatePhase::Installed);
}

#[tokio::test]
async fn an_unfit_box_says_why() {
    let bench = Bench::new().await;
    bench.put(
        "root/sys/devices/platform/soc/soc:firmware/get_throttled",
        "50000\n",
    );
    let (image, slots) = (image(100_000), bench.path("slots"));
    let update = bench.update("1.1.0", &image, &slots).build();
    let (cause, words) = refused(&bench, &update).await;
    assert_eq!(cause, UpdateCause::UnderVoltage);
    assert!(words.contains("since the box was started"), "{words}");
    assert!(
        !bench.log().contains("Software Update started"),
        "SWUpdate is not bothered"
    );
}
