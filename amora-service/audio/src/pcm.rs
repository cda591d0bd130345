//! Samples in 16 bits, as files, sockets and libraries take them.

/// What full scale, ±1, is in 16 bits.
const FULL_SCALE: f32 = 32_768.0;

/// The nearest 16-bit sample, of two as near the one further from zero. What is louder than full scale is cut off at
/// −32768 and 32767, what is no number is silence.
pub fn to_s16(sample: f32) -> i16 {
    // The cast saturates, and makes zero of what is no number.
    (sample * FULL_SCALE).round() as i16
}

/// The same sample as a float, exactly: −1 to just below 1.
pub fn from_s16(sample: i16) -> f32 {
    f32::from(sample) / FULL_SCALE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_of_16_bits_comes_back_as_it_was() {
        assert!((i16::MIN..=i16::MAX).all(|sample| to_s16(from_s16(sample)) == sample));
        assert_eq!((from_s16(i16::MIN), from_s16(16_384)), (-1.0, 0.5));
    }

    #[test]
    fn samples_are_rounded_to_the_nearest_and_halves_away_from_zero() {
        let steps = [0.0, 0.49, 0.5, 0.51, 1.49, 1.5, 2.5];
        let integers = [0, 0, 1, 1, 1, 2, 3];
        assert_eq!(steps.map(|step| to_s16(step / FULL_SCALE)), integers);
        assert_eq!(steps.map(|step| to_s16(-step / FULL_SCALE)), integers.map(|n| -n));
    }

    #[test]
    fn samples_are_cut_off_at_full_scale_and_never_wrap() {
        for (sample, integer) in [
            (1.0, 32_767),
            (-1.0, -32_768),
            (1.001, 32_767),
            (-9.0, -32_768),
            (f32::MAX, 32_767),
            (f32::INFINITY, 32_767),
            (f32::NEG_INFINITY, -32_768),
            (f32::NAN, 0),
            (-f32::NAN, 0),
            (f32::MIN_POSITIVE, 0),
        ] {
            assert_eq!(to_s16(sample), integer, "{sample}");
        }
    }
}
