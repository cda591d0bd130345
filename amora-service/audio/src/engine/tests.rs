use super::*;
use crate::analysis;
use crate::card::room::{Pace, Room, RoomSlot};
use crate::card::{CardError, Turn};
use amora_contract::config::RoomConfig;
use amora_contract::units::{Frames, Volume};
use std::f64::consts::TAU;

const RATE: Hertz = Hertz(48_000.0);
const PERIOD: Frames = Frames(240);

fn options() -> EngineOptions {
    EngineOptions {
        volume: Decibels(0.0),
        back_off: BackOff {
            first: Millis(5),
            longest: Millis(20),
        },
        ..EngineOptions::from_config(&AudioConfig::default())
    }
}

fn room_slot(pace: Pace) -> (RoomSlot, Room) {
    let slot = RoomSlot::new(&RoomConfig::default(), RATE, PERIOD, 3, pace);
    let room = slot.room();
    (slot, room)
}

/// Waits until something is so; far longer than it should take.
fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !so() {
        assert!(Instant::now() < deadline, "it never came: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn wait_for_event(engine: &Engine, what: &str, matches: impl Fn(&EngineEvent) -> bool) -> EngineEvent {
    let mut found = None;
    wait_until(what, || {
        while let Some(event) = engine.poll_event() {
            if matches(&event) {
                found = Some(event);
                return true;
            }
        }
        false
    });
    found.unwrap()
}

/// An engine turned by hand on a free-running room.
struct ByHand {
    console: Console,
    crank: Crank,
    music: MusicWriter,
    mounted: Mounted,
    room: Room,
    now: u64,
}

impl ByHand {
    fn new() -> Self {
        let (console, crank, music) = assemble(&options());
        let (mut slot, room) = room_slot(Pace::Free);
        let mounted = Mounted::new(slot.open().unwrap());
        Self {
            console,
            crank,
            music,
            mounted,
            room,
            now: 1_000_000_000,
        }
    }

    fn turn(&mut self) -> Result<Turn, CardError> {
        self.now += 5_000_000;
        self.crank.turn(&mut self.mounted, self.now)
    }
}

fn sine(from: usize, frames: usize) -> Vec<f32> {
    (from..from + frames)
        .flat_map(|n| [(0.5 * (TAU * (440.0 * n as f64 / 48_000.0).fract()).sin()) as f32; 2])
        .collect()
}

#[test]
fn what_is_written_leaves_the_card_and_levels_tell() {
    let mut bench = ByHand::new();
    let mut tap = bench.console.tap().unwrap();
    let mut second = bench.console.tap().unwrap();
    let mut speech = bench.console.source(SourceKind::Speech).unwrap();
    for turn in 0..200 {
        speech.push(&sine(turn * 240, 240));
        bench.turn().unwrap();
    }
    let mut heard = Vec::new();
    tap.read_all(&mut heard);
    assert_eq!(heard.len(), 200 * 480);
    let left = analysis::channel(&heard, 0, 2);
    let tone = analysis::tone(&left[24_000..], RATE).unwrap();
    assert!((tone.frequency.0 - 440.0).abs() < 1e-3 && (tone.level.0 + 6.02).abs() < 0.001);
    let mut same = Vec::new();
    second.read_all(&mut same);
    assert_eq!(heard, same);

    bench.console.levels();
    for turn in 200..300 {
        speech.push(&sine(turn * 240, 240));
        bench.turn().unwrap();
    }
    let levels = bench.console.levels();
    assert!((levels.peak[0].0 + 6.02).abs() < 0.01, "{levels:?}");
    assert!((levels.rms[1].0 + 9.03).abs() < 0.05, "{levels:?}");
    assert_eq!(bench.console.mixer_state().active, ["speech"]);
    assert_eq!(bench.console.counters().periods, 300);
    assert_eq!(bench.console.counters().underruns, 0);
    assert_eq!(bench.console.levels().peak[0].0, f32::NEG_INFINITY);
}

#[test]
fn an_xrun_loses_no_frame_of_the_programme() {
    let mut bench = ByHand::new();
    let mut tap = bench.console.tap().unwrap();
    let mut speech = bench.console.source(SourceKind::Speech).unwrap();
    let mut xruns = 0;
    for turn in 0..190 {
        speech.push(&sine(turn * 240, 240));
        if turn % 50 == 20 {
            bench.room.cause_xruns(2);
        }
        while bench.turn().is_err() {
            xruns += 1;
        }
    }
    assert_eq!((xruns, bench.console.counters().xruns), (8, 8));
    let mut heard = Vec::new();
    tap.read_all(&mut heard);
    let left = analysis::channel(&heard, 0, 2);
    assert_eq!(left.len(), 190 * 240);
    let tone = analysis::tone(&left[9600..], RATE).unwrap();
    assert!(tone.distortion.0 < -120.0, "{tone:?}");
}

#[test]
fn the_microphone_tells_which_frame_was_playing() {
    let mut bench = ByHand::new();
    let mut tap = bench.console.tap().unwrap();
    let mut microphone = bench.console.microphone().unwrap();
    let mut story = bench.console.source(SourceKind::Story).unwrap();
    let mut random = 1u64;
    let mut played = Vec::new();
    let mut captured = Vec::new();
    let mut aligned: Option<i64> = None;
    let mut buffer = [0f32; 960];
    for _ in 0..150 {
        let noise: Vec<f32> = (0..240)
            .flat_map(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                [(random >> 40) as f32 / (1u64 << 24) as f32 - 0.5; 2]
            })
            .collect();
        story.push(&noise);
        bench.turn().unwrap();
        while let Some(mark) = tap.read(&mut buffer) {
            played.extend(buffer[..mark.frames * 2].iter().step_by(2));
        }
        while let Some(mark) = microphone.read(&mut buffer) {
            assert_eq!(mark.position as usize, captured.len());
            let offset = mark.reference() - mark.position as i64;
            assert_eq!(*aligned.get_or_insert(offset), offset);
            captured.extend_from_slice(&buffer[..mark.frames]);
        }
    }
    let found = analysis::delay(&played, &captured, 4000).unwrap();
    // Aligned by the marks, what is left is the way through the air: 5 ms.
    let air = found.frames + aligned.unwrap() as f64;
    assert!((air - 240.0).abs() < 1.0, "{air} frames, {found:?}");
}

#[test]
fn a_slow_reader_drops_and_is_counted_and_does_no_harm() {
    let mut bench = ByHand::new();
    let mut tap = bench.console.tap().unwrap();
    for _ in 0..300 {
        bench.turn().unwrap();
    }
    assert_eq!(tap.dropped(), Frames(24_000));
    assert_eq!(bench.console.counters().dropped, Frames(24_000));
    let mut heard = Vec::new();
    tap.read_all(&mut heard);
    assert_eq!(heard.len(), 96_000);
}

#[test]
fn sources_and_taps_are_limited_and_given_back() {
    let mut bench = ByHand::new();
    for _ in 0..3 {
        let sources: Vec<_> = (0..40)
            .map_while(|_| bench.console.source(SourceKind::Chime).ok())
            .collect();
        let taps: Vec<_> = (0..40).map_while(|_| bench.console.tap().ok()).collect();
        assert_eq!((sources.len(), taps.len()), (32, MAX_TAPS));
        bench.turn().unwrap();
        drop((sources, taps));
        for _ in 0..60 {
            bench.turn().unwrap();
        }
        bench.console.collect();
    }
}

#[test]
fn the_limiter_and_the_card_are_told_of() {
    let mut bench = ByHand::new();
    bench.console.set_volume(Decibels(40.0));
    for turn in 0..400u64 {
        bench.music.push(&sine(turn as usize * 240, 240), bench.now);
        bench.turn().unwrap();
    }
    let state = bench.console.mixer_state();
    assert_eq!(state.active, ["music"]);
    // −6 dB + 12 dB against a limit of −1 dB.
    assert!((state.limiting.0 + 6.98).abs() < 0.1, "{state:?}");
    assert!(bench.console.counters().limited > 100);
    assert!(bench.console.music_state().flowing);
}

#[test]
fn the_thread_opens_the_card_and_stops_quickly() {
    let (slot, _room) = room_slot(Pace::RealTime);
    let engine = Engine::start(Box::new(slot), options()).unwrap();
    wait_for_event(&engine, "the card opened", |event| {
        *event
            == EngineEvent::CardOpened {
                device: "room".to_owned(),
            }
    });
    wait_until("sound flows", || engine.counters().periods > 5);
    let status = engine.status();
    assert_eq!(status.phase, CardPhase::Running);
    assert!(status.card.running && status.card.capture);
    assert_eq!((status.card.kind.as_str(), status.card.period), ("room", PERIOD));
    engine.stop();
}

#[test]
fn a_hanging_card_does_not_hold_up_the_stop() {
    let (slot, room) = room_slot(Pace::RealTime);
    let engine = Engine::start(Box::new(slot), options()).unwrap();
    wait_until("sound flows", || engine.counters().periods > 2);
    room.stall(Duration::from_secs(30));
    std::thread::sleep(Duration::from_millis(20));
    let started = Instant::now();
    engine.stop();
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn an_unplugged_card_is_told_of_and_taken_back_when_it_returns() {
    let (slot, room) = room_slot(Pace::RealTime);
    let engine = Engine::start(Box::new(slot), options()).unwrap();
    wait_until("sound flows", || engine.counters().periods > 2);
    room.set_unplugged(true);
    wait_for_event(&engine, "the loss", |event| {
        matches!(event, EngineEvent::CardLost { .. })
    });
    let state = engine.card_state();
    assert!(!state.running);
    assert_eq!(
        state.error.as_deref(),
        Some("the card is not there: the room was unplugged")
    );
    // Without a card the engine goes on turning and sources are drained.
    let mut speech = engine.source(SourceKind::Speech).unwrap();
    speech.push(&[0.1; 4800]);
    speech.end();
    wait_until("the source drains", || speech.is_drained());

    room.set_unplugged(false);
    wait_for_event(&engine, "the return", |event| {
        matches!(event, EngineEvent::CardOpened { .. })
    });
    let periods = engine.counters().periods;
    wait_until("sound flows again", || engine.counters().periods > periods);
    assert_eq!(engine.counters().reopens, 1);
    assert!(engine.card_state().error.is_none());
}

#[test]
fn a_busy_card_is_asked_for_until_it_is_free() {
    let (slot, room) = room_slot(Pace::RealTime);
    room.set_busy(true);
    let engine = Engine::start(Box::new(slot), options()).unwrap();
    let event = wait_for_event(&engine, "busy", |event| {
        matches!(event, EngineEvent::CardUnavailable { .. })
    });
    assert!(matches!(event, EngineEvent::CardUnavailable { cause } if cause.contains("in use")));
    assert_eq!(engine.card_phase(), CardPhase::Opening);
    room.set_busy(false);
    wait_until("it opens", || engine.card_phase() == CardPhase::Running);
    assert_eq!(engine.counters().reopens, 0, "the first opening is no reopening");
}

#[test]
fn endless_xruns_make_the_card_be_opened_anew() {
    let (slot, room) = room_slot(Pace::RealTime);
    let engine = Engine::start(Box::new(slot), options()).unwrap();
    wait_until("sound flows", || engine.counters().periods > 2);
    room.cause_xruns(30);
    wait_until("it is opened anew", || engine.counters().reopens == 1);
    let periods = engine.counters().periods;
    wait_until("sound flows again", || engine.counters().periods > periods + 2);
    assert!(engine.counters().xruns >= 30);
}

#[test]
fn released_cards_are_closed_after_a_fade_and_come_back() {
    let (slot, _room) = room_slot(Pace::RealTime);
    let second_user = slot.room();
    let engine = Engine::start(Box::new(slot), options()).unwrap();
    let mut tap = engine.tap().unwrap();
    let mut story = engine
        .source_with(SourceKind::Story, Millis(10_000), Millis(20))
        .unwrap();
    story.push(&sine(0, 480_000));
    wait_until("sound flows", || engine.counters().periods > 60);
    assert!(second_user.is_open());
    engine.release();
    let mut heard = Vec::new();
    wait_until("it is released", || {
        tap.read_all(&mut heard);
        engine.card_phase() == CardPhase::Released
    });
    wait_for_event(&engine, "told", |event| *event == EngineEvent::CardReleased);
    assert!(!second_user.is_open(), "another program can have it");
    tap.read_all(&mut heard);
    let left = analysis::channel(&heard, 0, 2);
    assert!(analysis::largest_step(&left).size <= (0.5 * TAU * 440.0 / 48_000.0 * 1.1) as f32);
    assert!(
        left[left.len() - 480..].iter().all(|sample| *sample == 0.0),
        "it ended in silence"
    );

    engine.resume();
    wait_until("it is back", || engine.card_phase() == CardPhase::Running);
    wait_until("it is heard", || engine.levels().peak[0].0 > -20.0);
    assert_eq!(engine.counters().reopens, 0, "that was no failure");
}

#[test]
fn the_thread_waits_for_nobodys_lock() {
    let (slot, room) = room_slot(Pace::RealTime);
    let engine = Engine::start(Box::new(slot), options()).unwrap();
    wait_until("sound flows", || engine.counters().periods > 2);
    let status = guard(&engine.desk.status);
    let notices = guard(&engine.console.notices);
    let held = engine.console.hold_locks();
    // An xrun makes it tell something while all who could listen are held up.
    room.cause_xruns(1);
    let turns = engine.turns();
    wait_until("it turns on", || engine.turns() > turns + 20);
    drop((status, notices, held));
}

#[test]
fn a_card_of_another_rate_is_refused_with_a_reason() {
    let slot = RoomSlot::new(&RoomConfig::default(), Hertz(44_100.0), PERIOD, 3, Pace::RealTime);
    let engine = Engine::start(Box::new(slot), options()).unwrap();
    wait_until("the reason", || engine.card_state().error.is_some());
    let error = engine.card_state().error.unwrap();
    assert!(error.contains("44100") && error.contains("48000"), "{error}");
}

#[test]
fn options_come_from_the_configuration() {
    let config = AudioConfig {
        volume: Volume::clamped(50.0),
        limit: Decibels(-3.0),
        ..AudioConfig::default()
    };
    let options = EngineOptions::from_config(&config);
    assert_eq!(options.volume, Volume::clamped(50.0).gain());
    assert_eq!(options.gains.limit, Decibels(-3.0));
}
