//! The capability as a whole: its calls, its health page and its line in the log.

use crate::call::Patience;
use crate::dialect::LogLine;
use crate::figures::Figures;
use crate::health;
use crate::leg::{Downlink, Leg, Status};
use crate::microphone::Microphone;
use crate::session::{Direction, Sessions, WebRtcSessions};
use crate::signalling::{Hub, Signalling, SignallingError, Whip};
use amora_contract::config::{VoiceConfig, VoiceProtocol};
use amora_contract::state::VoiceLink;
use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Time between lines in the log.
const LINE: Duration = Duration::from_secs(10);

/// Why the capability ended.
#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    /// An address to call is none.
    #[error(transparent)]
    Address(#[from] SignallingError),
    /// Nobody is to be called.
    #[error("neither `voice.whip_url` nor `voice.whep_url` says whom to call")]
    NoAddress,
    /// Another part took the seat.
    #[error("another part answers for the call now")]
    SeatTaken,
    /// A thread could not be started.
    #[error("the thread of the call can't be started: {0}")]
    Thread(#[source] std::io::Error),
    /// A task of ours ended badly.
    #[error("a task of the voice capability ended badly: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// Where the sound of a call comes from and goes to.
pub struct Sound {
    /// What is sent. It counts in `figures`.
    pub microphone: Microphone,
    /// Who takes what comes.
    pub downlink: Box<dyn Downlink>,
    /// Where everything is counted.
    pub figures: Arc<Figures>,
}

/// Runs the capability until `shutdown`: the call is made while it is `wanted`, and how it is told to `status`.
///
/// # Errors
/// [`VoiceError`]. A hub that cannot be reached is no error: it is called again.
pub async fn run(
    config: &VoiceConfig,
    device_id: &str,
    sound: Sound,
    wanted: watch::Receiver<bool>,
    status: watch::Sender<Status>,
    shutdown: CancellationToken,
) -> Result<(), VoiceError> {
    let figures = sound.figures.clone();
    let mut tasks = JoinSet::new();
    let mut told = Vec::new();
    for leg in legs(config, device_id, sound)? {
        told.push(leg.status.subscribe());
        tasks.spawn(leg.run(wanted.clone(), shutdown.clone()));
    }
    let page = watch::Sender::new(String::new());
    let mut page_told = page.subscribe();
    if let Some(address) = config.health_address.clone() {
        let (figures, shutdown) = (figures.clone(), shutdown.clone());
        tasks.spawn(async move { health::keep(&address, &figures, &page, &shutdown).await });
    }
    let mut told = told.into_iter();
    let (mut first, mut second) = (told.next(), told.next());
    let mut line = LogLine::default();
    let mut due = tokio::time::interval_at(tokio::time::Instant::now() + LINE, LINE);
    loop {
        tokio::select! {
            ended = tasks.join_next() => match ended {
                Some(ended) => ended?,
                None => {
                    publish(&status, &figures, [&first, &second], &page_told);
                    return Ok(());
                }
            },
            () = changed(&mut first) => {}
            () = changed(&mut second) => {}
            Ok(()) = page_told.changed() => {}
            _ = due.tick() => tracing::info!("{}", line.next(&figures.snapshot())),
        }
        publish(&status, &figures, [&first, &second], &page_told);
    }
}

/// Waits until a call tells something. One that ended for good, or is not there, never does.
async fn changed(status: &mut Option<watch::Receiver<Status>>) {
    if let Some(told) = status
        && told.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// Publishes the state of the calls together, that of the one that is furthest from a connection, and of the health page.
fn publish(
    status: &watch::Sender<Status>,
    figures: &Figures,
    told: [&Option<watch::Receiver<Status>>; 2],
    page: &watch::Receiver<String>,
) {
    let all = told.into_iter().flatten().map(|told| told.borrow().clone());
    let Some(mut worst) = all.min_by_key(|status| nearness(status.link)) else {
        return;
    };
    worst.health_page.clone_from(&page.borrow());
    figures.set_connected(worst.link == VoiceLink::Connected);
    status.send_if_modified(|shared| {
        let differs = *shared != worst;
        *shared = worst;
        differs
    });
}

const fn nearness(link: VoiceLink) -> u8 {
    match link {
        VoiceLink::Off => 0,
        VoiceLink::Waiting => 1,
        VoiceLink::Connecting => 2,
        VoiceLink::Interrupted => 3,
        VoiceLink::Connected => 4,
    }
}

/// The calls that the configuration asks for.
fn legs(config: &VoiceConfig, device_id: &str, sound: Sound) -> Result<Vec<Leg>, VoiceError> {
    let Sound {
        microphone,
        downlink,
        figures,
    } = sound;
    let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let patience = Patience {
        first: seconds(config.reconnect_delay.0),
        longest: seconds(config.max_reconnect_delay.0.max(config.reconnect_delay.0)),
        grace: seconds(config.disconnected_grace.0),
    };
    let sessions: Arc<dyn Sessions> = Arc::new(WebRtcSessions);
    let leg = |signalling: Box<dyn Signalling>, direction, url: &str| Leg {
        signalling,
        sessions: sessions.clone(),
        direction,
        addresses: addresses(url),
        patience,
        microphone: None,
        downlink: None,
        figures: figures.clone(),
        status: watch::Sender::new(Status::default()),
    };
    let mut legs = Vec::new();
    match config.protocol {
        VoiceProtocol::Hub => {
            let device_id = config.device_id.as_deref().unwrap_or(device_id);
            let hub = Hub::new(&config.hub_url, device_id)?;
            let mut leg = leg(Box::new(hub), Direction::Both, &config.hub_url);
            leg.microphone = Some(microphone);
            leg.downlink = Some(downlink);
            legs.push(leg);
        }
        VoiceProtocol::Whip => {
            if let Some(url) = &config.whip_url {
                let whip = Whip::new(url, config.token.clone(), Direction::Send)?;
                let mut leg = leg(Box::new(whip), Direction::Send, url);
                leg.microphone = Some(microphone);
                legs.push(leg);
            }
            if let Some(url) = &config.whep_url {
                let whep = Whip::new(url, config.token.clone(), Direction::Receive)?;
                let mut leg = leg(Box::new(whep), Direction::Receive, url);
                leg.downlink = Some(downlink);
                legs.push(leg);
            }
        }
    }
    if legs.is_empty() {
        return Err(VoiceError::NoAddress);
    }
    Ok(legs)
}

/// The local addresses to be reached at: each of the box's, and loopback where the hub is on the box itself.
fn addresses(url: &str) -> Vec<String> {
    let mut addresses = vec!["0.0.0.0:0".to_owned()];
    if has_ipv6() {
        addresses.push("[::]:0".to_owned());
    }
    let host = reqwest::Url::parse(url).ok();
    match host.as_ref().and_then(|url| url.host_str()) {
        Some("localhost" | "127.0.0.1") => addresses.push("127.0.0.1:0".to_owned()),
        Some("[::1]") => addresses.push("[::1]:0".to_owned()),
        _ => {}
    }
    addresses
}

/// Whether there is a way to the world by IPv6: nothing is sent to this address of the documentation prefix.
fn has_ipv6() -> bool {
    UdpSocket::bind("[::]:0").is_ok_and(|socket| socket.connect("[2001:db8::1]:9").is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Deaf;

    impl Downlink for Deaf {
        fn begin(&mut self) {}
        fn arrived(&mut self, _arrival: crate::session::Arrival) {}
        fn end(&mut self) {}
    }

    fn made(config: &VoiceConfig) -> Result<Vec<(Direction, bool, bool)>, String> {
        let figures = Arc::new(Figures::new());
        let sound = Sound {
            microphone: Microphone::new(figures.clone()),
            downlink: Box::new(Deaf),
            figures,
        };
        let legs = legs(config, "box", sound).map_err(|error| error.to_string())?;
        Ok(legs
            .iter()
            .map(|leg| (leg.direction, leg.microphone.is_some(), leg.downlink.is_some()))
            .collect())
    }

    #[test]
    fn a_hub_takes_one_call_and_a_media_server_one_for_each_way() {
        let mut config = VoiceConfig::default();
        assert_eq!(made(&config), Ok(vec![(Direction::Both, true, true)]));
        config.protocol = VoiceProtocol::Whip;
        assert!(made(&config).unwrap_err().contains("whip_url"));
        config.whep_url = Some("https://media.example/whep".to_owned());
        assert_eq!(made(&config), Ok(vec![(Direction::Receive, false, true)]));
        config.whip_url = Some("https://media.example/whip".to_owned());
        assert_eq!(
            made(&config),
            Ok(vec![
                (Direction::Send, true, false),
                (Direction::Receive, false, true)
            ])
        );
        config.whip_url = Some("media.example".to_owned());
        assert!(made(&config).unwrap_err().contains("no address to call"));
    }

    #[test]
    fn loopback_is_for_a_hub_on_the_box_itself() {
        let has_loopback = |url| addresses(url).iter().any(|address| address.starts_with("127."));
        assert!(has_loopback("http://localhost:8080"));
        assert!(!has_loopback("http://hub.local:8080"));
        assert!(!has_loopback("nonsense"));
    }
}
