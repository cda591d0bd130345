//! Home Assistant's side of MQTT discovery, played with mosquitto's clients.

mod support;

use amora_contract::config::HomeAssistantConfig;
use serde_json::json;
use support::{Broker, Device};

const DISCOVERY: &str = "homeassistant/device/amora_box/config";
const STATE: &str = "amora/devices/box/state";

#[tokio::test]
async fn the_box_describes_itself_obeys_and_disappears_again() {
    let broker = Broker::start().await;
    let data = tempfile::tempdir().unwrap();
    let mut config = broker.config();
    config.home_assistant = Some(HomeAssistantConfig::default());
    let device = Device::open(config.clone(), data.path());
    device.ready().await;

    let mut home = broker.subscribe(&[DISCOVERY]).await;
    let description = home.next().await.json();
    assert_eq!(description["availability_topic"], "amora/devices/box/connection");
    assert_eq!(description["device"]["identifiers"], json!(["amora_box"]));
    let components = &description["components"];
    assert_eq!(components["playlist"]["options"], json!(["Evening"]));
    for (key, component) in components.as_object().unwrap() {
        assert_eq!(component["unique_id"], format!("amora_box_{key}"));
    }

    let mut state = broker.subscribe(&[STATE]).await;
    let wish = async |entity: &str, payload: &str| {
        let topic = components[entity]["command_topic"].as_str().unwrap();
        broker.publish(topic, payload).await;
    };
    wish("volume", "23").await;
    state.find(|heard| heard.json()["volume"] == 23).await;
    wish("mute", "ON").await;
    state.find(|heard| heard.json()["mute"] == true).await;
    wish("repeat", "ON").await;
    state.find(|heard| heard.json()["repeat"] == true).await;
    wish("play", "PRESS").await;
    state.find(|heard| heard.json()["state"] == "play").await;
    wish("playlist", "Evening").await;
    wish("volume", "nonsense").await;
    wish("volume", "24").await;
    state.find(|heard| heard.json()["volume"] == 24).await;
    let asked = device.asked.lock().unwrap().clone();
    assert!(asked.contains(&("player.play_playlist".to_owned(), json!({"playlist": "Evening"}))));

    // Home Assistant started again.
    broker.publish("homeassistant/status", "online").await;
    assert_eq!(home.next().await.json(), description);
    // A new playlist.
    device
        .router
        .update_state(|state| state.player.as_mut().unwrap().playlists_version += 1);
    assert_eq!(home.next().await.json(), description);
    device.close().await;

    config.home_assistant = None;
    let device = Device::open(config, data.path());
    assert_eq!(home.next().await.body, "", "the description is taken back");
    device.close().await;
}
