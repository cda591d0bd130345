//! The signature of a manifest: a JSON Web Signature whose key is itself signed by a root key.

use super::codes::ExtendedResultCode;
use super::encoding;
use super::key::{EXPONENT_TEXT, PublicKey};
use super::root_keys::RootKeyPackage;
use super::roots::Roots;
use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Longest signature read. A real one has 4 KB, which is also the longest text in a twin.
const LONGEST: usize = 16 * 1024;

/// Why a manifest's signature is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It has not the shape of a signature.
    #[error("the manifest's signature is malformed: {0}")]
    Structure(&'static str),
    /// Its header cannot be decoded.
    #[error("the header of the manifest's signature cannot be read")]
    Header,
    /// The root key that signed the signing key is no longer trusted.
    #[error("the root key {0} is disabled")]
    RootDisabled(String),
    /// The root key that signed the signing key is not known.
    #[error("the root key {0} is not known")]
    RootUnknown(String),
    /// The signing key cannot be read.
    #[error("the key of the manifest's signature cannot be read: {0}")]
    SigningKey(&'static str),
    /// The signing key is no longer trusted.
    #[error("the key of the manifest's signature is disabled")]
    SigningKeyDisabled,
    /// The signing key was not signed by the root key, or the manifest not by the signing key.
    #[error("{0} is not signed by the key that it names")]
    NotSigned(&'static str),
    /// It is the signature of another manifest.
    #[error("the signature is not of this manifest")]
    OtherManifest,
}

impl SignatureError {
    /// As the protocol reports it: `JWSResult` where there is one.
    pub fn code(&self) -> ExtendedResultCode {
        match self {
            Self::Structure(_) => ExtendedResultCode::jws(2),
            Self::NotSigned(_) => ExtendedResultCode::jws(4),
            Self::RootDisabled(_) => ExtendedResultCode::jws(5),
            Self::RootUnknown(_) => ExtendedResultCode::jws(6),
            Self::Header => ExtendedResultCode::jws(8),
            Self::SigningKey(_) => ExtendedResultCode::jws(9),
            Self::SigningKeyDisabled => ExtendedResultCode(0xA000_0005),
            Self::OtherManifest => ExtendedResultCode(0x8030_0001),
        }
    }
}

/// Checks the signature of a manifest, up to a root key.
///
/// # Errors
/// Where any link of the chain does not hold.
pub fn verify(
    manifest: &str,
    signature: &str,
    package: &RootKeyPackage,
    roots: &Roots,
) -> Result<(), SignatureError> {
    if signature.len() > LONGEST {
        return Err(SignatureError::Structure("it is too long"));
    }
    let signature = Signed::split(signature)?;
    let header: Header = signature.header()?;
    let key = header.sjwk.ok_or(SignatureError::Structure("it names no key"))?;
    let key = signing_key(&key, package, roots)?;
    signature.verify("the manifest", &key)?;
    let claimed: Claimed = signature.payload().ok_or(SignatureError::OtherManifest)?;
    let claimed = encoding::sha256(&claimed.sha256).ok_or(SignatureError::OtherManifest)?;
    match digest(&SHA256, manifest.as_bytes()).as_ref() == claimed {
        true => Ok(()),
        false => Err(SignatureError::OtherManifest),
    }
}

/// The signing key in a JSON Web Key that a root key signed.
fn signing_key(text: &str, package: &RootKeyPackage, roots: &Roots) -> Result<PublicKey, SignatureError> {
    let signed = Signed::split(text)?;
    let header: Header = signed.header()?;
    let root = header
        .kid
        .ok_or(SignatureError::Structure("its key names no root key"))?;
    if package.is_disabled(&root) {
        return Err(SignatureError::RootDisabled(root));
    }
    let Some(key) = package.root(&root, roots) else {
        return Err(SignatureError::RootUnknown(root));
    };
    signed.verify("the signing key", key)?;
    let jwk: Jwk = signed
        .payload()
        .ok_or(SignatureError::SigningKey("it is no JSON"))?;
    if jwk.kty != "RSA" || jwk.e != EXPONENT_TEXT || jwk.alg.is_some_and(|algorithm| algorithm != "RS256") {
        return Err(SignatureError::SigningKey("it is no RSA key for RS256"));
    }
    let key = PublicKey::new(&jwk.n).ok_or(SignatureError::SigningKey("its modulus is none"))?;
    match package.is_signing_key_disabled(&key) {
        true => Err(SignatureError::SigningKeyDisabled),
        false => Ok(key),
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    sjwk: Option<String>,
    crit: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    n: String,
    e: String,
    alg: Option<String>,
}

#[derive(Deserialize)]
struct Claimed {
    sha256: String,
}

/// A JSON Web Signature in its compact form (RFC 7515, section 3.1).
struct Signed<'a> {
    header: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
    /// Header and payload as they stand: that is what is signed.
    text: &'a str,
}

impl<'a> Signed<'a> {
    fn split(text: &'a str) -> Result<Self, SignatureError> {
        let parts: Vec<_> = text.splitn(4, '.').collect();
        let [header, payload, signature] = parts[..] else {
            return Err(SignatureError::Structure("it has not three parts"));
        };
        let decode = |part| encoding::base64url(part).filter(|bytes| !bytes.is_empty());
        let bad = SignatureError::Structure("a part of it is not base64");
        Ok(Self {
            header,
            payload: decode(payload).ok_or(bad.clone())?,
            signature: decode(signature).ok_or(bad)?,
            text: &text[..header.len() + 1 + payload.len()],
        })
    }

    fn header(&self) -> Result<Header, SignatureError> {
        let bytes = encoding::base64url(self.header).ok_or(SignatureError::Header)?;
        let header: Header = serde_json::from_slice(&bytes).map_err(|_| SignatureError::Header)?;
        match (header.alg.as_str(), &header.crit) {
            ("RS256", None) => Ok(header),
            ("RS256", Some(_)) => Err(SignatureError::Structure("it asks for an extension")),
            _ => Err(SignatureError::Structure("its algorithm is not RS256")),
        }
    }

    fn payload<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.payload).ok()
    }

    fn verify(&self, what: &'static str, key: &PublicKey) -> Result<(), SignatureError> {
        match key.signed(self.text.as_bytes(), &self.signature) {
            true => Ok(()),
            false => Err(SignatureError::NotSigned(what)),
        }
    }
}

/// For the fuzz target: any text as a signed key, which is read only within a signature otherwise.
#[doc(hidden)]
pub fn fuzz(text: &str, package: &RootKeyPackage, roots: &Roots) {
    let _ = signing_key(text, package, roots);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Authority, vectors};
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use serde_json::json;
    use std::sync::OnceLock;

    fn production() -> (RootKeyPackage, Roots) {
        static TRUST: OnceLock<(RootKeyPackage, Roots)> = OnceLock::new();
        let read = || {
            let roots = Roots::production();
            let package = RootKeyPackage::read(&vectors::root_keys(), &roots).unwrap();
            (package, roots)
        };
        TRUST.get_or_init(read).clone()
    }

    #[test]
    fn a_manifest_that_microsofts_service_signed_is_taken_and_another_is_not() {
        let (package, roots) = production();
        for service in [vectors::service(), vectors::delta()] {
            let (manifest, signature) = vectors::signed_manifest(&service);
            assert_eq!(verify(&manifest, &signature, &package, &roots), Ok(()));
            let other = manifest.replace('0', "1");
            let error = verify(&other, &signature, &package, &roots).unwrap_err();
            assert_eq!(
                (&error, error.code().0),
                (&SignatureError::OtherManifest, 0x8030_0001)
            );
        }
    }

    #[test]
    fn any_changed_letter_of_a_signature_is_found() {
        let (package, roots) = production();
        let (manifest, signature) = vectors::signed_manifest(&vectors::service());
        for index in (0..signature.len()).step_by(37) {
            let mut letters = signature.clone().into_bytes();
            letters[index] = if letters[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(letters).unwrap();
            assert!(verify(&manifest, &changed, &package, &roots).is_err(), "{index}");
        }
    }

    #[test]
    fn the_chain_ends_at_a_root_key_that_is_known_and_not_disabled() {
        let authority = Authority::new();
        let (roots, manifest) = (authority.roots(), "{}");
        let package = |change| RootKeyPackage::read(&authority.root_keys(&change), &roots).unwrap();
        let signature = authority.sign(manifest);
        assert_eq!(verify(manifest, &signature, &package(json!({})), &roots), Ok(()));

        let disabled = package(json!({"disabledRootKeys": ["root-1"]}));
        let error = verify(manifest, &signature, &disabled, &roots).unwrap_err();
        assert_eq!(error, SignatureError::RootDisabled("root-1".to_owned()));
        assert_eq!(error.code().0, 0xA020_0005);

        for (algorithm, name) in [(&SHA256, "SHA256"), (&aws_lc_rs::digest::SHA512, "SHA512")] {
            let hash = URL_SAFE_NO_PAD.encode(authority.signing_key().hash(algorithm));
            let disabled = package(json!({"disabledSigningKeys": [{"alg": name, "hash": hash}]}));
            let error = verify(manifest, &signature, &disabled, &roots).unwrap_err();
            assert_eq!(
                (&error, error.code().0),
                (&SignatureError::SigningKeyDisabled, 0xA000_0005)
            );
        }

        let (package, roots) = production();
        let error = verify(manifest, &signature, &package, &roots).unwrap_err();
        assert_eq!(error, SignatureError::RootUnknown("root-1".to_owned()));
        assert_eq!(error.code().0, 0xA020_0006);
    }

    #[test]
    fn a_key_that_no_root_key_signed_signs_nothing() {
        let authority = Authority::new();
        let package = RootKeyPackage::read(&authority.root_keys(&json!({})), &authority.roots()).unwrap();
        let check = |signature: &str| verify("{}", signature, &package, &authority.roots()).unwrap_err();
        // The signing key signs a key of its own and calls that root-1's.
        let error = check(&authority.sign_by_itself("{}"));
        assert_eq!(
            (&error, error.code().0),
            (&SignatureError::NotSigned("the signing key"), 0xA020_0004)
        );
        // A root key's own signature of the manifest, with the signing key named.
        let error = check(&authority.sign_by_root("{}"));
        assert_eq!(error, SignatureError::NotSigned("the manifest"));
    }

    #[test]
    fn what_is_no_signature_is_said_to_be_none() {
        let authority = Authority::new();
        let package = RootKeyPackage::read(&authority.root_keys(&json!({})), &authority.roots()).unwrap();
        let code = |signature: &str| {
            let error = verify("{}", signature, &package, &authority.roots()).unwrap_err();
            error.code().0
        };
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let with = |header: serde_json::Value| format!("{}.e30.AA", part(header));
        assert_eq!(code(""), 0xA020_0002);
        assert_eq!(code("a.b"), 0xA020_0002);
        assert_eq!(code("e30.e30.AA.AA"), 0xA020_0002);
        assert_eq!(code("e30..AA"), 0xA020_0002);
        assert_eq!(code("e30=.e30.AA"), 0xA020_0008);
        assert_eq!(code("e30.e30.AA"), 0xA020_0008, "no algorithm");
        assert_eq!(code(&with(json!({"alg": "none", "sjwk": "a.b.c"}))), 0xA020_0002);
        assert_eq!(code(&with(json!({"alg": "HS256", "sjwk": "a.b.c"}))), 0xA020_0002);
        assert_eq!(code(&with(json!({"alg": "RS256"}))), 0xA020_0002);
        assert_eq!(
            code(&with(json!({"alg": "RS256", "crit": ["b64"], "sjwk": "a.b.c"}))),
            0xA020_0002
        );
        assert_eq!(code(&with(json!({"alg": "RS256", "sjwk": "a.b.c"}))), 0xA020_0002);
        assert_eq!(code(&"A".repeat(LONGEST + 1)), 0xA020_0002);
        let nested = with(json!({"alg": "RS256", "sjwk": with(json!({"alg": "RS256"}))}));
        assert_eq!(code(&nested), 0xA020_0002, "no root key is named");
    }

    proptest! {
        #[test]
        fn no_text_is_a_signature(text in "[A-Za-z0-9_.=-]{0,400}") {
            let (package, roots) = production();
            let verdict = verify("{}", &text, &package, &roots);
            prop_assert!(verdict.is_err());
            fuzz(&text, &package, &roots);
        }
    }
}
