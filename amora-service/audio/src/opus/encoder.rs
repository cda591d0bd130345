//! Sound to packets.

use super::OpusError;
use ::opus::{Application, Bitrate, Channels, Signal};
use amora_contract::units::Frames;

/// Bytes of the largest packet that is made: a piece of RFC 6716 has no more.
const LARGEST: usize = 1275;

/// What an encoder is made for. It can't be changed while it runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    /// Packets of 20 ms, 26.5 ms of delay, redundancy against loss, silence not sent if so wished.
    #[default]
    Voice,
    /// Packets of 10 ms, 12.5 ms of delay, no redundancy and no pauses in sending. More overhead.
    LowLatency,
}

impl Profile {
    /// Frames in a packet.
    pub const fn packet(self) -> usize {
        match self {
            Self::Voice => 960,
            Self::LowLatency => 480,
        }
    }
}

/// What can be changed while the encoder runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncoderSettings {
    /// Bits per second, 6000 to 510000.
    pub bitrate: u32,
    /// Effort, 0 to 10.
    pub complexity: u8,
    /// Send next to nothing while nothing is to be heard (discontinuous transmission).
    pub dtx: bool,
    /// Loss of packets to be prepared for, in percent, 0 to 100. Above zero, packets carry redundancy: the bit rate is
    /// then shared with the packet before. 15 suits a loss of 10: what is lost then comes back 9 dB above its error
    /// or better, at the default bit rate.
    pub expected_loss: u8,
}

impl Default for EncoderSettings {
    /// 32 kbit/s, effort 5 (131 µs a packet on an x86 core of 2020; 10 costs a third more), no pauses, no redundancy.
    fn default() -> Self {
        Self {
            bitrate: 32_000,
            complexity: 5,
            dtx: false,
            expected_loss: 0,
        }
    }
}

impl EncoderSettings {
    /// # Errors
    /// [`OpusError::Setting`] names what is out of range.
    pub fn check(&self) -> Result<(), OpusError> {
        let refuse = |setting, value, range| {
            Err(OpusError::Setting {
                setting,
                value,
                range,
            })
        };
        match *self {
            Self { bitrate, .. } if !(6_000..=510_000).contains(&bitrate) => {
                refuse("the bit rate", bitrate, "6000 to 510000 bits per second")
            }
            Self { complexity, .. } if complexity > 10 => {
                refuse("the complexity", complexity.into(), "0 to 10")
            }
            Self { expected_loss, .. } if expected_loss > 100 => {
                refuse("the expected loss", expected_loss.into(), "0 to 100 percent")
            }
            _ => Ok(()),
        }
    }
}

/// What became of a packet's sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoded<'a> {
    /// Send this.
    Packet(&'a [u8]),
    /// Send nothing: the far end makes up the silence by itself. The RTP timestamp advances, the sequence number does not.
    Silence,
}

/// Makes packets of sound: mono at 48 kHz, full scale ±1. Allocates nothing after it was made.
#[derive(Debug)]
pub struct Encoder {
    encoder: ::opus::Encoder,
    profile: Profile,
    settings: EncoderSettings,
    lookahead: Frames,
    input: Box<[f32]>,
    output: Box<[u8]>,
    /// The packet before said that nothing is to be heard.
    silent: bool,
}

impl Encoder {
    /// # Errors
    /// [`OpusError::Setting`], or [`OpusError::Setup`] when libopus has no memory.
    pub fn new(profile: Profile, settings: EncoderSettings) -> Result<Self, OpusError> {
        let application = match profile {
            Profile::Voice => Application::Voip,
            Profile::LowLatency => Application::LowDelay,
        };
        let failed = |error: ::opus::Error| OpusError::Setup {
            what: "encoder",
            cause: error.description(),
        };
        settings.check()?;
        let mut encoder =
            ::opus::Encoder::new(super::RATE.0 as u32, Channels::Mono, application).map_err(failed)?;
        encoder.set_signal(Signal::Voice).map_err(failed)?;
        let lookahead = Frames(encoder.get_lookahead().map_err(failed)? as u64);
        let mut encoder = Self {
            encoder,
            profile,
            settings,
            lookahead,
            input: vec![0.0; profile.packet()].into_boxed_slice(),
            output: vec![0; LARGEST].into_boxed_slice(),
            silent: false,
        };
        encoder.apply(&settings).map_err(failed)?;
        Ok(encoder)
    }

    /// What it was made for.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The settings in force.
    pub fn settings(&self) -> &EncoderSettings {
        &self.settings
    }

    /// Changes the settings from the next packet on. Nothing is changed on an error.
    ///
    /// # Errors
    /// [`OpusError::Setting`].
    pub fn configure(&mut self, settings: EncoderSettings) -> Result<(), OpusError> {
        settings.check()?;
        self.apply(&settings).map_err(|error| OpusError::Setup {
            what: "encoder",
            cause: error.description(),
        })?;
        self.settings = settings;
        Ok(())
    }

    fn apply(&mut self, settings: &EncoderSettings) -> Result<(), ::opus::Error> {
        let encoder = &mut self.encoder;
        encoder.set_bitrate(Bitrate::Bits(settings.bitrate as i32))?;
        encoder.set_complexity(settings.complexity.into())?;
        encoder.set_dtx(settings.dtx)?;
        encoder.set_inband_fec(settings.expected_loss > 0)?;
        encoder.set_packet_loss_perc(settings.expected_loss.into())
    }

    /// By how much the codec, this end and the other together, delays sound beyond the packet itself.
    pub fn lookahead(&self) -> Frames {
        self.lookahead
    }

    /// Makes a packet of exactly [`Profile::packet`] frames. What is no number is silence, what is beyond full scale is
    /// clipped. The first packet of a silence is sent, as Chromium does, and one each 400 ms after it, which
    /// libopus decides.
    ///
    /// # Errors
    /// [`OpusError::Length`], or [`OpusError::Encode`], which does not happen with the settings above.
    pub fn encode(&mut self, frames: &[f32]) -> Result<Encoded<'_>, OpusError> {
        if frames.len() != self.input.len() {
            return Err(OpusError::Length {
                given: frames.len(),
                expected: match self.profile {
                    Profile::Voice => "960",
                    Profile::LowLatency => "480",
                },
            });
        }
        for (input, sample) in self.input.iter_mut().zip(frames) {
            *input = if sample.is_nan() {
                0.0
            } else {
                sample.clamp(-1.0, 1.0)
            };
        }
        let length = self
            .encoder
            .encode_float(&self.input, &mut self.output)
            .map_err(|error| OpusError::Encode(error.description()))?;
        let silent = length <= 2;
        let known = silent && self.silent;
        self.silent = silent;
        Ok(if known {
            Encoded::Silence
        } else {
            Encoded::Packet(&self.output[..length])
        })
    }

    /// Forgets the sound so far, for another far end.
    pub fn restart(&mut self) {
        // Resetting has no way to fail.
        let _ = self.encoder.reset_state();
        self.silent = false;
    }
}
