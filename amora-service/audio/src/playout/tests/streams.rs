use super::*;
use crate::analysis;

fn receive<D: Decode>(playout: &mut Playout<D>, packet: &Packet) -> Result<Received, OpusError> {
    playout.receive(
        packet.sequence,
        packet.timestamp,
        &packet.payload,
        Duration::from_secs_f64(packet.at),
    )
}

#[test]
fn numbers_may_wrap() {
    let mut packets = numbered(2000, |n| 1.0 + n as f64 * 0.02);
    for packet in &mut packets {
        packet.sequence = packet.sequence.wrapping_add(65_000);
        packet.timestamp = packet.timestamp.wrapping_sub(500_000);
    }
    let mut playout = numbers(tone_at, Arrivals::Automatic);
    let heard = play(&mut playout, packets, 0.0..41.0);
    let counters = playout.counters();
    assert_eq!(
        (counters.played, counters.lost, counters.refused),
        (2000, 0, 0),
        "{counters:?}"
    );
    assert!(analysis::largest_step(&heard).size < own_step() * 1.1);
}

#[test]
fn order_is_put_right_and_what_comes_twice_is_played_once() {
    let mut chance = Chance(21);
    let delays: Vec<f64> = (0..1500).map(|_| 0.045 * chance.next()).collect();
    let mut packets = numbered(1500, |n| 1.0 + n as f64 * 0.02 + delays[n]);
    let twice: Vec<Packet> = packets
        .iter()
        .filter(|packet| packet.sequence % 3 == 0 && packet.sequence > 500)
        .map(|packet| Packet {
            at: packet.at + 0.03,
            ..packet.clone()
        })
        .collect();
    packets.extend(twice.clone());
    let mut playout = numbers(tone_at, Arrivals::Automatic);
    play(&mut playout, packets, 0.0..33.0);
    let counters = playout.counters();
    let late = counters.late;
    assert!(late < 15 && counters.lost <= late + 1, "{counters:?}");
    assert!(
        counters.duplicate.abs_diff(twice.len() as u64) <= late,
        "{counters:?}"
    );
    assert!(counters.played >= 1485, "{counters:?}");
    check_sum(&playout);
}

#[test]
fn a_late_packet_is_told_from_one_that_comes_again() {
    let packets = numbered(60, |n| 1.0 + n as f64 * 0.02);
    let mut playout = numbers(tone_at, Arrivals::Automatic);
    let kept = packets
        .iter()
        .filter(|packet| packet.sequence != 30)
        .cloned()
        .collect();
    play(&mut playout, kept, 0.0..2.0);
    assert_eq!(receive(&mut playout, &packets[30]), Ok(Received::Late));
    assert_eq!(receive(&mut playout, &packets[31]), Ok(Received::Duplicate));
    let counters = playout.counters();
    assert_eq!((counters.lost, counters.late, counters.duplicate), (1, 1, 1));
}

#[test]
fn a_jump_is_another_stream_once_two_packets_say_so() {
    let mut packets = numbered(100, |n| 1.0 + n as f64 * 0.02);
    for packet in &mut packets[50..] {
        packet.sequence = packet.sequence.wrapping_add(30_000);
        packet.timestamp = packet.timestamp.wrapping_add(3_000_000_000);
    }
    let mut playout = numbers(tone_at, Arrivals::Automatic);
    let heard = play(&mut playout, packets, 0.0..4.0);
    let counters = playout.counters();
    assert_eq!(
        (counters.played, counters.lost, counters.refused),
        (100, 0, 0),
        "{counters:?}"
    );
    assert!(analysis::largest_step(&heard).size < own_step() * 1.3);
    check_sum(&playout);

    let packets = numbered(100, |n| 10.0 + n as f64 * 0.02);
    let mut lone = packets[50].clone();
    lone.sequence = 40_000;
    for packet in packets[..50].iter().chain([&lone]).chain(&packets[50..]) {
        let _ = receive(&mut playout, packet);
    }
    assert_eq!(playout.counters().refused, 1, "{:?}", playout.counters());
    check_sum(&playout);
}

#[test]
fn a_far_end_that_begins_anew_is_heard_after_what_waits() {
    let mut playout = numbers(ramp_at, Arrivals::Automatic);
    let first = numbered(200, |n| 1.0 + n as f64 * 0.001);
    play(&mut playout, first, 0.0..2.0);
    playout.expect_another_stream();
    let second = numbered(100, |n| 2.0 + n as f64 * 0.001);
    let heard = play(&mut playout, second, 2.0..8.0);
    let counters = playout.counters();
    assert_eq!(
        (counters.played, counters.lost, counters.duplicate),
        (300, 0, 0),
        "{counters:?}"
    );
    let end = heard.iter().rposition(|sample| *sample != 0.0).unwrap();
    assert!((heard[end - 960] - ramp_at(100 * 960 - 1 - 480)).abs() < 0.02);
}

#[test]
fn a_clock_that_jumps_alone_is_not_waited_for() {
    let mut packets = numbered(500, |n| 1.0 + n as f64 * 0.001);
    for packet in &mut packets[100..] {
        packet.timestamp = packet.timestamp.wrapping_add(2_000_000_000);
    }
    for packet in &mut packets[300..] {
        packet.timestamp = packet.timestamp.wrapping_sub(1_900_000_000);
    }
    let mut playout = numbers(ramp_at, Arrivals::Automatic);
    play(&mut playout, packets, 0.0..13.0);
    let counters = playout.counters();
    assert_eq!((counters.played, counters.lost), (500, 0), "{counters:?}");
    assert_eq!(playout.depth().0, 0);
}

#[test]
fn garbage_between_packets_is_counted_and_does_no_harm() {
    let speech = crate::echo::scenes::speech::FAR.speak(4.0);
    let packets = encoded(&speech, EncoderSettings::default());
    let mut playout = Playout::new(PlayoutOptions::default()).unwrap();
    let clean = play(&mut playout, packets.clone(), 0.0..6.0);
    let mut mixed = Vec::new();
    for packet in packets {
        for payload in [vec![], vec![0xff, 0xff, 0xff], vec![3; 9000]] {
            mixed.push(Packet {
                payload,
                ..packet.clone()
            });
        }
        mixed.push(packet);
    }
    let mut playout = Playout::new(PlayoutOptions::default()).unwrap();
    let heard = play(&mut playout, mixed, 0.0..6.0);
    assert_eq!(heard, clean);
    assert_eq!(playout.counters().refused, 600);
    check_sum(&playout);
}
