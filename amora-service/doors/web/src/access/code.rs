//! The code that people log in with: unique to the box, made at its first start.

use crate::WebError;
use amora_router::private_file;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use std::io;
use std::path::Path;

/// Digits and letters that nobody mistakes for one another: no 0, O, 1, I or L.
const ALPHABET: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";

/// Characters of a code: 59 bits, far beyond what the login's rate limit lets anybody try.
const LENGTH: usize = 12;

/// Longest code that an owner may choose, and the most that is read of an attempt.
const LONGEST: usize = 64;

/// The box's login code.
pub(crate) struct LoginCode {
    shown: String,
    digest: [u8; 32],
}

impl LoginCode {
    /// Reads the code from the data folder, or makes one there. Tells whether it is new.
    pub(crate) fn read_or_create(data: &Path) -> Result<(Self, bool), WebError> {
        let path = data.join("login-code");
        let file_error = |cause| WebError::File {
            path: path.clone(),
            cause,
        };
        match std::fs::read(&path) {
            Ok(bytes) => match Self::from_text(&String::from_utf8_lossy(&bytes)) {
                Some(code) => return Ok((code, false)),
                None => {
                    tracing::warn!(path = %path.display(), "the file holds no login code; a new one is made")
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(file_error(error)),
        }
        let code = Self::generate()?;
        std::fs::create_dir_all(data).map_err(file_error)?;
        private_file::write(&path, format!("{}\n", code.shown).as_bytes()).map_err(file_error)?;
        Ok((code, true))
    }

    /// A new random code.
    fn generate() -> Result<Self, WebError> {
        let random = SystemRandom::new();
        let mut characters = String::new();
        while characters.len() < LENGTH {
            let mut bytes = [0u8; 32];
            random.fill(&mut bytes).map_err(|_| WebError::Random)?;
            // Bytes beyond the last whole multiple of the alphabet would favour its first letters.
            let fair = bytes
                .iter()
                .filter(|byte| usize::from(**byte) < 256 / ALPHABET.len() * ALPHABET.len());
            let letters = fair.map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
            characters.extend(letters.take(LENGTH - characters.len()));
        }
        Ok(Self::new(&characters))
    }

    /// The code in a file: ours, or one that the owner chose, of at least [`LENGTH`] letters and digits.
    fn from_text(text: &str) -> Option<Self> {
        let characters = normalise(text);
        (LENGTH..=LONGEST)
            .contains(&characters.len())
            .then(|| Self::new(&characters))
    }

    fn new(characters: &str) -> Self {
        let groups: Vec<&str> = characters
            .as_bytes()
            .chunks(4)
            .map(|group| std::str::from_utf8(group).expect("letters and digits"))
            .collect();
        Self {
            shown: groups.join("-"),
            digest: sha256(characters.as_bytes()),
        }
    }

    /// Whether someone typed this code. The time it takes tells nothing about the code.
    pub(crate) fn matches(&self, attempt: &str) -> bool {
        verify_slices_are_equal(&sha256(normalise(attempt).as_bytes()), &self.digest).is_ok()
    }

    /// The code as people read it, in groups of four.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Changes when the code changes, and does not give it away.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        sha256(&[b"login code fingerprint".as_slice(), &self.digest].concat())
    }
}

/// What counts of a typed code: letters and digits, whatever their case and what stands between them.
fn normalise(text: &str) -> String {
    let kept = text
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_uppercase());
    kept.take(LONGEST + 1).collect()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes)
        .as_ref()
        .try_into()
        .expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_code_is_made_once_and_kept_for_the_owner_alone() {
        let data = tempfile::tempdir().unwrap();
        let (first, new) = LoginCode::read_or_create(data.path()).unwrap();
        assert!(new);
        let (second, new) = LoginCode::read_or_create(data.path()).unwrap();
        assert!(!new);
        assert_eq!(first.shown(), second.shown());
        let mode = std::fs::metadata(data.path().join("login-code"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn codes_have_the_agreed_shape_and_differ() {
        let codes: std::collections::HashSet<String> = (0..200)
            .map(|_| LoginCode::generate().unwrap().shown().to_owned())
            .collect();
        assert_eq!(codes.len(), 200);
        for code in codes {
            let groups: Vec<&str> = code.split('-').collect();
            assert_eq!(groups.len(), 3, "{code}");
            assert!(groups.iter().all(|group| group.len() == 4));
            assert!(
                code.bytes().all(|byte| byte == b'-' || ALPHABET.contains(&byte)),
                "{code}"
            );
        }
    }

    #[test]
    fn case_dashes_and_spaces_do_not_matter_and_everything_else_does() {
        let code = LoginCode::from_text("K7QM-3XPW-9RTD\n").unwrap();
        for good in [
            "K7QM-3XPW-9RTD",
            "k7qm3xpw9rtd",
            " k7qm 3xpw\t9rtd ",
            "K7QM–3XPW–9RTD",
        ] {
            assert!(code.matches(good), "{good}");
        }
        for bad in [
            "",
            "K7QM-3XPW-9RTE",
            "K7QM-3XPW-9RT",
            "K7QM-3XPW-9RTDD",
            &"K7QM-3XPW-9RTD".repeat(1000),
        ] {
            assert!(!code.matches(bad), "{bad}");
        }
    }

    #[test]
    fn a_damaged_file_is_replaced() {
        let data = tempfile::tempdir().unwrap();
        for damage in ["", "short", &"x".repeat(1000)] {
            std::fs::write(data.path().join("login-code"), damage).unwrap();
            let (code, new) = LoginCode::read_or_create(data.path()).unwrap();
            assert!(new);
            assert_eq!(code.shown().len(), 14);
        }
    }

    #[test]
    fn an_unwritable_folder_is_named() {
        let error = LoginCode::read_or_create(Path::new("/proc/nowhere"))
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("/proc/nowhere/login-code"), "{error}");
    }
}
