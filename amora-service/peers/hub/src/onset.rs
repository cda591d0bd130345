//! Where speech begins and ends: by level, with the hub's rule of 3 voiced and 15 silent frames.

use crate::FRAME;

/// Voiced frames that start an utterance.
const ONSET: usize = 3;
/// Silent frames that end it.
const SILENCE: usize = 15;
/// The longest utterance that is kept whole: a minute.
const LONGEST: usize = 3_000 * FRAME;
/// Quieter than this is never speech, in dBFS.
const QUIETEST: f64 = -48.0;
/// Speech is so much louder than the background, in dB.
const ABOVE_BACKGROUND: f64 = 10.0;
/// How fast the background's level may rise, in dB a frame: 1 dB a second.
const RISE: f64 = 0.02;

/// What a frame did.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Step {
    /// Frames that go on to the speech service: the whole onset when speech starts, then each.
    pub(crate) forwarded: u64,
    pub(crate) started: bool,
    /// What was spoken, without the silence that ended it.
    pub(crate) ended: Option<Vec<i16>>,
}

/// Follows one microphone.
pub(crate) struct Onset {
    background: f64,
    speaking: bool,
    /// Frames in a row that are against `speaking`.
    against: usize,
    /// The onset so far, or the utterance.
    speech: Vec<i16>,
}

impl Onset {
    pub(crate) fn new() -> Self {
        Self {
            background: -60.0,
            speaking: false,
            against: 0,
            speech: Vec::new(),
        }
    }

    pub(crate) fn speaking(&self) -> bool {
        self.speaking
    }

    /// Takes 20 ms.
    pub(crate) fn take(&mut self, frame: &[i16; FRAME]) -> Step {
        let voiced = self.voiced(frame);
        self.against = if voiced == self.speaking {
            0
        } else {
            self.against + 1
        };
        if !self.speaking {
            if self.against == 0 {
                self.speech.clear();
                return Step::default();
            }
            self.speech.extend_from_slice(frame);
            if self.against < ONSET {
                return Step::default();
            }
            (self.speaking, self.against) = (true, 0);
            return Step {
                forwarded: ONSET as u64,
                started: true,
                ended: None,
            };
        }
        if self.speech.len() < LONGEST {
            self.speech.extend_from_slice(frame);
        }
        let ended = (self.against == SILENCE).then(|| {
            (self.speaking, self.against) = (false, 0);
            let mut spoken = std::mem::take(&mut self.speech);
            spoken.truncate(spoken.len().saturating_sub(SILENCE * FRAME));
            spoken
        });
        Step {
            forwarded: 1,
            started: false,
            ended,
        }
    }

    fn voiced(&mut self, frame: &[i16; FRAME]) -> bool {
        let power = frame.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / FRAME as f64;
        let level = 10.0 * (power / f64::from(i16::MAX).powi(2) + 1e-10).log10();
        self.background = level.min(self.background + RISE);
        level > QUIETEST && level > self.background + ABOVE_BACKGROUND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(level: i16) -> [i16; FRAME] {
        std::array::from_fn(|index| if index % 48 < 24 { level } else { -level })
    }

    #[test]
    fn three_loud_frames_start_and_fifteen_quiet_ones_end() {
        let mut onset = Onset::new();
        assert_eq!(onset.take(&frame(0)), Step::default());
        for _ in 0..2 {
            assert_eq!(onset.take(&frame(5000)), Step::default(), "two are a click");
        }
        onset.take(&frame(0));
        let steps: Vec<Step> = (0..10).map(|_| onset.take(&frame(5000))).collect();
        assert_eq!(steps.iter().map(|step| step.forwarded).sum::<u64>(), 10);
        assert_eq!(steps.iter().position(|step| step.started), Some(2));
        for _ in 0..14 {
            assert_eq!(onset.take(&frame(0)).ended, None);
        }
        onset.take(&frame(5000));
        for _ in 0..14 {
            assert_eq!(onset.take(&frame(0)).ended, None, "the pause began anew");
        }
        let spoken = onset.take(&frame(0)).ended.expect("that was the fifteenth");
        assert_eq!(spoken.len(), (10 + 14 + 1) * FRAME);
        assert_eq!(spoken[..FRAME], frame(5000), "with its onset");
        assert!(!onset.speaking());
    }

    #[test]
    fn a_background_that_stays_is_no_speech() {
        let mut onset = Onset::new();
        let steps: Vec<Step> = (0..3_000).map(|_| onset.take(&frame(300))).collect();
        assert!(
            steps.iter().any(|step| step.ended.is_some()),
            "it was taken for speech at first"
        );
        assert!(!onset.speaking());
        assert!((0..3).map(|_| onset.take(&frame(3000))).any(|step| step.started));
    }
}
