//! Orders that follow each other, and others who install.

use crate::scene::{FILE, Scene, result};
use amora_contract::EventKind;
use amora_contract::commands::{InstallUpdate, UpdateCommand};
use amora_contract::config::RestartPolicy;
use amora_contract::state::{Outcome, UpdateCause, UpdatePhase, UpdateSource};
use amora_peer_iot_hub::Fault;

const MANUAL: RestartPolicy = RestartPolicy::Manual;

/// How often an installation has begun since the last time this was asked, and from where.
fn began(scene: &mut Scene) -> Vec<UpdateSource> {
    let mut sources = Vec::new();
    while let Ok(event) = scene.bench.events.try_recv() {
        if let EventKind::UpdateStarted { source, .. } = event.kind {
            sources.push(source);
        }
    }
    sources
}

/// Orders a deployment whose file stops arriving in the middle, and waits for that.
async fn stalled(scene: &Scene, workflow: &str) {
    let (update, _) = scene.image("1.1.0");
    let order = scene.deployment(workflow, "1.1.0", FILE, update);
    scene
        .service
        .spoil(&format!("{workflow}/{FILE}"), Fault::Stall(350_000));
    scene.order(&order);
    scene
        .works_on(&format!("device-update:{workflow}@"), |state| {
            state.phase == UpdatePhase::Installing
                && state.install.as_ref().is_some_and(|install| install.percent > 0)
        })
        .await;
}

#[tokio::test]
async fn the_service_calls_a_deployment_off_while_it_arrives_and_once_it_is_installed() {
    let scene = Scene::new(MANUAL).await;
    stalled(&scene, "w1").await;
    scene.stands("w1", 6).await;
    scene.order(&scene.service.cancellation("w1"));
    let cancelled = scene.stands("w1", 0).await;
    let (_, code, extended, _) = result(&cancelled);
    assert_eq!((code, extended), (-1, "00000000"));
    assert_eq!(scene.bench.outcome().await.outcome, Outcome::Cancelled);

    scene.deploy("w2", "1.1.0");
    scene
        .works_on("device-update:w2@", |state| state.phase == UpdatePhase::Installed)
        .await;
    scene.order(&scene.service.cancellation("w2"));
    let cancelled = scene.stands("w2", 0).await;
    assert_eq!(result(&cancelled).1, -1);
    scene.bench.phase(UpdatePhase::Idle).await;
    assert!(
        scene
            .bench
            .asked()
            .iter()
            .any(|request| request["request"] == "give-up"),
        "the boot loader is told"
    );
}

#[tokio::test]
async fn a_duplicate_is_nothing_new_and_a_retry_is() {
    let mut scene = Scene::new(MANUAL).await;
    let (update, _) = scene.image("1.1.0");
    let order = scene.deployment("w1", "1.1.0", FILE, update.clone());
    let path = format!("w1/{FILE}");
    let mut other = update.clone();
    other.truncate(update.len() - 512);
    scene.service.set_file(&path, other);
    scene.order(&order);
    let failed = scene.stands("w1", 255).await;
    assert_eq!(result(&failed).2, "00100003");
    scene.order(&order);
    scene.service.set_file(&path, update);
    scene.order(&scene.service.retry("w1", "2026-11-21T10:00:00Z"));
    let accepted = scene.stands("w1", 6).await;
    assert_eq!(accepted["workflow"]["retryTimestamp"], "2026-11-21T10:00:00Z");
    assert_eq!(result(&accepted), (6, 400, "00000000", ""));
    let reference = "device-update:w1@2026-11-21T10:00:00Z";
    scene
        .works_on(reference, |state| state.phase == UpdatePhase::Installed)
        .await;
    // A connection that is lost tells nothing new either.
    scene.disconnect().await;
    scene.connect().await;
    scene.order(&scene.service.retry("w1", "2026-11-21T10:00:00Z"));
    scene.order(&scene.service.cancellation("w1"));
    scene.stands("w1", 0).await;
    assert_eq!(
        began(&mut scene),
        [UpdateSource::DeviceUpdate; 2],
        "once by the order, once by the retry"
    );
}

#[tokio::test]
async fn another_deployment_takes_the_place_of_the_one_that_goes_on() {
    let mut scene = Scene::new(MANUAL).await;
    stalled(&scene, "w1").await;
    let image = scene.deploy("w2", "1.2.0");
    scene.stands("w2", 6).await;
    let state = scene
        .works_on("device-update:w2@", |state| state.phase == UpdatePhase::Installed)
        .await;
    assert_eq!(state.install.unwrap().version.as_deref(), Some("1.2.0"));
    assert!(std::fs::read(scene.bench.path("slots/b")).unwrap() == image);
    let last = state.last.unwrap();
    assert_eq!(
        (last.reference.as_deref(), last.cause),
        (Some("device-update:w1@"), Some(UpdateCause::Asked))
    );
    assert_eq!(began(&mut scene), [UpdateSource::DeviceUpdate; 2]);
    assert_eq!(scene.agent_now()["workflow"]["id"], "w2");
    assert_eq!(scene.agent_now()["state"], 6);
}

#[tokio::test]
async fn what_a_person_installs_is_left_alone_and_waited_for() {
    let mut scene = Scene::new(MANUAL).await;
    let (update, _) = scene.image("1.1.0");
    scene.service.set_file("by-hand.swu", update);
    scene.service.spoil("by-hand.swu", Fault::Stall(350_000));
    let keys = scene.service.root_key_package_url();
    let by_hand = InstallUpdate {
        url: keys.replace("rootkeypackage.json", "by-hand.swu"),
        // A person may call it what they like: it is not the service's for that.
        reference: Some("device-update:w1@".to_owned()),
        ..InstallUpdate::default()
    };
    scene
        .bench
        .command(UpdateCommand::Install(by_hand))
        .await
        .unwrap();
    scene.bench.phase(UpdatePhase::Installing).await;
    scene.deploy("w1", "1.2.0");
    scene.stands("w1", 6).await;
    scene.is_asked_for("rootkeypackage.json").await;
    scene.order(&scene.service.cancellation("w1"));
    let cancelled = scene.stands("w1", 0).await;
    assert_eq!(result(&cancelled).1, -1);
    assert_eq!(
        scene.bench.state().phase,
        UpdatePhase::Installing,
        "the service calls off what it ordered"
    );

    scene.deploy("w2", "1.2.0");
    scene.stands("w2", 6).await;
    assert_eq!(scene.bench.state().install.unwrap().source, UpdateSource::Url);
    scene.bench.command(UpdateCommand::Cancel).await.unwrap();
    let state = scene
        .works_on("device-update:w2@", |state| state.phase == UpdatePhase::Installed)
        .await;
    assert_eq!(state.install.unwrap().source, UpdateSource::DeviceUpdate);
    assert_eq!(began(&mut scene), [UpdateSource::Url, UpdateSource::DeviceUpdate]);
}
