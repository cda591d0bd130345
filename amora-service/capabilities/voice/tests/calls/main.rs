//! Calls over the loopback interface: real sockets, real encryption.

mod hub;
mod media_server;
mod peer;

use amora_voice::signalling::check_answer;
use amora_voice::{
    Direction, MediaSession, MediaState, OpusPacket, PAYLOAD_TYPE, SessionEvent, SessionSettings,
    WebRtcSession,
};
use bytes::Bytes;
use peer::{Peer, STREAM};
use std::time::Duration;

/// Longer than anything here takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn settings(direction: Direction) -> SessionSettings {
    SessionSettings {
        direction,
        addresses: vec!["127.0.0.1:0".to_owned()],
        ice_servers: Vec::new(),
    }
}

async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: waited for it in vain"),
    }
}

async fn state(session: &mut WebRtcSession, wanted: MediaState) {
    loop {
        match session.next().await.expect("the session goes on") {
            SessionEvent::State(state) if state == wanted => return,
            _ => {}
        }
    }
}

fn packet(number: u64) -> OpusPacket {
    OpusPacket {
        position: number * 960,
        frames: 960,
        payload: Bytes::from(format!("packet {number}")),
    }
}

#[tokio::test]
async fn the_offer_is_what_a_hub_takes() {
    let mut session = WebRtcSession::new(settings(Direction::Both)).await.unwrap();
    let offer = patiently("the offer", session.offer()).await.unwrap();
    let lines: Vec<&str> = offer.lines().map(str::trim_end).collect();
    assert_eq!(
        lines.iter().filter(|line| line.starts_with("m=")).count(),
        1,
        "{offer}"
    );
    let audio = lines.iter().find(|line| line.starts_with("m=audio ")).unwrap();
    assert!(
        audio.ends_with(&format!(" {PAYLOAD_TYPE}")),
        "Opus alone: {audio}"
    );
    for line in ["a=rtpmap:111 opus/48000/2", "a=sendrecv"] {
        assert!(lines.contains(&line), "{line}: {offer}");
    }
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("a=candidate:") && line.contains("127.0.0.1")),
        "{offer}"
    );
    session.close().await;
}

#[tokio::test]
async fn each_direction_is_offered() {
    for (direction, line) in [
        (Direction::Send, "a=sendonly"),
        (Direction::Receive, "a=recvonly"),
    ] {
        let mut session = WebRtcSession::new(settings(direction)).await.unwrap();
        let offer = patiently("the offer", session.offer()).await.unwrap();
        assert!(offer.contains(line), "{line}: {offer}");
        session.close().await;
    }
}

#[tokio::test]
async fn packets_go_both_ways() {
    let mut session = WebRtcSession::new(settings(Direction::Both)).await.unwrap();
    let offer = session.offer().await.unwrap();
    let (mut peer, answer) = Peer::answer(&offer).await;
    assert_eq!(check_answer(&answer, Direction::Both), Ok(()), "{answer}");
    session.answer(&answer).await.unwrap();
    patiently("the connection", state(&mut session, MediaState::Connected)).await;
    patiently("the peer's connection", peer.connected()).await;

    // Half a second of silence between the second and the third.
    for number in [0, 1, 27, 28] {
        session.send(packet(number)).await.unwrap();
    }
    let mut heard = Vec::new();
    patiently("what the box says", async {
        while heard.len() < 4 {
            heard.push(peer.heard.recv().await.unwrap());
        }
    })
    .await;
    let payloads: Vec<&[u8]> = heard.iter().map(|packet| &packet.payload[..]).collect();
    assert_eq!(
        payloads,
        [&b"packet 0"[..], b"packet 1", b"packet 27", b"packet 28"]
    );
    let first = &heard[0].header;
    for (index, (number, marker)) in [(0u32, true), (1, false), (27, true), (28, false)]
        .into_iter()
        .enumerate()
    {
        let header = &heard[index].header;
        assert_eq!(header.payload_type, PAYLOAD_TYPE);
        assert_eq!(
            header.sequence_number,
            first.sequence_number.wrapping_add(index as u16)
        );
        assert_eq!(header.timestamp, first.timestamp.wrapping_add(number * 960));
        assert_eq!(header.marker, marker, "packet {number}");
    }

    peer.say(0, PAYLOAD_TYPE, b"hello").await;
    // As far as SRTP lets a sequence jump at most, and something that is no Opus.
    peer.say(32_000, PAYLOAD_TYPE, b"far away").await;
    peer.say(32_001, 0, b"no Opus").await;
    peer.say(32_002, PAYLOAD_TYPE, b"bye").await;
    let mut arrived = Vec::new();
    patiently("what the peer says", async {
        while arrived.len() < 3 {
            if let Some(SessionEvent::Packet(arrival)) = session.next().await {
                arrived.push((
                    arrival.stream,
                    arrival.sequence,
                    arrival.timestamp,
                    arrival.payload,
                ));
            }
        }
    })
    .await;
    assert_eq!(
        arrived,
        [
            (STREAM, 0, 0, Bytes::from_static(b"hello")),
            (STREAM, 32_000, 30_720_000, Bytes::from_static(b"far away")),
            (STREAM, 32_002, 30_721_920, Bytes::from_static(b"bye")),
        ]
    );

    peer.close().await;
    session.close().await;
}

#[tokio::test]
async fn a_farewell_ends_the_call_before_its_packets_are_missed() {
    for direction in [Direction::Both, Direction::Receive] {
        let mut session = WebRtcSession::new(settings(direction)).await.unwrap();
        let (mut peer, answer) = Peer::answer(&session.offer().await.unwrap()).await;
        session.answer(&answer).await.unwrap();
        patiently("the connection", state(&mut session, MediaState::Connected)).await;
        patiently("the peer's connection", peer.connected()).await;
        peer.say(0, PAYLOAD_TYPE, b"goodbye").await;
        let said = patiently("the last word", session.next()).await;
        assert!(matches!(said, Some(SessionEvent::Packet(_))), "{said:?}");
        peer.close().await;
        let farewell = patiently("the farewell", session.next()).await;
        assert!(
            matches!(farewell, Some(SessionEvent::State(MediaState::Closed))),
            "{farewell:?}"
        );
        session.close().await;
    }
}

#[tokio::test]
async fn packets_are_encrypted_with_authentication() {
    let mut session = WebRtcSession::new(settings(Direction::Both)).await.unwrap();
    let (mut peer, answer) = Peer::answer(&session.offer().await.unwrap()).await;
    session.answer(&answer).await.unwrap();
    patiently("the peer's connection", peer.connected()).await;
    let cipher = peer.cipher().await.to_lowercase();
    assert!(cipher.contains("aead") && cipher.contains("gcm"), "{cipher}");
    peer.close().await;
    session.close().await;
}

#[tokio::test]
async fn a_session_moves_to_another_path() {
    let mut session = WebRtcSession::new(settings(Direction::Both)).await.unwrap();
    let offer = session.offer().await.unwrap();
    let (mut peer, answer) = Peer::answer(&offer).await;
    session.answer(&answer).await.unwrap();
    patiently("the connection", state(&mut session, MediaState::Connected)).await;
    patiently("the peer's connection", peer.connected()).await;
    session.send(packet(0)).await.unwrap();
    patiently("the first path", peer.heard.recv()).await.unwrap();

    let another = patiently("another offer", session.restart()).await.unwrap();
    let path = |sdp: &str| {
        let of = |prefix: &str| {
            let line = sdp.lines().find(|line| line.starts_with(prefix));
            line.unwrap_or_else(|| panic!("no {prefix}: {sdp}")).to_owned()
        };
        [of("a=ice-ufrag:"), of("a=ice-pwd:"), of("a=candidate:")]
    };
    for (before, after) in path(&offer).iter().zip(path(&another)) {
        assert_ne!(*before, after);
    }
    let answer = patiently("another answer", peer.answer_again(&another)).await;
    session.answer(&answer).await.unwrap();
    patiently("the new path", async {
        let mut number = 1;
        loop {
            session.send(packet(number)).await.unwrap();
            number += 1;
            let wait = tokio::time::timeout(Duration::from_millis(50), peer.heard.recv());
            if let Ok(heard) = wait.await {
                assert!(heard.unwrap().payload.starts_with(b"packet "));
                return;
            }
        }
    })
    .await;
    peer.close().await;
    session.close().await;
}

#[tokio::test]
async fn nothing_is_left_of_sessions_that_ended() {
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = alive();
    for number in 0..20 {
        let mut session = WebRtcSession::new(settings(Direction::Both)).await.unwrap();
        let offer = session.offer().await.unwrap();
        if number % 2 == 0 {
            let (peer, answer) = Peer::answer(&offer).await;
            session.answer(&answer).await.unwrap();
            peer.close().await;
            session.close().await;
        }
        drop(session);
    }
    patiently("the last task's end", async {
        while alive() > before {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_used_is_an_error() {
    for answer in [
        "",
        "v=0",
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 X 111\r\n",
    ] {
        let mut session = WebRtcSession::new(settings(Direction::Both)).await.unwrap();
        session.offer().await.unwrap();
        let error = session.answer(answer).await.unwrap_err().to_string();
        assert!(error.starts_with("the answer cannot be used: "), "{error}");
        session.close().await;
    }
}
