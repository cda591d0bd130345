//! The new system on trial, and the old one after it.

use crate::bench::Bench;
use amora_contract::commands::UpdateCommand;
use amora_contract::state::{AudioState, Check, Condition, Health, Outcome, Slot, UpdateCause, UpdatePhase};
use amora_contract::units::{Frames, Hertz, Seconds};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A note of an update to slot b, as the old system leaves it.
fn pending(before: Value) -> Value {
    json!({
        "source": "url", "reference": "workflow 7", "from_version": "1.0.0", "to_version": "1.1.0",
        "from_slot": "a", "to_slot": "b", "restart": "idle", "started_at": 1, "restarted_at": 2, "before": before,
    })
}

/// The new system in slot b, on its first try. Nothing is started.
fn on_trial(before: Value) -> Bench {
    let mut bench = Bench::bare();
    bench.put("root/etc/os-release", "IMAGE_ID=amora\nIMAGE_VERSION=1.1.0\n");
    bench.put("data/update/pending.json", &pending(before).to_string());
    bench.put("data/update/boots", "b 1 init\n");
    bench.set_slots(|slots| {
        slots.status = json!({"slot": "b", "next": "b", "trial": true, "tries": 1, "limit": 3, "ustate": 1});
    });
    bench.config.trial_sound = Seconds(2.0);
    bench.config.trial_deadline = Seconds(10.0);
    bench
}

/// A page that answers.
async fn page() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
                .await;
        }
    });
    format!("http://{address}/")
}

/// Sound flows, as the sound capability tells it.
fn play(bench: &Bench) -> tokio::task::JoinHandle<()> {
    let router = bench.router.clone();
    tokio::spawn(async move {
        let began = std::time::Instant::now();
        loop {
            router.update_state(|state| {
                let audio = state.audio.get_or_insert_with(AudioState::default);
                audio.card.kind = "alsa".to_owned();
                audio.card.running = true;
                audio.card.rate = Hertz(48_000.0);
                audio.card.period = Frames(240);
                audio.counters.periods = began.elapsed().as_millis() as u64 / 5;
            });
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
}

fn connect(bench: &Bench, condition: Condition) {
    bench.router.update_state(|state| {
        let health = Health {
            condition,
            ..Health::default()
        };
        state.system.health.insert("mqtt".to_owned(), health);
    });
}

#[tokio::test]
async fn a_system_that_proves_itself_is_kept_and_the_floor_rises() {
    let mut bench = on_trial(json!({"sound": true, "links": ["mqtt"], "failed_units": ["old.service"]}));
    bench.page = Some(page().await);
    bench.systemctl("degraded", "old.service loaded failed failed Old");
    connect(&bench, Condition::Ok);
    let playing = play(&bench);
    bench.start().await;
    let state = bench.phase(UpdatePhase::Trial).await;
    assert_eq!(state.trial.unwrap().checks.len(), 5);
    let last = bench.outcome().await;
    playing.abort();
    assert_eq!((last.outcome, last.cause), (Outcome::Kept, None), "{last:?}");
    assert_eq!(
        (last.tries, last.slot, last.to_version.as_deref()),
        (1, Some(Slot::B), Some("1.1.0"))
    );
    assert_eq!(last.reference.as_deref(), Some("workflow 7"));
    assert_eq!(bench.asked(), [json!({"request": "commit"})]);
    assert!(bench.record("pending.json").is_null());
    assert!(!bench.path("data/update/boots").exists());
    assert_eq!(
        std::fs::read_to_string(bench.path("data/update/floor")).unwrap(),
        "1.1.0\n"
    );
    assert_eq!(bench.state().trial, None);
}

#[tokio::test]
async fn a_system_that_lost_its_connection_is_given_up_and_the_old_one_says_why() {
    let mut bench = on_trial(json!({"sound": false, "links": ["mqtt"]}));
    bench.config.trial_deadline = Seconds(3.0);
    connect(&bench, Condition::Degraded);
    bench.start().await;
    bench
        .is_asked(json!({"request": "restart", "trial": false}))
        .await;
    let asked = bench.asked();
    assert_eq!(
        asked[0],
        json!({"request": "give-up"}),
        "the boot loader is told first: {asked:?}"
    );
    let given_up = bench.record("pending.json")["given_up"].clone();
    assert_eq!(
        (given_up["cause"].as_str(), given_up["check"].as_str()),
        (Some("check_failed"), Some("cloud"))
    );

    // The old system, after the restart.
    bench.stop().await;
    bench.put("root/etc/os-release", "IMAGE_ID=amora\nIMAGE_VERSION=1.0.0\n");
    bench.set_slots(|slots| {
        slots.status = json!({"slot": "a", "next": "a", "trial": false, "tries": 0, "limit": 3, "ustate": 3});
    });
    bench.start_capability();
    let last = bench.outcome().await;
    assert_eq!(
        (last.outcome, last.cause),
        (Outcome::RolledBack, Some(UpdateCause::CheckFailed))
    );
    assert_eq!(last.check, Some(Check::Cloud));
    assert!(last.seen.unwrap().contains("mqtt"));
    assert_eq!((last.from_version.as_str(), last.tries), ("1.0.0", 1));
    assert!(bench.record("pending.json").is_null());
    assert!(
        !bench.path("data/update/floor").exists(),
        "the floor does not rise"
    );
}

#[tokio::test]
async fn a_system_that_panicked_is_explained_by_its_last_words() {
    let mut bench = Bench::bare();
    bench.put(
        "data/update/pending.json",
        &pending(json!({"last_words": ["1/dmesg-ramoops-0"]})).to_string(),
    );
    let words = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    bench.set_slots(|slots| {
        slots.last_words = vec![
            words(
                "1/dmesg-ramoops-0",
                "Kernel panic - not syncing: of another day\n",
            ),
            words(
                "2/dmesg-ramoops-0",
                "<0>[    2.1] Kernel panic - not syncing: No working init found.\n",
            ),
        ];
    });
    bench.set_slots(|slots| slots.status["ustate"] = json!(3));
    bench.start().await;
    let last = bench.outcome().await;
    assert_eq!(
        (last.outcome, last.cause),
        (Outcome::RolledBack, Some(UpdateCause::MissingInit))
    );
    assert!(last.seen.unwrap().contains("No working init"));
    assert_eq!(last.tries, 3);
    let kept = bench.record("last.json");
    assert_eq!(kept["cause"], "missing_init");
}

#[tokio::test]
async fn an_operator_may_decide() {
    for (command, expected) in [
        (UpdateCommand::Confirm, json!({"request": "commit"})),
        (UpdateCommand::RollBack, json!({"request": "give-up"})),
    ] {
        let mut bench = on_trial(json!({"sound": true}));
        bench.config.trial_deadline = Seconds(300.0);
        bench.start().await;
        bench.phase(UpdatePhase::Trial).await;
        bench.command(command).await.unwrap();
        bench.is_asked(expected).await;
    }
}

#[tokio::test]
async fn a_trial_that_nobody_noted_is_judged_all_the_same() {
    let mut bench = on_trial(json!({}));
    std::fs::remove_file(bench.path("data/update/pending.json")).unwrap();
    let playing = play(&bench);
    bench.start().await;
    let last = bench.outcome().await;
    playing.abort();
    assert_eq!(last.outcome, Outcome::Kept);
    assert!(bench.asked().contains(&json!({"request": "commit"})));
}

#[tokio::test]
async fn a_helper_that_is_late_does_not_leave_the_trial_without_a_judge() {
    let mut bench = on_trial(json!({"sound": true}));
    let mut status = json!({"error": "the boot environment cannot be read yet"});
    bench.set_slots(|slots| std::mem::swap(&mut slots.status, &mut status));
    let playing = play(&bench);
    bench.start().await;
    let says = |why: &String| why.contains("cannot be read yet");
    bench
        .reaches(|state| state.unavailable.as_ref().is_some_and(says))
        .await;
    bench.set_slots(|slots| slots.status = status);
    let last = bench.outcome().await;
    playing.abort();
    assert_eq!(last.outcome, Outcome::Kept, "{last:?}");
}

#[tokio::test]
async fn a_firmware_that_tries_once_is_not_asked_for_a_second_try() {
    let mut bench = Bench::bare();
    bench.put("data/update/pending.json", &pending(json!({})).to_string());
    bench.put("data/update/boots", "b 1 init\n");
    bench.set_slots(|slots| {
        slots.status = json!({"slot": "a", "next": "b", "trial": true, "tries": 0, "limit": 1, "ustate": 0});
    });
    bench.start().await;
    let last = bench.outcome().await;
    assert_eq!(
        (last.outcome, last.cause),
        (Outcome::RolledBack, Some(UpdateCause::NeverReady))
    );
    assert!(bench.asked().is_empty());
}
