//! One line, bounded.

use crate::HelperError;
use std::io::Read;

/// Longest request, without its end of line.
pub const LONGEST: usize = 4096;

/// Reads up to the first end of line. What comes after it is not looked at.
///
/// # Errors
/// When the line is too long, or the other end closes before it is whole.
pub fn read_line(from: &mut impl Read) -> Result<Vec<u8>, HelperError> {
    let mut line = Vec::new();
    let mut piece = [0; 512];
    loop {
        let count = match from.read(&mut piece) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            count => count?,
        };
        if count == 0 {
            return Err(HelperError::NoRequest);
        }
        if let Some(end) = piece[..count].iter().position(|byte| *byte == b'\n') {
            line.extend_from_slice(&piece[..end]);
            return match line.len() {
                0..=LONGEST => Ok(line),
                _ => Err(HelperError::TooLong),
            };
        }
        line.extend_from_slice(&piece[..count]);
        if line.len() > LONGEST {
            return Err(HelperError::TooLong);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_bounded_and_must_be_whole() {
        assert_eq!(read_line(&mut &b"abc\ndef"[..]).unwrap(), b"abc");
        assert!(matches!(read_line(&mut &b"abc"[..]), Err(HelperError::NoRequest)));
        let mut longest = vec![b'x'; LONGEST];
        longest.push(b'\n');
        assert_eq!(read_line(&mut longest.as_slice()).unwrap().len(), LONGEST);
        longest.insert(0, b'x');
        assert!(matches!(
            read_line(&mut longest.as_slice()),
            Err(HelperError::TooLong)
        ));
    }

    proptest! {
        #[test]
        fn no_input_is_read_beyond_its_bound(bytes in prop::collection::vec(any::<u8>(), 0..12_000)) {
            let mut rest = bytes.as_slice();
            match read_line(&mut rest) {
                Ok(line) => {
                    prop_assert!(line.len() <= LONGEST);
                    prop_assert_eq!(&bytes[..line.len()], line.as_slice());
                    prop_assert_eq!(bytes[line.len()], b'\n');
                }
                Err(_) => prop_assert!(bytes.len() - rest.len() <= LONGEST + 512),
            }
        }
    }
}
