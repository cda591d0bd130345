//! SWUpdate's messages: C structures of a fixed size in the machine's byte order, as `network_ipc.h` and
//! `progress_ipc.h` of its versions 2022.12 to 2026.05 declare them for 64-bit machines.

use serde_json::{Value, json};

/// Size of every message on the control socket.
pub(crate) const MESSAGE: usize = 3120;

const MAGIC: u32 = 0x1405_2001;
const REQUEST_INSTALL: u32 = 0;
const ACKNOWLEDGED: u32 = 1;
const NOT_ACKNOWLEDGED: u32 = 2;
const GET_STATUS: u32 = 3;
const SUBPROCESS: u32 = 5;
const SET_VERSIONS_RANGE: u32 = 10;
const NOTIFY_STREAM: u32 = 11;

const CMD_ACTIVATION: u32 = 0;
const CMD_ENABLE: u32 = 2;

/// Time that SWUpdate gives its hawkBit client to answer: less than we wait for SWUpdate.
const SUBPROCESS_TIMEOUT: u32 = 15;

/// Where the union of a message's data begins.
const DATA: usize = 8;

/// `SOURCE_LOCAL`: brought by a program on the box.
const SOURCE_LOCAL: u32 = 4;

/// `SOURCE_SURICATTA`: ordered by a server.
pub(crate) const SOURCE_SURICATTA: u32 = 2;

/// A message to the control socket.
#[derive(Clone)]
pub(crate) struct Message(Box<[u8; MESSAGE]>);

impl Message {
    fn new(kind: u32) -> Self {
        let mut message = Self(Box::new([0; MESSAGE]));
        message.put(0, MAGIC);
        message.put(4, kind);
        message
    }

    fn put(&mut self, offset: usize, number: u32) {
        self.0[offset..offset + 4].copy_from_slice(&number.to_ne_bytes());
    }

    fn put_text(&mut self, offset: usize, capacity: usize, text: &str) {
        let length = text.len().min(capacity - 1);
        self.0[offset..offset + length].copy_from_slice(&text.as_bytes()[..length]);
    }

    /// Asks to install what follows on the same connection.
    pub(crate) fn install(info: &str) -> Self {
        let mut message = Self::new(REQUEST_INSTALL);
        // struct swupdate_request: apiversion, source, dry_run, (padding), len, info[512], …
        message.put(DATA, 1);
        message.put(DATA + 4, SOURCE_LOCAL);
        message.put_text(DATA + 24, 512, info);
        message
    }

    /// Asks how it stands.
    pub(crate) fn get_status() -> Self {
        Self::new(GET_STATUS)
    }

    /// Asks for every line of the log from now on.
    pub(crate) fn notify_stream() -> Self {
        Self::new(NOTIFY_STREAM)
    }

    /// Forbids versions below this one.
    pub(crate) fn set_floor(version: &str) -> Self {
        let mut message = Self::new(SET_VERSIONS_RANGE);
        message.put_text(DATA, 256, version);
        message
    }

    /// Tells the hawkBit client how the update of this action ended, so that it tells its server.
    pub(crate) fn verdict(action: u32, good: bool, details: &[String]) -> Self {
        let verdict = json!({
            "id": action,
            // SWUpdate's own marks: 2 tested, 3 failed.
            "status": if good { "2" } else { "3" },
            "finished": if good { "success" } else { "failure" },
            "execution": "closed",
            "details": details,
        });
        Self::to_hawkbit(CMD_ACTIVATION, &verdict)
    }

    /// Lets the hawkBit client ask its server, or forbids it.
    pub(crate) fn enable(enable: bool) -> Self {
        Self::to_hawkbit(CMD_ENABLE, &json!({ "enable": enable }))
    }

    fn to_hawkbit(command: u32, text: &Value) -> Self {
        let text = text.to_string();
        let mut message = Self::new(SUBPROCESS);
        // struct procmsg: source, cmd, timeout in seconds, len, buf[2048]
        message.put(DATA, SOURCE_SURICATTA);
        message.put(DATA + 4, command);
        message.put(DATA + 8, SUBPROCESS_TIMEOUT);
        message.put(DATA + 12, text.len() as u32);
        message.put_text(DATA + 16, 2048, &text);
        message
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// What comes from the control socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Yes.
    Yes,
    /// No, with what it says about it.
    No(String),
    /// A line of the log.
    Line {
        /// 1 is an error, 2 a warning.
        level: u32,
        /// What is going on; 0 is nothing.
        status: u32,
        /// The line.
        text: String,
    },
    /// Something else.
    Other,
}

impl Answer {
    /// Reads a message from the control socket.
    pub(crate) fn read(bytes: &[u8; MESSAGE]) -> Self {
        if number(bytes, 0) != MAGIC {
            return Self::Other;
        }
        match number(bytes, 4) {
            ACKNOWLEDGED => Self::Yes,
            NOT_ACKNOWLEDGED => Self::No(text(&bytes[DATA..DATA + 128])),
            NOTIFY_STREAM => Self::Line {
                status: number(bytes, DATA),
                level: number(bytes, DATA + 8),
                text: text(&bytes[DATA + 12..DATA + 12 + 2048]),
            },
            _ => Self::Other,
        }
    }

    /// The last result in the answer to [`Message::get_status`], if nothing is going on now.
    pub(crate) fn last_result(bytes: &[u8; MESSAGE]) -> Option<Status> {
        (number(bytes, 0) == MAGIC && number(bytes, 4) == ACKNOWLEDGED)
            .then(|| Status::read(number(bytes, DATA + 4)))
            .filter(|status| matches!(status, Status::Success | Status::Failure))
    }
}

/// What SWUpdate is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Nothing.
    Idle,
    /// It began.
    Start,
    /// It writes.
    Run,
    /// It has written everything, and the boot loader knows.
    Success,
    /// It has given up.
    Failure,
    /// A server's update is on its way.
    Download,
    /// Something else.
    Other,
}

impl Status {
    fn read(number: u32) -> Self {
        match number {
            0 => Self::Idle,
            1 => Self::Start,
            2 | 8 => Self::Run,
            3 => Self::Success,
            4 => Self::Failure,
            5 => Self::Download,
            _ => Self::Other,
        }
    }
}

/// One message of the progress socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) status: Status,
    /// How much of a server's update has arrived, in percent.
    pub(crate) download: u32,
    /// Parts to write.
    pub(crate) steps: u32,
    /// The part that is being written, from 1.
    pub(crate) step: u32,
    /// How much of it is written, in percent.
    pub(crate) percent: u32,
    /// The part's name.
    pub(crate) image: String,
    /// Whether a server ordered it.
    pub(crate) ordered: bool,
    /// The update's version, in the message that tells it.
    pub(crate) version: Option<String>,
    /// The hawkBit server's number of what it ordered, in the message that tells it.
    pub(crate) action: Option<u32>,
}

/// How SWUpdate lays out its progress messages: since 2025.12 without the compiler's gaps, under the same version number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Gaps,
    Packed,
}

impl Layout {
    const fn size(self) -> usize {
        match self {
            Self::Gaps => 2416,
            Self::Packed => 2408,
        }
    }

    /// What is added to the offset of everything after the third number.
    const fn gap(self) -> usize {
        match self {
            Self::Gaps => 4,
            Self::Packed => 0,
        }
    }
}

/// Takes the progress socket's bytes apart.
#[derive(Debug, Default)]
pub(crate) struct ProgressReader {
    buffer: Vec<u8>,
    layout: Option<Layout>,
    greeted: bool,
}

impl ProgressReader {
    /// Takes what one read gave. SWUpdate writes a message at once, so the first read shows how long they are.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Progress> {
        self.buffer.extend_from_slice(bytes);
        if !self.greeted && self.buffer.len() >= 8 {
            // Since 2024.12 it greets first: a version and "ACK".
            if &self.buffer[4..8] == b"ACK\0" {
                self.buffer.drain(..8);
            }
            self.greeted = true;
        }
        let mut messages = Vec::new();
        while self.greeted
            && let Some(layout) = self.layout()
            && self.buffer.len() >= layout.size()
        {
            messages.push(Progress::read(&self.buffer[..layout.size()], layout));
            self.buffer.drain(..layout.size());
        }
        messages
    }

    fn layout(&mut self) -> Option<Layout> {
        if self.layout.is_none() && self.buffer.len() >= Layout::Packed.size() {
            // Every message begins with the same number. Where one begins shows how long the one before it is.
            let begins = |offset: usize| self.buffer.get(offset..offset + 4) == self.buffer.get(..4);
            let packed = match self.buffer.len() {
                length if length == Layout::Packed.size() => true,
                length if length < Layout::Gaps.size() => return None,
                length if length == Layout::Gaps.size() => false,
                length => {
                    begins(Layout::Packed.size())
                        && (length < Layout::Gaps.size() + 4 || !begins(Layout::Gaps.size()))
                }
            };
            self.layout = Some(if packed { Layout::Packed } else { Layout::Gaps });
        }
        self.layout
    }
}

impl Progress {
    fn read(bytes: &[u8], layout: Layout) -> Self {
        let gap = layout.gap();
        // What it said before stays in the field; only a length makes it news.
        let info = (number(bytes, 356 + gap) > 0).then(|| text(&bytes[360 + gap..360 + gap + 2048]));
        let info = info.and_then(|info| serde_json::from_str::<Value>(&info).ok());
        Self {
            status: Status::read(number(bytes, 4)),
            download: number(bytes, 8).min(100),
            steps: number(bytes, 20 + gap),
            step: number(bytes, 24 + gap),
            percent: number(bytes, 28 + gap).min(100),
            image: text(&bytes[32 + gap..288 + gap]),
            ordered: number(bytes, 352 + gap) == SOURCE_SURICATTA,
            version: info.as_ref().and_then(version),
            action: info.as_ref().and_then(action),
        }
    }
}

/// The version in SWUpdate's `{"0": {"VERSION" : "1.2.3"}}`.
fn version(info: &Value) -> Option<String> {
    let version = info.as_object()?.values().next()?.get("VERSION")?.as_str()?;
    Some(version.chars().take(128).collect())
}

/// The action in the hawkBit client's `{"update": "forced", …, "id": "7"}`.
fn action(info: &Value) -> Option<u32> {
    info.get("id")?.as_str()?.parse().ok()
}

fn number(bytes: &[u8], offset: usize) -> u32 {
    bytes[offset..]
        .first_chunk()
        .map_or(0, |bytes| u32::from_ne_bytes(*bytes))
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).trim().to_owned()
}

#[cfg(test)]
mod tests;
