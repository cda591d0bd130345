use super::*;
use proptest::prelude::*;

const STEREO: usize = 2;

fn round_trip(format: SampleFormat, sample: f32) -> f32 {
    let layout = Layout {
        format,
        channels: STEREO,
    };
    let mut bytes = vec![0; layout.frame()];
    layout.encode(&[sample, sample], &mut Dither::new(), &mut bytes);
    let mut mono = [f32::NAN];
    assert_eq!(layout.decode(&bytes, &mut mono), 1);
    mono[0]
}

#[test]
fn known_words_come_out_little_endian() {
    let words = |format, sample| {
        let layout = Layout {
            format,
            channels: STEREO,
        };
        let mut bytes = vec![0; layout.frame()];
        layout.encode(&[sample, 0.0], &mut Dither::new(), &mut bytes);
        bytes[..format.bytes()].to_vec()
    };
    assert_eq!(words(SampleFormat::S32, 1.0), [0xff, 0xff, 0xff, 0x7f]);
    assert_eq!(words(SampleFormat::S32, -1.0), [0, 0, 0, 0x80]);
    assert_eq!(words(SampleFormat::S32, 0.5), [0, 0, 0, 0x40]);
    assert_eq!(words(SampleFormat::S24, -1.0), [0, 0, 0x80, 0xff]);
    assert_eq!(words(SampleFormat::S24, 1.0), [0xff, 0xff, 0x7f, 0]);
    assert_eq!(words(SampleFormat::S24Packed, -0.5), [0, 0, 0xc0]);
    assert_eq!(words(SampleFormat::Float, 0.25), 0.25f32.to_le_bytes());
}

#[test]
fn too_loud_and_not_a_number_are_tamed() {
    for format in SampleFormat::PREFERENCE {
        let step = if format == SampleFormat::S16 {
            3.0 / 32768.0
        } else {
            1e-6
        };
        assert!((round_trip(format, 7.0) - 1.0).abs() <= step, "{format:?}");
        assert!(
            (round_trip(format, f32::NEG_INFINITY) + 1.0).abs() <= step,
            "{format:?}"
        );
        assert_eq!(
            round_trip(format, f32::NAN),
            0.0 + round_trip_noise(format),
            "{format:?}"
        );
    }
}

/// What the first two steps of dither make of silence next to something that is not silence.
fn round_trip_noise(format: SampleFormat) -> f32 {
    if format != SampleFormat::S16 {
        return 0.0;
    }
    let mut dither = Dither::new();
    let mean = (dither.next().round() + dither.next().round()) / 2.0;
    (mean / 32768.0) as f32
}

#[test]
fn silence_stays_exact_silence() {
    let layout = Layout {
        format: SampleFormat::S16,
        channels: STEREO,
    };
    let mut bytes = vec![0xaa; layout.frame() * 64];
    layout.encode(&[0.0; 128], &mut Dither::new(), &mut bytes);
    assert!(bytes.iter().all(|&byte| byte == 0));
}

#[test]
fn dither_carries_what_sixteen_bits_cannot() {
    // A third of a step would vanish without dither; with it, the mean over many samples is right.
    let layout = Layout {
        format: SampleFormat::S16,
        channels: STEREO,
    };
    let third = 1.0 / 3.0 / 32768.0;
    let stereo = vec![third; 2 * 100_000];
    let mut bytes = vec![0; layout.frame() * 100_000];
    layout.encode(&stereo, &mut Dither::new(), &mut bytes);
    let mut mono = vec![0.0; 100_000];
    layout.decode(&bytes, &mut mono);
    let mean = mono.iter().map(|&sample| f64::from(sample)).sum::<f64>() / 100_000.0 * 32768.0;
    assert!((mean - 1.0 / 3.0).abs() < 0.01, "{mean}");
}

#[test]
fn a_mono_card_gets_both_channels_and_a_large_one_no_more() {
    let mono = Layout {
        format: SampleFormat::S32,
        channels: 1,
    };
    let mut bytes = [0; 4];
    mono.encode(&[0.5, 0.25], &mut Dither::new(), &mut bytes);
    let mut heard = [0.0];
    mono.decode(&bytes, &mut heard);
    assert_eq!(heard[0], 0.375);

    let large = Layout {
        format: SampleFormat::S32,
        channels: 4,
    };
    let mut bytes = [0xaa; 16];
    large.encode(&[0.5, 0.5], &mut Dither::new(), &mut bytes);
    assert!(bytes[8..].iter().all(|&byte| byte == 0));
}

#[test]
fn the_undefined_byte_of_s24_does_not_matter() {
    assert_eq!(SampleFormat::S24.decode(&[0, 0, 0xc0, 0x55]), -0.5);
}

proptest! {
    #[test]
    fn twenty_four_bits_and_more_are_exact_to_half_a_step(sample in -1.0f32..=1.0) {
        for format in [SampleFormat::S32, SampleFormat::S24, SampleFormat::S24Packed] {
            let error = f64::from(round_trip(format, sample)) - f64::from(sample);
            prop_assert!(error.abs() <= 1.0 / f64::from(1 << 23), "{:?}: {}", format, error);
        }
        prop_assert_eq!(round_trip(SampleFormat::Float, sample), sample);
    }

    #[test]
    fn sixteen_bits_stay_within_a_step_and_a_half(sample in -1.0f32..=1.0) {
        let error = f64::from(round_trip(SampleFormat::S16, sample) - sample) * 32768.0;
        prop_assert!(error.abs() <= 1.5 + 1.0, "{}", error);
    }

    #[test]
    fn any_bits_encode_to_something_within_full_scale(bits in any::<u32>()) {
        for format in SampleFormat::PREFERENCE {
            prop_assert!(round_trip(format, f32::from_bits(bits)).abs() <= 1.0);
        }
    }
}
