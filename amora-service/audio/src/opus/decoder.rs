//! Packets to sound.

use super::{LONGEST_PACKET, OpusError, PacketInfo, inspect};
use ::opus::Channels;

/// Sound at full scale overshoots by less; what libopus makes of bytes that nobody encoded can be far louder.
const LOUDEST: f32 = 2.0;

/// Frames that made-up sound comes in multiples of: 2.5 ms.
pub(crate) const GRAIN: usize = 120;

/// Makes sound of packets: mono at 48 kHz, full scale ±1. Of stereo it takes the left channel. Any bytes may come.
#[derive(Debug)]
pub struct Decoder {
    decoder: ::opus::Decoder,
    stereo: Box<[f32]>,
}

impl Decoder {
    /// # Errors
    /// [`OpusError::Setup`] when libopus has no memory.
    pub fn new() -> Result<Self, OpusError> {
        // A decoder for two channels takes packets of one as well; one for a single channel would add what cancels out.
        let decoder = ::opus::Decoder::new(super::RATE.0 as u32, Channels::Stereo).map_err(|error| {
            OpusError::Setup {
                what: "decoder",
                cause: error.description(),
            }
        })?;
        Ok(Self {
            decoder,
            stereo: vec![0.0; 2 * LONGEST_PACKET].into_boxed_slice(),
        })
    }

    /// Decodes a packet into the beginning of `samples`, which [`LONGEST_PACKET`] frames always suffice for, and
    /// returns the number of frames.
    ///
    /// # Errors
    /// [`OpusError::Packet`] when the bytes are no packet, [`OpusError::Length`] when it does not fit.
    pub fn decode(&mut self, packet: &[u8], samples: &mut [f32]) -> Result<usize, OpusError> {
        let PacketInfo { frames, .. } = inspect(packet)?;
        if frames > samples.len() {
            return Err(OpusError::Length {
                given: samples.len(),
                expected: "no less than the packet has",
            });
        }
        self.run(packet, &mut samples[..frames], false)?;
        Ok(frames)
    }

    /// Makes the sound of a lost packet from the packet `next` after it: all of `samples`, the last piece of it
    /// from redundancy if `next` has any, the rest made up.
    ///
    /// # Errors
    /// [`OpusError::Packet`], or [`OpusError::Length`] when `samples` has not a multiple of 2.5 ms up to 120 ms.
    pub fn recover(&mut self, next: &[u8], samples: &mut [f32]) -> Result<(), OpusError> {
        inspect(next)?;
        check_made_up(samples.len())?;
        self.run(next, samples, true)
    }

    /// Makes up sound where there is none, from what was before. It fades by itself within some 100 ms, unless the
    /// sender had said that it is silent: then it is the sender's background noise.
    ///
    /// # Errors
    /// [`OpusError::Length`] when `samples` has not a multiple of 2.5 ms up to 120 ms.
    pub fn conceal(&mut self, samples: &mut [f32]) -> Result<(), OpusError> {
        check_made_up(samples.len())?;
        self.run(&[], samples, false)
    }

    /// Forgets the sound so far, for another sender.
    pub fn restart(&mut self) {
        // Resetting has no way to fail.
        let _ = self.decoder.reset_state();
    }

    fn run(&mut self, packet: &[u8], samples: &mut [f32], recover: bool) -> Result<(), OpusError> {
        let stereo = &mut self.stereo[..2 * samples.len()];
        let decoded = self
            .decoder
            .decode_float(packet, stereo, recover)
            .map_err(|error| OpusError::Packet {
                length: packet.len(),
                cause: error.description(),
            })?;
        let decoded = decoded.min(samples.len());
        for (sample, frame) in samples.iter_mut().zip(stereo[..2 * decoded].chunks_exact(2)) {
            let decoded = if frame[0].is_finite() { frame[0] } else { 0.0 };
            *sample = decoded.clamp(-LOUDEST, LOUDEST);
        }
        samples[decoded..].fill(0.0);
        Ok(())
    }
}

fn check_made_up(frames: usize) -> Result<(), OpusError> {
    if frames == 0 || frames > LONGEST_PACKET || !frames.is_multiple_of(GRAIN) {
        return Err(OpusError::Length {
            given: frames,
            expected: "a multiple of 120 up to 5760",
        });
    }
    Ok(())
}
