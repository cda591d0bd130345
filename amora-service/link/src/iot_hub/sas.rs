//! Shared access signatures: how they are made, and when the next one is due.
//!
//! The service ends a connection when its token expires, and allows one connection for each device id. A new one
//! can therefore not be up before the old one goes: shortly before the expiry the client connects again with a
//! fresh token, at a moment of its own choosing, and what is to be sent waits in the outbox for that second.

use super::encoding::encode;
use amora_contract::units::Timestamp;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::time::Duration;

/// Longest key that is read, decoded; the service's own have 64 bytes or fewer.
const LONGEST_KEY: usize = 512;

/// A shared access key. It never shows itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Vec<u8>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(***)")
    }
}

impl Key {
    /// Reads a key in base64; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let key = STANDARD.decode(text.trim()).ok()?;
        (1..=LONGEST_KEY).contains(&key.len()).then_some(Self(key))
    }

    /// The key of one device of an enrolment group: HMAC-SHA256 of its registration id under the group's key.
    pub fn of_group_member(&self, registration_id: &str) -> Self {
        Self(self.sign(registration_id.as_bytes()))
    }

    /// The key in base64, for whoever enrols the device.
    pub fn reveal(&self) -> String {
        STANDARD.encode(&self.0)
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        hmac::sign(&key, message).as_ref().to_vec()
    }
}

/// A token: `SharedAccessSignature sr=…&sig=…&se=…`, with `skn` where the key has a name.
///
/// `resource` is what it opens, for example `hub.azure-devices.net/devices/box`; `expiry` is in seconds since 1970.
pub fn token(key: &Key, resource: &str, expiry: u64, key_name: Option<&str>) -> String {
    let resource = encode(resource);
    let signature = STANDARD.encode(key.sign(format!("{resource}\n{expiry}").as_bytes()));
    let name = key_name.map_or(String::new(), |name| format!("&skn={}", encode(name)));
    format!(
        "SharedAccessSignature sr={resource}&sig={}&se={expiry}{name}",
        encode(&signature)
    )
}

/// How long a token lives, and how much of that is used before the next one is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Renewal {
    /// A token's life.
    pub life: Duration,
    /// The part of its life after which it is renewed.
    pub at: f64,
    /// How much earlier at random, as a part of its life: a fleet that started together must not renew together.
    pub spread: f64,
}

impl Default for Renewal {
    /// An hour, renewed after 75 to 85 %.
    fn default() -> Self {
        Self {
            life: Duration::from_secs(3600),
            at: 0.85,
            spread: 0.1,
        }
    }
}

impl Renewal {
    /// When a token that is signed now is to be replaced, counted from now. `random` is uniform in 0 to 1.
    pub fn due_in(&self, random: f64) -> Duration {
        let part = (self.at - self.spread * random.clamp(0.0, 1.0)).clamp(0.1, 0.95);
        self.life.mul_f64(part)
    }
}

/// [`Timestamp::EARLIEST`] in seconds.
pub const EARLIEST: u64 = Timestamp::EARLIEST.0 / 1000;

/// [`Timestamp::LATEST`] in seconds.
pub const LATEST: u64 = Timestamp::LATEST.0 / 1000;

/// Whether tokens can be signed by a clock that shows `unix_seconds`. A board without a clock of its own starts in
/// the past, and a token signed there has expired before it is used.
pub const fn is_plausible(unix_seconds: u64) -> bool {
    EARLIEST <= unix_seconds && unix_seconds < LATEST
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "c2VjcmV0LWtleS1vZi0zMi1ieXRlcy1mb3ItdGVzdHM=";

    /// Made with Python's `hmac`, `base64` and `urllib.parse.quote(…, safe="")`.
    #[test]
    fn tokens_are_those_that_another_implementation_makes() {
        let key = Key::parse(KEY).unwrap();
        assert_eq!(
            token(&key, "h.azure-devices.net/devices/box 1", 1_800_000_000, None),
            "SharedAccessSignature sr=h.azure-devices.net%2Fdevices%2Fbox%201&sig=l28f5VQgfVFq9PyL65Q%2B1IXRdLOACUq6FkrZgkeQxBg%3D&se=1800000000"
        );
        assert_eq!(
            token(
                &key,
                "0ne000A/registrations/box-1",
                1_800_000_000,
                Some("registration")
            ),
            "SharedAccessSignature sr=0ne000A%2Fregistrations%2Fbox-1&sig=2q0H2SMBkQZraPci%2BOMYlMqZNwGGfqRLtJ7Oj8eL4s8%3D&se=1800000000&skn=registration"
        );
        assert_eq!(
            key.of_group_member("box-1").reveal(),
            "wNpEdeevpHpYtWumfl1Ncqav1RPqYM7epB5HQd0LMBs="
        );
    }

    #[test]
    fn a_key_never_shows_itself() {
        let key = Key::parse(KEY).unwrap();
        assert_eq!(format!("{key:?}"), "Key(***)");
        assert_eq!(key.reveal(), KEY);
        assert_eq!(Key::parse("not base64!"), None);
        assert_eq!(Key::parse(""), None);
    }

    #[test]
    fn renewal_comes_before_the_expiry_and_not_all_at_once() {
        let renewal = Renewal::default();
        assert_eq!(renewal.due_in(0.0).as_secs(), 3060);
        assert_eq!(renewal.due_in(1.0).as_secs(), 2700);
        let odd = Renewal {
            at: 7.0,
            spread: 0.0,
            ..renewal
        };
        assert!(odd.due_in(0.0) < odd.life);
    }

    #[test]
    fn a_clock_in_the_past_signs_nothing() {
        assert!(!is_plausible(0));
        assert!(!is_plausible(EARLIEST - 1));
        assert!(is_plausible(1_800_000_000));
        assert!(!is_plausible(u64::MAX));
    }
}
