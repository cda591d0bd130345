//! Updates of which SWUpdate fetches only what the running slot does not have, and what becomes of them when it cannot.

use crate::bench::Bench;
use crate::chunks::{Manner, Server};
use crate::updates::{Keys, Update, chunked, image};
use amora_contract::ErrorCode;
use amora_contract::commands::{InstallUpdate, UpdateCommand};
use amora_contract::state::{Outcome, UpdateCause, UpdateOutcome, UpdatePhase, UpdateSource};
use amora_contract::units::Bytes;
use std::fs;

const SIZE: usize = 3_000_000;

/// A box that runs an image, another image that differs from it in few places, and a server that has that.
struct Scene {
    bench: Bench,
    new: Vec<u8>,
    list: Vec<u8>,
    server: Server,
}

impl Scene {
    async fn new(manner: Manner) -> Self {
        let bench = Bench::new().await;
        let old = image(SIZE);
        let mut new = old.clone();
        for at in [500_000, 1_500_000, 2_400_000] {
            new.splice(at..at + 1000, image(2000).into_iter().rev());
        }
        fs::write(bench.path("slots/a"), old).unwrap();
        let (file, list) = chunked(&new);
        let full = bench.update("1.1.0", &new, &bench.path("slots")).build();
        let server = Server::start(file, full, manner).await;
        Self {
            bench,
            new,
            list,
            server,
        }
    }

    fn delta(&self) -> Vec<u8> {
        self.delta_by(&self.bench.keys, &self.server.address("full.swu"))
    }

    fn delta_by(&self, keys: &Keys, full: &str) -> Vec<u8> {
        let slots = self.bench.path("slots");
        let update = Update {
            keys,
            ..self.bench.update("1.1.0", &self.new, &slots)
        };
        update.build_delta(&self.list, &self.server.address("root.zck"), full)
    }

    fn is_written(&self) -> bool {
        fs::read(self.bench.path("slots/b"))
            .unwrap()
            .starts_with(&self.new)
    }

    async fn fails(&self, update: &[u8]) -> UpdateOutcome {
        let before = self.bench.state().last;
        self.bench.send(update).await.expect_err("it fails");
        let ended = self
            .bench
            .reaches(|state| state.phase == UpdatePhase::Idle && state.last != before);
        ended.await.last.unwrap()
    }
}

#[tokio::test]
async fn only_what_is_new_is_fetched() {
    let scene = Scene::new(Manner::Ranges).await;
    let state = scene.bench.send(&scene.delta()).await.unwrap();
    assert_eq!(state.phase, UpdatePhase::Installed, "{}", scene.bench.log());
    assert!(scene.is_written(), "{}", scene.bench.log());
    let install = state.install.unwrap();
    assert_eq!((install.fallback, install.percent), (None, 100));
    let sent = scene.server.sent("root.zck");
    assert!(0 < sent && sent < SIZE / 4, "{sent} bytes");
    assert_eq!(scene.server.sent("full.swu"), 0);
}

#[tokio::test]
async fn a_slot_that_is_another_than_expected_costs_bytes_and_no_more() {
    let scene = Scene::new(Manner::Ranges).await;
    fs::write(scene.bench.path("slots/a"), vec![7; 100_000]).unwrap();
    let state = scene.bench.send(&scene.delta()).await.unwrap();
    assert_eq!(state.phase, UpdatePhase::Installed, "{}", scene.bench.log());
    assert!(scene.is_written(), "{}", scene.bench.log());
    assert!(scene.server.sent("root.zck") >= SIZE);
    assert_eq!(scene.server.sent("full.swu"), 0);
}

async fn falls_back(manner: Manner, words: &str) {
    let scene = Scene::new(manner).await;
    let state = scene.bench.send(&scene.delta()).await.unwrap();
    assert_eq!(state.phase, UpdatePhase::Installed, "{}", scene.bench.log());
    assert!(scene.is_written(), "{}", scene.bench.log());
    let install = state.install.unwrap();
    assert_eq!(install.source, UpdateSource::Upload);
    assert_eq!(install.version.as_deref(), Some("1.1.0"));
    assert_eq!(
        install.url.as_deref(),
        Some(scene.server.address("full.swu").as_str())
    );
    let why = install.fallback.expect("it says why");
    assert!(why.contains(words), "{why}\n{}", scene.bench.log());
    assert_eq!(scene.bench.record("pending.json")["fallback"], why.as_str());
    assert!(scene.server.sent("full.swu") > SIZE);
}

#[tokio::test]
async fn a_server_without_ranges_has_the_full_image_taken() {
    falls_back(Manner::Whole, "does not give the chunks").await;
}

#[tokio::test]
async fn missing_chunks_have_the_full_image_taken() {
    falls_back(Manner::Missing, "404").await;
}

#[tokio::test]
async fn a_corrupt_chunk_has_the_full_image_taken() {
    falls_back(Manner::Corrupt, "is not what its signed").await;
}

#[tokio::test]
async fn a_cut_has_the_full_image_taken() {
    // Where SWUpdate takes a cut up again, it gets other bytes than it lacks.
    falls_back(Manner::Cut, "SWUpdate refuses the update").await;
}

#[tokio::test]
async fn a_delta_from_an_address_falls_back_too_and_the_outcome_tells() {
    let scene = Scene::new(Manner::Whole).await;
    let delta = scene.delta();
    let wanted = InstallUpdate {
        url: scene.server.address("delta.swu"),
        reference: Some("order 7".to_owned()),
        // Announced of the delta, not of what may come in its place.
        size: Some(Bytes(delta.len() as u64)),
        ..InstallUpdate::default()
    };
    scene.server.put("delta.swu", delta);
    scene.bench.command(UpdateCommand::Install(wanted)).await.unwrap();
    let state = scene.bench.phase(UpdatePhase::Installed).await;
    assert!(state.install.unwrap().fallback.is_some());
    assert!(scene.is_written());
    scene.bench.command(UpdateCommand::RollBack).await.unwrap();
    let last = scene.bench.outcome().await;
    assert_eq!(last.reference.as_deref(), Some("order 7"));
    assert!(
        last.fallback.unwrap().contains("does not give the chunks"),
        "{}",
        last.reason
    );
}

#[tokio::test]
async fn a_full_image_that_does_not_fit_is_refused_and_nothing_goes_round() {
    let scene = Scene::new(Manner::Whole).await;
    let slots = scene.bench.path("slots");
    let delta = scene.delta();
    scene.server.put("full.swu", delta.clone());
    let last = scene.fails(&delta).await;
    assert_eq!(last.cause, Some(UpdateCause::Malformed), "{}", last.reason);
    assert!(last.reason.contains("is a delta too"), "{}", last.reason);
    assert!(last.fallback.unwrap().contains("does not give the chunks"));
    assert_eq!(scene.server.asked("full.swu"), 1);

    let other = scene.bench.update("1.2.0", &scene.new, &slots).build();
    scene.server.put("full.swu", other);
    let last = scene.fails(&delta).await;
    assert!(last.reason.contains("version 1.2.0"), "{}", last.reason);

    let strangers = Keys::new();
    let stranger = Update {
        keys: &strangers,
        ..scene.bench.update("1.1.0", &scene.new, &slots)
    };
    scene.server.put("full.swu", stranger.build());
    let last = scene.fails(&delta).await;
    assert_eq!(last.cause, Some(UpdateCause::WrongSigner), "{}", last.reason);

    scene.server.remove("full.swu");
    let last = scene.fails(&delta).await;
    assert_eq!(
        (last.outcome, last.cause),
        (Outcome::Failed, Some(UpdateCause::Download))
    );
    assert!(last.reason.contains("404"), "{}", last.reason);

    let nowhere = scene.delta_by(&scene.bench.keys, "file:///etc/passwd");
    let last = scene.fails(&nowhere).await;
    assert!(last.reason.contains("http"), "{}", last.reason);

    // The box is none the worse for it.
    let good = scene.bench.update("1.1.0", &scene.new, &slots).build();
    let state = scene.bench.send(&good).await.unwrap();
    assert_eq!(state.phase, UpdatePhase::Installed, "{}", scene.bench.log());
    assert_eq!(state.install.unwrap().fallback, None);
}

#[tokio::test]
async fn the_address_of_an_update_that_nobody_trusted_signed_is_never_asked() {
    let scene = Scene::new(Manner::Whole).await;
    let stranger = scene.delta_by(&Keys::new(), &scene.server.address("full.swu"));
    let last = scene.fails(&stranger).await;
    assert_eq!(last.cause, Some(UpdateCause::WrongSigner), "{}", last.reason);
    assert_eq!(last.fallback, None);
    assert_eq!(scene.server.asked("full.swu"), 0);
}

#[tokio::test]
async fn the_full_image_can_be_called_off_and_nothing_else_begins_meanwhile() {
    let scene = Scene::new(Manner::Whole).await;
    scene.server.stall("full.swu");
    let delta = scene.delta();
    let sending = scene.bench.send(&delta);
    let meddling = async {
        let fell_back = |state: &amora_contract::state::UpdateState| {
            let install = state.install.as_ref();
            install.is_some_and(|install| install.fallback.is_some() && install.received.0 > 0)
        };
        let state = scene.bench.reaches(fell_back).await;
        assert_eq!(state.phase, UpdatePhase::Installing);
        let error = scene.bench.send(&delta).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Conflict, "{error}");
        scene.bench.command(UpdateCommand::Cancel).await.unwrap();
    };
    let (reply, ()) = tokio::join!(sending, meddling);
    assert_eq!(reply.unwrap_err().code, ErrorCode::Conflict);
    let last = scene.bench.outcome().await;
    assert_eq!(last.outcome, Outcome::Cancelled);
    assert!(last.fallback.is_some());
}
