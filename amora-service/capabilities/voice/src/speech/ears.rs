//! The microphone's side: what one engine hears without the box's own sound, and its way to the call.

use crate::figures::{Figures, Meter};
use crate::monitor;
use crate::uplink::{self, Line};
use amora_audio::echo::BLOCK;
use amora_audio::engine::Console;
use amora_audio::hearing::{self, HearingEvent, HearingOptions, HearingThread, Kind};
use amora_audio::worker::Worker;
use amora_contract::config::{EchoEngine, VoiceConfig};
use amora_contract::state::EchoState;

/// Its parts end in this order.
pub(super) struct Ears {
    _uplink: Worker,
    _monitor: Worker,
    hearing: HearingThread,
    /// Blocks of the hearing that were counted.
    blocks: u64,
}

impl Ears {
    /// Begins to hear, and to send what is heard.
    pub(super) fn open(console: &Console, config: &VoiceConfig, line: &Line) -> Result<Self, String> {
        let options = HearingOptions::from_config(config);
        let hearing = HearingThread::start(console, options).map_err(|error| error.to_string())?;
        let uplink = uplink::start(hearing.clean(), line.clone(), config)?;
        let monitor = monitor::start(&hearing, line.listeners.clone())?;
        Ok(Self {
            _uplink: uplink,
            _monitor: monitor,
            hearing,
            blocks: 0,
        })
    }

    /// Whether somebody began or ceased to speak while the box does, if either happened.
    pub(super) fn poll(&self) -> Option<bool> {
        loop {
            match self.hearing.poll_event()? {
                HearingEvent::NearEndBegan { .. } => return Some(true),
                HearingEvent::NearEndEnded { .. } => return Some(false),
                HearingEvent::EngineChanged { engine, why } => {
                    let engine = engine.map_or("off", Kind::name);
                    tracing::info!(engine, why, "the echo canceller changed");
                }
                HearingEvent::Realigned { delay } => {
                    tracing::info!(frames = delay, "the echo's delay was found");
                }
            }
        }
    }

    /// Counts what was heard since the last reading, and tells how the canceller is.
    pub(super) fn read(&mut self, processed: &mut Meter, figures: &Figures) -> EchoState {
        let hearing = self.hearing.figures();
        let blocks = hearing.blocks - std::mem::replace(&mut self.blocks, hearing.blocks);
        if hearing.engine.is_some() {
            processed.add(blocks * BLOCK as u64, figures);
        }
        echo_state(hearing)
    }
}

fn echo_state(figures: hearing::Figures) -> EchoState {
    EchoState {
        engine: match figures.engine {
            None => EchoEngine::Off,
            Some(Kind::Speex) => EchoEngine::Speex,
            Some(Kind::Aec3) => EchoEngine::Aec3,
            Some(Kind::Kalman) => EchoEngine::Kalman,
        },
        reason: figures.why,
        erle: figures.echo_reduction,
        delay_ms: figures.delay.map(|frames| (frames / 4.8).round() / 10.0),
        drift: figures.drift,
        double_talk: f64::from(figures.double_talk),
        gain: figures.gain,
    }
}
