//! Whether the box is fit for an update. Each check looks at what was read and says what is wrong, if anything is.

mod readings;

pub(crate) use readings::{file_system, read};

use crate::error::Refusal;
use amora_contract::state::UpdateCause;
use amora_contract::units::{Bytes, Timestamp};

/// What `/data` must have room for: the records of an update, and a log of it.
const ROOM: Bytes = Bytes(16 << 20);

/// [`Timestamp::EARLIEST`] in seconds.
const EARLIEST: u64 = Timestamp::EARLIEST.0 / 1000;

/// [`Timestamp::LATEST`] in seconds.
const LATEST: u64 = Timestamp::LATEST.0 / 1000;

/// What was read of the box; what a board does not have is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Readings {
    /// When the board's boot loader was built, in seconds since 1970.
    pub(crate) boot_loader: Option<u64>,
    /// The firmware's flags of what limited the board since it was started.
    pub(crate) throttled: Option<u32>,
    /// Whether a sensor says that the voltage is too low now.
    pub(crate) low_voltage: Option<bool>,
    /// The cards, as they tell about themselves.
    pub(crate) cards: Vec<Card>,
    /// Free space on `/data`.
    pub(crate) room: Option<Bytes>,
    /// Why nothing can be kept on `/data`.
    pub(crate) data: Option<String>,
    /// The clock, in seconds since 1970.
    pub(crate) clock: u64,
    /// When the running image was made, in seconds since 1970.
    pub(crate) image: Option<u64>,
}

/// What an eMMC tells about its wear.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Card {
    /// For example `mmcblk0`.
    pub(crate) name: String,
    /// Wear of its two kinds of memory, in tenths; 11 is beyond its life.
    pub(crate) life: [u32; 2],
    /// 1 is normal, 2 a warning, 3 urgent.
    pub(crate) spare: u32,
}

/// What a box must be like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Demands {
    /// The oldest boot loader, as `YYYY-MM-DD`.
    pub(crate) oldest_boot_loader: Option<String>,
}

/// The first thing that makes the box unfit.
pub(crate) fn check(readings: &Readings, demands: &Demands) -> Result<(), Refusal> {
    let found = clock(readings.clock, readings.image)
        .or_else(|| data(readings.data.as_deref(), readings.room))
        .or_else(|| voltage(readings.throttled, readings.low_voltage))
        .or_else(|| cards(&readings.cards))
        .or_else(|| boot_loader(readings.boot_loader, demands.oldest_boot_loader.as_deref()));
    found.map_or(Ok(()), Err)
}

fn clock(now: u64, image: Option<u64>) -> Option<Refusal> {
    let earliest = image.unwrap_or(EARLIEST).max(EARLIEST);
    if (earliest..LATEST).contains(&now) {
        return None;
    }
    let reason = format!(
        "the box's clock shows {}, which cannot be: certificates could not be judged",
        date(now)
    );
    Some(Refusal::new(UpdateCause::Clock, reason))
}

fn data(broken: Option<&str>, room: Option<Bytes>) -> Option<Refusal> {
    if let Some(cause) = broken {
        let reason = format!("nothing can be kept on `/data`: {cause}");
        return Some(Refusal::new(UpdateCause::Space, reason));
    }
    let room = room.filter(|room| *room < ROOM)?;
    let reason = format!(
        "`/data` has {} MiB free, and {} are needed",
        room.0 >> 20,
        ROOM.0 >> 20
    );
    Some(Refusal::new(UpdateCause::Space, reason))
}

fn voltage(throttled: Option<u32>, low: Option<bool>) -> Option<Refusal> {
    // Bits of the firmware: 0 is now, 16 is at some time since the start.
    let bit = |number: u32| throttled.is_some_and(|flags| flags & (1 << number) != 0);
    let reason = if bit(0) || low == Some(true) {
        "the supply voltage is too low now"
    } else if bit(16) {
        "the supply voltage was too low at some time since the box was started"
    } else {
        return None;
    };
    Some(Refusal::new(
        UpdateCause::UnderVoltage,
        format!("{reason}: a write to the card could go wrong"),
    ))
}

fn cards(cards: &[Card]) -> Option<Refusal> {
    let worn = |card: &&Card| card.life.iter().any(|life| *life >= 11) || card.spare >= 3;
    let card = cards.iter().find(worn)?;
    let reason = match card.spare >= 3 {
        true => format!("the card {} says that its spare memory is used up", card.name),
        false => format!("the card {} says that it is beyond its life", card.name),
    };
    Some(Refusal::new(UpdateCause::Card, reason))
}

fn boot_loader(built: Option<u64>, oldest: Option<&str>) -> Option<Refusal> {
    let (built, oldest) = (date(built?), oldest?);
    if built.as_str() >= oldest {
        return None;
    }
    Some(Refusal::new(
        UpdateCause::BootLoader,
        format!("the board's boot loader is of {built}, and updates want one of {oldest} or later"),
    ))
}

/// The day, as `YYYY-MM-DD`.
fn date(seconds: u64) -> String {
    // Days since 0000-03-01, in eras of 400 years (the calendar repeats after them).
    let days = (seconds / 86_400).min(10_000_000) + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, wrap) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + wrap)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_000_000;

    fn fit() -> Readings {
        Readings {
            boot_loader: Some(1_739_232_000),
            throttled: Some(0),
            low_voltage: Some(false),
            cards: vec![Card {
                name: "mmcblk0".to_owned(),
                life: [1, 2],
                spare: 1,
            }],
            room: Some(Bytes(1 << 30)),
            data: None,
            clock: NOW,
            image: Some(NOW - 1000),
        }
    }

    fn cause(readings: &Readings, oldest: Option<&str>) -> Option<UpdateCause> {
        let oldest_boot_loader = oldest.map(str::to_owned);
        check(readings, &Demands { oldest_boot_loader })
            .err()
            .map(|refusal| refusal.cause)
    }

    #[test]
    fn a_sound_box_and_one_that_tells_nothing_are_fit() {
        assert_eq!(cause(&fit(), Some("2025-02-11")), None);
        let silent = Readings {
            clock: NOW,
            ..Readings::default()
        };
        assert_eq!(cause(&silent, Some("2025-02-11")), None);
    }

    #[test]
    fn each_weakness_is_a_reason() {
        for (flags, low, expected) in [
            (0x1, false, Some(UpdateCause::UnderVoltage)),
            (0x10000, false, Some(UpdateCause::UnderVoltage)),
            (0x0, true, Some(UpdateCause::UnderVoltage)),
            // A warm or capped processor harms nothing.
            (0xE000E, false, None),
        ] {
            let readings = Readings {
                throttled: Some(flags),
                low_voltage: Some(low),
                ..fit()
            };
            assert_eq!(cause(&readings, None), expected, "{flags:x}");
        }
        for (life, spare, worn) in [([10, 10], 2, false), ([11, 1], 1, true), ([1, 1], 3, true)] {
            let mut readings = fit();
            readings.cards[0].life = life;
            readings.cards[0].spare = spare;
            assert_eq!(
                cause(&readings, None),
                worn.then_some(UpdateCause::Card),
                "{life:?} {spare}"
            );
        }
        let full = Readings {
            room: Some(Bytes((16 << 20) - 1)),
            ..fit()
        };
        assert_eq!(cause(&full, None), Some(UpdateCause::Space));
        let lost = Readings {
            data: Some("the card is gone".to_owned()),
            ..fit()
        };
        assert_eq!(cause(&lost, None), Some(UpdateCause::Space));
        assert_eq!(cause(&fit(), Some("2025-02-12")), Some(UpdateCause::BootLoader));
    }

    #[test]
    fn a_clock_before_the_image_or_far_ahead_is_wrong() {
        for (clock, wrong) in [(0, true), (NOW - 1001, true), (NOW - 1000, false), (LATEST, true)] {
            let readings = Readings { clock, ..fit() };
            assert_eq!(
                cause(&readings, None),
                wrong.then_some(UpdateCause::Clock),
                "{clock}"
            );
        }
        // Images that are built reproducibly may carry any date; before this software was written it cannot be.
        let readings = Readings {
            clock: EARLIEST - 1,
            image: Some(1_000_000_000),
            ..fit()
        };
        assert_eq!(cause(&readings, None), Some(UpdateCause::Clock));
    }

    #[test]
    fn days_are_told_right() {
        for (seconds, expected) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_739_232_000, "2025-02-11"),
            (1_767_225_599, "2025-12-31"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(date(seconds), expected);
        }
    }
}
