use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Sends raw bytes and reads until the box closes the connection, in virtual time.
async fn exchange(fixture: &Fixture, sent: &[u8]) -> String {
    let mut stream = TcpStream::connect(fixture.address).await.unwrap();
    stream.write_all(sent).await.unwrap();
    tokio::time::pause();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    tokio::time::resume();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up() {
    let fixture = Fixture::new().await;
    for start in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: kitchen\r\nX-Slow: "] {
        let answer = exchange(&fixture, start.as_bytes()).await;
        assert!(!answer.contains("200"), "{answer}");
    }
}

#[tokio::test]
async fn a_body_that_never_comes_is_answered_in_the_end() {
    let fixture = Fixture::new().await;
    let head = format!(
        "POST /api/commands/player.play HTTP/1.1\r\nHost: kitchen\r\nAuthorization: Bearer {}\r\n\
         Content-Length: 100\r\nConnection: close\r\n\r\n{{",
        fixture.code
    );
    let answer = exchange(&fixture, head.as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 408") && answer.contains("timed_out"),
        "{answer}"
    );
    assert!(fixture.reached.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_head_too_large_is_refused() {
    let fixture = Fixture::new().await;
    let head = format!(
        "GET / HTTP/1.1\r\nHost: kitchen\r\nX-Large: {}\r\n\r\n",
        "x".repeat(100_000)
    );
    let mut stream = TcpStream::connect(fixture.address).await.unwrap();
    // The box may close before it has taken everything.
    let _ = stream.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
}

#[tokio::test]
async fn nonsense_gets_no_further_than_its_connection() {
    let fixture = Fixture::new().await;
    for nonsense in [
        "\0\0\0\0\r\n\r\n",
        "\x16\x03\x01\x02\0\x01\0",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
    ] {
        let answer = exchange(&fixture, nonsense.as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(
        fixture.get("/health").send().await.unwrap().status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn bodies_too_large_are_refused_with_a_reason() {
    let fixture = Fixture::new().await;
    for length in [64 * 1024 + 1, 10_000_000] {
        let answer = fixture
            .command("player.play")
            .body(vec![b' '; length])
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE, "{length}");
        let error = error_of(answer).await;
        assert_eq!(error.code, ErrorCode::TooLarge);
        assert!(error.message.contains("64 KiB"), "{}", error.message);
    }
    let chunks = futures_util::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(vec![b' '; 10_000])));
    let answer = fixture
        .command("player.play")
        .body(reqwest::Body::wrap_stream(chunks))
        .send()
        .await
        .unwrap();
    assert_eq!(
        answer.status(),
        StatusCode::PAYLOAD_TOO_LARGE,
        "without a length announced"
    );

    let head = format!(
        "POST /api/commands/player.play HTTP/1.1\r\nHost: kitchen\r\nAuthorization: Bearer {}\r\n\
         Content-Length: 99999999999\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
        fixture.code
    );
    let answer = exchange(&fixture, head.as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 413"),
        "before anything of it was sent: {answer}"
    );

    let whole = fixture
        .command("player.play")
        .body(vec![b' '; 64 * 1024])
        .send()
        .await
        .unwrap();
    assert_eq!(whole.status(), StatusCode::OK, "exactly the most is taken");
    assert_eq!(fixture.reached.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn without_a_login_a_body_is_not_even_read() {
    let fixture = Fixture::new().await;
    let head = "POST /api/commands/player.play HTTP/1.1\r\nHost: kitchen\r\nContent-Length: 60000\r\nConnection: close\r\n\r\n";
    let mut stream = TcpStream::connect(fixture.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 401");
}

#[tokio::test]
async fn whoever_asks_and_never_reads_is_given_up() {
    let fixture = Fixture::new().await;
    let mut stream = TcpStream::connect(fixture.address).await.unwrap();
    // Far more answers than the system keeps for a reader that does not read.
    let asked = 1000;
    let request = "GET /api/openapi.json HTTP/1.1\r\nHost: kitchen\r\n\r\n";
    stream.write_all(request.repeat(asked).as_bytes()).await.unwrap();
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(60)).await;
    tokio::time::resume();
    let mut answers = Vec::new();
    // The end may come as a reset.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answers))
        .await
        .expect("it is closed");
    let answered = answers
        .windows(12)
        .filter(|window| window == b"HTTP/1.1 200")
        .count();
    assert!((1..asked).contains(&answered), "{answered}");
}

#[tokio::test]
async fn deep_json_is_malformed_and_not_a_crash() {
    let fixture = Fixture::new().await;
    let answer = fixture
        .command("player.play")
        .body("[".repeat(60_000))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(error_of(answer).await.code, ErrorCode::Malformed);
}

#[tokio::test]
async fn connections_beyond_the_most_wait_for_their_turn() {
    use crate::connections::{Listener, Service};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = axum::Router::new().route("/", axum::routing::get(async || "here"));
    let shutdown = CancellationToken::new();
    let service = tokio::spawn(Service::new(Listener::Network(listener), routes, 8).run(shutdown.clone()));
    // Each address may have a quarter, and on Linux every 127.x.x.x is an address of its own.
    let connect = async |host: u8| {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, host], 0))).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        stream
    };
    let mut idle = Vec::new();
    for number in 0..8 {
        let mut stream = connect(2 + number / 2).await;
        stream.read_exact(&mut [0; 12]).await.unwrap();
        idle.push(stream);
    }
    let mut ninth = connect(100).await;
    let early = tokio::time::timeout(Duration::from_millis(200), ninth.read_u8()).await;
    assert!(early.is_err(), "there is no room yet");
    drop(idle.pop());
    let mut start = [0; 12];
    tokio::time::timeout(PATIENCE, ninth.read_exact(&mut start))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");

    drop(idle.pop());
    let mut greedy = connect(2).await;
    let refused = tokio::time::timeout(PATIENCE, greedy.read(&mut start))
        .await
        .unwrap();
    assert!(
        matches!(refused, Ok(0) | Err(_)),
        "an address that has its share gets no more"
    );
    let mut modest = connect(101).await;
    tokio::time::timeout(PATIENCE, modest.read_exact(&mut start))
        .await
        .unwrap()
        .unwrap();
    shutdown.cancel();
    tokio::time::timeout(PATIENCE, service).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_command_that_hangs_does_not_keep_the_door_from_closing() {
    let fixture = Fixture::new().await;
    let mut seat = fixture.router.take_seat(Section::Player);
    let request = fixture.command("player.play");
    let asking = tokio::spawn(request.send());
    let held = seat.next().await.unwrap();
    fixture.stop().await;
    drop(held);
    let _ = asking.await.unwrap();
}

#[tokio::test]
async fn too_many_commands_at_once_are_busy_and_none_is_lost() {
    let fixture = Fixture::new().await;
    let mut seat = fixture.router.take_seat(Section::Player);
    let answering = tokio::spawn(async move {
        let mut answered = 0;
        while let Some(request) = seat.next().await {
            tokio::task::yield_now().await;
            request.answer(Ok(Reply::NOTHING));
            answered += 1;
            if answered == 256 {
                break;
            }
        }
        seat
    });
    let door = fixture.door.clone();
    let asked = (0..300).map(|_| door.execute("player.play", Value::Null));
    let answers = futures_util::future::join_all(asked).await;
    let busy = answers
        .iter()
        .filter(|answer| matches!(answer, Err(error) if error.code == ErrorCode::Busy))
        .count();
    let done = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!((done, busy), (256, 44));
    answering.await.unwrap();
}
