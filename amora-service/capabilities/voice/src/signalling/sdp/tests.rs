use super::*;
use proptest::prelude::*;

pub(crate) const ANSWER: &str = "v=0\r\n\
    o=- 4596489990601351948 2 IN IP4 127.0.0.1\r\n\
    s=-\r\n\
    t=0 0\r\n\
    a=group:BUNDLE 0\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n\
    c=IN IP4 0.0.0.0\r\n\
    a=mid:0\r\n\
    a=ice-ufrag:F7gI\r\n\
    a=ice-pwd:x9cml/YzichV2+XlhiMu8g\r\n\
    a=fingerprint:sha-256 42:89:c5:c6\r\n\
    a=setup:active\r\n\
    a=sendrecv\r\n\
    a=rtpmap:111 opus/48000/2\r\n\
    a=candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host\r\n";

fn check(sdp: &str) -> Result<(), SdpProblem> {
    check_answer(sdp, Direction::Both)
}

#[test]
fn a_good_answer_is_good() {
    assert_eq!(check(ANSWER), Ok(()));
    assert_eq!(check(&ANSWER.replace("\r\n", "\n")), Ok(()));
    let at_the_session = ANSWER
        .replace("a=fingerprint:sha-256 42:89:c5:c6\r\n", "")
        .replace("t=0 0\r\n", "t=0 0\r\na=fingerprint:sha-256 42:89:c5:c6\r\n");
    assert_eq!(check(&at_the_session), Ok(()));
}

#[test]
fn each_flaw_is_named() {
    let video = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n";
    let cases = [
        (String::new(), SdpProblem::NotSdp),
        ("hello".to_owned(), SdpProblem::NotSdp),
        (ANSWER.replace("s=-", "<html>"), SdpProblem::NotSdp),
        (
            ANSWER[..ANSWER.find("m=").unwrap()].to_owned(),
            SdpProblem::NoAudio,
        ),
        (
            ANSWER.replace("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", video),
            SdpProblem::OnlyVideo,
        ),
        (format!("{ANSWER}{video}"), SdpProblem::MoreThanOffered),
        (ANSWER.replace("m=audio 9", "m=audio 0"), SdpProblem::Refused),
        (ANSWER.replace("m=audio 9", "m=audio x"), SdpProblem::NotSdp),
        (ANSWER.replace("SAVPF 111", "SAVPF 0"), SdpProblem::NoOpus),
        (ANSWER.replace("opus/48000/2", "PCMU/8000"), SdpProblem::NoOpus),
        (
            ANSWER.replace("a=ice-pwd:x9cml/YzichV2+XlhiMu8g\r\n", ""),
            SdpProblem::NoIce,
        ),
        (
            ANSWER.replace("a=ice-ufrag:F7gI", "a=ice-ufrag:"),
            SdpProblem::NoIce,
        ),
        (
            ANSWER.replace("a=fingerprint", "a=finger"),
            SdpProblem::NoFingerprint,
        ),
        (ANSWER.replace("sendrecv", "inactive"), SdpProblem::Direction),
    ];
    for (sdp, problem) in cases {
        assert_eq!(check(&sdp), Err(problem), "{sdp}");
    }
}

#[test]
fn the_direction_must_fit() {
    let listens = ANSWER.replace("sendrecv", "recvonly");
    let speaks = ANSWER.replace("sendrecv", "sendonly");
    assert_eq!(check_answer(&listens, Direction::Send), Ok(()));
    assert_eq!(check_answer(&speaks, Direction::Send), Err(SdpProblem::Direction));
    assert_eq!(check_answer(&speaks, Direction::Receive), Ok(()));
    assert_eq!(
        check_answer(&listens, Direction::Receive),
        Err(SdpProblem::Direction)
    );
}

proptest! {
    #[test]
    fn anything_can_be_checked(sdp in "(v=0\n)?([a-z]=[a-z:0-9 ]{0,20}\n|m=audio [0-9]{0,3} \\PC{0,9}\n|\\PC{0,20}\n){0,12}") {
        let _ = check(&sdp);
    }
}
