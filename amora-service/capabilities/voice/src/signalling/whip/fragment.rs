//! Fragments of descriptions, which carry what changes when another path is looked for: RFC 8840.

/// Whether a line of a description is about the path.
fn is_path(line: &str) -> bool {
    [
        "a=ice-ufrag:",
        "a=ice-pwd:",
        "a=candidate:",
        "a=end-of-candidates",
    ]
    .iter()
    .any(|prefix| line.starts_with(prefix))
}

/// Whether a line of a fragment stands before the media line, wherever it stands in the description.
fn is_head(line: &str) -> bool {
    line == "a=ice-lite"
        || ["a=ice-options:", "a=ice-pacing:", "a=group:BUNDLE"]
            .iter()
            .any(|prefix| line.starts_with(prefix))
}

/// The fragment of an offer of one media line.
pub(super) fn fragment(offer: &str) -> String {
    let lines = || offer.lines().map(str::trim_end);
    let mut head: Vec<&str> = lines().filter(|line| is_head(line)).collect();
    head.dedup();
    let media = lines().filter(|line| is_path(line) || line.starts_with("m=") || line.starts_with("a=mid:"));
    let lines = head.into_iter().chain(media);
    lines.flat_map(|line| [line, "\r\n"]).collect()
}

/// An answer of one media line with the path of a fragment in place of its own. Of the fragment nothing else is taken.
pub fn merge(answer: &str, fragment: &str) -> String {
    let mut merged = String::with_capacity(answer.len() + fragment.len());
    let lines = answer.lines().map(str::trim_end);
    let path = fragment.lines().map(str::trim_end).filter(|line| is_path(line));
    for line in lines
        .filter(|line| !line.is_empty() && !is_path(line))
        .chain(path)
    {
        merged.push_str(line);
        merged.push_str("\r\n");
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:old\r\na=ice-pwd:older\r\n\
        a=rtpmap:111 opus/48000/2\r\na=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n";

    #[test]
    fn a_fragment_carries_the_path_alone() {
        let offer = ANSWER
            .replace("t=0 0", "t=0 0\r\na=group:BUNDLE 0\r\na=ice-options:ice2")
            .replace("a=mid:0", "a=mid:0\r\na=ice-options:ice2");
        assert_eq!(
            fragment(&offer),
            "a=group:BUNDLE 0\r\na=ice-options:ice2\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:old\r\n\
             a=ice-pwd:older\r\na=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n"
        );
    }

    #[test]
    fn a_fragment_replaces_the_path() {
        let merged = merge(
            ANSWER,
            "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:new\r\na=ice-pwd:newer\r\n\
             a=candidate:2 1 udp 1 192.0.2.2 2 typ host\r\n",
        );
        assert!(
            !merged.contains("old") && !merged.contains("192.0.2.1"),
            "{merged}"
        );
        assert_eq!(merged.matches("m=audio").count(), 1);
        for line in [
            "a=rtpmap:111 opus/48000/2",
            "a=ice-ufrag:new",
            "a=ice-pwd:newer",
            "a=candidate:2 1 udp 1 192.0.2.2 2 typ host",
        ] {
            assert!(merged.contains(&format!("{line}\r\n")), "{line}: {merged}");
        }
    }
}
