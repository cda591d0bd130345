//! Orders that are called off, or wait for others.

use super::*;

#[test]
fn an_order_that_is_called_off_while_it_is_verified_ends_at_once() {
    let mut scene = Scene::new();
    scene.order(service("w1", None, &manifest("1.1.0").to_string()));
    scene.reports();
    scene.order(cancellation("w1"));
    let report = scene.only_report();
    assert_eq!(result(&report), (0, -1, "00000000".to_owned()));
    assert_eq!(
        report["workflow"],
        json!({"action": 3, "id": "w1", "retryTimestamp": null})
    );
    scene.serve_root_keys();
    assert_eq!((scene.installs(), scene.reports()), (vec![], vec![]));
}

#[test]
fn an_installation_is_called_off_at_the_updater_and_as_long_as_it_can_be() {
    let mut scene = Scene::new();
    scene.deploy(service("w1", None, &manifest("1.1.0").to_string()));
    scene.reports();
    scene.answer(Ok(()));
    scene.updater(UpdatePhase::Installing, Some(REFERENCE), None);
    scene.order(cancellation("w1"));
    assert!(scene.took(&cancel()));
    // Too late for that: it is written already.
    scene.answer(conflict());
    assert!(!scene.took(&cancel()), "not at once again");
    scene.updater(UpdatePhase::Installed, Some(REFERENCE), None);
    assert!(scene.took(&roll_back()));
    assert_eq!(scene.reports(), Vec::<Value>::new());
    scene.answer(Ok(()));
    let dropped = outcome(REFERENCE, Outcome::Cancelled, Some(UpdateCause::Asked));
    scene.updater(UpdatePhase::Idle, None, Some(dropped));
    assert_eq!(result(&scene.only_report()), (0, -1, "00000000".to_owned()));
}

#[test]
fn what_restarts_already_cannot_be_called_off() {
    let mut scene = Scene::new();
    scene.deploy(service("w1", None, &manifest("1.1.0").to_string()));
    scene.reports();
    scene.answer(Ok(()));
    scene.updater(UpdatePhase::Restarting, Some(REFERENCE), None);
    scene.order(cancellation("w1"));
    assert!(!scene.took(&cancel()) && !scene.took(&roll_back()));
    assert_eq!(scene.reports(), Vec::<Value>::new());
    // After the restart, with nothing left of the order but its cancellation.
    let progress = json!({"state": 6, "workflow": {"action": 3, "id": "w1"}});
    let kept = outcome(REFERENCE, Outcome::Kept, None);
    let mut scene = Scene::started("1.1.0", progress, Some(cancellation("w1")), Some(kept));
    assert_eq!(result(&scene.only_report()), (0, 700, "00000000".to_owned()));
}

#[test]
fn a_person_who_calls_it_off_is_not_the_service() {
    let mut scene = Scene::new();
    scene.deploy(service("w1", None, &manifest("1.1.0").to_string()));
    scene.reports();
    scene.answer(Ok(()));
    let dropped = outcome(REFERENCE, Outcome::Cancelled, Some(UpdateCause::Asked));
    scene.updater(UpdatePhase::Idle, None, Some(dropped));
    assert_eq!(result(&scene.only_report()), (255, -1, "32000031".to_owned()));
}

#[test]
fn another_deployment_takes_the_place_of_the_one_that_goes_on() {
    let mut scene = Scene::new();
    scene.deploy(service("w1", None, &manifest("1.1.0").to_string()));
    scene.answer(Ok(()));
    scene.updater(UpdatePhase::Installing, Some(REFERENCE), None);
    scene.reports();
    scene.order(service("w2", None, &manifest("1.2.0").to_string()));
    assert!(scene.took(&cancel()));
    assert_eq!(scene.only_report()["workflow"]["id"], "w2");
    scene.answer(Ok(()));
    let dropped = outcome(REFERENCE, Outcome::Cancelled, Some(UpdateCause::Asked));
    scene.updater(UpdatePhase::Idle, None, Some(dropped));
    assert_eq!(
        scene.reports(),
        Vec::<Value>::new(),
        "nobody waits for the first one's end"
    );
    scene.serve_root_keys();
    let installs = scene.installs();
    assert_eq!(installs.len(), 1);
    assert_eq!(installs[0].reference.as_deref(), Some("device-update:w2@"));
}

#[test]
fn a_deployment_waits_until_another_installation_has_ended() {
    let mut scene = Scene::new();
    scene.updater(UpdatePhase::Installing, None, None);
    scene.order(service("w1", None, &manifest("1.1.0").to_string()));
    scene.serve_root_keys();
    scene.pass(7200);
    assert_eq!(scene.installs(), []);
    assert!(!scene.took(&cancel()), "what others install is theirs");
    scene.updater(UpdatePhase::Idle, None, None);
    assert_eq!(scene.installs().len(), 1);
    // It was a moment too late.
    scene.answer(conflict());
    scene.updater(UpdatePhase::Checking, None, None);
    scene.pass(3600);
    assert_eq!(scene.installs(), []);
    scene.updater(UpdatePhase::Idle, None, None);
    assert_eq!(scene.installs().len(), 1);
}
