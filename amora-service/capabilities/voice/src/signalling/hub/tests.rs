use super::*;
use crate::signalling::sdp::SdpProblem;
use crate::signalling::sdp::tests::ANSWER;
use crate::signalling::testing::{Server, response};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// Long for a good server, short for a test.
const PATIENCE: Duration = Duration::from_millis(500);

async fn hub_that_answers(answer: String) -> (Server, Hub) {
    let server = Server::new(move |_| answer.clone()).await;
    let hub = Hub::new(&server.url(), "kitchen").unwrap();
    (server, hub)
}

async fn failure(answer: String) -> SignallingError {
    let (_server, mut hub) = hub_that_answers(answer).await;
    hub.connect("v=0\r\n").await.unwrap_err()
}

fn answer(sdp: &str) -> String {
    response(
        "200 OK",
        "content-type: application/json\r\n",
        &json!({"sdp": sdp}).to_string(),
    )
}

#[tokio::test]
async fn the_exchange_is_the_hubs() {
    let (server, mut hub) = hub_that_answers(answer(ANSWER)).await;
    assert_eq!(hub.connect("v=0\r\nthe offer").await.unwrap(), ANSWER);
    let requests = server.requests();
    let [request] = &requests[..] else {
        panic!("{requests:?}");
    };
    assert!(
        request.head.starts_with("POST /connect HTTP/1.1"),
        "{}",
        request.head
    );
    assert_eq!(request.header("content-type"), Some("application/json"));
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(body["device_id"], "kitchen");
    assert_eq!(body["sdp"], "v=0\r\nthe offer");
    assert_eq!(body["preferred_output_sample_rate"], 48_000);
}

#[tokio::test]
async fn a_hub_may_lie_under_a_path() {
    let server = Server::new(|_| answer(ANSWER)).await;
    let mut hub = Hub::new(&format!("{}/voice/", server.url()), "kitchen").unwrap();
    hub.connect("v=0\r\n").await.unwrap();
    assert!(server.requests()[0].head.starts_with("POST /voice/connect "));
}

#[tokio::test]
async fn every_other_status_is_a_refusal_with_its_text() {
    for (line, status) in [
        ("500 Internal Server Error", 500),
        ("400 Bad Request", 400),
        ("422 Unprocessable Entity", 422),
        ("201 Created", 201),
    ] {
        let error = failure(response(line, "", r#"{"error": "no codec in common"}"#)).await;
        let SignallingError::Refused { status: given, text } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*given, status);
        assert!(text.contains("no codec in common"), "{text}");
        assert!(error.to_string().contains(&status.to_string()));
    }
}

#[tokio::test]
async fn what_is_no_answer_is_told_apart() {
    let html = response(
        "200 OK",
        "content-type: text/html\r\n",
        "<html>\x1b[31mlogin</html>",
    );
    let SignallingError::NoAnswer { beginning, .. } = failure(html).await else {
        panic!("HTML was taken for an answer");
    };
    assert_eq!(beginning, "<html> [31mlogin</html>");
    let no_sdp = response("200 OK", "", r#"{"answer": "v=0"}"#);
    assert!(matches!(failure(no_sdp).await, SignallingError::NoAnswer { .. }));
    for (sdp, problem) in [
        ("broken".to_owned(), SdpProblem::NotSdp),
        ("v=0\r\ns=-\r\n".to_owned(), SdpProblem::NoAudio),
        (
            ANSWER.replace(
                "m=audio 9 UDP/TLS/RTP/SAVPF 111",
                "m=video 9 UDP/TLS/RTP/SAVPF 96",
            ),
            SdpProblem::OnlyVideo,
        ),
    ] {
        assert_eq!(failure(answer(&sdp)).await, SignallingError::Sdp(problem));
    }
}

#[tokio::test]
async fn a_body_without_end_is_not_read_to_its_end() {
    let megabyte = response("200 OK", "", &"x".repeat(1 << 20));
    assert_eq!(failure(megabyte).await, SignallingError::TooLong);
    let SignallingError::Refused { status: 500, text } =
        failure(response("500 No", "", &"x".repeat(1 << 20))).await
    else {
        panic!("a long refusal is a refusal");
    };
    assert!(text.len() < 300, "{text}");
}

#[tokio::test]
async fn each_call_has_a_connection_of_its_own() {
    // It leaves its connections open, as if the box's address had gone: what else comes by them is never answered.
    let server = Server::with(|_, mut stream| {
        Box::pin(async move {
            let answer = answer(ANSWER).replace("connection: close\r\n", "");
            stream.write_all(answer.as_bytes()).await.unwrap();
            tokio::spawn(async move {
                let _stream = stream;
                std::future::pending::<()>().await;
            });
        })
    })
    .await;
    let mut hub = Hub::new(&server.url(), "kitchen").unwrap();
    for _ in 0..3 {
        hub.connect("v=0\r\n").await.unwrap();
    }
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_slow_drip_ends() {
    let server = Server::with(|_, mut stream| {
        Box::pin(async move {
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n";
            let mut rest = head.as_bytes().to_vec();
            while stream.write_all(&rest).await.is_ok() {
                rest = vec![b' '];
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
    })
    .await;
    let mut hub = Hub::new(&server.url(), "kitchen").unwrap().impatient(PATIENCE);
    let error = hub.connect("v=0\r\n").await.unwrap_err();
    assert_eq!(error, SignallingError::Unreachable("it took too long".to_owned()));
}

#[tokio::test]
async fn a_hub_that_says_nothing_or_breaks_off_is_unreachable() {
    let silent = Server::with(|_, stream| {
        Box::pin(async move {
            tokio::spawn(async move {
                let _stream = stream;
                std::future::pending::<()>().await;
            });
        })
    })
    .await;
    let broken = Server::new(|_| "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_owned()).await;
    let gone = {
        let server = Server::new(|_| String::new()).await;
        server.url()
    };
    for url in [silent.url(), broken.url(), gone] {
        let mut hub = Hub::new(&url, "kitchen").unwrap().impatient(PATIENCE);
        let error = hub.connect("v=0\r\n").await.unwrap_err();
        assert!(matches!(error, SignallingError::Unreachable(_)), "{error:?}");
    }
}

#[tokio::test]
async fn redirects_stay_at_the_hub_and_end() {
    let server = Server::new(|request| match request.head.starts_with("POST /connect ") {
        true => response("307 Temporary Redirect", "location: /elsewhere\r\n", ""),
        false => answer(ANSWER),
    })
    .await;
    let mut hub = Hub::new(&server.url(), "kitchen").unwrap();
    hub.connect("v=0\r\n").await.unwrap();
    assert!(
        server.requests()[1].body.contains("kitchen"),
        "the offer goes along"
    );

    let circle = response("308 Permanent Redirect", "location: /connect\r\n", "");
    let (server, mut hub) = hub_that_answers(circle).await;
    let error = hub.connect("v=0\r\n").await.unwrap_err();
    assert!(error.to_string().contains("redirected too often"), "{error}");
    assert!(server.requests().len() < 10);

    let other = Server::new(|_| answer(ANSWER)).await;
    for (status, location) in [
        ("307 Temporary Redirect", format!("{}/connect", other.url())),
        ("302 Found", "/connect".to_owned()),
        ("303 See Other", "/connect".to_owned()),
    ] {
        let error = failure(response(status, &format!("location: {location}\r\n"), "")).await;
        assert!(matches!(error, SignallingError::Refused { .. }), "{error:?}");
    }
    assert_eq!(other.requests().len(), 0, "nobody else sees the offer");
}

#[test]
fn what_is_no_address_is_refused() {
    for url in ["", "hub.local:8080", "ftp://hub", "http://", "/connect"] {
        let error = Hub::new(url, "kitchen").unwrap_err();
        assert!(
            matches!(error, SignallingError::Address { .. }),
            "{url}: {error:?}"
        );
    }
}
