//! The package of root keys: which of them, and which signing keys, are no longer trusted.

use super::codes::ExtendedResultCode;
use super::encoding;
use super::key::PublicKey;
use super::roots::Roots;
use aws_lc_rs::digest::{Algorithm, SHA256, SHA384, SHA512};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Longest package read; Microsoft's has 3 KB.
pub(crate) const LONGEST: usize = 64 * 1024;

/// Most signatures looked at.
const SIGNATURES: usize = 16;

/// Why a package of root keys is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RootKeyError {
    /// It is longer than any real one.
    #[error("the package of root keys has more than {LONGEST} bytes")]
    TooLong,
    /// It is no JSON, or not of that shape.
    #[error("the package of root keys cannot be read: {0}")]
    Malformed(String),
    /// Something is missing.
    #[error("the package of root keys has no `{0}`")]
    Missing(&'static str),
    /// Something is not what it should be.
    #[error("the package of root keys has a bad `{0}`")]
    Bad(&'static str),
    /// A built-in root key is not in it.
    #[error("the package of root keys does not know the root key {0}")]
    RootMissing(String),
    /// A built-in root key did not sign it.
    #[error("the package of root keys is not signed by {0}")]
    NotSigned(String),
    /// It is a test's.
    #[error("the package of root keys is for tests")]
    Test,
}

impl RootKeyError {
    /// As the protocol reports it.
    pub fn code(&self) -> ExtendedResultCode {
        ExtendedResultCode(match self {
            Self::TooLong => 0x8050_0003,
            Self::Malformed(_) => 0xA000_0001,
            Self::Missing("version") => 0x8050_0004,
            Self::Missing("published") => 0x8050_0005,
            Self::Missing("disabledRootKeys") => 0x8050_0006,
            Self::Missing("disabledSigningKeys") => 0x8050_000A,
            Self::Missing("rootKeys") => 0x8050_000C,
            Self::Missing("protected") => 0x8050_000D,
            Self::Missing("signatures") => 0x8050_000E,
            Self::Missing(_) => 0x8050_0001,
            Self::Bad("alg") => 0x8050_0015,
            Self::Bad("signatures") => 0x8050_0012,
            Self::Bad("hash" | "sig") => 0x8050_0016,
            Self::Bad("keyType") => 0x8050_0018,
            Self::Bad("n") => 0x8050_0013,
            Self::Bad("e") => 0x8050_001C,
            Self::Bad(_) => 0x8050_0001,
            Self::RootMissing(_) => 0x8060_0003,
            Self::NotSigned(_) => 0x8060_0004,
            Self::Test => 0xA000_0007,
        })
    }
}

/// A package that every built-in root key signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootKeyPackage {
    version: u64,
    /// Seconds since 1970.
    published: u64,
    keys: BTreeMap<String, PublicKey>,
    disabled: Vec<String>,
    disabled_signing: Vec<DisabledKey>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct DisabledKey {
    algorithm: &'static Algorithm,
    hash: Vec<u8>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    protected: Option<&'a RawValue>,
    signatures: Option<Vec<Signature>>,
}

#[derive(Deserialize)]
struct Signature {
    alg: Option<String>,
    sig: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Protected {
    #[serde(default)]
    is_test: bool,
    version: Option<u64>,
    published: Option<u64>,
    disabled_root_keys: Option<Vec<String>>,
    disabled_signing_keys: Option<Vec<Hash>>,
    root_keys: Option<BTreeMap<String, Key>>,
}

#[derive(Deserialize)]
struct Hash {
    alg: Option<String>,
    hash: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    key_type: Option<String>,
    n: Option<String>,
    e: Option<Value>,
}

impl RootKeyPackage {
    /// Reads a package and checks that each of `roots` signed it.
    ///
    /// # Errors
    /// Where it cannot be read, is a test's, or a signature is missing.
    pub fn read(text: &str, roots: &Roots) -> Result<Self, RootKeyError> {
        use RootKeyError::{Bad, Malformed, Missing};
        if text.len() > LONGEST {
            return Err(RootKeyError::TooLong);
        }
        let envelope: Envelope = serde_json::from_str(text).map_err(|error| Malformed(error.to_string()))?;
        let raw = envelope.protected.ok_or(Missing("protected"))?.get();
        let signatures = envelope.signatures.ok_or(Missing("signatures"))?;
        if signatures.is_empty() || signatures.len() > SIGNATURES {
            return Err(Bad("signatures"));
        }
        let protected: Protected = serde_json::from_str(raw).map_err(|error| Malformed(error.to_string()))?;
        let package = Self::of(&protected)?;
        package.check(&compact(raw), &signatures, roots)?;
        if protected.is_test && !roots.are_for_tests() {
            return Err(RootKeyError::Test);
        }
        Ok(package)
    }

    fn of(protected: &Protected) -> Result<Self, RootKeyError> {
        use RootKeyError::{Bad, Missing};
        let keys = protected.root_keys.as_ref().ok_or(Missing("rootKeys"))?;
        let disabled = protected.disabled_signing_keys.as_ref();
        Ok(Self {
            version: protected.version.ok_or(Missing("version"))?,
            published: protected.published.ok_or(Missing("published"))?,
            keys: keys
                .iter()
                .map(|(name, key)| Ok((name.clone(), key.read()?)))
                .collect::<Result<_, _>>()?,
            disabled: protected
                .disabled_root_keys
                .clone()
                .ok_or(Missing("disabledRootKeys"))?,
            disabled_signing: disabled
                .ok_or(Missing("disabledSigningKeys"))?
                .iter()
                .map(|key| {
                    let algorithm = match key.alg.as_deref() {
                        Some("SHA256") => &SHA256,
                        Some("SHA384") => &SHA384,
                        Some("SHA512") => &SHA512,
                        _ => return Err(Bad("alg")),
                    };
                    let hash = key.hash.as_deref().and_then(encoding::base64url);
                    Ok(DisabledKey {
                        algorithm,
                        hash: hash.ok_or(Bad("hash"))?,
                    })
                })
                .collect::<Result<_, _>>()?,
        })
    }

    fn check(&self, signed: &str, signatures: &[Signature], roots: &Roots) -> Result<(), RootKeyError> {
        let signatures = signatures
            .iter()
            .map(|signature| match signature.alg.as_deref() {
                Some("RS256") => signature
                    .sig
                    .as_deref()
                    .and_then(encoding::base64url)
                    .ok_or(RootKeyError::Bad("sig")),
                _ => Err(RootKeyError::Bad("alg")),
            })
            .collect::<Result<Vec<_>, _>>()?;
        for (name, key) in roots.keys() {
            if !self.keys.contains_key(name) {
                return Err(RootKeyError::RootMissing(name.clone()));
            }
            // A root key that is disabled still has to agree: that is how it is retired.
            let by = |signature: &Vec<u8>| key.signed(signed.as_bytes(), signature);
            if !signatures.iter().any(by) {
                return Err(RootKeyError::NotSigned(name.clone()));
            }
        }
        Ok(())
    }

    /// The root key of a name, among the built-in ones and those of the package.
    pub(crate) fn root<'a>(&'a self, name: &str, roots: &'a Roots) -> Option<&'a PublicKey> {
        roots.get(name).or_else(|| self.keys.get(name))
    }

    /// Whether a root key is no longer trusted.
    pub(crate) fn is_disabled(&self, name: &str) -> bool {
        self.disabled.iter().any(|disabled| disabled == name)
    }

    /// Whether a signing key is no longer trusted.
    pub(crate) fn is_signing_key_disabled(&self, key: &PublicKey) -> bool {
        self.disabled_signing
            .iter()
            .any(|disabled| key.hash(disabled.algorithm) == disabled.hash)
    }

    /// Whether it replaces `other`: an old one that is sent again must not bring back what was disabled since.
    pub fn replaces(&self, other: &Self) -> bool {
        (self.version, self.published) >= (other.version, other.published)
    }
}

impl Key {
    fn read(&self) -> Result<PublicKey, RootKeyError> {
        use RootKeyError::Bad;
        if self.key_type.as_deref() != Some("RSA") {
            return Err(Bad("keyType"));
        }
        if self.e.as_ref().and_then(Value::as_u64) != Some(65_537) {
            return Err(Bad("e"));
        }
        let modulus = self.n.as_deref().and_then(PublicKey::new);
        modulus.ok_or(Bad("n"))
    }
}

/// The text without the space between its parts: that is what is signed, however it is written.
fn compact(json: &str) -> String {
    let (mut within, mut escaped) = (false, false);
    json.chars()
        .filter(|letter| {
            match letter {
                '"' if !escaped => within = !within,
                '\\' if !escaped => {
                    escaped = true;
                    return true;
                }
                _ => {}
            }
            escaped = false;
            within || !matches!(letter, ' ' | '\t' | '\n' | '\r')
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Authority, vectors};
    use super::*;
    use serde_json::json;

    #[test]
    fn what_microsoft_signed_is_taken_however_it_is_laid_out() {
        let roots = Roots::production();
        let text = vectors::root_keys();
        let package = RootKeyPackage::read(&text, &roots).unwrap();
        assert_eq!((package.version, package.published), (1, 1_675_972_876));
        assert!(!package.is_disabled("ADU.200702.R"));
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_ne!(text, value.to_string());
        let spread = text.replace(':', " :\r\n\t").replace(',', " , ");
        assert_eq!(RootKeyPackage::read(&spread, &roots), Ok(package));
    }

    #[test]
    fn one_changed_letter_is_found() {
        let roots = Roots::production();
        for (from, to) in [
            ("\"version\": 1", "\"version\": 2"),
            ("1675972876", "1675972877"),
            ("\"disabledRootKeys\": []", "\"disabledRootKeys\": [\"x\"]"),
            ("Mj9AZXSqwu6NUWUv", "Mj9AZXSqwu6NUWUw"),
        ] {
            let text = vectors::root_keys().replace(from, to);
            assert_ne!(text, vectors::root_keys(), "{from}");
            let error = RootKeyPackage::read(&text, &roots).unwrap_err();
            assert!(matches!(error, RootKeyError::NotSigned(_)), "{error}");
            assert_eq!(error.code().0, 0x8060_0004);
        }
    }

    #[test]
    fn every_root_key_has_to_sign() {
        let authority = Authority::new();
        let whole = authority.root_keys(&json!({}));
        assert!(RootKeyPackage::read(&whole, &authority.roots()).is_ok());
        let mut value: Value = serde_json::from_str(&whole).unwrap();
        value["signatures"].as_array_mut().unwrap().pop();
        let error = RootKeyPackage::read(&value.to_string(), &authority.roots()).unwrap_err();
        assert_eq!(error, RootKeyError::NotSigned("root-2".to_owned()));
        // The same signature twice is one.
        let first = value["signatures"][0].clone();
        value["signatures"].as_array_mut().unwrap().push(first);
        let error = RootKeyPackage::read(&value.to_string(), &authority.roots()).unwrap_err();
        assert_eq!(error, RootKeyError::NotSigned("root-2".to_owned()));
    }

    #[test]
    fn a_test_is_not_taken_for_the_real_thing() {
        let authority = Authority::new();
        let text = authority.root_keys(&json!({"isTest": true}));
        let error = RootKeyPackage::read(&text, &Roots::production()).unwrap_err();
        assert_eq!(error, RootKeyError::RootMissing("ADU.200702.R".to_owned()));
        assert!(RootKeyPackage::read(&text, &authority.roots()).is_ok());
        let error = RootKeyPackage::read(&text, &authority.roots().into_production()).unwrap_err();
        assert_eq!((&error, error.code().0), (&RootKeyError::Test, 0xA000_0007));
    }

    #[test]
    fn what_is_missing_or_bad_is_named_with_the_agents_code() {
        let authority = Authority::new();
        let roots = authority.roots();
        let cases = [
            (json!({"version": null}), 0x8050_0004),
            (json!({"published": null}), 0x8050_0005),
            (json!({"disabledRootKeys": null}), 0x8050_0006),
            (json!({"disabledSigningKeys": null}), 0x8050_000A),
            (json!({"rootKeys": null}), 0x8050_000C),
            (json!({"rootKeys": {"a": {"keyType": "EC"}}}), 0x8050_0018),
            (
                json!({"rootKeys": {"a": {"keyType": "RSA", "n": "x", "e": 65537}}}),
                0x8050_0013,
            ),
            (
                json!({"rootKeys": {"a": {"keyType": "RSA", "n": "x", "e": 3}}}),
                0x8050_001C,
            ),
            (
                json!({"disabledSigningKeys": [{"alg": "MD5", "hash": "AA"}]}),
                0x8050_0015,
            ),
            (
                json!({"disabledSigningKeys": [{"alg": "SHA256", "hash": "?"}]}),
                0x8050_0016,
            ),
            (json!({"version": -1}), 0xA000_0001),
        ];
        for (change, code) in cases {
            let error = RootKeyPackage::read(&authority.root_keys(&change), &roots).unwrap_err();
            assert_eq!(error.code().0, code, "{change}: {error}");
        }
        for (text, code) in [
            ("", 0xA000_0001),
            ("[]", 0xA000_0001),
            ("{}", 0x8050_000D),
            (r#"{"protected": {}}"#, 0x8050_000E),
            (r#"{"protected": {}, "signatures": []}"#, 0x8050_0012),
            ("[".repeat(LONGEST).as_str(), 0xA000_0001),
            (" ".repeat(LONGEST + 1).as_str(), 0x8050_0003),
        ] {
            let error = RootKeyPackage::read(text, &roots).unwrap_err();
            assert_eq!(error.code().0, code, "{error}");
        }
    }

    #[test]
    fn an_older_package_does_not_replace_a_newer_one() {
        let authority = Authority::new();
        let read = |change| RootKeyPackage::read(&authority.root_keys(&change), &authority.roots()).unwrap();
        let (old, new) = (
            read(json!({})),
            read(json!({"version": 2, "disabledRootKeys": ["root-1"]})),
        );
        assert!(new.replaces(&old) && old.replaces(&old) && !old.replaces(&new));
        assert!(read(json!({"published": 9_999_999_999_u64})).replaces(&old));
    }

    #[test]
    fn space_is_taken_away_only_outside_of_words() {
        assert_eq!(compact("{ \"a b\" : [ 1 ,\n2 ] }"), "{\"a b\":[1,2]}");
        assert_eq!(
            compact(r#"{ "a\" b" : "\\" , "c d" : 1 }"#),
            r#"{"a\" b":"\\","c d":1}"#
        );
    }
}
