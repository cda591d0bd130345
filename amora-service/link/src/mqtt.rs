//! One MQTT session, 3.1.1 or 5, that keeps itself alive: connects, subscribes, tries again with back-off, and
//! says in plain words what is wrong when it cannot.
//!
//! The session is the client crate's, kept across reconnects: publishes in flight are repeated when the broker
//! kept the session, and reported as [`Undelivered::SessionLost`] when it did not, so that nothing is lost unseen.

mod driver;
mod failure;
mod queue;
mod socket;
mod v3;
mod v5;

pub use failure::{Failure, FailureKind};
pub use queue::Incoming;

use crate::backoff::Policy;
use amora_contract::config::MqttVersion;
use bytes::Bytes;
use rustls::ClientConfig;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Requests the client takes before publishers wait.
const REQUESTS: usize = 256;

/// Largest packet taken from the network. Messages above the link's own limit are cut at once; this only bounds
/// what can be held while one arrives. A larger packet ends the connection.
const PACKET_LIMIT: u32 = 16 << 20;

/// What a session needs to know.
#[derive(Clone)]
pub struct Options {
    /// The broker's host name or address.
    pub host: String,
    /// The broker's port.
    pub port: u16,
    /// Protocol version.
    pub version: MqttVersion,
    /// Client id.
    pub client_id: String,
    /// User name and password.
    pub credentials: Option<(String, Option<String>)>,
    /// TLS; plain TCP when missing.
    pub tls: Option<Arc<ClientConfig>>,
    /// Path of a WebSocket to speak through, for example `/mqtt`; for protocol version 3.1.1.
    pub websocket: Option<String>,
    /// Time between keep-alive messages.
    pub keep_alive: Duration,
    /// Forget the session at each connect.
    pub clean_session: bool,
    /// What the broker publishes when we vanish.
    pub last_will: Option<Publication>,
    /// Subscribed at each connect.
    pub subscriptions: Vec<(String, Quality)>,
    /// Largest payload taken or sent.
    pub max_message_size: usize,
    /// When to try again.
    pub backoff: Policy,
}

/// Quality of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    /// QoS 0.
    AtMostOnce,
    /// QoS 1.
    AtLeastOnce,
    /// QoS 2.
    ExactlyOnce,
}

/// Something to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Where to.
    pub topic: String,
    /// What.
    pub payload: Bytes,
    /// How surely.
    pub quality: Quality,
    /// Whether the broker keeps it for later subscribers.
    pub retain: bool,
}

/// Something received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where it was published.
    pub topic: String,
    /// The payload. When `size` is above the link's limit: its beginning and its end, with a NUL between.
    pub payload: Bytes,
    /// Bytes of the whole payload.
    pub size: usize,
    /// Whether the broker had kept it from earlier.
    pub retained: bool,
    /// Whether the broker says it may have sent it before.
    pub duplicate: bool,
}

/// How the session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The first attempt is under way.
    Connecting,
    /// Connected and subscribed.
    Connected {
        /// Counts the connections.
        connection: u64,
        /// Topics that the broker does not let us subscribe.
        refused: Vec<String>,
    },
    /// Not connected; the next attempt comes by itself.
    Waiting {
        /// Why.
        failure: Failure,
        /// When the next attempt comes.
        retry_in: Duration,
    },
}

/// Why something was not accepted for publishing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// Too large for us or for the broker.
    #[error("a message of {size} bytes is too large: the limit is {limit}")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// The topic cannot be published to.
    #[error("`{0}` is not a topic that can be published to")]
    Topic(String),
    /// The session is over.
    #[error("the MQTT session is over")]
    Closed,
}

/// Why something accepted did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Undelivered {
    /// The connection broke and the broker forgot the session: publish it again.
    #[error("the connection broke before the broker acknowledged it")]
    SessionLost,
    /// The broker does not want it; publishing it again will not help.
    #[error("the broker refused it: {0}")]
    Refused(String),
    /// The session is over.
    #[error("the MQTT session is over")]
    Closed,
}

/// What publishers, takers and the driver share.
struct Shared {
    /// Counts connections and their ends.
    connection: AtomicU64,
    /// Largest message that may be sent now.
    limit: AtomicUsize,
    /// Whether the broker keeps retained messages.
    retain: AtomicBool,
    /// The surest delivery that the broker knows.
    quality: AtomicU8,
    /// Messages thrown away because nobody took them.
    discarded: AtomicU64,
}

impl Shared {
    fn new(limit: usize) -> Self {
        Self {
            connection: AtomicU64::new(0),
            limit: AtomicUsize::new(limit),
            retain: AtomicBool::new(true),
            quality: AtomicU8::new(Quality::ExactlyOnce as u8),
            discarded: AtomicU64::new(0),
        }
    }
}

/// The acknowledgement of one received message.
#[derive(Debug, Clone)]
enum Ack {
    V3(v3::Ack),
    V5(v5::Ack),
}

enum Client {
    V3(v3::Client),
    V5(v5::Client),
}

/// Publishes. Clones are handles to the same session.
#[derive(Clone)]
pub struct Publisher {
    client: Arc<Client>,
    shared: Arc<Shared>,
}

/// The word about one publication.
pub struct Delivery(Receipt);

enum Receipt {
    V3(v3::Receipt),
    V5(v5::Receipt),
}

impl Delivery {
    /// Waits until the broker has it (for QoS 0: until it is sent).
    ///
    /// # Errors
    /// When it did not arrive.
    pub async fn arrived(self) -> Result<(), Undelivered> {
        match self.0 {
            Receipt::V3(receipt) => v3::arrived(receipt).await,
            Receipt::V5(receipt) => v5::arrived(receipt).await,
        }
    }
}

impl Publisher {
    /// Hands something to the session, waiting while it has no room (also while it is not connected). What the
    /// broker cannot do, retain or a quality of service, is left out.
    ///
    /// # Errors
    /// When it can never be sent.
    pub async fn publish(&self, publication: &Publication) -> Result<Delivery, PublishError> {
        let limit = self.shared.limit.load(Ordering::Relaxed);
        let size = publication.payload.len();
        if size > limit {
            return Err(PublishError::TooLarge { size, limit });
        }
        let quality = match self.shared.quality.load(Ordering::Relaxed) {
            0 => Quality::AtMostOnce,
            1 => Quality::AtLeastOnce,
            _ => Quality::ExactlyOnce,
        };
        let possible = Publication {
            quality: publication.quality.min(quality),
            retain: publication.retain && self.shared.retain.load(Ordering::Relaxed),
            ..publication.clone()
        };
        Ok(Delivery(self.client.publish(&possible).await?))
    }

    /// Largest payload that can be sent now: ours, or the broker's if that is smaller.
    pub fn limit(&self) -> usize {
        self.shared.limit.load(Ordering::Relaxed)
    }

    /// Messages thrown away since the start because they came faster than they were taken.
    pub fn discarded(&self) -> u64 {
        self.shared.discarded.load(Ordering::Relaxed)
    }
}

impl Client {
    async fn publish(&self, publication: &Publication) -> Result<Receipt, PublishError> {
        Ok(match self {
            Self::V3(client) => Receipt::V3(v3::publish(client, publication).await?),
            Self::V5(client) => Receipt::V5(v5::publish(client, publication).await?),
        })
    }

    /// Gives the acknowledgement back when there is no room for it now.
    fn try_acknowledge(&self, ack: Ack) -> Result<(), Ack> {
        let kept = ack.clone();
        let sent = match (self, ack) {
            (Self::V3(client), Ack::V3(ack)) => client.try_manual_ack(ack).is_ok(),
            (Self::V5(client), Ack::V5(ack)) => client.try_manual_ack(ack).is_ok(),
            _ => unreachable!("an acknowledgement goes to the client that its message came from"),
        };
        if sent { Ok(()) } else { Err(kept) }
    }

    /// Waits for room. An error only means that the session is over.
    async fn acknowledge(&self, ack: Ack) {
        let _ = match (self, ack) {
            (Self::V3(client), Ack::V3(ack)) => client.manual_ack(ack).await.is_ok(),
            (Self::V5(client), Ack::V5(ack)) => client.manual_ack(ack).await.is_ok(),
            _ => unreachable!("an acknowledgement goes to the client that its message came from"),
        };
    }

    /// Whether the request found room.
    fn disconnect(&self, within: Duration) -> bool {
        match self {
            Self::V3(client) => client.try_disconnect_with_timeout(within).is_ok(),
            Self::V5(client) => client.try_disconnect_with_timeout(within).is_ok(),
        }
    }
}

/// A session that keeps itself alive until it is closed.
pub struct MqttLink {
    publisher: Publisher,
    status: watch::Receiver<Status>,
    stop: CancellationToken,
    driver: JoinHandle<()>,
}

impl MqttLink {
    /// Begins to connect. Messages come out of [`Incoming`].
    pub fn open(options: Options) -> (Self, Incoming) {
        let shared = Arc::new(Shared::new(options.max_message_size));
        let (status, watched) = watch::channel(Status::Connecting);
        let stop = CancellationToken::new();
        let setting = |client: &Arc<Client>| {
            let (sender, incoming) = queue::channel(client.clone(), shared.clone());
            let setting = driver::Setting {
                options: options.clone(),
                shared: shared.clone(),
                incoming: sender,
                status,
                stop: stop.clone(),
            };
            (setting, incoming)
        };
        let (client, incoming, driver) = match options.version {
            MqttVersion::V3 => {
                let (client, engine) = v3::open(&options);
                let client = Arc::new(Client::V3(client));
                let (setting, incoming) = setting(&client);
                (client, incoming, tokio::spawn(driver::drive(engine, setting)))
            }
            MqttVersion::V5 => {
                let (client, engine) = v5::open(&options);
                let client = Arc::new(Client::V5(client));
                let (setting, incoming) = setting(&client);
                (client, incoming, tokio::spawn(driver::drive(engine, setting)))
            }
        };
        let publisher = Publisher { client, shared };
        let link = Self {
            publisher,
            status: watched,
            stop,
            driver,
        };
        (link, incoming)
    }

    /// A handle for publishing.
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// How the session is, and every change of that.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Sends what was handed over, says goodbye and ends, at the latest after `within`.
    pub async fn close(mut self, within: Duration) {
        self.stop.cancel();
        let connected = matches!(*self.status.borrow(), Status::Connected { .. });
        if connected && self.publisher.client.disconnect(within) {
            // Late or early, the driver is gone after this.
            let _ = tokio::time::timeout(within, &mut self.driver).await;
        }
    }
}

impl Drop for MqttLink {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
