//! An HTTP server that cuts connections and does other unkind things.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How the server behaves.
#[derive(Debug, Clone)]
pub(crate) struct Manners {
    /// Bytes of each answer before the connection is cut; after the last of them nothing is cut.
    pub(crate) cuts: Vec<usize>,
    /// Whether it knows ranges.
    pub(crate) ranges: bool,
    /// Answers instead of the file, in order.
    pub(crate) first: Vec<String>,
    /// The file from the second request on, where it is another.
    pub(crate) replaced: Option<Vec<u8>>,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            cuts: Vec::new(),
            ranges: true,
            first: Vec::new(),
            replaced: None,
        }
    }
}

pub(crate) struct Server {
    pub(crate) url: String,
    /// The heads of the requests.
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(file: Vec<u8>, manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "http://user:secret@{}/update.swu?token=secret",
            listener.local_addr().unwrap()
        );
        let requests = Arc::new(Mutex::new(Vec::new()));
        let heads = requests.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = heads.lock().unwrap().len();
                let _ = answer(stream, number, &file, &manners, &heads).await;
            }
        });
        Self { url, requests, task }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    mut stream: TcpStream,
    number: usize,
    file: &[u8],
    manners: &Manners,
    heads: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    heads.lock().unwrap().push(head.clone());
    if let Some(answer) = manners.first.get(number) {
        stream.write_all(answer.as_bytes()).await?;
        return stream.shutdown().await;
    }
    let number = number - manners.first.len();
    let (file, tag) = match &manners.replaced {
        Some(other) if number > 0 => (other.as_slice(), "\"second\""),
        _ => (file, "\"first\""),
    };
    let first = head
        .lines()
        .find_map(|line| {
            line.to_lowercase()
                .strip_prefix("range: bytes=")
                .map(str::to_owned)
        })
        .and_then(|range| range.trim_end_matches('-').parse::<usize>().ok())
        .filter(|_| manners.ranges && manners.replaced.is_none())
        .unwrap_or(0);
    let status = match first {
        0 => format!("200 OK\r\nETag: {tag}"),
        _ => format!(
            "206 Partial Content\r\nETag: {tag}\r\nContent-Range: bytes {first}-{}/{}",
            file.len() - 1,
            file.len()
        ),
    };
    let body = &file[first..];
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    let length = manners
        .cuts
        .get(number)
        .map_or(body.len(), |cut| body.len().min(*cut));
    stream.write_all(&body[..length]).await?;
    stream.shutdown().await
}
