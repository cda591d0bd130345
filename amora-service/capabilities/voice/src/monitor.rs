//! What the microphone heard beside what the hub hears, for whoever listens to both; it costs nothing while nobody does.

use amora_audio::echo::BLOCK;
use amora_audio::hearing::{Block, BusReader, HearingThread};
use amora_audio::pcm::to_s16;
use amora_audio::worker::Worker;
use amora_router::{MICROPHONE_BLOCK_FRAMES, SoundBlock};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::broadcast;

/// How soon a new listener hears something.
const LOOK: Duration = Duration::from_millis(250);

/// How long a block is waited for before the thread looks whether it is still wanted.
const PATIENCE: Duration = Duration::from_millis(100);

/// Blocks of the microphone that are kept: 0.64 s, more than any canceller is late by.
const KEPT: usize = 64;

const _: () = assert!(BLOCK == MICROPHONE_BLOCK_FRAMES);

/// Tells `listeners` what is heard.
pub(crate) fn start(
    hearing: &HearingThread,
    listeners: broadcast::Sender<SoundBlock>,
) -> Result<Worker, String> {
    let (raw, clean) = (hearing.raw(), hearing.clean());
    Worker::start("amora-monitor", move |stop| run(raw, clean, &listeners, stop))
        .map_err(|error| format!("the monitor's thread can't be started: {error}"))
}

fn run(
    mut raw: BusReader,
    mut clean: BusReader,
    listeners: &broadcast::Sender<SoundBlock>,
    stop: &AtomicBool,
) {
    while !stop.load(Ordering::Relaxed) && !clean.is_ended() {
        if listeners.receiver_count() == 0 {
            std::thread::park_timeout(LOOK);
            continue;
        }
        // What was heard before anybody listened is left out.
        while clean.read().is_some() {}
        let mut past = Past::default();
        while listeners.receiver_count() > 0 && !stop.load(Ordering::Relaxed) {
            let Some(block) = clean.wait(PATIENCE) else {
                if clean.is_ended() {
                    return;
                }
                continue;
            };
            // A block is on the raw bus before it is on the clean one.
            while let Some(heard) = raw.read() {
                past.keep(heard);
            }
            // An error only means that the last listener has just left.
            let _ = listeners.send(side_by_side(&past.at(block.position), &block.samples));
        }
    }
}

/// What the microphone heard lately.
#[derive(Debug, Default)]
struct Past(VecDeque<Block>);

impl Past {
    fn keep(&mut self, block: Block) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(block);
    }

    /// A block from any position on; silence where nothing was heard.
    fn at(&self, position: i64) -> [f32; BLOCK] {
        let mut found = [0.0; BLOCK];
        for block in &self.0 {
            let later = block.position - position;
            let (to, from) = (later.max(0) as usize, (-later).max(0) as usize);
            let frames = BLOCK.saturating_sub(to.max(from));
            if frames > 0 {
                found[to..to + frames].copy_from_slice(&block.samples[from..from + frames]);
            }
        }
        found
    }
}

/// Interleaves: the microphone left, what the hub hears right.
fn side_by_side(left: &[f32; BLOCK], right: &[f32; BLOCK]) -> SoundBlock {
    left.iter()
        .zip(right)
        .flat_map(|(left, right)| [to_s16(*left), to_s16(*right)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use amora_audio::analysis;
    use amora_audio::card::room::{Pace, RoomSlot};
    use amora_audio::engine::{Engine, EngineOptions};
    use amora_audio::hearing::HearingOptions;
    use amora_audio::pcm::from_s16;
    use amora_contract::config::{AudioConfig, EchoConfig, EchoEngine, VoiceConfig};
    use amora_contract::units::Frames;

    /// Counts up from its position.
    fn block(position: i64) -> Block {
        Block {
            position,
            nanoseconds: 0,
            samples: std::array::from_fn(|n| (position + n as i64) as f32),
        }
    }

    #[test]
    fn the_past_is_found_at_any_position_and_lost_sound_is_silence() {
        let mut past = Past::default();
        for position in [0, 480, 960, 2_400] {
            past.keep(block(position));
        }
        for position in [0, 1, 479, 480, 700] {
            assert_eq!(past.at(position), block(position).samples, "{position}");
        }
        let torn = past.at(1_200);
        assert_eq!(torn[..240], block(1_200).samples[..240]);
        assert_eq!(torn[240..], [0.0; 240]);
        assert_eq!(past.at(2_300)[..100], [0.0; 100]);
        assert_eq!(past.at(2_300)[100..], block(2_300).samples[100..]);
        for position in [-480, 1_440, 2_880, i64::from(i32::MIN)] {
            assert_eq!(past.at(position), [0.0; BLOCK], "{position}");
        }
        for n in 0..1_000 {
            past.keep(block(10_000 + 480 * n));
        }
        assert_eq!(past.0.len(), KEPT);
    }

    #[test]
    fn both_sides_are_of_the_same_moment_and_only_while_somebody_listens() {
        let audio = AudioConfig {
            // A shared machine pauses for longer than a card would.
            periods: 8,
            period: Frames(480),
            real_time_priority: 0,
            ..AudioConfig::default()
        };
        let slot = RoomSlot::new(
            &audio.room,
            audio.rate,
            audio.period,
            audio.periods,
            Pace::RealTime,
        );
        let room = slot.room();
        let engine = Engine::start(Box::new(slot), EngineOptions::from_config(&audio)).unwrap();
        let config = VoiceConfig {
            echo: EchoConfig {
                engine: EchoEngine::Kalman,
                ..EchoConfig::default()
            },
            ..VoiceConfig::default()
        };
        let hearing = HearingThread::start(&engine.console(), HearingOptions::from_config(&config)).unwrap();
        let listeners = broadcast::Sender::new(1_000);
        let monitor = start(&hearing, listeners.clone()).unwrap();
        let mut listener = listeners.subscribe();
        let mut random = 1u32;
        let noise: Vec<f32> = (0..240_000)
            .map(|_| {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (random >> 8) as f32 / (1 << 25) as f32 - 0.25
            })
            .collect();
        room.say(&noise);
        let (mut left, mut right) = (Vec::new(), Vec::new());
        while left.len() < 96_000 {
            let block: SoundBlock = listener.blocking_recv().unwrap();
            assert_eq!(block.len(), 2 * BLOCK);
            left.extend(block.iter().step_by(2).map(|sample| from_s16(*sample)));
            right.extend(block.iter().skip(1).step_by(2).map(|sample| from_s16(*sample)));
            if analysis::peak(&left).0 < -30.0 {
                (left, right) = (Vec::new(), Vec::new());
            }
        }
        let found = analysis::delay(&left, &right, 2_400).expect("both hear the same");
        assert!(found.frames.abs() < 1.0, "{found:?}");
        drop(listener);
        drop(monitor);
        assert_eq!(listeners.receiver_count(), 0);
    }

    #[test]
    fn loud_and_wrong_samples_are_clipped_and_silenced() {
        let block = side_by_side(&[1.5; BLOCK], &[f32::NAN; BLOCK]);
        assert_eq!((block[0], block[1]), (i16::MAX, 0));
    }
}
