use super::*;
use crate::connections::Peer;
use crate::door::Door;
use crate::routes::routes;
use axum::body::Body;
use std::net::IpAddr;
use tower::ServiceExt;

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Needs {
    Nothing,
    Reading,
    Login,
    /// A login, and from browsers the proof that the page is ours.
    Changing,
}

const ROUTES: [(&str, &str, Needs); 15] = [
    ("GET", "/", Needs::Nothing),
    ("GET", "/client/index.js", Needs::Nothing),
    ("GET", "/health", Needs::Nothing),
    ("GET", "/api/session", Needs::Nothing),
    ("GET", "/api/openapi.json", Needs::Nothing),
    ("GET", "/api/docs", Needs::Nothing),
    ("GET", "/api/state", Needs::Reading),
    ("GET", "/metrics", Needs::Reading),
    ("GET", "/api/cover?file=a.flac", Needs::Reading),
    ("GET", "/api/socket", Needs::Reading),
    ("GET", "/api/listen", Needs::Login),
    ("GET", "/api/hear", Needs::Login),
    ("GET", "/api/talk", Needs::Login),
    ("POST", "/api/commands/player.play", Needs::Changing),
    ("DELETE", "/api/session", Needs::Changing),
];

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

/// Whether a status is neither "who are you" nor "you may not".
fn passed(status: u16) -> bool {
    !matches!(status, 401 | 403 | 429)
}

#[tokio::test]
async fn every_route_asks_for_what_it_needs() {
    for open in [false, true] {
        let fixture = Fixture::with(|config| config.open_status = open).await;
        for (method, path, needs) in ROUTES {
            let request = || fixture.request(method.parse().unwrap(), path);
            let origin = |request: RequestBuilder| request.header("origin", "http://evil.example");
            let browser = fixture.log_in().await;
            let with_cookie = || request().header("cookie", &browser.cookie);
            let with_csrf = || with_cookie().header("x-amora-csrf", &browser.csrf);
            let about = format!("{method} {path}, open: {open}");

            let anyone = needs == Needs::Nothing || (open && needs == Needs::Reading);
            let nobody = status(request()).await;
            assert_eq!(passed(nobody), anyone, "{about}: nobody got {nobody}");
            assert!(anyone || nobody == 401, "{about}: nobody got {nobody}");
            let stranger =
                status(request().header("cookie", format!("amora_session={}", "0".repeat(64)))).await;
            assert_eq!(stranger, nobody, "{about}: an unknown session is nobody's");

            assert!(
                passed(status(request().bearer_auth(&fixture.code)).await),
                "{about}: code"
            );
            let client = Client::builder()
                .unix_socket(fixture.socket_path())
                .build()
                .unwrap();
            let local = client.request(method.parse().unwrap(), format!("http://amora{path}"));
            assert!(passed(status(local).await), "{about}: unix socket");

            for foreign in [request(), request().bearer_auth(&fixture.code), with_csrf()] {
                assert_eq!(status(origin(foreign)).await, 403, "{about}: foreign origin");
            }
            let bare = status(with_cookie()).await;
            match needs {
                Needs::Changing => {
                    assert_eq!(bare, 403, "{about}: without CSRF token");
                    let other = fixture.log_in().await;
                    for wrong in ["", "0", &"0".repeat(64), &other.csrf] {
                        let request = with_cookie().header("x-amora-csrf", wrong);
                        assert_eq!(status(request).await, 403, "{about}: wrong CSRF token");
                    }
                }
                _ => assert!(passed(bare), "{about}: cookie"),
            }
            assert!(
                passed(status(with_csrf()).await),
                "{about}: cookie and CSRF token"
            );
            let own = format!("http://{}", fixture.address);
            let ours = fixture.log_in().await;
            let own = request()
                .header("cookie", &ours.cookie)
                .header("x-amora-csrf", &ours.csrf)
                .header("origin", own);
            assert!(passed(status(own).await), "{about}: own origin");
        }
    }
}

#[tokio::test]
async fn a_wrong_code_opens_nothing() {
    for (method, path, _) in ROUTES {
        let fixture = Fixture::new().await;
        let request = fixture
            .request(method.parse().unwrap(), path)
            .bearer_auth("AAAA-BBBB-CCCC");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        assert_eq!(error_of(answer).await.code, ErrorCode::LoginRequired);
        for scheme in ["Basic YWJj", "Bearer", "nonsense"] {
            let request = fixture
                .request(method.parse().unwrap(), path)
                .header("authorization", scheme);
            assert_eq!(status(request).await, 401, "{scheme}");
        }
    }
}

#[tokio::test]
async fn logging_in_gives_a_cookie_that_scripts_cannot_reach() {
    let fixture = Fixture::new().await;
    let loose = fixture.code.to_lowercase().replace('-', " ");
    let answer = fixture
        .request(Method::POST, "/api/session")
        .json(&json!({"code": loose}))
        .send()
        .await
        .unwrap();
    assert_eq!(
        answer.status(),
        StatusCode::OK,
        "case, dashes and spaces do not matter"
    );
    let browser = fixture.log_in().await;
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=2592000"] {
        assert!(browser.attributes.contains(attribute), "{}", browser.attributes);
    }
    assert!(!browser.attributes.contains("Secure"));
    let request = fixture
        .request(Method::POST, "/api/session")
        .header("x-forwarded-proto", "https");
    let answer = request.json(&json!({"code": fixture.code})).send().await.unwrap();
    assert!(
        answer.headers()["set-cookie"]
            .to_str()
            .unwrap()
            .contains("; Secure")
    );

    let session = async |cookie: &str| {
        let answer = fixture
            .get("/api/session")
            .header("cookie", cookie)
            .send()
            .await
            .unwrap();
        let renewed = answer.headers().contains_key("set-cookie");
        (answer.json::<Value>().await.unwrap(), renewed)
    };
    let known = json!({"authenticated": true, "open_status": false, "name": "Kitchen", "csrf": browser.csrf});
    assert_eq!(session(&browser.cookie).await, (known.clone(), true));
    assert_eq!(
        session(&format!("theme=dark; {}; lang=en", browser.cookie))
            .await
            .0,
        known
    );
    let nobody = json!({"authenticated": false, "open_status": false, "name": "Kitchen", "csrf": null});
    assert_eq!(session("amora_session=nonsense").await, (nobody, false));
}

#[tokio::test]
async fn a_login_that_makes_no_sense_is_told_why() {
    let fixture = Fixture::new().await;
    for body in ["", "{}", "[]", "{\"code\": 5}", "{\"code\": null}"] {
        let answer = fixture
            .request(Method::POST, "/api/session")
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(error_of(answer).await.field.as_deref(), Some("code"), "{body}");
    }
    let answer = fixture
        .request(Method::POST, "/api/session")
        .json(&json!({"code": "no"}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(!answer.headers().contains_key("set-cookie"));
}

#[tokio::test]
async fn logging_out_ends_the_session_and_its_sockets() {
    let fixture = Fixture::new().await;
    let (browser, other) = (fixture.log_in().await, fixture.log_in().await);
    let mut socket = fixture
        .socket_with("/api/socket", &[("cookie", &browser.cookie)])
        .await
        .unwrap();
    let mut others = fixture
        .socket_with("/api/socket", &[("cookie", &other.cookie)])
        .await
        .unwrap();
    socket.hear_next("state").await;
    others.hear_next("state").await;
    let end = fixture
        .request(Method::DELETE, "/api/session")
        .header("cookie", &browser.cookie);
    let answer = end.header("x-amora-csrf", &browser.csrf).send().await.unwrap();
    assert!(
        answer.headers()["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    assert_eq!(
        status(fixture.get("/api/state").header("cookie", &browser.cookie)).await,
        401
    );
    loop {
        match socket.raw().await {
            Some(Message::Close(frame)) => break assert_eq!(u16::from(frame.unwrap().code), 1008),
            Some(_) => {}
            None => panic!("no word of why"),
        }
    }
    others.say(json!({"id": 1, "command": "player.play"})).await;
    assert_eq!(
        others.hear_next("reply").await["result"],
        json!(true),
        "the other browser is not concerned"
    );
}

#[tokio::test]
async fn sessions_survive_a_restart_but_not_a_new_code() {
    let fixture = Fixture::new().await;
    let browser = fixture.log_in().await;
    let code = fixture.code.clone();
    let (config, data) = fixture.stop().await;
    let file = std::fs::read_to_string(data.path().join("sessions.json")).unwrap();
    assert!(
        !file.contains(browser.cookie.split('=').next_back().unwrap()),
        "only hashes are kept"
    );

    let fixture = Fixture::start(config, data).await;
    assert_eq!(fixture.code, code);
    assert_eq!(
        status(fixture.get("/api/state").header("cookie", &browser.cookie)).await,
        200
    );
    let (config, data) = fixture.stop().await;
    std::fs::remove_file(data.path().join("login-code")).unwrap();
    let fixture = Fixture::start(config, data).await;
    assert_ne!(fixture.code, code);
    assert_eq!(
        status(fixture.get("/api/state").header("cookie", &browser.cookie)).await,
        401
    );
}

#[tokio::test]
async fn an_open_state_can_be_read_but_not_commanded_listened_to_or_talked_into() {
    let fixture = Fixture::with(|config| config.open_status = true).await;
    let mut socket = fixture.socket_with("/api/socket", &[]).await.unwrap();
    socket.hear_next("state").await;
    socket.say(json!({"id": 1, "command": "player.play"})).await;
    let reply = socket.hear_next("reply").await;
    assert_eq!(reply["error"]["code"], json!("login_required"));
    assert_eq!(reply["id"], json!(1));
    socket.say(json!({"subscribe": ["levels"]})).await;
    fixture
        .router
        .levels()
        .send_modify(|levels| levels.limiting.0 = -1.0);
    socket.hear_next("levels").await;
    for path in ["/api/listen", "/api/hear", "/api/talk"] {
        let refused = fixture.socket_with(path, &[]).await.err();
        assert!(
            matches!(refused, Some(WsError::Http(answer)) if answer.status() == 401),
            "{path}"
        );
    }
    assert!(fixture.reached.lock().unwrap().is_empty());
}

/// Asks the routes directly, in virtual time.
async fn ask(
    door: &Arc<Door>,
    address: &str,
    bearer: Option<&str>,
    code: Option<&str>,
) -> (u16, Option<u64>) {
    let peer = Peer::Network(address.parse::<IpAddr>().unwrap());
    let mut request = axum::http::Request::builder()
        .header("host", "kitchen")
        .extension(peer);
    if let Some(bearer) = bearer {
        request = request.header("authorization", format!("Bearer {bearer}"));
    }
    let request = match code {
        Some(code) => request
            .method("POST")
            .uri("/api/session")
            .body(json!({"code": code}).to_string().into()),
        None => request.uri("/api/state").body(Body::empty()),
    };
    let answer = routes(door).oneshot(request.unwrap()).await.unwrap();
    let wait = answer
        .headers()
        .get("retry-after")
        .map(|wait| wait.to_str().unwrap().parse().unwrap());
    (answer.status().as_u16(), wait)
}

#[tokio::test(start_paused = true)]
async fn guessing_is_slowed_down_whichever_way_the_code_is_sent() {
    let data = tempfile::tempdir().unwrap();
    let device = DeviceConfig {
        data: data.path().to_owned(),
        ..DeviceConfig::default()
    };
    let door = Door::open(Router::new(), &WebConfig::default(), &device).unwrap();
    let code = door.access.login_code().to_owned();
    for attempt in 0..5 {
        let (bearer, code) = if attempt % 2 == 0 {
            (Some("wrong"), None)
        } else {
            (None, Some("wrong"))
        };
        assert_eq!(ask(&door, "10.0.0.9", bearer, code).await, (401, None));
    }
    assert_eq!(
        ask(&door, "10.0.0.9", Some(&code), None).await,
        (429, Some(12)),
        "even the right one"
    );
    assert_eq!(ask(&door, "10.0.0.9", None, Some(&code)).await, (429, Some(12)));
    assert_eq!(
        ask(&door, "10.0.0.10", None, Some(&code)).await,
        (200, None),
        "others may"
    );
    tokio::time::advance(Duration::from_secs(12)).await;
    assert_eq!(ask(&door, "10.0.0.9", None, Some(&code)).await, (200, None));

    let mut refused = 0;
    for number in 0..200 {
        let (status, _) = ask(&door, &format!("10.1.0.{number}"), Some("wrong"), None).await;
        refused += u32::from(status == 429);
    }
    assert!(
        refused >= 140,
        "many addresses together are slowed down too: {refused}"
    );
    let text = crate::metrics::render(&door.router().state(), &door.counters);
    assert!(
        text.contains("amora_web_logins_refused_total{reason=\"wrong_code\"}"),
        "{text}"
    );
    assert!(
        text.contains("amora_web_logins_refused_total{reason=\"too_many\"}"),
        "{text}"
    );
}
