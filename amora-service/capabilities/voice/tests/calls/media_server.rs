//! The capability as a whole, by WHIP and WHEP, and with its health page.

use crate::hub::{Ear, TestHub};
use crate::peer::Peer;
use crate::{packet, patiently};
use amora_contract::config::{VoiceConfig, VoiceProtocol};
use amora_contract::state::VoiceLink;
use amora_contract::units::Seconds;
use amora_voice::{Arrival, Figures, Microphone, PAYLOAD_TYPE, Sound, Status, VoiceError, run};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{delete, post};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The capability, running.
struct Running {
    microphone: Microphone,
    heard: mpsc::UnboundedReceiver<Option<Arrival>>,
    figures: Arc<Figures>,
    status: watch::Receiver<Status>,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), VoiceError>>,
    _wanted: watch::Sender<bool>,
}

impl Running {
    fn start(config: VoiceConfig) -> Self {
        let figures = Arc::new(Figures::new());
        let microphone = Microphone::new(figures.clone());
        let (ear, heard) = mpsc::unbounded_channel();
        let (wanted, is_wanted) = watch::channel(true);
        let (tell, status) = watch::channel(Status::default());
        let shutdown = CancellationToken::new();
        let sound = Sound {
            microphone: microphone.clone(),
            downlink: Box::new(Ear(ear)),
            figures: figures.clone(),
        };
        let end = shutdown.clone();
        let task = tokio::spawn(async move { run(&config, "kitchen", sound, is_wanted, tell, end).await });
        Self {
            microphone,
            heard,
            figures,
            status,
            shutdown,
            task,
            _wanted: wanted,
        }
    }

    async fn reach(&mut self, link: VoiceLink) {
        let wait = self.status.wait_for(|status| status.link == link);
        patiently("the status", wait).await.unwrap();
    }

    async fn stop(self) {
        self.shutdown.cancel();
        patiently("the end", self.task).await.unwrap().unwrap();
    }
}

/// What the server tells of itself: a session that was made, or the name of one that was ended.
enum Tale {
    Made(String, Peer),
    Ended(String),
}

async fn make(
    State(tales): State<mpsc::UnboundedSender<Tale>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    offer: String,
) -> impl IntoResponse {
    assert_eq!(headers["authorization"], "Bearer token");
    assert_eq!(headers["content-type"], "application/sdp");
    let (peer, answer) = Peer::answer(&offer).await;
    let headers = [
        ("content-type", "application/sdp".to_owned()),
        ("location", format!("/session/{name}")),
    ];
    assert!(tales.send(Tale::Made(name, peer)).is_ok());
    (StatusCode::CREATED, headers, answer)
}

async fn end(State(tales): State<mpsc::UnboundedSender<Tale>>, Path(name): Path<String>) {
    assert!(tales.send(Tale::Ended(name)).is_ok());
}

#[tokio::test]
async fn whip_sends_the_microphone_and_whep_brings_speech() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, mut tales) = mpsc::unbounded_channel();
    let routes = Router::new()
        .route("/{name}", post(make))
        .route("/session/{name}", delete(end))
        .with_state(tell);
    let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let mut client = Running::start(VoiceConfig {
        protocol: VoiceProtocol::Whip,
        whip_url: Some(format!("http://{address}/whip")),
        whep_url: Some(format!("http://{address}/whep")),
        token: Some("token".to_owned()),
        ..VoiceConfig::default()
    });

    let (mut listening, mut speaking) = (None, None);
    while listening.is_none() || speaking.is_none() {
        match patiently("a session", tales.recv()).await.unwrap() {
            Tale::Made(name, peer) if name == "whip" => listening = Some(peer),
            Tale::Made(_, peer) => speaking = Some(peer),
            Tale::Ended(name) => panic!("{name} ended"),
        }
    }
    let (mut listening, mut speaking) = (listening.unwrap(), speaking.unwrap());
    patiently("the media", listening.connected()).await;
    patiently("the media", speaking.connected()).await;
    client.reach(VoiceLink::Connected).await;
    assert_eq!(client.figures.snapshot().counters.connections, 2);

    client.microphone.push(packet(1));
    let heard = patiently("the microphone", listening.heard.recv()).await.unwrap();
    assert_eq!(heard.payload, packet(1).payload);
    speaking.say(0, PAYLOAD_TYPE, b"hello").await;
    assert_eq!(
        patiently("the call's begin", client.heard.recv()).await,
        Some(None)
    );
    let arrival = patiently("the speech", client.heard.recv())
        .await
        .flatten()
        .unwrap();
    assert_eq!(&arrival.payload[..], b"hello");

    client.stop().await;
    let mut ended = Vec::new();
    while ended.len() < 2 {
        match patiently("the farewell", tales.recv()).await.unwrap() {
            Tale::Ended(name) => ended.push(name),
            Tale::Made(name, _) => panic!("{name} was called again"),
        }
    }
    ended.sort();
    assert_eq!(ended, ["whep", "whip"]);
    listening.close().await;
    speaking.close().await;
    server.abort();
}

#[tokio::test]
async fn the_health_page_tells_of_the_call() {
    let mut hub = TestHub::start("127.0.0.1:0".parse().unwrap()).await;
    // An address of this process alone, so that the port is free.
    let [_, a, b, c] = std::process::id().to_be_bytes();
    let page = format!("127.{}.{b}.{c}:8081", 1 + a % 200);
    let mut client = Running::start(VoiceConfig {
        hub_url: format!("http://{}", hub.address),
        health_address: Some(page.clone()),
        reconnect_delay: Seconds(0.1),
        max_reconnect_delay: Seconds(0.2),
        disconnected_grace: Seconds(0.1),
        ..VoiceConfig::default()
    });
    let ask = async || {
        let response = reqwest::get(format!("http://{page}/health")).await.unwrap();
        let status = response.status().as_u16();
        (status, response.json::<serde_json::Value>().await.unwrap())
    };
    let peer = hub.call().await;
    client.reach(VoiceLink::Connected).await;
    let (status, body) = ask().await;
    assert_eq!(
        (status, &body["connected"], &body["connections"]),
        (200, &true.into(), &1.into())
    );

    hub.stop().await;
    peer.close().await;
    client.reach(VoiceLink::Waiting).await;
    let (status, body) = ask().await;
    assert_eq!((status, &body["connected"]), (503, &false.into()));
    client.stop().await;
}
