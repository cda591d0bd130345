use super::*;

#[tokio::test]
async fn sockets_check_origins_too() {
    let fixture = Fixture::new().await;
    let browser = fixture.log_in().await;
    let own = format!("http://{}", fixture.address);
    let open = async |origin: &str| {
        let headers = [("cookie", &*browser.cookie), ("origin", origin)];
        fixture.socket_with("/api/socket", &headers).await.err()
    };
    assert!(open(&own).await.is_none());
    for foreign in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        assert!(
            matches!(open(foreign).await, Some(WsError::Http(answer)) if answer.status() == 403),
            "{foreign}"
        );
    }
}

#[tokio::test]
async fn names_that_are_not_the_boxs_are_refused() {
    let fixture =
        Fixture::with(|config| config.allowed_origins = vec!["https://music.example.com".to_owned()]).await;
    for (host, expected) in [
        ("evil.example", 403),
        ("kitchen.local:8080", 200),
        ("music.example.com", 200),
    ] {
        let answer = fixture.get("/").header("host", host).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), expected, "{host}");
    }
}

#[tokio::test]
async fn pages_of_allowed_origins_may_talk_to_the_box() {
    let fixture =
        Fixture::with(|config| config.allowed_origins = vec!["https://music.example.com".to_owned()]).await;
    let origin = "https://music.example.com";
    let answer = fixture
        .request(Method::OPTIONS, "/api/commands/player.play")
        .header("origin", origin)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(answer.headers()["access-control-allow-origin"], origin);
    assert!(
        answer.headers()["access-control-allow-headers"]
            .to_str()
            .unwrap()
            .contains("x-amora-csrf")
    );
    let answer = fixture
        .command("player.play")
        .header("origin", origin)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["access-control-allow-origin"], origin);
    assert!(
        answer
            .headers()
            .get_all("vary")
            .iter()
            .any(|vary| vary == "origin")
    );
    let answer = fixture
        .request(Method::OPTIONS, "/api/state")
        .header("origin", "http://evil.example")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
    let answer = fixture.command("player.play").send().await.unwrap();
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
}
