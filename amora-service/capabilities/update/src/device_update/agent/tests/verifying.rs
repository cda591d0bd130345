//! From the order to the updater.

use super::*;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

#[test]
fn a_box_says_first_who_it_is_and_again_only_where_the_twin_differs() {
    let mut scene = Scene::new();
    let [Effect::Report(patch)] = &scene.effects[..] else {
        panic!("{:?}", scene.effects)
    };
    let agent = patch["deviceUpdate"]["agent"].clone();
    assert_eq!(agent["deviceProperties"]["manufacturer"], "AmoraOS");
    assert_eq!(agent["deviceProperties"]["model"], "raspberrypi4-64");
    assert_eq!(
        agent["deviceProperties"]["contractModelId"],
        "dtmi:azure:iot:deviceUpdateContractModel;3"
    );
    assert_eq!(agent["compatPropertyNames"], "manufacturer,model");
    scene.effects.clear();
    scene.read(None, agent);
    assert_eq!(scene.effects, []);
}

#[test]
fn nothing_is_installed_that_is_not_signed() {
    let mut scene = Scene::new();
    let mut order = service("w1", None, &manifest("1.1.0").to_string());
    order["updateManifest"] = manifest("1.1.1").to_string().into();
    scene.order(order);
    scene.reports();
    scene.serve_root_keys();
    let report = scene.only_report();
    assert_eq!(result(&report), (255, 0, "80300001".to_owned()));
    assert_eq!(report["lastInstallResult"]["stepResults"], Value::Null);
    scene.pass(100_000);
    assert_eq!(scene.installs(), []);
}

#[test]
fn an_older_package_of_root_keys_does_not_undo_a_newer_one() {
    let authority = Authority::new();
    let newer = authority.root_keys(&json!({"version": 2, "disabledRootKeys": ["root-1"]}));
    let kept = Kept {
        root_keys: Some(newer),
        report: None,
    };
    let mut agent = Agent::new(authority.roots(), identity(RUNNING), &kept);
    let now = Duration::ZERO;
    agent.updater(now, updater(UpdatePhase::Idle, None, None));
    let component = TwinComponent {
        version: 1,
        service: Some(service("w1", None, &manifest("1.1.0").to_string())),
        reported: None,
    };
    let effects = agent.twin(now, &component);
    let Some(Effect::Fetch { ticket, .. }) = effects.last() else {
        panic!("{effects:?}")
    };
    let older = authority.root_keys(&json!({})).into_bytes();
    let effects = agent.fetched(now, *ticket, Ok(older));
    let [Effect::KeepReport(_), Effect::Report(patch)] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(
        result(&patch["deviceUpdate"]["agent"]),
        (255, 0, "A0200005".to_owned())
    );
}

#[test]
fn a_package_of_root_keys_is_kept_and_asked_for_again_where_the_network_fails() {
    let mut scene = Scene::new();
    scene.order(service("w1", None, &manifest("1.1.0").to_string()));
    scene.reports();
    let failure = |again| {
        let reason = "no route to host".to_owned();
        Err(FetchFailure { reason, again })
    };
    scene.serve(failure(true));
    let wake = scene.agent.next_wake(scene.now).unwrap();
    assert_eq!(wake, Duration::from_secs(10));
    scene.pass(10);
    scene.serve_root_keys();
    assert!(
        scene
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::KeepRootKeys(_)))
    );
    assert_eq!(scene.installs().len(), 1);

    let mut scene = Scene::new();
    scene.order(service("w1", None, &manifest("1.1.0").to_string()));
    scene.reports();
    for _ in 0..4 {
        scene.serve(failure(true));
        scene.pass(300);
    }
    scene.serve(failure(true));
    assert_eq!(result(&scene.only_report()), (255, 0, "80600017".to_owned()));

    let mut scene = Scene::new();
    scene.order(service("w1", None, &manifest("1.1.0").to_string()));
    scene.reports();
    scene.serve(failure(false));
    assert_eq!(result(&scene.only_report()), (255, 0, "80600017".to_owned()));
}

#[test]
fn a_detached_manifest_is_fetched_and_has_to_be_the_promised_one() {
    let file = json!({"updateManifest": manifest("1.1.0").to_string()})
        .to_string()
        .into_bytes();
    let mut small = manifest("1.1.0");
    small["instructions"] = Value::Null;
    small["detachedManifestFileId"] = json!("m1");
    small["files"]["m1"] = json!({
        "fileName": "manifest.json",
        "sizeInBytes": file.len(),
        "hashes": {"sha256": STANDARD.encode(digest(&SHA256, &file))},
    });
    for (served, installs) in [(file.clone(), 1), ([&file[1..], b" "].concat(), 0), (vec![], 0)] {
        let mut scene = Scene::new();
        scene.order(service("w1", None, &small.to_string()));
        scene.reports();
        scene.serve_root_keys();
        scene.serve(Ok(served));
        assert_eq!(scene.installs().len(), installs);
        if installs == 0 {
            assert_eq!(result(&scene.only_report()), (255, 0, "8030000C".to_owned()));
        }
    }
}

#[test]
fn every_order_is_answered_once_and_old_ones_are_not_taken() {
    let mut scene = Scene::new();
    scene.effects.clear();
    scene.order(json!({"workflow": "?"}));
    let answer = |scene: &mut Scene| {
        scene.take(|effect| match effect {
            Effect::Report(patch) => {
                Some(patch["deviceUpdate"]["service"].clone()).filter(|answer| !answer.is_null())
            }
            _ => None,
        })
    };
    let answers = answer(&mut scene);
    assert_eq!(
        (answers.len(), &answers[0]["ac"], &answers[0]["av"]),
        (1, &json!(400), &json!(2))
    );
    scene.order(service("w1", None, &manifest("1.1.0").to_string()));
    let answers = answer(&mut scene);
    assert_eq!(
        (answers.len(), &answers[0]["ac"], &answers[0]["av"]),
        (1, &json!(200), &json!(3))
    );
    scene.version = 1;
    scene.order(cancellation("w1"));
    assert_eq!(answer(&mut scene), Vec::<Value>::new());
    scene.reports();
    scene.serve_root_keys();
    assert_eq!(scene.installs().len(), 1, "it was not called off");
    // A twin that begins anew, as of a box that was deleted and made again.
    scene.version = 1;
    scene.read(Some(cancellation("w1")), json!({}));
    assert_eq!(answer(&mut scene).len(), 1);
}

#[test]
fn an_unusable_order_fails_with_its_reason() {
    let mut scene = Scene::new();
    scene.order(json!({"workflow": {"action": 2, "id": "w1"}}));
    assert_eq!(result(&scene.only_report()), (255, 0, "80300010".to_owned()));
    scene.order(json!({"workflow": {"action": 3, "id": "w2"}, "updateManifest": "{}"}));
    assert_eq!(result(&scene.only_report()), (255, 0, "80300001".to_owned()));
}
