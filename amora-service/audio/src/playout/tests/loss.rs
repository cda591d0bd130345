use super::*;
use crate::analysis;
use crate::echo::scenes::speech::FAR;
use amora_contract::units::Decibels;

/// Prepared for the loss of every tenth packet.
fn prepared() -> EncoderSettings {
    EncoderSettings {
        expected_loss: 15,
        ..EncoderSettings::default()
    }
}

fn playout() -> Playout {
    Playout::new(PlayoutOptions::default()).unwrap()
}

#[test]
fn a_tone_through_loss_and_jitter_keeps_pitch_level_and_flow() {
    let sound: Vec<f32> = (0..30 * 48_000).map(tone_at).collect();
    let mut chance = Chance(3);
    let mut packets = encoded(
        &sound,
        EncoderSettings {
            bitrate: 64_000,
            ..prepared()
        },
    );
    let sent = packets.len();
    for packet in &mut packets {
        packet.at += 0.015 * chance.next();
    }
    packets.retain(|packet| packet.sequence < 10 || chance.next() > 0.03);
    let lost = (sent - packets.len()) as u64;
    let mut playout = playout();
    let heard = play(&mut playout, packets, 0.0..31.0);
    let counters = playout.counters();
    assert!(
        lost > 20 && counters.lost.abs_diff(lost) <= 1,
        "{lost}: {counters:?}"
    );
    assert_eq!(counters.late, 0, "{counters:?}");
    check_sum(&playout);
    let inner = &heard[5 * 48_000..30 * 48_000];
    // What libopus makes up of a tone is weak, but it is never gone.
    let gaps = analysis::gaps(inner, Decibels(-50.0), Frames(480));
    assert!(gaps.is_empty(), "{gaps:?}, {counters:?}");
    let level = analysis::rms(inner).0;
    assert!((level + 15.05).abs() < 0.5, "{level} dB");
    // While the depth changes, sound is played up to a hundredth faster or slower.
    for second in inner.chunks_exact(48_000) {
        let tone = analysis::tone(second, RATE).unwrap();
        assert!((tone.frequency.0 - 1000.0).abs() < 15.0, "{tone:?}");
    }
}

#[test]
fn what_is_lost_is_had_from_the_next_packet() {
    let speech = FAR.speak(30.0);
    let mut chance = Chance(11);
    let mut packets = encoded(&speech, prepared());
    let mut before = false;
    packets.retain(|packet| {
        let lost = packet.sequence > 20 && !before && chance.next() < 0.1;
        before = lost;
        !lost
    });
    let lost = 1500 - packets.len() as u64;
    let mut playout = playout();
    play(&mut playout, packets, 0.0..32.0);
    let counters = playout.counters();
    assert!(
        lost > 80 && counters.lost.abs_diff(lost) <= 1,
        "{lost}: {counters:?}"
    );
    // But for pauses, in which libopus sees nothing worth repeating, and the first loss, which nobody expected.
    assert!(counters.recovered * 10 > counters.lost * 8, "{counters:?}");
    check_sum(&playout);
}

#[test]
fn recovered_sound_is_what_was_spoken() {
    let speech = FAR.speak(30.0);
    let quality = |expected_loss| {
        let settings = EncoderSettings {
            expected_loss,
            ..prepared()
        };
        let mut packets = encoded(&speech, settings);
        let mut decoder = Decoder::new().unwrap();
        let mut whole = vec![0.0; packets.len() * 960];
        for (packet, frames) in packets.iter().zip(whole.chunks_exact_mut(960)) {
            Decoder::decode(&mut decoder, &packet.payload, frames).unwrap();
        }
        let is_lost = |sequence: u16| sequence % 10 == 7;
        packets.retain(|packet| !is_lost(packet.sequence));
        let mut playout = playout();
        let heard = play(&mut playout, packets, 0.0..31.0);
        check_sum(&playout);
        // The depth settles within the first losses; from then on one delay holds.
        let from = 12 * 48_000;
        let delay =
            analysis::delay(&whole[from..from + 96_000], &heard[from..from + 160_000], 60_000).unwrap();
        let delay = delay.frames.round() as usize;
        let (mut signal, mut noise) = (0f64, 0f64);
        for n in from..28 * 48_000 {
            if is_lost((n / 960) as u16) {
                signal += f64::from(whole[n]).powi(2);
                noise += f64::from(whole[n] - heard[n + delay]).powi(2);
            }
        }
        (10.0 * (signal / noise).log10(), playout.counters())
    };
    let (with, counters) = quality(15);
    let (without, _) = quality(0);
    println!("in lost packets: {with:.1} dB with redundancy, {without:.1} dB made up, {counters:?}");
    assert!(with >= 9.0, "{with:.1} dB, {counters:?}");
    assert!(without < 4.0, "{without:.1} dB made up");
}

#[test]
fn a_long_loss_fades_to_silence_and_comes_back_without_a_click() {
    let packets = numbered(200, |n| 1.0 + n as f64 * 0.02);
    let kept: Vec<Packet> = packets
        .into_iter()
        .filter(|packet| !(50..100).contains(&packet.sequence))
        .collect();
    let mut playout = numbers(tone_at, Arrivals::Automatic);
    let heard = play(&mut playout, kept, 0.0..5.2);
    let start = heard.iter().position(|sample| *sample != 0.0).unwrap();
    let loss = start + 50 * 960;
    // Full for 40 ms, gone after 100 ms; what is lost of time stays lost.
    assert!((analysis::peak(&heard[loss..loss + 1500]).0 + 12.04).abs() < 0.1);
    assert!(analysis::peak(&heard[loss + 5280..loss + 40_000]).0 < -100.0);
    let back = loss
        + heard[loss + 6000..]
            .iter()
            .position(|sample| *sample != 0.0)
            .unwrap()
        + 6000;
    assert!((back - loss).abs_diff(50 * 960) <= 960, "{} frames", back - loss);
    let step = analysis::largest_step(&heard);
    assert!(step.size < own_step() * 1.1, "{step:?}");
    assert_eq!(playout.counters().lost, 50);
    check_sum(&playout);
}
