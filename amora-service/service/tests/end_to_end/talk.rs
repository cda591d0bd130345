//! Talking into the room through the web door, and hearing there what the microphone and the hub hear.

use crate::sound::{listen, play_tone};
use crate::support::{House, PATIENCE, recorded, until};
use amora_peer_hub::{Hub, Options, Session};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::f64::consts::TAU;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

const RATE: usize = 48_000;

/// Samples per measurement: 20 ms, a whole number of cycles of both tones.
const BLOCK: usize = 960;

/// What the box plays.
const MUSIC: f64 = 400.0;

/// What is said into the room.
const TALK: f64 = 1000.0;
const DECIBELS: f64 = -26.0;

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) async fn socket(house: &House, path: &str) -> Socket {
    let code = std::fs::read_to_string(house.path("data/login-code")).unwrap();
    let mut request = format!("ws://127.0.0.1:{}{path}", house.web_port)
        .into_client_request()
        .unwrap();
    let code = format!("Bearer {}", code.trim()).parse().unwrap();
    request.headers_mut().insert("authorization", code);
    tokio_tungstenite::connect_async(request).await.unwrap().0
}

/// Follows `/api/hear`.
struct Hearer(Arc<Mutex<Vec<[i16; 2]>>>);

impl Hearer {
    async fn open(house: &House) -> Self {
        let mut socket = socket(house, "/api/hear").await;
        let heard = Arc::<Mutex<Vec<[i16; 2]>>>::default();
        let hearing = heard.clone();
        tokio::spawn(async move {
            while let Some(Ok(message)) = socket.next().await {
                if let Message::Binary(bytes) = message {
                    assert_eq!(bytes.len(), 480 * 4);
                    let frames = bytes.as_chunks::<4>().0.iter();
                    let frames = frames
                        .map(|[a, b, c, d]| [i16::from_le_bytes([*a, *b]), i16::from_le_bytes([*c, *d])]);
                    hearing.lock().unwrap().extend(frames);
                }
            }
        });
        Self(heard)
    }

    /// The next second: the levels of a tone at the microphone and of what goes to the hub.
    async fn levels(&self, hertz: f64) -> [f64; 2] {
        self.0.lock().unwrap().clear();
        let frames = until("a second to be heard", async || {
            let mut heard = self.0.lock().unwrap();
            (heard.len() >= RATE).then(|| std::mem::take(&mut *heard))
        })
        .await;
        [0, 1].map(|side| {
            let samples: Vec<i16> = frames.iter().map(|frame| frame[side]).collect();
            level(&samples, hertz)
        })
    }
}

/// Median peak level of a tone over blocks of 20 ms.
fn level(samples: &[i16], hertz: f64) -> f64 {
    let mut levels: Vec<f64> = samples
        .chunks_exact(BLOCK)
        .map(|block| {
            let (cosine, sine) = block.iter().enumerate().fold((0.0, 0.0), |(c, s), (n, sample)| {
                let phase = TAU * hertz * n as f64 / RATE as f64;
                let sample = f64::from(*sample) / 32_768.0 * 2.0 / BLOCK as f64;
                (c + sample * phase.cos(), s + sample * phase.sin())
            });
            20.0 * f64::hypot(cosine, sine).max(1e-6).log10()
        })
        .collect();
    levels.sort_by(f64::total_cmp);
    levels.get(levels.len() / 2).copied().unwrap_or(-120.0)
}

/// The talker's tone from a sample on, as it goes over the wire.
fn said(start: usize, samples: usize) -> Message {
    let amplitude = 10f64.powf(DECIBELS / 20.0) * 32_768.0;
    let sample = |n: usize| (amplitude * (TAU * TALK * n as f64 / RATE as f64).sin()).round() as i16;
    Message::binary(
        (start..start + samples)
            .flat_map(|n| sample(n).to_le_bytes())
            .collect::<Vec<u8>>(),
    )
}

/// The socket of a talker, once the one before was found to be gone.
async fn talk_socket(house: &House) -> Socket {
    until("the next one to talk", async || {
        let mut socket = socket(house, "/api/talk").await;
        let refused = tokio::time::timeout(Duration::from_millis(300), socket.next()).await;
        refused.is_err().then_some(socket)
    })
    .await
}

/// Talks at the pace of speech until it is aborted.
async fn talker(house: &House) -> JoinHandle<()> {
    let mut mouth = talk_socket(house).await;
    tokio::spawn(async move {
        let mut pieces = tokio::time::interval(Duration::from_millis(20));
        let mut start = 0;
        loop {
            pieces.tick().await;
            mouth.send(said(start, BLOCK)).await.unwrap();
            start += BLOCK;
        }
    })
}

/// The talker's levels: at the microphone, on the way to the hub, and there.
async fn levels_of_talk(hearer: &Hearer, session: &Session) -> [f64; 3] {
    let [microphone, clean] = hearer.levels(TALK).await;
    let hub = level(&session.heard(1.0), TALK);
    eprintln!(
        "the talker: {microphone:.1} dB at the microphone, {clean:.1} dB for the hub, {hub:.1} dB there"
    );
    [microphone, clean, hub]
}

/// A box in which there was a talk over music.
async fn talk() -> House {
    let hub = Hub::start(Options::default()).await.unwrap();
    let mut house = House::build()
        .environment("NAILA_HUB_URL", hub.url())
        // As loud at the microphone as at the card, so that only cancelling makes it quieter.
        .environment("AMORA__AUDIO__ROOM__ECHO", "0");
    house.start_everything().await;
    let session = hub.connected("test").await;
    let client = house.client();
    client
        .state_where("the call to stand", |state| state["voice"]["link"] == "connected")
        .await;
    let hearer = Hearer::open(&house).await;

    let talking = talker(&house).await;
    until("the talker to be heard", async || {
        let heard = levels_of_talk(&hearer, &session).await;
        heard
            .iter()
            .zip([1.0, 3.0, 3.0])
            .all(|(level, off)| (level - DECIBELS).abs() < off)
            .then_some(())
    })
    .await;
    talking.abort();
    let _ = talking.await;

    play_tone(&house, MUSIC).await;
    until("the echo to be taken away", async || {
        let [echo, left] = hearer.levels(MUSIC).await;
        eprintln!("the box's tone: {echo:.1} dB at the microphone, {left:.1} dB for the hub");
        ((echo + 20.0).abs() < 8.0 && left < echo - 20.0).then_some(())
    })
    .await;

    let talking = talker(&house).await;
    until("the talker to be heard over the music", async || {
        let [microphone, clean, hub] = levels_of_talk(&hearer, &session).await;
        // A tone that never changes is taken for echo, in part.
        ((microphone - DECIBELS).abs() < 1.0 && clean > DECIBELS - 12.0 && hub > DECIBELS - 12.0)
            .then_some(())
    })
    .await;
    let [echo, left] = hearer.levels(MUSIC).await;
    assert!(
        left < echo - 20.0,
        "the box's tone stays away while somebody talks: {echo} dB, {left} dB"
    );
    listen(2.0).await;
    talking.abort();
    let _ = talking.await;

    // All of five seconds at once is more than may wait.
    let (mut mouth, mut told) = talk_socket(&house).await.split();
    for second in 0..10 {
        mouth.send(said(second * RATE / 2, RATE / 2)).await.unwrap();
    }
    let mut dropped = 0;
    while dropped < 3 * RATE as u64 {
        let message = tokio::time::timeout(PATIENCE, told.next()).await;
        if let Message::Text(text) = message.expect("it is told").unwrap().unwrap() {
            let message: Value = serde_json::from_str(&text).unwrap();
            dropped += message["dropped"].as_u64().unwrap();
        }
    }
    house
}

#[tokio::test]
async fn who_talks_into_the_room_reaches_the_hub_without_the_music_and_the_music_does_not_stumble() {
    let recording = recorded(talk).await;
    let stretch = recording.stretch(MUSIC, -26.0, 1.0);
    let seconds = stretch.len() / RATE;
    assert!(seconds >= 3, "music for {seconds} s");
    let blocks = stretch.start / BLOCK..stretch.end / BLOCK;
    let leaked = recording.levels(TALK)[blocks]
        .iter()
        .filter(|level| **level > -60.0)
        .count();
    assert!(leaked < 5, "the talker does not leave the card: {leaked} × 20 ms");
    let found = recording.steadiness(stretch, MUSIC);
    assert!(found.disturbance < -50.0, "a gap or click: {found:?}");
}
