//! What the tests share: what Microsoft's service signed, and a service that signs with keys of its own.

use super::encoding;
use super::key::PublicKey;
use super::roots::Roots;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::sync::OnceLock;

pub(crate) mod vectors {
    use super::*;

    /// A package of root keys.
    pub(crate) fn root_keys() -> String {
        include_str!("vectors/root-keys.json").to_owned()
    }

    /// A deployment, as the twin holds it.
    pub(crate) fn service() -> Value {
        serde_json::from_str(include_str!("vectors/service.json")).unwrap()
    }

    /// One for SWUpdate.
    pub(crate) fn delta() -> Value {
        serde_json::from_str(include_str!("vectors/delta.json")).unwrap()
    }

    /// Its manifest and that one's signature.
    pub(crate) fn signed_manifest(service: &Value) -> (String, String) {
        let text = |name: &str| service[name].as_str().unwrap().to_owned();
        (text("updateManifest"), text("updateManifestSignature"))
    }

    /// The modulus of the key that signed it.
    pub(crate) fn signing_key() -> String {
        let (_, signature) = signed_manifest(&service());
        let header = part(&signature, 0);
        let key = part(header["sjwk"].as_str().unwrap(), 1);
        key["n"].as_str().unwrap().to_owned()
    }

    fn part(signed: &str, index: usize) -> Value {
        let part = signed.split('.').nth(index).unwrap();
        serde_json::from_slice(&encoding::base64url(part).unwrap()).unwrap()
    }
}

/// A service with root keys and a signing key of its own.
pub(crate) struct Authority {
    keys: &'static [KeyPair; 3],
}

impl Authority {
    pub(crate) fn new() -> Self {
        static KEYS: OnceLock<[KeyPair; 3]> = OnceLock::new();
        Self {
            keys: KEYS.get_or_init(|| std::array::from_fn(|_| KeyPair::generate(KeySize::Rsa2048).unwrap())),
        }
    }

    pub(crate) fn roots(&self) -> Roots {
        let keys = self.keys[..2].iter().zip(["root-1", "root-2"]);
        Roots::for_tests(keys.map(|(key, name)| (name.to_owned(), PublicKey::new(&modulus(key)).unwrap())))
    }

    pub(crate) fn signing_key(&self) -> PublicKey {
        PublicKey::new(&modulus(&self.keys[2])).unwrap()
    }

    /// A package of root keys; what is `null` in `change` is left out.
    pub(crate) fn root_keys(&self, change: &Value) -> String {
        let key = |index: usize| json!({"keyType": "RSA", "n": modulus(&self.keys[index]), "e": 65_537});
        let mut protected = json!({
            "version": 1,
            "published": 1_700_000_000_u64,
            "disabledRootKeys": [],
            "disabledSigningKeys": [],
            "rootKeys": {"root-1": key(0), "root-2": key(1)},
        });
        let fields = protected.as_object_mut().unwrap();
        for (name, value) in change.as_object().unwrap() {
            match value {
                Value::Null => fields.remove(name),
                value => fields.insert(name.clone(), value.clone()),
            };
        }
        let signatures: Vec<_> = self.keys[..2]
            .iter()
            .map(|key| json!({"alg": "RS256", "sig": sign(key, protected.to_string().as_bytes())}))
            .collect();
        json!({"protected": protected, "signatures": signatures}).to_string()
    }

    /// The signature of a manifest.
    pub(crate) fn sign(&self, manifest: &str) -> String {
        self.chain(manifest, &self.keys[0], &self.keys[2])
    }

    /// One whose signing key vouches for itself.
    pub(crate) fn sign_by_itself(&self, manifest: &str) -> String {
        self.chain(manifest, &self.keys[2], &self.keys[2])
    }

    /// One that names a signing key and is not by it.
    pub(crate) fn sign_by_root(&self, manifest: &str) -> String {
        self.chain(manifest, &self.keys[0], &self.keys[0])
    }

    fn chain(&self, manifest: &str, root: &KeyPair, signer: &KeyPair) -> String {
        let jwk = json!({
            "kty": "RSA", "n": modulus(&self.keys[2]), "e": "AQAB", "alg": "RS256", "kid": "signing",
        });
        let sjwk = jws(root, &json!({"alg": "RS256", "kid": "root-1"}), &jwk);
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, manifest.as_bytes());
        let payload = json!({"sha256": STANDARD.encode(hash)});
        jws(signer, &json!({"alg": "RS256", "sjwk": sjwk}), &payload)
    }
}

fn jws(key: &KeyPair, header: &Value, payload: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(payload));
    let signature = sign(key, text.as_bytes());
    format!("{text}.{signature}")
}

fn sign(key: &KeyPair, message: &[u8]) -> String {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
        .unwrap();
    URL_SAFE_NO_PAD.encode(signature)
}

/// The modulus, which stands after 33 bytes of a 2,048 bit key's `SubjectPublicKeyInfo`.
fn modulus(key: &KeyPair) -> String {
    let der: PublicKeyX509Der = key.public_key().as_der().unwrap();
    URL_SAFE_NO_PAD.encode(&der.as_ref()[33..33 + 256])
}
