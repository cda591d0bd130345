//! `amoractl config` and what it needs of a box.

use crate::played_box::{a_box, run};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_is_shown_from_the_service_or_from_here() {
    let played = a_box().await;
    let (code, out, _) = played.run(&["config", "show", "--origin"]).await;
    assert_eq!(code, 0);
    assert_eq!(
        out,
        "[audio]\ndevice = \"auto\"  # default\nvolume = 33      # /etc/amora/amora.toml:3\n\n[mqtt]\npassword = \"***\"  # default\n"
    );
    let missing = played.folder.path().join("missing");
    let local = [
        ("AMORA__AUDIO__VOLUME", "34"),
        ("AMORA_MQTT_PASSWORD", "hush"),
        ("AMORA_MQTT_USERNAME", "u"),
    ];
    let (code, out, err) = run(
        &[
            "--socket",
            missing.to_str().unwrap(),
            "config",
            "show",
            "--origin",
        ],
        &local,
    )
    .await;
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("does not run"), "{err}");
    let volume = out.lines().find(|line| line.starts_with("volume = 34")).unwrap();
    assert!(volume.ends_with("# AMORA__AUDIO__VOLUME"), "{volume}");
    assert!(
        !out.contains("hush") && out.contains("password = \"***\""),
        "{out}"
    );
    let (_, out, _) = run(&["config", "show", "--local", "--json"], &local).await;
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(shown["config"]["audio"]["volume"], 34);
    assert_eq!(shown["origin"]["audio.volume"], "AMORA__AUDIO__VOLUME");
    toml::from_str::<toml::Table>(&run(&["config", "show", "--local"], &local).await.1).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_checked_imported_and_explained() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = write("good.toml", "[audio]\nvolume = 3\n");
    assert!(
        run(&["config", "check", &good], &[])
            .await
            .1
            .ends_with("is a valid configuration\n")
    );
    let bad = write("bad.toml", "[audio]\nvolume = 300\ncolour = 1\n");
    let (code, out, err) = run(&["config", "check", &bad], &[]).await;
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.contains("2 mistakes") && err.contains("bad.toml:2:10") && err.contains("bad.toml:3:1"),
        "{err}"
    );
    let (code, out, _) = run(&["config", "check", "--json", &bad], &[]).await;
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (
            code,
            &report["valid"],
            report["problems"].as_array().unwrap().len()
        ),
        (1, &json!(false), 2)
    );

    let original = write(
        "config.json",
        r#"{"device": {"id": "waybox"}, "mpd": {"host": "m", "port": 6601}}"#,
    );
    let (code, imported, _) = run(&["config", "import", &original], &[]).await;
    assert_eq!(code, 0);
    let imported = write("imported.toml", &imported);
    assert_eq!(run(&["config", "check", &imported], &[]).await.0, 0);
    let wrong = write("wrong.json", r#"{"mpd": {"port": "many"}}"#);
    let (code, _, err) = run(&["config", "import", &wrong], &[]).await;
    assert_eq!(code, 1);
    assert!(err.contains("$.mpd.port must be a whole number"), "{err}");
    assert!(
        run(&["config", "reference"], &[])
            .await
            .1
            .contains("| `audio.volume` |")
    );
}
