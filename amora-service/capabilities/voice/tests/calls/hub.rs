//! Whole calls to a hub that comes and goes.

use crate::peer::Peer;
use crate::{PATIENCE, packet, patiently};
use amora_contract::state::VoiceLink;
use amora_voice::signalling::Hub;
use amora_voice::{
    Arrival, Direction, Downlink, Figures, Leg, Microphone, PAYLOAD_TYPE, Patience, Status, WebRtcSessions,
};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Answers `/connect`, and hands out the peers.
pub(crate) struct TestHub {
    pub(crate) address: SocketAddr,
    peers: mpsc::UnboundedReceiver<Peer>,
    task: JoinHandle<()>,
}

impl TestHub {
    pub(crate) async fn start(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, peers) = mpsc::unbounded_channel();
        let routes = Router::new().route("/connect", post(connect)).with_state(sender);
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { address, peers, task }
    }

    /// The next call that connects.
    pub(crate) async fn call(&mut self) -> Peer {
        let mut peer = patiently("a call", self.peers.recv()).await.unwrap();
        patiently("the call's media", peer.connected()).await;
        peer
    }

    pub(crate) async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

async fn connect(
    State(peers): State<mpsc::UnboundedSender<Peer>>,
    Json(request): Json<Value>,
) -> (StatusCode, Json<Value>) {
    assert_eq!(request["device_id"], "kitchen");
    let (peer, sdp) = Peer::answer(request["sdp"].as_str().unwrap()).await;
    peers.send(peer).map_err(|_| "nobody waits").unwrap();
    (StatusCode::OK, Json(json!({"sdp": sdp})))
}

/// Tells what comes.
pub(crate) struct Ear(pub(crate) mpsc::UnboundedSender<Option<Arrival>>);

impl Downlink for Ear {
    fn begin(&mut self) {
        let _ = self.0.send(None);
    }

    fn arrived(&mut self, arrival: Arrival) {
        let _ = self.0.send(Some(arrival));
    }

    fn end(&mut self) {}
}

#[tokio::test]
async fn a_hub_that_restarts_is_called_again_and_hears_nothing_stale() {
    let mut hub = TestHub::start("127.0.0.1:0".parse().unwrap()).await;
    let figures = Arc::new(Figures::new());
    let microphone = Microphone::new(figures.clone());
    let (ear, mut heard) = mpsc::unbounded_channel();
    let status = watch::Sender::new(Status::default());
    let mut link = status.subscribe();
    let leg = Leg {
        signalling: Box::new(Hub::new(&format!("http://{}", hub.address), "kitchen").unwrap()),
        sessions: Arc::new(WebRtcSessions),
        direction: Direction::Both,
        addresses: vec!["127.0.0.1:0".to_owned()],
        patience: Patience {
            first: Duration::from_millis(100),
            longest: Duration::from_millis(200),
            grace: Duration::from_millis(100),
        },
        microphone: Some(microphone.clone()),
        downlink: Some(Box::new(Ear(ear))),
        figures: figures.clone(),
        status,
    };
    let (wanted, is_wanted) = watch::channel(true);
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(leg.run(is_wanted, shutdown.clone()));
    let mut reach = async |wanted: VoiceLink| {
        let wait = link.wait_for(|status| status.link == wanted);
        patiently("the status", wait).await.unwrap();
    };

    for number in 0..3u64 {
        // What is said while there is no call is never heard.
        for stale in 0..10 {
            microphone.push(packet(1_000 + stale));
        }
        let mut peer = hub.call().await;
        reach(VoiceLink::Connected).await;
        microphone.push(packet(number));
        let first = patiently("the microphone", peer.heard.recv()).await.unwrap();
        assert_eq!(first.payload, packet(number).payload);

        peer.say(0, PAYLOAD_TYPE, b"hello").await;
        assert_eq!(patiently("the call's begin", heard.recv()).await, Some(None));
        let arrival = patiently("the speech", heard.recv()).await.flatten().unwrap();
        assert_eq!(&arrival.payload[..], b"hello");

        let address = hub.address;
        hub.stop().await;
        peer.close().await;
        let failures = figures.snapshot().counters.connection_failures;
        patiently("a failure to connect", async {
            while figures.snapshot().counters.connection_failures == failures {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        hub = TestHub::start(address).await;
    }
    let last = hub.call().await;
    reach(VoiceLink::Connected).await;

    let counters = figures.snapshot().counters;
    assert_eq!(counters.connections, 4);
    assert_eq!(counters.mic_frames_sent, 3);
    assert_eq!(counters.tts_frames_received, 3);

    wanted.send_replace(false);
    reach(VoiceLink::Off).await;
    wanted.send_replace(true);
    let again = hub.call().await;
    reach(VoiceLink::Connected).await;

    shutdown.cancel();
    tokio::time::timeout(PATIENCE, task).await.unwrap().unwrap();
    reach(VoiceLink::Off).await;
    last.close().await;
    again.close().await;
    hub.stop().await;
}
