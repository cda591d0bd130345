//! One direction of a card: the few calls that the driver needs, and ALSA's own behind them.

use super::convert::{Layout, SampleFormat};
use super::errors;
use super::negotiation::{Abilities, Plan, Wish, accept, plan};
use crate::card::CardError;
use alsa::pcm::{Access, HwParams, PCM, State, TstampType};
use alsa::{Direction, ValueOr};
use std::time::Duration;

/// What can happen to a stream while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It ran out of sound, or out of room.
    Xrun,
    /// The computer slept.
    Suspended,
    /// The card is no longer there.
    Gone,
    /// The driver's error number.
    Other(i32),
}

/// Where a stream stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// Frames between us and the wire.
    pub(super) delay: u64,
    /// When this was so, on the monotonic clock.
    pub(super) nanoseconds: u64,
}

/// One direction of a card. No call blocks but [`Pcm::wait`] and [`Pcm::rest`].
pub(super) trait Pcm: Send {
    /// Waits until a period can be moved; false when `patience` ran out first.
    fn wait(&mut self, patience: Duration) -> Result<bool, Fault>;
    /// Frames that can be written, or read, at once.
    fn available(&mut self) -> Result<u64, Fault>;
    /// Writes whole frames and answers how many bytes went.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Fault>;
    /// Reads whole frames and answers how many bytes came.
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Fault>;
    fn position(&mut self) -> Result<Position, Fault>;
    /// Stops at once and makes ready to be filled.
    fn prepare(&mut self) -> Result<(), Fault>;
    fn start(&mut self) -> Result<(), Fault>;
    /// After a suspend: false while the card is not yet awake.
    fn resume(&mut self) -> Result<bool, Fault>;
    /// Lets time pass.
    fn rest(&mut self, time: Duration);
}

/// An ALSA PCM, opened not to block.
pub(super) struct AlsaPcm {
    pcm: PCM,
    mmap: bool,
    frame: usize,
}

impl AlsaPcm {
    /// Opens and sets up one direction of `device`.
    pub(super) fn open(device: &str, direction: Direction, wish: &Wish) -> Result<(Self, Plan), CardError> {
        if device.contains('\0') {
            return Err(CardError::Unsupported(
                "a device's name has no NUL in it".to_owned(),
            ));
        }
        let pcm = PCM::new(device, direction, true).map_err(|error| errors::opening(device, &error))?;
        let set = set_up(&pcm, device, wish)?;
        let frame = Layout {
            format: set.format,
            channels: set.channels as usize,
        }
        .frame();
        Ok((
            Self {
                pcm,
                mmap: set.mmap,
                frame,
            },
            set,
        ))
    }

    /// Makes `other` start, stop and fail together with this stream.
    pub(super) fn link(&self, other: &Self) -> bool {
        self.pcm.link(&other.pcm).is_ok()
    }
}

fn set_up(pcm: &PCM, device: &str, wish: &Wish) -> Result<Plan, CardError> {
    let failed = |error: alsa::Error| errors::opening(device, &error);
    let hardware = HwParams::any(pcm).map_err(failed)?;
    let planned = plan(device, wish, &abilities(&hardware).map_err(failed)?)?;
    let set = apply(pcm, &hardware, &planned).map_err(|error| {
        CardError::Unsupported(format!(
            "`{device}` refused {planned:?} although it offers each part: {error}"
        ))
    })?;
    accept(device, &set)?;
    software(pcm, &set).map_err(failed)?;
    Ok(set)
}

fn abilities(hardware: &HwParams<'_>) -> alsa::Result<Abilities> {
    let frames = |count: alsa::pcm::Frames| u64::try_from(count).unwrap_or(u64::MAX);
    Ok(Abilities {
        mmap: hardware.test_access(Access::MMapInterleaved).is_ok(),
        read_write: hardware.test_access(Access::RWInterleaved).is_ok(),
        formats: SampleFormat::PREFERENCE
            .into_iter()
            .filter(|format| hardware.test_format(format.alsa()).is_ok())
            .collect(),
        channels: (hardware.get_channels_min()?, hardware.get_channels_max()?),
        rates: (hardware.get_rate_min()?, hardware.get_rate_max()?),
        period: (
            frames(hardware.get_period_size_min()?).max(1),
            frames(hardware.get_period_size_max()?),
        ),
        buffer: (
            frames(hardware.get_buffer_size_min()?).max(2),
            frames(hardware.get_buffer_size_max()?),
        ),
    })
}

fn apply(pcm: &PCM, hardware: &HwParams<'_>, planned: &Plan) -> alsa::Result<Plan> {
    hardware.set_access(if planned.mmap {
        Access::MMapInterleaved
    } else {
        Access::RWInterleaved
    })?;
    hardware.set_format(planned.format.alsa())?;
    hardware.set_channels(planned.channels)?;
    hardware.set_rate_near(planned.rate, ValueOr::Nearest)?;
    hardware.set_period_size_near(planned.period as alsa::pcm::Frames, ValueOr::Nearest)?;
    hardware.set_buffer_size_near(planned.buffer as alsa::pcm::Frames)?;
    pcm.hw_params(hardware)?;
    let now = pcm.hw_params_current()?;
    Ok(Plan {
        rate: now.get_rate()?,
        period: now.get_period_size()? as u64,
        buffer: now.get_buffer_size()? as u64,
        ..*planned
    })
}

fn software(pcm: &PCM, set: &Plan) -> alsa::Result<()> {
    let software = pcm.sw_params_current()?;
    // Never by itself: the driver starts the stream once its buffer is full.
    software.set_start_threshold(software.get_boundary()?)?;
    software.set_stop_threshold(set.buffer as alsa::pcm::Frames)?;
    software.set_avail_min(set.period as alsa::pcm::Frames)?;
    software.set_tstamp_mode(true)?;
    software.set_tstamp_type(TstampType::Monotonic)?;
    pcm.sw_params(&software)
}

/// The error's meaning; `None` for "nothing for the moment".
fn fault(error: &alsa::Error) -> Option<Fault> {
    match error.errno().abs() {
        libc::EAGAIN | libc::EINTR => None,
        libc::EPIPE => Some(Fault::Xrun),
        libc::ESTRPIPE => Some(Fault::Suspended),
        libc::ENODEV | libc::ENOENT | libc::ENXIO | libc::ESHUTDOWN => Some(Fault::Gone),
        code => Some(Fault::Other(code)),
    }
}

fn or_nothing<T>(result: alsa::Result<T>, nothing: T) -> Result<T, Fault> {
    result.or_else(|error| fault(&error).map_or(Ok(nothing), Err))
}

fn monotonic() -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is a valid timespec that outlives the call, which only writes to it.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

impl Pcm for AlsaPcm {
    fn wait(&mut self, patience: Duration) -> Result<bool, Fault> {
        or_nothing(self.pcm.wait(Some(patience.as_millis() as u32)), true)
    }

    fn available(&mut self) -> Result<u64, Fault> {
        match self.pcm.state() {
            State::XRun => Err(Fault::Xrun),
            State::Suspended => Err(Fault::Suspended),
            State::Disconnected => Err(Fault::Gone),
            _ => or_nothing(self.pcm.avail_update(), 0).map(|frames| frames.max(0) as u64),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let io = self.pcm.io_bytes();
        let written = if self.mmap {
            io.mmap(bytes.len() / self.frame, |buffer| {
                let length = buffer.len().min(bytes.len());
                buffer[..length].copy_from_slice(&bytes[..length]);
                length / self.frame
            })
        } else {
            io.writei(bytes)
        };
        or_nothing(written, 0).map(|frames| frames * self.frame)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Fault> {
        let io = self.pcm.io_bytes();
        let frame = self.frame;
        let read = if self.mmap {
            io.mmap(bytes.len() / frame, |buffer| {
                let length = buffer.len().min(bytes.len());
                bytes[..length].copy_from_slice(&buffer[..length]);
                length / frame
            })
        } else {
            io.readi(bytes)
        };
        or_nothing(read, 0).map(|frames| frames * frame)
    }

    fn position(&mut self) -> Result<Position, Fault> {
        let status = or_nothing(self.pcm.status().map(Some), None)?;
        let delay = status.as_ref().map_or(0, |status| status.get_delay().max(0)) as u64;
        let stamp = status.map_or(0, |status| {
            let stamp = status.get_htstamp();
            stamp.tv_sec as u64 * 1_000_000_000 + stamp.tv_nsec as u64
        });
        // Plugins give no time stamp.
        Ok(Position {
            delay,
            nanoseconds: if stamp == 0 { monotonic() } else { stamp },
        })
    }

    fn prepare(&mut self) -> Result<(), Fault> {
        // A stream that does not run can't be dropped; what counts is that it can be prepared.
        let _ = self.pcm.drop();
        or_nothing(self.pcm.prepare(), ())
    }

    fn start(&mut self) -> Result<(), Fault> {
        match self.pcm.state() {
            State::Running => Ok(()),
            _ => or_nothing(self.pcm.start(), ()),
        }
    }

    fn resume(&mut self) -> Result<bool, Fault> {
        match self.pcm.resume() {
            Ok(()) => Ok(true),
            Err(error) => match fault(&error) {
                None => Ok(false),
                Some(Fault::Gone) => Err(Fault::Gone),
                // A driver that can't resume is prepared anew instead.
                Some(_) => Ok(true),
            },
        }
    }

    fn rest(&mut self, time: Duration) {
        std::thread::sleep(time);
    }
}
