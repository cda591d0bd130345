use super::*;
use crate::analysis;
use amora_contract::units::{Decibels, Millis};
use std::f64::consts::TAU;

const RATE: f64 = 48_000.0;
const PERIOD: usize = 240;
const TONE: f64 = 1000.0;
const AMPLITUDE: f64 = 0.5;

/// How unevenly a writer writes.
#[derive(Clone, Copy)]
struct Unevenness {
    /// Frames per chunk, from and to.
    chunk: (usize, usize),
    /// Most that a chunk is late, in nanoseconds.
    late: u64,
}

const EVEN: Unevenness = Unevenness {
    chunk: (480, 480),
    late: 0,
};

/// Chunks of 10 to 60 ms, each up to 20 ms late.
const UNEVEN: Unevenness = Unevenness {
    chunk: (480, 2880),
    late: 20_000_000,
};

/// A writer by the computer's clock, and a card whose clock is off by `drift`.
struct Simulation {
    rate: f64,
    tone: f64,
    writer: MusicWriter,
    player: MusicPlayer,
    unevenness: Unevenness,
    /// The card's time per period in nanoseconds.
    period: f64,
    now: f64,
    /// Frames of the tone written, and when the next chunk is due.
    written: u64,
    due: u64,
    jumped: i64,
    chunk: usize,
    random: u64,
    writing: bool,
    underruns: u64,
}

impl Simulation {
    fn new(card_drift: f64, unevenness: Unevenness) -> Self {
        Self::at(RATE, card_drift, unevenness)
    }

    fn at(rate: f64, card_drift: f64, unevenness: Unevenness) -> Self {
        let (writer, player) = channel(&MusicConfig::default(), Hertz(rate));
        let mut simulation = Self {
            rate,
            tone: TONE,
            writer,
            player,
            unevenness,
            period: 0.0,
            now: 1e9,
            written: 0,
            due: 1_000_000_000,
            jumped: 0,
            chunk: unevenness.chunk.0 * rate as usize / 48_000,
            random: 99,
            writing: true,
            underruns: 0,
        };
        simulation.set_card_drift(card_drift);
        simulation
    }

    fn set_card_drift(&mut self, drift: f64) {
        self.period = self.period_frames() as f64 / (self.rate * (1.0 + drift * 1e-6)) * 1e9;
    }

    /// 5 ms.
    fn period_frames(&self) -> usize {
        self.rate as usize / 200
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        if below == 0 {
            0
        } else {
            (self.random >> 33) % below
        }
    }

    fn write(&mut self) {
        while self.writing && self.due <= self.now as u64 {
            let samples: Vec<f32> = (0..self.chunk as u64)
                .flat_map(|n| {
                    let phase = TAU * (self.tone * (self.written + n) as f64 / self.rate).fract();
                    [(AMPLITUDE * phase.sin()) as f32, (AMPLITUDE * phase.cos()) as f32]
                })
                .collect();
            assert_eq!(
                self.writer.push(&samples, self.due),
                self.chunk,
                "the ring is full"
            );
            self.written += self.chunk as u64;
            let [from, to] = [self.unevenness.chunk.0, self.unevenness.chunk.1]
                .map(|chunk| chunk * self.rate as usize / 48_000);
            self.chunk = from + self.random((to - from + 1) as u64) as usize;
            // The chunk is due when its last frame is, by the writer's clock, and then some.
            let frames = self.written as i64 + self.chunk as i64 - self.jumped;
            let end = 1e9 + frames as f64 / self.rate * 1e9;
            self.due = (end as u64 + self.random(self.unevenness.late)).max(self.due);
        }
    }

    fn turn(&mut self, block: &mut [f32]) -> Rendered {
        self.write();
        self.player.observe(self.now as u64, block.len() / 2);
        let rendered = self.player.render(block);
        self.underruns += u64::from(rendered.underrun);
        self.now += self.period;
        rendered
    }

    /// The writer's clock jumps ahead by so many frames, or back.
    fn step(&mut self, frames: i64) {
        self.jumped += frames;
        let nanoseconds = frames as f64 / self.rate * 1e9;
        self.due = (self.due as f64 - nanoseconds) as u64;
    }

    /// The left channel of this many seconds of the card's time.
    fn run(&mut self, seconds: f64) -> Vec<f32> {
        let mut block = vec![0f32; self.period_frames() * 2];
        let mut left = Vec::new();
        for _ in 0..(seconds * 200.0) as usize {
            self.turn(&mut block);
            left.extend(block.iter().step_by(2));
        }
        left
    }

    /// Runs without keeping the sound; returns the range of the correction in ppm and of the fill in milliseconds.
    fn watch(&mut self, seconds: f64) -> ([f64; 2], [f64; 2]) {
        let mut block = vec![0f32; self.period_frames() * 2];
        let mut correction = [f64::MAX, f64::MIN];
        let mut fill = [f64::MAX, f64::MIN];
        for _ in 0..(seconds * 200.0) as usize {
            assert!(self.turn(&mut block).sounding, "a gap at {} s", self.now * 1e-9);
            for (range, value) in [
                (&mut correction, self.player.correction() * 1e6),
                (&mut fill, self.player.waiting() as f64 / self.rate * 1e3),
            ] {
                *range = [range[0].min(value), range[1].max(value)];
            }
        }
        (correction, fill)
    }
}

fn cents(frequency: f64, of: f64) -> f64 {
    1200.0 * (frequency / of).log2()
}

#[test]
fn music_starts_softly_once_the_target_waits() {
    let mut simulation = Simulation::new(0.0, EVEN);
    let left = simulation.run(1.0);
    let start = left.iter().position(|sample| *sample != 0.0).unwrap();
    // 200 ms of chunks of 10 ms, the first of which comes at once; then the filter's own 64 frames.
    assert!((9000..9800).contains(&start), "{start}");
    let step = analysis::largest_step(&left).size;
    assert!(step <= (AMPLITUDE * TAU * TONE / RATE * 1.01) as f32, "{step}");
    assert!(analysis::gaps(&left[start + 240..], Decibels(-60.0), Frames(10)).is_empty());
}

#[test]
fn the_resampler_is_transparent() {
    let mut simulation = Simulation::new(100.0, EVEN);
    simulation.run(200.0);
    simulation.tone = 19_000.0;
    let high = simulation.run(1.0);
    let found = analysis::tone(&high[24_000..26_400], Hertz(RATE)).unwrap();
    assert!((found.level.0 + 6.02).abs() < 0.1, "{found:?}");
    simulation.tone = TONE;
    simulation.run(1.0);
    // Short stretches: within them the pitch stands still.
    for stretch in simulation.run(2.0).chunks_exact(2400) {
        let tone = analysis::tone(stretch, Hertz(RATE)).unwrap();
        assert!((tone.level.0 + 6.0206).abs() < 0.001, "{tone:?}");
        assert!(tone.distortion.0 < -105.0, "{tone:?}");
    }
}

#[test]
fn drift_is_followed_without_a_gap_and_without_an_audible_pitch_error() {
    for drift in [-1000.0, -200.0, 0.0, 200.0, 1000.0] {
        for unevenness in [EVEN, UNEVEN] {
            let mut simulation = Simulation::at(8000.0, drift, unevenness);
            simulation.run(0.5);
            simulation.watch(300.0);
            let (correction, fill) = simulation.watch(300.0);
            // The writer's clock seen from the card's.
            let expected = (1.0 / (1.0 + drift * 1e-6) - 1.0) * 1e6;
            let error = [correction[0] - expected, correction[1] - expected];
            let allowed = if unevenness.late == 0 { 6.0 } else { 20.0 };
            assert!(
                error.iter().all(|error| error.abs() < allowed),
                "drift {drift}: off by {error:?} ppm"
            );
            assert!(fill[0] > 100.0 && fill[1] < 300.0, "drift {drift}: fill {fill:?}");
            assert_eq!(simulation.underruns, 0);
            let told = simulation.writer.gauge().state().drift.0;
            assert!((told - expected).abs() < allowed, "{told} told, {expected} true");
        }
    }
}

#[test]
fn the_pitch_is_right_and_steady_and_nothing_clicks() {
    for drift in [-200.0, 200.0] {
        let mut simulation = Simulation::new(drift, UNEVEN);
        simulation.run(200.0);
        let left = simulation.run(20.0);
        for second in left.chunks_exact(48_000) {
            let tone = analysis::tone(second, Hertz(RATE)).unwrap();
            // On the card's clock the tone is lower by the drift; a twentieth of a cent is 29 ppm.
            let expected = TONE / (1.0 + drift * 1e-6);
            let error = cents(tone.frequency.0, expected);
            assert!(error.abs() < 0.05, "{error} cents at {drift} ppm");
            assert!(tone.distortion.0 < -60.0, "{tone:?}");
        }
        assert!(analysis::clicks(&left, 10.0).is_empty());
        let step = analysis::largest_step(&left).size;
        assert!(step <= (AMPLITUDE * TAU * TONE / RATE * 1.001) as f32);
    }
}

#[test]
fn a_jump_of_the_drift_is_ridden_out() {
    let mut simulation = Simulation::at(8000.0, -200.0, UNEVEN);
    simulation.run(0.5);
    simulation.watch(600.0);
    simulation.set_card_drift(200.0);
    let (correction, fill) = simulation.watch(300.0);
    assert!(correction.iter().all(|ppm| ppm.abs() < 450.0), "{correction:?}");
    assert!(fill[0] > 75.0 && fill[1] < 325.0, "{fill:?}");
    let (correction, _) = simulation.watch(300.0);
    assert!(
        correction.iter().all(|ppm| (ppm + 200.0).abs() < 15.0),
        "{correction:?}"
    );
}

#[test]
fn a_step_of_the_writers_clock_does_not_bend_the_pitch() {
    // As MPD's clock does with every song: 10 ms, while the loop is young.
    for drift in [-100.0, 0.0, 100.0] {
        let expected = (1.0 / (1.0 + drift * 1e-6) - 1.0) * 1e6;
        let mut simulation = Simulation::at(8000.0, drift, EVEN);
        simulation.run(6.0);
        for song in 0..6 {
            simulation.step(if song % 2 == 0 { 80 } else { -60 });
            let (correction, fill) = simulation.watch(6.0);
            let error = correction.map(|correction| correction - expected);
            assert!(
                error.iter().all(|error| error.abs() < 250.0),
                "song {song} at drift {drift}: off by {error:?} ppm"
            );
            assert!(fill[0] > 150.0 && fill[1] < 260.0, "{fill:?}");
        }
        simulation.watch(300.0);
        let (correction, _) = simulation.watch(10.0);
        let error = correction.map(|correction| correction - expected);
        assert!(
            error.iter().all(|error| error.abs() < 12.0),
            "off by {error:?} ppm"
        );
    }
}

#[test]
fn stopping_and_starting_again_is_soft_and_remembers_the_clock() {
    let mut simulation = Simulation::new(150.0, EVEN);
    simulation.run(200.0);
    let learnt = simulation.player.correction();
    simulation.writing = false;
    let left = simulation.run(1.0);
    assert!(
        left[24_000..].iter().all(|sample| *sample == 0.0),
        "it plays out and stops"
    );
    assert!(analysis::largest_step(&left).size <= (AMPLITUDE * TAU * TONE / RATE * 1.02) as f32);
    simulation.run(60.0);
    assert!(!simulation.writer.gauge().state().flowing);
    assert!((simulation.player.correction() - learnt).abs() < 1e-6);

    simulation.writing = true;
    simulation.due = simulation.now as u64;
    // The writer's time line begins again now.
    let shift = (simulation.now * RATE * 1e-9) as u64 - RATE as u64;
    simulation.written = shift;
    let left = simulation.run(1.0);
    assert!(analysis::peak(&left[24_000..]).0 > -6.1);
    assert!(analysis::largest_step(&left).size <= (AMPLITUDE * TAU * TONE / RATE * 1.02) as f32);
    assert!((simulation.player.correction() - learnt).abs() < 1e-5);
    assert_eq!(simulation.underruns, 0, "a pause is no underrun");
}

#[test]
fn a_writer_that_is_late_once_is_counted_and_heard_as_a_short_pause() {
    let mut simulation = Simulation::new(0.0, EVEN);
    simulation.run(10.0);
    simulation.writing = false;
    let mut left = simulation.run(0.4);
    simulation.writing = true;
    left.extend(simulation.run(2.0));
    assert_eq!(simulation.underruns, 1);
    assert_eq!(analysis::gaps(&left, Decibels(-80.0), Frames(480)).len(), 1);
    assert!(analysis::largest_step(&left).size <= (AMPLITUDE * TAU * TONE / RATE * 1.02) as f32);
}

#[test]
fn less_than_the_target_is_played_when_no_more_comes() {
    let (mut writer, mut player) = channel(&MusicConfig::default(), Hertz(RATE));
    writer.push(&[0.25; 2 * 4800], 1_000_000_000);
    let mut block = [0f32; PERIOD * 2];
    let mut heard = 0;
    for turn in 0..200u64 {
        player.observe(1_000_000_000 + turn * 5_000_000, PERIOD);
        heard += usize::from(player.render(&mut block).sounding);
    }
    assert!((18..=20).contains(&heard), "{heard} periods");
}

#[test]
fn a_writer_that_we_hold_up_is_played_at_the_cards_own_rate() {
    let (mut writer, mut player) = channel(&MusicConfig::default(), Hertz(RATE));
    let mut block = [0f32; PERIOD * 2];
    for turn in 0..60_000u64 {
        let now = 1_000_000_000 + turn * 5_000_000;
        // It fills whatever room there is, at once.
        let room = writer.free().0 as usize;
        writer.push(&vec![0.1; room * 2], now);
        writer.set_backlog(Frames(8192), true);
        player.observe(now, PERIOD);
        assert!(player.render(&mut block).sounding);
        assert_eq!(player.correction(), 0.0);
    }
}

#[test]
fn a_backlog_before_the_ring_counts_and_shrinks() {
    let (mut writer, mut player) = channel(&MusicConfig::default(), Hertz(RATE));
    let mut block = [0f32; PERIOD * 2];
    let room = writer.free().0 as usize;
    let mut backlog = 4000;
    writer.push(&vec![0.1; room * 2], 1_000_000_000);
    for turn in 0..120_000u64 {
        let now = 1_000_000_000 + turn * 5_000_000;
        backlog += PERIOD;
        let moved = writer.push(&vec![0.1; backlog.min(writer.free().0 as usize) * 2], now);
        backlog -= moved;
        writer.set_backlog(Frames(backlog as u64), false);
        player.observe(now, PERIOD);
        assert!(player.render(&mut block).sounding);
    }
    assert!(backlog < 2000, "{backlog} frames still wait before the ring");
    assert!(player.correction() > 0.0 && player.correction() < 3e-4);
}

#[test]
fn garbage_is_neither_heard_as_garbage_nor_fatal() {
    let (mut writer, mut player) = channel(&MusicConfig::default(), Hertz(RATE));
    let garbage = [f32::NAN, f32::INFINITY, -1e38, 1e-42, 3e9, f32::NEG_INFINITY];
    let samples: Vec<f32> = (0..40_000).map(|n| garbage[n % garbage.len()]).collect();
    writer.push(&samples, 1_000_000_000);
    let mut block = [0f32; PERIOD * 2];
    for turn in 0..50u64 {
        player.observe(1_000_000_000 + turn * 5_000_000, PERIOD);
        player.render(&mut block);
        assert!(
            block
                .iter()
                .all(|sample| sample.is_finite() && sample.abs() < 200.0)
        );
    }
}

#[test]
fn any_latency_can_be_asked_for() {
    for latency in [0, 1, 20, 2000, u64::MAX / 1_000_000] {
        let config = MusicConfig {
            latency: Millis(latency),
            ..MusicConfig::default()
        };
        let (writer, _player) = channel(&config, Hertz(RATE));
        let target = writer.gauge().state().target;
        assert!((512..=480_000).contains(&target.0), "{target}");
    }
}
