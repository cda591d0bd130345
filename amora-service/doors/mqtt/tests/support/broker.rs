//! A private mosquitto and its command-line clients.

use super::within;
use amora_contract::config::MqttConfig;
use serde_json::Value;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

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

/// A port that nobody listens on, of those that the system gives to nobody by itself: one of the others may be taken before
/// its server is there, and who tries it too early may be connected to itself.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let offset = std::process::id() * 97 + u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 20_000 + u16::try_from(offset % 12_000).unwrap();
        // Never listening: a process that is just being started would hold that port open until it has begun.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        if socket.bind(([127, 0, 0, 1], port).into()).is_ok() {
            return port;
        }
    }
}

/// mosquitto started by root would change to a user that cannot write into our folder.
fn user() -> String {
    std::env::var("USER")
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "root".to_owned())
}
