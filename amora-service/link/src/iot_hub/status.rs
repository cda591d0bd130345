//! What a status code of the service means for whoever asked.

/// What to make of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done (200, 201, 204).
    Done,
    /// Begun, to be asked about again (202).
    Accepted,
    /// What was sent is wrong; sending it again will not help (400, 412, 413 and other 4xx).
    Refused,
    /// The service does not, or no longer, know this device or accept its identity (401, 403, 404): with the
    /// provisioning service behind it, the device is to be provisioned again.
    Identity,
    /// Too much at once, or the day's quota is used up (429): slower.
    Throttled,
    /// The service cannot do it now (408, 5xx): again later.
    Unavailable,
}

impl Outcome {
    /// Reads a status code, of three digits or of the six that name an error more closely (`429001`).
    pub const fn of(status: u32) -> Self {
        let class = if status >= 100_000 { status / 1000 } else { status };
        match class {
            202 => Self::Accepted,
            200..300 => Self::Done,
            401 | 403 | 404 => Self::Identity,
            429 => Self::Throttled,
            408 | 500..600 => Self::Unavailable,
            _ => Self::Refused,
        }
    }

    /// Whether asking again later may help.
    pub const fn is_passing(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_three_and_six_digits_are_read() {
        let cases = [
            (200, Outcome::Done),
            (204, Outcome::Done),
            (202, Outcome::Accepted),
            (400, Outcome::Refused),
            (413, Outcome::Refused),
            (401_002, Outcome::Identity),
            (404, Outcome::Identity),
            (429, Outcome::Throttled),
            (429_001, Outcome::Throttled),
            (503, Outcome::Unavailable),
            (0, Outcome::Refused),
            (u32::MAX, Outcome::Refused),
        ];
        for (status, outcome) in cases {
            assert_eq!(Outcome::of(status), outcome, "{status}");
        }
        assert!(Outcome::Throttled.is_passing() && !Outcome::Refused.is_passing());
    }
}
