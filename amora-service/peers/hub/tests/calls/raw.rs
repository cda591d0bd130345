//! What no hub sends reaches the box as it was given.

use crate::whip::{Desk, patiently};
use crate::{PATIENCE, tone};
use amora_peer_hub::{FRAME, Hub, Options, RATE, RtpFields};
use amora_voice::signalling::Hub as Connect;
use amora_voice::{Direction, MediaSession};
use bytes::Bytes;

#[tokio::test(flavor = "multi_thread")]
async fn packets_are_sent_as_they_are_given() {
    let hub = Hub::start(Options::default()).await.unwrap();
    let signalling = Connect::new(&hub.url(), "desk").unwrap();
    let mut desk = Desk::connect(signalling, Direction::Both).await;
    let session = tokio::time::timeout(PATIENCE, hub.reachable("desk"))
        .await
        .unwrap();

    let mut encoder = opus::Encoder::new(RATE, opus::Channels::Mono, opus::Application::Voip).unwrap();
    let long = encoder.encode_vec(&tone(700.0, 6), 4_000).unwrap();
    let fields = |sequence, payload: &[u8]| RtpFields {
        sequence,
        timestamp: u32::from(sequence) * FRAME as u32,
        payload: Bytes::copy_from_slice(payload),
        ..RtpFields::default()
    };
    let other = |payload_type, fields| RtpFields {
        payload_type: Some(payload_type),
        ..fields
    };
    for packet in [
        fields(0, b"first"),
        other(0, fields(1, b"not what was offered")),
        RtpFields {
            marker: true,
            ..other(72, fields(2, b"looks like RTCP"))
        },
        fields(3, b""),
        fields(4, &long),
        // As far as encryption lets a number jump, and from there into the next round.
        fields(32_000, b"far away"),
        fields(64_000, b"farther"),
        RtpFields {
            timestamp: 5,
            marker: true,
            ..fields(9, b"round and round")
        },
        RtpFields {
            stream: Some(77),
            ..fields(40, b"a stranger")
        },
        fields(10, b"last"),
    ] {
        session.send_raw(packet).await.unwrap();
    }
    // None of these is encrypted: something, the beginning of RTP, of a handshake and of a search for a way.
    for datagram in [
        &b"garbage"[..],
        &[0x80, 111, 0, 7],
        &[22, 254, 253, 0],
        &[0, 1, 0, 0],
    ] {
        session.send_datagram(datagram).await.unwrap();
    }
    session.send_raw(fields(11, b"after the garbage")).await.unwrap();

    let mut arrived = Vec::new();
    patiently("the last", async {
        while arrived
            .last()
            .is_none_or(|(_, _, payload)| payload != "after the garbage")
        {
            let packet = desk.arrival().await;
            arrived.push((packet.sequence, packet.timestamp, packet.payload));
        }
    })
    .await;
    let own: Vec<_> = arrived
        .iter()
        .filter(|(_, _, payload)| payload != "a stranger")
        .cloned()
        .collect();
    let times = |sequence: u16| u32::from(sequence) * FRAME as u32;
    let expected = [
        (0, times(0), Bytes::from_static(b"first")),
        (3, times(3), Bytes::new()),
        (4, times(4), long.into()),
        (32_000, times(32_000), Bytes::from_static(b"far away")),
        (64_000, times(64_000), Bytes::from_static(b"farther")),
        (9, 5, Bytes::from_static(b"round and round")),
        (10, times(10), Bytes::from_static(b"last")),
        (11, times(11), Bytes::from_static(b"after the garbage")),
    ];
    assert_eq!(own, expected);
    desk.session.close().await;
    hub.stop().await;
}
