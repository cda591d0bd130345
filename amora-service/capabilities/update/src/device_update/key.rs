//! RSA keys: signatures by them, and how a disabled one is named.

use super::encoding;
use aws_lc_rs::digest::{Algorithm, digest};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};

/// Bytes of a modulus, from 2,048 to 8,192 bits.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;

/// 65,537, the only exponent in use, and in base64.
const EXPONENT: [u8; 3] = [1, 0, 1];
pub(crate) const EXPONENT_TEXT: &str = "AQAB";

/// `SEQUENCE { OID rsaEncryption, NULL }`.
const RSA_ENCRYPTION: [u8; 15] = [
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];

/// A public RSA key with the exponent 65,537.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Big-endian, without leading zeros.
    modulus: Vec<u8>,
}

impl PublicKey {
    /// A key of a modulus in base64, in either alphabet; nothing where that is no key of 2,048 to 8,192 bits.
    pub fn new(modulus: &str) -> Option<Self> {
        let bytes = encoding::modulus(modulus)?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let modulus = bytes[zeros..].to_vec();
        let odd = modulus.last().is_some_and(|byte| byte % 2 == 1);
        (odd && MODULUS.contains(&modulus.len())).then_some(Self { modulus })
    }

    /// Whether `signature` of `message` was made with the private half, as RS256 (RFC 7518, section 3.3).
    pub fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        RsaPublicKeyComponents {
            n: self.modulus.as_slice(),
            e: EXPONENT.as_slice(),
        }
        .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
        .is_ok()
    }

    /// The hash that names the key where it is disabled: of its `SubjectPublicKeyInfo` in DER.
    pub(crate) fn hash(&self, algorithm: &'static Algorithm) -> Vec<u8> {
        let numbers = [integer(&self.modulus), integer(&EXPONENT)].concat();
        let key = [vec![0], tagged(0x30, &numbers)].concat();
        let info = [RSA_ENCRYPTION.to_vec(), tagged(0x03, &key)].concat();
        digest(algorithm, &tagged(0x30, &info)).as_ref().to_vec()
    }
}

/// A positive number in DER.
fn integer(bytes: &[u8]) -> Vec<u8> {
    match bytes.first() {
        Some(first) if first & 0x80 != 0 => tagged(0x02, &[&[0], bytes].concat()),
        _ => tagged(0x02, bytes),
    }
}

/// Content with its tag and length in DER.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let zeros = length.iter().take_while(|byte| **byte == 0).count();
    let length = &length[zeros..];
    let mut bytes = vec![tag];
    if content.len() >= 0x80 {
        bytes.push(0x80 | length.len() as u8);
        bytes.extend(length);
    } else {
        bytes.push(content.len() as u8);
    }
    bytes.extend(content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::testing::vectors;
    use super::*;
    use aws_lc_rs::digest::SHA256;

    #[test]
    fn a_disabled_key_is_named_as_microsofts_agent_names_it() {
        let key = PublicKey::new(&vectors::signing_key()).unwrap();
        let named = encoding::base64url("Y0jA4rDItwp5NIZYPUP8jAQoXIRPSKCDo4xtiWjyvig").unwrap();
        assert_eq!(key.hash(&SHA256), named);
    }

    #[test]
    fn a_key_that_is_too_short_too_long_or_even_is_none() {
        use base64::Engine;
        let key =
            |bytes: &[u8]| PublicKey::new(&base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes));
        assert_eq!(key(&[0xff; 255]), None);
        assert_eq!(key(&[0xff; 1025]), None);
        assert_eq!(key(&[0xfe; 256]), None);
        assert_eq!(key(&[]), None);
        assert!(key(&[0xff; 256]).is_some());
        assert_eq!(key(&[vec![0; 3], vec![0xff; 256]].concat()), key(&[0xff; 256]));
    }
}
