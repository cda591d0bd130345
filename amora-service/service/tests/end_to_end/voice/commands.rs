//! The call by command, and the health page that is somebody else's port.

use super::{DEVICE, calling, connected, health};
use crate::sound::listen;
use crate::support::{Subscriber, free_port, until};
use amora_peer_hub::{Hub, Options};
use serde_json::json;
use tokio::net::TcpListener;

#[tokio::test]
async fn the_call_ends_and_is_made_again_by_command_and_does_not_hang_on_its_health_page() {
    let hub = Hub::start(Options::default()).await.unwrap();
    let page = free_port();
    let other = TcpListener::bind(("127.0.0.1", page)).await.unwrap();
    let mut house =
        calling(hub.url()).environment("AMORA__VOICE__HEALTH_ADDRESS", format!("127.0.0.1:{page}"));
    house.start_everything().await;
    hub.connected(DEVICE).await;
    connected(&house).await;
    let client = house.client();
    let state = client
        .state_where("the taken port to be told", |state| {
            state["system"]["health"]["voice"]["condition"] == "degraded"
        })
        .await;
    assert_eq!(state["voice"]["link"], "connected");
    let cause = state["system"]["health"]["voice"]["cause"].to_string();
    assert!(cause.contains(&page.to_string()), "{cause}");
    drop(other);
    client
        .state_where("the port to be had", |state| {
            state["system"]["health"]["voice"]["condition"] == "ok"
        })
        .await;
    assert_eq!(health(page).await.0, 200);
    assert_eq!(hub.connects(DEVICE), 1, "the call went on");

    let events = Subscriber::start(&house, "amora/devices/test/events").await;
    client.command("voice.disconnect", json!({})).await;
    let state = client
        .state_where("the call to be over", |state| {
            state["voice"]["link"] == "off" && state["voice"]["echo"].is_null()
        })
        .await;
    assert_eq!(state["system"]["health"]["voice"]["condition"], "ok");
    let over = events
        .message_where("the end to be told", "/events", |message| {
            message.body["event"] == "voice.disconnected"
        })
        .await;
    assert_eq!(over.body["data"]["cause"], "");
    until("the hub to see the end", async || {
        hub.devices().is_empty().then_some(())
    })
    .await;
    assert_eq!(health(page).await.0, 503);
    // Nobody needs to hear anything.
    let heard = async || {
        let status = client.command("voice.get_status", json!({})).await;
        status["counters"]["mic_frames_captured"].as_u64().unwrap()
    };
    let before = heard().await;
    assert!(before > 0);
    listen(0.5).await;
    assert_eq!(heard().await, before);
    assert_eq!(hub.connects(DEVICE), 1, "it stays so");

    client.command("voice.connect", json!({})).await;
    connected(&house).await;
    let again = events
        .message_where("the call to be told", "/events", |message| {
            message.body["event"] == "voice.connected"
        })
        .await;
    assert_eq!(again.body["data"]["hub"], hub.url());
    assert_eq!(hub.connects(DEVICE), 2);
    assert_eq!(health(page).await.0, 200);
    until("the microphone to be heard again", async || {
        (heard().await > before).then_some(())
    })
    .await;
}
