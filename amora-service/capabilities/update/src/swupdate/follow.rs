//! Following what SWUpdate does, whoever made it do it.

use super::messages::{Answer, MESSAGE, Message, Progress, ProgressReader};
use super::{CONTROL, PROGRESS, connect};
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

/// Waits between attempts to reach SWUpdate.
const AGAIN: Duration = Duration::from_secs(5);

/// News of SWUpdate.
#[derive(Debug)]
pub(crate) enum News {
    /// It is there.
    Up,
    /// It is not, and why.
    Down(String),
    /// How an installation goes.
    Progress(Progress),
    /// A line of its log.
    Line {
        /// 1 is an error.
        level: u32,
        /// 0 is idle.
        status: u32,
        /// The line.
        text: String,
    },
}

/// Follows until nobody takes the news any more. Its sockets are read at once always: SWUpdate waits for its readers.
pub(crate) async fn follow(folder: PathBuf, news: mpsc::Sender<News>) {
    loop {
        let cause = match once(&folder, &news).await {
            Ok(()) => "it closed the connection".to_owned(),
            Err(error) => error.to_string(),
        };
        if news.send(News::Down(cause)).await.is_err() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = news.closed() => return,
        }
    }
}

async fn once(folder: &std::path::Path, news: &mpsc::Sender<News>) -> io::Result<()> {
    let mut progress = connect(folder, PROGRESS).await?;
    let mut log = connect(folder, CONTROL).await?;
    log.write_all(Message::notify_stream().bytes()).await?;
    if news.send(News::Up).await.is_err() {
        return Ok(());
    }
    tokio::select! {
        result = read_progress(&mut progress, news) => result,
        result = read_log(&mut log, news) => result,
        () = news.closed() => Ok(()),
    }
}

async fn read_progress(socket: &mut UnixStream, news: &mpsc::Sender<News>) -> io::Result<()> {
    let mut reader = ProgressReader::default();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = socket.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        for message in reader.push(&buffer[..count]) {
            if news.send(News::Progress(message)).await.is_err() {
                return Ok(());
            }
        }
    }
}

async fn read_log(socket: &mut UnixStream, news: &mpsc::Sender<News>) -> io::Result<()> {
    let mut message = Box::new([0; MESSAGE]);
    loop {
        socket.read_exact(message.as_mut_slice()).await?;
        if let Answer::Line { level, status, text } = Answer::read(&message)
            && news.send(News::Line { level, status, text }).await.is_err()
        {
            return Ok(());
        }
    }
}
