//! The real-time thread neither allocates nor frees, whatever happens around it.

use amora_audio::card::room::{Pace, RoomSlot};
use amora_audio::card::{Card, CardError, CardFormat, CardSlot, Turn};
use amora_audio::engine::{CardPhase, Engine, EngineOptions, Gains, SourceKind};
use amora_contract::config::{AudioConfig, DuckingConfig, RoomConfig};
use amora_contract::units::{Decibels, Frames, Hertz, PartsPerMillion};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// Counts what watched threads allocate and free.
struct Watchman;

static WATCHING: AtomicBool = AtomicBool::new(false);
static ALLOCATED: AtomicU64 = AtomicU64::new(0);
static FREED: AtomicU64 = AtomicU64::new(0);

/// One test at a time: they share the counts.
static TURN: Mutex<()> = Mutex::new(());

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
}

fn note(count: &AtomicU64) {
    if WATCHING.load(SeqCst) && WATCHED.try_with(Cell::get).unwrap_or(false) {
        count.fetch_add(1, SeqCst);
    }
}

// SAFETY: everything is handed to the system's allocator; counting touches atomics and a constant thread-local.
unsafe impl GlobalAlloc for Watchman {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(&ALLOCATED);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(&FREED);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watchman = Watchman;

const RATE: Hertz = Hertz(48_000.0);
const PERIOD: Frames = Frames(240);

fn start(slot: Box<dyn CardSlot>) -> Engine {
    ALLOCATED.store(0, SeqCst);
    FREED.store(0, SeqCst);
    WATCHING.store(true, SeqCst);
    let config = AudioConfig::default();
    let options = EngineOptions {
        thread_setup: Box::new(|| {
            WATCHED.with(|watched| watched.set(true));
            false
        }),
        ..EngineOptions::from_config(&config)
    };
    Engine::start(slot, options).unwrap()
}

/// Ends the watch before the engine's thread ends and frees what is its own.
fn stop(engine: Engine) -> (u64, u64) {
    WATCHING.store(false, SeqCst);
    engine.stop();
    (ALLOCATED.load(SeqCst), FREED.load(SeqCst))
}

fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !so() {
        assert!(Instant::now() < deadline, "it never came: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn turns(engine: &Engine, count: u64) {
    let from = engine.turns();
    wait_until("turns", || engine.turns() >= from + count);
}

#[test]
fn nothing_is_allocated_or_freed_whatever_happens() {
    let _turn = TURN.lock();
    let room_config = RoomConfig {
        capture_drift: PartsPerMillion(150.0),
        loudspeaker_clipping: Decibels(-20.0),
        ..RoomConfig::default()
    };
    let slot = RoomSlot::new(&room_config, RATE, PERIOD, 3, Pace::RealTime);
    let room = slot.room();
    let engine = start(Box::new(slot));
    wait_until("the card is open", || engine.card_phase() == CardPhase::Running);

    // Music with drift, speech over it, taps that are read and taps that are not.
    let mut music = engine.music_writer().unwrap();
    let mut speech = engine.source(SourceKind::Speech).unwrap();
    let mut tap = engine.tap().unwrap();
    let forgotten = engine.tap().unwrap();
    let mut microphone = engine.microphone().unwrap();
    let loud = vec![0.9f32; 2 * 4800];
    let mut buffer = vec![0f32; 9600];
    for _ in 0..8 {
        music.push(&loud, amora_audio::clock::now());
        speech.push(&loud[..960]);
        turns(&engine, 10);
        while tap.read(&mut buffer).is_some() {}
        while microphone.read(&mut buffer).is_some() {}
    }
    // Volume, mute, gains, limit, flush, underrun.
    engine.set_volume(Decibels(6.0));
    engine.set_mute(true);
    turns(&engine, 5);
    engine.set_mute(false);
    speech.set_gain(Decibels(-10.0));
    speech.flush();
    engine
        .configure(Gains {
            limit: Decibels(-10.0),
            ducking: DuckingConfig::default(),
        })
        .unwrap();
    for _ in 0..4 {
        music.push(&loud, amora_audio::clock::now());
        turns(&engine, 10);
    }
    // Sources and taps that go.
    drop((speech, forgotten, microphone));
    turns(&engine, 20);
    // Xruns, a card that goes and comes, a card that is given away and taken back.
    room.cause_xruns(3);
    turns(&engine, 10);
    room.set_unplugged(true);
    wait_until("it is lost", || engine.card_phase() == CardPhase::Opening);
    turns(&engine, 3);
    room.set_unplugged(false);
    wait_until("it is back", || engine.card_phase() == CardPhase::Running);
    turns(&engine, 5);
    engine.release();
    wait_until("it is released", || engine.card_phase() == CardPhase::Released);
    engine.resume();
    wait_until("it is back", || engine.card_phase() == CardPhase::Running);
    turns(&engine, 20);

    let counters = engine.counters();
    assert!(counters.xruns >= 3, "{counters:?}");
    assert!(counters.reopens >= 1, "{counters:?}");
    assert!(counters.limited > 0, "{counters:?}");
    assert_eq!(
        stop(engine),
        (0, 0),
        "allocations and frees in the real-time thread"
    );
}

/// A card that breaks the rule.
struct Wasteful {
    format: CardFormat,
    kept: Option<Box<u64>>,
    turn: u64,
}

struct WastefulSlot;

impl CardSlot for WastefulSlot {
    fn open(&mut self) -> Result<Box<dyn Card>, CardError> {
        Ok(Box::new(Wasteful {
            format: CardFormat {
                rate: RATE,
                period: PERIOD,
                buffer: Frames(720),
                sample_format: "FLOAT_LE",
                capture: false,
            },
            kept: None,
            turn: 0,
        }))
    }

    fn kind(&self) -> &'static str {
        "wasteful"
    }

    fn device(&self) -> &str {
        "wasteful"
    }

    fn profile(&self) -> &str {
        "none"
    }
}

impl Card for Wasteful {
    fn format(&self) -> &CardFormat {
        &self.format
    }

    fn turn(&mut self, _output: &[f32], _input: &mut [f32]) -> Result<Turn, CardError> {
        std::thread::sleep(Duration::from_millis(1));
        self.turn += 1;
        // One allocation in the third turn, one free in the fifth.
        match self.turn {
            3 => self.kept = Some(Box::new(std::hint::black_box(7))),
            5 => self.kept = None,
            _ => {}
        }
        Ok(Turn::default())
    }
}

#[test]
fn the_watchman_catches_a_single_allocation_and_a_single_free() {
    let _turn = TURN.lock();
    let engine = start(Box::new(WastefulSlot));
    wait_until("it turns", || engine.counters().periods > 10);
    assert_eq!(stop(engine), (1, 1));
}
