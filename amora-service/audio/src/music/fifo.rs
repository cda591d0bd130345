//! Reads music from a FIFO and writes it to the music path.

#[cfg(test)]
mod tests;

use super::MusicWriter;
use crate::clock;
use crate::worker::Worker;
use amora_contract::units::{Frames, Hertz};
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of a frame: two 32-bit floats.
const FRAME: usize = 8;

/// Longest that the thread sleeps without looking whether it should end, in milliseconds.
const NAP: i32 = 200;

/// Nanoseconds of silence after which the path is looked at: whoever made the FIFO may have removed it and made
/// another, as MPD does when it restarts.
const DOUBT: u64 = 1_000_000_000;

/// How long to wait for room in the ring, in nanoseconds.
const WAIT_FOR_ROOM: u64 = 10_000_000;

/// What can be wrong with a music FIFO.
#[derive(Debug, thiserror::Error)]
pub enum FifoError {
    /// It can't be made.
    #[error("the music FIFO {path} can't be made: {source}", path = path.display())]
    Make {
        /// The FIFO.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It can't be opened.
    #[error("the music FIFO {path} can't be opened: {source}", path = path.display())]
    Open {
        /// The FIFO.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is something else by that name.
    #[error("{path} is there, but is no FIFO", path = path.display())]
    NoFifo {
        /// The path.
        path: PathBuf,
    },
    /// The reading thread can't be started.
    #[error("the music thread can't be started: {0}")]
    Thread(#[source] std::io::Error),
}

/// The thread that reads the FIFO. Dropping it stops it.
#[derive(Debug)]
pub struct FifoReader {
    _worker: Worker,
}

impl FifoReader {
    /// Reads interleaved 32-bit float stereo in the machine's byte order from `path`, which is made (mode 0660)
    /// where it is missing. Writers may come and go.
    ///
    /// # Errors
    /// [`FifoError`].
    pub fn start(path: &Path, writer: MusicWriter, rate: Hertz) -> Result<Self, FifoError> {
        let file = open(path)?;
        let path = path.to_owned();
        let work = move |stop: &AtomicBool| Reader::new(path, file, writer, rate).run(stop);
        let worker = Worker::start("amora-music", work).map_err(FifoError::Thread)?;
        Ok(Self { _worker: worker })
    }
}

fn open(path: &Path) -> Result<File, FifoError> {
    let make_error = |source| FifoError::Make {
        path: path.to_owned(),
        source,
    };
    if !path.exists() {
        let name = CString::new(path.as_os_str().as_bytes())
            .map_err(|_| make_error(std::io::Error::from(ErrorKind::InvalidInput)))?;
        // SAFETY: `name` is a string that ends in zero.
        if unsafe { libc::mkfifo(name.as_ptr(), 0o660) } != 0 {
            let source = std::io::Error::last_os_error();
            if source.kind() != ErrorKind::AlreadyExists {
                return Err(make_error(source));
            }
        } else {
            // The process's mask may have taken the group's right to write away.
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660)).map_err(make_error)?;
        }
    }
    // Open for writing as well: the FIFO then never reports the end of file, whichever writers come and go, and
    // waiting for data costs nothing.
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(path)
        .map_err(|source| FifoError::Open {
            path: path.to_owned(),
            source,
        })?;
    let kind = file.metadata().map(|metadata| metadata.file_type());
    if !kind.is_ok_and(|kind| kind.is_fifo()) {
        return Err(FifoError::NoFifo {
            path: path.to_owned(),
        });
    }
    Ok(file)
}

struct Reader {
    path: PathBuf,
    file: File,
    writer: MusicWriter,
    capacity: usize,
    /// Nanoseconds without a byte after which half a frame is a dead writer's leftover.
    stale: u64,
    bytes: Vec<u8>,
    /// Bytes of an incomplete frame at the front of `bytes`.
    partial: usize,
    samples: Vec<f32>,
    last: u64,
    looked: u64,
}

impl Reader {
    fn new(path: PathBuf, file: File, writer: MusicWriter, rate: Hertz) -> Self {
        // SAFETY: the descriptor is open; the call only reads a number.
        let capacity = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETPIPE_SZ) };
        let chunk = (rate.0 as usize / 10).next_power_of_two() * FRAME;
        Self {
            path,
            file,
            writer,
            capacity: usize::try_from(capacity).unwrap_or(65_536),
            stale: 1_000_000_000,
            bytes: vec![0; chunk],
            partial: 0,
            samples: Vec::with_capacity(chunk / 4),
            last: 0,
            looked: 0,
        }
    }

    fn run(mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) && !self.writer.is_ended() {
            let free = self.writer.free().0 as usize;
            if free == 0 {
                let waiting = self.pipe_level();
                // A writer that is held up leaves less room than a page in the pipe.
                let held_up = waiting + 4096 > self.capacity;
                self.writer.set_backlog(Frames((waiting / FRAME) as u64), held_up);
                clock::sleep_until(clock::now() + WAIT_FOR_ROOM);
                continue;
            }
            if !self.wait() {
                self.writer.set_backlog(Frames(0), false);
                self.follow();
                continue;
            }
            match self.read(free) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.writer.set_backlog(Frames(0), false)
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::warn!(%error, "the music FIFO can't be read");
                    clock::sleep_until(clock::now() + 1_000_000_000);
                }
            }
        }
    }

    /// After a long silence: opens the FIFO anew if another, or none, goes by its name now.
    fn follow(&mut self) {
        let now = clock::now();
        if now.saturating_sub(self.last.max(self.looked)) < DOUBT {
            return;
        }
        self.looked = now;
        let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        let named = std::fs::metadata(&self.path).map(identity).ok();
        if named.is_some() && named == self.file.metadata().map(identity).ok() {
            return;
        }
        match open(&self.path) {
            Ok(file) => {
                tracing::info!(path = %self.path.display(), "the music FIFO was replaced; the new one is read");
                self.file = file;
                self.partial = 0;
            }
            Err(error) => tracing::debug!(%error, "the music FIFO was removed"),
        }
    }

    /// Waits for bytes; false when none came.
    fn wait(&self) -> bool {
        let mut poll = libc::pollfd {
            fd: self.file.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: `poll` is one valid entry.
        unsafe { libc::poll(&raw mut poll, 1, NAP) == 1 }
    }

    fn pipe_level(&self) -> usize {
        let mut bytes: libc::c_int = 0;
        // SAFETY: FIONREAD writes one int.
        let result = unsafe { libc::ioctl(self.file.as_raw_fd(), libc::FIONREAD, &raw mut bytes) };
        if result == 0 { bytes.max(0) as usize } else { 0 }
    }

    fn read(&mut self, free: usize) -> std::io::Result<()> {
        let room = (free * FRAME).min(self.bytes.len());
        let now = clock::now();
        if now.saturating_sub(self.last) > self.stale {
            // A new writer begins with a whole frame.
            self.partial = 0;
        }
        if self.partial >= room {
            return Ok(());
        }
        let read = self.file.read(&mut self.bytes[self.partial..room])?;
        self.last = now;
        if self.partial + read < room {
            // Nothing is left in the pipe.
            self.writer.set_backlog(Frames(0), false);
        }
        let filled = self.partial + read;
        let whole = filled - filled % FRAME;
        self.samples.clear();
        for sample in self.bytes[..whole].chunks_exact(4) {
            let sample = f32::from_ne_bytes([sample[0], sample[1], sample[2], sample[3]]);
            self.samples.push(sample);
        }
        self.writer.push(&self.samples, clock::now());
        self.bytes.copy_within(whole..filled, 0);
        self.partial = filled - whole;
        Ok(())
    }
}
