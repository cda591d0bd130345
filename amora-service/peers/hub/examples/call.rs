//! Calls a hub with the box's own session and signalling, for tests of the hubs: speaks a tone of 1 kHz until so many
//! packets have come, writes their sound to a WAV file, and prints their numbers.
//!
//! `cargo run -p amora-peer-hub --example call -- URL PACKETS FILE`

use amora_peer_hub::{FRAME, RATE, write_wav};
use amora_voice::signalling::{Hub, Signalling, check_answer};
use amora_voice::{
    Direction, MediaSession, MediaState, OpusPacket, SessionEvent, SessionSettings, WebRtcSession,
};
use anyhow::Context;
use std::f64::consts::TAU;
use std::time::Duration;

/// Bytes of the largest packet.
const LARGEST: usize = 1_275;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().context("usage: call URL PACKETS FILE");
    let (url, count, file) = (next()?, next()?.parse()?, next()?);

    let mut session = WebRtcSession::new(SessionSettings {
        direction: Direction::Both,
        addresses: vec!["127.0.0.1:0".to_owned()],
        ice_servers: Vec::new(),
    })
    .await?;
    let offer = session.offer().await?;
    let answer = Hub::new(&url, "desk")?.connect(&offer).await?;
    check_answer(&answer, Direction::Both)?;
    session.answer(&answer).await?;

    let mut encoder = opus::Encoder::new(RATE, opus::Channels::Mono, opus::Application::Voip)?;
    let mut decoder = opus::Decoder::new(RATE, opus::Channels::Mono)?;
    let (mut heard, mut numbers) = (Vec::new(), Vec::new());
    let (mut position, mut connected) = (0, false);
    let mut clock = tokio::time::interval(Duration::from_millis(20));
    while numbers.len() < count {
        tokio::select! {
            _ = clock.tick(), if connected => {
                let payload = encoder.encode_vec(&tone(position), LARGEST)?.into();
                session.send(OpusPacket { position, frames: FRAME as u32, payload }).await?;
                position += FRAME as u64;
            }
            event = session.next() => match event.context("the session has ended")? {
                SessionEvent::State(state) => connected = state == MediaState::Connected,
                SessionEvent::Packet(arrival) => {
                    let mut frame = [0; FRAME];
                    let length = decoder.decode(&arrival.payload, &mut frame, false)?;
                    heard.extend(&frame[..length]);
                    numbers.push((arrival.sequence, arrival.timestamp));
                }
            }
        }
    }
    session.close().await;
    std::fs::write(file, write_wav(&heard))?;
    println!("{}", serde_json::to_string(&numbers)?);
    Ok(())
}

/// 20 ms from this sample on.
fn tone(position: u64) -> [i16; FRAME] {
    std::array::from_fn(|index| {
        let sample = (position as usize + index) as f64;
        (8_000.0 * (TAU * 1_000.0 * sample / f64::from(RATE)).sin()) as i16
    })
}
