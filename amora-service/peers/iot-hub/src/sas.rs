//! Shared access signatures: the passwords of devices without certificates.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Why a token does not let its bearer in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is not `SharedAccessSignature sr=…&sig=…&se=…`.
    #[error("the token is malformed")]
    Malformed,
    /// It was made for something else.
    #[error("the token is for {0}")]
    Resource(String),
    /// Neither key of the identity made the signature.
    #[error("the signature does not match")]
    Signature,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
}

/// What a token says, unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The resource as it was sent: percent-encoded, which is what is signed.
    resource: String,
    signature: Vec<u8>,
    /// Seconds since 1970.
    expiry: u64,
    /// The name of the policy or `registration`, if there is one.
    pub policy: Option<String>,
}

impl Token {
    /// Reads a token. Fields may come in any order; unknown and repeated ones are refused.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let fields = text
            .strip_prefix("SharedAccessSignature ")
            .ok_or(TokenError::Malformed)?;
        let (mut resource, mut signature, mut expiry, mut policy) = (None, None, None, None);
        for field in fields.split('&') {
            let (name, value) = field.split_once('=').ok_or(TokenError::Malformed)?;
            let slot = match name.trim() {
                "sr" => &mut resource,
                "sig" => &mut signature,
                "se" => &mut expiry,
                "skn" => &mut policy,
                _ => return Err(TokenError::Malformed),
            };
            if slot.replace(value.trim().to_owned()).is_some() {
                return Err(TokenError::Malformed);
            }
        }
        let signature = signature
            .and_then(|text| decoded(&text))
            .ok_or(TokenError::Malformed)?;
        Ok(Self {
            resource: resource.ok_or(TokenError::Malformed)?,
            signature: STANDARD.decode(signature).map_err(|_| TokenError::Malformed)?,
            expiry: expiry
                .and_then(|text| text.parse().ok())
                .ok_or(TokenError::Malformed)?,
            policy: policy.filter(|name| !name.is_empty()),
        })
    }

    /// Checks that one of `keys` (Base64) signed this token for `resource`, and returns when its time is over.
    pub fn check(&self, resource: &str, keys: &[&str], now: SystemTime) -> Result<SystemTime, TokenError> {
        let named = decoded(&self.resource).ok_or(TokenError::Malformed)?;
        if !named.eq_ignore_ascii_case(resource) {
            return Err(TokenError::Resource(named));
        }
        let signed = format!("{}\n{}", self.resource, self.expiry);
        let matches = |key: &&str| {
            !key.is_empty()
                && STANDARD.decode(key).is_ok_and(|key| {
                    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
                    hmac::verify(&key, signed.as_bytes(), &self.signature).is_ok()
                })
        };
        if !keys.iter().any(matches) {
            return Err(TokenError::Signature);
        }
        let expiry = UNIX_EPOCH
            .checked_add(Duration::from_secs(self.expiry))
            .ok_or(TokenError::Malformed)?;
        if expiry <= now {
            return Err(TokenError::Expired);
        }
        Ok(expiry)
    }
}

/// Makes a token as a device does. `key` is Base64; anything else gives a token that nobody accepts.
pub fn token(resource: &str, key: &str, expiry: SystemTime, policy: Option<&str>) -> String {
    let resource = utf8_percent_encode(resource, NON_ALPHANUMERIC).to_string();
    let expiry = expiry.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let signature = sign(key, &format!("{resource}\n{expiry}"));
    let signature = utf8_percent_encode(&signature, NON_ALPHANUMERIC);
    let policy = policy.map(|name| format!("&skn={name}")).unwrap_or_default();
    format!("SharedAccessSignature sr={resource}&sig={signature}&se={expiry}{policy}")
}

/// The key of a device in an enrolment group: the group's key over the registration id. Both are Base64.
pub fn device_key(group_key: &str, registration_id: &str) -> String {
    sign(group_key, registration_id)
}

fn sign(key: &str, text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(key).unwrap_or_default());
    STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZg==";
    const RESOURCE: &str = "contoso.azure-devices.net/devices/box";

    fn later() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(2_000_000_000)
    }

    #[test]
    fn a_token_is_accepted_until_its_time_is_over() {
        let token = Token::parse(&token(RESOURCE, KEY, later(), None)).unwrap();
        assert_eq!(token.check(RESOURCE, &["", KEY], UNIX_EPOCH), Ok(later()));
        assert_eq!(token.check(RESOURCE, &[KEY], later()), Err(TokenError::Expired));
    }

    #[test]
    fn a_token_made_by_another_implementation_is_accepted() {
        // Made with Microsoft's azure-iot-device 2.14.0 (common.auth.sastoken, expiry 2000000000).
        let text = "SharedAccessSignature sr=contoso.azure-devices.net%2Fdevices%2Fbox&sig=n%2B0ddK90%2BrB8ONDESYBMy5amP8pWJMBZn5ugGIyvX0E%3D&se=2000000000";
        let token = Token::parse(text).unwrap();
        assert_eq!(token.check(RESOURCE, &[KEY], UNIX_EPOCH), Ok(later()));
    }

    #[test]
    fn another_key_resource_or_expiry_is_refused() {
        let good = token(RESOURCE, KEY, later(), None);
        let check = |text: &str, resource| Token::parse(text).unwrap().check(resource, &[KEY], UNIX_EPOCH);
        let other = token(RESOURCE, "AAAA", later(), None);
        assert_eq!(check(&other, RESOURCE), Err(TokenError::Signature));
        assert_eq!(
            check(&good.replace("se=2", "se=3"), RESOURCE),
            Err(TokenError::Signature)
        );
        assert_eq!(
            check(&good, "contoso.azure-devices.net/devices/other"),
            Err(TokenError::Resource(RESOURCE.into()))
        );
    }

    #[test]
    fn what_is_not_a_token_is_refused() {
        for text in [
            "",
            "SharedAccessSignature ",
            "SharedAccessSignature sr=a&se=1",
            "sr=a&sig=b&se=1",
        ] {
            assert_eq!(Token::parse(text), Err(TokenError::Malformed), "{text}");
        }
        let good = token(RESOURCE, KEY, later(), None);
        assert_eq!(Token::parse(&format!("{good}&se=1")), Err(TokenError::Malformed));
        assert_eq!(
            Token::parse(&format!("{good}&other=1")),
            Err(TokenError::Malformed)
        );
    }
}
