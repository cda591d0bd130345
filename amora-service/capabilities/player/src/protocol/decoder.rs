//! Bytes to messages.

use super::{Ack, Frame};

/// The longest line taken. Paths end at 4 KiB; the rest is for long comments in tags.
const MAX_LINE: usize = 64 * 1024;

/// The largest binary part taken; the player asks MPD for 256 KiB at most.
const MAX_BINARY: usize = 1 << 20;

/// The largest response taken, above MPD's own 8 MiB output buffer.
const MAX_RESPONSE: usize = 16 << 20;

/// What a finished frame costs besides its fields.
const FRAME_COST: usize = 64;

/// Something complete that MPD said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// The greeting, with the protocol's version.
    Greeting(String),
    /// `OK`: one frame for each command of the list, or for the single command.
    Answer(Vec<Frame>),
    /// `ACK`, with the frames of the commands in the list that succeeded before.
    Refusal(Ack, Vec<Frame>),
}

/// Why the bytes are not MPD's protocol, or are more of it than is sound. The connection is of no use afterwards.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A line longer than the limit.
    #[error("it sent a line longer than {MAX_LINE} bytes")]
    LineTooLong,
    /// A response larger than the limit.
    #[error("it sent a response larger than {MAX_RESPONSE} bytes")]
    ResponseTooLarge,
    /// A line that makes no sense here; its beginning is kept.
    #[error("it sent {0:?}, which is not MPD's protocol")]
    Unexpected(String),
    /// More or fewer answers than there were commands.
    #[error("it sent {got} answers to {wanted} commands")]
    WrongCount {
        /// Commands sent.
        wanted: usize,
        /// Answers received.
        got: usize,
    },
}

impl ProtocolError {
    pub(super) fn unexpected(line: &str) -> Self {
        Self::Unexpected(line.chars().take(60).collect())
    }
}

/// The reading half of one connection.
#[derive(Debug, Default)]
pub struct Decoder {
    input: Vec<u8>,
    /// Bytes of `input` already used up.
    used: usize,
    /// Bytes of `input` known to hold no line break after `used`.
    searched: usize,
    greeted: bool,
    listing: bool,
    finished: Vec<Frame>,
    frame: Frame,
    /// Bytes still missing of a binary part, with the part so far.
    binary: Option<(usize, Vec<u8>)>,
    size: usize,
    failed: Option<ProtocolError>,
}

impl Decoder {
    /// Takes bytes as they come. Call [`Self::next_message`] until it has no more before pushing again: then at
    /// most one unfinished line is kept beside the response.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.input.drain(..self.used);
            self.searched = self.searched.saturating_sub(self.used);
            self.used = 0;
            self.input.extend_from_slice(bytes);
        }
    }

    /// The next complete message.
    ///
    /// # Errors
    /// [`ProtocolError`], and the same again at every later call.
    pub fn next_message(&mut self) -> Result<Option<Message>, ProtocolError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.step().inspect_err(|error| {
            self.failed = Some(error.clone());
            self.input = Vec::new();
            self.finished = Vec::new();
            self.frame = Frame::default();
            self.binary = None;
            (self.used, self.searched) = (0, 0);
        })
    }

    fn step(&mut self) -> Result<Option<Message>, ProtocolError> {
        loop {
            if self.binary.is_some() {
                if !self.take_binary()? {
                    return Ok(None);
                }
                continue;
            }
            let Some(line) = self.take_line()? else {
                return Ok(None);
            };
            if let Some(message) = self.read_line(&line)? {
                return Ok(Some(message));
            }
        }
    }

    fn take_line(&mut self) -> Result<Option<String>, ProtocolError> {
        let from = self.searched.max(self.used);
        let Some(end) = self.input[from..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.input.len();
            return match self.input.len() - self.used > MAX_LINE {
                true => Err(ProtocolError::LineTooLong),
                false => Ok(None),
            };
        };
        let line = &self.input[self.used..from + end];
        if line.len() > MAX_LINE {
            return Err(ProtocolError::LineTooLong);
        }
        // MPD promises UTF-8; a tag that breaks the promise must not cost the connection.
        let line = String::from_utf8_lossy(line).into_owned();
        self.used = from + end + 1;
        Ok(Some(line))
    }

    /// Whether the binary part and the line break after it are complete.
    fn take_binary(&mut self) -> Result<bool, ProtocolError> {
        let Some((missing, mut part)) = self.binary.take() else {
            return Ok(true);
        };
        let there = &self.input[self.used..];
        let taken = missing.min(there.len());
        part.extend_from_slice(&there[..taken]);
        let after = there.get(taken).copied();
        self.used += taken;
        match (missing - taken, after) {
            (0, Some(b'\n')) => {
                self.used += 1;
                self.frame.set_binary(part);
                Ok(true)
            }
            (0, Some(_)) => Err(ProtocolError::unexpected("no line break after binary data")),
            (missing, _) => {
                self.binary = Some((missing, part));
                Ok(false)
            }
        }
    }

    fn read_line(&mut self, line: &str) -> Result<Option<Message>, ProtocolError> {
        if !self.greeted {
            let version = line
                .strip_prefix("OK MPD ")
                .ok_or_else(|| ProtocolError::unexpected(line))?;
            self.greeted = true;
            return Ok(Some(Message::Greeting(version.to_owned())));
        }
        if line == "OK" {
            if !self.listing {
                self.finish_frame();
            } else if !self.frame.is_empty() {
                return Err(ProtocolError::unexpected("fields after the last list_OK"));
            }
            return Ok(Some(Message::Answer(self.finish_response())));
        }
        if line == "list_OK" {
            self.listing = true;
            self.grow(FRAME_COST)?;
            self.finish_frame();
            return Ok(None);
        }
        if let Some(rest) = line.strip_prefix("ACK ") {
            let ack = Ack::parse(rest)?;
            self.frame = Frame::default();
            return Ok(Some(Message::Refusal(ack, self.finish_response())));
        }
        let Some((key, value)) = line.split_once(':') else {
            return Err(ProtocolError::unexpected(line));
        };
        self.grow(line.len() + 1)?;
        if key == "binary" {
            let length: usize = value
                .trim()
                .parse()
                .map_err(|_| ProtocolError::unexpected(line))?;
            if length > MAX_BINARY {
                return Err(ProtocolError::ResponseTooLarge);
            }
            self.grow(length)?;
            self.binary = Some((length, Vec::new()));
        }
        self.frame.push_line(line);
        Ok(None)
    }

    fn grow(&mut self, by: usize) -> Result<(), ProtocolError> {
        self.size += by;
        match self.size > MAX_RESPONSE {
            true => Err(ProtocolError::ResponseTooLarge),
            false => Ok(()),
        }
    }

    fn finish_frame(&mut self) {
        self.finished.push(std::mem::take(&mut self.frame));
    }

    fn finish_response(&mut self) -> Vec<Frame> {
        self.listing = false;
        self.size = 0;
        std::mem::take(&mut self.finished)
    }
}
