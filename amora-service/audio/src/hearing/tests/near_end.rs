//! Somebody speaks while the box does.

use super::*;

fn count(events: &[HearingEvent]) -> (usize, usize) {
    let began = events
        .iter()
        .filter(|event| matches!(event, HearingEvent::NearEndBegan { .. }));
    let ended = events
        .iter()
        .filter(|event| matches!(event, HearingEvent::NearEndEnded { .. }));
    (began.count(), ended.count())
}

#[test]
fn residual_echo_alone_is_nobody() {
    for (drift, seed) in [(0.0, 1), (100.0, 2)] {
        let mut bench = Bench::new(
            &room(drift),
            plain(EchoEngine::Kalman),
            programme(48_000 * 11, seed),
        );
        bench.run(30.0);
        bench.room.cause_xruns(1);
        bench.run(15.0);
        assert_eq!(count(&bench.events), (0, 0), "{:?}", bench.events);
    }
}

#[test]
fn a_talker_is_noticed_when_he_begins_and_when_he_ends() {
    for level in [0.15, 0.6] {
        let mut bench = Bench::new(
            &room(0.0),
            options(EchoEngine::Kalman, |_| Box::new(Plain::new(0.05, 0))),
            programme(48_000 * 11, 3),
        );
        bench.run(10.0);
        let talker: Vec<f32> = programme(48_000 * 2, 77)
            .iter()
            .map(|sample| level * sample)
            .collect();
        for time in 1..=3 {
            let start = bench.clean.last().unwrap().position;
            bench.room.say(&talker);
            bench.run(1.9);
            assert!(bench.figures().near_end, "{level}: not noticed");
            bench.run(2.0);
            assert!(!bench.figures().near_end);
            assert_eq!(count(&bench.events), (time, time), "{:?}", bench.events);
            let began = bench.events.iter().rev().find_map(|event| match event {
                HearingEvent::NearEndBegan { position } => Some(position - start),
                _ => None,
            });
            let after = began.unwrap() as f64 / 48_000.0;
            assert!((0.0..0.35).contains(&after), "{after} s");
        }
        let share = bench.figures().double_talk;
        assert!((0.02..0.9).contains(&share), "{share}");
    }
}

#[test]
fn who_speaks_into_silence_interrupts_nobody() {
    let mut bench = Bench::new(&room(0.0), plain(EchoEngine::Kalman), Vec::new());
    bench.run(3.0);
    bench.room.say(&programme(48_000 * 2, 5));
    bench.run(4.0);
    assert_eq!(count(&bench.events), (0, 0));
}
