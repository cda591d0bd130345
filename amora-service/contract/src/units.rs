//! Physical quantities, so that no function takes a bare number whose unit the reader must guess.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident($inner:ty), $symbol:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)?;
                f.write_str($symbol)
            }
        }
    };
}

unit!(
    /// A count of audio frames (one sample of every channel).
    Frames(u64), " frames"
);
unit!(
    /// A duration in whole milliseconds.
    Millis(u64), " ms"
);
unit!(
    /// A duration in seconds, with fractions.
    Seconds(f64), " s"
);
unit!(
    /// A frequency or sample rate in hertz.
    Hertz(f64), " Hz"
);
unit!(
    /// A clock deviation in parts per million; positive is fast.
    PartsPerMillion(f64), " ppm"
);
unit!(
    /// A number of bytes.
    Bytes(u64), " bytes"
);
unit!(
    /// A point in time: milliseconds since 1970-01-01T00:00:00Z.
    Timestamp(u64), " ms"
);

/// A level or gain in decibels; levels are relative to full scale. Silence is -200 in JSON, which has no minus
/// infinity.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Decibels(#[serde(serialize_with = "finite_level")] pub f32);

impl std::fmt::Display for Decibels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, f)?;
        f.write_str(" dB")
    }
}

fn finite_level<S: serde::Serializer>(level: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    let level = if level.is_nan() {
        Decibels::SILENCE.0
    } else {
        *level
    };
    serializer.serialize_f32(level.clamp(Decibels::SILENCE.0, -Decibels::SILENCE.0))
}

impl Eq for Frames {}
impl Eq for Millis {}
impl Eq for Timestamp {}
impl Eq for Bytes {}

impl Decibels {
    /// What silence is in JSON: far below what any converter can tell from nothing.
    pub const SILENCE: Self = Self(-200.0);

    /// The gain as a linear factor. Minus infinity gives exactly zero.
    pub fn to_linear(self) -> f32 {
        10f32.powf(self.0 / 20.0)
    }

    /// Decibels of a linear factor. Zero gives minus infinity.
    pub fn from_linear(linear: f32) -> Self {
        Self(20.0 * linear.log10())
    }
}

impl Millis {
    /// The same span as a [`Duration`].
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }

    /// The number of whole frames that fit in this span at `rate`.
    pub fn frames(self, rate: Hertz) -> Frames {
        Frames((self.0 as f64 * rate.0 / 1000.0) as u64)
    }
}

impl Frames {
    /// The span of these frames at `rate`.
    pub fn seconds(self, rate: Hertz) -> Seconds {
        Seconds(self.0 as f64 / rate.0)
    }
}

impl Timestamp {
    /// No clock that is right shows less: 2026-01-01T00:00:00Z, before the first release. A board without a clock of its
    /// own starts in the past.
    pub const EARLIEST: Self = Self(1_767_225_600_000);

    /// No clock that is right shows as much: 2100-01-01T00:00:00Z.
    pub const LATEST: Self = Self(4_102_444_800_000);

    /// The system clock's present reading; zero when the clock stands before 1970.
    pub fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self(since.map_or(0, |elapsed| elapsed.as_millis() as u64))
    }

    /// Seconds since 1970 with fractions, as the original device's clients expect them.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

/// A volume as people set it: a whole number from 0 (silent) to 100 (full scale).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Volume(#[schemars(range(min = 0, max = 100))] u8);

impl Volume {
    /// Full scale.
    pub const MAX: Self = Self(100);

    /// The nearest volume to `value`: anything below 0 is 0, anything above 100 is 100.
    pub fn clamped(value: f64) -> Self {
        Self(value.round().clamp(0.0, 100.0) as u8)
    }

    /// The number, 0 to 100.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The gain this volume stands for: silence at 0, then 60 dB spread evenly to 0 dB at 100, the range
    /// over which a linear-in-decibels taper feels even in a room.
    pub fn gain(self) -> Decibels {
        match self.0 {
            0 => Decibels(f32::NEG_INFINITY),
            value => Decibels((f32::from(value) - 100.0) * 0.6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volume_taper_runs_from_silence_to_full_scale() {
        assert_eq!(Volume::clamped(0.0).gain().to_linear(), 0.0);
        assert_eq!(Volume::MAX.gain(), Decibels(0.0));
        assert!((Volume::clamped(50.0).gain().0 + 30.0).abs() < 1e-4);
        assert!(Volume::clamped(1.0).gain() < Volume::clamped(2.0).gain());
    }

    #[test]
    fn volume_is_clamped_not_wrapped() {
        assert_eq!(Volume::clamped(-5.0).get(), 0);
        assert_eq!(Volume::clamped(300.0).get(), 100);
        assert_eq!(Volume::clamped(f64::NAN).get(), 0);
    }

    #[test]
    fn quantities_are_shown_with_their_unit_and_the_precision_asked_for() {
        assert_eq!(Millis(5).to_string(), "5 ms");
        assert_eq!(format!("{:.1}", Decibels(-20.04)), "-20.0 dB");
    }

    #[test]
    fn silence_is_a_number_in_json() {
        let json = |level: f32| serde_json::to_value(Decibels(level)).unwrap();
        assert_eq!(json(f32::NEG_INFINITY), -200.0);
        assert_eq!(json(f32::NAN), -200.0);
        assert_eq!(json(-6.5), -6.5);
    }

    #[test]
    fn decibels_and_linear_are_inverse() {
        for value in [-60.0, -6.0, 0.0, 12.0] {
            let back = Decibels::from_linear(Decibels(value).to_linear());
            assert!((back.0 - value).abs() < 1e-4);
        }
    }
}
