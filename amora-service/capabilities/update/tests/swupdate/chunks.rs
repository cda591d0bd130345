//! An HTTP server of files that knows ranges, several in one answer too, and can do badly with those of chunks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What becomes of the chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// They come.
    Ranges,
    /// The whole file comes in their place.
    Whole,
    /// They are not there.
    Missing,
    /// One of them is damaged.
    Corrupt,
    /// The connection ends in the middle of them.
    Cut,
}

const CHUNKS: &str = "root.zck";
const BOUNDARY: &str = "00000000000000000001";

#[derive(Default)]
struct Shelf {
    files: HashMap<String, Vec<u8>>,
    asked: HashMap<String, usize>,
    sent: HashMap<String, usize>,
    stalled: Option<String>,
}

pub(crate) struct Server {
    url: String,
    shelf: Arc<Mutex<Shelf>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves the chunks, and the full image as `full.swu`.
    pub(crate) async fn start(chunks: Vec<u8>, full: Vec<u8>, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let shared = shelf.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shelf = shared.clone();
                tokio::spawn(async move { answer(stream, &shelf, manner).await });
            }
        });
        let server = Self { url, shelf, task };
        server.put(CHUNKS, chunks);
        server.put("full.swu", full);
        server
    }

    pub(crate) fn address(&self, name: &str) -> String {
        format!("{}/{name}", self.url)
    }

    pub(crate) fn put(&self, name: &str, file: Vec<u8>) {
        self.shelf.lock().unwrap().files.insert(name.to_owned(), file);
    }

    pub(crate) fn remove(&self, name: &str) {
        self.shelf.lock().unwrap().files.remove(name);
    }

    /// From now on the file's second half never comes.
    pub(crate) fn stall(&self, name: &str) {
        self.shelf.lock().unwrap().stalled = Some(name.to_owned());
    }

    /// Times that a file was asked for.
    pub(crate) fn asked(&self, name: &str) -> usize {
        *self.shelf.lock().unwrap().asked.get(name).unwrap_or(&0)
    }

    /// Bytes of a file that were sent.
    pub(crate) fn sent(&self, name: &str) -> usize {
        *self.shelf.lock().unwrap().sent.get(name).unwrap_or(&0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: TcpStream, shelf: &Mutex<Shelf>, manner: Manner) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let name = head.split_whitespace().nth(1).unwrap_or_default()[1..].to_owned();
    let chunks = name == CHUNKS;
    let (file, stalled) = {
        let mut shelf = shelf.lock().unwrap();
        *shelf.asked.entry(name.clone()).or_default() += 1;
        (
            shelf.files.get(&name).cloned(),
            shelf.stalled.as_ref() == Some(&name),
        )
    };
    let Some(file) = file.filter(|_| !(chunks && manner == Manner::Missing)) else {
        let missing = "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nConnection: close\r\n\r\nnot found";
        stream.write_all(missing.as_bytes()).await?;
        return stream.shutdown().await;
    };
    let wanted = head.lines().find_map(|line| line.strip_prefix("range: bytes="));
    let (status, mut body) = match wanted {
        Some(wanted) if !(chunks && manner == Manner::Whole) => part(&file, wanted),
        _ => ("200 OK".to_owned(), file),
    };
    let length = body.len();
    if chunks && manner == Manner::Corrupt {
        body[length / 2] ^= 1;
    }
    if stalled || chunks && manner == Manner::Cut {
        body.truncate(length / 2);
    }
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    *shelf.lock().unwrap().sent.entry(name).or_default() += body.len();
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    if stalled {
        std::future::pending::<()>().await;
    }
    stream.shutdown().await
}

/// Status with its header, and body, for `0-99,200-` and the like.
fn part(file: &[u8], wanted: &str) -> (String, Vec<u8>) {
    let ranges: Vec<(usize, usize)> = wanted
        .split(',')
        .map(|range| {
            let (first, last) = range.trim().split_once('-').unwrap();
            let last = last.parse().unwrap_or(usize::MAX).min(file.len() - 1);
            (first.parse().unwrap(), last)
        })
        .collect();
    let named = |(first, last): (usize, usize)| format!("Content-Range: bytes {first}-{last}/{}", file.len());
    if let [range] = ranges[..] {
        let status = format!("206 Partial Content\r\n{}", named(range));
        return (status, file[range.0..=range.1].to_vec());
    }
    let mut body = Vec::new();
    for range in ranges {
        body.extend(format!("\r\n--{BOUNDARY}\r\n{}\r\n\r\n", named(range)).into_bytes());
        body.extend(&file[range.0..=range.1]);
    }
    body.extend(format!("\r\n--{BOUNDARY}--\r\n").into_bytes());
    let status = format!("206 Partial Content\r\nContent-Type: multipart/byteranges; boundary={BOUNDARY}");
    (status, body)
}
