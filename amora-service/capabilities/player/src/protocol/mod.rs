//! MPD's wire protocol as a state machine: bytes in, messages out, no socket anywhere.

mod ack;
mod command;
mod decoder;
mod frame;

pub use ack::{Ack, AckCode};
pub(crate) use command::push_escaped;
pub use command::{Command, Unsendable, encode};
pub use decoder::{Decoder, Message, ProtocolError};
pub use frame::Frame;

/// Feeds arbitrary bytes to a [`Decoder`], whole and byte by byte, for fuzzing.
///
/// # Panics
/// When the two disagree about what the bytes mean.
pub fn fuzz(bytes: &[u8]) {
    let whole = decode(bytes.chunks(bytes.len().max(1)));
    let pieces = decode(bytes.chunks(1));
    assert_eq!(whole, pieces, "the pieces in which bytes arrive must not matter");
}

fn decode<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<Message>, Option<ProtocolError>) {
    let mut decoder = Decoder::default();
    let mut messages = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        loop {
            match decoder.next_message() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}

#[cfg(test)]
mod tests;
