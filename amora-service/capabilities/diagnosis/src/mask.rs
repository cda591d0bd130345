//! What is taken out of free text: by what it looks like, and because it was seen elsewhere.

use crate::document::REMOVED;
use amora_contract::config::settings;
use std::net::IpAddr;

/// A word before `=` or `:` after which a secret or a name stands.
const TELLTALE: [&str; 14] = [
    "authorization",
    "bearer",
    "code",
    "key",
    "pass",
    "passphrase",
    "password",
    "psk",
    "secret",
    "sharedaccesskey",
    "sig",
    "ssid",
    "token",
    "username",
];

/// Of these, those after which it also stands with nothing but a space between.
const OUTRIGHT: [&str; 4] = ["passphrase", "password", "psk", "ssid"];

/// Stands for what was taken out until the end, as part of the word that it was in.
const GAP: char = '\u{FFFC}';
const GAP_TEXT: &str = "\u{FFFC}";

/// Folders whose paths tell nothing of people.
const SYSTEM: [&str; 9] = [
    "/data/amora",
    "/dev",
    "/etc",
    "/lib",
    "/proc",
    "/run",
    "/sys",
    "/usr",
    "/var/lib/amora",
];

/// So many characters without a word in them look like a key.
const KEY: usize = 20;

/// Takes out of texts what is to stay on the box.
pub struct Mask {
    /// Longest first, so that a text within another leaves nothing of it.
    known: Vec<String>,
}

impl Mask {
    /// A mask that also takes out these texts, wherever they stand.
    pub fn new(mut known: Vec<String>) -> Self {
        known.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        known.dedup();
        Self { known }
    }

    /// The text without them.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.replace(REMOVED, GAP_TEXT);
        for known in &self.known {
            if text.contains(known.as_str()) {
                text = text.replace(known.as_str(), GAP_TEXT);
            }
        }
        let lines: Vec<String> = text.lines().map(|line| words(&quotations(line))).collect();
        let mut masked = lines.join("\n");
        if text.ends_with('\n') {
            masked.push('\n');
        }
        masked.replace(GAP, REMOVED)
    }
}

/// Empties quotation marks, but for the names of settings.
fn quotations(line: &str) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(begin) = rest.find(['`', '"', '“', '«']) {
        let mark = rest[begin..].chars().next().unwrap_or('"');
        let closing = match mark {
            '“' => '”',
            '«' => '»',
            same => same,
        };
        let inner = &rest[begin + mark.len_utf8()..];
        masked.push_str(&rest[..begin + mark.len_utf8()]);
        // An open end is emptied as well: the line may have been cut within.
        let end = inner.find(closing).unwrap_or(inner.len());
        let quoted = &inner[..end];
        let harmless = settings().contains_key(quoted.trim());
        masked.push_str(if harmless { quoted } else { GAP_TEXT });
        rest = match inner[end..].strip_prefix(closing) {
            Some(rest) => {
                masked.push(closing);
                rest
            }
            None => "",
        };
    }
    masked + rest
}

fn words(line: &str) -> String {
    let mut masked = String::with_capacity(line.len());
    let mut telltale = false;
    let mut rest = line;
    while !rest.is_empty() {
        let begin = rest.find(|letter| !separates(letter)).unwrap_or(rest.len());
        let between = &rest[..begin];
        masked.push_str(between);
        rest = &rest[begin..];
        let mut end = rest.find(separates).unwrap_or(rest.len());
        if rest[..end].contains("://") {
            // The query of an address goes with it.
            end = rest.find(ends_address).unwrap_or(rest.len());
        }
        let (word, after) = rest.split_at(end);
        let bare = word.trim_end_matches(['.', ':', '!', '?']);
        let assigns = after.starts_with('=') || word.ends_with(':');
        let name = bare.to_lowercase();
        let tells = TELLTALE
            .iter()
            .any(|telltale| name == *telltale || name.ends_with(&format!("_{telltale}")));
        if telltale && !bare.is_empty() && !tells {
            masked.push(GAP);
        } else {
            masked.push_str(&replaced(bare));
            masked.push_str(&word[bare.len()..]);
        }
        // `Authorization: Bearer …` has two of them.
        telltale = tells && (assigns || telltale || name == "bearer" || OUTRIGHT.contains(&name.as_str()));
        rest = after;
    }
    masked
}

fn separates(letter: char) -> bool {
    letter.is_whitespace() || ",;()<>[]{}\"'`|=“”«»".contains(letter)
}

fn ends_address(letter: char) -> bool {
    letter.is_whitespace() || "<>\"'`“”«»".contains(letter)
}

/// What a word looks like decides what is left of it.
fn replaced(word: &str) -> String {
    if let Some((scheme, _)) = word.split_once("://") {
        return format!("{scheme}://{GAP}");
    }
    if is_address(word) {
        return "(address)".to_owned();
    }
    let path = word.starts_with('/') && word.len() > 1;
    let system = SYSTEM.iter().any(|folder| {
        word.strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    if path && !system || is_music(word) || word.contains('@') && word.contains('.') {
        return GAP_TEXT.to_owned();
    }
    if !path && is_key(word) {
        return GAP_TEXT.to_owned();
    }
    word.to_owned()
}

/// An IP address, with a port, a prefix or a zone; or a MAC address.
fn is_address(word: &str) -> bool {
    let bare = word.trim_matches(['[', ']']);
    let bare = bare.split(['%', '/']).next().unwrap_or(bare);
    let without_port = match bare.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host.trim_matches(['[', ']']),
        _ => bare,
    };
    let parts: Vec<&str> = bare.split([':', '-']).collect();
    let mac = parts.len() == 6 && parts.iter().all(|part| part.len() == 2 && is_hexadecimal(part));
    let tail = bare.rsplit(['-', '_']).next().unwrap_or(bare);
    // Ids and host names of boxes are made from the MAC address, or the half of it.
    let in_name = tail.len() == 12 && is_hexadecimal(tail) && tail.bytes().any(|byte| byte.is_ascii_digit());
    mac || in_name || bare.parse::<IpAddr>().is_ok() || without_port.parse::<IpAddr>().is_ok()
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_music(word: &str) -> bool {
    let Some((_, ending)) = word.rsplit_once('.') else {
        return false;
    };
    [
        "mp3", "flac", "ogg", "opus", "m4a", "wav", "wma", "aac", "m3u", "m3u8", "pls",
    ]
    .iter()
    .any(|known| ending.eq_ignore_ascii_case(known))
}

/// Base64 or hexadecimal of some length.
fn is_key(word: &str) -> bool {
    let of_keys = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_%".contains(&byte);
    let has = |kind: fn(&u8) -> bool| word.as_bytes().iter().any(kind);
    word.len() >= KEY
        && word.bytes().all(of_keys)
        && has(u8::is_ascii_digit)
        && (is_hexadecimal(word) || has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(text: &str) -> String {
        Mask::new(vec!["Smith's box".to_owned(), "Smith".to_owned()]).text(text)
    }

    #[test]
    fn what_looks_private_is_taken_out() {
        let cases = [
            (
                "at 192.168.1.20:6600 and fe80::1%wlan0 and [2001:db8::5]:443",
                "at (address) and (address) and [(address)]:443",
            ),
            (
                "mac b8:27:eb:12:34:56, B8-27-EB-12-34-56, amora-b827eb123456",
                "mac (address), (address), (address)",
            ),
            (
                "going on with `Jazz/So What.flac` at 3",
                "going on with `(removed)` at 3",
            ),
            ("no such directory \"My Songs/x", "no such directory \"(removed)"),
            (
                "see https://user:pass@radio.example/x?token=1",
                "see https://(removed)",
            ),
            (
                "password=hunter2 and ssid: HomeNet",
                "password=(removed) and ssid: (removed)",
            ),
            ("Authorization: Bearer abc.def", "Authorization: Bearer (removed)"),
            (
                "SharedAccessKey=c2VjcmV0LWtleQ==;x",
                "SharedAccessKey=(removed)==;x",
            ),
            ("sent to anna@example.org.", "sent to (removed)."),
            (
                "reading /data/music/a.mp3 and /home/anna",
                "reading (removed) and (removed)",
            ),
            ("wVq7Xk2Lm9Qp4Rt8Yz1BnC3d is one", "(removed) is one"),
            ("Smith's box belongs to Smith", "(removed) belongs to (removed)"),
        ];
        for (text, wanted) in cases {
            assert_eq!(masked(text), wanted);
        }
    }

    #[test]
    fn what_helps_stays() {
        for text in [
            "2026-11-21T18:42:54.123Z warning amora_mqtt: the broker's name cannot be found",
            "/data/amora/iot-hub-events.sqlite: database is locked",
            "set `iot_hub.transport`, see /etc/amora",
            "12 xruns at 48000 Hz, drift -3.5 ppm",
            "MemTotal:        3884360 kB",
            "connected to MPD 0.24.4",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it_and_what_is_known_never_stays(before in "\\PC{0,40}", after in "\\PC{0,40}") {
            let mask = Mask::new(vec!["Kühn & Söhne".to_owned()]);
            let masked = mask.text(&format!("{before}Kühn & Söhne{after}"));
            prop_assert!(!masked.contains("Kühn"), "{masked}");
        }

        #[test]
        fn an_address_never_stays(before in "[ a-z(=,;\"`]{0,12}", number in any::<[u8; 4]>(), after in "[ ),;\"`]{0,4}") {
            let address = std::net::Ipv4Addr::from(number).to_string();
            let before = before.trim_end_matches(|letter: char| letter.is_alphanumeric());
            let masked = Mask::new(Vec::new()).text(&format!("{before}{address}{after}"));
            prop_assert!(!masked.contains(&address), "{masked}");
        }
    }
}
