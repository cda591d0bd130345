//! The thread beside running engines in simulated rooms: what is said is heard on the way to the card.

use super::*;
use crate::figures::Figures;
use crate::microphone::Microphone;
use crate::session::Arrival;
use amora_audio::analysis;
use amora_audio::card::room::{Pace, Room, RoomSlot};
use amora_audio::engine::{Engine, EngineOptions, Tap};
use amora_audio::opus::{Encoded, Encoder, EncoderSettings, Profile, RATE};
use amora_contract::config::{AudioConfig, BargeIn, EchoConfig, EchoEngine, RoomConfig};
use amora_contract::state::VoiceCounters;
use amora_contract::units::{Decibels, Frames, Hertz, Millis};
use amora_router::SoundBlock;
use bytes::Bytes;
use std::f64::consts::TAU;
use std::time::{Duration, Instant};
use tokio::sync::broadcast;

/// Long enough for anything here on a busy machine; nothing waits that long when all is well.
const PATIENCE: Duration = Duration::from_secs(60);

/// Packets in a second.
const SECOND: usize = 50;

/// The hub's tone.
const TONE: Hertz = Hertz(1_000.0);
const LEVEL: Decibels = Decibels(-12.0);

/// A box with nothing but an engine and a call.
struct Rig {
    engine: Option<Engine>,
    room: Room,
    tap: Tap,
    /// What went to the card of this engine and of those before, on the left.
    sounded: Vec<f32>,
    consoles: watch::Sender<Option<Arc<Console>>>,
    barge_ins: mpsc::UnboundedReceiver<bool>,
    listeners: broadcast::Sender<SoundBlock>,
    speech: Speech,
    downlink: Box<dyn Downlink>,
    figures: Arc<Figures>,
    encoder: Encoder,
    stream: u32,
    sequence: u16,
    /// Packets that the hub has said.
    said: u64,
    /// The hub says noise without end.
    chatters: bool,
}

fn engine() -> (Engine, Room, Tap) {
    let config = AudioConfig {
        // A shared machine pauses for longer than a card would.
        period: Frames(480),
        periods: 8,
        room: RoomConfig {
            echo: Decibels(-6.0),
            reverberation: Millis(15),
            noise: Decibels(-80.0),
            ..RoomConfig::default()
        },
        ..AudioConfig::default()
    };
    let slot = RoomSlot::new(
        &config.room,
        config.rate,
        config.period,
        config.periods,
        Pace::RealTime,
    );
    let room = slot.room();
    let options = EngineOptions {
        volume: Decibels(0.0),
        ..EngineOptions::from_config(&config)
    };
    let engine = Engine::start(Box::new(slot), options).unwrap();
    let tap = engine.tap().unwrap();
    (engine, room, tap)
}

impl Rig {
    fn new(barge_in: BargeIn) -> Self {
        let (engine, room, tap) = engine();
        let consoles = watch::Sender::new(Some(engine.console()));
        let figures = Arc::new(Figures::new());
        let listeners = broadcast::Sender::new(100);
        let line = Line::new(
            Microphone::new(figures.clone()),
            figures.clone(),
            Arc::default(),
            listeners.clone(),
        );
        let config = VoiceConfig {
            barge_in,
            echo: EchoConfig {
                engine: EchoEngine::Kalman,
                ..EchoConfig::default()
            },
            ..VoiceConfig::default()
        };
        let (tell, barge_ins) = mpsc::unbounded_channel();
        let speech = Speech::start(config, line, consoles.subscribe(), tell).unwrap();
        Self {
            engine: Some(engine),
            room,
            tap,
            sounded: Vec::new(),
            consoles,
            barge_ins,
            listeners,
            downlink: speech.downlink(),
            speech,
            figures,
            encoder: Encoder::new(Profile::Voice, EncoderSettings::default()).unwrap(),
            stream: 7,
            sequence: 0,
            said: 0,
            chatters: false,
        }
    }

    /// Ends the engine.
    fn lose_engine(&mut self) {
        self.listen();
        self.consoles.send_replace(None);
        self.engine = None;
        self.listen();
    }

    /// Starts another.
    fn find_engine(&mut self) {
        let (engine, room, tap) = engine();
        self.consoles.send_replace(Some(engine.console()));
        (self.engine, self.room, self.tap) = (Some(engine), room, tap);
    }

    /// The hub says this in one burst.
    fn say(&mut self, sound: &[f32]) {
        for frames in sound.chunks_exact(960) {
            let Encoded::Packet(payload) = self.encoder.encode(frames).unwrap() else {
                panic!("without DTX there is always a packet");
            };
            self.downlink.arrived(Arrival {
                stream: self.stream,
                sequence: self.sequence,
                timestamp: u32::from(self.sequence) * 960,
                arrived: Instant::now(),
                payload: Bytes::copy_from_slice(payload),
            });
            self.sequence += 1;
            self.said += 1;
        }
    }

    fn listen(&mut self) {
        if self.chatters && self.figures.snapshot().queues.speech < 2 * SECOND as u64 {
            let sound = noise(1, 0.5, self.said);
            self.say(&sound);
        }
        let mut stereo = Vec::new();
        self.tap.read_all(&mut stereo);
        self.sounded.extend(analysis::channel(&stereo, 0, 2));
    }

    fn until(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            let seen = self.speech.seen();
            assert!(
                start.elapsed() < PATIENCE,
                "never {what}: {:?}, {seen:?}",
                self.counters()
            );
            std::thread::sleep(Duration::from_millis(5));
            self.listen();
        }
    }

    fn counters(&self) -> VoiceCounters {
        self.figures.snapshot().counters
    }

    /// Level of the last 100 ms that went to the card.
    fn level(&self) -> f32 {
        let newest = self.sounded.len().saturating_sub(4_800);
        analysis::rms(&self.sounded[newest..]).0
    }

    /// Waits until everything that was said was played or dropped; how many packets were dropped.
    fn until_done(&mut self) -> u64 {
        let done = |rig: &Self| {
            let counters = rig.counters();
            counters.tts_frames_played + counters.tts_frames_dropped
        };
        self.until("done", |rig| done(rig) >= rig.said);
        assert_eq!(done(self), self.said);
        self.counters().tts_frames_dropped
    }

    /// Waits until somebody is noticed, or is no more.
    fn until_near_end(&mut self, begun: bool) {
        self.until("noticed", |rig| match rig.barge_ins.try_recv() {
            Ok(told) => {
                assert_eq!(told, begun);
                true
            }
            Err(_) => false,
        });
    }

    /// How long the hub's tone went to the card, at its level.
    fn seconds_of_tone(&self) -> f64 {
        let sounding = self.sounded.chunks_exact(480).filter(|block| {
            let level = analysis::level_at(block, TONE, RATE).0;
            (level - LEVEL.0).abs() < 2.0
        });
        sounding.count() as f64 / 100.0
    }
}

fn tone(seconds: usize) -> Vec<f32> {
    let amplitude = f64::from(LEVEL.to_linear());
    (0..48_000 * seconds)
        .map(|n| (amplitude * (TAU * 1_000.0 * n as f64 / 48_000.0).sin()) as f32)
        .collect()
}

/// White noise made duller: something that a canceller can learn by, as loud at any moment as at any other.
fn noise(seconds: usize, level: f32, seed: u64) -> Vec<f32> {
    let (mut state, mut low) = (seed, 0f32);
    (0..48_000 * seconds)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let white = (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0;
            low += 0.3 * (white - low);
            level * low
        })
        .collect()
}

#[test]
fn speech_goes_on_in_an_engine_that_replaces_another() {
    let mut rig = Rig::new(BargeIn::Duck);
    rig.speech.follow(VoiceLink::Connected);
    rig.say(&tone(3));
    rig.until("heard", |rig| rig.seconds_of_tone() > 1.0);
    rig.lose_engine();
    let played = rig.counters().tts_frames_played;
    assert!((SECOND as u64..rig.said).contains(&played), "in the middle");
    rig.find_engine();
    assert_eq!(rig.until_done(), 0, "nothing is dropped");
    rig.until("silent", |rig| rig.level() < -60.0);
    let heard = rig.seconds_of_tone();
    assert!((2.7..3.05).contains(&heard), "{heard} s of 3");
    assert_eq!(rig.speech.seen().problem, "");
}

#[test]
fn without_an_engine_speech_is_dropped_and_the_cause_told_while_a_call_is_wanted() {
    let mut rig = Rig::new(BargeIn::Duck);
    rig.say(&tone(4));
    rig.until("heard", |rig| rig.level() > LEVEL.0 - 6.0);
    rig.lose_engine();
    let dropped = rig.until_done();
    assert!(dropped > 0, "what waited");
    assert_eq!(rig.speech.seen().problem, "", "nobody wants a call");
    rig.speech.follow(VoiceLink::Connected);
    rig.until("told", |rig| {
        rig.speech.seen().problem == "the sound engine is away"
    });
    rig.say(&tone(1));
    assert_eq!(rig.until_done(), dropped + SECOND as u64, "what came");

    rig.find_engine();
    rig.until("well again", |rig| rig.speech.seen().problem.is_empty());
    rig.say(&tone(1));
    assert_eq!(rig.until_done(), dropped + SECOND as u64, "no more");
}

#[test]
fn silence_ends_what_is_said_and_what_comes_later_is_heard() {
    let mut rig = Rig::new(BargeIn::Duck);
    rig.say(&tone(5));
    rig.until("heard", |rig| rig.level() > LEVEL.0 - 6.0);
    rig.speech.silence();
    let dropped = rig.until_done();
    assert!(dropped > 0);
    rig.until("silent", |rig| rig.level() < -60.0);
    rig.say(&tone(1));
    rig.until("heard again", |rig| rig.level() > LEVEL.0 - 6.0);
    assert_eq!(rig.until_done(), dropped);
}

#[test]
fn a_call_that_begins_anew_and_another_stream_may_use_any_numbers() {
    let mut rig = Rig::new(BargeIn::Duck);
    for call in 0..3 {
        match call {
            1 => rig.downlink.begin(),
            2 => rig.stream += 1,
            _ => {}
        }
        rig.sequence = 0;
        rig.say(&tone(1));
        assert_eq!(rig.until_done(), 0);
    }
}

#[test]
fn the_microphone_is_heard_only_while_a_call_is_wanted() {
    let mut rig = Rig::new(BargeIn::Duck);
    for _ in 0..2 {
        rig.speech.follow(VoiceLink::Connecting);
        let before = rig.counters().mic_frames_captured;
        rig.until("heard", |rig| {
            rig.counters().mic_frames_captured > before + 10 && rig.speech.seen().echo.is_some()
        });
        rig.speech.follow(VoiceLink::Off);
        rig.until("deaf", |rig| rig.speech.seen().echo.is_none());
        let after = rig.counters();
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(rig.counters(), after);
    }
    assert!(rig.counters().aec_frames_processed > 0);
}

#[test]
fn the_microphone_is_heard_for_who_listens_along_without_any_call() {
    let mut rig = Rig::new(BargeIn::Duck);
    let mut listener = rig.listeners.subscribe();
    rig.until("heard", |_| listener.try_recv().is_ok());
    assert_eq!(rig.counters().mic_frames_sent, 0);
    drop(listener);
    rig.until("deaf", |rig| rig.speech.seen().echo.is_none());
    assert_eq!(rig.speech.seen().problem, "");
}

/// Three boxes at once, each of which does what it is told to with somebody who speaks into the hub's speech.
#[test]
fn who_speaks_into_the_hubs_speech_ducks_or_stops_it_or_neither() {
    std::thread::scope(|scope| {
        for barge_in in [BargeIn::Duck, BargeIn::Stop, BargeIn::Off] {
            scope.spawn(move || interrupt(barge_in));
        }
    });
}

fn interrupt(barge_in: BargeIn) {
    let mut rig = Rig::new(barge_in);
    rig.speech.follow(VoiceLink::Connected);
    rig.chatters = true;
    rig.until("learnt", |rig| rig.sounded.len() > 4 * 48_000);
    let usual = rig.level();
    rig.chatters = barge_in != BargeIn::Stop;
    rig.room.say(&noise(1, 0.5, 2));
    rig.until_near_end(true);
    match barge_in {
        BargeIn::Duck => rig.until("ducked", |rig| (rig.level() - usual + 18.0).abs() < 3.0),
        BargeIn::Off => assert!((rig.level() - usual).abs() < 3.0, "it goes on as it was"),
        BargeIn::Stop => {
            assert!(rig.until_done() > 0);
            return rig.until("stopped", |rig| rig.level() < -60.0);
        }
    }
    rig.until_near_end(false);
    rig.until("as before", |rig| (rig.level() - usual).abs() < 3.0);

    // The engine through which somebody is heard ends.
    rig.room.say(&noise(8, 0.5, 3));
    rig.until_near_end(true);
    rig.lose_engine();
    rig.until_near_end(false);
    rig.find_engine();
    rig.until("as loud as before", |rig| (rig.level() - usual).abs() < 3.0);
}
