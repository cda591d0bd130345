//! A real card, straight through ALSA's `hw:`.
//!
//! The PCM stays open and is fed for as long as the card is ours: some codecs take a second to wake
//! (`iqaudio-codec`), and some boards pop when they do.

mod amplifier;
mod convert;
mod discovery;
mod driver;
mod errors;
mod mixer;
mod negotiation;
mod pcm;
mod profiles;

use super::{Card, CardError, CardFormat, CardSlot, OUTPUT_CHANNELS, Turn};
use amora_contract::config::AudioConfig;
use amplifier::Mute;
pub use discovery::FoundCard;
use discovery::{Choice, SoundCard};
use driver::Driver;
use negotiation::{Plan, Wish};
use pcm::AlsaPcm;
use profiles::Profile;

/// Silence before the amplifier is let sound, so that the codec's own switching is over.
const SETTLING_MILLISECONDS: u64 = 100;

/// Whether there is a card that can play.
///
/// # Errors
/// Why there is none, in plain words.
pub fn find() -> Result<String, String> {
    discovery::any()
}

/// Every sound card of this machine, with the board that each is known to be.
pub fn cards() -> Vec<FoundCard> {
    discovery::cards()
}

/// The device and profile that the configuration means on this machine, and why, in plain words.
///
/// # Errors
/// Why there is none, in plain words.
pub fn choice(config: &AudioConfig) -> Result<String, String> {
    discovery::choice(config)
}

/// The keys of every board profile, for the configuration.
pub fn profile_keys() -> impl Iterator<Item = &'static str> {
    profiles::PROFILES.iter().map(|profile| profile.key)
}

/// A place for a real card.
pub struct AlsaSlot {
    config: AudioConfig,
    /// The device once found, by its lasting name: a card that was unplugged is found again under it.
    device: String,
    profile: String,
    /// Kept while the card is closed for the player, which must be heard too.
    amplifier: Option<Mute>,
}

impl AlsaSlot {
    /// A slot for the card that the configuration means. Nothing is opened yet.
    pub fn new(config: &AudioConfig) -> Self {
        Self {
            device: config.device.clone(),
            config: config.clone(),
            profile: String::new(),
            amplifier: None,
        }
    }

    fn wish(&self) -> Wish {
        Wish {
            access: self.config.access,
            rate: self.config.rate.0 as u32,
            period: self.config.period.0,
            periods: self.config.periods,
            channels: OUTPUT_CHANNELS as u32,
            format: None,
        }
    }

    /// Takes the line that mutes the board's amplifier, where there is one and the kernel does not have it.
    fn take_amplifier(&mut self, profile: &Profile) {
        let Some(amplifier) = profile.amplifier.filter(|_| self.amplifier.is_none()) else {
            return;
        };
        self.amplifier = Mute::take(amplifier).unwrap_or_else(|warning| {
            tracing::warn!(profile = profile.key, "{warning}");
            None
        });
    }

    fn mute(&self, mute: bool) {
        if let Some(Err(warning)) = self
            .amplifier
            .as_ref()
            .map(|amplifier| amplifier.let_sound(!mute))
        {
            tracing::warn!("{warning}");
        }
    }

    /// The microphone is worth a warning, not the music.
    fn open_capture(&self, choice: &Choice, played: &Plan) -> Option<(AlsaPcm, Plan)> {
        let device = choice.capture.as_deref()?;
        let wish = Wish {
            rate: played.rate,
            period: played.period,
            // Twice the room: what is recorded may wait for us longer than what is played.
            periods: self.config.periods.max(2) * 2,
            channels: played.channels,
            format: Some(played.format),
            ..self.wish()
        };
        match AlsaPcm::open(device, alsa::Direction::Capture, &wish) {
            Ok((_, set)) if set.rate != played.rate => {
                tracing::warn!(
                    device,
                    played = played.rate,
                    recorded = set.rate,
                    "no recording: other rate"
                );
                None
            }
            Ok(capture) => Some(capture),
            Err(error) => {
                tracing::warn!(device, %error, "no recording");
                None
            }
        }
    }
}

impl CardSlot for AlsaSlot {
    fn open(&mut self) -> Result<Box<dyn Card>, CardError> {
        let config = &self.config;
        let choice = discovery::choose(
            &SoundCard::all(),
            &discovery::hat(),
            &self.device,
            &config.capture_device,
            &config.profile,
        )?;
        if let Some(device) = &choice.mixer {
            for warning in mixer::set_up(device, choice.profile.controls) {
                tracing::warn!(device, profile = choice.profile.key, "{warning}");
            }
        }
        self.take_amplifier(choice.profile);
        self.mute(true);

        let opened = AlsaPcm::open(&choice.playback, alsa::Direction::Playback, &self.wish());
        if matches!(opened, Err(CardError::Busy(_))) {
            // Whoever has the card is to be heard.
            self.mute(false);
        }
        let (playback, set) = opened?;
        let capture = self.open_capture(&choice, &set);
        let linked = capture
            .as_ref()
            .is_some_and(|(capture, _)| playback.link(capture));
        let driver = Driver::start((playback, set), capture, linked)?;
        let mut board = Board { driver };
        board.settle()?;
        self.mute(false);

        tracing::info!(
            device = choice.playback, profile = choice.profile.key, why = choice.why,
            format = ?board.driver.format(), linked, "card open"
        );
        if choice.mixer.is_some() && choice.profile.interface == "hw" {
            self.device = choice.playback;
        }
        self.profile = choice.profile.name.to_owned();
        Ok(Box::new(board))
    }

    fn kind(&self) -> &'static str {
        "alsa"
    }

    fn device(&self) -> &str {
        &self.device
    }

    fn profile(&self) -> &str {
        &self.profile
    }
}

impl Drop for AlsaSlot {
    fn drop(&mut self) {
        // The PCM was closed a moment ago; the codec switches off, and would pop, only seconds later.
        self.mute(true);
    }
}

/// An open card.
struct Board {
    driver: Driver<AlsaPcm>,
}

impl Board {
    /// Plays silence until the codec has settled.
    fn settle(&mut self) -> Result<(), CardError> {
        let format = self.driver.format();
        let period = format.period.0 as usize;
        let turns = SETTLING_MILLISECONDS * format.rate.0 as u64 / 1000 / format.period.0 + 1;
        let silence = vec![0.0; period * OUTPUT_CHANNELS];
        let mut input = vec![0.0; period];
        for _ in 0..turns {
            match self.driver.turn(&silence, &mut input) {
                Ok(_) | Err(CardError::Xrun) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Card for Board {
    fn format(&self) -> &CardFormat {
        self.driver.format()
    }

    fn turn(&mut self, output: &[f32], input: &mut [f32]) -> Result<Turn, CardError> {
        self.driver.turn(output, input)
    }
}

#[cfg(test)]
mod tests;
