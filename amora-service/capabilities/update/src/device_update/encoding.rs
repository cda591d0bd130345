//! Base64, in its two alphabets, taken strictly: nothing that another text could have stood for.

use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD, URL_SAFE_NO_PAD};
use base64::engine::{DecodePaddingMode, Engine};

/// The standard alphabet, as Microsoft's service writes the modulus of its signing keys.
const STANDARD_ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The parts of a JSON Web Signature: the alphabet for addresses, without padding (RFC 7515, section 2).
pub(crate) fn base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// A modulus in either alphabet.
pub(crate) fn modulus(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD
        .decode(text)
        .or_else(|_| STANDARD_ANY_PADDING.decode(text))
        .ok()
}

/// A SHA-256 in the standard alphabet, with padding.
pub(crate) fn sha256(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// Hexadecimal, in small letters.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_signature_have_one_spelling() {
        assert_eq!(base64url("-_8"), Some(vec![0xfb, 0xff]));
        for other in ["-_8=", "+/8", "-_9", "-_ 8", "-_8\n", "-"] {
            assert_eq!(base64url(other), None, "{other}");
        }
    }

    #[test]
    fn a_modulus_may_be_in_either_alphabet_but_not_in_both() {
        assert_eq!(modulus("-_8"), modulus("+/8"));
        assert_eq!(modulus("+/8="), Some(vec![0xfb, 0xff]));
        assert_eq!(modulus("-/8"), None);
    }

    #[test]
    fn a_hash_has_32_bytes() {
        assert!(sha256("72OAE2f0NbT0+TL937o70xo8oO96gmVLYDJpxXHzeXE=").is_some());
        assert_eq!(sha256("AAAA"), None);
        assert_eq!(sha256(""), None);
    }
}
