//! Finds the id in a message that cannot be read as a whole, so that its sender gets an answer all the same.

use super::Dialect;

/// How much of each end of the message is searched.
const SEARCHED: usize = 64 << 10;

/// An id that is longer is no id.
const LONGEST: usize = 256;

/// The id, and the dialect that its key belongs to.
pub(super) fn id(payload: &[u8]) -> (Dialect, Option<String>) {
    let device = text_after(payload, b"\"command_id\"");
    let client = || text_after(payload, b"\"commandId\"");
    match device {
        Some(id) => (Dialect::Device, Some(id)),
        None => match client() {
            Some(id) => (Dialect::Client, Some(id)),
            None => (Dialect::Device, None),
        },
    }
}

/// The command's name.
pub(super) fn command(payload: &[u8]) -> Option<String> {
    text_after(payload, b"\"command\"")
}

fn text_after(payload: &[u8], key: &[u8]) -> Option<String> {
    let head = &payload[..payload.len().min(SEARCHED)];
    let tail = &payload[payload.len().saturating_sub(SEARCHED)..];
    [head, tail].into_iter().find_map(|part| {
        part.windows(key.len())
            .enumerate()
            .filter(|(_, window)| *window == key)
            .find_map(|(at, _)| value(&part[at + key.len()..]))
    })
}

/// The text or number after a colon.
fn value(rest: &[u8]) -> Option<String> {
    let rest = rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let end = match rest.first()? {
        b'"' => {
            let mut escaped = false;
            1 + rest[1..].iter().take(LONGEST + 2).position(|byte| {
                let closes = *byte == b'"' && !escaped;
                escaped = *byte == b'\\' && !escaped;
                closes
            })? + 1
        }
        b'0'..=b'9' => rest
            .iter()
            .take(LONGEST)
            .position(|byte| !byte.is_ascii_digit())?,
        _ => return None,
    };
    let text = match serde_json::from_slice(&rest[..end]).ok()? {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    (text.len() <= LONGEST).then_some(text)
}
