use super::*;
use crate::signalling::sdp::tests::ANSWER;
use crate::signalling::testing::{Request, Server, response};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const OFFER: &str =
    "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:mine\r\na=ice-pwd:secret\r\n";

/// An endpoint that follows the standard.
fn endpoint(request: &Request) -> String {
    let listens = ANSWER.replace("sendrecv", "recvonly");
    match request.head.split(' ').next().unwrap() {
        "OPTIONS" => response(
            "204 No Content",
            "link: <stun:stun.example>; rel=\"ice-server\"\r\n",
            "",
        ),
        "POST" => response(
            "201 Created",
            "content-type: application/sdp\r\nlocation: /session/7\r\netag: \"1\"\r\n",
            &listens,
        ),
        "PATCH" => response(
            "200 OK",
            "content-type: application/trickle-ice-sdpfrag\r\netag: \"2\"\r\n",
            "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:new\r\na=ice-pwd:newer\r\n",
        ),
        "DELETE" => response("200 OK", "", ""),
        _ => response("405 Method Not Allowed", "", ""),
    }
}

fn whip(server: &Server) -> Whip {
    let url = format!("{}/whip/kitchen", server.url());
    Whip::new(&url, Some("token".to_owned()), Direction::Send).unwrap()
}

#[tokio::test]
async fn a_session_is_made_moved_and_ended() {
    let server = Server::new(endpoint).await;
    let mut whip = whip(&server);
    assert_eq!(whip.ice_servers().await[0].urls, ["stun:stun.example"]);
    assert!(!whip.can_restart());
    whip.connect(OFFER).await.unwrap();
    assert!(whip.can_restart());
    let moved = whip.restart(OFFER).await.unwrap();
    assert!(
        moved.contains("a=ice-ufrag:new") && !moved.contains("F7gI"),
        "{moved}"
    );
    whip.end().await;
    whip.end().await;

    let requests = server.requests();
    let lines: Vec<&str> = requests
        .iter()
        .map(|request| request.head.lines().next().unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            "OPTIONS /whip/kitchen HTTP/1.1",
            "POST /whip/kitchen HTTP/1.1",
            "PATCH /session/7 HTTP/1.1",
            "DELETE /session/7 HTTP/1.1",
        ]
    );
    for request in &requests {
        assert_eq!(
            request.header("authorization"),
            Some("Bearer token"),
            "{}",
            request.head
        );
    }
    let [_, post, patch, _] = &requests[..] else {
        panic!("{requests:?}");
    };
    assert_eq!(post.header("content-type"), Some("application/sdp"));
    assert_eq!(post.body, OFFER);
    assert_eq!(
        patch.header("content-type"),
        Some("application/trickle-ice-sdpfrag")
    );
    assert_eq!(patch.header("if-match"), Some("*"));
    assert!(
        patch.body.contains("a=ice-ufrag:mine\r\n") && !patch.body.contains("v=0"),
        "{}",
        patch.body
    );
}

/// What was asked of it, in order.
fn methods(server: &Server) -> Vec<String> {
    let method = |request: Request| request.head.split(' ').next().unwrap().to_owned();
    server.requests().into_iter().map(method).collect()
}

#[tokio::test]
async fn another_call_ends_the_session_before() {
    let server = Server::new(endpoint).await;
    let mut whip = whip(&server);
    whip.connect(OFFER).await.unwrap();
    whip.connect(OFFER).await.unwrap();
    assert_eq!(methods(&server), ["POST", "DELETE", "POST"]);
}

#[tokio::test]
async fn a_session_that_nobody_can_be_told_the_end_of_stays_to_be_ended_later() {
    let away = Arc::new(AtomicBool::new(false));
    let is_away = away.clone();
    let server = Server::new(move |request| match is_away.load(Ordering::Relaxed) {
        true => String::new(),
        false => endpoint(request),
    })
    .await;
    let mut whip = whip(&server);
    whip.connect(OFFER).await.unwrap();
    away.store(true, Ordering::Relaxed);
    let error = whip.connect(OFFER).await.unwrap_err();
    assert!(matches!(error, SignallingError::Unreachable(_)), "{error}");
    away.store(false, Ordering::Relaxed);
    whip.connect(OFFER).await.unwrap();
    assert_eq!(methods(&server), ["POST", "DELETE", "DELETE", "POST"]);
}

#[tokio::test]
async fn a_session_moves_only_where_its_server_says_so() {
    for (tag, moves) in [
        ("etag: \"1\"\r\n", true),
        ("etag: W/\"1\"\r\n", false),
        ("", false),
    ] {
        let server = Server::new(move |_| {
            let headers = format!("location: /session/7\r\n{tag}");
            response("201 Created", &headers, &ANSWER.replace("sendrecv", "recvonly"))
        })
        .await;
        let mut whip = whip(&server);
        whip.connect(OFFER).await.unwrap();
        assert_eq!(whip.can_restart(), moves, "{tag}");
    }
}

#[tokio::test]
async fn a_token_is_for_the_endpoint_alone() {
    let other = Server::new(endpoint).await;
    let elsewhere = format!("location: {}/session/7\r\n", other.url());
    let server =
        Server::new(move |_| response("201 Created", &elsewhere, &ANSWER.replace("sendrecv", "recvonly")))
            .await;
    let mut whip = whip(&server);
    whip.connect(OFFER).await.unwrap();
    whip.end().await;
    let [delete] = &other.requests()[..] else {
        panic!("the session is ended where it is");
    };
    assert!(delete.head.starts_with("DELETE /session/7 "));
    assert_eq!(delete.header("authorization"), None);
}

#[tokio::test]
async fn what_is_no_session_is_told_apart() {
    for (answer, expected) in [
        (response("401 Unauthorized", "", "who?"), "refused with 401: who?"),
        (
            response("200 OK", "location: /session/7\r\n", ANSWER),
            "refused with 200",
        ),
        (
            response("201 Created", "", ANSWER),
            "does not say where the session is",
        ),
        (
            response("201 Created", "location: /session/7\r\n", "<html>"),
            "no session description",
        ),
        (
            response("201 Created", "location: /session/7\r\n", &"x".repeat(1 << 20)),
            "longer than",
        ),
        (
            response(
                "201 Created",
                "location: /session/7\r\n",
                &ANSWER.replace("sendrecv", "sendonly"),
            ),
            "direction",
        ),
    ] {
        let server = Server::new(move |_| answer.clone()).await;
        let error = whip(&server).connect(OFFER).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[tokio::test]
async fn a_session_that_cannot_move_stays_as_it_is() {
    for refusal in [
        "204 No Content",
        "412 Precondition Failed",
        "405 Method Not Allowed",
    ] {
        let server = Server::new(move |request| match request.head.starts_with("PATCH") {
            true => response(refusal, "", ""),
            false => endpoint(request),
        })
        .await;
        let mut whip = whip(&server);
        whip.connect(OFFER).await.unwrap();
        assert!(
            matches!(whip.restart(OFFER).await, Err(SignallingError::Refused { .. })),
            "{refusal}"
        );
        assert!(whip.can_restart());
    }
}
