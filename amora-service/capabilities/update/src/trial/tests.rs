use super::*;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn before() -> Baseline {
    Baseline {
        failed_units: vec!["old.service".to_owned()],
        sound: true,
        tone: false,
        links: vec!["mqtt".to_owned()],
        ..Baseline::default()
    }
}

fn judge(before: Baseline) -> Judge {
    let rules = Rules {
        deadline: seconds(300),
        sound: seconds(10),
        before,
        page: true,
    };
    Judge::new(rules, seconds(1000))
}

fn system(state: &str, failed: &[&str]) -> Reading {
    Reading::System {
        state: state.to_owned(),
        failed: failed.iter().map(|unit| (*unit).to_owned()).collect(),
    }
}

fn sound(periods: u64, gaps: u64) -> Reading {
    Reading::Sound(Some(SoundReading {
        without_card: false,
        lent: false,
        running: true,
        error: String::new(),
        pace: 200.0,
        periods,
        gaps,
        microphone: true,
    }))
}

/// Everything but sound is well.
fn all_else(judge: &mut Judge, now: Duration) {
    judge.see(now, system("running", &[]));
    judge.see(now, Reading::Page(Ok(())));
    judge.see(now, Reading::Links(vec!["mqtt".to_owned()]));
    judge.see(now, Reading::Data(Ok(())));
}

/// Sound flows for so many seconds from `from` on.
fn flow(judge: &mut Judge, from: u64, length: u64) {
    for second in 0..=length {
        judge.see(seconds(from + second), sound(second * 200, 0));
    }
}

#[test]
fn a_system_that_does_all_of_it_is_kept() {
    let mut judge = judge(before());
    all_else(&mut judge, seconds(1001));
    assert_eq!(judge.verdict(seconds(1001)), None);
    flow(&mut judge, 1002, 9);
    assert_eq!(judge.verdict(seconds(1011)), None, "nine seconds are not ten");
    judge.see(seconds(1012), sound(2000, 0));
    assert_eq!(judge.verdict(seconds(1012)), Some(Verdict::Keep));
}

#[test]
fn each_check_alone_sends_a_system_back_at_the_deadline() {
    for missing in [Check::System, Check::Sound, Check::Page, Check::Cloud] {
        let mut judge = judge(before());
        let now = seconds(1001);
        for (check, reading) in [
            (Check::System, system("running", &[])),
            (Check::Page, Reading::Page(Ok(()))),
            (Check::Cloud, Reading::Links(vec!["mqtt".to_owned()])),
            (Check::Data, Reading::Data(Ok(()))),
        ] {
            if check != missing {
                judge.see(now, reading);
            }
        }
        if missing != Check::Sound {
            flow(&mut judge, 1001, 10);
        }
        assert_eq!(judge.verdict(seconds(1299)), None, "{missing:?}");
        match judge.verdict(seconds(1300)) {
            Some(Verdict::GiveUp { check, seen }) => {
                assert_eq!(check, missing);
                assert!(!seen.is_empty());
            }
            other => panic!("{missing:?}: {other:?}"),
        }
    }
}

#[test]
fn data_that_takes_nothing_is_no_matter_of_time() {
    let mut judge = judge(before());
    judge.see(
        seconds(1001),
        Reading::Data(Err("read-only file system".to_owned())),
    );
    assert_eq!(
        judge.verdict(seconds(1001)),
        Some(Verdict::GiveUp {
            check: Check::Data,
            seen: "read-only file system".to_owned()
        })
    );
}

#[test]
fn a_unit_that_failed_before_does_not_count_and_a_new_one_does_after_its_grace() {
    let mut judge = judge(before());
    judge.see(seconds(1001), system("degraded", &["old.service"]));
    assert_eq!(judge.checks()[0].result, CheckResult::Passed);
    judge.see(seconds(1002), system("degraded", &["old.service", "mpd.service"]));
    assert_eq!(judge.verdict(seconds(1002)), None);
    judge.see(seconds(1020), system("running", &[]));
    judge.see(seconds(1021), system("degraded", &["mpd.service"]));
    judge.see(seconds(1050), system("degraded", &["mpd.service"]));
    assert_eq!(judge.verdict(seconds(1050)), None, "the grace begins anew");
    judge.see(seconds(1051), system("degraded", &["mpd.service"]));
    let verdict = judge.verdict(seconds(1051));
    assert!(
        matches!(&verdict, Some(Verdict::GiveUp { check: Check::System, seen }) if seen.contains("mpd.service")),
        "{verdict:?}"
    );
}

#[test]
fn a_gap_begins_the_count_anew() {
    let mut judge = judge(before());
    all_else(&mut judge, seconds(1000));
    flow(&mut judge, 1000, 8);
    judge.see(seconds(1009), sound(1800, 1));
    judge.see(seconds(1018), sound(3600, 1));
    assert_eq!(judge.verdict(seconds(1018)), None);
    judge.see(seconds(1019), sound(3800, 1));
    assert_eq!(judge.verdict(seconds(1019)), Some(Verdict::Keep));
}

#[test]
fn a_card_that_is_open_but_moves_no_samples_does_not_pass() {
    let mut judge = judge(before());
    all_else(&mut judge, seconds(1000));
    for second in 0..299 {
        judge.see(seconds(1000 + second), sound(5, 0));
    }
    let verdict = judge.verdict(seconds(1300));
    assert!(
        matches!(&verdict, Some(Verdict::GiveUp { check: Check::Sound, seen }) if !seen.is_empty()),
        "{verdict:?}"
    );
}

#[test]
fn the_tone_is_wanted_where_it_was_heard_before() {
    let mut deaf = judge(before());
    all_else(&mut deaf, seconds(1000));
    flow(&mut deaf, 1000, 10);
    assert!(!deaf.wants_tone());
    assert_eq!(deaf.verdict(seconds(1010)), Some(Verdict::Keep));

    let heard = Baseline {
        tone: true,
        ..before()
    };
    let mut hearing = judge(heard);
    all_else(&mut hearing, seconds(1000));
    assert!(!hearing.wants_tone(), "not before sound flows");
    flow(&mut hearing, 1000, 10);
    assert!(hearing.wants_tone());
    assert!(!hearing.wants_tone(), "not while it is played");
    assert_eq!(hearing.verdict(seconds(1012)), None);
    hearing.see(seconds(1013), Reading::Tone(Ok(false)));
    assert_eq!(hearing.verdict(seconds(1013)), None, "it is played again");
    assert!(hearing.wants_tone());
    hearing.see(seconds(1015), Reading::Tone(Ok(true)));
    assert_eq!(hearing.verdict(seconds(1015)), Some(Verdict::Keep));
}

#[test]
fn three_times_unheard_is_a_failure() {
    let mut judge = judge(Baseline {
        tone: true,
        ..before()
    });
    all_else(&mut judge, seconds(1000));
    flow(&mut judge, 1000, 10);
    for _ in 0..3 {
        assert!(judge.wants_tone());
        judge.see(seconds(1011), Reading::Tone(Ok(false)));
    }
    assert!(!judge.wants_tone());
    let verdict = judge.verdict(seconds(1011));
    assert!(
        matches!(
            &verdict,
            Some(Verdict::GiveUp {
                check: Check::Sound,
                ..
            })
        ),
        "{verdict:?}"
    );
}

#[test]
fn what_was_not_there_before_is_not_asked_for() {
    let mut judge = judge(Baseline::default());
    judge.see(seconds(1001), system("running", &[]));
    judge.see(seconds(1001), Reading::Page(Ok(())));
    judge.see(seconds(1001), Reading::Data(Ok(())));
    judge.see(seconds(1001), Reading::Links(Vec::new()));
    judge.see(seconds(1001), Reading::Sound(None));
    assert_eq!(judge.verdict(seconds(1001)), Some(Verdict::Keep));
}

#[test]
fn a_simulated_room_is_no_sound_card() {
    let mut audio = amora_contract::state::AudioState::default();
    audio.card.running = true;
    audio.card.kind = "alsa".to_owned();
    assert!(SoundReading::from(&audio).running);
    audio.card.kind = "room".to_owned();
    let reading = SoundReading::from(&audio);
    assert!(!reading.running);

    let mut judge = judge(before());
    all_else(&mut judge, seconds(1001));
    judge.see(seconds(1001), Reading::Sound(Some(reading)));
    let Some(Verdict::GiveUp { check, seen }) = judge.verdict(seconds(1300)) else {
        panic!("a system without a sound card was kept");
    };
    assert_eq!(check, Check::Sound);
    assert!(seen.contains("no sound card"), "{seen}");
}
