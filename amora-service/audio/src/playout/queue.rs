//! Packets that wait, in the sender's order, on time lines that do not wrap.

use crate::opus::PacketInfo;
use std::collections::BTreeMap;

/// Packets that a sequence number may be ahead of the newest, and behind it, before another stream is suspected:
/// RFC 3550, appendix A.1.
const FURTHEST_AHEAD: i64 = 3000;
const FURTHEST_BEHIND: i64 = 100;

/// Packets whose fate is remembered.
const REMEMBERED: i64 = 128;

/// A packet that waits.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) info: PacketInfo,
    pub(super) payload: Vec<u8>,
    /// The first of another stream.
    pub(super) restart: bool,
    timestamp: i64,
}

impl Packet {
    fn end(&self) -> i64 {
        self.timestamp + self.info.frames as i64
    }
}

/// What became of a packet that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    /// It waits. Its timestamp, unwrapped.
    Waiting(i64),
    /// What comes after it was played already.
    Late,
    /// It came before.
    Duplicate,
    /// It belongs to no stream known; another one after it makes it the first of a new one.
    Stray,
}

/// The first packet that waits, and what lies between it and what was played last.
#[derive(Debug)]
pub(super) struct Head<'a> {
    pub(super) packet: &'a Packet,
    /// Packets that are missing.
    pub(super) missing: u64,
    /// Frames that are missing, or were never sent.
    pub(super) gap: i64,
}

/// Where the newest packet stands.
#[derive(Debug, Clone, Copy)]
struct Newest {
    sequence: i64,
    timestamp: i64,
    end: i64,
    sequence_wire: u16,
    timestamp_wire: u32,
}

#[derive(Debug)]
struct Stray {
    sequence: u16,
    timestamp: u32,
    info: PacketInfo,
    payload: Vec<u8>,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    packets: BTreeMap<i64, Packet>,
    /// Frames of sound in them.
    frames: usize,
    newest: Option<Newest>,
    /// The sequence number to be played next.
    next: i64,
    /// The timestamp at which what was played ended.
    position: Option<i64>,
    /// Whether anything was played since `next` was set.
    begun: bool,
    /// Bit n: the packet n + 1 before `next` had arrived.
    arrived: u128,
    stray: Option<Stray>,
    /// Streams that began.
    streams: u64,
}

impl Queue {
    /// Frames of sound that wait.
    pub(super) fn frames(&self) -> usize {
        self.frames
    }

    /// Streams that began so far.
    pub(super) fn streams(&self) -> u64 {
        self.streams
    }

    /// Packets that wait, a stray one included.
    pub(super) fn len(&self) -> usize {
        self.packets.len() + usize::from(self.stray.is_some())
    }

    /// Puts a packet in its place. The number says how many strays were given up for it.
    pub(super) fn place(
        &mut self,
        sequence: u16,
        timestamp: u32,
        info: PacketInfo,
        payload: &[u8],
    ) -> (Placed, u64) {
        let Some(newest) = self.newest else {
            return (self.begin(sequence, timestamp, info, payload), 0);
        };
        let ahead = i64::from(sequence.wrapping_sub(newest.sequence_wire) as i16);
        if !(-FURTHEST_BEHIND..=FURTHEST_AHEAD).contains(&ahead) {
            return self.suspect(sequence, timestamp, info, payload);
        }
        let given_up = u64::from(self.stray.take().is_some());
        let at = newest.sequence + ahead;
        let elapsed = i64::from(timestamp.wrapping_sub(newest.timestamp_wire) as i32);
        // A clock that stands still or runs backwards says nothing: then what comes follows what was.
        let unwrapped = if ahead > 0 && elapsed <= 0 {
            newest.end
        } else {
            newest.timestamp + elapsed
        };
        if at < self.next && (self.begun || self.next - at >= FURTHEST_BEHIND) {
            let behind = self.next - 1 - at;
            let known = behind < REMEMBERED && self.arrived >> behind & 1 == 1;
            return (if known { Placed::Duplicate } else { Placed::Late }, given_up);
        }
        if self.packets.contains_key(&at) {
            return (Placed::Duplicate, given_up);
        }
        self.next = self.next.min(at);
        self.insert(at, sequence, unwrapped, timestamp, info, payload, false);
        (Placed::Waiting(unwrapped), given_up)
    }

    fn begin(&mut self, sequence: u16, timestamp: u32, info: PacketInfo, payload: &[u8]) -> Placed {
        let (at, unwrapped) = match self.packets.last_key_value() {
            Some((last, packet)) => (last + 1, packet.end()),
            None => (self.next, self.position.unwrap_or(i64::from(timestamp))),
        };
        self.streams += 1;
        if self.packets.is_empty() {
            self.begun = false;
            self.arrived = 0;
            self.position = None;
        }
        self.insert(at, sequence, unwrapped, timestamp, info, payload, true);
        Placed::Waiting(unwrapped)
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "a packet's place on both lines, as numbered and as sent"
    )]
    fn insert(
        &mut self,
        at: i64,
        sequence: u16,
        unwrapped: i64,
        timestamp: u32,
        info: PacketInfo,
        payload: &[u8],
        restart: bool,
    ) {
        let packet = Packet {
            info,
            payload: payload.to_vec(),
            restart,
            timestamp: unwrapped,
        };
        if restart || self.newest.is_none_or(|newest| at > newest.sequence) {
            self.newest = Some(Newest {
                sequence: at,
                timestamp: unwrapped,
                end: packet.end(),
                sequence_wire: sequence,
                timestamp_wire: timestamp,
            });
        }
        self.frames += info.frames;
        self.packets.insert(at, packet);
    }

    /// A packet from nowhere: two that follow each other are another stream, which is played after what waits.
    fn suspect(&mut self, sequence: u16, timestamp: u32, info: PacketInfo, payload: &[u8]) -> (Placed, u64) {
        match self.stray.take() {
            Some(first) if first.sequence.wrapping_add(1) == sequence => {
                self.newest = None;
                self.begin(first.sequence, first.timestamp, first.info, &first.payload);
                self.place(sequence, timestamp, info, payload)
            }
            given_up => {
                self.stray = Some(Stray {
                    sequence,
                    timestamp,
                    info,
                    payload: payload.to_vec(),
                });
                (Placed::Stray, u64::from(given_up.is_some()))
            }
        }
    }

    /// The next packet begins another stream, whatever its numbers.
    pub(super) fn expect_another(&mut self) {
        self.newest = None;
    }

    /// The first packet that waits.
    pub(super) fn head(&self) -> Option<Head<'_>> {
        let (at, packet) = self.packets.first_key_value()?;
        let follows = self.position.filter(|_| !packet.restart);
        Some(Head {
            packet,
            missing: if follows.is_some() {
                (at - self.next) as u64
            } else {
                0
            },
            gap: follows.map_or(0, |position| (packet.timestamp - position).max(0)),
        })
    }

    /// Takes the first packet that waits; what is missing before it has no place any more.
    pub(super) fn take(&mut self) -> Option<Packet> {
        let (at, packet) = self.packets.pop_first()?;
        self.frames -= packet.info.frames;
        let steps = at - self.next + 1;
        self.arrived = if steps < REMEMBERED {
            self.arrived << steps | 1
        } else {
            1
        };
        self.next = at + 1;
        self.position = Some(packet.end());
        self.begun = true;
        Some(packet)
    }

    /// Throws away all that waits and returns the number of packets.
    pub(super) fn clear(&mut self) -> u64 {
        let mut packets = u64::from(self.stray.take().is_some());
        while self.take().is_some() {
            packets += 1;
        }
        // What is said next does not follow what was thrown away.
        self.position = None;
        packets
    }
}
