//! Settings that are changed by command.

use crate::support::House;
use serde_json::json;

#[tokio::test]
async fn what_is_set_by_command_is_in_force_at_once_and_after_a_restart() {
    let mut house = House::lived_in().await;
    let reply = house.amoractl(&[
        "system",
        "configure",
        "audio.ducking.gain=-12",
        "mqtt.full_update_interval=9",
        "device.name=Kitchen",
    ]);
    assert_eq!(
        reply["applied"],
        json!(["audio.ducking.gain", "device.name", "mqtt.full_update_interval"]),
        "{reply}"
    );
    let client = house.client();
    let shown = |config: &serde_json::Value| {
        (
            config["config"]["audio"]["ducking"]["gain"].clone(),
            config["origin"]["audio.ducking.gain"].clone(),
        )
    };
    let set = (json!(-12.0), json!("system.configure"));
    let config = client.command("system.get_config", json!({})).await;
    assert_eq!(shown(&config), set);
    assert_eq!(client.state().await["system"]["name"], "Kitchen");

    let kept = std::fs::read(house.path("data/settings.json")).unwrap();
    for (settings, status, words) in [
        (
            json!({"audio": {"period": 960, "periods": 99}}),
            400,
            "from 2 to 32",
        ),
        (
            json!({"audio": {"period": 960}, "log": {"level": "info,=="}}),
            400,
            "log.level",
        ),
        (
            json!({"audio": {"period": 960}, "web": {"port": 80}}),
            403,
            "web.port",
        ),
    ] {
        let body = json!({"settings": settings}).to_string();
        let answer = client.post("system.configure", body).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(answer.body.to_string().contains(words), "{}", answer.body);
    }
    assert_eq!(std::fs::read(house.path("data/settings.json")).unwrap(), kept);
    let config = client.command("system.get_config", json!({})).await;
    assert_eq!(
        config["config"]["audio"]["period"], 240,
        "nothing of it is in force"
    );

    house.end_service();
    house.start_service().await;
    let config = house.client().command("system.get_config", json!({})).await;
    assert_eq!(shown(&config), set);
    let reply = house.amoractl(&["system", "configure", "audio.ducking="]);
    assert_eq!(reply["applied"], json!(["audio.ducking.gain"]), "{reply}");
    house.end_service();
}
