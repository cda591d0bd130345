//! Orders that must not be carried out. Each is answered in the twin, and nothing is applied.

use crate::scene::{FILE, Scene, result};
use amora_contract::config::RestartPolicy;
use amora_contract::state::UpdatePhase;
use amora_contract::units::Seconds;
use amora_peer_iot_hub::Fault;
use serde_json::{Value, json};
use std::fs;

/// A box that does not wait long for a server.
async fn scene() -> Scene {
    let mut scene = Scene::new(RestartPolicy::Now).await;
    scene.bench.stop().await;
    scene.bench.config.download_patience = Seconds(1.0);
    scene.bench.start_capability();
    scene.bench.reaches(|state| state.unavailable.is_none()).await;
    scene
}

/// Orders what `spoil` made of a good deployment, and waits for the answer: its extended result code, and its words.
async fn refused(
    scene: &Scene,
    workflow: &str,
    spoil: impl FnOnce(&Scene, &str, &mut Value),
) -> (String, String) {
    let (update, _) = scene.image("1.1.0");
    let mut order = scene.deployment(workflow, "1.1.0", FILE, update);
    let path = format!("{workflow}/{FILE}");
    spoil(scene, &path, &mut order["deviceUpdate"]["service"]);
    scene.order(&order);
    let failed = scene.stands(workflow, 255).await;
    let (_, code, extended, details) = result(&failed);
    assert_eq!(code, 0, "{workflow}");
    assert!(failed["installedUpdateId"].is_null());
    scene.bench.phase(UpdatePhase::Idle).await;
    assert_eq!(
        scene.bench.asked(),
        Vec::<Value>::new(),
        "{workflow}: nobody restarts"
    );
    let log = scene.bench.log();
    assert!(!log.contains("SWUPDATE successful"), "{workflow}: {log}");
    (extended.to_owned(), details.to_owned())
}

fn only_keys_were_fetched(scene: &Scene) {
    let fetched = scene.service.requests();
    assert!(
        fetched
            .iter()
            .all(|request| request.path == "rootkeypackage.json"),
        "{fetched:?}"
    );
}

#[tokio::test]
async fn what_is_not_signed_as_it_should_be_is_not_even_fetched() {
    let scene = scene().await;
    let (code, details) = refused(&scene, "forged", |scene, _, service| {
        let manifest = service["updateManifest"].as_str().unwrap();
        let other = scene.service.sign(&manifest.replace("1.1.0", "1.1.1"));
        service["updateManifestSignature"] = other.into();
    })
    .await;
    assert_eq!(code, "80300001", "{details}");

    let (code, details) = refused(&scene, "scratched", |_, _, service| {
        let signature = service["updateManifestSignature"].as_str().unwrap();
        let cut = signature.rfind('.').unwrap() + 9;
        let letter = if &signature[cut..=cut] == "A" { "B" } else { "A" };
        let scratched = format!("{}{letter}{}", &signature[..cut], &signature[cut + 1..]);
        service["updateManifestSignature"] = scratched.into();
    })
    .await;
    assert_eq!(code, "A0200004", "{details}");

    let (code, details) = refused(&scene, "endless-keys", |scene, _, _| {
        scene.service.spoil("rootkeypackage.json", Fault::Endless);
    })
    .await;
    assert_eq!(code, "80600017");
    assert!(details.contains("more than"), "{details}");

    let (code, details) = refused(&scene, "elsewhere-keys", |scene, _, _| {
        scene
            .service
            .redirect("rootkeypackage.json", "file:///etc/passwd");
    })
    .await;
    assert_eq!(code, "80600017");
    assert!(details.contains("neither http nor https"), "{details}");

    let (code, details) = refused(&scene, "other-keys", |scene, _, _| {
        scene.service.publish_root_keys(&json!({"rootKeys": {}}));
    })
    .await;
    assert_eq!(code, "80600003", "{details}");

    let (code, details) = refused(&scene, "disabled", |scene, _, _| {
        scene.service.disable_signing_key()
    })
    .await;
    assert_eq!(code, "A0000005", "{details}");
    // What is known to be disabled stays so, whatever an older package says and whatever is restarted.
    assert_eq!(scene.bench.record("root-keys.json")["protected"]["version"], 2);
    let mut scene = scene;
    scene.go_down().await;
    let slots = json!({"slot": "a", "next": "a", "trial": false, "tries": 0, "limit": 3, "ustate": 0});
    scene.come_up("1.0.0", slots);
    scene.connect().await;
    let (code, details) = refused(&scene, "older", |scene, _, _| {
        scene.service.publish_root_keys(&json!({}));
    })
    .await;
    assert_eq!(code, "A0000005", "{details}");
    only_keys_were_fetched(&scene);
    assert!(fs::read(scene.bench.path("slots/b")).unwrap().is_empty());
}

#[tokio::test]
async fn a_file_that_is_not_the_announced_one_is_not_applied() {
    let scene = scene().await;
    let (code, details) = refused(&scene, "other", |scene, path, _| {
        let (other, _) = scene.image("1.1.9");
        scene.service.set_file(path, other);
    })
    .await;
    assert_eq!(code, "00100003", "{details}");

    let (code, details) = refused(&scene, "elsewhere", |scene, path, _| {
        scene.service.redirect(path, "file:///etc/passwd");
    })
    .await;
    assert_eq!(code, "40000005");
    assert!(details.contains("neither http nor https"), "{details}");

    let (code, details) = refused(&scene, "truncated", |scene, path, _| {
        scene.service.spoil(path, Fault::Cut(100_000));
    })
    .await;
    assert_eq!(code, "40000005");
    assert!(details.contains("stood still"), "{details}");

    let (code, details) = refused(&scene, "endless", |scene, path, _| {
        scene.service.spoil(path, Fault::Endless);
    })
    .await;
    assert_eq!(code, "00100003");
    assert!(details.contains("more than"), "{details}");

    let (code, details) = refused(&scene, "missing", |_, _, service| {
        let url = service["fileUrls"]["f0000000000000000"].as_str().unwrap();
        service["fileUrls"]["f0000000000000000"] = url.replace(FILE, "nothing.swu").into();
    })
    .await;
    assert_eq!(code, "40000005");
    assert!(details.contains("404"), "{details}");
}

#[tokio::test]
async fn a_name_that_leads_out_of_its_folder_is_refused_before_anything_is_fetched() {
    let scene = scene().await;
    for (workflow, name) in [
        ("up", "../../../etc/passwd"),
        ("root", "/etc/passwd"),
        ("hidden", ".profile"),
    ] {
        let (update, _) = scene.image("1.1.0");
        scene.order(&scene.deployment(workflow, "1.1.0", name, update));
        let failed = scene.stands(workflow, 255).await;
        let (_, code, extended, details) = result(&failed);
        assert_eq!((code, extended), (0, "30100104"), "{details}");
    }
    only_keys_were_fetched(&scene);
    assert_eq!(scene.bench.state().last, None, "the updater was not even asked");
}

#[tokio::test]
async fn a_disk_that_takes_nothing_refuses_the_update_and_the_service_hears_of_it() {
    let scene = scene().await;
    scene
        .bench
        .put("root/run/amora-data-lost", "the file system is read-only\n");
    // Writing the box's own notes fails as well.
    for note in ["last", "deployment", "root-keys", "final-report"] {
        fs::create_dir_all(scene.bench.path("data/update").join(format!("{note}.new/full"))).unwrap();
    }
    let (code, details) = refused(&scene, "full", |_, _, _| {}).await;
    assert_eq!(code, "32000014");
    assert!(details.contains("read-only"), "{details}");
    assert!(scene.bench.record("last.json").is_null());
    only_keys_were_fetched(&scene);
}
