//! Feeds those who listen along, and costs nothing while nobody does.

use amora_audio::engine::Engine;
use amora_audio::pcm::to_s16;
use amora_contract::units::Hertz;
use amora_router::{Router, SOUND_BLOCK_FRAMES, SOUND_RATE, SoundBlock};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Resampler, SincInterpolationParameters, SincInterpolationType, WindowFunction,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How soon a new listener hears something.
const LOOK: Duration = Duration::from_millis(250);

/// How often what was played is taken over.
const TAKE: Duration = Duration::from_millis(20);

/// Sends what leaves the card to the router, for as long as it is not aborted.
pub(crate) async fn feed_sound(router: Router, engine: Arc<Engine>) {
    loop {
        tokio::time::sleep(LOOK).await;
        if router.sound().receiver_count() == 0 {
            continue;
        }
        let mut tap = match engine.tap() {
            Ok(tap) => tap,
            Err(error) => {
                tracing::warn!(%error, "nobody can listen along");
                continue;
            }
        };
        let mut blocks = Blocks::new(engine.rate());
        let mut ticks = tokio::time::interval(TAKE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while router.sound().receiver_count() > 0 {
            ticks.tick().await;
            tap.read_all(&mut blocks.waiting);
            while let Some(block) = blocks.next() {
                // An error only means that the last listener has just left.
                let _ = router.sound().send(block);
            }
        }
    }
}

/// Cuts what was played into blocks of the listening stream's rate and format.
struct Blocks {
    waiting: Vec<f32>,
    resampler: Option<Async<f32>>,
    block: Vec<f32>,
}

impl Blocks {
    fn new(rate: Hertz) -> Self {
        let ratio = f64::from(SOUND_RATE) / rate.0;
        let parameters = SincInterpolationParameters::new(64, WindowFunction::Blackman2)
            .oversampling_factor(128)
            .interpolation(SincInterpolationType::Quadratic);
        let resampler = ((ratio - 1.0).abs() > 1e-9)
            .then(|| Async::new_sinc(ratio, 1.0, &parameters, SOUND_BLOCK_FRAMES, 2, FixedAsync::Output));
        Self {
            waiting: Vec::new(),
            // A rate that can't be resampled is no rate of any card; the stream is then silent.
            resampler: resampler.and_then(Result::ok),
            block: vec![0.0; 2 * SOUND_BLOCK_FRAMES],
        }
    }

    fn next(&mut self) -> Option<SoundBlock> {
        let needed = match &self.resampler {
            Some(resampler) => resampler.input_frames_next(),
            None => SOUND_BLOCK_FRAMES,
        };
        if self.waiting.len() < 2 * needed {
            return None;
        }
        let input = &self.waiting[..2 * needed];
        match &mut self.resampler {
            None => self.block.copy_from_slice(input),
            Some(resampler) => {
                let from = InterleavedSlice::new(input, 2, needed).ok()?;
                let mut to = InterleavedSlice::new_mut(&mut self.block, 2, SOUND_BLOCK_FRAMES).ok()?;
                resampler.process_into_buffer(&from, &mut to, None).ok()?;
            }
        }
        self.waiting.drain(..2 * needed);
        Some(self.block.iter().map(|&sample| to_s16(sample)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amora_audio::pcm::from_s16;
    use amora_audio::{analysis, tone};
    use amora_contract::units::{Decibels, Millis};

    fn through(rate: f64) -> Vec<f32> {
        let mut blocks = Blocks::new(Hertz(rate));
        let sound = tone::render(
            Hertz(1000.0),
            Decibels(-6.0),
            Millis(2000),
            tone::Channels::Left,
            Hertz(rate),
        );
        let mut out = Vec::new();
        for piece in sound.chunks(2 * 441) {
            blocks.waiting.extend_from_slice(piece);
            while let Some(block) = blocks.next() {
                assert_eq!(block.len(), 2 * SOUND_BLOCK_FRAMES);
                out.extend(block.iter().map(|&sample| from_s16(sample)));
            }
        }
        out
    }

    #[test]
    fn listeners_hear_the_pitch_and_level_of_any_rate() {
        for rate in [44_100.0, 48_000.0, 96_000.0] {
            let out = through(rate);
            assert!(out.len() > 2 * 90_000, "{rate}: {}", out.len());
            let left = analysis::channel(&out, 0, 2);
            let tone = analysis::tone(&left[9_600..80_000], Hertz(48_000.0)).unwrap();
            assert!((tone.frequency.0 - 1000.0).abs() < 0.01, "{rate}: {tone:?}");
            assert!((tone.level.0 + 6.0).abs() < 0.05, "{rate}: {tone:?}");
            assert!(tone.distortion.0 < -80.0, "{rate}: {tone:?}");
            assert!(
                analysis::channel(&out, 1, 2)
                    .iter()
                    .all(|sample| sample.abs() < 1e-4)
            );
        }
    }
}
