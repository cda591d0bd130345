use super::*;

#[tokio::test]
async fn a_command_is_carried_out_and_answered() {
    let fixture = Fixture::new().await;
    let answer = fixture
        .command("player.set_volume")
        .json(&json!({"volume": 55}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(
        body,
        json!({"result": true, "data": {"volume": 55, "mute": false}})
    );
    let answer = fixture.command("player.pause").send().await.unwrap();
    assert_eq!(
        answer.json::<Value>().await.unwrap(),
        json!({"result": true, "data": {}}),
        "no body is no parameters"
    );
    let names: Vec<_> = fixture
        .reached
        .lock()
        .unwrap()
        .iter()
        .map(Command::name)
        .collect();
    assert_eq!(names, ["player.set_volume", "player.pause"]);
}

#[tokio::test]
async fn a_falsy_value_is_a_good_answer() {
    let fixture = Fixture::new().await;
    let answer: Value = fixture
        .command("player.get_volume")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        answer,
        json!({"result": true, "data": {"volume": 0, "mute": false}})
    );
}

#[tokio::test]
async fn each_error_has_its_status() {
    let fixture = Fixture::new().await;
    for (code, status) in [
        ("malformed", 400),
        ("invalid_parameter", 400),
        ("login_required", 401),
        ("not_allowed", 403),
        ("unknown_command", 404),
        ("not_found", 404),
        ("conflict", 409),
        ("too_large", 413),
        ("busy", 429),
        ("failed", 500),
        ("unavailable", 503),
        ("not_configured", 503),
        ("timed_out", 504),
    ] {
        let request = fixture
            .command("player.create_playlist")
            .json(&json!({"name": code}));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{code}");
        assert_eq!(
            answer.headers().contains_key("retry-after"),
            code == "busy",
            "{code}"
        );
        let error = error_of(answer).await;
        assert_eq!(json!(error.code), json!(code));
        assert_eq!(error.message, "as asked");
    }
}

#[tokio::test]
async fn bad_commands_are_answered_with_what_is_wrong() {
    let fixture =
        Fixture::with(|config| config.allow = vec!["player.*".to_owned(), "system.*".to_owned()]).await;
    let ask = async |name: &str, body: &'static str| {
        let answer = fixture.command(name).body(body).send().await.unwrap();
        (answer.status().as_u16(), error_of(answer).await)
    };

    let (status, error) = ask("player.set_volume", "{\"volume\": \"loud\"}").await;
    assert_eq!((status, error.field.as_deref()), (400, Some("volume")));
    let (status, error) = ask("player.set_volume", "").await;
    assert_eq!((status, error.field.as_deref()), (400, Some("volume")));
    assert!(error.message.contains("is required"), "{}", error.message);
    let (status, error) = ask("player.set_volume", "[1]").await;
    assert_eq!((status, error.field.as_deref()), (400, Some("params")));
    let (status, error) = ask("player.find", r#"{"filters":[{"tag":"colour","value":"red"}]}"#).await;
    assert_eq!((status, error.field.as_deref()), (400, Some("filters[0].tag")));

    let (status, error) = ask("player.set_volume", "{\"volume\": 5").await;
    assert_eq!((status, error.code), (400, ErrorCode::Malformed));
    assert!(error.message.contains("line 1 column"), "{}", error.message);

    let (status, error) = ask("player.setVolume", "").await;
    assert_eq!((status, error.code), (404, ErrorCode::UnknownCommand));
    assert!(error.message.contains("`player.set_volume`"), "{}", error.message);
    let (status, error) = ask("%ff", "").await;
    assert_eq!((status, error.code), (400, ErrorCode::Malformed));

    let (status, error) = ask("audio.chime", "").await;
    assert_eq!((status, error.code), (403, ErrorCode::NotAllowed));
    let (status, error) = ask("system.reload", "").await;
    assert_eq!(
        (status, error.code),
        (503, ErrorCode::NotConfigured),
        "nobody sits there"
    );
    assert!(
        fixture.reached.lock().unwrap().is_empty(),
        "none of these may reach a seat"
    );
}

#[tokio::test]
async fn extra_fields_and_any_content_type_are_taken() {
    let fixture = Fixture::new().await;
    let request = fixture
        .command("player.set_repeat")
        .header("content-type", "text/plain");
    let answer = request
        .body(r#"{"repeat":true,"colour":"red"}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn wrong_methods_and_addresses_are_answered_in_json() {
    let fixture = Fixture::new().await;
    let answer = fixture.get("/api/commands/player.play").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    error_of(answer).await;
    for path in [
        "/api/nothing",
        "/nothing.html",
        "/client/nothing.js",
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
    ] {
        let answer = fixture.get(path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(error_of(answer).await.code, ErrorCode::NotFound);
    }
}

#[tokio::test]
async fn the_state_is_the_whole_document() {
    let fixture = Fixture::new().await;
    fixture
        .router
        .update_state(|state| state.player = Some(Default::default()));
    let answer = fixture
        .get("/api/state")
        .bearer_auth(&fixture.code)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let body: amora_contract::State = answer.json().await.unwrap();
    assert_eq!(body, *fixture.router.state());
}

#[tokio::test]
async fn health_says_what_is_wrong_and_asks_for_no_login() {
    let fixture = Fixture::new().await;
    let mut states = fixture.router.watch_state();
    states
        .wait_for(|state| state.system.health.contains_key("web"))
        .await
        .unwrap();
    let answer = fixture.get("/health").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(
        (&body["status"], &body["parts"]["web"]["condition"]),
        (&json!("ok"), &json!("ok"))
    );

    fixture
        .router
        .health("player")
        .degraded("MPD does not answer", "start mpd.service");
    let answer = fixture.get("/health").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["status"], json!("degraded"));
    let player = &body["parts"]["player"];
    assert_eq!(
        (&player["cause"], &player["next_step"]),
        (&json!("MPD does not answer"), &json!("start mpd.service"))
    );
    assert!(player["since"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn the_unix_socket_knows_no_login_and_serves_the_same() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new().await;
    let mode = std::fs::metadata(fixture.socket_path())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o660);
    let client = Client::builder()
        .unix_socket(fixture.socket_path())
        .build()
        .unwrap();
    let post = |path: &str| client.post(format!("http://amora{path}"));
    let answer = post("/api/commands/player.set_volume")
        .json(&json!({"volume": 7}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["data"]["volume"], json!(7));
    let session: Value = client
        .get("http://amora/api/session")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(session["authenticated"], json!(true));

    let path = fixture.socket_path();
    let (config, data) = fixture.stop().await;
    assert!(!path.exists(), "tidied up");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "left over by a service that was killed");
    let fixture = Fixture::start(config, data).await;
    let client = Client::builder()
        .unix_socket(fixture.socket_path())
        .build()
        .unwrap();
    assert_eq!(
        client
            .get("http://amora/api/state")
            .send()
            .await
            .unwrap()
            .status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_control_socket_that_cannot_be_made_is_no_failure() {
    let fixture = Fixture::with(|config| config.socket = Some("/proc/nowhere/control.socket".into())).await;
    assert_eq!(
        fixture.get("/health").send().await.unwrap().status().as_u16() / 100,
        2
    );
    let data = Arc::new(tempfile::tempdir().unwrap());
    let file = data.path().join("precious");
    std::fs::write(&file, "keep me").unwrap();
    let fixture = Fixture::with(|config| config.socket = Some(file.clone())).await;
    assert!(
        !fixture
            .socket_path()
            .parent()
            .unwrap()
            .join("control.socket")
            .exists()
    );
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "keep me",
        "a file that is no socket is not touched"
    );
}

#[tokio::test]
async fn a_port_in_use_says_so_and_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let data = tempfile::tempdir().unwrap();
    let bind = async |address: &str, port, legacy_port| {
        let config = WebConfig {
            address: address.to_owned(),
            port,
            legacy_port,
            socket: None,
            ..WebConfig::default()
        };
        let device = DeviceConfig {
            data: data.path().to_owned(),
            ..DeviceConfig::default()
        };
        Server::bind(Router::new(), config, device)
            .await
            .err()
            .map(|error| error.to_string())
    };
    let error = bind("127.0.0.1", port, None).await.unwrap();
    assert!(
        error.contains(&port.to_string()) && error.contains("in use") && error.contains("web.port"),
        "{error}"
    );
    let error = bind("127.0.0.1", 0, Some(port)).await.unwrap();
    assert!(error.contains("web.legacy_port"), "{error}");
    let error = bind("192.0.2.1", 0, None).await.unwrap();
    assert!(
        error.contains("web.address") && error.contains("192.0.2.1"),
        "{error}"
    );
    assert_eq!(bind("::1", 0, None).await, None, "IPv6 too");
}
