//! The microphone's way to the call: clean sound in, Opus packets out, on a thread of its own.

use crate::figures::{Count, FRAME, Figures, Meter};
use crate::microphone::Microphone;
use crate::session::OpusPacket;
use amora_audio::echo::BLOCK;
use amora_audio::hearing::BusReader;
use amora_audio::opus::{Encoded, Encoder, EncoderSettings, Framer, OpusError, Profile};
use amora_audio::worker::Worker;
use amora_contract::config::{VoiceConfig, VoiceProfile};
use amora_router::SoundBlock;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::broadcast;

/// How long a block is waited for before the thread looks whether it is still wanted.
const PATIENCE: Duration = Duration::from_millis(250);

/// Loss of packets that redundancy is sent for, in percent.
const EXPECTED_LOSS: u8 = 15;

/// A smaller jump of the positions is another engine's latency, not sound that was lost.
const GAP: u64 = FRAME;

/// What every uplink of a call shares, however often the sound card comes and goes.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) microphone: Microphone,
    pub(crate) figures: Arc<Figures>,
    pub(crate) mute: Arc<AtomicBool>,
    /// Who listens to what is heard, before and after the box's own sound is taken out of it.
    pub(crate) listeners: broadcast::Sender<SoundBlock>,
    started: Instant,
    /// Where the microphone's stream has come to, in frames: it never goes back.
    position: Arc<AtomicU64>,
}

impl Line {
    pub(crate) fn new(
        microphone: Microphone,
        figures: Arc<Figures>,
        mute: Arc<AtomicBool>,
        listeners: broadcast::Sender<SoundBlock>,
    ) -> Self {
        Self {
            microphone,
            figures,
            mute,
            listeners,
            started: Instant::now(),
            position: Arc::default(),
        }
    }
}

/// Encodes what a bus brings.
pub(crate) fn start(bus: BusReader, line: Line, config: &VoiceConfig) -> Result<Worker, String> {
    let encoder = encoder(config).map_err(|error| error.to_string())?;
    let work = Work::new(line, encoder);
    Worker::start("amora-uplink", move |stop| work.run(bus, stop))
        .map_err(|error| format!("the microphone's thread can't be started: {error}"))
}

fn encoder(config: &VoiceConfig) -> Result<Encoder, OpusError> {
    let profile = match config.profile {
        VoiceProfile::Default => Profile::Voice,
        VoiceProfile::LowLatency => Profile::LowLatency,
    };
    let settings = EncoderSettings {
        bitrate: config.opus.bitrate,
        complexity: config.opus.complexity,
        dtx: config.opus.dtx,
        expected_loss: if config.opus.fec { EXPECTED_LOSS } else { 0 },
    };
    Encoder::new(profile, settings)
}

struct Work {
    line: Line,
    framer: Framer,
    sender: Sender,
    /// Where the oldest sample of the framer stands in the stream that is sent.
    head: u64,
    /// From a position on the bus to one in the stream that is sent.
    base: Option<i64>,
    /// Position on the bus that should come next.
    expected: i64,
    captured: Meter,
}

impl Work {
    fn new(line: Line, encoder: Encoder) -> Self {
        Self {
            framer: Framer::new(encoder.profile().packet()),
            sender: Sender {
                line: line.clone(),
                encoder,
                was_open: false,
                complained: false,
            },
            line,
            head: 0,
            base: None,
            expected: 0,
            captured: Meter::new(Count::MicCaptured),
        }
    }

    fn run(mut self, mut bus: BusReader, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            // A block that only begins a packet is no reason to wake up.
            let blocks = self.framer.missing().div_ceil(BLOCK);
            match bus.wait_for(blocks, PATIENCE) {
                Some(block) => self.take(block.position, &block.samples),
                None if bus.is_ended() => return,
                None => {}
            }
        }
    }

    fn take(&mut self, position: i64, mut samples: &[f32]) {
        self.place(position);
        self.expected += samples.len() as i64;
        self.captured.add(samples.len() as u64, &self.line.figures);
        while let Some(frames) = self.framer.fill(&mut samples) {
            let position = self.head;
            self.head += frames.len() as u64;
            self.line.position.store(self.head, Ordering::Relaxed);
            self.sender.send(position, frames);
        }
    }

    /// Finds where a block belongs in the stream that is sent.
    fn place(&mut self, position: i64) {
        if self.base.is_some() && position.abs_diff(self.expected) < GAP {
            return;
        }
        let base = *self.base.get_or_insert_with(|| {
            let elapsed = (self.line.started.elapsed().as_secs_f64() * 48_000.0) as u64;
            let start = elapsed.max(self.line.position.load(Ordering::Relaxed));
            start as i64 - position
        });
        self.framer.clear();
        self.expected = position;
        // A stream that went back goes on where it was.
        self.head = u64::try_from(base + position).unwrap_or_default().max(self.head);
        self.base = Some(self.head as i64 - position);
    }
}

/// Encodes packets' worth of sound for the call, while it takes any.
struct Sender {
    line: Line,
    encoder: Encoder,
    was_open: bool,
    complained: bool,
}

impl Sender {
    fn send(&mut self, position: u64, frames: &[f32]) {
        let open = self.line.microphone.is_open() && !self.line.mute.load(Ordering::Relaxed);
        if open && !self.was_open {
            self.encoder.restart();
        }
        self.was_open = open;
        if !open {
            return;
        }
        match self.encoder.encode(frames) {
            Ok(Encoded::Packet(payload)) => self.line.microphone.push(OpusPacket {
                position,
                frames: frames.len() as u32,
                payload: Bytes::copy_from_slice(payload),
            }),
            Ok(Encoded::Silence) => {}
            Err(error) => {
                self.line.figures.count(Count::MicDropped, 1);
                if !std::mem::replace(&mut self.complained, true) {
                    tracing::warn!(%error, "the microphone's sound can't be encoded");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amora_audio::tone::{self, Channels};
    use amora_contract::units::{Decibels, Hertz, Millis};

    fn work() -> (Work, Microphone, Arc<Figures>) {
        let figures = Arc::new(Figures::new());
        let microphone = Microphone::new(figures.clone());
        microphone.set_open(true);
        let line = Line::new(
            microphone.clone(),
            figures.clone(),
            Arc::default(),
            broadcast::Sender::new(1),
        );
        (
            Work::new(line, encoder(&VoiceConfig::default()).unwrap()),
            microphone,
            figures,
        )
    }

    async fn popped(microphone: &Microphone, many: usize) -> Vec<OpusPacket> {
        let mut packets = Vec::new();
        for _ in 0..many {
            packets.push(microphone.pop().await);
        }
        packets
    }

    #[tokio::test]
    async fn packets_follow_one_another_and_lost_sound_is_a_gap() {
        let (mut work, microphone, figures) = work();
        for block in 0..4 {
            work.take(7_000 + 480 * block, &[0.1; 480]);
        }
        // Another engine's latency is no gap; 100 ms that were lost are.
        work.take(7_000 + 1_920 + 64, &[0.1; 480]);
        work.take(7_000 + 2_400 + 64, &[0.1; 480]);
        for block in 0..2 {
            work.take(7_000 + 7_680 + 480 * block, &[0.1; 480]);
        }
        let packets = popped(&microphone, 4).await;
        let steps: Vec<u64> = packets
            .windows(2)
            .map(|pair| pair[1].position - pair[0].position)
            .collect();
        assert_eq!(steps[..2], [960, 960]);
        assert!((4_800..6_000).contains(&steps[2]), "{steps:?}");
        assert_eq!(figures.snapshot().counters.mic_frames_captured, 4);
    }

    #[tokio::test]
    async fn a_stream_that_begins_anew_does_not_go_back() {
        let (mut work, microphone, _) = work();
        for block in 0..20 {
            work.take(1_000_000 + 480 * block, &[0.1; 480]);
        }
        let last = popped(&microphone, 10).await[9].position;
        let mut next = Work::new(work.line.clone(), encoder(&VoiceConfig::default()).unwrap());
        next.take(0, &[0.1; 480]);
        next.take(480, &[0.1; 480]);
        assert!(microphone.pop().await.position >= last + 960);
    }

    #[tokio::test]
    async fn nothing_is_sent_while_muted_or_without_a_call_and_nothing_counts_as_dropped() {
        let (mut work, microphone, figures) = work();
        let sound = tone::render(
            Hertz(440.0),
            Decibels(-12.0),
            Millis(2_000),
            Channels::Both,
            Hertz(48_000.0),
        );
        let mono: Vec<f32> = sound.chunks(2).map(|frame| frame[0]).collect();
        let mut position = 0;
        let mut feed = |work: &mut Work, seconds: usize| {
            for block in mono[..48_000 * seconds].chunks(480) {
                work.take(position, block);
                position += 480;
            }
        };
        microphone.set_open(false);
        feed(&mut work, 2);
        microphone.set_open(true);
        work.line.mute.store(true, Ordering::Relaxed);
        feed(&mut work, 2);
        assert_eq!(microphone.waiting(), 0);
        work.line.mute.store(false, Ordering::Relaxed);
        feed(&mut work, 1);
        assert!(microphone.waiting() >= 49);
        let counters = figures.snapshot().counters;
        assert_eq!(
            (counters.mic_frames_captured, counters.mic_frames_dropped),
            (250, 0)
        );
    }
}
