use super::*;
use amora_contract::config::{IotHubConfig, MqttConfig};
use amora_contract::state::{Health, PlayerState, Song};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;

/// Nothing of this may be in a bundle, in whatever file.
const PLANTED: [&str; 19] = [
    "Kind of Blue",
    "So What",
    "Miles Davis",
    "so-what.flac",
    "Sunday at Anna's",
    "Annas Kueche",
    "anna-box",
    "hunter2",
    "c2VjcmV0LWtleS1vZi0zMi1ieXRlcy1mb3ItdGVzdHM",
    "HomeNet",
    "anna@example.org",
    "192.168.7.20",
    "b8:27:eb:12:34:56",
    "broker.anna.lan",
    "anna",
    "4711-0815",
    "Fire and Rain",
    "/home/",
    "stream.example",
];

fn state() -> State {
    let mut state = State::default();
    state.system.id = "anna-box".to_owned();
    state.system.name = "Annas Kueche".to_owned();
    state.system.version = "0.1.0".to_owned();
    state.system.health.insert(
        "mqtt".to_owned(),
        Health {
            cause: "broker.anna.lan (192.168.7.20) does not answer".to_owned(),
            next_step: "check `mqtt.host` and the network".to_owned(),
            ..Health::default()
        },
    );
    state.player = Some(PlayerState {
        song: Some(Song {
            file: "Miles Davis/so-what.flac".to_owned(),
            title: "So What".to_owned(),
            artist: "Miles Davis".to_owned(),
            album: "Kind of Blue".to_owned(),
            ..Song::default()
        }),
        playlist: Some("Sunday at Anna's".to_owned()),
        queue_length: 17,
        ..PlayerState::default()
    });
    state
}

fn config(data: &Path) -> Config {
    let mut config = Config::default();
    config.device.id = "anna-box".to_owned();
    config.device.name = "Annas Kueche".to_owned();
    config.device.data = data.to_owned();
    config.mqtt = Some(MqttConfig {
        host: "broker.anna.lan".to_owned(),
        username: Some("anna".to_owned()),
        password: Some("hunter2".to_owned()),
        keep_alive: 77,
        ..MqttConfig::default()
    });
    config.iot_hub = Some(IotHubConfig {
        connection_string: Some(
            "HostName=h;DeviceId=anna-box;SharedAccessKey=c2VjcmV0LWtleS1vZi0zMi1ieXRlcy1mb3ItdGVzdHM="
                .to_owned(),
        ),
        ..IotHubConfig::default()
    });
    config
}

/// A stand-in for `journalctl`.
fn journal(folder: &Path, script: &str) -> PathBuf {
    let path = folder.join("journalctl");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn unpacked(bundle: &Bundle) -> Vec<(String, String)> {
    let file = std::fs::File::open(&bundle.path).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let files = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        (name, text)
    });
    files.collect()
}

#[tokio::test]
async fn no_secret_and_nothing_personal_is_in_a_bundle_and_what_helps_is() {
    let folder = tempfile::tempdir().unwrap();
    let (data, root) = (folder.path().join("data"), folder.path().join("root"));
    std::fs::create_dir_all(data.join("update")).unwrap();
    std::fs::write(
        data.join("update/last.json"),
        r#"{"url": "https://stream.example/x.swu", "reference": "for anna", "version": "1.2.3", "cause": "power_cut"}"#,
    )
    .unwrap();
    std::fs::create_dir_all(root.join("proc/device-tree")).unwrap();
    std::fs::write(root.join("proc/device-tree/model"), "Raspberry Pi 4 Model B\0").unwrap();
    std::fs::create_dir_all(root.join("etc")).unwrap();
    std::fs::write(root.join("etc/os-release"), "PRETTY_NAME=\"AmoraOS 0.1\"\n").unwrap();
    let entries = [
        r#""MESSAGE":"going on with `Miles Davis/so-what.flac` at 3""#,
        r#""MESSAGE":"connected","F_HOST":"broker.anna.lan","F_CAUSE":"MPD: No such directory \"James Taylor/Fire and Rain.mp3\"""#,
        r#""MESSAGE":"ssid HomeNet, ssid=HomeNet at b8:27:eb:12:34:56 and 192.168.7.20 for anna@example.org""#,
        r#""MESSAGE":"code=4711-0815 password: hunter2 in /home/anna/x""#,
        r#""MESSAGE":"token c2VjcmV0LWtleS1vZi0zMi1ieXRlcy1mb3ItdGVzdHM=","TARGET":"amora_link""#,
        r#""MESSAGE":"http://stream.example/live.mp3 does not answer","PRIORITY":"4","F_STATUS":"503""#,
    ];
    let lines: Vec<String> = entries
        .iter()
        .map(|entry| format!("{{\"__REALTIME_TIMESTAMP\":\"1800000000123456\",{entry}}}"))
        .collect();
    std::fs::write(folder.path().join("entries"), lines.join("\n")).unwrap();
    let journalctl = journal(
        folder.path(),
        &format!("cat {}", folder.path().join("entries").display()),
    );
    let bundle = make(&state(), &config(&data), &root, &journalctl).await.unwrap();
    let mode = std::fs::metadata(&bundle.path).unwrap().permissions().mode();
    assert_eq!(
        (mode & 0o777, bundle.path.as_path()),
        (0o600, data.join(FILE).as_path())
    );
    let files = unpacked(&bundle);
    for (name, text) in files.iter().filter(|(name, _)| !name.ends_with("README.txt")) {
        for planted in PLANTED {
            assert!(!text.contains(planted), "{planted} is in {name}:\n{text}");
        }
    }
    let text = |wanted: &str| {
        let found = files.iter().find(|(name, _)| name.ends_with(wanted));
        found.unwrap_or_else(|| panic!("{wanted} is missing")).1.as_str()
    };
    for (name, helps) in [
        ("state.json", "\"queue_length\": 17"),
        ("state.json", "does not answer"),
        ("state.json", "check `mqtt.host` and the network"),
        ("configuration.json", "\"keep_alive\": 77"),
        ("configuration.json", "dtmi:azure:iot:deviceUpdateModel;3"),
        ("updates.json", "power_cut"),
        ("updates.json", "1.2.3"),
        ("board.txt", "Raspberry Pi 4 Model B"),
        ("board.txt", "PRETTY_NAME=AmoraOS 0.1"),
        (
            "log.txt",
            "1800000000.123 warning http://(removed) does not answer | status 503",
        ),
        ("log.txt", "amora_link: token (removed)"),
        ("log.txt", "connected | cause MPD: No such directory"),
        ("README.txt", "names of Wi-Fi networks"),
    ] {
        assert!(
            text(name).contains(helps),
            "{helps} is not in {name}:\n{}",
            text(name)
        );
    }
}

#[tokio::test]
async fn a_log_without_end_and_one_that_cannot_be_read_are_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let endless = journal(
        folder.path(),
        "exec yes '{\"__REALTIME_TIMESTAMP\":\"1\",\"MESSAGE\":\"again\"}'",
    );
    let bundle = make(&state(), &config(&data), folder.path(), &endless)
        .await
        .unwrap();
    let files = unpacked(&bundle);
    let log = &files
        .iter()
        .find(|(name, _)| name.ends_with("log.txt"))
        .unwrap()
        .1;
    assert!(log.len() <= LARGEST_FILE && log.contains("again"));
    let missing = folder.path().join("nothing");
    let bundle = make(&state(), &config(&data), folder.path(), &missing)
        .await
        .unwrap();
    assert!(
        unpacked(&bundle)
            .iter()
            .any(|(_, text)| text.contains("the journal cannot be read"))
    );
}
