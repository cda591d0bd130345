//! A hub whose machine loses its power: nobody says goodbye.

use super::{DEVICE, Music, assert_never_stumbled, calling, connected};
use crate::support::recorded;
use amora_peer_hub::{Hub, Options};
use serde_json::Value;
use std::cell::Cell;
use std::time::Duration;
use tokio::runtime::Runtime;

/// A machine that runs a hub.
struct Machine {
    hub: Hub,
    runtime: Option<Runtime>,
}

impl Machine {
    async fn start(port: u16) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        let options = Options {
            port,
            ..Options::default()
        };
        let hub = runtime.spawn(Hub::start(options)).await.unwrap().unwrap();
        Self {
            hub,
            runtime: Some(runtime),
        }
    }
}

impl Drop for Machine {
    /// Its tasks are dropped where they stand, and so are their sockets, before the hub can notice.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            let end = std::thread::spawn(move || runtime.shutdown_timeout(Duration::from_secs(10)));
            let _ = end.join();
        }
    }
}

#[tokio::test]
async fn a_hub_that_vanishes_is_waited_for_given_up_and_called_again_and_the_music_does_not_notice() {
    let played = Cell::new(Duration::ZERO);
    let recording = recorded(async || {
        let machine = Machine::start(0).await;
        let port = machine.hub.port();
        let mut house = calling(machine.hub.url()).environment("AMORA__VOICE__DISCONNECTED_GRACE", "1.5");
        house.start_everything().await;
        machine.hub.connected(DEVICE).await;
        connected(&house).await;
        let music = Music::play(&house).await;
        let client = house.client();

        drop(machine);
        // It is called again at once, while its packets may come back.
        let told = |cause: &Value| {
            let cause = cause.as_str().unwrap_or_default();
            cause == "its packets stopped" || cause.starts_with("no answer: ")
        };
        let state = client
            .state_where("the silence to be noticed", |state| {
                state["voice"]["link"] == "interrupted"
            })
            .await;
        assert!(told(&state["voice"]["cause"]), "{}", state["voice"]);
        client
            .state_where("the health to tell", |state| {
                told(&state["system"]["health"]["voice"]["cause"])
            })
            .await;
        let failed = |state: &Value| state["voice"]["counters"]["connection_failures"].as_u64() > Some(0);
        let state = client
            .state_where("the call to be given up, and an attempt to fail", |state| {
                state["voice"]["link"] == "waiting" && failed(state)
            })
            .await;
        let cause = state["voice"]["cause"].as_str().unwrap();
        assert!(cause.starts_with("no answer: "), "{cause}");
        assert_eq!(state["system"]["health"]["voice"]["condition"], "degraded");

        let machine = Machine::start(port).await;
        machine.hub.connected(DEVICE).await;
        let state = connected(&house).await;
        assert_eq!(state["voice"]["cause"], "");
        assert_eq!(state["voice"]["counters"]["connections"], 2);
        played.set(music.played());
        house
    })
    .await;
    assert_never_stumbled(&recording, played.get());
}
