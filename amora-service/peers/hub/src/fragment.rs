//! Fragments of descriptions (RFC 8840), by which a session of WHIP or WHEP looks for another path: RFC 9725, 4.3.3.

/// Lengths of a user fragment and a password: RFC 8839, 5.4.
const USER: std::ops::RangeInclusive<usize> = 4..=256;
const PASSWORD: std::ops::RangeInclusive<usize> = 22..=256;

/// Lines of a description that are its path.
const PATH: [&str; 4] = [
    "a=ice-ufrag:",
    "a=ice-pwd:",
    "a=candidate:",
    "a=end-of-candidates",
];

/// Lines that a fragment repeats from its description: these before its media line, and those in it.
const HEAD: [&str; 4] = ["a=ice-lite", "a=ice-options:", "a=ice-pacing:", "a=group:BUNDLE"];
const MEDIA: [&str; 2] = ["m=", "a=mid:"];

/// Why a fragment is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FragmentError {
    /// A line is no line of a description.
    #[error("it has a line that is none of a session description")]
    Line,
    /// More than the one line of a bundle that has a path.
    #[error("it has more than one media line")]
    Media,
    /// Who sends it cannot be told.
    #[error("it has no user fragment and password of ICE, or none that can be")]
    Credentials,
}

/// The path of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fragment {
    user: String,
    password: String,
    /// Lines of candidates, and of their end.
    candidates: Vec<String>,
}

impl Fragment {
    /// Reads a fragment, or the path in a description of one media line.
    pub(crate) fn read(text: &str) -> Result<Self, FragmentError> {
        let lines = || text.lines().map(str::trim_end).filter(|line| !line.is_empty());
        let is_line =
            |line: &str| line.as_bytes().get(1) == Some(&b'=') && line.as_bytes()[0].is_ascii_lowercase();
        if !lines().all(is_line) {
            return Err(FragmentError::Line);
        }
        if lines().filter(|line| line.starts_with("m=")).count() > 1 {
            return Err(FragmentError::Media);
        }
        let credential = |prefix: &str, lengths: std::ops::RangeInclusive<usize>| {
            let is_ice = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/');
            let value = lines().find_map(|line| line.strip_prefix(prefix));
            value
                .filter(|value| lengths.contains(&value.len()) && value.bytes().all(is_ice))
                .map(str::to_owned)
                .ok_or(FragmentError::Credentials)
        };
        let candidates = lines().filter(|line| begins_with(line, &PATH[2..]));
        Ok(Self {
            user: credential(PATH[0], USER)?,
            password: credential(PATH[1], PASSWORD)?,
            candidates: candidates.map(str::to_owned).collect(),
        })
    }

    /// Whether both are paths of the same ICE session, whatever their candidates are.
    pub(crate) fn is_of_session(&self, other: &Self) -> bool {
        (&self.user, &self.password) == (&other.user, &other.password)
    }

    /// A description of one media line with this path in place of its own.
    pub(crate) fn put_into(&self, description: &str) -> String {
        let kept = description
            .lines()
            .map(str::trim_end)
            .filter(|line| !line.is_empty() && !begins_with(line, &PATH));
        let mut moved: String = kept.map(|line| format!("{line}\r\n")).collect();
        moved += &format!("{}{}\r\n{}{}\r\n", PATH[0], self.user, PATH[1], self.password);
        moved.extend(self.candidates.iter().map(|line| format!("{line}\r\n")));
        moved
    }
}

/// The fragment of a description of one media line.
pub(crate) fn fragment_of(description: &str) -> String {
    let lines = || description.lines().map(str::trim_end);
    let mut head: Vec<&str> = lines().filter(|line| begins_with(line, &HEAD)).collect();
    head.dedup();
    let media = lines().filter(|line| begins_with(line, &MEDIA) || begins_with(line, &PATH));
    head.into_iter()
        .chain(media)
        .map(|line| format!("{line}\r\n"))
        .collect()
}

fn begins_with(line: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| line.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESCRIPTION: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:old+\r\na=ice-pwd:0123456789012345678901\r\n\
        a=rtpmap:111 opus/48000/2\r\na=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\na=end-of-candidates\r\n";
    const FRAGMENT: &str = "a=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:old+\r\n\
        a=ice-pwd:0123456789012345678901\r\na=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\na=end-of-candidates\r\n";

    #[test]
    fn a_fragment_is_the_path_of_a_description_and_can_be_put_into_another() {
        assert_eq!(fragment_of(DESCRIPTION), FRAGMENT);
        let (whole, path) = (
            Fragment::read(DESCRIPTION).unwrap(),
            Fragment::read(FRAGMENT).unwrap(),
        );
        assert_eq!(whole, path);
        let another = FRAGMENT
            .replace("old+", "newer")
            .replace("192.0.2.1", "192.0.2.9");
        let another = Fragment::read(&another).unwrap();
        assert!(whole.is_of_session(&path) && !whole.is_of_session(&another));
        let moved = another.put_into(DESCRIPTION);
        assert_eq!(Fragment::read(&moved), Ok(another));
        assert!(
            !moved.contains("old+") && !moved.contains("192.0.2.1 "),
            "{moved}"
        );
        assert!(
            moved.starts_with("v=0\r\n") && moved.contains("a=rtpmap:111 opus/48000/2\r\n"),
            "{moved}"
        );
    }

    #[test]
    fn what_is_no_fragment_is_refused() {
        for (text, error) in [
            ("", FragmentError::Credentials),
            ("<html>", FragmentError::Line),
            (&*FRAGMENT.replace("old+", "old"), FragmentError::Credentials),
            (&*FRAGMENT.replace("old+", "old \""), FragmentError::Credentials),
            (&*FRAGMENT.replace("pwd:0", "pwd:"), FragmentError::Credentials),
            (&*format!("{FRAGMENT}{FRAGMENT}"), FragmentError::Media),
        ] {
            assert_eq!(Fragment::read(text), Err(error), "{text}");
        }
    }
}
