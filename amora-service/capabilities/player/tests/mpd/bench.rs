//! A private MPD, a player, and a sound capability that only keeps a number.

use crate::library_files::library;
use amora_contract::commands::{AudioCommand, Command};
use amora_contract::config::PlayerConfig;
use amora_contract::reply::{Reply, VolumeReply};
use amora_contract::state::{AudioState, PlayerState, State};
use amora_contract::units::Volume;
use amora_contract::{CommandError, ErrorCode, Event, EventKind, Section};
use amora_router::{AllowList, Doorway, Router};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Nothing here takes this long, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// A private MPD.
pub(crate) struct Mpd {
    folder: tempfile::TempDir,
    process: Option<Child>,
}

impl Mpd {
    /// Starts an MPD that knows the library. `extra` is added to its configuration.
    pub(crate) fn start(extra: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        fs::create_dir(path("playlists")).unwrap();
        let stickers = match extra.contains("no-stickers") {
            true => String::new(),
            false => format!("sticker_file \"{}\"\n", path("stickers")),
        };
        let config = format!(
            "music_directory \"{music}\"\nplaylist_directory \"{playlists}\"\ndb_file \"{database}\"\n\
             state_file \"{state}\"\nlog_file \"{log}\"\nbind_to_address \"{socket}\"\n{stickers}{extra}\n\
             audio_output {{\n type \"fifo\"\n name \"Amora\"\n path \"{fifo}\"\n format \"48000:f:2\"\n mixer_type \"null\"\n}}\n\
             audio_output {{\n type \"null\"\n name \"Exclusive\"\n enabled \"no\"\n mixer_type \"none\"\n}}\n",
            music = library().path().display(),
            playlists = path("playlists"),
            database = path("database"),
            state = path("state"),
            log = path("log"),
            socket = path("socket"),
            fifo = path("fifo"),
        );
        fs::write(path("mpd.conf"), config).unwrap();
        let mut mpd = Self {
            folder,
            process: None,
        };
        mpd.start_again();
        if !extra.contains("no-update") {
            mpd.mpc(&["--wait", "update"]);
        }
        mpd
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    pub(crate) fn start_again(&mut self) {
        assert!(self.process.is_none());
        let child = Process::new("mpd")
            .arg("--no-daemon")
            .arg(self.folder.path().join("mpd.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mpd is needed for these tests");
        self.process = Some(child);
        let start = Instant::now();
        while std::os::unix::net::UnixStream::connect(self.socket()).is_err() {
            assert!(start.elapsed() < PATIENCE, "mpd does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends MPD as systemd would.
    pub(crate) fn stop(&mut self) {
        let mut child = self.process.take().unwrap();
        let status = Process::new("kill").arg(child.id().to_string()).status().unwrap();
        assert!(status.success());
        child.wait().unwrap();
    }

    /// Ends MPD as a power cut would.
    pub(crate) fn kill(&mut self) {
        let mut child = self.process.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let _ = fs::remove_file(self.socket());
    }

    /// Has `mpc` do something and gives what it printed.
    pub(crate) fn mpc(&self, arguments: &[&str]) -> String {
        let output = Process::new("mpc")
            .arg(format!("--host={}", self.socket().display()))
            .args(arguments)
            .output()
            .expect("mpc is needed for these tests");
        assert!(
            output.status.success(),
            "mpc {arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stderr),
            self.log()
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Mpd {
    fn drop(&mut self) {
        if let Some(mut child) = self.process.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A router with a player at it.
pub(crate) struct Bench {
    pub(crate) router: Router,
    door: Doorway,
    shutdown: CancellationToken,
    player: Option<JoinHandle<()>>,
    data: tempfile::TempDir,
    config: PlayerConfig,
    events: Mutex<broadcast::Receiver<Event>>,
    /// Every volume that the sound capability was asked for.
    pub(crate) volumes: Arc<Mutex<Vec<u8>>>,
}

impl Bench {
    /// A player for an MPD, beside a sound capability at volume 40.
    pub(crate) fn new(mpd: &Mpd) -> Self {
        Self::with(PlayerConfig {
            host: mpd.socket().to_str().unwrap().to_owned(),
            ..PlayerConfig::default()
        })
    }

    pub(crate) fn with(config: PlayerConfig) -> Self {
        let mut bench = Self::without_sound(config);
        bench.router.update_state(|state| {
            state.audio = Some(AudioState {
                volume: Volume::clamped(40.0),
                ..AudioState::default()
            });
        });
        let mut seat = bench.router.take_seat(Section::Audio);
        let volumes = bench.volumes.clone();
        tokio::spawn(async move {
            while let Some(request) = seat.next().await {
                let Command::Audio(AudioCommand::SetVolume(set)) = &request.command else {
                    request.answer(Err(CommandError::new(ErrorCode::Failed, "not here")));
                    continue;
                };
                let volume = set.volume;
                volumes.lock().unwrap().push(volume.get());
                seat.update_state(|state| {
                    if let Some(audio) = &mut state.audio {
                        audio.volume = volume;
                    }
                });
                request.answer(Ok(Reply::Volume(VolumeReply { volume, mute: false })));
            }
        });
        bench.start();
        bench
    }

    /// A player without a sound capability, not started yet.
    pub(crate) fn without_sound(config: PlayerConfig) -> Self {
        let router = Router::new();
        Self {
            door: router.doorway(AllowList::everything()),
            events: Mutex::new(router.subscribe_events()),
            router,
            shutdown: CancellationToken::new(),
            player: None,
            data: tempfile::tempdir().unwrap(),
            config,
            volumes: Arc::default(),
        }
    }

    pub(crate) fn start(&mut self) {
        self.router.update_state(|state| state.player = None);
        self.shutdown = CancellationToken::new();
        let mut seat = self.router.take_seat(Section::Player);
        let (config, data, shutdown) = (
            self.config.clone(),
            self.data.path().to_owned(),
            self.shutdown.clone(),
        );
        self.player = Some(tokio::spawn(async move {
            amora_player::run(&mut seat, config, data, shutdown)
                .await
                .unwrap();
        }));
    }

    /// Ends the player as the service would.
    pub(crate) async fn stop(&mut self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.player.take().unwrap())
            .await
            .expect("the player ends")
            .unwrap();
    }

    /// Ends the player as a crash would.
    pub(crate) async fn abandon(&mut self) {
        let player = self.player.take().unwrap();
        player.abort();
        assert!(player.await.unwrap_err().is_cancelled());
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    pub(crate) async fn ask(&self, name: &str, params: Value) -> Result<Value, CommandError> {
        let name = format!("player.{name}");
        let answer = self.door.execute_named(&name, params);
        let answer = tokio::time::timeout(PATIENCE, answer).await.expect("an answer");
        answer.map(|reply| reply.to_json())
    }

    /// Has a command carried out that has to succeed.
    pub(crate) async fn done(&self, name: &str, params: Value) -> Value {
        self.ask(name, params.clone())
            .await
            .unwrap_or_else(|error| panic!("{name} {params}: {error:?}"))
    }

    /// Has a command refused.
    pub(crate) async fn refused(&self, name: &str, params: Value) -> CommandError {
        match self.ask(name, params.clone()).await {
            Ok(reply) => panic!("{name} {params} was carried out: {reply}"),
            Err(error) => error,
        }
    }

    pub(crate) fn player(&self) -> PlayerState {
        self.router.state().player.clone().unwrap()
    }

    pub(crate) fn box_volume(&self) -> u8 {
        self.router.state().audio.as_ref().unwrap().volume.get()
    }

    /// Waits until the state document is as wanted.
    pub(crate) async fn until(&self, what: &str, condition: impl Fn(&State) -> bool) {
        let mut watch = self.router.watch_state();
        let waited = tokio::time::timeout(PATIENCE, watch.wait_for(|state| condition(state))).await;
        if waited.is_err() {
            panic!(
                "{what}: {:?}\n{:?}",
                self.player(),
                self.router.state().system.health
            );
        }
    }

    /// Waits until the player's section is as wanted.
    pub(crate) async fn until_player(&self, what: &str, condition: impl Fn(&PlayerState) -> bool) {
        self.until(what, |state| state.player.as_ref().is_some_and(&condition))
            .await;
    }

    pub(crate) async fn until_connected(&self) {
        use amora_contract::state::PlaybackState;
        self.until_player("connected", |player| player.state != PlaybackState::Disconnected)
            .await;
    }

    /// The names of the events so far, since the last call.
    pub(crate) fn events(&self) -> Vec<EventKind> {
        let mut events = self.events.lock().unwrap();
        std::iter::from_fn(|| events.try_recv().ok())
            .map(|event| event.kind)
            .collect()
    }
}

/// Waits for something outside the box.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Moves the runtime's clock, in steps below every time-out, so that what is under way is not given up.
pub(crate) async fn forward(seconds: u64) {
    let mut left = seconds;
    while left > 0 {
        let step = left.min(5);
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(step)).await;
        tokio::time::resume();
        tokio::time::sleep(Duration::from_millis(30)).await;
        left -= step;
    }
}
