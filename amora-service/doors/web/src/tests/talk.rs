//! Hearing what the microphone hears, and talking into the room.

use super::*;
use amora_router::{Ear, MICROPHONE_BLOCK_FRAMES, SoundBlock};

async fn open(fixture: &Fixture, path: &str) -> Socket {
    let bearer = format!("Bearer {}", fixture.code);
    fixture
        .socket_with(path, &[("authorization", &bearer)])
        .await
        .unwrap()
}

/// Code and reason of the close frame that ends the socket.
async fn farewell(mut socket: Socket) -> (u16, String) {
    loop {
        if let Message::Close(frame) = socket.raw().await.expect("a close frame comes before the end") {
            let frame = frame.unwrap();
            return (frame.code.into(), frame.reason.to_string());
        }
    }
}

/// An ear that has room for so many samples of each message, and what it heard.
fn ear(fixture: &Fixture, room: usize) -> (Arc<Ear>, Arc<Mutex<Vec<f32>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = heard.clone();
    let ear = fixture.router.open_ear(move |samples| {
        let said = samples.len().min(room);
        hearing.lock().unwrap().extend_from_slice(&samples[..said]);
        said
    });
    (ear, heard)
}

fn sound(samples: &[i16]) -> Message {
    Message::binary(
        samples
            .iter()
            .flat_map(|sample| sample.to_le_bytes())
            .collect::<Vec<u8>>(),
    )
}

#[tokio::test]
async fn what_the_microphone_hears_comes_while_there_is_a_voice_desk() {
    let fixture = Fixture::new().await;
    let (code, reason) = farewell(open(&fixture, "/api/hear").await).await;
    assert!(code == 1008 && reason.contains("voice desk"), "{code} {reason}");

    fixture
        .router
        .update_state(|state| state.voice = Some(Default::default()));
    let mut socket = open(&fixture, "/api/hear").await;
    until_open(&fixture, SocketKind::Hear, 1).await;
    let microphone = fixture.router.microphone().clone();
    while microphone.receiver_count() == 0 {
        tokio::task::yield_now().await;
    }
    let block: SoundBlock = [-2, 515].repeat(MICROPHONE_BLOCK_FRAMES).into();
    microphone.send(block).unwrap();
    let Some(Message::Binary(bytes)) = socket.raw().await else {
        panic!("no sound");
    };
    assert_eq!(&bytes[..], [0xfe, 0xff, 3, 2].repeat(MICROPHONE_BLOCK_FRAMES));
    assert_eq!(
        fixture.router.sound().receiver_count(),
        0,
        "what leaves the card is another stream"
    );

    fixture.router.update_state(|state| state.voice = None);
    let (code, reason) = farewell(socket).await;
    assert!(code == 1008 && reason.contains("voice desk"), "{code} {reason}");
    until_open(&fixture, SocketKind::Hear, 0).await;
}

#[tokio::test]
async fn one_talker_at_a_time_is_heard_where_there_is_a_room() {
    let fixture = Fixture::new().await;
    let (code, reason) = farewell(open(&fixture, "/api/talk").await).await;
    assert!(
        code == 1008 && reason.contains("simulated room"),
        "{code} {reason}"
    );

    let (room, heard) = ear(&fixture, usize::MAX);
    let mut socket = open(&fixture, "/api/talk").await;
    socket
        .0
        .send(sound(&[0, 16_384, -32_768, i16::MAX]))
        .await
        .unwrap();
    let all = [0.0, 0.5, -1.0, 32_767.0 / 32_768.0];
    let arrived = async {
        while *heard.lock().unwrap() != all {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, arrived)
        .await
        .expect("it is heard");
    let (code, reason) = farewell(open(&fixture, "/api/talk").await).await;
    assert!(
        code == 1013 && reason.contains("somebody else"),
        "{code} {reason}"
    );

    drop(socket);
    until_open(&fixture, SocketKind::Talk, 0).await;
    let mut next = open(&fixture, "/api/talk").await;
    until_open(&fixture, SocketKind::Talk, 1).await;
    drop(room);
    next.0.send(sound(&[1])).await.unwrap();
    let (code, reason) = farewell(next).await;
    assert!(code == 1013 && reason.contains("closed"), "{code} {reason}");
}

#[tokio::test]
async fn what_there_is_no_room_for_is_told_at_most_once_a_second() {
    let fixture = Fixture::new().await;
    let (_room, heard) = ear(&fixture, 100);
    let start = std::time::Instant::now();
    let mut socket = open(&fixture, "/api/talk").await;
    for _ in 0..10 {
        socket.0.send(sound(&[7; 960])).await.unwrap();
    }
    let (mut dropped, mut told) = (0, 0);
    while dropped < 10 * 860 {
        dropped += socket.hear_next("dropped").await.as_u64().unwrap();
        told += 1;
    }
    assert_eq!(dropped, 10 * 860);
    assert!(told <= start.elapsed().as_secs(), "told {told} times");
    assert_eq!(heard.lock().unwrap().len(), 10 * 100);
}

#[tokio::test]
async fn what_is_no_speech_ends_the_talk_with_a_reason() {
    let fixture = Fixture::new().await;
    let (_room, heard) = ear(&fixture, usize::MAX);
    for (message, times, code, word) in [
        (Message::text("{}"), 1, 1003, "binary"),
        (Message::binary(vec![0; 3]), 1, 1007, "half a sample"),
        (Message::binary(vec![0; 64 * 1024 + 2]), 1, 1009, "64 KiB"),
        (Message::binary(vec![]), 100_000, 1008, "too much"),
        (Message::binary(vec![0; 64 * 1024]), 1_000, 1008, "too much"),
    ] {
        heard.lock().unwrap().clear();
        let (mut to, mut from) = open(&fixture, "/api/talk").await.0.split();
        let sending = async {
            for _ in 0..times {
                if to.send(message.clone()).await.is_err() {
                    break;
                }
            }
            std::future::pending::<()>().await
        };
        let hearing = async {
            loop {
                let message = from.next().await.expect("a close frame comes before the end");
                if let Message::Close(frame) = message.unwrap() {
                    break frame.unwrap();
                }
            }
        };
        let frame = tokio::select! {
            () = sending => unreachable!(),
            frame = tokio::time::timeout(PATIENCE, hearing) => frame.expect("it should end"),
        };
        let (told, reason) = (u16::from(frame.code), frame.reason);
        assert!(told == code && reason.contains(word), "{told} {reason}");
        assert!(heard.lock().unwrap().len() <= 20 * 48_000);
        until_open(&fixture, SocketKind::Talk, 0).await;
    }
}

#[tokio::test]
async fn the_talk_ends_with_its_session() {
    let fixture = Fixture::new().await;
    let _room = ear(&fixture, usize::MAX);
    let browser = fixture.log_in().await;
    let socket = fixture
        .socket_with("/api/talk", &[("cookie", &browser.cookie)])
        .await
        .unwrap();
    until_open(&fixture, SocketKind::Talk, 1).await;
    let answer = fixture
        .request(Method::DELETE, "/api/session")
        .header("cookie", &browser.cookie)
        .header("x-amora-csrf", &browser.csrf)
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success());
    assert_eq!(farewell(socket).await, (1008, "the session has ended".to_owned()));
}
