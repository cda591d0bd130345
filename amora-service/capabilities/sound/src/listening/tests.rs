use super::*;
use amora_contract::reply::ChannelReport;

const RATE: Hertz = Hertz(48_000.0);

/// Frames that the card's buffer holds back in these worlds.
const START: usize = 700;

fn script() -> (TestSound, Script) {
    let test = TestSound {
        duration: Millis(300),
        ..TestSound::default()
    };
    let script = Script::new(&test, RATE);
    (test, script)
}

/// What left the card: the script, later, after `change`.
fn sent(script: &Script, change: impl Fn(usize, f32, f32) -> [f32; 2]) -> Recording {
    let mut samples = vec![0.0; 2 * START];
    for (index, frame) in script.samples().chunks_exact(2).enumerate() {
        samples.extend(change(index, frame[0], frame[1]));
    }
    samples.resize(samples.len() + 2 * 24_000, 0.0);
    Recording {
        start: Some(10_000),
        ..Recording::made_of(samples, 2, None)
    }
}

/// What a microphone hears of it, `late` frames later, at `gain`, with noise.
fn heard(sent: &Recording, late: usize, gain: [f32; 2], noise: f32) -> Recording {
    let mut state = 99u32;
    let mut samples = vec![0.0; late];
    samples.extend(
        sent.samples
            .chunks_exact(2)
            .map(|frame| frame[0] * gain[0] + frame[1] * gain[1]),
    );
    for sample in &mut samples {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *sample += noise * (state as f32 / u32::MAX as f32 - 0.5);
    }
    Recording {
        references: vec![(0, 10_000)],
        ..Recording::made_of(samples, 1, None)
    }
}

fn verdict(sent: &Recording, heard: Option<&Recording>, xruns: u64) -> SoundTestReport {
    let (test, script) = script();
    judge(&test, &script, RATE, sent, heard, xruns)
}

fn passes(report: &SoundTestReport) -> Vec<bool> {
    report
        .channels
        .iter()
        .map(|channel: &ChannelReport| channel.pass)
        .collect()
}

#[test]
fn a_good_path_passes_with_its_delay_and_level() {
    let (_, script) = script();
    let sent = sent(&script, |_, left, right| [left, right]);
    let report = verdict(&sent, Some(&heard(&sent, 480, [0.1, 0.1], 1e-3)), 0);
    assert!(report.pass && report.listened, "{report:?}");
    assert_eq!(report.advice, "");
    for channel in &report.channels {
        assert!((channel.sent.0 + 20.0).abs() < 0.01, "{channel:?}");
        assert!((channel.heard.unwrap().0 + 40.0).abs() < 0.1, "{channel:?}");
        assert_eq!(channel.delay, Some(Millis(10)), "{channel:?}");
        assert!(channel.drift.unwrap().0.abs() < 20.0, "{channel:?}");
    }
}

#[test]
fn without_a_microphone_only_what_left_the_card_counts() {
    let (_, script) = script();
    let report = verdict(&sent(&script, |_, left, right| [left, right]), None, 0);
    assert!(report.pass && !report.listened, "{report:?}");
    assert!(report.channels.iter().all(|channel| channel.heard.is_none()));
}

#[test]
fn one_dead_loudspeaker_is_named() {
    let (_, script) = script();
    let sent = sent(&script, |_, left, right| [left, right]);
    let report = verdict(&sent, Some(&heard(&sent, 480, [0.1, 0.0], 1e-3)), 0);
    assert_eq!(passes(&report), [true, false], "{report:?}");
    assert!(
        !report.pass && report.advice.contains("the right loudspeaker"),
        "{report:?}"
    );
}

#[test]
fn a_hum_louder_than_the_tone_is_no_tone_and_hides_none() {
    let (_, script) = script();
    let sent = sent(&script, |_, left, right| [left, right]);
    let humming = |gain| {
        let mut heard = heard(&sent, 480, [gain; 2], 1e-3);
        for (n, sample) in heard.samples.iter_mut().enumerate() {
            *sample += 0.05 * (std::f32::consts::TAU * 50.0 * n as f32 / 48_000.0).sin();
        }
        verdict(&sent, Some(&heard), 0).pass
    };
    assert!(humming(0.1));
    assert!(!humming(0.0));
}

#[test]
fn a_microphone_that_is_switched_off_is_told_from_a_dead_loudspeaker() {
    let (_, script) = script();
    let sent = sent(&script, |_, left, right| [left, right]);
    for deaf in [
        heard(&sent, 0, [0.0, 0.0], 0.0),
        Recording::made_of(Vec::new(), 1, None),
    ] {
        let report = verdict(&sent, Some(&deaf), 0);
        assert!(
            !report.pass && report.advice.contains("microphone gives nothing"),
            "{report:?}"
        );
    }
}

#[test]
fn silence_mixed_channels_and_wrong_levels_fail_each_in_its_words() {
    let (_, script) = script();
    let advice = |change: fn(usize, f32, f32) -> [f32; 2]| {
        let report = verdict(&sent(&script, change), None, 0);
        assert_eq!(passes(&report), [false, false], "{report:?}");
        report.advice
    };
    assert!(advice(|_, _, _| [0.0, 0.0]).contains("nothing of the tone left the card on the left and right"));
    assert!(advice(|_, left, right| [left + right; 2]).contains("both channels"));
    assert!(advice(|_, left, right| [right, left]).contains("on the other channel"));
    assert!(advice(|_, left, right| [left / 2.0, right / 2.0]).contains("-26.0 dB instead of -20.0 dB"));
}

#[test]
fn something_else_is_not_the_tone() {
    let (_, script) = script();
    let report = verdict(
        &sent(&script, |index, _, _| [0.1 * (index as f32 * 0.2).sin(); 2]),
        None,
        0,
    );
    assert!(
        !report.pass && report.advice.contains("nothing of the tone"),
        "{report:?}"
    );
}

#[test]
fn an_xrun_during_the_test_is_a_failure_with_advice() {
    let (_, script) = script();
    let report = verdict(&sent(&script, |_, left, right| [left, right]), None, 2);
    assert!(
        !report.pass && report.advice.contains("2 times") && report.advice.contains("periods"),
        "{report:?}"
    );
}
