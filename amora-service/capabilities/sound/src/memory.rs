//! What the box remembers of its sound from one start to the next.

use amora_contract::units::Volume;
use amora_router::private_file;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Changes are gathered for this long before they are written: a turned knob is one write.
const GATHER: Duration = Duration::from_millis(500);

/// The longest file that can be ours.
const LONGEST: u64 = 4096;

/// Volume and mute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    pub(crate) volume: Volume,
    #[serde(default)]
    pub(crate) mute: bool,
}

/// Keeps [`Remembered`] in `sound.json`.
#[derive(Debug)]
pub(crate) struct Memory {
    file: PathBuf,
    written: Option<Remembered>,
    changed: Option<(Remembered, Instant)>,
}

impl Memory {
    /// Reads what was remembered; `first` where nothing was, or nothing legible.
    pub(crate) fn load(folder: &Path, first: Remembered) -> (Self, Remembered) {
        let file = folder.join("sound.json");
        let read = read(&file);
        let remembered = match &read {
            Ok(remembered) => Remembered {
                volume: Volume::clamped(remembered.volume.get().into()),
                ..*remembered
            },
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(file = %file.display(), %error, "the remembered volume can't be read");
                }
                first
            }
        };
        let written = read.ok();
        let memory = Self {
            file,
            written,
            changed: None,
        };
        (memory, remembered)
    }

    /// Something changed, or did not.
    pub(crate) fn note(&mut self, now: Instant, present: Remembered) {
        let since = self.changed.map_or(now, |(_, since)| since);
        self.changed = (self.written != Some(present)).then_some((present, since));
    }

    /// What is to be written now: after a while, or `at_once`.
    pub(crate) fn due(&mut self, now: Instant, at_once: bool) -> Option<Write> {
        let (present, since) = self.changed?;
        if !at_once && now.saturating_duration_since(since) < GATHER {
            return None;
        }
        self.changed = None;
        self.written = Some(present);
        Some(Write {
            file: self.file.clone(),
            present,
        })
    }
}

/// One write, to be done where waiting is allowed.
#[derive(Debug)]
pub(crate) struct Write {
    file: PathBuf,
    present: Remembered,
}

impl Write {
    /// Replaces the file as a whole, so that a power cut leaves the old or the new one.
    pub(crate) fn perform(&self) {
        if let Err(error) = self.try_perform() {
            tracing::warn!(file = %self.file.display(), %error, "the volume can't be remembered");
        }
    }

    fn try_perform(&self) -> io::Result<()> {
        private_file::write(&self.file, &serde_json::to_vec(&self.present)?)
    }
}

fn read(file: &Path) -> io::Result<Remembered> {
    if std::fs::metadata(file)?.len() > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too long"));
    }
    Ok(serde_json::from_slice(&std::fs::read(file)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remembered(volume: f64, mute: bool) -> Remembered {
        Remembered {
            volume: Volume::clamped(volume),
            mute,
        }
    }

    #[test]
    fn what_was_set_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("not-yet-there");
        let first = remembered(80.0, false);
        let (mut memory, start) = Memory::load(&data, first);
        assert_eq!(start, first);
        let now = Instant::now();
        memory.note(now, remembered(20.0, false));
        memory.note(now, remembered(21.0, true));
        assert!(memory.due(now, false).is_none(), "gathered first");
        memory.due(now + GATHER, false).unwrap().perform();
        assert!(memory.due(now + 2 * GATHER, true).is_none(), "written once");
        assert_eq!(Memory::load(&data, first).1, remembered(21.0, true));
    }

    #[test]
    fn a_knob_that_never_rests_is_written_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (mut memory, _) = Memory::load(folder.path(), remembered(0.0, false));
        let start = Instant::now();
        let mut writes = 0;
        for step in 0..100u32 {
            let now = start + Duration::from_millis(50) * step;
            memory.note(now, remembered(f64::from(step), false));
            writes += u32::from(memory.due(now, false).is_some());
        }
        assert!((5..=10).contains(&writes), "{writes}");
    }

    #[test]
    fn back_to_what_is_written_needs_no_write() {
        let folder = tempfile::tempdir().unwrap();
        let (mut memory, _) = Memory::load(folder.path(), remembered(80.0, false));
        let now = Instant::now();
        memory.note(now, remembered(10.0, false));
        memory.due(now, true).unwrap().perform();
        memory.note(now, remembered(30.0, false));
        memory.note(now, remembered(10.0, false));
        assert!(memory.due(now + GATHER, true).is_none());
    }

    #[test]
    fn rubbish_is_as_good_as_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sound.json");
        let first = remembered(80.0, false);
        for rubbish in [
            "",
            "{",
            "[]",
            r#"{"volume":-3}"#,
            r#"{"volume":"loud"}"#,
            &"9".repeat(100_000),
        ] {
            std::fs::write(&file, rubbish).unwrap();
            assert_eq!(Memory::load(folder.path(), first).1, first, "{rubbish:.20}");
        }
        std::fs::write(&file, r#"{"volume":200,"more":1}"#).unwrap();
        assert_eq!(Memory::load(folder.path(), first).1, remembered(100.0, false));
    }
}
