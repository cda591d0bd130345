//! What an answer must say before anything is done with it.

use crate::session::{Direction, PAYLOAD_TYPE};

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SdpProblem {
    /// It does not look like a session description.
    #[error("it is no session description")]
    NotSdp,
    /// It has no media at all.
    #[error("it has no audio line")]
    NoAudio,
    /// It has video in the audio's place.
    #[error("it has no audio line, only video")]
    OnlyVideo,
    /// It has more lines than were offered.
    #[error("it has more media lines than the one that was offered")]
    MoreThanOffered,
    /// It refuses the audio.
    #[error("it refuses the audio line")]
    Refused,
    /// It takes no Opus at the number that was offered.
    #[error("it takes no Opus at payload type {PAYLOAD_TYPE}")]
    NoOpus,
    /// Neither side would ever send, or not the way that was offered.
    #[error("its direction does not fit the one that was offered")]
    Direction,
    /// It lacks the user fragment or the password of ICE.
    #[error("it has no ICE credentials")]
    NoIce,
    /// It lacks the certificate's fingerprint.
    #[error("it has no certificate fingerprint")]
    NoFingerprint,
}

/// Checks an answer to an offer of one audio line with Opus alone.
///
/// # Errors
/// The first [`SdpProblem`] found.
pub fn check_answer(sdp: &str, offered: Direction) -> Result<(), SdpProblem> {
    let mut lines = sdp.lines().map(str::trim_end);
    if lines.next() != Some("v=0") {
        return Err(SdpProblem::NotSdp);
    }
    let (mut session, mut media): (Vec<&str>, Vec<Vec<&str>>) = (Vec::new(), Vec::new());
    for line in lines.filter(|line| !line.is_empty()) {
        let is_line = line.as_bytes().get(1) == Some(&b'=') && line.as_bytes()[0].is_ascii_lowercase();
        if !is_line {
            return Err(SdpProblem::NotSdp);
        }
        match (line.starts_with("m="), media.last_mut()) {
            (true, _) => media.push(vec![line]),
            (false, Some(last)) => last.push(line),
            (false, None) => session.push(line),
        }
    }
    let audio = match &media[..] {
        [] => return Err(SdpProblem::NoAudio),
        [only] if only[0].starts_with("m=audio ") => only,
        [only] if only[0].starts_with("m=video ") => return Err(SdpProblem::OnlyVideo),
        [_] => return Err(SdpProblem::NoAudio),
        [_, _, ..] => return Err(SdpProblem::MoreThanOffered),
    };
    let mut words = audio[0]["m=audio ".len()..].split_ascii_whitespace();
    match words.next().map(str::parse::<u16>) {
        Some(Ok(0)) => return Err(SdpProblem::Refused),
        Some(Ok(_)) => {}
        Some(Err(_)) | None => return Err(SdpProblem::NotSdp),
    }
    let number = PAYLOAD_TYPE.to_string();
    let opus = format!("a=rtpmap:{PAYLOAD_TYPE} opus/48000/2");
    if !words.skip(1).any(|word| word == number) || !audio.iter().any(|line| line.eq_ignore_ascii_case(&opus))
    {
        return Err(SdpProblem::NoOpus);
    }
    let find = |prefix: &str| {
        audio
            .iter()
            .chain(&session)
            .find_map(|line| line.strip_prefix(prefix))
            .filter(|value| !value.is_empty())
    };
    if find("a=ice-ufrag:").is_none() || find("a=ice-pwd:").is_none() {
        return Err(SdpProblem::NoIce);
    }
    if find("a=fingerprint:").is_none() {
        return Err(SdpProblem::NoFingerprint);
    }
    let direction = audio.iter().chain(&session).find_map(|line| match *line {
        "a=sendrecv" => Some((true, true)),
        "a=sendonly" => Some((true, false)),
        "a=recvonly" => Some((false, true)),
        "a=inactive" => Some((false, false)),
        _ => None,
    });
    let (sends, receives) = direction.unwrap_or((true, true));
    let fits = match offered {
        Direction::Both => sends || receives,
        Direction::Send => receives,
        Direction::Receive => sends,
    };
    if fits { Ok(()) } else { Err(SdpProblem::Direction) }
}

#[cfg(test)]
pub(super) mod tests;
