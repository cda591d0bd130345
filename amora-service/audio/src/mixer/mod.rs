//! The mixer: sources by priority, ducking, volume, limiter. A plain state machine without clock or thread.

mod ducker;
mod input;
mod limiter;
mod smoother;
#[cfg(test)]
mod tests;

pub(crate) use input::{Edges, Input, Rendered, sanitise};

use crate::engine::SourceKind;
use crate::music::MusicPlayer;
use amora_contract::config::DuckingConfig;
use amora_contract::units::Decibels;
use ducker::{DuckGain, Ducker};
use limiter::Limiter;
use smoother::Smoother;

/// Most frames that the mixer works on at once.
pub(crate) const BLOCK: usize = 256;

/// Most sources at one time, music not counted.
pub(crate) const MAX_SOURCES: usize = 32;

/// Highest gain of a source or of the whole.
const HIGHEST_GAIN: Decibels = Decibels(12.0);

/// A gain as a factor; what is no number is silence, what is too much is [`HIGHEST_GAIN`].
pub(crate) fn gain_factor(gain: Decibels) -> f32 {
    if gain.0.is_nan() {
        0.0
    } else {
        Decibels(gain.0.min(HIGHEST_GAIN.0)).to_linear()
    }
}

/// What the mixer did in one period.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Mixed {
    /// Which kinds delivered frames.
    pub(crate) sounding: [bool; SourceKind::ALL.len()],
    /// Lowest gain of the limiter, 1 where it rested.
    pub(crate) limiting: f32,
    /// Sources that ran dry in the middle.
    pub(crate) underruns: u64,
    /// Times that music began to be ducked.
    pub(crate) ducked: u64,
    /// Whether the period is digital silence.
    pub(crate) silent: bool,
}

/// Everything between the sources and the card.
#[derive(Debug)]
pub(crate) struct Mixer {
    rate: f64,
    // Boxed by the console, so that the real-time thread can take one in and give it back without allocating.
    #[allow(clippy::vec_box)]
    inputs: Vec<Box<Input>>,
    music: Option<MusicPlayer>,
    music_gain: Smoother,
    ducker: Ducker,
    music_ducked: bool,
    volume: Smoother,
    limiter: Limiter,
    block: Box<[f32; BLOCK * 2]>,
}

impl Mixer {
    pub(crate) fn new(
        rate: f64,
        limit: Decibels,
        ducking: &DuckingConfig,
        music: Option<MusicPlayer>,
    ) -> Self {
        Self {
            rate,
            inputs: Vec::with_capacity(MAX_SOURCES),
            music,
            music_gain: Smoother::new(1.0, rate),
            ducker: Ducker::new(ducking, rate),
            music_ducked: false,
            volume: Smoother::new(0.0, rate),
            limiter: Limiter::new(limit, rate),
            block: Box::new([0.0; BLOCK * 2]),
        }
    }

    /// Takes a source in, or gives it back when there are too many.
    pub(crate) fn add(&mut self, input: Box<Input>) -> Result<(), Box<Input>> {
        if self.inputs.len() == MAX_SOURCES {
            return Err(input);
        }
        self.inputs.push(input);
        Ok(())
    }

    /// Takes out a source whose writer is gone and that can be heard no longer.
    pub(crate) fn take_finished(&mut self) -> Option<Box<Input>> {
        let index = self.inputs.iter().position(|input| input.is_finished())?;
        Some(self.inputs.swap_remove(index))
    }

    pub(crate) fn rate(&self) -> f64 {
        self.rate
    }

    pub(crate) fn set_volume(&mut self, factor: f32) {
        self.volume.set_target(factor);
    }

    pub(crate) fn set_music_gain(&mut self, factor: f32) {
        self.music_gain.set_target(factor);
    }

    pub(crate) fn set_ducking(&mut self, config: &DuckingConfig) {
        self.ducker.configure(config);
    }

    pub(crate) fn set_limit(&mut self, limit: Decibels) {
        self.limiter.set_limit(limit);
    }

    /// The present gain that ducking leaves to music.
    pub(crate) fn ducking(&self) -> Decibels {
        self.ducker.decibels(SourceKind::Music)
    }

    /// Begins again from silence: for a card that starts anew.
    pub(crate) fn restart(&mut self) {
        self.volume.jump(0.0);
        self.limiter.clear();
    }

    /// Whether the volume has come down to nothing and nothing is left in the limiter.
    pub(crate) fn has_faded_out(&self) -> bool {
        self.volume.is_settled() && self.volume.value() == 0.0 && self.limiter.is_silent()
    }

    /// Frames by which the output is later than the sources.
    #[cfg(test)]
    pub(crate) fn latency(&self) -> usize {
        self.limiter.latency()
    }

    /// Mixes one period of interleaved stereo at the computer's time `now`, in nanoseconds.
    pub(crate) fn process(&mut self, output: &mut [f32], now: u64) -> Mixed {
        if let Some(music) = &mut self.music {
            music.observe(now, output.len() / 2);
        }
        let mut mixed = Mixed {
            limiting: 1.0,
            silent: true,
            ..Mixed::default()
        };
        for block in output.chunks_mut(BLOCK * 2) {
            self.process_block(block, &mut mixed);
        }
        mixed
    }

    fn process_block(&mut self, output: &mut [f32], mixed: &mut Mixed) {
        let frames = output.len() / 2;
        output.fill(0.0);
        let mut audible = false;
        let mut sounding = [false; SourceKind::ALL.len()];

        // Everything is rendered before the gains are known: what sounds now ducks now. The first pass asks, the
        // second adds, most important first.
        for input in &self.inputs {
            sounding[input.kind() as usize] |= input.will_sound();
        }
        sounding[SourceKind::Music as usize] |= self.music.as_ref().is_some_and(MusicPlayer::will_sound);
        self.ducker.advance(&sounding, frames);
        let ducked = self.ducker.wants(SourceKind::Music) && sounding[SourceKind::Music as usize];
        mixed.ducked += u64::from(ducked && !self.music_ducked);
        self.music_ducked = ducked;

        let block = &mut self.block[..frames * 2];
        for input in &mut self.inputs {
            let rendered = input.render(block);
            mixed.underruns += u64::from(rendered.underrun);
            mixed.sounding[input.kind() as usize] |= rendered.sounding;
            if rendered.audible {
                audible = true;
                input.gain.apply(block);
                add(output, block, self.ducker.gain(input.kind(), frames));
            } else {
                input.gain.skip(frames);
            }
        }
        let rendered = match &mut self.music {
            Some(music) => music.render(block),
            None => input::Rendered::default(),
        };
        mixed.underruns += u64::from(rendered.underrun);
        mixed.sounding[SourceKind::Music as usize] |= rendered.sounding;
        if rendered.audible {
            audible = true;
            self.music_gain.apply(block);
            add(output, block, self.ducker.gain(SourceKind::Music, frames));
        } else {
            self.music_gain.skip(frames);
        }

        if audible || !self.limiter.is_silent() {
            self.volume.apply(output);
            mixed.limiting = mixed.limiting.min(self.limiter.process(output));
            mixed.silent = false;
        } else {
            self.volume.skip(frames);
        }
    }
}

fn add(output: &mut [f32], block: &[f32], gain: DuckGain<'_>) {
    match gain {
        DuckGain::Constant(1.0) => {
            for (sum, sample) in output.iter_mut().zip(block) {
                *sum += sample;
            }
        }
        DuckGain::Constant(gain) => {
            for (sum, sample) in output.iter_mut().zip(block) {
                *sum += sample * gain;
            }
        }
        DuckGain::Moving(gains) => {
            for ((sum, sample), gain) in output.chunks_exact_mut(2).zip(block.chunks_exact(2)).zip(gains) {
                sum[0] += sample[0] * gain;
                sum[1] += sample[1] * gain;
            }
        }
    }
}
