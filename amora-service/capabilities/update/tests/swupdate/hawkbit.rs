//! An update that a hawkBit server orders: SWUpdate's own client fetches it, and the capability follows.

use crate::bench::{BOARD, Bench};
use crate::updates::image;
use amora_contract::ErrorCode;
use amora_contract::commands::UpdateCommand;
use amora_contract::state::{UpdatePhase, UpdateSource};
use aws_lc_rs::digest;
use serde_json::json;
use std::fs;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// As much of hawkBit as one deployment takes. `told` collects what the device reports.
struct Server {
    url: String,
    told: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    async fn start(listener: TcpListener, update: Vec<u8>) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::new(Mutex::new(Vec::new()));
        let (base, heard) = (url.clone(), told.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (base, update, heard) = (base.clone(), update.clone(), heard.clone());
                tokio::spawn(async move { answer(stream, &base, &update, &heard).await });
            }
        });
        Self { url, told, task }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    mut stream: TcpStream,
    base: &str,
    update: &[u8],
    told: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
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
    let device = "/default/controller/v1/box";
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
    let body = if head.starts_with("GET") && path.ends_with("/update.swu") {
        update.to_vec()
    } else if head.starts_with("GET") && path.contains("/deploymentBase/") {
        let sha1: String = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, update)
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let artifact = json!({
            "filename": "update.swu", "size": update.len(), "hashes": {"sha1": sha1},
            "_links": {"download-http": {"href": format!("{base}/update.swu")}},
        });
        let chunk = json!({"part": "os", "version": "1.1.0", "name": "image", "artifacts": [artifact]});
        let deployment = json!({"download": "forced", "update": "forced", "chunks": [chunk]});
        json!({"id": "7", "deployment": deployment})
            .to_string()
            .into_bytes()
    } else if head.starts_with("GET") {
        let link = json!({"deploymentBase": {"href": format!("{base}{device}/deploymentBase/7")}});
        json!({"config": {"polling": {"sleep": "00:00:02"}}, "_links": link})
            .to_string()
            .into_bytes()
    } else {
        let text = String::from_utf8_lossy(&request[head.len() + 4..]).into_owned();
        told.lock().unwrap().push(format!("{path} {text}"));
        Vec::new()
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    stream.shutdown().await
}

#[tokio::test]
async fn an_update_that_a_server_orders_is_followed_and_cancelled_there() {
    let mut bench = Bench::bare();
    let (image, slots) = (image(3_000_000), bench.path("slots"));
    let update = bench.update("1.1.0", &image, &slots).build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    bench.start_swupdate_with(
        BOARD,
        "1.0.0",
        &["-u", &format!("-t default -u {url} -i box -p 2")],
    );
    bench.start().await;
    bench.reaches(|state| state.unavailable.is_none()).await;
    // The server is there only now, so that the installation does not begin before the capability looks.
    let server = Server::start(listener, update).await;
    assert_eq!(server.url, url);
    let state = bench.phase(UpdatePhase::Installed).await;
    let install = state.install.unwrap();
    assert_eq!(
        (install.source, install.version.as_deref()),
        (UpdateSource::Hawkbit, Some("1.1.0"))
    );
    assert!(fs::read(slots.join("b")).unwrap() == image, "{}", bench.log());
    assert_eq!(bench.record("pending.json")["source"], "hawkbit");
    let error = bench.command(UpdateCommand::Cancel).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(!server.told.lock().unwrap().is_empty(), "the server hears of it");
}
