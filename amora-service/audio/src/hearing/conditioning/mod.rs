//! What is done to the microphone's sound once the echo is out of it: its noise is lowered, its talkers are brought to one
//! level. Each only where it is asked for.

mod gain_control;
mod limiter;
mod noise_suppressor;
mod presence;
#[cfg(test)]
mod tests;

use crate::echo::BLOCK;
use crate::echo::kalman::spectrum::Transform;
use amora_contract::units::{Decibels, Frames};
use gain_control::{Circumstances, GainControl};
use noise_suppressor::NoiseSuppressor;
use presence::Presence;

/// No microphone is louder; what were would never be forgotten.
const LOUDEST: f32 = 8.0;

pub(super) struct Conditioner {
    transform: Transform,
    presence: Presence,
    noise: Option<NoiseSuppressor>,
    gain: Option<GainControl>,
}

impl std::fmt::Debug for Conditioner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conditioner")
            .field("noise", &self.noise.is_some())
            .field("gain", &self.gain())
            .finish_non_exhaustive()
    }
}

impl Conditioner {
    pub(super) fn new(noise_suppression: bool, gain_control: bool) -> Self {
        Self {
            transform: Transform::new(),
            presence: Presence::new(),
            noise: noise_suppression.then(NoiseSuppressor::new),
            gain: gain_control.then(GainControl::new),
        }
    }

    /// By how much what comes out is late.
    pub(super) fn latency(&self) -> Frames {
        let noise = self.noise.as_ref().map_or(0, |_| NoiseSuppressor::LATENCY);
        let gain = self.gain.as_ref().map_or(0, |_| GainControl::LATENCY);
        Frames((noise + gain) as u64)
    }

    /// The gain in force; `None` where it is not controlled.
    pub(super) fn gain(&self) -> Option<Decibels> {
        self.gain.as_ref().map(GainControl::gain)
    }

    /// Conditions a block in place; bit for bit the same where nothing is asked for. `echo` says that the box sounds and
    /// nobody else is known to speak.
    pub(super) fn process(&mut self, block: &mut [f32; BLOCK], echo: bool) {
        if self.noise.is_none() && self.gain.is_none() {
            return;
        }
        for sample in block.iter_mut() {
            *sample = sample.clamp(-LOUDEST, LOUDEST);
        }
        self.presence.observe(block, &mut self.transform);
        let mut noise = self.presence.noise_power();
        if let Some(suppressor) = &mut self.noise {
            suppressor.process(&self.presence, block, &mut self.transform);
            noise = NoiseSuppressor::left_of(noise);
        }
        if let Some(control) = &mut self.gain {
            let circumstances = Circumstances {
                speech: self.presence.speech(),
                noise,
                echo,
            };
            control.process(block, circumstances);
        }
    }
}
