//! A card with nothing behind it: sound goes nowhere at the right pace.

use super::pace::Pacer;
use super::{Card, CardError, CardFormat, CardSlot, Turn};
use amora_contract::units::{Frames, Hertz, PartsPerMillion};

/// The null card's slot.
#[derive(Debug, Clone)]
pub struct NullSlot {
    rate: Hertz,
    period: Frames,
    buffer: Frames,
}

impl NullSlot {
    /// A null card of this rate, period, and number of periods in its buffer.
    pub fn new(rate: Hertz, period: Frames, periods: u32) -> Self {
        let period = Frames(period.0.max(1));
        Self {
            rate,
            period,
            buffer: Frames(period.0 * u64::from(periods.max(2))),
        }
    }
}

impl CardSlot for NullSlot {
    fn open(&mut self) -> Result<Box<dyn Card>, CardError> {
        Ok(Box::new(NullCard {
            format: CardFormat {
                rate: self.rate,
                period: self.period,
                buffer: self.buffer,
                sample_format: "FLOAT_LE",
                capture: false,
            },
            pacer: Pacer::real_time(self.rate, PartsPerMillion(0.0), self.buffer),
        }))
    }

    fn kind(&self) -> &'static str {
        "null"
    }

    fn device(&self) -> &str {
        "null"
    }

    fn profile(&self) -> &str {
        "none"
    }
}

#[derive(Debug)]
struct NullCard {
    format: CardFormat,
    pacer: Pacer,
}

impl Card for NullCard {
    fn format(&self) -> &CardFormat {
        &self.format
    }

    fn turn(&mut self, _output: &[f32], _input: &mut [f32]) -> Result<Turn, CardError> {
        let pace = self.pacer.write(self.format.period)?;
        Ok(Turn {
            captured: Frames(0),
            playback_delay: pace.delay,
            capture_delay: Frames(0),
            nanoseconds: pace.nanoseconds,
        })
    }
}
