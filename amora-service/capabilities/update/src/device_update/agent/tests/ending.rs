//! How deployments end.

use super::*;

#[test]
fn a_deployment_is_ordered_once_and_claims_nothing_before_the_new_system_was_kept() {
    let text = manifest("1.1.0").to_string();
    let mut scene = Scene::new();
    let wanted = scene.deploy(service("w1", None, &text));
    assert_eq!(wanted.url, "http://example.org/amora.swu");
    assert_eq!(wanted.size, Some(Bytes(1000)));
    assert_eq!(wanted.reference.as_deref(), Some(REFERENCE));
    assert_eq!(wanted.sha256.unwrap().len(), 64);
    let progress = scene.only_report();
    assert_eq!(result(&progress), (6, 400, "00000000".to_owned()));
    assert_eq!(
        progress["workflow"],
        json!({"action": 3, "id": "w1", "retryTimestamp": null})
    );
    assert_eq!(progress["lastInstallResult"]["stepResults"], Value::Null);
    scene.answer(Ok(()));
    for phase in [
        UpdatePhase::Checking,
        UpdatePhase::Installing,
        UpdatePhase::Installed,
    ] {
        scene.updater(phase, Some(REFERENCE), None);
        scene.pass(3600);
    }
    scene.updater(UpdatePhase::Restarting, Some(REFERENCE), None);
    assert_eq!((scene.installs(), scene.reports()), (vec![], vec![]));
}

#[test]
fn after_the_restart_the_twin_and_the_updaters_record_tell_where_it_stands() {
    let text = manifest("1.1.0").to_string();
    let mut before = Scene::new();
    before.deploy(service("w1", None, &text));
    let progress = before.only_report();

    let mut agent = Agent::new(Authority::new().roots(), identity("1.1.0"), &Kept::default());
    let now = Duration::ZERO;
    let read = TwinComponent {
        version: 2,
        service: Some(service("w1", None, &text)),
        reported: Some(json!({"agent": progress, "service": {"av": 2}})),
    };
    assert_eq!(agent.updater(now, updater(UpdatePhase::Trial, None, None)), []);
    let effects = agent.twin(now, &read);
    assert!(
        matches!(&effects[..], [Effect::Report(_)]),
        "who it is, and no more: {effects:?}"
    );
    assert_eq!(
        agent.tick(Duration::from_secs(600)),
        [],
        "on trial nothing is claimed"
    );
    let kept = outcome(REFERENCE, Outcome::Kept, None);
    let effects = agent.updater(now, updater(UpdatePhase::Idle, None, Some(kept)));
    let [Effect::KeepReport(text), Effect::Report(patch)] = &effects[..] else {
        panic!("{effects:?}")
    };
    let report = &patch["deviceUpdate"]["agent"];
    assert_eq!(result(report), (0, 700, "00000000".to_owned()));
    assert_eq!(
        report["installedUpdateId"],
        r#"{"provider":"AmoraOS","name":"box","version":"1.1.0"}"#
    );
    assert_eq!(
        report["lastInstallResult"]["stepResults"]["step_0"]["resultCode"],
        700
    );
    // A connection that was lost before the report arrived.
    let effects = agent.twin(now, &read);
    assert!(effects.contains(&Effect::Report(patch.clone())), "{effects:?}");
    // A power cut before it arrived, and the updater's record lost with it.
    let memory = Kept {
        root_keys: None,
        report: Some(text.clone()),
    };
    let mut again = Agent::new(Authority::new().roots(), identity("1.1.0"), &memory);
    again.updater(now, updater(UpdatePhase::Idle, None, None));
    let effects = again.twin(now, &read);
    assert!(effects.contains(&Effect::Report(patch.clone())), "{effects:?}");
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::Fetch { .. }))
    );
    // A report that did arrive.
    let mut heard = read.clone();
    heard.reported = Some(json!({"agent": report, "service": {"av": 2}}));
    let effects = agent.twin(now, &heard);
    assert!(!effects.contains(&Effect::Report(patch.clone())), "{effects:?}");
}

#[test]
fn a_system_that_went_back_fails_the_deployment_and_says_why() {
    let text = manifest("1.1.0").to_string();
    let back = outcome(REFERENCE, Outcome::RolledBack, Some(UpdateCause::CheckFailed));
    let progress = json!({"state": 6, "workflow": {"action": 3, "id": "w1"}});
    let mut scene = Scene::started(RUNNING, progress, Some(service("w1", None, &text)), Some(back));
    let report = scene.only_report();
    assert_eq!(result(&report), (255, 0, "32000027".to_owned()));
    let details = report["lastInstallResult"]["resultDetails"].as_str().unwrap();
    assert!(details.contains("sound"), "{details}");
    assert_eq!(report["installedUpdateId"], Value::Null);
    scene.pass(100_000);
    assert_eq!((scene.installs(), scene.reports()), (vec![], vec![]));
    // The next start finds that it was reported.
    let back = outcome(REFERENCE, Outcome::RolledBack, Some(UpdateCause::CheckFailed));
    let mut scene = Scene::started(RUNNING, report, Some(service("w1", None, &text)), Some(back));
    assert_eq!((scene.installs(), scene.reports()), (vec![], vec![]));
}

#[test]
fn a_retry_is_a_deployment_of_its_own_and_a_duplicate_is_none() {
    let text = manifest("1.1.0").to_string();
    let mut scene = Scene::new();
    scene.deploy(service("w1", None, &text));
    scene.reports();
    scene.order(service("w1", None, &text));
    assert_eq!(
        (scene.reports(), scene.installs()),
        (vec![], vec![]),
        "a duplicate"
    );
    scene.answer(Ok(()));
    let failed = outcome(REFERENCE, Outcome::Failed, Some(UpdateCause::Download));
    scene.updater(UpdatePhase::Idle, None, Some(failed.clone()));
    assert_eq!(result(&scene.only_report()), (255, 0, "40000005".to_owned()));
    scene.order(service("w1", None, &text));
    assert_eq!(
        (scene.reports(), scene.installs()),
        (vec![], vec![]),
        "a duplicate of what has ended"
    );
    let wanted = scene.deploy(service("w1", Some("2026-01-01T00:00:00Z"), &text));
    assert_eq!(
        wanted.reference.as_deref(),
        Some("device-update:w1@2026-01-01T00:00:00Z")
    );
    let progress = scene.only_report();
    assert_eq!(progress["workflow"]["retryTimestamp"], "2026-01-01T00:00:00Z");
}

#[test]
fn an_updater_that_cannot_take_the_order_fails_the_deployment() {
    let mut scene = Scene::new();
    scene.deploy(service("w1", None, &manifest("1.1.0").to_string()));
    scene.reports();
    let error = CommandError::invalid("sha256", "must be 64 hexadecimal digits");
    scene.answer(Err(error));
    assert_eq!(
        scene.reports(),
        Vec::<Value>::new(),
        "its record may still say more"
    );
    let wake = scene.agent.next_wake(scene.now).unwrap();
    scene.pass(wake.as_secs() - scene.now.as_secs());
    let report = scene.only_report();
    assert_eq!(result(&report), (255, 0, "32000032".to_owned()));
    assert_eq!(scene.agent.next_wake(scene.now), None);
}

#[test]
fn an_updater_that_has_not_started_yet_is_waited_for_but_not_for_ever() {
    let mut scene = Scene::new();
    scene.deploy(service("w1", None, &manifest("1.1.0").to_string()));
    scene.reports();
    let away = || CommandError::new(ErrorCode::Unavailable, "SWUpdate cannot be reached");
    scene.answer(Err(away()));
    for _ in 0..5 {
        scene.pass(20);
        assert_eq!(scene.installs().len(), 1);
        scene.answer(Err(away()));
    }
    scene.pass(1000);
    let report = scene.only_report();
    assert_eq!(result(&report), (255, 0, "32000032".to_owned()));
    let details = report["lastInstallResult"]["resultDetails"].as_str().unwrap();
    assert!(details.contains("cannot be reached"), "{details}");

    let mut scene = Scene::new();
    scene.deploy(service("w1", None, &manifest("1.1.0").to_string()));
    scene.answer(Err(away()));
    scene.pass(20);
    assert_eq!(scene.installs().len(), 1);
    scene.answer(Ok(()));
    scene.updater(UpdatePhase::Installing, Some(REFERENCE), None);
    scene.reports();
    scene.pass(100_000);
    assert_eq!((scene.installs(), scene.reports()), (vec![], vec![]));
}

#[test]
fn what_runs_already_is_not_installed_again() {
    let mut scene = Scene::new();
    scene.order(service("w1", None, &manifest(RUNNING).to_string()));
    scene.reports();
    scene.serve_root_keys();
    assert_eq!(result(&scene.only_report()), (0, 700, "00000000".to_owned()));
    assert_eq!(scene.installs(), []);
}
