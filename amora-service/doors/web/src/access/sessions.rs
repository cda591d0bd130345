//! Who is logged in.

use amora_contract::units::Timestamp;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;

/// A session ends when it was not used for this long: 30 days.
pub(crate) const LIFETIME_SECONDS: u64 = 30 * 24 * 3600;

/// Sessions kept; a further login ends the one that was not used for the longest.
const MOST: usize = 64;

/// The time of last use is worth writing to the disk after this long: flash wears.
const WORTH_SAVING: u64 = 24 * 3600 * 1000;

/// What the browser keeps and nobody else: 256 random bits. The box keeps only their hash.
#[derive(Clone)]
pub(crate) struct Token([u8; 32]);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

impl Token {
    /// A new one.
    pub(crate) fn generate() -> Option<Self> {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// Reads a cookie's value.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The cookie's value.
    pub(crate) fn to_text(&self) -> String {
        hex(&self.0)
    }

    /// What the box keeps.
    pub(crate) fn id(&self) -> SessionId {
        SessionId(hex(digest(&SHA256, &self.0).as_ref()))
    }

    /// What pages of ours send along to prove that they are ours. It follows from the token, so it is not kept.
    pub(crate) fn csrf(&self) -> String {
        hex(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), b"csrf").as_ref())
    }
}

/// A session's name in the box: the hash of its token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SessionId(String);

/// The file.
#[derive(Serialize, Deserialize)]
struct Stored {
    /// Sessions belong to one login code; a new code ends them.
    code: String,
    /// Time of last use in milliseconds since 1970.
    sessions: HashMap<SessionId, u64>,
}

/// The sessions, with the time of their last use.
#[derive(Default)]
pub(crate) struct Sessions {
    used: HashMap<SessionId, Timestamp>,
    saved: HashMap<SessionId, Timestamp>,
}

impl Sessions {
    /// Reads the file's text. What belongs to another login code, or makes no sense, is nobody's session.
    pub(crate) fn from_text(text: &str, code: &[u8; 32]) -> Self {
        let stored = serde_json::from_str::<Stored>(text)
            .ok()
            .filter(|stored| stored.code == hex(code));
        let entries = stored.into_iter().flat_map(|stored| stored.sessions);
        let used: HashMap<_, _> = entries
            .take(MOST)
            .map(|(id, used)| (id, Timestamp(used)))
            .collect();
        Self {
            saved: used.clone(),
            used,
        }
    }

    /// The file's text, for writing it now.
    pub(crate) fn save_text(&mut self, code: &[u8; 32]) -> String {
        self.saved.clone_from(&self.used);
        let sessions = self.used.iter().map(|(id, used)| (id.clone(), used.0)).collect();
        serde_json::to_string(&Stored {
            code: hex(code),
            sessions,
        })
        .expect("a map of strings")
    }

    /// Begins a session.
    pub(crate) fn insert(&mut self, id: SessionId, now: Timestamp) {
        self.used.retain(|_, used| alive(*used, now));
        if self.used.len() >= MOST
            && let Some(oldest) = self
                .used
                .iter()
                .min_by_key(|(_, used)| used.0)
                .map(|(id, _)| id.clone())
        {
            self.used.remove(&oldest);
        }
        self.used.insert(id, now);
    }

    /// Whether the session lives; using it prolongs it.
    pub(crate) fn touch(&mut self, id: &SessionId, now: Timestamp) -> bool {
        match self.used.get_mut(id) {
            Some(used) if alive(*used, now) => {
                used.0 = used.0.max(now.0);
                true
            }
            _ => {
                self.used.remove(id);
                false
            }
        }
    }

    /// Ends a session.
    pub(crate) fn remove(&mut self, id: &SessionId) -> bool {
        self.used.remove(id).is_some()
    }

    /// Whether the file is so far behind that it should be written.
    pub(crate) fn worth_saving(&self) -> bool {
        self.used.len() != self.saved.len()
            || self.used.iter().any(|(id, used)| {
                self.saved
                    .get(id)
                    .is_none_or(|saved| used.0.saturating_sub(saved.0) > WORTH_SAVING)
            })
    }
}

/// A clock that was set back must not end sessions, so only time that went forward counts.
fn alive(used: Timestamp, now: Timestamp) -> bool {
    now.0.saturating_sub(used.0) < LIFETIME_SECONDS * 1000
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: [u8; 32] = [7; 32];
    const DAY: u64 = 24 * 3600 * 1000;

    fn token() -> Token {
        Token::generate().unwrap()
    }

    #[test]
    fn a_session_slides_and_expires() {
        let mut sessions = Sessions::default();
        let id = token().id();
        sessions.insert(id.clone(), Timestamp(0));
        assert!(sessions.touch(&id, Timestamp(29 * DAY)));
        assert!(sessions.touch(&id, Timestamp(58 * DAY)), "use prolongs");
        assert!(
            sessions.touch(&id, Timestamp(57 * DAY)),
            "a clock set back is no reason"
        );
        assert!(!sessions.touch(&id, Timestamp(88 * DAY)));
        assert!(!sessions.touch(&id, Timestamp(58 * DAY)), "gone is gone");
    }

    #[test]
    fn the_number_is_bounded_and_the_longest_unused_goes() {
        let mut sessions = Sessions::default();
        let ids: Vec<SessionId> = (0..=MOST).map(|_| token().id()).collect();
        for (age, id) in ids.iter().enumerate() {
            sessions.insert(id.clone(), Timestamp(age as u64));
        }
        assert_eq!(sessions.used.len(), MOST);
        assert!(!sessions.touch(&ids[0], Timestamp(100)));
        assert!(sessions.touch(&ids[1], Timestamp(100)));
    }

    #[test]
    fn the_file_brings_sessions_back_but_holds_no_token() {
        let mut sessions = Sessions::default();
        let token = token();
        sessions.insert(token.id(), Timestamp(5));
        assert!(sessions.worth_saving());
        let text = sessions.save_text(&CODE);
        assert!(!sessions.worth_saving());
        assert!(!text.contains(&token.to_text()) && !text.contains(&token.csrf()));
        assert!(Sessions::from_text(&text, &CODE).touch(&token.id(), Timestamp(6)));
        assert!(
            !Sessions::from_text(&text, &[8; 32]).touch(&token.id(), Timestamp(6)),
            "another code"
        );
        assert!(
            !Sessions::from_text("{\"co", &CODE).touch(&token.id(), Timestamp(6)),
            "a damaged file"
        );
    }

    #[test]
    fn a_little_use_is_not_worth_a_write() {
        let mut sessions = Sessions::default();
        let id = token().id();
        sessions.insert(id.clone(), Timestamp(0));
        sessions.save_text(&CODE);
        sessions.touch(&id, Timestamp(DAY / 2));
        assert!(!sessions.worth_saving());
        sessions.touch(&id, Timestamp(2 * DAY));
        assert!(sessions.worth_saving());
    }

    #[test]
    fn tokens_are_read_back_and_nonsense_is_not() {
        let token = token();
        assert_eq!(Token::parse(&token.to_text()).unwrap().id(), token.id());
        for bad in [
            "",
            "xyz",
            &"g".repeat(64),
            &"ü".repeat(32),
            &"0".repeat(63),
            &"+1".repeat(32),
            &"0".repeat(6400),
        ] {
            assert!(
                Token::parse(bad).is_none_or(|parsed| parsed.to_text() == *bad),
                "{bad}"
            );
        }
        assert_ne!(token.csrf(), token.id().0);
    }
}
