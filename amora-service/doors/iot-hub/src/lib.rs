//! The door to Azure IoT Hub: the box's twin, direct methods, telemetry and messages from the cloud.
//!
//! | Towards | What | Where it is told |
//! |---|---|---|
//! | the cloud | `playerStatus` at its interval, and events, through durable outboxes | [`message`] |
//! | the cloud | reported properties: the state, and answers to what is desired | [`reported`], [`desired`] |
//! | the box | direct methods: the original's and every allowed command | [`dialect`] |
//! | the box | desired properties: the configuration, and the original's | [`desired`] |
//! | the box | messages: a command each, answered by a message | [`dialect`] |
//! | the cloud | the diagnostic bundle, to where Device Update wants it | `log_collection` |

mod batch;
mod calls;
pub mod desired;
pub mod dialect;
mod log_collection;
pub mod message;
pub mod reported;
mod settings;
mod shown;
mod telemetry;
mod twin;
mod uploads;

use amora_contract::config::{DeviceConfig, IotHubConfig};
use amora_link::iot_hub::assignment::Assignment;
use amora_link::iot_hub::client::{self, Event};
use amora_link::iot_hub::clock::Clock;
use amora_link::iot_hub::connection_string::ConnectionStringError;
use amora_link::outbox::{Limits, Outbox, OutboxError};
use amora_router::{AllowList, Router, private_file};
use calls::Calls;
use log_collection::LogCollection;
use std::path::Path;
use std::time::Duration;
use telemetry::{Pump, Telemetry};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use twin::Desk;

/// Desired properties that wait to be obeyed.
const DESIRED: usize = 16;

/// Time for the goodbye.
const GOODBYE: Duration = Duration::from_millis(1500);

/// At one status message a minute these are a week.
const STATUS_LIMITS: Limits = Limits {
    entries: 7 * 24 * 60,
    bytes: 8 << 20,
};

/// Why the door cannot be opened. A hub that is away is no error: it is tried again for ever.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IotHubError {
    /// The connection string cannot be used.
    #[error("iot_hub.connection_string: {0}")]
    ConnectionString(#[from] ConnectionStringError),
    /// A setting cannot be used.
    #[error("iot_hub.{field}: {reason}")]
    Setting {
        /// The setting.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The client ended in a way that it cannot mend itself.
    #[error("the connection to IoT Hub ended by itself")]
    Ended,
    /// Messages can be kept neither on the disk nor in memory.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

/// Keeps the door open until `shutdown`, then leaves within two seconds.
///
/// # Errors
/// When the configuration cannot work; a hub that is away is no error, it is tried again.
pub async fn run(
    router: Router,
    config: IotHubConfig,
    device: DeviceConfig,
    shutdown: CancellationToken,
) -> Result<(), IotHubError> {
    run_by(Clock::system(), router, config, device, shutdown).await
}

/// The same by another clock than the system's.
///
/// # Errors
/// As for [`run`].
pub async fn run_by(
    clock: Clock,
    router: Router,
    config: IotHubConfig,
    device: DeviceConfig,
    shutdown: CancellationToken,
) -> Result<(), IotHubError> {
    let events = router.subscribe_events();
    let kept = device.data.join("iot-hub-assignment.json");
    let options = settings::options(&config, &device, std::fs::read(&kept).ok().as_deref(), clock)?;
    let (event_box, unkept) = open_outbox(&device.data, "iot-hub-events.sqlite", Limits::default())?;
    let (status_box, _) = open_outbox(&device.data, "iot-hub-status.sqlite", STATUS_LIMITS)?;
    let (client, mut happened) = client::open(options);
    let hub = client.hub();
    let (interval, intervals) = watch::channel(config.telemetry_interval);
    let (desired, desires) = mpsc::channel(DESIRED);
    let doorway = router.doorway(AllowList::new(&config.allow));
    let counters = telemetry::Counters::default();

    let mut tasks = JoinSet::new();
    let source = Telemetry {
        router: router.clone(),
        events: event_box.clone(),
        status: status_box.clone(),
    };
    if config.events {
        tasks.spawn(source.clone().collect(events));
    }
    tasks.spawn(source.clone().tell_status(intervals));
    for outbox in [&event_box, &status_box] {
        let pump = Pump {
            outbox: outbox.clone(),
            hub: hub.clone(),
            counters: counters.clone(),
            batch: config.batch,
        };
        tasks.spawn(pump.pump());
    }
    let desk = Desk {
        doorway: doorway.clone(),
        hub: hub.clone(),
        interval,
        obeys: config.device_twin,
    };
    tasks.spawn(desk.run(desires));
    let shown = shown::Shown {
        router: router.clone(),
        hub: hub.clone(),
        outboxes: [event_box.watch(), status_box.watch()],
        counters,
        unkept,
    };
    let (received, receipts) = mpsc::channel(calls::RECEIPTS);
    tasks.spawn(shown.run(receipts));
    let uploads = uploads::Uploads::new(hub.clone());
    let collection = LogCollection {
        doorway: doorway.clone(),
        uploads: uploads.clone(),
    };
    tasks.spawn(collection.run());
    let mut calls = Calls::new(doorway, source, received, uploads, config.direct_methods);

    let ended = loop {
        let event = tokio::select! {
            () = shutdown.cancelled() => break Ok(()),
            event = happened.recv() => event,
            () = calls.progress() => continue,
        };
        match event {
            None => break Err(IotHubError::Ended),
            Some(Event::Assigned(assignment)) => keep(&kept, &assignment),
            Some(Event::Disowned) => forget(&kept),
            Some(Event::Desired(news)) => {
                router.cloud_twin().set_desired(amora_router::Desired {
                    version: news.version,
                    properties: news.all.clone(),
                    reported: news.reported.clone(),
                    readings: news.readings,
                });
                if desired.send(news).await.is_err() {
                    break Err(IotHubError::Ended);
                }
            }
            Some(Event::Method(call)) => calls.method(call),
            Some(Event::Message(message)) => calls.message(message),
        }
    };
    tasks.shutdown().await;
    client.close(GOODBYE).await;
    ended
}

/// An outbox on the disk; where that is impossible one in memory, and why.
fn open_outbox(data: &Path, name: &str, limits: Limits) -> Result<(Outbox, Option<String>), OutboxError> {
    match Outbox::open(&data.join(name), limits) {
        Ok(outbox) => Ok((outbox, None)),
        Err(error) => {
            tracing::error!(%error, "messages are kept in memory only");
            let outbox = Outbox::open(Path::new(":memory:"), limits)?;
            Ok((outbox, Some(error.to_string())))
        }
    }
}

fn keep(path: &Path, assignment: &Assignment) {
    if let Err(error) = private_file::write(path, &assignment.encode()) {
        tracing::warn!(path = %path.display(), %error, "the assigned hub is not kept; the next start asks again");
    }
}

fn forget(path: &Path) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "the hub that is void is still kept");
        }
        _ => {}
    }
}
