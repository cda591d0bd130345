//! Handing an update over, and asking SWUpdate small things.

use super::messages::{Answer, MESSAGE, Message, Status};
use super::{CONTROL, connect};
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter};
use tokio::net::UnixStream;

/// SWUpdate copies what it takes in pieces as large as they come: small ones make it slow.
const PIECE: usize = 256 * 1024;

/// Time for it to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// An installation that SWUpdate has accepted: what is written here, it installs.
pub(crate) type Stream = BufWriter<UnixStream>;

/// Why SWUpdate does not take an update now.
#[derive(Debug)]
pub(crate) enum NotTaken {
    /// It does not answer.
    Away(io::Error),
    /// It says no.
    Refused(String),
}

/// Begins an installation.
pub(crate) async fn install(folder: &Path) -> Result<Stream, NotTaken> {
    let (stream, answer) = ask(folder, &Message::install("amora"))
        .await
        .map_err(NotTaken::Away)?;
    match Answer::read(&answer) {
        Answer::Yes => Ok(BufWriter::with_capacity(PIECE, stream)),
        Answer::No(text) => Err(NotTaken::Refused(text)),
        _ => Err(NotTaken::Away(io::ErrorKind::InvalidData.into())),
    }
}

/// How the last installation ended.
pub(crate) async fn last_result(folder: &Path) -> io::Result<Option<Status>> {
    let (_, answer) = ask(folder, &Message::get_status()).await?;
    Ok(Answer::last_result(&answer))
}

/// Tells SWUpdate something.
pub(crate) async fn tell(folder: &Path, message: &Message) -> io::Result<()> {
    match Answer::read(&ask(folder, message).await?.1) {
        Answer::Yes => Ok(()),
        _ => Err(io::Error::other("SWUpdate says no")),
    }
}

async fn ask(folder: &Path, message: &Message) -> io::Result<(UnixStream, Box<[u8; MESSAGE]>)> {
    let exchange = async {
        let mut stream = connect(folder, CONTROL).await?;
        stream.write_all(message.bytes()).await?;
        let mut answer = Box::new([0; MESSAGE]);
        stream.read_exact(answer.as_mut_slice()).await?;
        Ok((stream, answer))
    };
    tokio::time::timeout(PATIENCE, exchange)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
