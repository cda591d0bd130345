//! The client: the state machines beside this module, with sockets, clocks and one task.
//!
//! [`open`] gives a [`Hub`] to report and send through, and the [`Event`]s that arrive. One attempt is one
//! [`MqttLink`]: when it fails or ends, [`Session`](super::session::Session) says what comes next.

mod connection;
mod line;
mod provision;
mod trouble;
mod upload;
mod worker;

pub use line::{CloudMessage, Line, MethodCall};
pub use trouble::Trouble;
pub use upload::{UploadError, Uploaded};

use super::assignment::Assignment;
use super::clock::Clock;
use super::identity::Identity;
use super::sas::Renewal;
use super::twin::Desired;
use crate::backoff::Policy;
use amora_contract::config::TlsConfig;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Events that wait to be taken; when there are more, nothing more is taken from the network.
const EVENTS: usize = 64;

/// Reports that wait to be put into the twin.
const REPORTS: usize = 64;

/// The path that the service answers WebSockets at.
const WEB_SOCKET: &str = "/$iothub/websocket";

/// Ways to speak MQTT to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Directly, at port 8883.
    Mqtt,
    /// Through a WebSocket, at port 443, which firewalls let pass.
    WebSocket,
}

impl Transport {
    /// The service's port.
    pub const fn port(self) -> u16 {
        match self {
            Self::Mqtt => 8883,
            Self::WebSocket => 443,
        }
    }

    fn path(self) -> Option<String> {
        (self == Self::WebSocket).then(|| WEB_SOCKET.to_owned())
    }
}

/// What a client needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who the device is.
    pub identity: Identity,
    /// The hub that it was assigned to before.
    pub assignment: Option<Assignment>,
    /// The device's model; it is announced from the first connect.
    pub model_id: Option<String>,
    /// How to speak to the service.
    pub transport: Transport,
    /// Port of the hub; the transport's when missing.
    pub port: Option<u16>,
    /// Port of the provisioning service; the transport's when missing.
    pub provisioning_port: Option<u16>,
    /// Port of the hub's HTTPS side; 443 when missing.
    pub https_port: Option<u16>,
    /// The clock that dates tokens and judges certificates.
    pub clock: Clock,
    /// Whom to trust, and a certificate to show. The files are read at each connect, and a change of them renews
    /// the connection.
    pub tls: TlsConfig,
    /// Time between keep-alive messages. The hub waits half as long again, at most 1767 s.
    pub keep_alive: Duration,
    /// Least time between patches of the reported properties.
    pub report_pace: Duration,
    /// Life of a token.
    pub renewal: Renewal,
    /// When to try again.
    pub backoff: Policy,
}

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// The provisioning service assigned a hub: to be kept for the next start.
    Assigned(Assignment),
    /// The hub does not know the device any more: what was kept is void.
    Disowned,
    /// News of what the cloud desires.
    Desired(Desired),
    /// Somebody calls a direct method.
    Method(MethodCall),
    /// A message came from the cloud.
    Message(CloudMessage),
}

/// How things are.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// Just begun.
    Starting,
    /// The clock is wrong, and a token cannot be signed.
    WaitingForClock,
    /// The provisioning service is being asked for a hub.
    Provisioning,
    /// The hub is being connected to.
    Connecting {
        /// Its host name.
        host: String,
    },
    /// Connected and subscribed.
    Connected {
        /// The hub's host name.
        host: String,
        /// The device's id there.
        device_id: String,
        /// Topics that the hub does not let us subscribe.
        refused: Vec<String>,
    },
    /// Not connected; the next attempt comes by itself.
    Waiting {
        /// Why.
        trouble: Trouble,
        /// How long until the next attempt.
        retry_in: Duration,
    },
}

enum Job {
    Report(String, Value),
    Renew,
    Refused(tokio::sync::oneshot::Sender<Vec<String>>),
}

/// A handle to the client. Clones are handles to the same one.
#[derive(Clone)]
pub struct Hub {
    jobs: mpsc::Sender<Job>,
    line: watch::Receiver<Option<Line>>,
    standing: watch::Receiver<Standing>,
    way: Arc<upload::Way>,
}

impl Hub {
    /// Wants a property of the twin reported; null wants it gone. It is sent as soon as it can be, and again after
    /// each connect if the twin does not hold it.
    pub async fn report(&self, property: &str, value: Value) {
        // An error only means that the client has ended.
        let _ = self.jobs.send(Job::Report(property.to_owned(), value)).await;
    }

    /// Closes the connection and opens another: the hub does not do its part on this one.
    pub async fn renew(&self) {
        // An error only means that the client has ended.
        let _ = self.jobs.send(Job::Renew).await;
    }

    /// Reported properties that the hub refused.
    pub async fn refused(&self) -> Vec<String> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        if self.jobs.send(Job::Refused(answer)).await.is_err() {
            return Vec::new();
        }
        answered.await.unwrap_or_default()
    }

    /// The open connection, to send telemetry on; none while there is none.
    pub fn line(&self) -> watch::Receiver<Option<Line>> {
        self.line.clone()
    }

    /// How things are, and every change of that.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }
}

/// The running client. It ends when this is dropped.
pub struct Client {
    hub: Hub,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Begins to connect.
pub fn open(options: Options) -> (Client, mpsc::Receiver<Event>) {
    let (jobs, reports) = mpsc::channel(REPORTS);
    let (events, happened) = mpsc::channel(EVENTS);
    let (line, lines) = watch::channel(None);
    let (standing, standings) = watch::channel(Standing::Starting);
    let stop = CancellationToken::new();
    let way = Arc::new(upload::Way {
        identity: options.identity.clone(),
        tls: options.tls.clone(),
        port: options.https_port,
        clock: options.clock.clone(),
    });
    let worker = worker::Worker::new(options, reports, events, line, standing, stop.clone());
    let client = Client {
        hub: Hub {
            jobs,
            line: lines,
            standing: standings,
            way,
        },
        stop,
        task: tokio::spawn(worker.run()),
    };
    (client, happened)
}

impl Client {
    /// A handle for reporting and sending.
    pub fn hub(&self) -> Hub {
        self.hub.clone()
    }

    /// Says goodbye, and ends at the latest after `within`.
    pub async fn close(mut self, within: Duration) {
        self.stop.cancel();
        // Late or early, the task is gone after this.
        let _ = tokio::time::timeout(within, &mut self.task).await;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}
