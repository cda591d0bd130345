//! Writes what left the card to a WAV file.

mod wav;

pub use wav::{WavError, WavWriter, read_wav};

use crate::clock;
use crate::engine::Tap;
use amora_contract::units::{Frames, Hertz};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

/// How often the tap is read, in nanoseconds: it holds one second.
const INTERVAL: u64 = 50_000_000;

/// How often the file's header is made true, in nanoseconds.
const HEADER_INTERVAL: u64 = 1_000_000_000;

/// Longest silence written for frames that were lost; a longer one is no loss but a card that was away.
const LONGEST_LOSS_SECONDS: u64 = 10;

/// A running recording: a thread of its own reads the tap and writes 32-bit float WAV.
#[derive(Debug)]
pub struct Recorder {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    thread: Option<JoinHandle<Result<(), WavError>>>,
}

impl Recorder {
    /// Records `tap` to a new file at `path`. Frames that were lost on the way are written as silence, so that the
    /// file keeps time. Whatever ends the process, the file can be read up to the last second.
    ///
    /// # Errors
    /// [`WavError`] when the file can't be made.
    pub fn start(tap: Tap, path: &Path, rate: Hertz) -> Result<Self, WavError> {
        let file = WavWriter::create(path, rate, tap.channels())?;
        let stop = Arc::new(AtomicBool::new(false));
        let written = Arc::new(AtomicU64::new(0));
        let job = Job {
            tap,
            file,
            rate,
            position: None,
            stop: Arc::clone(&stop),
            written: Arc::clone(&written),
        };
        let thread = std::thread::Builder::new()
            .name("amora-recorder".to_owned())
            .spawn(move || job.run())
            .map_err(|source| WavError::new(path, source))?;
        Ok(Self {
            stop,
            written,
            thread: Some(thread),
        })
    }

    /// Frames in the file.
    pub fn written(&self) -> Frames {
        Frames(self.written.load(Ordering::Relaxed))
    }

    /// Whether the recording ended by itself: the engine ended or the file could not be written.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Ends the recording and says whether everything was written.
    ///
    /// # Errors
    /// [`WavError`] of the first write that failed.
    pub fn stop(mut self) -> Result<(), WavError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), WavError> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            _ => Ok(()),
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::warn!(%error, "the recording is incomplete");
        }
    }
}

struct Job {
    tap: Tap,
    file: WavWriter,
    rate: Hertz,
    position: Option<u64>,
    stop: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
}

impl Job {
    fn run(mut self) -> Result<(), WavError> {
        let mut buffer = vec![0f32; 4800 * self.tap.channels()];
        let mut header_due = clock::now() + HEADER_INTERVAL;
        loop {
            let last = self.stop.load(Ordering::Relaxed) || self.tap.is_ended();
            while let Some(mark) = self.tap.read(&mut buffer) {
                self.fill(mark.position)?;
                self.file.write(&buffer[..mark.frames * self.tap.channels()])?;
                self.position = Some(mark.position + mark.frames as u64);
                self.written.store(self.file.frames().0, Ordering::Relaxed);
            }
            if last {
                return self.file.update();
            }
            if clock::now() >= header_due {
                self.file.update()?;
                header_due = clock::now() + HEADER_INTERVAL;
            }
            clock::sleep_until(clock::now() + INTERVAL);
        }
    }

    /// Writes silence for what was lost since the last run.
    fn fill(&mut self, position: u64) -> Result<(), WavError> {
        let lost = self
            .position
            .map_or(0, |expected| position.saturating_sub(expected));
        let frames = lost.min(LONGEST_LOSS_SECONDS * self.rate.0 as u64) as usize;
        if frames > 0 {
            self.file.write(&vec![0.0; frames * self.tap.channels()])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::Turn;
    use crate::engine::Mark;
    use crate::engine::stream::stream;

    const RATE: Hertz = Hertz(48_000.0);

    fn mark(position: u64, frames: usize) -> Mark {
        Mark {
            position,
            frames,
            written: position,
            turn: Turn::default(),
        }
    }

    #[test]
    fn a_recording_holds_what_was_tapped_and_silence_for_what_was_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let (mut sender, tap) = stream(2, Frames(48_000));
        let recorder = Recorder::start(tap, &path, RATE).unwrap();
        assert_eq!(sender.send(&[0.5; 480], mark(1000, 240)), 0);
        assert_eq!(sender.send(&[0.25; 480], mark(1480, 240)), 0);
        recorder.stop().unwrap();
        let (rate, channels, samples) = read_wav(&path).unwrap();
        assert_eq!((rate, channels, samples.len()), (RATE, 2, 3 * 480));
        assert!(samples[..480].iter().all(|sample| *sample == 0.5));
        assert!(samples[480..960].iter().all(|sample| *sample == 0.0));
        assert!(samples[960..].iter().all(|sample| *sample == 0.25));
    }

    #[test]
    fn a_recording_is_readable_while_it_runs_and_ends_with_the_engine() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let (mut sender, tap) = stream(2, Frames(48_000));
        let recorder = Recorder::start(tap, &path, RATE).unwrap();
        assert_eq!(sender.send(&[0.5; 480], mark(0, 240)), 0);
        let deadline = clock::now() + 20_000_000_000;
        // Nobody ends it: what a killed process leaves behind can be read.
        while read_wav(&path).unwrap().2.len() != 480 {
            assert!(clock::now() < deadline, "the header never became true");
            clock::sleep_until(clock::now() + 10_000_000);
        }
        drop(sender);
        while !recorder.is_finished() {
            assert!(clock::now() < deadline, "it did not end");
            clock::sleep_until(clock::now() + 10_000_000);
        }
        assert_eq!(recorder.written(), Frames(240));
    }
}
