use super::*;
use crate::analysis;
use crate::echo::scenes::speech::FAR;
use ::opus::{Application, Bitrate, Channels, FrameSize};
use proptest::prelude::*;
use std::f64::consts::TAU;

fn sine(frequency: f64, amplitude: f64, from: usize, frames: usize) -> Vec<f32> {
    (from..from + frames)
        .map(|n| (amplitude * (TAU * (frequency * n as f64 / RATE.0).fract()).sin()) as f32)
        .collect()
}

/// The packets of a sound; `None` where none is sent.
fn encode(encoder: &mut Encoder, sound: &[f32]) -> Vec<Option<Vec<u8>>> {
    let length = encoder.profile().packet();
    sound
        .chunks_exact(length)
        .map(|frames| match encoder.encode(frames).unwrap() {
            Encoded::Packet(packet) => Some(packet.to_vec()),
            Encoded::Silence => None,
        })
        .collect()
}

fn decode(packets: &[Option<Vec<u8>>], length: usize) -> Vec<f32> {
    let mut decoder = Decoder::new().unwrap();
    let mut sound = Vec::new();
    for packet in packets {
        let mut frames = vec![0.0; LONGEST_PACKET];
        let decoded = match packet {
            Some(packet) => decoder.decode(packet, &mut frames).unwrap(),
            None => {
                decoder.conceal(&mut frames[..length]).unwrap();
                length
            }
        };
        assert_eq!(decoded, length);
        sound.extend_from_slice(&frames[..decoded]);
    }
    sound
}

/// Signal to noise over the frames where `counts` says so, the codec's delay taken out.
fn signal_to_noise(sound: &[f32], decoded: &[f32], delay: usize, counts: impl Fn(usize) -> bool) -> f64 {
    let (mut signal, mut noise) = (0f64, 0f64);
    for n in 0..decoded.len() - delay {
        if counts(n + delay) {
            signal += f64::from(sound[n]).powi(2);
            noise += f64::from(sound[n] - decoded[n + delay]).powi(2);
        }
    }
    10.0 * (signal / noise).log10()
}

#[test]
fn a_tone_keeps_pitch_and_level_and_comes_as_late_as_is_said() {
    for (profile, lookahead) in [(Profile::Voice, 312), (Profile::LowLatency, 120)] {
        let settings = EncoderSettings {
            bitrate: 64_000,
            ..EncoderSettings::default()
        };
        let mut encoder = Encoder::new(profile, settings).unwrap();
        assert_eq!(encoder.lookahead().0, lookahead);
        let sound = sine(1000.0, 0.25, 0, 96_000);
        let decoded = decode(&encode(&mut encoder, &sound), profile.packet());
        assert_eq!(decoded.len(), sound.len());
        let tone = analysis::tone(&decoded[24_000..], RATE).unwrap();
        assert!((tone.frequency.0 - 1000.0).abs() < 0.1, "{profile:?}: {tone:?}");
        assert!((tone.level.0 + 12.04).abs() < 0.5, "{profile:?}: {tone:?}");
        let speech = FAR.speak(4.0);
        let decoded = decode(&encode(&mut encoder, &speech), profile.packet());
        let found = analysis::delay(&speech[48_000..96_000], &decoded[48_000..96_000], 960).unwrap();
        assert!(
            (found.frames - lookahead as f64).abs() < 3.0,
            "{profile:?}: {found:?}"
        );
    }
}

#[test]
fn settings_change_while_it_runs_and_wrong_ones_change_nothing() {
    let speech = FAR.speak(12.0);
    let mut encoder = Encoder::new(Profile::Voice, EncoderSettings::default()).unwrap();
    let bytes_of = |encoder: &mut Encoder, part: usize| -> f64 {
        let packets = encode(encoder, &speech[part * 144_000..][..144_000]);
        packets.iter().flatten().map(Vec::len).sum::<usize>() as f64
    };
    let usual = bytes_of(&mut encoder, 0);
    let settings = EncoderSettings {
        bitrate: 96_000,
        complexity: 10,
        ..*encoder.settings()
    };
    encoder.configure(settings).unwrap();
    let thrice = bytes_of(&mut encoder, 1);
    assert!(
        (2.0..4.5).contains(&(thrice / usual)),
        "{usual} and {thrice} bytes"
    );
    for wrong in [
        EncoderSettings {
            bitrate: 5999,
            ..settings
        },
        EncoderSettings {
            complexity: 11,
            ..settings
        },
        EncoderSettings {
            expected_loss: 101,
            ..settings
        },
    ] {
        let error = encoder.configure(wrong).unwrap_err();
        assert!(matches!(error, OpusError::Setting { .. }), "{error}");
        assert_eq!(encoder.settings(), &settings);
    }
    assert!(encoder.encode(&[0.0; 480]).is_err(), "half a packet is none");
    let redundant = |packets: &[Option<Vec<u8>>]| {
        let infos = packets.iter().flatten().map(|packet| inspect(packet).unwrap());
        infos.filter(|info| info.redundant).count()
    };
    let without = encode(&mut encoder, &speech[..96_000]);
    encoder
        .configure(EncoderSettings {
            bitrate: 24_000,
            expected_loss: 10,
            ..settings
        })
        .unwrap();
    let with = encode(&mut encoder, &speech[..96_000]);
    assert_eq!(redundant(&without), 0);
    assert!(
        redundant(&with) > with.len() / 2,
        "{} of {}",
        redundant(&with),
        with.len()
    );
}

#[test]
fn silence_is_hardly_sent_and_speech_comes_back() {
    let settings = EncoderSettings {
        dtx: true,
        ..EncoderSettings::default()
    };
    let mut encoder = Encoder::new(Profile::Voice, settings).unwrap();
    let speech = FAR.speak(2.0);
    encode(&mut encoder, &speech);
    let silence = encode(&mut encoder, &vec![0.0; 300 * 960]);
    let sent = silence.iter().flatten().count();
    assert!((10..60).contains(&sent), "{sent} of 300");
    let again = encode(&mut encoder, &speech);
    assert!(again.iter().all(Option::is_some));

    let mut packets = silence;
    packets.extend(again);
    let decoded = decode(&packets, 960);
    assert!(analysis::peak(&decoded[48_000..240_000]).0 < -60.0);
    let heard = analysis::rms(&decoded[300 * 960..]).0;
    assert!((heard - analysis::rms(&speech).0).abs() < 1.0, "{heard}");
}

#[test]
fn redundancy_makes_up_for_isolated_loss() {
    let speech = FAR.speak(30.0);
    let settings = EncoderSettings {
        expected_loss: 15,
        ..EncoderSettings::default()
    };
    let mut encoder = Encoder::new(Profile::Voice, settings).unwrap();
    let packets: Vec<Vec<u8>> = encode(&mut encoder, &speech).into_iter().flatten().collect();
    let lost = |n: usize| n % 10 == 7;
    let run = |lose: bool, recover: bool| {
        let mut decoder = Decoder::new().unwrap();
        let mut decoded = vec![0.0; packets.len() * 960];
        for (n, frames) in decoded.chunks_exact_mut(960).enumerate() {
            if !lose || !lost(n) {
                decoder.decode(&packets[n], frames).unwrap();
            } else if recover && n + 1 < packets.len() {
                decoder.recover(&packets[n + 1], frames).unwrap();
            } else {
                decoder.conceal(frames).unwrap();
            }
        }
        decoded
    };
    let whole = run(false, false);
    // Against what is heard without loss: the codec itself, 6 dB from what was spoken, is not what is measured here.
    let quality = |recover| signal_to_noise(&whole, &run(true, recover), 0, |n| lost(n / 960));
    let (with, without) = (quality(true), quality(false));
    println!("in lost packets: {with:.1} dB with redundancy, {without:.1} dB made up");
    assert!(
        with >= 9.0,
        "{with:.1} dB with redundancy, {without:.1} dB made up"
    );
    assert!(without < 4.0, "{without:.1} dB made up");
}

#[test]
fn of_stereo_the_left_channel_is_heard() {
    let mut encoder = ::opus::Encoder::new(48_000, Channels::Stereo, Application::Audio).unwrap();
    encoder.set_bitrate(Bitrate::Bits(128_000)).unwrap();
    let mut decoder = Decoder::new().unwrap();
    let mut heard = Vec::new();
    for turn in 0..100 {
        // What is in both channels, turned over in one of them, would cancel out in a sum.
        let left = sine(440.0, 0.5, turn * 960, 960);
        let both: Vec<f32> = left.iter().flat_map(|sample| [*sample, -sample]).collect();
        let packet = encoder.encode_vec_float(&both, 1275).unwrap();
        let mut frames = [0.0; 960];
        assert_eq!(decoder.decode(&packet, &mut frames), Ok(960));
        heard.extend(frames);
    }
    let tone = analysis::tone(&heard[24_000..], RATE).unwrap();
    assert!(
        (tone.frequency.0 - 440.0).abs() < 0.05 && (tone.level.0 + 6.02).abs() < 0.3,
        "{tone:?}"
    );
}

#[test]
fn packets_of_every_legal_length_are_decoded() {
    let lengths = [
        (120, FrameSize::Ms2_5),
        (240, FrameSize::Ms5),
        (480, FrameSize::Ms10),
        (960, FrameSize::Ms20),
        (1920, FrameSize::Ms40),
        (2880, FrameSize::Ms60),
        (3840, FrameSize::Ms80),
        (4800, FrameSize::Ms100),
        (5760, FrameSize::Ms120),
    ];
    let mut decoder = Decoder::new().unwrap();
    for (frames, size) in lengths {
        let mut encoder = ::opus::Encoder::new(48_000, Channels::Mono, Application::Audio).unwrap();
        encoder.set_expert_frame_duration(size).unwrap();
        let packet = encoder
            .encode_vec_float(&sine(1000.0, 0.5, 0, frames), LARGEST_PACKET)
            .unwrap();
        assert_eq!(inspect(&packet).unwrap().frames, frames);
        let mut samples = [0.0; LONGEST_PACKET];
        assert_eq!(decoder.decode(&packet, &mut samples), Ok(frames));
        let error = decoder.decode(&packet, &mut samples[..frames - 1]).unwrap_err();
        assert!(matches!(error, OpusError::Length { .. }), "{error}");
    }
    let beyond = [0b1111_1011, 49, 1, 2, 3];
    for packet in [&beyond[..], &[], &[0; LARGEST_PACKET + 1]] {
        let error = decoder.decode(packet, &mut [0.0; LONGEST_PACKET]).unwrap_err();
        assert!(matches!(error, OpusError::Packet { .. }), "{error}");
        assert!(decoder.recover(packet, &mut [0.0; 960]).is_err());
    }
    for frames in [0, 1, 119, 6000] {
        assert!(decoder.conceal(&mut vec![0.0; frames]).is_err());
    }
}

#[test]
fn what_is_no_number_is_silence() {
    let mut encoder = Encoder::new(Profile::Voice, EncoderSettings::default()).unwrap();
    let mut sound = vec![f32::NAN; 960];
    sound.extend([f32::INFINITY; 480]);
    sound.extend([f32::NEG_INFINITY; 480]);
    sound.extend([1e30; 960]);
    let decoded = decode(&encode(&mut encoder, &sound), 960);
    assert!(decoded.iter().all(|sample| sample.abs() < 4.0));
}

proptest! {
    #[test]
    fn any_bytes_are_a_packet_or_an_error(
        packets in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..300), 0u8..3), 1..40)
    ) {
        let mut decoder = Decoder::new().unwrap();
        let mut samples = vec![0.0; LONGEST_PACKET];
        for (packet, how) in packets {
            match how {
                0 => if let Ok(frames) = decoder.decode(&packet, &mut samples) {
                    prop_assert_eq!(frames, inspect(&packet).unwrap().frames);
                },
                1 => drop(decoder.recover(&packet, &mut samples[..960])),
                _ => drop(decoder.conceal(&mut samples[..480])),
            }
            prop_assert!(samples.iter().all(|sample| sample.abs() <= 2.0));
        }
    }

    #[test]
    fn a_damaged_packet_is_a_packet_or_an_error(damage in prop::collection::vec((0usize..200, any::<u8>()), 0..20)) {
        let mut encoder = Encoder::new(Profile::Voice, EncoderSettings {
            expected_loss: 20,
            ..EncoderSettings::default()
        }).unwrap();
        let mut decoder = Decoder::new().unwrap();
        let mut samples = vec![0.0; LONGEST_PACKET];
        for (n, (at, value)) in damage.into_iter().enumerate() {
            let Ok(Encoded::Packet(packet)) = encoder.encode(&sine(300.0, 0.5, n * 960, 960)) else {
                continue;
            };
            let mut packet = packet.to_vec();
            let at = at % packet.len();
            packet[at] = value;
            let _ = decoder.recover(&packet, &mut samples[..960]);
            let _ = decoder.decode(&packet, &mut samples);
            prop_assert!(samples.iter().all(|sample| sample.abs() <= 2.0));
        }
    }
}
