//! What is asked of a card, what it can do, and what comes of the two. No I/O.

use super::convert::SampleFormat;
use crate::card::CardError;
use amora_contract::config::Access;

/// What is asked of a card.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wish {
    pub(super) access: Access,
    pub(super) rate: u32,
    pub(super) period: u64,
    pub(super) periods: u32,
    pub(super) channels: u32,
    /// The format that must be matched, where one is fixed already.
    pub(super) format: Option<SampleFormat>,
}

/// What a card can do. Ranges are inclusive.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Abilities {
    pub(super) mmap: bool,
    pub(super) read_write: bool,
    pub(super) formats: Vec<SampleFormat>,
    pub(super) channels: (u32, u32),
    pub(super) rates: (u32, u32),
    pub(super) period: (u64, u64),
    pub(super) buffer: (u64, u64),
}

/// What to set, and what the card then says that it set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) mmap: bool,
    pub(super) format: SampleFormat,
    pub(super) channels: u32,
    pub(super) rate: u32,
    pub(super) period: u64,
    pub(super) buffer: u64,
}

/// The nearest that the card can do to what is asked.
pub(super) fn plan(device: &str, wish: &Wish, can: &Abilities) -> Result<Plan, CardError> {
    let refuse = |asked: &str, able: String| {
        Err(CardError::Unsupported(format!(
            "`{device}` was asked for {asked} and can do {able}"
        )))
    };
    let mmap = match wish.access {
        Access::Auto => can.mmap,
        Access::Mmap => true,
        Access::ReadWrite => false,
    };
    if mmap && !can.mmap || !mmap && !can.read_write {
        let able = match (can.mmap, can.read_write) {
            (true, _) => "memory-mapped transfer only",
            (_, true) => "read/write transfer only",
            _ => "neither memory-mapped nor read/write interleaved transfer",
        };
        return refuse(
            if mmap {
                "memory-mapped transfer"
            } else {
                "read/write transfer"
            },
            able.to_owned(),
        );
    }
    let fixed = wish.format.filter(|format| can.formats.contains(format));
    let best = SampleFormat::PREFERENCE
        .into_iter()
        .find(|format| can.formats.contains(format));
    let Some(format) = fixed.or(best) else {
        let names = SampleFormat::PREFERENCE.map(SampleFormat::name).join(", ");
        return refuse(&format!("one of {names}"), "none of them".to_owned());
    };
    let (fewest, most) = can.channels;
    // Two where the card can, otherwise what comes nearest: one for a mono board, its fewest for a studio card.
    let channels = wish.channels.clamp(fewest, most.max(fewest));
    let buffer_wanted = wish.period.saturating_mul(u64::from(wish.periods.max(2)));
    let buffer = buffer_wanted.clamp(can.buffer.0, can.buffer.1.max(can.buffer.0));
    let period = wish
        .period
        .clamp(can.period.0, can.period.1.max(can.period.0))
        .min(buffer / 2);
    if period == 0 {
        return refuse(
            &format!("{} periods of {} frames", wish.periods, wish.period),
            format!("buffers of at most {} frames", can.buffer.1),
        );
    }
    let rate = wish.rate.clamp(can.rates.0, can.rates.1.max(can.rates.0));
    Ok(Plan {
        mmap,
        format,
        channels,
        rate,
        period,
        buffer,
    })
}

/// Whether what the card finally set can be worked with.
pub(super) fn accept(device: &str, set: &Plan) -> Result<(), CardError> {
    if set.period == 0 || set.buffer < 2 * set.period {
        return Err(CardError::Unsupported(format!(
            "`{device}` offers a buffer of {} frames for periods of {}; sound needs two periods at least",
            set.buffer, set.period
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wish() -> Wish {
        Wish {
            access: Access::Auto,
            rate: 48_000,
            period: 240,
            periods: 3,
            channels: 2,
            format: None,
        }
    }

    fn dac() -> Abilities {
        Abilities {
            mmap: true,
            read_write: true,
            formats: vec![SampleFormat::S16, SampleFormat::S24, SampleFormat::S32],
            channels: (2, 2),
            rates: (8_000, 384_000),
            period: (32, 32_768),
            buffer: (64, 65_536),
        }
    }

    #[test]
    fn a_good_card_does_as_it_is_asked() {
        let set = plan("hw:0", &wish(), &dac()).unwrap();
        let expected = Plan {
            mmap: true,
            format: SampleFormat::S32,
            channels: 2,
            rate: 48_000,
            period: 240,
            buffer: 720,
        };
        assert_eq!(set, expected);
    }

    #[test]
    fn a_modest_card_gets_the_nearest() {
        let modest = Abilities {
            mmap: false,
            formats: vec![SampleFormat::S16],
            channels: (1, 1),
            rates: (8_000, 44_100),
            period: (512, 4_096),
            buffer: (1_024, 8_192),
            ..dac()
        };
        let expected = Plan {
            mmap: false,
            format: SampleFormat::S16,
            channels: 1,
            rate: 44_100,
            period: 512,
            buffer: 1_024,
        };
        assert_eq!(plan("hw:0", &wish(), &modest).unwrap(), expected);
    }

    #[test]
    fn recording_takes_the_format_that_playing_has() {
        let same = Wish {
            format: Some(SampleFormat::S16),
            ..wish()
        };
        assert_eq!(plan("hw:0", &same, &dac()).unwrap().format, SampleFormat::S16);
        let impossible = Wish {
            format: Some(SampleFormat::Float),
            ..wish()
        };
        assert_eq!(
            plan("hw:0", &impossible, &dac()).unwrap().format,
            SampleFormat::S32
        );
    }

    #[test]
    fn refusals_say_what_was_asked_and_what_is_possible() {
        let refusal = |wish: &Wish, can: &Abilities| plan("hw:CARD=Odd", wish, can).unwrap_err().to_string();
        let no_mmap = Abilities { mmap: false, ..dac() };
        let words = refusal(
            &Wish {
                access: Access::Mmap,
                ..wish()
            },
            &no_mmap,
        );
        assert!(
            words.contains("hw:CARD=Odd") && words.contains("read/write transfer only"),
            "{words}"
        );
        let odd = Abilities {
            formats: vec![],
            ..dac()
        };
        let words = refusal(&wish(), &odd);
        assert!(
            words.contains("S32_LE") && words.contains("none of them"),
            "{words}"
        );
        let tiny = Abilities {
            buffer: (1, 1),
            period: (1, 1),
            ..dac()
        };
        assert!(refusal(&wish(), &tiny).contains("at most 1 frames"));
    }

    proptest! {
        #[test]
        fn whatever_is_planned_is_within_what_the_card_can(
            period in 0u64..100_000, periods in 0u32..1_000, rate in 0u32..1_000_000,
            fewest in 1u32..4, more in 0u32..8, buffer_most in 2u64..100_000, period_least in 1u64..1_000,
        ) {
            let can = Abilities {
                channels: (fewest, fewest + more),
                buffer: (2, buffer_most),
                period: (period_least, period_least + 1_000),
                ..dac()
            };
            let wish = Wish { period, periods, rate, ..wish() };
            if let Ok(set) = plan("hw:0", &wish, &can) {
                prop_assert!(accept("hw:0", &set).is_ok());
                prop_assert!(set.buffer <= buffer_most);
                prop_assert!((8_000..=384_000).contains(&set.rate));
                prop_assert!(set.channels >= fewest && set.channels <= fewest + more);
            }
        }
    }
}
