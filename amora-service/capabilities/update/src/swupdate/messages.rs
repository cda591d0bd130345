//! SWUpdate's messages: C structures of a fixed size in the machine's byte order, as `network_ipc.h` and
//! `progress_ipc.h` of its versions 2022.12 to 2026.05 declare them for 64-bit machines.

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

    /// Tells the hawkBit client how the trial ended, so that it reports that to its server.
    pub(crate) fn verdict(good: bool, details: &str) -> Self {
        let text = serde_json::json!({
            // SWUpdate's own marks: 2 tested, 3 failed.
            "status": if good { "2" } else { "3" },
            "finished": if good { "success" } else { "failure" },
            "execution": "closed",
            "details": [details],
        })
        .to_string();
        let mut message = Self::new(SUBPROCESS);
        // struct procmsg: source, cmd (0 is CMD_ACTIVATION), timeout, len, buf[2048]
        message.put(DATA, SOURCE_SURICATTA);
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
}

/// How SWUpdate lays out its progress messages: since 2025 without the compiler's gaps, under the same version number.
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
            // Since 2024 it greets first: a version and "ACK".
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
        let info = text(&bytes[360 + gap..360 + gap + 2048]);
        let has_info = number(bytes, 356 + gap) > 0;
        Self {
            status: Status::read(number(bytes, 4)),
            download: number(bytes, 8).min(100),
            steps: number(bytes, 20 + gap),
            step: number(bytes, 24 + gap),
            percent: number(bytes, 28 + gap).min(100),
            image: text(&bytes[32 + gap..288 + gap]),
            ordered: number(bytes, 352 + gap) == SOURCE_SURICATTA,
            version: has_info.then(|| version(&info)).flatten(),
        }
    }
}

/// The version in SWUpdate's `{"0": {"VERSION" : "1.2.3"}}`.
fn version(info: &str) -> Option<String> {
    let info: serde_json::Value = serde_json::from_str(info).ok()?;
    let version = info.as_object()?.values().next()?.get("VERSION")?.as_str()?;
    Some(version.chars().take(128).collect())
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
mod tests {
    use super::*;

    fn progress(layout: Layout, status: u32, image: &str, info: &str) -> Vec<u8> {
        let mut bytes = vec![0; layout.size()];
        let mut put =
            |offset: usize, number: u32| bytes[offset..offset + 4].copy_from_slice(&number.to_ne_bytes());
        let gap = layout.gap();
        put(0, 0x0002_0000);
        put(4, status);
        put(20 + gap, 3);
        put(24 + gap, 2);
        put(28 + gap, 42);
        put(352 + gap, SOURCE_SURICATTA);
        put(356 + gap, info.len() as u32);
        bytes[32 + gap..32 + gap + image.len()].copy_from_slice(image.as_bytes());
        bytes[360 + gap..360 + gap + info.len()].copy_from_slice(info.as_bytes());
        bytes
    }

    #[test]
    fn both_layouts_are_told_apart_with_and_without_greeting() {
        let greeting = [&0x0002_0000u32.to_ne_bytes()[..], b"ACK\0"].concat();
        for layout in [Layout::Gaps, Layout::Packed] {
            for greeting in [&greeting[..], &[]] {
                let mut reader = ProgressReader::default();
                let first = progress(layout, 2, "rootfs", r#"{"0": {"VERSION" : "1.2.3"}}"#);
                let second = progress(layout, 3, "rootfs", "");
                assert!(reader.push(greeting).is_empty());
                let messages = reader.push(&first);
                assert_eq!(messages.len(), 1, "{layout:?}");
                let message = &messages[0];
                assert_eq!(message.version.as_deref(), Some("1.2.3"));
                assert_eq!((message.steps, message.step, message.percent), (3, 2, 42));
                assert_eq!((message.image.as_str(), message.ordered), ("rootfs", true));
                assert_eq!(reader.push(&second)[0].status, Status::Success);
            }
        }
    }

    #[test]
    fn several_messages_at_once_are_told_apart_too() {
        for layout in [Layout::Gaps, Layout::Packed] {
            let mut reader = ProgressReader::default();
            let all: Vec<u8> = (0..3).flat_map(|_| progress(layout, 2, "x", "")).collect();
            let messages = reader.push(&all);
            assert_eq!(messages.len(), 3, "{layout:?}");
            assert!(messages.iter().all(|message| message.percent == 42));
        }
    }

    #[test]
    fn a_request_is_laid_out_as_swupdate_reads_it() {
        let message = Message::install("amora");
        assert_eq!(message.bytes().len(), MESSAGE);
        assert_eq!(number(message.bytes(), 0), MAGIC);
        assert_eq!(number(message.bytes(), 8), 1);
        assert_eq!(number(message.bytes(), 12), SOURCE_LOCAL);
        assert_eq!(&message.bytes()[32..38], b"amora\0");
        let long = "x".repeat(1000);
        assert_eq!(text(&Message::set_floor(&long).bytes()[8..264]).len(), 255);
    }

    #[test]
    fn anything_from_the_socket_is_read_without_panic() {
        let mut bytes = [0xFF; MESSAGE];
        assert_eq!(Answer::read(&bytes), Answer::Other);
        bytes[..4].copy_from_slice(&MAGIC.to_ne_bytes());
        assert_eq!(Answer::read(&bytes), Answer::Other);
        bytes[4..8].copy_from_slice(&NOTIFY_STREAM.to_ne_bytes());
        assert!(matches!(Answer::read(&bytes), Answer::Line { .. }));
        let mut reader = ProgressReader::default();
        for _ in 0..5 {
            reader.push(&[0xFF; 1000]);
        }
        assert!(reader.buffer.len() < Layout::Gaps.size());
    }
}
