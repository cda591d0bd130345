//! Times as the original wrote them: ISO 8601 in UTC.

use amora_contract::units::Timestamp;

/// `2026-11-21T18:42:54Z`.
pub fn seconds(time: Timestamp) -> String {
    format!("{}Z", civil(time))
}

/// `2026-11-21T18:42:54.123Z`.
pub fn milliseconds(time: Timestamp) -> String {
    format!("{}.{:03}Z", civil(time), time.0 % 1000)
}

/// The proleptic Gregorian calendar, counted in eras of 400 years from 1 March of year 0.
fn civil(time: Timestamp) -> String {
    let seconds = time.0 / 1000;
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with Python's `datetime.fromtimestamp(…, timezone.utc)`.
    #[test]
    fn times_are_those_that_another_implementation_makes() {
        for (at, text) in [
            (0, "1970-01-01T00:00:00"),
            (951_827_696, "2000-02-29T12:34:56"),
            (1_772_323_199, "2026-02-28T23:59:59"),
            (1_772_323_200, "2026-03-01T00:00:00"),
            (4_107_542_399, "2100-02-28T23:59:59"),
            (4_107_542_400, "2100-03-01T00:00:00"),
        ] {
            assert_eq!(civil(Timestamp(at * 1000)), text);
        }
        assert_eq!(milliseconds(Timestamp(7)), "1970-01-01T00:00:00.007Z");
        assert_eq!(seconds(Timestamp(999)), "1970-01-01T00:00:00Z");
    }
}
