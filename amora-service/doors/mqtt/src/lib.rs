//! The MQTT door: commands, state and events over a broker, in both Amora dialects, and Home Assistant discovery.
//!
//! | Topic `{prefix}/{device id}/…` | Direction | Body |
//! |---|---|---|
//! | `state` | box to clients, retained | [`dialect::StateMessage`] |
//! | `commands` | clients to box | [`dialect::parse`] |
//! | `responses` | box to clients | [`dialect::encode`], in the dialect of the command |
//! | `connection` | box to clients, retained, and the Last Will | `{"status": "online" or "offline", "timestamp": s}` |
//! | `events` | box to clients, QoS 1, through a durable outbox | the contract's event and its `sequence` |
//! | `homeassistant/{entity}/set` | Home Assistant to box | plain text |

mod cadence;
mod commands;
pub mod dialect;
mod events;
mod health;
mod home_assistant;
mod presence;
mod recent;
mod responder;
mod settings;
mod topics;

use amora_contract::config::{DeviceConfig, MqttConfig};
use amora_link::mqtt::MqttLink;
use amora_link::outbox::{Limits, Outbox, OutboxError};
use amora_link::tls::TlsError;
use amora_router::{AllowList, Router};
use cadence::Cadence;
use commands::{Signals, Worker};
use events::Pump;
use presence::Presence;
use settings::Settings;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Answers that wait to be sent.
const ANSWERS: usize = 64;

/// Time to send what waits, and `offline`, before the goodbye.
const FLUSH: Duration = Duration::from_millis(900);

/// Time for the goodbye.
const GOODBYE: Duration = Duration::from_millis(700);

/// Why the door cannot be opened. A broker that is away is no error: it is tried again for ever.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MqttError {
    /// TLS cannot be set up.
    #[error("mqtt.tls: {0}")]
    Tls(#[from] TlsError),
    /// The topics cannot be used.
    #[error("mqtt: `{topic}` cannot be a topic: {reason}")]
    Topic {
        /// What the topics would begin with.
        topic: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A setting cannot be used.
    #[error("mqtt.{field}: {reason}")]
    Setting {
        /// The setting.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The session broke in a way that it cannot mend itself.
    #[error("the MQTT session ended by itself")]
    Ended,
    /// Events can be kept neither on the disk nor in memory.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

/// Keeps the door open until `shutdown`, then says `offline` and leaves within two seconds.
///
/// # Errors
/// When the configuration cannot work; a broker that is away is no error, it is tried again.
pub async fn run(
    router: Router,
    config: MqttConfig,
    device: DeviceConfig,
    shutdown: CancellationToken,
) -> Result<(), MqttError> {
    let events = router.subscribe_events();
    let settings = Settings::new(&config, &device)?;
    let (outbox, unkept) = open_outbox(&device.data)?;
    let (trouble, troubled) = watch::channel(unkept);
    let topics = settings.topics.clone();
    let (link, incoming) = MqttLink::open(settings.link);
    let signals = Arc::new(Signals::default());
    let doorway = router.doorway(AllowList::new(&config.allow));

    let mut tasks = JoinSet::new();
    tasks.spawn(events::collect(events, outbox.clone(), trouble));
    tasks.spawn(health::report(
        router.health("mqtt"),
        link.status(),
        troubled,
        outbox.watch(),
    ));
    let pump = Pump {
        outbox,
        publisher: link.publisher(),
        status: link.status(),
        topic: topics.events.clone(),
        quality: settings.events,
    };
    tasks.spawn(pump.pump());
    let presence = Presence {
        doorway: doorway.clone(),
        publisher: link.publisher(),
        status: link.status(),
        topics: topics.clone(),
        quality: settings.quality,
        retain: config.retain,
        cadence: Cadence::new(settings.full, settings.playing),
        signals: signals.clone(),
        discovery: settings.discovery,
        described: device.data.join("mqtt-home-assistant"),
    };
    tasks.spawn(presence.show());
    let (answers, waiting) = mpsc::channel(ANSWERS);
    let responder = tokio::spawn(responder::respond(
        waiting,
        link.publisher(),
        topics.responses.clone(),
        settings.quality,
    ));
    let worker = Worker {
        doorway,
        topics: topics.clone(),
        birth: settings.birth,
        max_message_size: config.max_message_size,
        answers,
        signals,
    };
    let mut worker = tokio::spawn(worker.work(incoming));

    tokio::select! {
        () = shutdown.cancelled() => {}
        _ = &mut worker => return Err(MqttError::Ended),
    }

    // What was answered is still sent; nothing new is begun.
    worker.abort();
    tasks.shutdown().await;
    let publisher = link.publisher();
    let farewell = async {
        let _ = worker.await;
        let _ = responder.await;
        let offline = presence::connection(&topics, "offline", settings.quality, config.retain);
        if let Ok(delivery) = publisher.publish(&offline).await {
            let _ = delivery.arrived().await;
        }
    };
    let connected = matches!(
        *link.status().borrow(),
        amora_link::mqtt::Status::Connected { .. }
    );
    if connected && tokio::time::timeout(FLUSH, farewell).await.is_err() {
        tracing::warn!("the broker did not take everything before the door closed");
    }
    link.close(GOODBYE).await;
    Ok(())
}

/// The outbox on the disk; where that is impossible one in memory, and why.
fn open_outbox(data: &Path) -> Result<(Outbox, Option<String>), OutboxError> {
    match Outbox::open(&data.join("mqtt-outbox.sqlite"), Limits::default()) {
        Ok(outbox) => Ok((outbox, None)),
        Err(error) => {
            tracing::error!(%error, "events are kept in memory only");
            let outbox = Outbox::open(Path::new(":memory:"), Limits::default())?;
            Ok((outbox, Some(error.to_string())))
        }
    }
}
