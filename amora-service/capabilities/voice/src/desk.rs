//! Answers commands, keeps the state, and tells what happened.

use crate::figures::Figures;
use crate::leg::{Status, stands};
use crate::microphone::Microphone;
use crate::run::{Sound, VoiceError, run};
use crate::speech::Speech;
use crate::uplink::Line;
use amora_audio::engine::Console;
use amora_contract::commands::VoiceCommand;
use amora_contract::config::{VoiceConfig, VoiceProtocol};
use amora_contract::state::{VoiceLink, VoiceState};
use amora_contract::units::Timestamp;
use amora_contract::{Command, CommandError, ErrorCode, EventKind, Reply};
use amora_router::{HealthReporter, Request, Seat};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// How often figures are published while there is a call; without one they change little, and the tenth is enough.
const FIGURES: Duration = Duration::from_secs(1);
const IDLE: u32 = 10;

/// Runs the capability until `shutdown`: the call, from the microphone and to the loudspeaker of the engine that there is,
/// its commands and its state. `device_id` is the box's name at the hub, unless the configuration has another.
///
/// # Errors
/// [`VoiceError`]; the service starts it again. Neither a hub nor a sound card that is away is an error.
pub async fn serve(
    seat: &mut Seat,
    config: VoiceConfig,
    device_id: &str,
    consoles: watch::Receiver<Option<Arc<Console>>>,
    shutdown: CancellationToken,
) -> Result<(), VoiceError> {
    let figures = Arc::new(Figures::new());
    let microphone = Microphone::new(figures.clone());
    let mute = Arc::new(AtomicBool::new(false));
    let listeners = seat.router().microphone().clone();
    let line = Line::new(microphone.clone(), figures.clone(), mute.clone(), listeners);
    let (barge_ins, mut heard) = mpsc::unbounded_channel();
    let speech = Speech::start(config.clone(), line, consoles, barge_ins).map_err(VoiceError::Thread)?;
    let sound = Sound {
        microphone,
        downlink: speech.downlink(),
        figures: figures.clone(),
    };
    let (wanted, wants) = watch::channel(true);
    let status = watch::Sender::new(Status::default());
    let mut told = status.subscribe();
    let device_id = config.device_id.as_deref().unwrap_or(device_id);
    let mut desk = Desk {
        health: seat.health("voice"),
        seat,
        speech,
        figures,
        mute,
        wanted,
        state: VoiceState {
            since: Timestamp::now(),
            hub: shown(&config),
            device_id: device_id.to_owned(),
            ..VoiceState::default()
        },
        health_page: String::new(),
        published: Instant::now(),
    };
    desk.health.starting();
    desk.publish();
    let call = run(&config, device_id, sound, wants, status, shutdown);
    tokio::pin!(call);
    let mut due = tokio::time::interval(FIGURES);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let end = loop {
        tokio::select! {
            end = &mut call => break end,
            request = desk.seat.requests.recv() => match request {
                Some(request) => desk.answer(request),
                None => break Err(VoiceError::SeatTaken),
            },
            Ok(()) = told.changed() => desk.follow(&told.borrow_and_update().clone()),
            Some(begun) = heard.recv() => desk.barge_in(begun),
            _ = due.tick() => desk.look(),
        }
    };
    desk.follow(&Status::default());
    // Its threads are waited for.
    let Desk { speech, .. } = desk;
    tokio::task::spawn_blocking(move || drop(speech)).await?;
    end
}

struct Desk<'a> {
    seat: &'a mut Seat,
    health: HealthReporter,
    speech: Speech,
    figures: Arc<Figures>,
    mute: Arc<AtomicBool>,
    wanted: watch::Sender<bool>,
    state: VoiceState,
    /// Why there is no health page, in plain words.
    health_page: String,
    published: Instant,
}

impl Desk<'_> {
    fn answer(&mut self, request: Request) {
        let Command::Voice(command) = request.command.clone() else {
            let error = CommandError::new(ErrorCode::Failed, "that is not a command for the call");
            return request.answer(Err(error));
        };
        match command {
            // Where it is wanted already, the next attempt is made at once.
            VoiceCommand::Connect => {
                self.wanted.send_replace(true);
            }
            VoiceCommand::Disconnect => {
                self.wanted.send_replace(false);
                self.speech.silence();
            }
            VoiceCommand::Mute(wish) => {
                self.mute.store(wish.mute, Ordering::Relaxed);
                self.state.mute = wish.mute;
            }
            VoiceCommand::GetStatus => {}
        }
        self.publish();
        request.answer(Ok(Reply::Voice(Box::new(self.state.clone()))));
    }

    /// The call is another way.
    fn follow(&mut self, status: &Status) {
        let before = self.state.link;
        self.speech.follow(status.link);
        self.health_page.clone_from(&status.health_page);
        self.state.cause.clone_from(&status.cause);
        if status.link != before {
            self.state.link = status.link;
            self.state.since = Timestamp::now();
        }
        let news = match (stands(before), stands(status.link)) {
            (false, true) => Some(EventKind::VoiceConnected {
                hub: self.state.hub.clone(),
            }),
            (true, false) => Some(EventKind::VoiceDisconnected {
                cause: status.cause.clone(),
            }),
            _ => None,
        };
        self.tell_health();
        self.publish();
        if let Some(news) = news {
            self.seat.publish_event(news);
        }
    }

    fn tell_health(&self) {
        let cause = &self.state.cause;
        let problem = self.speech.seen().problem;
        match self.state.link {
            VoiceLink::Connected | VoiceLink::Off if !problem.is_empty() => self.health.degraded(
                &format!("the call has no sound: {problem}"),
                "check [audio]; it is tried again by itself",
            ),
            VoiceLink::Connected | VoiceLink::Off if !self.health_page.is_empty() => self.health.degraded(
                &self.health_page,
                "free the port, or change voice.health_address; it is tried again by itself",
            ),
            VoiceLink::Connected | VoiceLink::Off => self.health.ok(),
            VoiceLink::Interrupted => self
                .health
                .degraded(cause, "check the network; the call is made again by itself"),
            VoiceLink::Waiting => self.health.degraded(
                cause,
                "check that the hub runs at the address in [voice]; it is called again by itself",
            ),
            VoiceLink::Connecting => {}
        }
    }

    fn barge_in(&mut self, begun: bool) {
        self.state.barge_in = begun;
        self.publish();
        self.seat.publish_event(EventKind::VoiceBargeIn { begun });
    }

    /// Tells how it is, and publishes the figures when it is time.
    fn look(&mut self) {
        self.tell_health();
        let idle = self.state.link != VoiceLink::Connected;
        let pause = if idle { IDLE * FIGURES } else { FIGURES };
        // A tick comes a little early or late.
        if self.published.elapsed() + FIGURES / 2 >= pause {
            self.publish();
        }
    }

    fn publish(&mut self) {
        let figures = self.figures.snapshot();
        self.state.counters = figures.counters;
        self.state.queues = figures.queues;
        self.state.uptime_seconds = figures.uptime.as_secs();
        self.state.audio_callback_duration_ms =
            (figures.audio_callback.as_secs_f64() * 100_000.0).round() / 100.0;
        self.state.echo = self.speech.seen().echo;
        let present = self.state.clone();
        self.seat.update_state(|state| state.voice = Some(present));
        self.published = Instant::now();
    }
}

/// Where the call goes, without what is secret in an address.
fn shown(config: &VoiceConfig) -> String {
    let urls = match config.protocol {
        VoiceProtocol::Hub => vec![config.hub_url.as_str()],
        VoiceProtocol::Whip => [&config.whip_url, &config.whep_url]
            .into_iter()
            .filter_map(|url| url.as_deref())
            .collect(),
    };
    let shown = urls.into_iter().filter_map(|url| {
        let mut url = reqwest::Url::parse(url).ok()?;
        // An address that can't have them has none.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.set_fragment(None);
        Some(url.as_str().trim_end_matches('/').to_owned())
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        let mut config = VoiceConfig {
            hub_url: "https://box:word@hub.example/voice?key=1#x".to_owned(),
            ..VoiceConfig::default()
        };
        assert_eq!(shown(&config), "https://hub.example/voice");
        config.protocol = VoiceProtocol::Whip;
        config.whip_url = Some("https://m.example/whip".to_owned());
        config.whep_url = Some("https://m.example/whep?token=1".to_owned());
        assert_eq!(shown(&config), "https://m.example/whip https://m.example/whep");
    }
}
