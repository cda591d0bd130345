//! One connection to MPD: the protocol on a socket.

use crate::protocol::{Ack, AckCode, Command, Decoder, Frame, Message, ProtocolError, Unsendable, encode};
use amora_contract::config::PlayerConfig;
use std::fmt;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest an answer may take; all other commands wait for it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest where MPD itself waits for a disk to spin up or for the network; below the router's own limit, so that
/// the asker learns the cause.
const SLOW_ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// Commands for which MPD opens files or streams before it answers.
const SLOW: [&str; 4] = ["albumart", "readpicture", "load", "listplaylistinfo"];

/// Pieces in which pictures are asked for.
const BINARY_LIMIT: u32 = 256 * 1024;

const READ_SIZE: usize = 16 * 1024;

/// Where MPD listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// A path of a Unix socket.
    Socket(String),
    /// A host name or address, and a port.
    Network(String, u16),
}

impl Address {
    pub(crate) fn of(config: &PlayerConfig) -> Self {
        match config.host.starts_with('/') {
            true => Self::Socket(config.host.clone()),
            false => Self::Network(config.host.clone(), config.port),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => f.write_str(path),
            Self::Network(host, port) => write!(f, "{host}:{port}"),
        }
    }
}

/// Why MPD cannot be talked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("MPD was not reached yet")]
    NotYet,
    #[error("MPD cannot be reached: {0}")]
    Connect(io::Error),
    #[error("MPD did not answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    #[error("MPD closed the connection")]
    Closed,
    #[error("the connection to MPD broke: {0}")]
    Broken(io::Error),
    #[error("the server there does not speak MPD's protocol: {0}")]
    Protocol(#[from] ProtocolError),
    #[error("MPD does not accept the password")]
    Password,
    #[error("MPD refuses `{}`: {}", .0.command, .0.text)]
    Refused(Ack),
    #[error("the player is shutting down")]
    ShuttingDown,
}

impl LinkError {
    /// What a person can do about it.
    pub(crate) fn next_step(&self) -> &'static str {
        match self {
            Self::Connect(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                "let the service's user open MPD's socket"
            }
            Self::NotYet | Self::Connect(_) | Self::Closed | Self::Broken(_) => {
                "check that MPD runs (systemctl status mpd) and that `host` and `port` in [player] are right"
            }
            Self::TimedOut(_) => {
                "check whether MPD hangs (systemctl restart mpd) and whether the network is up"
            }
            Self::Protocol(_) => "check that `host` and `port` in [player] are MPD's",
            Self::Password => "set `password` in [player] to the one in mpd.conf",
            Self::Refused(_) => "set `password` in [player], or give MPD's default_permissions in mpd.conf",
            Self::ShuttingDown => "start the service again",
        }
    }
}

/// Why a command got no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// MPD refused it; the frames are those of the commands before it in the list.
    #[error("{0}")]
    Refused(Ack, Vec<Frame>),
    /// It cannot be put on the wire.
    #[error("{0}")]
    Unsendable(#[from] Unsendable),
    /// The connection is of no use any more.
    #[error("{0}")]
    Lost(#[from] LinkError),
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection that was greeted.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    decoder: Decoder,
    buffer: Vec<u8>,
    version: String,
    shutdown: CancellationToken,
}

impl Connection {
    /// Connects, reads the greeting and gives the password.
    pub(crate) async fn open(
        address: &Address,
        password: Option<&str>,
        shutdown: CancellationToken,
    ) -> Result<Self, LinkError> {
        let opening = async {
            let stream: Box<dyn Stream> = match address {
                Address::Socket(path) => {
                    Box::new(UnixStream::connect(path).await.map_err(LinkError::Connect)?)
                }
                Address::Network(host, port) => {
                    let stream = TcpStream::connect((host.as_str(), *port))
                        .await
                        .map_err(LinkError::Connect)?;
                    stream.set_nodelay(true).map_err(LinkError::Connect)?;
                    Box::new(stream)
                }
            };
            let mut connection = Self {
                stream,
                decoder: Decoder::default(),
                buffer: vec![0; READ_SIZE],
                version: String::new(),
                shutdown,
            };
            match connection.receive().await? {
                Message::Greeting(version) => connection.version = version,
                // The decoder lets nothing else through first.
                _ => return Err(LinkError::Closed),
            }
            Ok(connection)
        };
        let mut connection = timeout(CONNECT_TIMEOUT, opening)
            .await
            .map_err(|_| LinkError::TimedOut(CONNECT_TIMEOUT))??;
        if let Some(password) = password {
            connection.setup(Command::new("password").text(password)).await?;
        }
        Ok(connection)
    }

    /// Asks for pictures in larger pieces. An MPD before 0.22.4 refuses, which does no harm.
    pub(crate) async fn raise_binary_limit(&mut self) -> Result<(), LinkError> {
        match self
            .execute_one(Command::new("binarylimit").word(BINARY_LIMIT))
            .await
        {
            Err(Failure::Lost(error)) => Err(error),
            _ => Ok(()),
        }
    }

    async fn setup(&mut self, command: Command) -> Result<(), LinkError> {
        match self.execute_one(command).await {
            Ok(_) => Ok(()),
            Err(Failure::Refused(ack, _)) if ack.code == AckCode::Password => Err(LinkError::Password),
            Err(Failure::Refused(ack, _)) => Err(LinkError::Refused(ack)),
            Err(Failure::Unsendable(_)) => Err(LinkError::Password),
            Err(Failure::Lost(error)) => Err(error),
        }
    }

    /// The protocol's version, from the greeting.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Has commands carried out, as one atomic list if there are several. One frame for each comes back.
    pub(crate) async fn execute(&mut self, commands: &[Command]) -> Result<Vec<Frame>, Failure> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let bytes = encode(commands)?;
        let patience = match commands.iter().any(|command| SLOW.contains(&command.name())) {
            true => SLOW_ANSWER_TIMEOUT,
            false => ANSWER_TIMEOUT,
        };
        let shutdown = self.shutdown.clone();
        let exchange = async {
            self.stream.write_all(&bytes).await.map_err(LinkError::Broken)?;
            self.receive().await
        };
        let message = tokio::select! {
            biased;
            answer = timeout(patience, exchange) => {
                answer.map_err(|_| LinkError::TimedOut(patience))??
            }
            () = shutdown.cancelled() => return Err(LinkError::ShuttingDown.into()),
        };
        match message {
            Message::Answer(frames) if frames.len() == commands.len() => Ok(frames),
            Message::Answer(frames) => Err(LinkError::Protocol(ProtocolError::WrongCount {
                wanted: commands.len(),
                got: frames.len(),
            })
            .into()),
            Message::Refusal(ack, frames) => Err(Failure::Refused(ack, frames)),
            Message::Greeting(_) => Err(LinkError::Closed.into()),
        }
    }

    /// Has one command carried out.
    pub(crate) async fn execute_one(&mut self, command: Command) -> Result<Frame, Failure> {
        let mut frames = self.execute(std::slice::from_ref(&command)).await?;
        Ok(frames.pop().unwrap_or_default())
    }

    /// Says something that is answered much later; the answer comes from [`Self::receive`].
    pub(crate) async fn send(&mut self, command: Command) -> Result<(), LinkError> {
        let line = format!("{}\n", command.line());
        timeout(ANSWER_TIMEOUT, self.stream.write_all(line.as_bytes()))
            .await
            .map_err(|_| LinkError::TimedOut(ANSWER_TIMEOUT))?
            .map_err(LinkError::Broken)
    }

    /// The next message. Dropping the future loses nothing.
    pub(crate) async fn receive(&mut self) -> Result<Message, LinkError> {
        loop {
            if let Some(message) = self.decoder.next_message()? {
                return Ok(message);
            }
            let length = self
                .stream
                .read(&mut self.buffer)
                .await
                .map_err(LinkError::Broken)?;
            if length == 0 {
                return Err(LinkError::Closed);
            }
            self.decoder.push(&self.buffer[..length]);
        }
    }
}
