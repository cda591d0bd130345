use super::*;

async fn fixture() -> Fixture {
    Fixture::with(|config| config.legacy_port = Some(0)).await
}

fn url(fixture: &Fixture, path: &str) -> String {
    format!("http://{}{path}", fixture.legacy.unwrap())
}

#[tokio::test]
async fn it_is_closed_unless_configured() {
    assert!(Fixture::new().await.legacy.is_none());
}

#[tokio::test]
async fn the_originals_clients_find_what_they_know() {
    let fixture = fixture().await;
    let client = Client::new();
    for (action, command, message) in [
        ("play", "player.play", "Playback started"),
        ("pause", "player.pause", "Playback paused"),
        ("stop", "player.stop", "Playback stopped"),
        ("next", "player.next", "Skipped to next track"),
        ("previous", "player.previous", "Skipped to previous track"),
    ] {
        let request = client
            .post(url(&fixture, &format!("/api/{action}")))
            .header("origin", "http://anywhere.example");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{action}");
        assert_eq!(answer.headers()["access-control-allow-origin"], "*");
        assert_eq!(
            answer.text().await.unwrap(),
            format!(r#"{{"message":"{message}","success":true}}"#)
        );
        assert_eq!(fixture.reached.lock().unwrap().last().unwrap().name(), command);
    }
    let set = client
        .post(url(&fixture, "/api/volume"))
        .json(&json!({"volume": 130}))
        .send()
        .await
        .unwrap();
    assert_eq!(
        set.json::<Value>().await.unwrap(),
        json!({"success": true, "message": "Volume set to 100"})
    );
    let lists = client.get(url(&fixture, "/api/playlists")).send().await.unwrap();
    assert_eq!(
        lists.json::<Value>().await.unwrap(),
        json!({"playlists": ["Evening", "Morning"]})
    );
    let preflight = client
        .request(Method::OPTIONS, url(&fixture, "/api/play"))
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
    assert_eq!(preflight.headers()["access-control-allow-methods"], "*");
}

#[tokio::test]
async fn errors_have_a_detail() {
    let fixture = Fixture::with(|config| {
        config.legacy_port = Some(0);
        config.allow = vec!["player.set_volume".to_owned()];
    })
    .await;
    let client = Client::new();
    let detail = async |request: RequestBuilder| {
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
        (status, body["detail"].as_str().unwrap().to_owned())
    };
    let (status, text) = detail(client.post(url(&fixture, "/api/play"))).await;
    assert!(status == 403 && text.contains("player.play"), "{text}");
    let (status, text) = detail(client.post(url(&fixture, "/api/volume")).body("{\"level\":5}")).await;
    assert!(status == 400 && text.contains("volume"), "{text}");
    let (status, text) = detail(client.post(url(&fixture, "/api/volume")).body("{")).await;
    assert!(status == 400 && text.contains("JSON"), "{text}");
    let (status, _) = detail(
        client
            .post(url(&fixture, "/api/volume"))
            .body(vec![b' '; 100_000]),
    )
    .await;
    assert_eq!(status, 413);
    assert_eq!(
        detail(client.get(url(&fixture, "/api/state"))).await,
        (404, "Not Found".to_owned())
    );
    assert_eq!(
        detail(client.get(url(&fixture, "/api/play"))).await,
        (405, "Method Not Allowed".to_owned())
    );
}

#[tokio::test]
async fn the_socket_pushes_the_status_each_second() {
    let fixture = fixture().await;
    let (socket, _) = tokio_tungstenite::connect_async(format!("ws://{}/ws", fixture.legacy.unwrap()))
        .await
        .unwrap();
    let mut socket = Socket(socket);
    let status = json!({"state": "disconnected", "volume": 0, "current_song": null, "playlist": null,
        "repeat": false, "random": false});
    assert_eq!(socket.hear().await, status);
    fixture.router.update_state(|state| {
        state.player = Some(amora_contract::state::PlayerState {
            repeat: true,
            ..Default::default()
        });
    });
    let next = socket.hear().await;
    assert_eq!((&next["state"], &next["repeat"]), (&json!("stop"), &json!(true)));
}
