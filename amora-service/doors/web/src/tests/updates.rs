use super::*;
use amora_contract::commands::UpdateCommand;
use amora_contract::config::RestartPolicy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

/// Much larger than what the door takes of any other request, and than what waits on the way.
const LARGE: usize = 24 << 20;

/// What came to the seat: the size that was announced, the bytes, and how they ended.
type Arrival = (Command, Option<u64>, usize, Result<(), String>);

/// A seat for updates that takes what comes.
fn take_all(fixture: &Fixture) -> mpsc::UnboundedReceiver<Arrival> {
    let mut seat = fixture.router.take_seat(Section::Update);
    let (to, arrivals) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(mut request) = seat.next().await {
            let mut body = request.body.take().expect("an update comes with its bytes");
            let (mut bytes, mut end) = (0, Ok(()));
            while let Some(piece) = body.pieces.recv().await {
                match piece {
                    Ok(piece) => bytes += piece.len(),
                    Err(cause) => end = Err(cause),
                }
            }
            to.send((request.command.clone(), body.size, bytes, end)).unwrap();
            request.answer(Ok(Reply::Update(Box::default())));
        }
    });
    arrivals
}

/// A seat for updates that lets nothing in.
fn refuse_all(fixture: &Fixture) {
    let mut seat = fixture.router.take_seat(Section::Update);
    tokio::spawn(async move {
        while let Some(request) = seat.next().await {
            request.answer(Err(CommandError::new(
                ErrorCode::Conflict,
                "there is one already",
            )));
        }
    });
}

fn post(fixture: &Fixture, query: &str) -> RequestBuilder {
    fixture.request(Method::POST, &format!("/api/update{query}"))
}

#[tokio::test]
async fn an_update_comes_whole_whatever_its_size() {
    let fixture = Fixture::new().await;
    let mut arrivals = take_all(&fixture);
    let answer = post(&fixture, "?restart=window&reference=night")
        .bearer_auth(&fixture.code)
        .body(vec![7; LARGE])
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.json::<Value>().await.unwrap()["result"], true);
    let (command, size, bytes, end) = arrivals.recv().await.unwrap();
    assert_eq!((size, bytes, end), (Some(LARGE as u64), LARGE, Ok(())));
    let Command::Update(UpdateCommand::Install(wanted)) = command else {
        panic!("{command:?}");
    };
    assert_eq!(wanted.restart, Some(RestartPolicy::Window));
    assert_eq!(wanted.reference.as_deref(), Some("night"));
}

#[tokio::test]
async fn a_stranger_and_a_foreign_page_send_none() {
    let fixture = Fixture::new().await;
    let answer = post(&fixture, "").body("x").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let browser = fixture.log_in().await;
    let answer = post(&fixture, "")
        .header("Cookie", &browser.cookie)
        .body("x")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN, "no CSRF token");
    let answer = post(&fixture, "?restart=soon")
        .bearer_auth(&fixture.code)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn who_still_sends_hears_the_refusal() {
    let fixture = Fixture::new().await;
    refuse_all(&fixture);
    let answer = post(&fixture, "")
        .bearer_auth(&fixture.code)
        .body(vec![7; LARGE])
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["message"], "there is one already");
}

/// Head of a request that waits to be let go on.
fn patient_head(fixture: &Fixture) -> String {
    format!(
        "POST /api/update HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Length: {LARGE}\r\nExpect: 100-continue\r\n\r\n",
        fixture.address, fixture.code
    )
}

/// The first line of what the door says.
async fn first_line(stream: &mut TcpStream) -> String {
    let mut line = Vec::new();
    let read = async {
        while !line.ends_with(b"\r\n") {
            line.push(stream.read_u8().await.unwrap());
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap();
    String::from_utf8(line).unwrap().trim().to_owned()
}

#[tokio::test]
async fn who_waits_to_be_let_go_on_need_not_send_what_is_refused() {
    let fixture = Fixture::new().await;
    refuse_all(&fixture);
    let mut stream = TcpStream::connect(fixture.address).await.unwrap();
    stream.write_all(patient_head(&fixture).as_bytes()).await.unwrap();
    assert_eq!(first_line(&mut stream).await, "HTTP/1.1 409 Conflict");
}

#[tokio::test]
async fn who_breaks_off_is_told_from_who_is_done() {
    let fixture = Fixture::new().await;
    let mut arrivals = take_all(&fixture);
    let mut stream = TcpStream::connect(fixture.address).await.unwrap();
    stream.write_all(patient_head(&fixture).as_bytes()).await.unwrap();
    assert_eq!(first_line(&mut stream).await, "HTTP/1.1 100 Continue");
    stream.write_all(&[7; 1000]).await.unwrap();
    drop(stream);
    let (_, size, bytes, end) = tokio::time::timeout(PATIENCE, arrivals.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((size, bytes), (Some(LARGE as u64), 1000));
    assert!(end.is_err(), "1000 bytes are not the whole");
}
