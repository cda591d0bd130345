//! One box with everything around it, in a folder of its own.

use super::{Client, Process, free_port, until};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A box, its MPD and its broker.
pub(crate) struct House {
    folder: tempfile::TempDir,
    pub(crate) mpd: Option<Process>,
    pub(crate) broker: Option<Process>,
    service: Option<Process>,
    pub(crate) broker_port: u16,
    pub(crate) web_port: u16,
    environment: Vec<(String, String)>,
}

impl House {
    /// A house in which nothing runs yet.
    pub(crate) fn build() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("amora-test-")
            .tempdir_in("/tmp")
            .unwrap();
        for name in ["music", "playlists", "data"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self {
            folder,
            mpd: None,
            broker: None,
            service: None,
            broker_port: free_port(),
            web_port: free_port(),
            environment: Vec::new(),
        }
    }

    /// A house in which everything runs and answers.
    pub(crate) async fn lived_in() -> Self {
        let mut house = Self::build();
        house.start_everything().await;
        house
    }

    /// One more variable for the service's environment.
    pub(crate) fn environment(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) async fn start_everything(&mut self) {
        self.start_mpd().await;
        self.start_broker().await;
        self.start_service().await;
        let box_ = self.client();
        box_.state_where("the player is connected", |state| {
            state["player"]["state"] == "stop"
        })
        .await;
        box_.state_where("the broker is connected", |state| {
            state["system"]["health"]["mqtt"]["condition"] == "ok"
        })
        .await;
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub(crate) fn music(&self) -> PathBuf {
        self.path("music")
    }

    pub(crate) fn recording(&self) -> PathBuf {
        self.path("recording.wav")
    }

    pub(crate) fn service(&mut self) -> &mut Process {
        self.service.as_mut().expect("the service was started")
    }

    pub(crate) async fn start_mpd(&mut self) {
        let folder = self.folder.path().display();
        let configuration = format!(
            r#"
music_directory "{folder}/music"
playlist_directory "{folder}/playlists"
db_file "{folder}/database"
state_file "{folder}/mpd-state"
sticker_file "{folder}/stickers"
bind_to_address "{folder}/mpd.socket"
zeroconf_enabled "no"
auto_update "no"
audio_output {{
    type "fifo"
    name "Amora"
    path "{folder}/music.fifo"
    format "48000:f:2"
    mixer_type "null"
}}
resampler {{
    plugin "soxr"
    quality "very high"
}}
audio_output_format "48000:f:2"
"#
        );
        std::fs::write(self.path("mpd.conf"), configuration).unwrap();
        let arguments = ["--no-daemon", &self.text("mpd.conf")];
        self.mpd = Some(Process::start(&self.path("mpd.log"), "mpd", &arguments, &[]));
        until("MPD to answer", async || self.try_mpc(&["status"]).map(drop)).await;
    }

    pub(crate) async fn start_broker(&mut self) {
        let port = self.broker_port;
        let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
        let folder = self.folder.path().display();
        let configuration = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n\
             max_queued_messages 0\nuser {user}\n"
        );
        std::fs::write(self.path("mosquitto.conf"), configuration).unwrap();
        let arguments = ["-c", &self.text("mosquitto.conf")];
        self.broker = Some(Process::start(
            &self.path("mosquitto.log"),
            "mosquitto",
            &arguments,
            &[],
        ));
        until("the broker to listen", async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .ok()
                .map(drop)
        })
        .await;
    }

    /// Writes the service's configuration file.
    pub(crate) fn write_configuration(&self) -> PathBuf {
        let folder = self.folder.path().display();
        let configuration = format!(
            r#"
[device]
id = "test"
name = "Test box"
data = "{folder}/data"

[audio]
card = "room"
volume = 100
ready_chime = false
recorder = "{folder}/recording.wav"

[audio.music]
fifo = "{folder}/music.fifo"

[player]
host = "{folder}/mpd.socket"
music = "{folder}/music"

[mqtt]
host = "127.0.0.1"
port = {broker}
max_reconnect_delay = 2

[web]
address = "127.0.0.1"
port = {web}
socket = "{folder}/control.socket"
"#,
            broker = self.broker_port,
            web = self.web_port,
        );
        let file = self.path("amora.toml");
        std::fs::write(&file, configuration).unwrap();
        file
    }

    pub(crate) async fn start_service(&mut self) {
        let file = self.write_configuration().display().to_string();
        let arguments = ["--config", file.as_str()];
        let environment: Vec<(&str, &str)> = self
            .environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let program = env!("CARGO_BIN_EXE_amora-service");
        let log = self.path("service.log");
        let service = self
            .service
            .insert(Process::start(&log, program, &arguments, &environment));
        let client = Client::socket(&self.folder.path().join("control.socket"));
        until("the service to answer", async || {
            assert!(service.running(), "the service ended as it started");
            client.try_state().await
        })
        .await;
    }

    /// Talks to the service through its Unix socket.
    pub(crate) fn client(&self) -> Client {
        Client::socket(&self.path("control.socket"))
    }

    /// What `mpc` prints.
    pub(crate) fn mpc(&self, arguments: &[&str]) -> String {
        self.try_mpc(arguments)
            .unwrap_or_else(|| panic!("mpc {arguments:?} failed"))
    }

    fn try_mpc(&self, arguments: &[&str]) -> Option<String> {
        run(
            "mpc",
            &[&["--host", &self.text("mpd.socket")], arguments].concat(),
        )
    }

    /// What `amoractl` prints, as JSON.
    pub(crate) fn amoractl(&self, arguments: &[&str]) -> Value {
        let program = Path::new(env!("CARGO_BIN_EXE_amora-service")).with_file_name("amoractl");
        assert!(
            program.exists(),
            "build the whole workspace first: {} is missing",
            program.display()
        );
        let socket = self.text("control.socket");
        let arguments = [&["--socket", &socket, "--json"], arguments].concat();
        let printed = run(&program.display().to_string(), &arguments)
            .unwrap_or_else(|| panic!("amoractl {arguments:?} failed"));
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
    }

    /// Makes MPD know the files in the music folder.
    pub(crate) fn scan(&self) {
        self.mpc(&["update", "--wait"]);
    }

    /// Ends the service in good order, so that its recording is whole.
    pub(crate) fn end_service(&mut self) {
        let (_, status) = self.service().end();
        assert!(status.success(), "the service ended with {status}");
    }
}

fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let output = std::process::Command::new(program)
        .args(arguments)
        .output()
        .unwrap();
    if !output.status.success() && program != "mpc" {
        eprintln!(
            "{program} {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout).unwrap())
}
