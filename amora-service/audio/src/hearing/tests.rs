//! The hearing in the simulated room, turned by hand.

mod alignment;
mod conditioning;
mod delay;
mod engines;
mod near_end;
mod speech;
mod thread;

use super::*;
use crate::card::room::{Pace, Room, RoomSlot};
use crate::card::{Card, CardError, CardFormat, CardSlot, Turn};
use crate::echo::EchoCanceller;
use crate::engine::{Console, Crank, EngineOptions, Mounted, SourceKind, SourceWriter, Tap, assemble};
use amora_contract::config::{AudioConfig, EchoConfig, RoomConfig, VoiceConfig};
use amora_contract::units::Millis;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

/// White noise in ±1.
pub(super) struct Noise(pub(super) u64);

impl Noise {
    pub(super) fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

/// Something like speech: noise coloured towards the low, in syllables of a quarter of a second.
pub(super) fn programme(frames: usize, seed: u64) -> Vec<f32> {
    let mut noise = Noise(seed);
    let (mut low, mut lower, mut gain, mut wanted) = (0f32, 0f32, 0f32, 0.5f32);
    (0..frames)
        .map(|n| {
            if n % 12_000 == 0 {
                wanted = 0.15 + 0.35 * (noise.next() + 1.0);
            }
            gain += (wanted - gain) * 0.002;
            low += 0.3 * (noise.next() - low);
            lower += 0.3 * (low - lower);
            1.2 * gain * lower
        })
        .collect()
}

/// How wrong the reported playback delay is, in frames, and by how much it is uncertain.
#[derive(Debug, Default)]
struct Lies {
    constant: AtomicI64,
    jitter: AtomicI64,
}

/// A card whose reports can't be trusted.
struct Liar {
    inner: Box<dyn Card>,
    lies: Arc<Lies>,
    random: Noise,
}

impl Card for Liar {
    fn format(&self) -> &CardFormat {
        self.inner.format()
    }

    fn turn(&mut self, output: &[f32], input: &mut [f32]) -> Result<Turn, CardError> {
        let mut turn = self.inner.turn(output, input)?;
        let jitter = self.lies.jitter.load(Ordering::Relaxed) as f32 * self.random.next();
        let lie = self.lies.constant.load(Ordering::Relaxed) + jitter.round() as i64;
        turn.playback_delay = Frames((turn.playback_delay.0 as i64 + lie).max(0) as u64);
        Ok(turn)
    }
}

/// A whole box whose time passes as fast as it is turned.
struct Bench {
    _console: Console,
    crank: Crank,
    slot: RoomSlot,
    room: Room,
    mounted: Option<Mounted>,
    lies: Arc<Lies>,
    source: SourceWriter,
    taps: [Tap; 2],
    /// The microphone once more, for comparison.
    witness: Tap,
    hearing: Hearing,
    readers: [BusReader; 2],
    sound: Vec<f32>,
    next: usize,
    raw: Vec<Block>,
    clean: Vec<Block>,
    gave: Vec<f32>,
    events: Vec<HearingEvent>,
}

impl Bench {
    /// A box in `room` that will play `sound` over and over.
    fn new(room: &RoomConfig, options: HearingOptions, sound: Vec<f32>) -> Self {
        let config = AudioConfig::default();
        let (console, crank, _) = assemble(&EngineOptions {
            volume: Decibels(0.0),
            ..EngineOptions::from_config(&config)
        });
        let slot = RoomSlot::new(room, config.rate, config.period, config.periods, Pace::Free);
        let hearing = Hearing::new(options);
        let mut bench = Self {
            source: console
                .source_with(SourceKind::Speech, Millis(1000), Millis(20))
                .unwrap(),
            taps: [console.tap().unwrap(), console.microphone().unwrap()],
            witness: console.microphone().unwrap(),
            readers: [hearing.raw(), hearing.clean()],
            room: slot.room(),
            hearing,
            _console: console,
            crank,
            slot,
            mounted: None,
            lies: Arc::default(),
            sound,
            next: 0,
            raw: Vec::new(),
            clean: Vec::new(),
            gave: Vec::new(),
            events: Vec::new(),
        };
        bench.plug();
        bench
    }

    /// Opens the card.
    fn plug(&mut self) {
        self.mounted = None;
        self.room.set_unplugged(false);
        self.mounted = Some(Mounted::new(Box::new(Liar {
            inner: self.slot.open().unwrap(),
            lies: Arc::clone(&self.lies),
            random: Noise(9),
        })));
    }

    /// Turns the card without anybody reading what it gives.
    fn turn_unheard(&mut self, turns: usize) {
        for _ in 0..turns {
            if !self.sound.is_empty() {
                while self.source.free().0 >= 240 {
                    let frames: Vec<f32> = (0..240)
                        .flat_map(|n| [self.sound[(self.next + n) % self.sound.len()]; 2])
                        .collect();
                    self.next += 240;
                    assert_eq!(self.source.push(&frames), 240);
                }
            }
            let Some(mounted) = &mut self.mounted else {
                continue;
            };
            match self.crank.turn(mounted, self.room.now()) {
                Ok(_) | Err(CardError::Xrun) => {}
                Err(_) => self.mounted = None,
            }
        }
    }

    /// Lets `seconds` pass.
    fn run(&mut self, seconds: f64) {
        for _ in 0..(seconds * 200.0) as usize {
            self.turn_unheard(1);
            self.listen();
        }
    }

    /// Hands the streams to the hearing and takes what it gives.
    fn listen(&mut self) {
        let mut buffer = [0f32; 4800];
        self.witness.read_all(&mut self.gave);
        let [played, heard] = &mut self.taps;
        while let Some(mark) = played.read(&mut buffer) {
            self.hearing.played(&mark, &buffer[..2 * mark.frames], 2);
        }
        while let Some(mark) = heard.read(&mut buffer) {
            self.hearing.heard(&mark, &buffer[..mark.frames]);
        }
        let [raw, clean] = &mut self.readers;
        self.raw.extend(std::iter::from_fn(|| raw.read()));
        self.clean.extend(std::iter::from_fn(|| clean.read()));
        self.events
            .extend(std::iter::from_fn(|| self.hearing.poll_event()));
    }

    fn figures(&self) -> Figures {
        self.hearing.figures()
    }

    /// How many dB the clean bus is below the raw one over the last `seconds`.
    fn reduction(&self, seconds: f64) -> f32 {
        let blocks = (seconds * 100.0) as usize;
        let level = |blocks: &[Block]| {
            let sum: f32 = blocks.iter().map(|block| power(&block.samples)).sum();
            meter::decibels(sum / blocks.len() as f32)
        };
        level(&self.raw[self.raw.len() - blocks..]) - level(&self.clean[self.clean.len() - blocks..])
    }

    /// Every block follows the one before it, none is lost and none comes twice.
    fn assert_whole(&self) {
        for blocks in [&self.raw, &self.clean] {
            for pair in blocks.windows(2) {
                assert_eq!(pair[1].position, pair[0].position + 480);
            }
        }
        assert_eq!(self.raw.len(), self.clean.len());
        assert!(self.readers.iter().all(|reader| reader.dropped() == 0));
    }
}

/// A room whose echo is loud and short.
fn room(capture_drift: f64) -> RoomConfig {
    RoomConfig {
        capture_drift: PartsPerMillion(capture_drift),
        echo: Decibels(-6.0),
        reverberation: Millis(15),
        noise: Decibels(-80.0),
        ..RoomConfig::default()
    }
}

/// The plainest canceller there is: normalised least mean squares in the time domain. It needs a reference that stands
/// still.
struct Plain {
    taps: Vec<f32>,
    past: Vec<f32>,
    step: f32,
    latency: usize,
    delayed: VecDeque<f32>,
}

impl Plain {
    const TAPS: usize = 1280;

    fn new(step: f32, latency: usize) -> Self {
        Self {
            taps: vec![0.0; Self::TAPS],
            past: vec![0.0; Self::TAPS + BLOCK],
            step,
            latency,
            delayed: std::iter::repeat_n(0.0, latency).collect(),
        }
    }
}

impl EchoCanceller for Plain {
    fn process(&mut self, reference: &[f32; BLOCK], microphone: &mut [f32; BLOCK]) {
        self.past.copy_within(BLOCK.., 0);
        self.past[Self::TAPS..].copy_from_slice(reference);
        for (n, sample) in microphone.iter_mut().enumerate() {
            let window = &self.past[n + 1..n + 1 + Self::TAPS];
            let sums = window.chunks_exact(16).zip(self.taps.chunks_exact(16)).fold(
                ([0f32; 16], [0f32; 16]),
                |(mut echo, mut energy), (x, w)| {
                    for k in 0..16 {
                        echo[k] += x[k] * w[k];
                        energy[k] += x[k] * x[k];
                    }
                    (echo, energy)
                },
            );
            let (echo, energy) = (sums.0.iter().sum::<f32>(), sums.1.iter().sum::<f32>());
            let error = *sample - echo;
            let gain = self.step * error / (energy + 1e-3);
            for (tap, x) in self.taps.iter_mut().zip(window) {
                *tap += gain * x;
            }
            *sample = error;
        }
        self.delayed.extend(&*microphone);
        for (to, from) in microphone.iter_mut().zip(self.delayed.drain(..BLOCK)) {
            *to = from;
        }
    }

    fn restart(&mut self) {
        self.taps.fill(0.0);
        self.past.fill(0.0);
    }

    fn latency(&self) -> Frames {
        Frames(self.latency as u64)
    }
}

/// Options for engines of the tests' own making.
fn options(
    engine: EchoEngine,
    mut make: impl FnMut(Kind) -> Box<dyn EchoCanceller> + Send + 'static,
) -> HearingOptions {
    HearingOptions {
        engine,
        ..HearingOptions::new(Box::new(move |kind| Ok(make(kind))))
    }
}

fn plain(engine: EchoEngine) -> HearingOptions {
    options(engine, |_| Box::new(Plain::new(0.5, 0)))
}

/// Keeps what it is given.
#[derive(Debug, Clone, Default)]
struct Spy(Arc<Mutex<Spied>>);

#[derive(Debug, Default)]
struct Spied {
    reference: Vec<f32>,
    microphone: Vec<f32>,
    restarts: Vec<usize>,
}

impl EchoCanceller for Spy {
    fn process(&mut self, reference: &[f32; BLOCK], microphone: &mut [f32; BLOCK]) {
        let mut spied = self.0.lock().unwrap();
        spied.reference.extend_from_slice(reference);
        spied.microphone.extend_from_slice(microphone);
    }

    fn restart(&mut self) {
        let mut spied = self.0.lock().unwrap();
        let at = spied.microphone.len();
        spied.restarts.push(at);
    }

    fn latency(&self) -> Frames {
        Frames(0)
    }
}

impl Spy {
    fn options(&self) -> HearingOptions {
        let spy = self.clone();
        HearingOptions {
            high_pass: None,
            ..options(EchoEngine::Kalman, move |_| Box::new(spy.clone()))
        }
    }

    /// How much later than the reference the microphone is over the last `seconds`.
    fn delay(&self, seconds: f64) -> f64 {
        let spied = self.0.lock().unwrap();
        let from = spied.microphone.len() - (seconds * 48_000.0) as usize;
        crate::analysis::delay(&spied.reference[from..], &spied.microphone[from..], 9600)
            .unwrap()
            .frames
    }
}
