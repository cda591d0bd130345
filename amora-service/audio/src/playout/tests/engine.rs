use super::*;
use crate::analysis;
use crate::card::CardSlot;
use crate::card::room::{Pace as CardPace, RoomSlot};
use crate::echo::scenes::speech::FAR;
use crate::engine::{Console, Crank, EngineOptions, Mounted, SourceKind, Tap, assemble};
use amora_contract::config::{AudioConfig, RoomConfig};
use amora_contract::units::{Decibels, Millis};

/// An engine turned by hand, with a speaker that is called once a period.
struct Bench {
    console: Console,
    crank: Crank,
    mounted: Mounted,
    tap: Tap,
    heard: Vec<f32>,
    speaker: Speaker,
    periods: usize,
    /// Frames that the card had not played yet when it was handed a period.
    card_delay: u64,
}

impl Bench {
    fn new() -> Self {
        let options = EngineOptions {
            volume: Decibels(0.0),
            ..EngineOptions::from_config(&AudioConfig::default())
        };
        let (console, crank, _) = assemble(&options);
        let mut slot = RoomSlot::new(&RoomConfig::default(), RATE, Frames(240), 3, CardPace::Free);
        let mounted = Mounted::new(slot.open().unwrap());
        let tap = console.tap().unwrap();
        let playout = Playout::new(PlayoutOptions::default()).unwrap();
        let speaker = Speaker::open(&console, playout, SpeakerOptions::default()).unwrap();
        Self {
            console,
            crank,
            mounted,
            tap,
            heard: Vec::new(),
            speaker,
            periods: 0,
            card_delay: 0,
        }
    }

    fn now(&self) -> Duration {
        Duration::from_millis(5 * self.periods as u64)
    }

    /// Turns speaker and card so many seconds on while packets arrive.
    fn run(&mut self, packets: &[Packet], seconds: f64) {
        let mut packets = packets.iter().peekable();
        for _ in 0..(seconds * 200.0) as usize {
            let now = self.now();
            while let Some(packet) = packets.next_if(|packet| packet.at <= now.as_secs_f64()) {
                let playout = self.speaker.playout();
                let _ = playout.receive(packet.sequence, packet.timestamp, &packet.payload, now);
            }
            self.speaker.turn(now);
            let turn = self.crank.turn(&mut self.mounted, now.as_nanos() as u64).unwrap();
            self.card_delay = self.card_delay.max(turn.playback_delay.0);
            self.periods += 1;
            self.tap.read_all(&mut self.heard);
        }
    }

    /// Replaces the engine by another one with another card.
    fn replace_engine(&mut self) {
        let other = Self::new();
        self.speaker.move_to(&other.console).unwrap();
        self.console = other.console;
        self.crank = other.crank;
        self.mounted = other.mounted;
        self.tap = other.tap;
    }

    /// What left the card since the last call, on the left.
    fn heard(&mut self) -> Vec<f32> {
        analysis::channel(&std::mem::take(&mut self.heard), 0, 2)
    }
}

#[test]
fn from_wire_to_ear_it_takes_40_ms_at_most() {
    let mut bench = Bench::new();
    let speech = FAR.speak(20.0);
    let mut packets = encoded(&speech, EncoderSettings::default());
    let mut chance = Chance(4);
    for packet in &mut packets {
        packet.at += 0.001 * chance.next();
    }
    bench.run(&packets, 22.0);
    let heard = bench.heard();
    let counters = bench.speaker.playout().counters();
    assert_eq!(
        (counters.lost, counters.late, counters.played),
        (0, 0, 1000),
        "{counters:?}"
    );
    assert_eq!(bench.console.counters().underruns, 0);
    // A packet sent at second n arrives at once with sound from n on, 312 frames late by the codec itself.
    let from = 15 * 48_000;
    let found = analysis::delay(&speech[from..from + 96_000], &heard[from..from + 160_000], 60_000).unwrap();
    let through = found.frames - 48_000.0 - 312.0;
    let total = through + bench.card_delay as f64;
    println!(
        "to the mixer's end {through:.0} frames, in the card {}",
        bench.card_delay
    );
    assert!(
        total <= 1920.0,
        "{through} frames, and {} in the card",
        bench.card_delay
    );
}

#[test]
fn an_open_line_leaves_the_music_alone() {
    let mut bench = Bench::new();
    let mut sound = FAR.speak(3.0);
    sound.extend(vec![0.0; 3 * 48_000]);
    sound.extend(FAR.speak(2.0));
    let packets = encoded(&sound, EncoderSettings::default());
    bench.run(&packets, 2.0);
    assert!(bench.speaker.is_sounding());
    assert_eq!(bench.console.mixer_state().active, ["speech"]);
    let rest = |packets: &[Packet], bench: &Bench| -> Vec<Packet> {
        let now = bench.now().as_secs_f64();
        packets
            .iter()
            .filter(|packet| packet.at > now - 0.005)
            .cloned()
            .collect()
    };
    bench.run(&rest(&packets, &bench), 4.0);
    assert!(!bench.speaker.is_sounding());
    assert!(!bench.console.is_sounding(SourceKind::Speech));
    assert!(
        bench.speaker.playout().depth().0 < 2400,
        "an open line is taken in time"
    );
    bench.heard();
    bench.run(&rest(&packets, &bench), 4.0);
    let again = bench.heard();
    let expected = analysis::rms(&sound[6 * 48_000..]).0;
    // What is heard is four seconds long, two of which speak.
    assert!((analysis::rms(&again).0 + 3.0 - expected).abs() < 1.0);
    assert_eq!(bench.console.counters().underruns, 0);
}

#[test]
fn a_burst_is_heard_whole_and_an_interruption_at_once() {
    let mut bench = Bench::new();
    let speech = FAR.speak(6.0);
    let mut packets = encoded(&speech, EncoderSettings::default());
    for (n, packet) in packets.iter_mut().enumerate() {
        packet.at = 1.0 + n as f64 * 0.001;
    }
    bench.run(&packets, 9.0);
    let heard = bench.heard();
    let counters = bench.speaker.playout().counters();
    assert_eq!(
        (counters.played, counters.dropped, counters.concealed.0),
        (300, 0, 0),
        "{counters:?}"
    );
    assert_eq!(bench.console.counters().underruns, 0);
    let expected = analysis::rms(&speech).0 + 10.0 * (6.0f32 / 9.0).log10();
    assert!((analysis::rms(&heard).0 - expected).abs() < 0.5);

    let packets: Vec<Packet> = encoded(&speech, EncoderSettings::default())
        .into_iter()
        .map(|packet| Packet {
            sequence: packet.sequence + 300,
            timestamp: packet.timestamp + 288_000,
            at: bench.now().as_secs_f64(),
            ..packet
        })
        .collect();
    bench.run(&packets, 1.0);
    bench.heard();
    bench.speaker.flush(bench.now());
    bench.run(&[], 1.0);
    let after = bench.heard();
    let end = after
        .iter()
        .rposition(|sample| sample.abs() > 1e-4)
        .map_or(0, |n| n + 1);
    // The mixer's limiter looks ahead 144 frames and its fade takes 240.
    assert!(end <= 480, "silent after {end} frames");
    assert!(!bench.console.is_sounding(SourceKind::Speech));
    assert_eq!(SpeakerOptions::default().lead, Millis(10));
}

#[test]
fn what_waits_goes_on_in_another_engine() {
    let mut bench = Bench::new();
    let speech = FAR.speak(4.0);
    let mut packets = encoded(&speech, EncoderSettings::default());
    packets.iter_mut().for_each(|packet| packet.at = 0.0);
    bench.run(&packets, 1.5);
    bench.speaker.set_gain(Decibels(-60.0));
    bench.replace_engine();
    bench.run(&[], 4.0);
    let heard = bench.heard();
    let counters = bench.speaker.playout().counters();
    assert_eq!((counters.played, counters.dropped), (200, 0), "{counters:?}");
    assert_eq!(bench.console.counters().underruns, 0);
    assert!(heard.len() > 5 * 48_000);
    let second = 72_000;
    let expected = analysis::rms(&speech[second..]).0;
    let found = analysis::rms(&heard[second..second + 120_000]).0;
    assert!((found - expected).abs() < 1.0, "{found} dB of {expected}");
}
