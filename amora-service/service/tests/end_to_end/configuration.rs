//! A configuration with a mistake stops the start, and says which file, line and field.

use crate::support::{Client, House, Process};
use std::time::Duration;

fn refused(house: &House, configuration: &str) -> String {
    let file = house.path("broken.toml");
    std::fs::write(&file, configuration).unwrap();
    let arguments = ["--config", file.to_str().unwrap()];
    let program = env!("CARGO_BIN_EXE_amora-service");
    let mut service = Process::start(&house.path("broken.log"), program, &arguments, &[]);
    let (_, status) = service.wait(Duration::from_secs(60));
    assert!(!status.success(), "it started all the same");
    let log = service.log();
    std::fs::remove_file(house.path("broken.log")).unwrap();
    log
}

#[test]
fn every_mistake_is_named_with_its_place() {
    let house = House::build();
    for (configuration, line, words) in [
        ("[audio]\nvolume = \"loud\"\n", 2, ["audio.volume"].as_slice()),
        ("[audio]\n\nvolum = 5\n", 3, &["volum", "volume"]),
        ("[device\n", 1, &[]),
        ("[web]\nport = 70000\n", 2, &["web.port"]),
        (
            "[audio]\ncard = \"gramophone\"\n",
            2,
            &["audio.card", "gramophone", "room"],
        ),
        ("[mqtt]\nqos = 3\n", 2, &["mqtt.qos"]),
        ("\n\n[plyer]\n", 3, &["plyer", "player"]),
    ] {
        let said = refused(&house, configuration);
        assert!(said.contains("broken.toml"), "no file in: {said}");
        let place = said.contains(&format!("broken.toml:{line}")) || said.contains(&format!("line {line}"));
        assert!(place, "no line {line} in: {said}");
        for word in words {
            assert!(said.contains(word), "no `{word}` in: {said}");
        }
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[tokio::test]
async fn a_reload_through_the_web_door_is_answered_before_the_door_starts_anew() {
    let house = House::lived_in().await;
    let configuration = house.write_configuration();
    let text = std::fs::read_to_string(&configuration).unwrap();
    let opened = text.replace("[web]", "[web]\nopen_status = true");
    assert_ne!(opened, text);
    std::fs::write(&configuration, opened).unwrap();

    let reply = house.amoractl(&["system", "reload"]);
    assert_eq!(
        reply["applied"],
        serde_json::json!(["web.open_status"]),
        "{reply}"
    );

    let stranger = Client::tcp(house.web_port, None);
    stranger.state_where("the door to open", |_| true).await;
}
