use super::*;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Receive(u16, u32, Vec<u8>),
    /// A packet of an encoder, at a small distance from the last one.
    Follow(i8, i16),
    Take(u16),
    Wait(u32),
    Flush,
    Another,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let payload = prop::collection::vec(any::<u8>(), 0..60);
    let step = prop_oneof![
        2 => (any::<u16>(), any::<u32>(), payload).prop_map(|(s, t, p)| Step::Receive(s, t, p)),
        8 => (-3i8..6, any::<i16>()).prop_map(|(s, t)| Step::Follow(s, t)),
        6 => (1u16..1000).prop_map(Step::Take),
        2 => (0u32..2_000_000).prop_map(Step::Wait),
        1 => Just(Step::Flush),
        1 => Just(Step::Another),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_sequence_of_packets_is_survived(
        steps in steps(),
        arrivals in prop_oneof![Just(Arrivals::Automatic), Just(Arrivals::Live), Just(Arrivals::Bursts)]
    ) {
        let options = PlayoutOptions { arrivals, capacity: Millis(500) };
        let mut playout = Playout::new(options).unwrap();
        let settings = EncoderSettings { expected_loss: 20, ..EncoderSettings::default() };
        let mut encoder = Encoder::new(Profile::Voice, settings).unwrap();
        let (mut sequence, mut timestamp) = (65_530u16, u32::MAX - 2000);
        let mut now = Duration::from_secs(1);
        for step in steps {
            match step {
                Step::Receive(sequence, timestamp, payload) => {
                    let _ = playout.receive(sequence, timestamp, &payload, now);
                }
                Step::Follow(ahead, off) => {
                    sequence = sequence.wrapping_add_signed(ahead.into());
                    timestamp = timestamp
                        .wrapping_add_signed(i32::from(ahead) * 960)
                        .wrapping_add_signed(if off % 5 == 0 { off.into() } else { 0 });
                    let sound: Vec<f32> = (0..960).map(tone_at).collect();
                    if let Encoded::Packet(packet) = encoder.encode(&sound).unwrap() {
                        let _ = playout.receive(sequence, timestamp, packet, now);
                    }
                }
                Step::Take(frames) => {
                    let mut out = vec![f32::NAN; frames.into()];
                    playout.take(now, &mut out);
                    now += Duration::from_secs_f64(f64::from(frames) / RATE.0);
                    prop_assert!(out.iter().all(|sample| sample.is_finite() && sample.abs() < 8.0));
                }
                Step::Wait(micros) => now += Duration::from_micros(micros.into()),
                Step::Flush => playout.flush(now),
                Step::Another => playout.expect_another_stream(),
            }
            // The capacity, a packet that is being played, and a gap of a second at most.
            prop_assert!(playout.depth().0 <= 24_000 + 5760 + 48_000);
            check_sum(&playout);
        }
    }
}
