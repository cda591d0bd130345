//! A private mosquitto, its command-line clients, and a box with stand-in capabilities.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use amora_contract::commands::{AudioCommand, PlayerCommand};
use amora_contract::config::{DeviceConfig, MqttConfig};
use amora_contract::reply::{PlaylistReply, PlaylistSummary, PlaylistsReply, VolumeReply};
use amora_contract::state::{AudioState, Health, PlaybackState, PlayerState, Song};
use amora_contract::units::{Seconds, Timestamp};
use amora_contract::{Command as BoxCommand, CommandError, ErrorCode, Reply, Section};
use amora_router::Router;
use serde_json::Value;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Long enough for any machine; no test waits for it unless it fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Broker {
    pub port: u16,
    pub folder: tempfile::TempDir,
    config: PathBuf,
    process: Option<Child>,
}

impl Broker {
    pub async fn start() -> Self {
        Self::with("allow_anonymous true", |_| {}).await
    }

    /// `settings` belong to the listener; `prepare` puts files into the folder, `{folder}` in the settings.
    pub async fn with(settings: &str, prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let port = free_port();
        let path = folder.path().display().to_string();
        let settings = settings.replace("{folder}", &path);
        let config = folder.path().join("mosquitto.conf");
        std::fs::write(
            &config,
            format!(
                "user {}\npersistence true\npersistence_location {path}/\nmax_queued_messages 0\nlog_dest file {path}/log\nset_tcp_nodelay true\nlistener {port} 127.0.0.1\n{settings}\n",
                user(),
            ),
        )
        .unwrap();
        let mut broker = Self {
            port,
            folder,
            config,
            process: None,
        };
        broker.resume().await;
        broker
    }

    pub async fn resume(&mut self) {
        let program = ["/usr/sbin/mosquitto", "mosquitto"]
            .into_iter()
            .find(|program| Path::new(program).exists() || !program.starts_with('/'))
            .unwrap();
        let process = Command::new(program)
            .arg("-c")
            .arg(&self.config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("these tests need mosquitto: apt-get install mosquitto mosquitto-clients");
        self.process = Some(process);
        let port = self.port;
        within("mosquitto listens", async {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }

    /// Ends the broker as a system does that is shut down.
    pub async fn stop(&mut self) {
        let mut process = self.process.take().unwrap();
        let pid = process.id().unwrap().to_string();
        assert!(Command::new("kill").arg(pid).status().await.unwrap().success());
        within("mosquitto ends", process.wait()).await.unwrap();
    }

    pub fn config(&self) -> MqttConfig {
        MqttConfig {
            host: "127.0.0.1".to_owned(),
            port: Some(self.port),
            ..MqttConfig::default()
        }
    }

    pub fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .kill_on_drop(true);
        command
    }

    /// Publishes with `mosquitto_pub`.
    pub async fn publish(&self, topic: &str, payload: &str) {
        self.publish_with(&[], topic, payload.as_bytes()).await;
    }

    pub async fn publish_with(&self, options: &[&str], topic: &str, payload: &[u8]) {
        let mut child = self
            .client("mosquitto_pub")
            .args(["-q", "1", "-t", topic, "-s"])
            .args(options)
            .stdin(Stdio::piped())
            .spawn()
            .expect("mosquitto_pub");
        child.stdin.take().unwrap().write_all(payload).await.unwrap();
        assert!(
            within("mosquitto_pub ends", child.wait())
                .await
                .unwrap()
                .success()
        );
    }

    /// Publishes each line as a message of its own.
    pub async fn publish_lines(&self, topic: &str, lines: String) {
        let mut child = self
            .client("mosquitto_pub")
            .args(["-q", "1", "-t", topic, "-l"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("mosquitto_pub");
        let mut input = child.stdin.take().unwrap();
        input.write_all(lines.as_bytes()).await.unwrap();
        drop(input);
        assert!(
            within("mosquitto_pub ends", child.wait())
                .await
                .unwrap()
                .success()
        );
    }

    /// Subscribes with `mosquitto_sub`.
    pub async fn subscribe(&self, topics: &[&str]) -> Listener {
        self.subscribe_with(&[], topics).await
    }

    pub async fn subscribe_with(&self, options: &[&str], topics: &[&str]) -> Listener {
        let mut command = Command::new("stdbuf");
        command
            .args([
                "-oL",
                "mosquitto_sub",
                "-h",
                "127.0.0.1",
                "-p",
                &self.port.to_string(),
            ])
            .args(["-d", "-q", "1", "-F", "heard|%r|%t|%p"])
            .args(options)
            .args(topics.iter().flat_map(|topic| ["-t", topic]))
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut process = command.spawn().expect("mosquitto_sub");
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut listener = Listener {
            _process: process,
            lines,
            early: VecDeque::new(),
        };
        within("the subscription stands", async {
            loop {
                let line = listener
                    .lines
                    .next_line()
                    .await
                    .unwrap()
                    .expect("mosquitto_sub ended");
                if line.starts_with("Subscribed (mid") {
                    return;
                }
                listener.early.extend(Heard::read(&line));
            }
        })
        .await;
        listener
    }
}

#[derive(Debug, Clone)]
pub struct Heard {
    pub retained: bool,
    pub topic: String,
    pub body: String,
}

impl Heard {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Heard {
    fn read(line: &str) -> Option<Self> {
        let mut parts = line.strip_prefix("heard|")?.splitn(3, '|');
        Some(Self {
            retained: parts.next()? == "1",
            topic: parts.next()?.to_owned(),
            body: parts.next()?.to_owned(),
        })
    }
}

/// A running `mosquitto_sub`.
pub struct Listener {
    _process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    early: VecDeque<Heard>,
}

impl Listener {
    pub async fn next(&mut self) -> Heard {
        if let Some(heard) = self.early.pop_front() {
            return heard;
        }
        within("a message comes", async {
            loop {
                let line = self
                    .lines
                    .next_line()
                    .await
                    .unwrap()
                    .expect("mosquitto_sub ended");
                if let Some(heard) = Heard::read(&line) {
                    return heard;
                }
            }
        })
        .await
    }

    /// The next message that fits; those before it are passed over.
    pub async fn find(&mut self, fits: impl Fn(&Heard) -> bool) -> Heard {
        loop {
            let heard = self.next().await;
            if fits(&heard) {
                return heard;
            }
        }
    }
}

/// What the stand-in capabilities were asked, in order.
pub type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// The door on a router with stand-in capabilities.
pub struct Device {
    pub router: Router,
    pub asked: Asked,
    pub data: PathBuf,
    shutdown: CancellationToken,
    door: JoinHandle<Result<(), amora_mqtt::MqttError>>,
}

impl Device {
    pub fn open(config: MqttConfig, data: &Path) -> Self {
        let router = Router::new();
        router.update_state(|state| {
            state.system.id = "box".to_owned();
            state.system.name = "Box".to_owned();
            state.system.version = "1.2.3".to_owned();
            state.audio = Some(AudioState::default());
            state.player = Some(PlayerState {
                position_at: Timestamp::now(),
                ..PlayerState::default()
            });
        });
        let asked = Asked::default();
        for section in [Section::Player, Section::Audio] {
            let mut seat = router.take_seat(section);
            let (router, asked) = (router.clone(), asked.clone());
            tokio::spawn(async move {
                while let Some(request) = seat.next().await {
                    let command = request.command.clone();
                    asked
                        .lock()
                        .unwrap()
                        .push((command.name().to_owned(), command.params()));
                    let router = router.clone();
                    match command {
                        // Slow, as the real one.
                        BoxCommand::Audio(AudioCommand::Test(_)) => {
                            tokio::spawn(async move {
                                tokio::time::sleep(Duration::from_secs(3)).await;
                                request.answer(Ok(Reply::NOTHING));
                            });
                        }
                        command => request.answer(stand_in(&router, command)),
                    }
                }
            });
        }
        let device = DeviceConfig {
            id: "box".to_owned(),
            name: "Box".to_owned(),
            data: data.to_owned(),
        };
        let shutdown = CancellationToken::new();
        let door = tokio::spawn(amora_mqtt::run(router.clone(), config, device, shutdown.clone()));
        Self {
            router,
            asked,
            data: data.to_owned(),
            shutdown,
            door,
        }
    }

    pub fn times_asked(&self, name: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(asked, _)| asked == name).count()
    }

    pub async fn health(&self, fits: impl Fn(&Health) -> bool) -> Health {
        let mut state = self.router.watch_state();
        within("the health is as expected", async {
            loop {
                if let Some(health) = state
                    .borrow_and_update()
                    .system
                    .health
                    .get("mqtt")
                    .filter(|health| fits(health))
                {
                    return health.clone();
                }
                state.changed().await.unwrap();
            }
        })
        .await
    }

    pub async fn ready(&self) {
        self.health(|health| health.condition == amora_contract::state::Condition::Ok)
            .await;
    }

    /// Leaves as the service does.
    pub async fn close(self) {
        self.shutdown.cancel();
        within("the door closes", self.door).await.unwrap().unwrap();
    }

    /// Vanishes without a word, as in a power cut.
    pub async fn vanish(self) {
        self.door.abort();
        let _ = self.door.await;
    }

    /// Ends by itself, with an error.
    pub async fn failed(self) -> amora_mqtt::MqttError {
        within("the door fails", self.door).await.unwrap().unwrap_err()
    }
}

fn song() -> Song {
    Song {
        file: "album/song.flac".to_owned(),
        title: "Song".to_owned(),
        artist: "Somebody".to_owned(),
        album: "Album".to_owned(),
        duration: Seconds(200.0),
        ..Song::default()
    }
}

fn stand_in(router: &Router, command: BoxCommand) -> Result<Reply, CommandError> {
    let mut reply = Ok(Reply::NOTHING);
    router.update_state(|state| {
        let (Some(player), Some(audio)) = (&mut state.player, &mut state.audio) else {
            return;
        };
        match command {
            BoxCommand::Player(PlayerCommand::Play(_)) => {
                player.state = PlaybackState::Play;
                player.song = Some(song());
                player.position_at = Timestamp::now();
            }
            BoxCommand::Player(PlayerCommand::Pause) => player.state = PlaybackState::Pause,
            BoxCommand::Player(PlayerCommand::Stop) => player.state = PlaybackState::Stop,
            BoxCommand::Player(PlayerCommand::SetRepeat(params)) => player.repeat = params.repeat,
            BoxCommand::Player(PlayerCommand::SetVolume(params)) => audio.volume = params.volume,
            BoxCommand::Audio(AudioCommand::SetVolume(params)) => audio.volume = params.volume,
            BoxCommand::Audio(AudioCommand::SetMute(params)) => audio.mute = params.mute,
            BoxCommand::Player(PlayerCommand::GetVolume) => {
                let (volume, mute) = (audio.volume, audio.mute);
                reply = Ok(Reply::Volume(VolumeReply { volume, mute }));
            }
            BoxCommand::Player(PlayerCommand::GetStatus) => {
                reply = Ok(Reply::Player(Box::new(player.clone())))
            }
            BoxCommand::Player(PlayerCommand::GetPlaylists) => {
                let playlist = PlaylistSummary {
                    name: "Evening".to_owned(),
                    modified: None,
                };
                reply = Ok(Reply::Playlists(PlaylistsReply {
                    playlists: vec![playlist],
                }));
            }
            BoxCommand::Player(PlayerCommand::GetPlaylist(params)) if params.playlist == "Huge" => {
                reply = Ok(Reply::Playlist(PlaylistReply {
                    name: params.playlist,
                    items: vec![song(); 5000],
                }));
            }
            BoxCommand::Player(PlayerCommand::GetPlaylist(params)) => {
                reply = Ok(Reply::Playlist(PlaylistReply {
                    name: params.playlist,
                    items: vec![song()],
                }));
            }
            BoxCommand::Player(PlayerCommand::Seek(_)) => {
                reply = Err(CommandError::new(ErrorCode::Conflict, "nothing is playing"));
            }
            _ => {}
        }
    });
    reply
}

pub async fn within<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("in {PATIENCE:?} not: {what}"))
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// mosquitto started by root would change to a user that cannot write into our folder.
fn user() -> String {
    std::env::var("USER")
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "root".to_owned())
}
