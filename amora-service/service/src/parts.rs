//! The capabilities and doors that this box has, and how each is started.

use crate::supervise::supervise;
use amora_audio::engine::Console;
use amora_contract::config::{DeviceConfig, WebConfig};
use amora_contract::{Config, Section};
use amora_router::Router;
use std::fmt::Display;
use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// One running part.
pub(crate) struct Part {
    name: &'static str,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Part {
    /// Asks the part to end and waits until it has.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(part = self.name, %error, "part ended badly");
        }
    }

    /// The part's name: its key in `system.health`, and the section of the configuration that it is made from.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }
}

/// The names of all parts, in the order in which they start. Doors come last, so that what they show is there.
pub(crate) const NAMES: [&str; 9] = [
    "audio", "player", "voice", "box", "update", "setup", "mqtt", "iot_hub", "web",
];

/// What parts meet at.
#[derive(Clone, Default)]
pub(crate) struct Meeting {
    pub(crate) router: Router,
    /// The controls of the sound engine that there is: from the part that owns it, to those that sound and hear by it.
    consoles: watch::Sender<Option<Arc<Console>>>,
}

/// Starts one part, if the configuration has it.
pub(crate) fn start(name: &'static str, meeting: &Meeting, config: &Config) -> Option<Part> {
    let Meeting { router, consoles } = meeting;
    let device = config.device.clone();
    let data = device.data.clone();
    Some(match name {
        "audio" => {
            let (audio, consoles) = (config.audio.clone(), consoles.clone());
            capability(name, router, Section::Audio, move |mut seat, shutdown| {
                let (audio, data, consoles) = (audio.clone(), data.clone(), consoles.clone());
                async move { amora_sound::run(&mut seat, audio, data, consoles, shutdown).await }
            })
        }
        "voice" => {
            let (voice, consoles) = (config.voice.clone()?, consoles.clone());
            capability(name, router, Section::Voice, move |mut seat, shutdown| {
                let (voice, id, consoles) = (voice.clone(), device.id.clone(), consoles.subscribe());
                async move { amora_voice::serve(&mut seat, voice, &id, consoles, shutdown).await }
            })
        }
        "player" => {
            let player = config.player.clone()?;
            capability(name, router, Section::Player, move |mut seat, shutdown| {
                let (player, data) = (player.clone(), data.clone());
                async move { amora_player::run(&mut seat, player, data, shutdown).await }
            })
        }
        "box" => {
            // The same helper does both; without a section for updates it lies where it lies on every image.
            let helper = config.update.clone().unwrap_or_default().helper;
            capability(name, router, Section::Box, move |mut seat, shutdown| {
                let helper = helper.clone();
                async move { amora_update::run_box(&mut seat, &helper, shutdown).await }
            })
        }
        "update" => {
            let update = config.update.clone()?;
            let surroundings = amora_update::Surroundings {
                data,
                root: PathBuf::from("/"),
                page: config.web.as_ref().and_then(page),
                roots: amora_update::device_update::Roots::production(),
                systemctl: PathBuf::from("systemctl"),
            };
            capability(name, router, Section::Update, move |mut seat, shutdown| {
                let (update, surroundings) = (update.clone(), surroundings.clone());
                async move { amora_update::run(&mut seat, update, surroundings, shutdown).await }
            })
        }
        "setup" => {
            let setup = config.setup.clone()?;
            let commands = router.clone();
            part(name, router, move |shutdown| {
                let (router, setup, device) = (commands.clone(), setup.clone(), device.clone());
                async move { amora_setup::run(router, setup, device, shutdown).await }
            })
        }
        "mqtt" => {
            let mqtt = config.mqtt.clone()?;
            let door = router.clone();
            part(name, router, move |shutdown| {
                let (router, mqtt, device) = (door.clone(), mqtt.clone(), device.clone());
                async move { amora_mqtt::run(router, mqtt, device, shutdown).await }
            })
        }
        "iot_hub" => {
            let hub = config.iot_hub.clone()?;
            let door = router.clone();
            part(name, router, move |shutdown| {
                let (router, hub, device) = (door.clone(), hub.clone(), device.clone());
                async move { amora_iot_hub::run(router, hub, device, shutdown).await }
            })
        }
        "web" => {
            let web = config.web.clone()?;
            let door = router.clone();
            part(name, router, move |shutdown| {
                let (router, web, device) = (door.clone(), web.clone(), device.clone());
                async move {
                    let server = amora_web::Server::bind(router, web, device.clone()).await?;
                    greet(&device, &server);
                    server.run(shutdown).await
                }
            })
        }
        _ => return None,
    })
}

/// The page's address as seen from the box itself; unknown where the port is whichever is free.
fn page(web: &WebConfig) -> Option<String> {
    let host = match web.address.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) if address.is_unspecified() => "[::1]".to_owned(),
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        Ok(address) if address.is_unspecified() => "127.0.0.1".to_owned(),
        Ok(address) => address.to_string(),
        Err(_) => return None,
    };
    (web.port != 0).then(|| format!("http://{host}:{}/", web.port))
}

/// Shows where the page is, with the login code, to whoever sits at the console. The log does not get the code.
fn greet(device: &DeviceConfig, server: &amora_web::Server) {
    let address = server.address();
    tracing::info!(%address, "the page is open");
    let port = address.port();
    let host = if address.ip().is_unspecified() {
        "localhost".to_owned()
    } else {
        address.ip().to_string()
    };
    if std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        println!(
            "{}: http://{host}:{port}/#code={}",
            device.name,
            server.login_code()
        );
    }
}

fn capability<F, E>(
    name: &'static str,
    router: &Router,
    section: Section,
    run: impl Fn(amora_router::Seat, CancellationToken) -> F + Send + 'static,
) -> Part
where
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Display + Send + 'static,
{
    let seats = router.clone();
    part(name, router, move |shutdown| {
        run(seats.take_seat(section), shutdown)
    })
}

fn part<F, E>(
    name: &'static str,
    router: &Router,
    run: impl Fn(CancellationToken) -> F + Send + 'static,
) -> Part
where
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Display + Send + 'static,
{
    let shutdown = CancellationToken::new();
    let life = move |shutdown| {
        let run = run(shutdown);
        tokio::spawn(async move { run.await.map_err(|error| error.to_string()) })
    };
    let task = tokio::spawn(supervise(name, router.clone(), shutdown.clone(), life));
    Part { name, shutdown, task }
}
