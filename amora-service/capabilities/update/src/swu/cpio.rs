//! The headers of a cpio archive in the "new ASCII" formats, `070701` and `070702`.

/// Length of a header without the name that follows it.
pub(super) const HEADER: usize = 110;

/// Longest name that SWUpdate takes.
const LONGEST_NAME: u32 = 255;

/// The name of the entry that ends an archive.
pub(super) const TRAILER: &str = "TRAILER!!!";

/// One header, as far as it concerns us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes of the file.
    pub(super) size: u32,
    /// Bytes of the name, with its terminator.
    pub(super) name: u32,
}

impl Header {
    /// Reads a header; `None` when it is none.
    pub(super) fn parse(bytes: &[u8; HEADER]) -> Option<Self> {
        if !matches!(&bytes[..6], b"070701" | b"070702") {
            return None;
        }
        let field = |index: usize| hexadecimal(&bytes[6 + 8 * index..14 + 8 * index]);
        // Every field must be a number, also those that are not looked at.
        for index in 0..13 {
            field(index)?;
        }
        let header = Self {
            size: field(6)?,
            name: field(11)?,
        };
        (2..=LONGEST_NAME + 1).contains(&header.name).then_some(header)
    }

    /// Bytes of the header and the name with the padding after it.
    pub(super) fn whole(self) -> usize {
        padded(HEADER as u64 + u64::from(self.name)) as usize
    }

    /// Bytes of the file with the padding after it.
    pub(super) fn body(self) -> u64 {
        padded(u64::from(self.size))
    }
}

/// The name in a header; `None` when it is no text.
pub(super) fn name(whole: &[u8], header: Header) -> Option<&str> {
    let bytes = whole.get(HEADER..HEADER + header.name as usize)?;
    let (terminator, text) = bytes.split_last()?;
    match *terminator {
        0 if !text.contains(&0) => std::str::from_utf8(text).ok(),
        _ => None,
    }
}

fn padded(length: u64) -> u64 {
    length.next_multiple_of(4)
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
