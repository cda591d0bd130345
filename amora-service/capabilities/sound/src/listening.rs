//! The sound test: a marker and a tone on each channel in turn, through the very path that music takes, and a
//! judgement of what left the card and of what the microphone heard.

mod judgement;
mod script;
#[cfg(test)]
mod tests;

use amora_audio::engine::{Engine, EngineError, Mark, SourceKind, Tap};
use amora_contract::commands::TestSound;
use amora_contract::reply::SoundTestReport;
use amora_contract::units::{Decibels, Hertz, Millis};
use amora_contract::{CommandError, ErrorCode};
use judgement::judge;
use script::Script;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// For music to fade out and the volume to settle.
const SETTLING: Duration = Duration::from_millis(400);

/// Beyond the script's own length, before a path that lets nothing through is given up.
const PATIENCE: Duration = Duration::from_secs(2);

/// After the last frame was taken: the card's buffer, the way to the microphone, the room's reverberation.
const ECHO: Duration = Duration::from_millis(500);

/// Checks what is asked against what can be measured.
pub(crate) fn check(test: &TestSound, rate: Hertz) -> Result<(), CommandError> {
    let highest = (rate.0 * 0.45).min(20_000.0);
    if !(40.0..=highest).contains(&test.frequency.0) {
        let reason = format!("must be from 40 to {highest} Hz");
        return Err(CommandError::invalid("frequency", &reason));
    }
    if !(-60.0..=0.0).contains(&test.level.0) {
        return Err(CommandError::invalid("level", "must be from -60 to 0 dB"));
    }
    if !(200..=5000).contains(&test.duration.0) {
        return Err(CommandError::invalid("duration", "must be from 200 to 5000 ms"));
    }
    Ok(())
}

/// Plays, listens and judges; takes some seconds. A card that ran out of sound meanwhile is given a second chance: what
/// happens once may be chance, what happens twice is the box. Leaves the master gain at 0 dB and the music silent: the
/// caller puts both back.
pub(crate) fn perform(
    engine: &Engine,
    test: &TestSound,
    cancel: &CancellationToken,
) -> Result<SoundTestReport, CommandError> {
    let script = Script::new(test, engine.rate());
    engine.set_music_gain(Decibels(f32::NEG_INFINITY));
    engine.set_volume(Decibels(0.0));
    std::thread::sleep(SETTLING);
    let first = attempt(engine, test, &script, cancel)?;
    if first.xruns == 0 {
        return Ok(first);
    }
    attempt(engine, test, &script, cancel)
}

fn attempt(
    engine: &Engine,
    test: &TestSound,
    script: &Script,
    cancel: &CancellationToken,
) -> Result<SoundTestReport, CommandError> {
    let failed = |error: EngineError| CommandError::new(ErrorCode::Failed, error.to_string());
    let before = engine.counters().xruns;
    let mut sent = Recording::new(engine.tap().map_err(failed)?);
    let mut heard = match engine.card_state().capture {
        true => Some(Recording::new(engine.microphone().map_err(failed)?)),
        false => None,
    };
    let mut source = engine
        .source_with(SourceKind::Chime, Millis(500), Millis(50))
        .map_err(failed)?;
    let mut left = script.samples();
    let mut deadline = Instant::now() + script.length() + PATIENCE;
    let mut drained = false;
    while Instant::now() < deadline {
        if cancel.is_cancelled() {
            return Err(CommandError::new(
                ErrorCode::Unavailable,
                "the sound is being switched off",
            ));
        }
        if !left.is_empty() {
            left = &left[2 * source.push(left)..];
            if left.is_empty() {
                source.end();
            }
        } else if !drained && source.is_drained() {
            drained = true;
            deadline = Instant::now() + ECHO;
        }
        sent.collect();
        if let Some(heard) = &mut heard {
            heard.collect();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    source.flush();
    let xruns = engine.counters().xruns.saturating_sub(before);
    Ok(judge(test, script, engine.rate(), &sent, heard.as_ref(), xruns))
}

/// What came out of a tap, lost frames filled with silence.
struct Recording {
    tap: Option<Tap>,
    channels: usize,
    samples: Vec<f32>,
    /// Engine position of the first frame.
    start: Option<u64>,
    /// For runs of frames: index here, and the tap position that left the card meanwhile.
    references: Vec<(usize, i64)>,
}

impl Recording {
    fn new(tap: Tap) -> Self {
        Self {
            channels: tap.channels(),
            ..Self::made_of(Vec::new(), 1, tap.into())
        }
    }

    fn made_of(samples: Vec<f32>, channels: usize, tap: Option<Tap>) -> Self {
        Self {
            tap,
            channels,
            samples,
            start: None,
            references: Vec::new(),
        }
    }

    fn collect(&mut self) {
        let Some(mut tap) = self.tap.take() else { return };
        let mut buffer = [0.0; 2048];
        while let Some(mark) = tap.read(&mut buffer) {
            self.add(&mark, &buffer[..mark.frames * self.channels]);
        }
        self.tap = Some(tap);
    }

    fn add(&mut self, mark: &Mark, samples: &[f32]) {
        let start = *self.start.get_or_insert(mark.position);
        let index = mark.position.saturating_sub(start) as usize;
        self.references.push((index, mark.reference()));
        self.samples.resize(index * self.channels, 0.0);
        self.samples.extend_from_slice(samples);
    }

    /// The frame recorded while the frame of this tap position left the card.
    fn index_of(&self, position: i64) -> Option<usize> {
        let after = self
            .references
            .partition_point(|(_, reference)| *reference <= position);
        let (index, reference) = self.references.get(after.checked_sub(1)?)?;
        Some(index + usize::try_from(position - reference).ok()?)
    }
}
