//! Deployments that get as far as the restart, and what becomes of them.

use crate::bench::BOARD;
use crate::scene::{Scene, result};
use amora_contract::commands::UpdateCommand;
use amora_contract::config::RestartPolicy;
use amora_contract::state::{Outcome, UpdateCause, UpdatePhase, UpdateSource};
use amora_contract::units::Seconds;
use serde_json::{Value, json};
use std::fs;

const REFERENCE: &str = "device-update:w1@";

/// The new system, before anybody judged it.
fn on_trial() -> Value {
    json!({"slot": "b", "next": "b", "trial": true, "tries": 1, "limit": 3, "ustate": 1})
}

/// Has a deployment of 1.1.0 installed, and the box go down for it.
async fn restarted() -> Scene {
    let mut scene = Scene::new(RestartPolicy::Now).await;
    let image = scene.deploy("w1", "1.1.0");
    let accepted = scene.stands("w1", 6).await;
    assert_eq!(result(&accepted), (6, 400, "00000000", ""));
    scene
        .bench
        .is_asked(json!({"request": "restart", "trial": true}))
        .await;
    assert!(fs::read(scene.bench.path("slots/b")).unwrap() == image);
    assert_eq!(
        scene.agent_now()["state"],
        6,
        "nothing is claimed before the new system has proved itself"
    );
    scene.go_down().await;
    scene.bench.put("data/update/boots", "b 1 init\n");
    scene
}

#[tokio::test]
async fn a_deployment_is_installed_and_reported_done_once_the_new_system_was_kept() {
    let mut scene = restarted().await;
    let pending = scene.bench.record("pending.json");
    assert_eq!(
        (&pending["source"], &pending["reference"]),
        (&json!("device_update"), &json!(REFERENCE))
    );
    assert_eq!(
        pending["before"]["links"],
        json!(["iot_hub"]),
        "the trial asks for the hub too"
    );
    scene
        .bench
        .put("root/proc/meminfo", "MemTotal:        3884360 kB\n");
    scene.come_up("1.1.0", on_trial());
    scene.bench.phase(UpdatePhase::Trial).await;
    assert_eq!(scene.agent_now()["state"], 6);
    scene.connect().await;
    let done = scene.stands("w1", 0).await;
    assert_eq!(result(&done), (0, 700, "00000000", ""));
    let update = format!(r#"{{"provider":"AmoraOS","name":"{BOARD}","version":"1.1.0"}}"#);
    assert_eq!(done["installedUpdateId"], update);
    assert_eq!(
        done["lastInstallResult"]["stepResults"]["step_0"]["resultCode"],
        700
    );
    let last = scene.bench.outcome().await;
    assert_eq!(
        (last.outcome, last.source, last.reference.as_deref()),
        (Outcome::Kept, UpdateSource::DeviceUpdate, Some(REFERENCE))
    );
    let reported = scene.reported_now();
    let answer = &reported["deviceUpdate"]["service"];
    assert_eq!(
        (&answer["ac"], &answer["value"]["workflow"]["id"]),
        (&json!(200), &json!("w1"))
    );
    let about = &reported["deviceInformation"];
    assert_eq!(
        (
            &about["__t"],
            &about["manufacturer"],
            &about["model"],
            &about["swVersion"]
        ),
        (&json!("c"), &json!("AmoraOS"), &json!(BOARD), &json!("1.1.0"))
    );
    assert_eq!(about["totalMemory"], 3_884_360);
    assert!(about["totalStorage"].as_u64() > Some(0));

    // The next start finds all of that, and does nothing.
    let requests = scene.service.requests().len();
    scene.go_down().await;
    let quiet = json!({"slot": "b", "next": "b", "trial": false, "tries": 0, "limit": 3, "ustate": 0});
    scene.come_up("1.1.0", quiet);
    scene.bench.reaches(|state| state.unavailable.is_none()).await;
    scene.connect().await;
    scene.deploy("w2", "1.1.0");
    let done = scene.stands("w2", 0).await;
    assert_eq!(result(&done), (0, 700, "00000000", ""), "it runs already");
    let since = scene.service.requests().split_off(requests);
    assert!(
        since.iter().all(|request| request.path == "rootkeypackage.json"),
        "{since:?}"
    );
}

#[tokio::test]
async fn a_system_that_went_back_is_told_why_even_if_others_installed_something_before_the_hub_was_there() {
    let mut scene = restarted().await;
    scene
        .bench
        .systemctl("degraded", "player.service loaded failed failed Player");
    scene.bench.config.trial_deadline = Seconds(3.0);
    scene.come_up("1.1.0", on_trial());
    scene.bench.is_asked(json!({"request": "give-up"})).await;
    scene
        .bench
        .is_asked(json!({"request": "restart", "trial": false}))
        .await;
    assert_eq!(scene.agent_now()["state"], 6);
    scene.go_down().await;

    // The old system, without a connection: somebody installs another update, and drops it.
    scene.bench.systemctl("running", "");
    let old = json!({"slot": "a", "next": "a", "trial": false, "tries": 0, "limit": 3, "ustate": 0});
    scene.bench.config.restart = RestartPolicy::Manual;
    scene.come_up("1.0.0", old.clone());
    let state = scene
        .bench
        .reaches(|state| state.last.is_some() && state.unavailable.is_none())
        .await;
    assert_eq!(state.last.unwrap().outcome, Outcome::RolledBack);
    let (by_hand, _) = scene.image("1.2.0");
    scene.bench.send(&by_hand).await.unwrap();
    scene.bench.command(UpdateCommand::RollBack).await.unwrap();
    let last = scene.bench.outcome().await;
    assert_eq!(
        (last.outcome, last.source),
        (Outcome::Cancelled, UpdateSource::Upload)
    );
    assert_eq!(scene.agent_now()["state"], 6);

    // It starts once more, and finds the hub.
    scene.bench.stop().await;
    scene.come_up("1.0.0", old);
    scene.connect().await;
    let failed = scene.stands("w1", 255).await;
    let (_, code, extended, details) = result(&failed);
    assert_eq!((code, extended), (0, "32000027"));
    assert!(details.contains("player.service"), "{details}");
    assert!(failed["installedUpdateId"].is_null());
    assert_eq!(
        failed["lastInstallResult"]["stepResults"]["step_0"]["resultCode"],
        0
    );
    assert_eq!(scene.bench.state().last.unwrap().source, UpdateSource::Upload);
}

#[tokio::test]
async fn a_verdict_that_fell_while_the_hub_was_away_is_reported_after_the_next_start() {
    let mut scene = restarted().await;
    // The verdict falls while the hub is away.
    scene.bench.config.trial_deadline = Seconds(60.0);
    scene.come_up("1.1.0", on_trial());
    scene.bench.phase(UpdatePhase::Trial).await;
    scene.bench.command(UpdateCommand::Confirm).await.unwrap();
    assert_eq!(scene.bench.outcome().await.outcome, Outcome::Kept);
    assert_eq!(scene.agent_now()["state"], 6);
    scene.bench.stop().await;
    let kept = json!({"slot": "b", "next": "b", "trial": false, "tries": 0, "limit": 3, "ustate": 0});
    scene.come_up("1.1.0", kept);
    scene.connect().await;
    let done = scene.stands("w1", 0).await;
    assert_eq!(result(&done), (0, 700, "00000000", ""));
    let report = scene.bench.record("final-report.json");
    assert_eq!(report["workflow"]["id"], "w1", "kept before it is reported");
    assert_eq!(report["lastInstallResult"]["resultCode"], 700);
}

#[tokio::test]
async fn somebody_at_the_box_may_drop_a_deployment() {
    let scene = Scene::new(RestartPolicy::Manual).await;
    scene.deploy("w1", "1.1.0");
    let state = scene
        .works_on(REFERENCE, |state| state.phase == UpdatePhase::Installed)
        .await;
    assert_eq!(state.install.unwrap().source, UpdateSource::DeviceUpdate);
    scene.bench.command(UpdateCommand::RollBack).await.unwrap();
    let dropped = scene.stands("w1", 255).await;
    let (_, code, extended, details) = result(&dropped);
    assert_eq!((code, extended), (-1, "32000031"));
    assert!(details.contains("dropped"), "{details}");
    assert_eq!(scene.bench.outcome().await.cause, Some(UpdateCause::Asked));
}
