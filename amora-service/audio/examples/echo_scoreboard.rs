//! Lets the echo cancellers, and the box's whole hearing, loose on the same scenes, and prints what each left of the echo
//! and what it cost, as JSON.
//!
//! `cargo run --release -p amora-audio --example echo_scoreboard`

#[path = "../tests/speech/mod.rs"]
mod speech;

use amora_audio::echo::EchoCanceller;
use amora_audio::echo::aec3::{Aec3, Tuning};
use amora_audio::echo::kalman::{KalmanCanceller, Settings};
use amora_audio::echo::scenes::measures::{erle, erle_over_time, level_kept, si_sdr, time_to};
use amora_audio::echo::scenes::{
    Plan, RATE, Scene, Shoebox, cancel, decaying, frames, hear, music, play, shoebox,
};
use amora_audio::echo::speex::{Speex, TAIL};
use amora_audio::hearing::{HearingOptions, Kind, engines};
use amora_contract::config::EchoConfig;
use amora_contract::units::{Decibels, Frames, PartsPerMillion};
use std::ops::Range;

/// Seconds of every scene.
const SECONDS: f64 = 20.0;

/// When the engines have had time to learn the room, and when something may happen.
const LEARNED: f64 = 5.0;
const TURN: f64 = 10.0;

/// Seconds in which both speak, and those after a change of the room that are judged.
const DOUBLE_TALK: f64 = 6.0;
const AFTER_CHANGE: f64 = 5.0;

/// When the room changes while both speak.
const CHANGE_IN_TALK: f64 = 12.0;

/// Seconds of each point of a curve.
const POINT: f64 = 0.25;

/// One who competes.
enum Entrant {
    /// An engine with nothing around it.
    Engine(fn() -> Box<dyn EchoCanceller>),
    /// The box's whole hearing, as it is set by default but for the high-pass, which is no part of cancelling.
    Hearing,
}

/// Who competes: a name, and what it is. Add a line to add an engine.
const ENTRANTS: &[(&str, Entrant)] = &[
    ("speexdsp", Entrant::Engine(|| speex(TAIL))),
    ("speexdsp 200 ms", Entrant::Engine(|| speex(Frames(9600)))),
    ("AEC3", Entrant::Engine(|| Box::new(Aec3::new(Tuning::Standard)))),
    (
        "AEC3 duplex",
        Entrant::Engine(|| Box::new(Aec3::new(Tuning::Duplex))),
    ),
    (
        "Kalman",
        Entrant::Engine(|| Box::new(KalmanCanceller::new(Settings::default()))),
    ),
    ("box (auto)", Entrant::Hearing),
];

/// What came out.
struct Outcome {
    cleaned: Vec<f32>,
    latency: Frames,
    /// The engine at work at the end, where there was a choice.
    chosen: Option<Kind>,
}

impl Entrant {
    fn run(&self, trial: &Trial) -> Outcome {
        match self {
            Self::Engine(make) => {
                let mut engine = make();
                Outcome {
                    cleaned: cancel(&trial.scene, engine.as_mut()),
                    latency: engine.latency(),
                    chosen: None,
                }
            }
            Self::Hearing => {
                let options = HearingOptions {
                    high_pass: None,
                    ..HearingOptions::new(engines(&EchoConfig::default()))
                };
                let heard = hear(&trial.scene, trial.drift, options);
                Outcome {
                    cleaned: heard.clean,
                    latency: heard.figures.latency,
                    chosen: heard.figures.engine,
                }
            }
        }
    }
}

fn speex(tail: Frames) -> Box<dyn EchoCanceller> {
    Box::new(Speex::new(tail).expect("there is memory"))
}

/// A scene with its name and the frames in which only the echo sounds and is judged.
struct Trial {
    name: &'static str,
    scene: Scene,
    drift: PartsPerMillion,
    judged: Range<usize>,
}

fn trials() -> Vec<Trial> {
    let far = speech::FAR.speak(SECONDS);
    let near = speech::NEAR.speak(DOUBLE_TALK);
    let tune = music(1, SECONDS);
    let settled = frames(LEARNED)..frames(TURN);
    let trial = |name, plan: Plan, far: &[f32]| Trial {
        name,
        scene: play(&plan, far, &near),
        drift: plan.drift,
        judged: settled.clone(),
    };
    let plain = Plan::default;
    let in_room = |room: &Shoebox, seconds| Plan {
        response: shoebox(room, seconds),
        ..plain()
    };
    let drifting = Plan {
        drift: PartsPerMillion(100.0),
        ..plain()
    };
    let talk = |plan: Plan, level| Plan {
        near: Some((frames(TURN)..frames(TURN + DOUBLE_TALK), Decibels(level))),
        ..plan
    };
    let changing = |at| Plan {
        change: Some((frames(at), decaying(2, 0.1))),
        ..plain()
    };
    // A living room that swallows a third of the sound at each wall, and a kitchen of hard ones; the box's loudspeaker
    // and microphone are a hand apart on a table.
    let living_room = Shoebox {
        size: [5.2, 4.1, 2.6],
        absorption: 0.35,
        loudspeaker: [1.0, 2.0, 0.8],
        microphone: [1.09, 2.05, 0.86],
    };
    let kitchen = Shoebox {
        size: [3.1, 2.4, 2.5],
        absorption: 0.2,
        loudspeaker: [0.4, 1.1, 0.9],
        microphone: [0.49, 1.15, 0.96],
    };
    vec![
        trial("speech", plain(), &far),
        trial("music", plain(), &tune),
        trial("living room", in_room(&living_room, 0.4), &far),
        trial("kitchen", in_room(&kitchen, 0.5), &far),
        trial("drift 100 ppm", drifting.clone(), &far),
        trial(
            "echo 120 ms late",
            Plan {
                late: frames(0.115),
                ..plain()
            },
            &far,
        ),
        trial(
            "bending loudspeaker",
            Plan {
                knee: Some(Decibels(-8.0)),
                ..plain()
            },
            &far,
        ),
        Trial {
            judged: frames(TURN)..frames(TURN + AFTER_CHANGE),
            ..trial("room changes", changing(TURN), &far)
        },
        trial("near −6 dB", talk(plain(), -6.0), &far),
        trial("near 0 dB", talk(plain(), 0.0), &far),
        trial("near +6 dB", talk(plain(), 6.0), &far),
        trial("near 0 dB, drift 100 ppm", talk(drifting, 0.0), &far),
        trial("near 0 dB, kitchen", talk(in_room(&kitchen, 0.5), 0.0), &far),
        trial(
            "near 0 dB, room changes",
            talk(changing(CHANGE_IN_TALK), 0.0),
            &far,
        ),
    ]
}

/// What one engine did with one scene, as JSON.
fn judge(trial: &Trial, outcome: &Outcome) -> String {
    let cleaned = &outcome.cleaned;
    let (microphone, judged) = (&trial.scene.microphone, trial.judged.clone());
    let reached = time_to(Decibels(20.0), microphone, cleaned);
    let curve: Vec<String> = erle_over_time(microphone, cleaned, frames(POINT))
        .iter()
        .map(|point| number(point.map(|point| point.0)))
        .collect();
    let mut fields = vec![
        format!(
            "\"erle\":{}",
            number(Some(erle(&microphone[judged.clone()], &cleaned[judged]).0))
        ),
        format!("\"to_20_db\":{}", number(reached.map(|time| time.0 as f32))),
        format!("\"curve\":[{}]", curve.join(",")),
    ];
    if let Some(talk) = trial.scene.double_talk.clone() {
        let (near, out) = (&trial.scene.near[talk.clone()], &cleaned[talk.clone()]);
        let after = talk.end..microphone.len();
        fields.push(format!("\"si_sdr\":{}", number(Some(si_sdr(out, near).0))));
        fields.push(format!("\"kept\":{}", number(Some(level_kept(out, near).0))));
        fields.push(format!(
            "\"erle_after\":{}",
            number(Some(erle(&microphone[after.clone()], &cleaned[after]).0))
        ));
    }
    if let Some(kind) = outcome.chosen {
        fields.push(format!("\"chosen\":\"{kind}\""));
    }
    format!("{{{}}}", fields.join(","))
}

fn number(value: Option<f32>) -> String {
    value
        .filter(|value| value.is_finite())
        .map_or_else(|| "null".to_owned(), |value| format!("{value:.3}"))
}

/// CPU seconds that this thread has used; no engine here has threads of its own.
fn cpu_time() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place for the result; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

fn main() {
    let trials = trials();
    let entrants: Vec<String> = ENTRANTS
        .iter()
        .map(|(name, entrant)| {
            let (mut costs, mut latency) = (Vec::new(), Frames(0));
            let scenes: Vec<String> = trials
                .iter()
                .map(|trial| {
                    let started = cpu_time();
                    let outcome = entrant.run(trial);
                    costs.push((cpu_time() - started) * 1000.0 / SECONDS);
                    latency = outcome.latency;
                    format!("\"{}\":{}", trial.name, judge(trial, &outcome))
                })
                .collect();
            costs.sort_by(f64::total_cmp);
            format!(
                "{{\"name\":\"{name}\",\"latency_ms\":{:.1},\"cost_ms_per_second\":{:.3},\"scenes\":{{{}}}}}",
                latency.seconds(RATE).0 * 1000.0,
                costs[costs.len() / 2],
                scenes.join(",")
            )
        })
        .collect();
    let input: Vec<String> = trials
        .iter()
        .filter_map(|trial| {
            let talk = trial.scene.double_talk.clone()?;
            let heard = si_sdr(&trial.scene.microphone[talk.clone()], &trial.scene.near[talk]);
            Some(format!("\"{}\":{}", trial.name, number(Some(heard.0))))
        })
        .collect();
    println!(
        "{{\"point\":{POINT},\"turn\":{TURN},\"input_si_sdr\":{{{}}},\"engines\":[{}]}}",
        input.join(","),
        entrants.join(",")
    );
}
