//! From the microphone to the packet that leaves, in frames of the microphone.

use super::*;
use crate::analysis;
use crate::echo::scenes::speech::NEAR;
use crate::opus::{Decoder, Encoded, Encoder, EncoderSettings, Framer, LONGEST_PACKET, Profile};

/// Frames that are captured between a sound and the moment when all of it up to there has left: the least and the most
/// over all packets.
fn mouth_to_wire(options: HearingOptions, capture_drift: f64, profile: Profile) -> (f64, f64) {
    let mut bench = Bench::new(&room(capture_drift), options, Vec::new());
    bench.room.say(&NEAR.speak(6.0));
    let settings = EncoderSettings {
        bitrate: 96_000,
        ..EncoderSettings::default()
    };
    let mut encoder = Encoder::new(profile, settings).unwrap();
    let mut decoder = Decoder::new().unwrap();
    let packet = profile.packet();
    let mut framer = Framer::new(packet);
    let mut wire = Vec::new();
    let mut waits = Vec::new();
    for _ in 0..1000 {
        let heard = bench.clean.len();
        bench.run(0.005);
        for block in &bench.clean[heard..] {
            let mut samples = &block.samples[..];
            while let Some(frames) = framer.fill(&mut samples) {
                // How much had been captured when this left, less how much had left before.
                waits.push(bench.gave.len() as f64 - wire.len() as f64);
                let Ok(Encoded::Packet(packet)) = encoder.encode(frames) else {
                    panic!("speech is sent");
                };
                let mut sound = [0.0; LONGEST_PACKET];
                let decoded = decoder.decode(packet, &mut sound).unwrap();
                wire.extend_from_slice(&sound[..decoded]);
            }
        }
    }
    // Both streams in their own frames; the first second is that of clocks and engines that find themselves.
    let late = analysis::delay(&bench.gave[96_000..216_000], &wire[96_000..216_000], 4800).unwrap();
    let steady = &waits[48_000 / packet..];
    let least = steady.iter().fold(f64::MAX, |least, wait| least.min(*wait));
    let most = steady.iter().fold(f64::MIN, |most, wait| most.max(*wait));
    (late.frames + least, late.frames + most)
}

fn with(engine: EchoEngine, noise_suppression: bool, gain_control: bool) -> HearingOptions {
    let mut config = VoiceConfig {
        noise_suppression,
        gain_control,
        ..VoiceConfig::default()
    };
    config.echo.engine = engine;
    HearingOptions::from_config(&config)
}

/// The table of docs/voice.md.
#[test]
fn mouth_to_wire_takes_what_it_is_made_of_and_no_more() {
    let engines = [
        (EchoEngine::Off, 0.0),
        (EchoEngine::Speex, 0.0),
        (EchoEngine::Aec3, 428.0),
        (EchoEngine::Kalman, 240.0),
    ];
    // Packet and codec.
    for (profile, own) in [
        (Profile::Voice, 960.0 + 312.0),
        (Profile::LowLatency, 480.0 + 120.0),
    ] {
        for (engine, cancelling) in engines {
            let (least, most) = mouth_to_wire(with(engine, false, false), 0.0, profile);
            println!("{profile:?} {engine:?}: {most:.0} frames, {:.1} ms", most / 48.0);
            let expected = own + cancelling;
            assert!(
                least > expected - 4.0 && most < expected + 4.0,
                "{profile:?} {engine:?}: {least} to {most} frames instead of {expected}"
            );
        }
        let (_, most) = mouth_to_wire(with(EchoEngine::Off, true, true), 0.0, profile);
        println!("{profile:?} conditioned: {most:.0} frames, {:.1} ms", most / 48.0);
        let expected = own + 120.0 + 48.0;
        assert!(
            (most - expected).abs() < 4.0,
            "{profile:?}: {most} frames instead of {expected}"
        );
    }
}

#[test]
fn a_microphone_with_a_clock_of_its_own_waits_for_the_cards_next_period_at_most() {
    let (least, most) = mouth_to_wire(with(EchoEngine::Off, false, false), 150.0, Profile::Voice);
    println!("{least:.0} to {most:.0} frames");
    assert!(
        least > 1272.0 - 8.0 && most < 1272.0 + 240.0 + 8.0,
        "{least} to {most}"
    );
}
