//! Whether sound really flows: the card is open, samples move at its rate, nothing is missed, and the tone is heard.

use amora_contract::state::{AudioState, CardOwner, CheckResult};
use std::time::Duration;

/// Samples must move at least this fast, as a part of the card's rate.
const PACE: f64 = 0.8;

/// Times that the tone is played: a door that slams must not send a good system back.
const ATTEMPTS: u32 = 3;

/// What the sound section says, as far as it matters here.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SoundReading {
    /// No card at all is configured.
    pub(crate) without_card: bool,
    /// The player has the card for itself.
    pub(crate) lent: bool,
    /// The card is open and runs.
    pub(crate) running: bool,
    /// Why it does not.
    pub(crate) error: String,
    /// Periods that the card takes each second.
    pub(crate) pace: f64,
    /// Periods handed to the card.
    pub(crate) periods: u64,
    /// Times that it ran out of sound or had to be opened again.
    pub(crate) gaps: u64,
    /// Whether there is a microphone.
    pub(crate) microphone: bool,
}

impl From<&AudioState> for SoundReading {
    fn from(audio: &AudioState) -> Self {
        // The simulated room stands in for a card that is not there: nobody hears what flows into it.
        let stand_in = audio.card.kind == "room";
        let error = match stand_in {
            true => Some("there is no sound card, the simulated room stands in for it".to_owned()),
            false => audio.card.error.clone(),
        };
        Self {
            without_card: audio.card.kind == "null",
            lent: audio.owner == CardOwner::Player,
            running: audio.card.running && !stand_in,
            error: error.unwrap_or_default(),
            pace: audio.card.rate.0 / audio.card.period.0.max(1) as f64,
            periods: audio.counters.periods,
            gaps: audio.counters.xruns + audio.counters.reopens,
            microphone: audio.card.capture,
        }
    }
}

#[derive(Debug)]
pub(super) struct SoundCheck {
    wanted: Duration,
    tone_wanted: bool,
    began: Option<(Duration, SoundReading)>,
    flows: bool,
    microphone: bool,
    playing: bool,
    attempts: u32,
}

type Standing = (CheckResult, String);

impl SoundCheck {
    pub(super) fn new(wanted: Duration, tone_wanted: bool) -> Self {
        Self {
            wanted,
            tone_wanted,
            began: None,
            flows: false,
            microphone: false,
            playing: false,
            attempts: 0,
        }
    }

    pub(super) fn wants_tone(&mut self) -> bool {
        let wanted = self.flows && self.tone_wanted && self.microphone && !self.playing;
        self.playing |= wanted;
        wanted
    }

    pub(super) fn see(&mut self, now: Duration, reading: Option<SoundReading>) -> Standing {
        let waiting = |seen: String| (CheckResult::Waiting, seen);
        let Some(reading) = reading else {
            return waiting("the sound engine has not started yet".to_owned());
        };
        if reading.without_card {
            return (CheckResult::Skipped, "this box has no card".to_owned());
        }
        if reading.lent {
            return (
                CheckResult::Passed,
                "the player has opened the card for itself".to_owned(),
            );
        }
        if self.flows {
            return self.listened();
        }
        if !reading.running {
            self.began = None;
            let error = match reading.error.as_str() {
                "" => "no sound flows",
                error => error,
            };
            return waiting(format!("the card does not run: {error}"));
        }
        let Some((since, first)) = &self.began else {
            self.began = Some((now, reading));
            return waiting("the card runs".to_owned());
        };
        let elapsed = now.saturating_sub(*since);
        let moved = reading.periods.saturating_sub(first.periods);
        if reading.gaps != first.gaps || reading.periods < first.periods {
            let gaps = reading.gaps.saturating_sub(first.gaps);
            self.began = Some((now, reading));
            return waiting(format!("the card runs, but ran out of sound {gaps} times"));
        }
        let expected = reading.pace * elapsed.as_secs_f64() * PACE;
        if elapsed < self.wanted {
            return waiting(format!("sound flows for {} s without a gap", elapsed.as_secs()));
        }
        if (moved as f64) < expected || moved == 0 {
            self.began = Some((now, reading));
            return waiting(format!(
                "the card is open, but took only {moved} periods in {} s",
                elapsed.as_secs()
            ));
        }
        self.flows = true;
        self.microphone = reading.microphone;
        self.listened()
    }

    pub(super) fn hear(&mut self, heard: Result<bool, String>) -> Standing {
        self.playing = false;
        self.attempts += 1;
        let seen = match heard {
            Ok(true) => {
                return (
                    CheckResult::Passed,
                    "sound flows without a gap and the tone was heard".to_owned(),
                );
            }
            Ok(false) => "the microphone did not hear the tone, as it did before the update".to_owned(),
            Err(cause) => format!("the tone could not be played: {cause}"),
        };
        match self.attempts >= ATTEMPTS {
            true => (CheckResult::Failed, seen),
            false => (CheckResult::Waiting, seen),
        }
    }

    fn listened(&self) -> Standing {
        match self.tone_wanted && self.microphone {
            true => (CheckResult::Waiting, "the tone is being listened for".to_owned()),
            false => (CheckResult::Passed, "sound flows without a gap".to_owned()),
        }
    }
}
