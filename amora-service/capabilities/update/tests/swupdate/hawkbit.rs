//! An update that a hawkBit server orders: SWUpdate's own client fetches it and reports, and the capability follows.

use crate::bench::{BOARD, Bench};
use crate::updates::image;
use amora_contract::ErrorCode;
use amora_contract::commands::UpdateCommand;
use amora_contract::state::{Outcome, UpdatePhase, UpdateSource};
use amora_contract::units::Seconds;
use aws_lc_rs::digest;
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The server's number of what it orders.
const ACTION: &str = "7";

/// What the server knows.
#[derive(Default)]
struct Known {
    update: Vec<u8>,
    /// How often the update was fetched.
    fetched: usize,
    /// What the box reported of it.
    told: Vec<Value>,
}

impl Known {
    /// The report that ended the action.
    fn closed(&self) -> Option<Value> {
        let mut status = self.told.iter().map(|told| &told["status"]);
        status.rfind(|status| status["execution"] == "closed").cloned()
    }
}

/// As much of hawkBit as one deployment takes.
struct Server {
    address: SocketAddr,
    known: Arc<Mutex<Known>>,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Server {
    /// A server with an address, that does not listen yet.
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self {
            address: listener.local_addr().unwrap(),
            known: Arc::default(),
            task: None,
        }
    }

    async fn start(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        let (base, known) = (format!("http://{}", self.address), self.known.clone());
        self.task = Some(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (base, known) = (base.clone(), known.clone());
                tokio::spawn(async move { answer(stream, &base, &known).await });
            }
        }));
    }

    async fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
        }
    }

    fn closed(&self) -> Option<Value> {
        self.known.lock().unwrap().closed()
    }

    /// How the action ended, once the box has said so.
    async fn hears_the_end(&self, bench: &Bench) -> Value {
        let waiting = async {
            loop {
                if let Some(status) = self.closed() {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let waited = tokio::time::timeout(crate::bench::PATIENCE, waiting).await;
        waited.unwrap_or_else(|_| panic!("the server is not told: {}", bench.log()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn answer(mut stream: TcpStream, base: &str, known: &Mutex<Known>) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    let head = loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        request.extend_from_slice(&buffer[..count]);
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            break String::from_utf8_lossy(&request[..end]).into_owned();
        }
    };
    let length: usize = head
        .lines()
        .find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length:")?
                .trim()
                .parse()
                .ok()
        })
        .unwrap_or(0);
    while request.len() < head.len() + 4 + length {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            break;
        }
        request.extend_from_slice(&buffer[..count]);
    }
    let path = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let text = String::from_utf8_lossy(&request[head.len() + 4..]).into_owned();
    let body = respond(&head, &path, &text, base, &mut known.lock().unwrap());
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    stream.shutdown().await
}

fn respond(head: &str, path: &str, text: &str, base: &str, known: &mut Known) -> Vec<u8> {
    let device = "/default/controller/v1/box";
    let answer = if head.starts_with("GET") && path.ends_with("/update.swu") {
        known.fetched += 1;
        return known.update.clone();
    } else if head.starts_with("GET") && path.contains("/deploymentBase/") {
        let sha1: String = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &known.update)
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let artifact = json!({
            "filename": "update.swu", "size": known.update.len(), "hashes": {"sha1": sha1},
            "_links": {"download-http": {"href": format!("{base}/update.swu")}},
        });
        let chunk = json!({"part": "os", "version": "1.1.0", "name": "image", "artifacts": [artifact]});
        let deployment = json!({"download": "forced", "update": "forced", "chunks": [chunk]});
        json!({"id": ACTION, "deployment": deployment})
    } else if head.starts_with("GET") {
        // What is closed is not offered again.
        let link = json!({"href": format!("{base}{device}/deploymentBase/{ACTION}")});
        let links = match known.closed() {
            None => json!({"deploymentBase": link}),
            Some(_) => json!({}),
        };
        json!({"config": {"polling": {"sleep": "00:00:01"}}, "_links": links})
    } else {
        if path.ends_with("/feedback") {
            known.told.extend(serde_json::from_str::<Value>(text));
        }
        return Vec::new();
    };
    answer.to_string().into_bytes()
}

/// A box on which the server's update is installed.
async fn installed() -> (Bench, Server) {
    let mut bench = Bench::bare();
    bench.put("root/data/system/hawkbit.conf", "suricatta: {};\n");
    let (image, slots) = (image(3_000_000), bench.path("slots"));
    let update = bench.update("1.1.0", &image, &slots).build();
    let mut server = Server::new().await;
    server.known.lock().unwrap().update = update;
    server.start().await;
    start_swupdate(&mut bench, &server);
    bench.start().await;
    let state = bench.phase(UpdatePhase::Installed).await;
    let install = state.install.unwrap();
    assert_eq!(
        (install.source, install.version.as_deref()),
        (UpdateSource::Hawkbit, Some("1.1.0"))
    );
    assert!(fs::read(slots.join("b")).unwrap() == image, "{}", bench.log());
    (bench, server)
}

/// SWUpdate, as `swupdate-start` of the image starts it.
fn start_swupdate(bench: &mut Bench, server: &Server) {
    let settings = format!("-t default -u http://{} -i box -p 1 -d -c 0", server.address);
    bench.start_swupdate_with(BOARD, "1.0.0", &["-u", &settings]);
}

/// Restarts the box into a system.
async fn restart(bench: &mut Bench, server: &Server, version: &str, slots: Value) {
    bench.stop().await;
    bench.kill_swupdate();
    bench.put(
        "root/etc/os-release",
        &format!("IMAGE_ID=amora\nIMAGE_VERSION={version}\n"),
    );
    bench.set_slots(|kept| kept.status = slots);
    start_swupdate(bench, server);
    bench.start_capability();
}

fn on_trial() -> Value {
    json!({"slot": "b", "next": "b", "trial": true, "tries": 1, "limit": 3, "ustate": 1})
}

fn gone_back() -> Value {
    json!({"slot": "a", "next": "a", "trial": false, "tries": 0, "limit": 3, "ustate": 3})
}

#[tokio::test]
async fn an_update_that_a_server_orders_is_followed_and_cancelled_there() {
    let (bench, server) = installed().await;
    let pending = bench.record("pending.json");
    assert_eq!(
        (&pending["source"], &pending["action"]),
        (&json!("hawkbit"), &json!(7))
    );
    let error = bench.command(UpdateCommand::Cancel).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    let known = server.known.lock().unwrap();
    assert!(!known.told.is_empty(), "the server hears of it");
    assert_eq!(known.closed(), None, "and not of an end");
}

#[tokio::test]
async fn the_server_hears_of_success_when_the_trial_is_passed_and_it_can_be_reached() {
    let (mut bench, mut server) = installed().await;
    bench.systemctl("starting", "");
    restart(&mut bench, &server, "1.1.0", on_trial()).await;
    bench.phase(UpdatePhase::Trial).await;
    // Long enough for the client to ask, if it had leave to.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(bench.state().phase, UpdatePhase::Trial);
    {
        let known = server.known.lock().unwrap();
        assert_eq!(known.closed(), None);
        assert_eq!(
            known.fetched,
            1,
            "it is not installed over the way back: {}",
            bench.log()
        );
    }
    server.stop().await;
    bench.systemctl("running", "");
    assert_eq!(bench.outcome().await.outcome, Outcome::Kept);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(bench.record("report.json")["action"], 7, "it is still owed");
    server.start().await;
    let status = server.hears_the_end(&bench).await;
    assert_eq!(status["result"]["finished"], "success");
    bench.owes_nothing().await;
    assert_eq!(server.known.lock().unwrap().fetched, 1);
}

#[tokio::test]
async fn the_server_hears_why_a_box_went_back_also_after_another_restart() {
    let (mut bench, mut server) = installed().await;
    bench.systemctl("degraded", "broken.service loaded failed failed Broken");
    bench.config.trial_deadline = Seconds(2.0);
    restart(&mut bench, &server, "1.1.0", on_trial()).await;
    bench
        .is_asked(json!({"request": "restart", "trial": false}))
        .await;
    assert_eq!(server.closed(), None, "the old system tells it");
    server.stop().await;
    restart(&mut bench, &server, "1.0.0", gone_back()).await;
    assert_eq!(bench.outcome().await.outcome, Outcome::RolledBack);
    assert_eq!(bench.record("report.json")["good"], false);
    // The power goes before the network comes.
    tokio::time::sleep(Duration::from_secs(1)).await;
    restart(&mut bench, &server, "1.0.0", gone_back()).await;
    server.start().await;
    let status = server.hears_the_end(&bench).await;
    assert_eq!(status["result"]["finished"], "failure");
    let details = status["details"].to_string();
    assert!(details.contains("broken.service"), "{details}");
    bench.owes_nothing().await;
    assert_eq!(server.known.lock().unwrap().fetched, 1);
}

#[tokio::test]
async fn the_server_hears_of_an_update_that_was_dropped() {
    let (bench, server) = installed().await;
    // The client has its last words on the installation first.
    tokio::time::sleep(Duration::from_secs(2)).await;
    bench.command(UpdateCommand::RollBack).await.unwrap();
    let status = server.hears_the_end(&bench).await;
    assert_eq!(status["result"]["finished"], "failure");
    let details = status["details"].to_string();
    assert!(details.contains("dropped"), "{details}");
    bench.owes_nothing().await;
}
