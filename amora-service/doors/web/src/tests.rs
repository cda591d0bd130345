//! The whole door, over real connections, before seats that answer what the tests ask for.

mod access;
mod commands;
mod endurance;
mod hostile;
mod legacy;
mod origins;
mod pages;
mod sockets;
mod talk;
mod updates;

use crate::metrics::SocketKind;
use crate::{Server, WebError};
use amora_contract::commands::{AudioCommand, PlayerCommand};
use amora_contract::config::{DeviceConfig, WebConfig};
use amora_contract::reply::{CoverReply, PlaylistSummary, PlaylistsReply, VolumeReply};
use amora_contract::units::Volume;
use amora_contract::{Command, CommandError, ErrorCode, Reply, Section};
use amora_router::{Request, Router};
use futures_util::{SinkExt, StreamExt};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;

/// Longest that anything awaited in a test may take; nothing is measured by it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The picture of the song `a.flac`.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

/// A box with an open web door.
struct Fixture {
    router: Router,
    door: Arc<crate::door::Door>,
    address: SocketAddr,
    legacy: Option<SocketAddr>,
    code: String,
    config: WebConfig,
    data: Arc<TempDir>,
    /// Names of the commands that reached a seat, in order.
    reached: Arc<Mutex<Vec<Command>>>,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), WebError>>,
}

impl Fixture {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut WebConfig)) -> Self {
        let data = Arc::new(tempfile::tempdir().unwrap());
        let mut config = WebConfig {
            address: "127.0.0.1".to_owned(),
            port: 0,
            socket: Some(data.path().join("run/control.socket")),
            ..WebConfig::default()
        };
        change(&mut config);
        Self::start(config, data).await
    }

    async fn start(config: WebConfig, data: Arc<TempDir>) -> Self {
        let router = Router::new();
        let reached = Arc::new(Mutex::new(Vec::new()));
        for section in [Section::Player, Section::Audio] {
            let mut seat = router.take_seat(section);
            let reached = reached.clone();
            tokio::spawn(async move {
                while let Some(request) = seat.next().await {
                    reached.lock().unwrap().push(request.command.clone());
                    answer(request);
                }
            });
        }
        let device = DeviceConfig {
            name: "Kitchen".to_owned(),
            data: data.path().to_owned(),
            ..DeviceConfig::default()
        };
        let server = Server::bind(router.clone(), config.clone(), device)
            .await
            .unwrap();
        let shutdown = CancellationToken::new();
        Self {
            door: server.door.clone(),
            address: server.address(),
            legacy: server.legacy_address(),
            code: server.login_code().to_owned(),
            running: tokio::spawn(server.run(shutdown.clone())),
            router,
            config,
            data,
            reached,
            shutdown,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request without any login.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        Client::new().request(method, self.url(path)).timeout(PATIENCE)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// A command of a script that knows the code.
    fn command(&self, name: &str) -> RequestBuilder {
        self.request(Method::POST, &format!("/api/commands/{name}"))
            .bearer_auth(&self.code)
    }

    async fn log_in(&self) -> Browser {
        let answer = self
            .request(Method::POST, "/api/session")
            .json(&json!({"code": self.code}))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
        let body: Value = answer.json().await.unwrap();
        Browser {
            cookie: cookie.split(';').next().unwrap().to_owned(),
            attributes: cookie,
            csrf: body["csrf"].as_str().unwrap().to_owned(),
        }
    }

    fn socket_path(&self) -> PathBuf {
        self.config.socket.clone().unwrap()
    }

    async fn socket(&self) -> Socket {
        self.socket_with(
            "/api/socket",
            &[("authorization", &format!("Bearer {}", self.code))],
        )
        .await
        .unwrap()
    }

    async fn socket_with(&self, path: &str, headers: &[(&'static str, &str)]) -> Result<Socket, WsError> {
        let mut request = format!("ws://{}{path}", self.address)
            .into_client_request()
            .unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        Ok(Socket(tokio_tungstenite::connect_async(request).await?.0))
    }

    async fn stop(self) -> (WebConfig, Arc<TempDir>) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.running)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        (self.config, self.data)
    }
}

/// What a browser keeps after logging in.
struct Browser {
    cookie: String,
    attributes: String,
    csrf: String,
}

/// A client's WebSocket.
struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn raw(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(PATIENCE, self.0.next())
            .await
            .expect("something should have come");
        next.and_then(Result::ok)
    }

    /// The next message that is JSON.
    async fn hear(&mut self) -> Value {
        loop {
            match self.raw().await.expect("the socket should be open") {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    /// The next message of this kind; others are passed over.
    async fn hear_next(&mut self, kind: &str) -> Value {
        loop {
            let message = self.hear().await;
            if let Some(content) = message.get(kind) {
                return content.clone();
            }
        }
    }
}

/// Waits until so many sockets are open.
async fn until_open(fixture: &Fixture, kind: SocketKind, count: i64) {
    let reached = async {
        while fixture.door.counters.open_sockets(kind) != count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached)
        .await
        .expect("sockets should open or close");
}

/// The code of the close frame that ends the socket.
async fn close_code(mut socket: Socket) -> u16 {
    loop {
        if let Message::Close(frame) = socket.raw().await.expect("a close frame comes before the end") {
            return frame.unwrap().code.into();
        }
    }
}

/// What the seats answer. A playlist named like an error code brings that error.
fn answer(request: Request) {
    let volume = |volume| Ok(Reply::Volume(VolumeReply { volume, mute: false }));
    let result = match &request.command {
        Command::Player(PlayerCommand::CreatePlaylist(playlist)) => {
            match serde_json::from_value::<ErrorCode>(json!(playlist.name)) {
                Ok(code) => Err(CommandError::new(code, "as asked")),
                Err(_) => Ok(Reply::NOTHING),
            }
        }
        Command::Player(PlayerCommand::SetVolume(set)) => volume(set.volume),
        Command::Audio(AudioCommand::SetVolume(set)) => volume(set.volume),
        Command::Player(PlayerCommand::GetVolume) => volume(Volume::clamped(0.0)),
        Command::Player(PlayerCommand::GetCover(song)) => cover(&song.file),
        Command::Player(PlayerCommand::GetPlaylists) => Ok(Reply::Playlists(PlaylistsReply {
            playlists: ["Evening", "Morning"]
                .map(|name| PlaylistSummary {
                    name: name.to_owned(),
                    modified: None,
                })
                .to_vec(),
        })),
        _ => Ok(Reply::NOTHING),
    };
    request.answer(result);
}

fn cover(file: &str) -> Result<Reply, CommandError> {
    use base64::Engine;
    let bytes: &[u8] = match file {
        "a.flac" => PICTURE,
        "evil.flac" => b"<svg onload=alert(1)>",
        _ => return Err(CommandError::new(ErrorCode::NotFound, "the song has no cover")),
    };
    Ok(Reply::Cover(CoverReply {
        media_type: "image/svg+xml".to_owned(),
        data: base64::engine::general_purpose::STANDARD.encode(bytes),
    }))
}

/// The error in an answer.
async fn error_of(answer: Response) -> CommandError {
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["result"], json!(false), "{body}");
    serde_json::from_value(body["error"].clone()).unwrap()
}
