//! An update as it streams by. Its description is read before anything of it goes on to SWUpdate, and its end is held
//! back until the file is known to be whole: without the end SWUpdate installs nothing.

use super::cpio::{self, Header};
use super::description::Description;
use super::{LONGEST_DESCRIPTION, LONGEST_SIGNATURE};
use crate::error::Refusal;
use amora_contract::state::UpdateCause;
use bytes::{Bytes, BytesMut};

/// Most that may follow the archive's end: cpio pads to blocks of 512 bytes, other tools to larger ones.
const LONGEST_END: usize = 64 * 1024;

/// Reads an update piece by piece.
pub struct Reader {
    limit: u64,
    /// Bytes taken so far.
    position: u64,
    /// Where the entry being read stands among the entries.
    entry: u32,
    stage: Stage,
    description: Option<Description>,
    /// Taken, but not to go on yet: all of it until the description is known, then headers that are not whole.
    held: BytesMut,
    /// The end, from the header of its entry on.
    end: BytesMut,
}

enum Stage {
    Header(Vec<u8>),
    Body { left: u64, text: Option<Text> },
    End,
}

/// The description, while it is gathered.
struct Text {
    bytes: Vec<u8>,
    size: usize,
}

impl Reader {
    /// Nothing was read yet. An update of more than `limit` bytes is refused.
    pub fn new(limit: u64) -> Self {
        Self {
            limit,
            position: 0,
            entry: 0,
            stage: Stage::Header(Vec::new()),
            description: None,
            held: BytesMut::new(),
            end: BytesMut::new(),
        }
    }

    /// What the update says of itself, once that was read together with the signature's beginning.
    pub fn description(&self) -> Option<&Description> {
        self.description.as_ref().filter(|_| self.entry >= 2)
    }

    /// Bytes taken so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Takes the next piece and gives what may go on.
    ///
    /// # Errors
    /// When this is no update that SWUpdate could take.
    pub fn push(&mut self, mut piece: Bytes) -> Result<Vec<Bytes>, Refusal> {
        self.position += piece.len() as u64;
        self.within_limit(self.position)?;
        let mut on = Vec::new();
        while !piece.is_empty() {
            match &mut self.stage {
                Stage::Header(gathered) => {
                    let wanted = wanted(gathered)?;
                    let part = piece.split_to(piece.len().min(wanted - gathered.len()));
                    gathered.extend_from_slice(&part);
                    if gathered.len() >= self::wanted(gathered)? {
                        let gathered = std::mem::take(gathered);
                        self.begin_entry(&gathered)?;
                        self.release(&mut on);
                    }
                }
                Stage::Body { left, text } => {
                    let part = piece.split_to((*left).min(piece.len() as u64) as usize);
                    *left -= part.len() as u64;
                    if let Some(text) = text {
                        let missing = text.size - text.bytes.len();
                        text.bytes.extend_from_slice(&part[..missing.min(part.len())]);
                    }
                    if *left == 0 {
                        let text = text.take();
                        self.stage = Stage::Header(Vec::new());
                        self.end_entry(text)?;
                    }
                    match self.description() {
                        Some(_) if self.held.is_empty() => on.push(part),
                        _ => self.held.extend_from_slice(&part),
                    }
                    self.release(&mut on);
                }
                Stage::End => {
                    self.end.extend_from_slice(&piece);
                    piece.clear();
                    if self.end.len() > LONGEST_END {
                        return Err(malformed("something follows the archive's end"));
                    }
                }
            }
        }
        Ok(on)
    }

    /// The end, to be sent on when the file is known to be whole.
    ///
    /// # Errors
    /// When it is not.
    pub fn finish(self) -> Result<Bytes, Refusal> {
        match self.stage {
            Stage::End => Ok(self.end.freeze()),
            _ if self.position == 0 => Err(malformed("the file is empty")),
            _ => Err(Refusal::new(
                UpdateCause::Truncated,
                format!("the file ends after {} bytes, before its end mark", self.position),
            )),
        }
    }

    fn begin_entry(&mut self, whole: &[u8]) -> Result<(), Refusal> {
        let header = header(whole)?;
        let name = cpio::name(whole, header)
            .ok_or_else(|| malformed("the archive has a file without a proper name"))?;
        let named = |expected: &str| name == expected;
        let text = match self.entry {
            0 if !named("sw-description") => {
                return Err(malformed("the archive does not begin with `sw-description`"));
            }
            0 if header.size > LONGEST_DESCRIPTION => {
                return Err(malformed("`sw-description` is longer than any is"));
            }
            0 => Some(Text {
                bytes: Vec::new(),
                size: header.size as usize,
            }),
            1 if !named("sw-description.sig") => {
                return Err(Refusal::new(
                    UpdateCause::NotSigned,
                    "the update has no signature: `sw-description.sig` is missing",
                ));
            }
            1 if header.size > LONGEST_SIGNATURE => {
                return Err(malformed("`sw-description.sig` is longer than any signature is"));
            }
            _ => None,
        };
        if named(cpio::TRAILER) && self.entry >= 2 {
            self.end.extend_from_slice(whole);
            self.stage = Stage::End;
            return Ok(());
        }
        self.within_limit(u64::from(header.size))?;
        self.held.extend_from_slice(whole);
        self.stage = match header.body() {
            0 => Stage::Header(Vec::new()),
            left => Stage::Body { left, text },
        };
        if header.body() == 0 {
            let empty = (self.entry == 0).then(|| Text {
                bytes: Vec::new(),
                size: 0,
            });
            self.end_entry(empty)?;
        }
        Ok(())
    }

    fn end_entry(&mut self, text: Option<Text>) -> Result<(), Refusal> {
        self.entry += 1;
        if let Some(text) = text {
            self.description = Some(Description::parse(&text.bytes)?);
        }
        Ok(())
    }

    fn release(&mut self, on: &mut Vec<Bytes>) {
        if self.description().is_some() && !self.held.is_empty() {
            on.push(self.held.split().freeze());
        }
    }

    fn within_limit(&self, size: u64) -> Result<(), Refusal> {
        match size <= self.limit {
            true => Ok(()),
            false => Err(too_big(size, self.limit)),
        }
    }
}

/// Bytes of the header and name that is being gathered, as far as that is known.
fn wanted(gathered: &[u8]) -> Result<usize, Refusal> {
    match gathered.len() {
        0..cpio::HEADER => Ok(cpio::HEADER),
        _ => Ok(header(gathered)?.whole()),
    }
}

fn header(gathered: &[u8]) -> Result<Header, Refusal> {
    gathered
        .first_chunk()
        .and_then(Header::parse)
        .ok_or_else(|| malformed("the file is no update: it is not a cpio archive, or a damaged one"))
}

fn malformed(reason: &str) -> Refusal {
    Refusal::new(UpdateCause::Malformed, reason)
}

/// The refusal of what is too big.
pub(crate) fn too_big(size: u64, limit: u64) -> Refusal {
    let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
    Refusal::new(
        UpdateCause::TooBig,
        format!(
            "the update has {} MiB or more, and this box takes at most {} MiB",
            mebibytes(size),
            mebibytes(limit)
        ),
    )
}

/// What holds for any bytes: they are read without panic, memory stays bounded, the outcome does not depend on the
/// pieces, and what goes on is what came.
pub fn fuzz(bytes: &[u8]) {
    let whole = read(bytes, bytes.len().max(1));
    assert_eq!(whole, read(bytes, 1));
    assert_eq!(whole, read(bytes, 97));
    if let Ok(passed) = whole {
        assert_eq!(passed, bytes);
    }
}

fn read(bytes: &[u8], size: usize) -> Result<Vec<u8>, UpdateCause> {
    let mut reader = Reader::new(1 << 30);
    let mut passed = Vec::new();
    for piece in bytes.chunks(size) {
        let on = reader
            .push(Bytes::copy_from_slice(piece))
            .map_err(|refusal| refusal.cause)?;
        assert!(on.is_empty() || reader.description().is_some());
        assert!(reader.held.len() <= (LONGEST_DESCRIPTION + LONGEST_SIGNATURE) as usize + 4096);
        on.iter().for_each(|piece| passed.extend_from_slice(piece));
    }
    passed.extend_from_slice(&reader.finish().map_err(|refusal| refusal.cause)?);
    Ok(passed)
}

#[cfg(test)]
mod tests;
