//! How the daemon treats those who run it.

use crate::support::{House, Subscriber, Supervisor};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn the_supervisor_hears_of_the_start_the_life_and_the_end() {
    let house = House::build();
    let supervisor = Supervisor::listen(house.path("notify.socket"));
    let mut house = house
        .environment("NOTIFY_SOCKET", supervisor.address())
        .environment("WATCHDOG_USEC", "600000");
    house.start_everything().await;
    supervisor.hears("READY=1", 1).await;
    supervisor.hears("WATCHDOG=1", 4).await;
    house.end_service();
    let heard = supervisor.heard();
    let place = |line: &str| heard.iter().position(|heard| heard == line);
    assert!(place("READY=1") < place("STOPPING=1"), "{heard:?}");
    assert!(place("STOPPING=1").is_some(), "{heard:?}");
}

#[tokio::test]
async fn it_ends_within_two_seconds_and_says_offline_and_keeps_what_was_set() {
    let mut house = House::lived_in().await;
    let subscriber = Subscriber::start(&house, "amora/devices/test/connection").await;
    house
        .client()
        .command("audio.set_volume", json!({"volume": 37}))
        .await;
    let (took, status) = house.service().end();
    assert!(status.success(), "{status}");
    // Its own limit is two seconds; the rest is for a busy machine.
    assert!(took < Duration::from_secs(4), "{took:?}");
    subscriber
        .message_where("offline", "/connection", |message| {
            message.body["status"] == "offline"
        })
        .await;

    house.start_service().await;
    house
        .client()
        .state_where("the volume as it was left", |state| {
            state["audio"]["volume"] == 37
        })
        .await;
}

#[tokio::test]
async fn a_new_configuration_is_taken_up_and_a_broken_one_is_refused() {
    let mut house = House::lived_in().await;
    let client = house.client();
    let file = house.write_configuration();
    let good = std::fs::read_to_string(&file).unwrap();

    std::fs::write(&file, good.replace("Test box", "Kitchen")).unwrap();
    house.service().signal("HUP");
    client
        .state_where("the new name", |state| state["system"]["name"] == "Kitchen")
        .await;

    std::fs::write(
        &file,
        good.replace("Test box", "Cellar")
            .replace("volume = 100", "volume = \"loud\""),
    )
    .unwrap();
    house.service().signal("HUP");
    crate::support::until("the refusal in the log", async || {
        house.service().log().contains("refused").then_some(())
    })
    .await;
    assert_eq!(client.state().await["system"]["name"], "Kitchen");
    assert!(house.service().running());
}
