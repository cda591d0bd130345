//! The engines there are.

use super::RATE;
use crate::echo::EchoCanceller;
use crate::echo::aec3::{Aec3, Tuning};
use crate::echo::kalman::{KalmanCanceller, Settings};
use crate::echo::speex::Speex;
use amora_contract::config::EchoConfig;

/// An echo canceller at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Speex's: linear, leaves the near talker alone, wants one clock and a punctual reference.
    Speex,
    /// That of WebRTC: bears late references and loudspeakers that are not linear, and ducks the near talker.
    Aec3,
    /// Our own.
    Kalman,
}

impl Kind {
    /// The name in settings and states.
    pub fn name(self) -> &'static str {
        match self {
            Self::Speex => "speex",
            Self::Aec3 => "aec3",
            Self::Kalman => "kalman",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Makes engines. An engine that is not there is an error in plain words.
pub type EngineFactory = Box<dyn FnMut(Kind) -> Result<Box<dyn EchoCanceller>, String> + Send>;

/// The engines there are, with the tail and the suppression of a configuration where they have them.
pub fn engines(config: &EchoConfig) -> EngineFactory {
    let tail = config.tail.frames(RATE);
    let suppress = config.suppression;
    Box::new(move |kind| {
        Ok(match kind {
            Kind::Speex => Box::new(Speex::new(tail).map_err(|error| error.to_string())?),
            Kind::Aec3 => Box::new(Aec3::new(Tuning::Standard)),
            Kind::Kalman => Box::new(KalmanCanceller::new(Settings {
                tail,
                suppress,
                ..Settings::default()
            })),
        })
    })
}
