//! A box: SWUpdate, the helper's stand-in, and the capability between them.

use crate::updates::{Keys, Update};
use amora_contract::commands::{InstallUpdate, UpdateCommand};
use amora_contract::config::{RestartPolicy, UpdateConfig};
use amora_contract::reply::Reply;
use amora_contract::state::{UpdateOutcome, UpdatePhase, UpdateState};
use amora_contract::units::Seconds;
use amora_contract::{CommandError, Section, State};
use amora_router::{Body, Router};
use amora_update::device_update::Roots;
use amora_update::{Surroundings, UpdateError};
use bytes::Bytes;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Nothing here takes this long, on however busy a machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const BOARD: &str = "amora-test";

/// What the helper's stand-in keeps.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    pub(crate) status: Value,
    pub(crate) asked: Vec<Value>,
    /// The last words of kernels, by name.
    pub(crate) last_words: Vec<(String, String)>,
    /// What it answers instead of acting.
    pub(crate) refuses: Option<String>,
}

pub(crate) struct Bench {
    pub(crate) folder: Arc<tempfile::TempDir>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) router: Router,
    pub(crate) slots: Arc<Mutex<Slots>>,
    pub(crate) config: UpdateConfig,
    pub(crate) page: Option<String>,
    pub(crate) roots: Roots,
    pub(crate) events: tokio::sync::broadcast::Receiver<amora_contract::Event>,
    swupdate: Option<Child>,
    helper: Vec<JoinHandle<()>>,
    running: Option<JoinHandle<Result<(), UpdateError>>>,
    shutdown: CancellationToken,
}

impl Bench {
    /// A box that runs version 1.0.0 from slot a, with SWUpdate.
    pub(crate) async fn new() -> Self {
        let mut bench = Self::bare();
        bench.start_swupdate(BOARD, "1.0.0");
        bench.start().await;
        bench.reaches(|state| state.unavailable.is_none()).await;
        bench
    }

    /// The same, with nothing started.
    pub(crate) fn bare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["root/etc", "swupdate", "helper", "data", "slots"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let config = UpdateConfig {
            restart: RestartPolicy::Manual,
            swupdate: folder.path().join("swupdate"),
            helper: folder.path().join("helper"),
            download_patience: Seconds(20.0),
            ..UpdateConfig::default()
        };
        let router = Router::new();
        let bench = Self {
            events: router.subscribe_events(),
            folder: Arc::new(folder),
            keys: Arc::new(Keys::new()),
            router,
            slots: Arc::new(Mutex::new(Slots {
                status: json!({"slot": "a", "next": "a", "trial": false, "tries": 0, "limit": 3, "ustate": 0}),
                asked: Vec::new(),
                last_words: Vec::new(),
                refuses: None,
            })),
            config,
            page: None,
            roots: Roots::production(),
            swupdate: None,
            helper: Vec::new(),
            running: None,
            shutdown: CancellationToken::new(),
        };
        bench.put("root/etc/os-release", "IMAGE_ID=amora\nIMAGE_VERSION=1.0.0\n");
        bench.put("root/etc/hwrevision", &format!("{BOARD} 1.0\n"));
        bench.put("slots/a", "");
        bench.put("slots/b", "");
        bench.systemctl("running", "");
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What systemd says from now on.
    pub(crate) fn systemctl(&self, state: &str, failed: &str) {
        let script = format!(
            "#!/bin/sh\ncase $1 in\nis-system-running) echo {state} ;;\nlist-units) echo '{failed}' ;;\nesac\n"
        );
        // A script that is being run must not be written to.
        let fresh = self.path("systemctl.new");
        fs::write(&fresh, script).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&fresh, mode).unwrap();
        fs::rename(fresh, self.path("systemctl")).unwrap();
    }

    pub(crate) fn start_swupdate(&mut self, board: &str, floor: &str) {
        self.start_swupdate_with(board, floor, &[]);
    }

    pub(crate) fn start_swupdate_with(&mut self, board: &str, floor: &str, more: &[&str]) {
        let folder = self.path("swupdate");
        let log = fs::File::create(self.path("swupdate.log")).unwrap();
        let child = Command::new("swupdate")
            .args(["-v", "-l", "5", "-e", "stable,b", "-B", "none", "-N", floor])
            .args(["-H", &format!("{board}:1.0"), "-k"])
            .arg(self.keys.path("ca.pem"))
            .args(more)
            .current_dir(&folder)
            .env("TMPDIR", &folder)
            .stdout(Stdio::from(log.try_clone().unwrap()))
            .stderr(Stdio::from(log))
            .spawn()
            .expect("swupdate of the package of that name");
        self.swupdate = Some(child);
        let deadline = std::time::Instant::now() + PATIENCE;
        while !(folder.join("sockinstctrl").exists() && folder.join("swupdateprog").exists()) {
            assert!(std::time::Instant::now() < deadline, "{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn kill_swupdate(&mut self) {
        if let Some(mut swupdate) = self.swupdate.take() {
            swupdate.kill().unwrap();
            swupdate.wait().unwrap();
        }
        // Its sockets go with it, as those of its unit do.
        for socket in ["sockinstctrl", "swupdateprog"] {
            let _ = fs::remove_file(self.path("swupdate").join(socket));
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("swupdate.log")).unwrap_or_default()
    }

    /// Starts the helper's stand-in and the capability.
    pub(crate) async fn start(&mut self) {
        for socket in ["slot.sock", "power.sock", "reset.sock"] {
            let path = self.path("helper").join(socket);
            let _ = fs::remove_file(&path);
            let listener = UnixListener::bind(path).unwrap();
            self.helper
                .push(tokio::spawn(helper(listener, self.slots.clone())));
        }
        self.start_capability();
    }

    pub(crate) fn start_capability(&mut self) {
        self.shutdown = CancellationToken::new();
        let mut seat = self.router.take_seat(Section::Update);
        let surroundings = Surroundings {
            data: self.path("data"),
            root: self.path("root"),
            page: self.page.clone(),
            roots: self.roots.clone(),
            systemctl: self.path("systemctl"),
        };
        let (config, shutdown) = (self.config.clone(), self.shutdown.clone());
        self.running = Some(tokio::spawn(async move {
            amora_update::run(&mut seat, config, surroundings, shutdown).await
        }));
    }

    /// Stops the capability, as a restart of the box does.
    pub(crate) async fn stop(&mut self) {
        self.shutdown.cancel();
        if let Some(running) = self.running.take() {
            running.await.unwrap().unwrap();
        }
        self.router.update_state(|state| state.update = None);
    }

    pub(crate) fn update<'a>(
        &'a self,
        version: &'a str,
        image: &'a [u8],
        slots: &'a std::path::Path,
    ) -> Update<'a> {
        Update {
            keys: &self.keys,
            version,
            board: BOARD,
            slots,
            image,
            signed: true,
        }
    }

    pub(crate) async fn command(&self, command: UpdateCommand) -> Result<UpdateState, CommandError> {
        match self.router.execute(command.into()).await? {
            Reply::Update(state) => Ok(*state),
            other => panic!("{other:?}"),
        }
    }

    /// Sends an update as the web door does, in pieces.
    pub(crate) async fn send(&self, update: &[u8]) -> Result<UpdateState, CommandError> {
        let (sender, pieces) = mpsc::channel(2);
        let size = Some(update.len() as u64);
        let sending = async {
            for piece in update.chunks(100_000) {
                if sender.send(Ok(Bytes::copy_from_slice(piece))).await.is_err() {
                    break;
                }
            }
            drop(sender);
        };
        let (reply, ()) = tokio::join!(self.offer(Body { size, pieces }), sending);
        reply
    }

    pub(crate) async fn offer(&self, body: Body) -> Result<UpdateState, CommandError> {
        let command = UpdateCommand::Install(InstallUpdate::default());
        let reply = tokio::time::timeout(PATIENCE, self.router.execute_with(command.into(), body)).await;
        match reply.expect("an answer in time")? {
            Reply::Update(state) => Ok(*state),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn state(&self) -> UpdateState {
        self.router.state().update.clone().unwrap_or_default()
    }

    /// Waits until the section is so.
    pub(crate) async fn reaches(&self, so: impl Fn(&UpdateState) -> bool) -> UpdateState {
        let mut watch = self.router.watch_state();
        let reached = watch.wait_for(|state: &Arc<State>| state.update.as_ref().is_some_and(&so));
        match tokio::time::timeout(PATIENCE, reached).await {
            Ok(state) => state.unwrap().update.clone().unwrap(),
            Err(_) => panic!("{:#?}\n{}", self.state(), self.log()),
        }
    }

    pub(crate) async fn phase(&self, phase: UpdatePhase) -> UpdateState {
        self.reaches(|state| state.phase == phase).await
    }

    /// Waits for the end of an update.
    pub(crate) async fn outcome(&self) -> UpdateOutcome {
        let state = self
            .reaches(|state| state.phase == UpdatePhase::Idle && state.last.is_some())
            .await;
        state.last.unwrap()
    }

    pub(crate) fn asked(&self) -> Vec<Value> {
        let asked = self.slots.lock().unwrap().asked.clone();
        asked
            .into_iter()
            .filter(|request| request["request"] != "status" && request["request"] != "last-words")
            .collect()
    }

    pub(crate) fn set_slots(&self, change: impl FnOnce(&mut Slots)) {
        change(&mut self.slots.lock().unwrap());
    }

    /// Waits until the helper was asked for this.
    pub(crate) async fn is_asked(&self, wanted: Value) {
        let waiting = async {
            while !self.asked().contains(&wanted) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(
            waited.is_ok(),
            "{wanted} was not asked: {:?} {:#?}",
            self.asked(),
            self.state()
        );
    }

    /// Waits until the hawkBit server is owed nothing.
    pub(crate) async fn owes_nothing(&self) {
        let waiting = async {
            while self.path("data/update/report.json").exists() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "{} {}", self.record("report.json"), self.log());
    }

    pub(crate) fn record(&self, name: &str) -> Value {
        let text = fs::read_to_string(self.path("data/update").join(name));
        text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(mut swupdate) = self.swupdate.take() {
            let _ = swupdate.kill();
            let _ = swupdate.wait();
        }
        self.helper.iter().for_each(JoinHandle::abort);
    }
}

async fn helper(listener: UnixListener, slots: Arc<Mutex<Slots>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        let _ = stream.read_line(&mut line).await;
        let request: Value = serde_json::from_str(&line).unwrap();
        let answer = {
            let mut slots = slots.lock().unwrap();
            slots.asked.push(request.clone());
            match (&slots.refuses, request["request"].as_str()) {
                (Some(cause), kind) if kind != Some("status") => json!({"error": cause}),
                (_, Some("status")) => slots.status.clone(),
                (_, Some("last-words")) => {
                    let words = slots.last_words.iter();
                    json!({"last_words": words.map(|(name, text)| json!({"name": name, "text": text})).collect::<Vec<_>>()})
                }
                (_, Some("commit")) => {
                    slots.status["trial"] = json!(false);
                    json!({"done": true})
                }
                _ => json!({"done": true}),
            }
        };
        let _ = stream.write_all(format!("{answer}\n").as_bytes()).await;
    }
}
