use super::*;
use amora_contract::ErrorCode;
use amora_contract::state::Health;
use axum::http::StatusCode;
use std::collections::{BTreeMap, BTreeSet};

type Labels = BTreeMap<String, String>;

/// One family as a strict reader understands it.
struct Family {
    kind: String,
    samples: Vec<(String, Labels, f64)>,
}

/// Reads the text format strictly: every sample below its family's HELP and TYPE, names of legal letters, labels
/// escaped and unique, values numbers, families and samples once each, a line feed at the end.
fn parse(text: &str) -> BTreeMap<String, Family> {
    assert!(text.ends_with('\n'));
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').expect("help has a text");
            assert!(is_name(name) && !help.is_empty());
            assert!(!families.contains_key(name), "{name} twice");
            current = name.to_owned();
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(name, current, "HELP and TYPE belong together");
            assert!(["counter", "gauge", "histogram"].contains(&kind));
            families.insert(
                name.to_owned(),
                Family {
                    kind: kind.to_owned(),
                    samples: Vec::new(),
                },
            );
        } else {
            let (name, labels, value) = sample(line);
            let family = families.get_mut(&current).expect("a sample has a family");
            let base = match family.kind.as_str() {
                "histogram" => name.trim_end_matches("_bucket").trim_end_matches("_count"),
                _ => &name,
            };
            assert_eq!(base, current);
            assert!(seen.insert((name.clone(), labels.clone())), "{line} twice");
            family.samples.push((name, labels, value));
        }
    }
    families
}

fn sample(line: &str) -> (String, Labels, f64) {
    let end = line.find(['{', ' ']).expect("a value follows");
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name), "{name}");
    let mut labels = Labels::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"").expect("label and value");
            assert!(is_name(label), "{label}");
            let (value, after) = quoted(after);
            assert!(labels.insert(label.to_owned(), value).is_none(), "{label} twice");
            rest = after;
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None => break,
            }
        }
        rest = rest.strip_prefix('}').expect("labels end");
    }
    let value = rest.strip_prefix(' ').expect("one space before the value");
    (
        name.to_owned(),
        labels,
        value.parse().unwrap_or_else(|_| panic!("{value} is no number")),
    )
}

/// The value up to the closing quote, and what follows it.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &text[at + 1..]),
            '\\' => match letters.next().map(|(_, escaped)| escaped) {
                Some('n') => value.push('\n'),
                Some(escaped @ ('\\' | '"')) => value.push(escaped),
                other => panic!("illegal escape {other:?}"),
            },
            letter => value.push(letter),
        }
    }
    panic!("the value never ends");
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn value(families: &BTreeMap<String, Family>, name: &str, labels: &[(&str, &str)]) -> f64 {
    let labels: Labels = labels
        .iter()
        .map(|(label, value)| (label.to_string(), value.to_string()))
        .collect();
    let family = families
        .values()
        .find(|family| family.samples.iter().any(|sample| sample.0 == name));
    let samples = &family.unwrap_or_else(|| panic!("no {name}")).samples;
    samples
        .iter()
        .find(|sample| sample.0 == name && sample.1 == labels)
        .unwrap_or_else(|| panic!("no {name} {labels:?}"))
        .2
}

#[test]
fn the_voice_call_is_measured_by_the_names_of_the_original() {
    use amora_contract::config::EchoEngine;
    use amora_contract::state::{EchoState, VoiceLink, VoiceState};
    use amora_contract::units::Decibels;
    let mut voice = VoiceState {
        link: VoiceLink::Connected,
        uptime_seconds: 14,
        audio_callback_duration_ms: 0.25,
        echo: Some(EchoState {
            engine: EchoEngine::Kalman,
            erle: Some(Decibels(31.5)),
            gain: Some(Decibels(-4.5)),
            ..EchoState::default()
        }),
        ..VoiceState::default()
    };
    let counters = &mut voice.counters;
    counters.mic_frames_captured = 1;
    counters.mic_frames_sent = 2;
    counters.mic_frames_dropped = 3;
    counters.tts_frames_received = 4;
    counters.tts_frames_played = 5;
    counters.tts_frames_dropped = 6;
    counters.aec_frames_processed = 7;
    counters.connections = 8;
    counters.connection_failures = 9;
    voice.queues.microphone = 10;
    voice.queues.speech = 11;
    let state = State {
        voice: Some(voice),
        ..State::default()
    };
    let read = parse(&render(&state, &Counters::default()));
    for (name, expected) in [
        ("mic_frames_captured", 1.0),
        ("mic_frames_sent", 2.0),
        ("mic_frames_dropped", 3.0),
        ("tts_frames_received", 4.0),
        ("tts_frames_played", 5.0),
        ("tts_frames_dropped", 6.0),
        ("aec_frames_processed", 7.0),
        ("connections", 8.0),
        ("connection_failures", 9.0),
        ("mic_queue_depth", 10.0),
        ("speaker_queue_depth", 11.0),
        ("connected", 1.0),
        ("audio_callback_duration_ms", 0.25),
        ("uptime_seconds", 14.0),
        ("amora_voice_echo_reduction_decibels", 31.5),
        ("amora_voice_gain_decibels", -4.5),
    ] {
        assert_eq!(value(&read, name, &[]), expected, "{name}");
    }
    let engine = [("engine", "kalman")];
    assert_eq!(value(&read, "amora_voice_echo_engine", &engine), 1.0);
    assert!(
        !read.contains_key("amora_voice_echo_delay_milliseconds"),
        "it is not known"
    );
}

fn full_state() -> State {
    let mut state = State::default();
    state.system.name = "The \"big\" \\ box\nin the kitchen".to_owned();
    state.system.started_at = amora_contract::units::Timestamp(1_700_000_000_500);
    state.system.health.insert(
        "player".to_owned(),
        Health {
            condition: Condition::Degraded,
            ..Health::default()
        },
    );
    let mut audio = AudioState::default();
    audio.counters.periods = u64::MAX;
    audio.counters.xruns = 3;
    audio.counters.callback_microseconds = [1, 2, 3, 4, 0, 0, 0, 0, 0, 5];
    audio.music.drift.0 = -12.5;
    audio.mixer.ducking.0 = f32::NEG_INFINITY;
    state.audio = Some(audio);
    state.player = Some(PlayerState {
        state: PlaybackState::Play,
        queue_length: 7,
        ..PlayerState::default()
    });
    state
}

#[test]
fn prometheus_can_read_it_and_finds_what_is_so() {
    let counters = Counters::default();
    counters.count_request(StatusCode::OK);
    counters.count_request(StatusCode::NOT_FOUND);
    counters.count_command("player", None);
    counters.count_command("player", None);
    counters.count_command("audio", Some(ErrorCode::Busy));
    counters.count_login_refused("wrong_code");
    let open = counters.count_socket(SocketKind::Listen);
    let read = parse(&render(&full_state(), &counters));

    let about = [
        ("id", ""),
        ("name", "The \"big\" \\ box\nin the kitchen"),
        ("version", ""),
    ];
    assert_eq!(value(&read, "amora_info", &about), 1.0);
    assert_eq!(value(&read, "amora_start_time_seconds", &[]), 1_700_000_000.5);
    assert_eq!(
        value(
            &read,
            "amora_health",
            &[("part", "player"), ("condition", "degraded")]
        ),
        1.0
    );
    assert_eq!(
        value(&read, "amora_health", &[("part", "player"), ("condition", "ok")]),
        0.0
    );
    assert_eq!(value(&read, "amora_audio_xruns_total", &[]), 3.0);
    assert_eq!(value(&read, "amora_audio_music_drift_ppm", &[]), -12.5);
    assert_eq!(
        value(&read, "amora_audio_ducking_decibels", &[]),
        f64::NEG_INFINITY
    );
    assert_eq!(value(&read, "amora_player_state", &[("state", "play")]), 1.0);
    assert_eq!(value(&read, "amora_player_queue_length", &[]), 7.0);
    assert_eq!(
        value(&read, "amora_web_requests_total", &[("status", "2xx")]),
        1.0
    );
    assert_eq!(
        value(&read, "amora_web_requests_total", &[("status", "4xx")]),
        1.0
    );
    assert_eq!(
        value(
            &read,
            "amora_web_commands_total",
            &[("section", "player"), ("result", "ok")]
        ),
        2.0
    );
    assert_eq!(
        value(
            &read,
            "amora_web_commands_total",
            &[("section", "audio"), ("result", "busy")]
        ),
        1.0
    );
    assert_eq!(
        value(
            &read,
            "amora_web_logins_refused_total",
            &[("reason", "wrong_code")]
        ),
        1.0
    );
    assert_eq!(value(&read, "amora_web_sockets", &[("kind", "listen")]), 1.0);
    drop(open);
    let read = parse(&render(&State::default(), &counters));
    assert_eq!(value(&read, "amora_web_sockets", &[("kind", "listen")]), 0.0);
    assert!(
        !read.contains_key("amora_player_state"),
        "what is not configured is not measured"
    );
}

#[test]
fn the_histogram_is_cumulative_and_complete() {
    let read = parse(&render(&full_state(), &Counters::default()));
    let family = &read["amora_audio_callback_seconds"];
    assert_eq!(family.kind, "histogram");
    let buckets: Vec<(f64, f64)> = family
        .samples
        .iter()
        .filter(|sample| sample.0.ends_with("_bucket"))
        .map(|sample| (sample.1["le"].parse().unwrap(), sample.2))
        .collect();
    assert_eq!(buckets.len(), 10);
    assert!(buckets.is_sorted());
    assert_eq!(buckets[3], (0.0001, 10.0), "periods of up to 100 µs");
    assert_eq!(buckets[9], (f64::INFINITY, 15.0));
    assert_eq!(value(&read, "amora_audio_callback_seconds_count", &[]), 15.0);
}

#[test]
fn counters_only_name_what_is_counted() {
    let read = parse(&render(&full_state(), &Counters::default()));
    for (name, family) in read {
        assert_eq!(family.kind == "counter", name.ends_with("_total"), "{name}");
    }
}
