//! What the hearing needs to know.

use super::{EngineFactory, engines};
use amora_contract::config::{EchoEngine, VoiceConfig};
use amora_contract::units::Hertz;

/// What the hearing needs to know.
pub struct HearingOptions {
    /// The engine asked for.
    pub engine: EchoEngine,
    /// Takes away what is below, from the clean bus only.
    pub high_pass: Option<Hertz>,
    /// Lowers the room's noise on the clean bus.
    pub noise_suppression: bool,
    /// Brings talkers to one level on the clean bus.
    pub gain_control: bool,
    /// Makes engines.
    pub factory: EngineFactory,
}

impl HearingOptions {
    /// The engine that suits, above 80 Hz, and nothing else.
    pub fn new(factory: EngineFactory) -> Self {
        Self {
            engine: EchoEngine::Auto,
            high_pass: Some(Hertz(80.0)),
            noise_suppression: false,
            gain_control: false,
            factory,
        }
    }

    /// What a configuration asks for, with the engines there are.
    pub fn from_config(config: &VoiceConfig) -> Self {
        Self {
            engine: config.echo.engine,
            noise_suppression: config.noise_suppression,
            gain_control: config.gain_control,
            ..Self::new(engines(&config.echo))
        }
    }
}

impl std::fmt::Debug for HearingOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HearingOptions")
            .field("engine", &self.engine)
            .field("high_pass", &self.high_pass)
            .field("noise_suppression", &self.noise_suppression)
            .field("gain_control", &self.gain_control)
            .finish_non_exhaustive()
    }
}
