//! What may be asked: an object of JSON on one line, each socket its own kinds.

use crate::HelperError;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Requests of `slot.sock`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Slot {
    /// How the slots stand.
    Status {},
    /// The running system stays.
    Commit {},
    /// The next start is from the slot that ran before the update.
    GiveUp {},
    /// What kernels said last before the box was reset.
    LastWords {},
}

/// Requests of `power.sock`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Power {
    /// Restart.
    Restart {
        /// Into an update that is to be tried. Where the boot loader knows that by itself, it makes no difference.
        #[serde(default)]
        trial: bool,
    },
    /// Switch off.
    PowerOff {},
}

/// Requests of `reset.sock`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Reset {
    /// Forget everything at the next start, and restart.
    FactoryReset {},
}

/// Reads one request.
///
/// # Errors
/// When it is none of this kind.
pub fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, HelperError> {
    if line.len() > crate::LONGEST {
        return Err(HelperError::TooLong);
    }
    serde_json::from_slice(line).map_err(|error| HelperError::Request(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_socket_knows_its_own_requests() {
        assert_eq!(
            parse::<Slot>(br#"{"request":"status"}"#).unwrap(),
            Slot::Status {}
        );
        assert_eq!(
            parse::<Slot>(br#"{"request":"commit"}"#).unwrap(),
            Slot::Commit {}
        );
        assert_eq!(
            parse::<Slot>(br#"{"request":"give-up"}"#).unwrap(),
            Slot::GiveUp {}
        );
        assert_eq!(
            parse::<Power>(br#"{"request":"restart","trial":true}"#).unwrap(),
            Power::Restart { trial: true }
        );
        assert_eq!(
            parse::<Power>(br#"{"request":"power-off"}"#).unwrap(),
            Power::PowerOff {}
        );
        assert_eq!(
            parse::<Reset>(br#"{"request":"factory-reset"}"#).unwrap(),
            Reset::FactoryReset {}
        );
        for wrong in [
            "",
            "{}",
            "null",
            "status",
            r#"{"request":"restart"}"#,
            r#"{"request":"status","x":1}"#,
        ] {
            assert!(parse::<Slot>(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(parse::<Reset>(br#"{"request":"power-off"}"#).is_err());
    }

    proptest! {
        #[test]
        fn anything_else_is_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = parse::<Slot>(&bytes);
            let _ = parse::<Power>(&bytes);
            prop_assert!(parse::<Reset>(&bytes).is_err());
        }

        #[test]
        fn deep_and_long_json_is_refused_without_panic(depth in 1usize..2000) {
            let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            prop_assert!(parse::<Slot>(text.as_bytes()).is_err());
        }
    }
}
