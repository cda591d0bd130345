//! Any bytes are a hub's answer or none, any text a header of servers or none, or a fragment that changes a path and nothing
//! else; what is taken can be used.
#![no_main]

use amora_voice::Direction;
use amora_voice::signalling::{check_answer, ice_servers, merge, read_answer};
use libfuzzer_sys::fuzz_target;

const ANSWER: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n\
    a=ice-ufrag:old\r\na=ice-pwd:older\r\na=rtpmap:111 opus/48000/2\r\n";

fuzz_target!(|bytes: &[u8]| {
    if let Ok(sdp) = read_answer(bytes) {
        assert!(sdp.starts_with("v=0") && sdp.matches("m=audio ").count() >= 1);
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for direction in [Direction::Both, Direction::Send, Direction::Receive] {
        if check_answer(text, direction).is_ok() {
            assert!(text.lines().filter(|line| line.starts_with("m=")).count() == 1);
        }
    }
    let servers = ice_servers([text]);
    assert!(servers.len() <= 16);
    for server in servers {
        let url = server.urls[0].to_ascii_lowercase();
        assert!(url.starts_with("stun") || url.starts_with("turn"));
    }
    let moved = merge(ANSWER, text);
    let path = |line: &&str| line.starts_with("a=ice-") || line.starts_with("a=candidate:") || line.starts_with("a=end-of-");
    assert!(moved.lines().filter(|line| !path(line)).eq(ANSWER.lines().filter(|line| !path(line))));
});
