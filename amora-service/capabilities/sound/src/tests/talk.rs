//! Talking into the room, and being heard by its microphone.

use super::*;
use amora_router::TalkError;
use std::f64::consts::TAU;

const RATE: Hertz = Hertz(48_000.0);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_reaches_the_microphone_and_does_not_leave_the_card() {
    let rig = Rig::start(config());
    rig.audio_until("a room", |audio| audio.card.running && audio.card.kind == "room")
        .await;
    let talker = rig.router.talk().expect("the room can be talked into");
    assert_eq!(rig.router.talk().err(), Some(TalkError::Taken));
    let console = rig.consoles.borrow().clone().expect("there is an engine");
    let mut microphone = console.microphone().unwrap();
    let mut sound = rig.router.sound().subscribe();

    // In pieces of 20 ms, as a page sends them.
    let mut taken = Vec::new();
    let mut said = 0;
    let mut pieces = tokio::time::interval(Duration::from_millis(20));
    while said < 96_000 {
        pieces.tick().await;
        let piece: Vec<f32> = (said..said + 960)
            .map(|n| (0.1 * (TAU * 997.0 * n as f64 / RATE.0).sin()) as f32)
            .collect();
        said += talker.say(&piece).expect("the room is there");
        microphone.read_all(&mut taken);
    }
    let start = taken
        .iter()
        .position(|sample| sample.abs() > 0.05)
        .expect("it is heard");
    // A busy machine may tear a piece or two.
    let mut levels: Vec<f32> = taken[start..]
        .chunks_exact(4_800)
        .map(|piece| analysis::level_at(piece, Hertz(997.0), RATE).0)
        .collect();
    levels.sort_by(f32::total_cmp);
    assert!(levels.len() >= 10, "{levels:?}");
    assert!((levels[levels.len() / 2] + 20.0).abs() < 0.3, "{levels:?}");
    assert!(analysis::peak(&heard(&mut sound, 0.5).await).0 < -90.0);

    drop(talker);
    let next = rig.router.talk().expect("the next one may talk");
    drop((microphone, console));
    rig.stop().await;
    assert_eq!(next.say(&[0.1]), None, "the room is closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_talks_into_a_room_of_another_rate() {
    let rig = Rig::start(AudioConfig {
        rate: Hertz(44_100.0),
        ..config()
    });
    rig.running().await;
    assert_eq!(rig.router.talk().err(), Some(TalkError::NoEar));
    rig.stop().await;
}
