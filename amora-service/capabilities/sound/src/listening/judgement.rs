//! Judges what was sent and what was heard.

use super::Recording;
use super::script::{Part, Script};
use amora_audio::analysis::{channel, delay, level_at, rms, tone};
use amora_contract::commands::TestSound;
use amora_contract::reply::{ChannelReport, SoundTestReport};
use amora_contract::units::{Decibels, Hertz, Millis, PartsPerMillion};
use std::ops::Range;

/// What left the card must be the script to this normalised correlation: other sound mixed in lowers it.
const SAME: f64 = 0.5;

/// How far the level that left the card may be from the level asked for.
const LEVEL_TOLERANCE: f32 = 1.0;

/// The other channel must be this much lower.
const SEPARATION: f32 = 40.0;

/// The tone must stand this high over what the microphone hears beside it.
const AUDIBLE: f32 = 15.0;

/// A marker is recognised from this correlation; chance reaches a third of it.
const RECOGNISED: f64 = 0.15;

/// The farthest a microphone may be: 100 m of air, or a quarter of a second of buffers.
const FARTHEST: Millis = Millis(300);

/// The tone's rise and fall, and the room's.
const EDGE: Millis = Millis(20);
const BUILD_UP: Millis = Millis(50);

const NOTHING: Decibels = Decibels(f32::NEG_INFINITY);

/// What was wrong, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    NothingSent,
    Swapped,
    WrongChannel,
    WrongLevel,
    DeafMicrophone,
    NotHeard,
}

pub(super) fn judge(
    test: &TestSound,
    script: &Script,
    rate: Hertz,
    sent: &Recording,
    heard: Option<&Recording>,
    xruns: u64,
) -> SoundTestReport {
    let start = find(script, sent);
    let mut faults = Vec::new();
    let channels = script
        .parts
        .iter()
        .enumerate()
        .map(|(side, part)| {
            let Some(start) = start else {
                faults.push((part.channel, Fault::NothingSent));
                return silent(part.channel);
            };
            let (mut report, fault) = check_sent(test, part, side, start, rate, sent);
            let fault = fault.or_else(|| listen(test, part, side, start, rate, (sent, heard?), &mut report));
            report.pass = fault.is_none();
            faults.extend(fault.map(|fault| (part.channel, fault)));
            report
        })
        .collect::<Vec<_>>();
    SoundTestReport {
        pass: faults.is_empty() && xruns == 0,
        listened: heard.is_some(),
        advice: advice(test, &faults, &channels, xruns),
        channels,
        xruns,
    }
}

fn silent(channel: &str) -> ChannelReport {
    ChannelReport {
        channel: channel.to_owned(),
        pass: false,
        sent: NOTHING,
        heard: None,
        noise: None,
        frequency: None,
        delay: None,
        drift: None,
    }
}

/// Where the script begins in what left the card.
fn find(script: &Script, sent: &Recording) -> Option<usize> {
    let mono = |samples: &[f32]| {
        samples
            .chunks_exact(2)
            .map(|frame| frame[0] + frame[1])
            .collect::<Vec<_>>()
    };
    let recording = mono(&sent.samples);
    let found = delay(&mono(script.samples()), &recording, recording.len())?;
    (found.correlation >= SAME).then(|| found.frames.round().max(0.0) as usize)
}

fn window(range: &Range<usize>, start: usize, before: usize, after: usize) -> Range<usize> {
    range.start + start + before..(range.end + start).saturating_sub(after)
}

fn check_sent(
    test: &TestSound,
    part: &Part,
    side: usize,
    start: usize,
    rate: Hertz,
    sent: &Recording,
) -> (ChannelReport, Option<Fault>) {
    let edge = EDGE.frames(rate).0 as usize;
    let range = window(&part.tone, start, edge, edge);
    let frames = sent
        .samples
        .get(2 * range.start..2 * range.end)
        .unwrap_or_default();
    let level = |side| level_at(&channel(frames, side, 2), test.frequency, rate);
    let (here, there) = (level(side), level(1 - side));
    let mut report = silent(part.channel);
    report.sent = here;
    let fault = match (here.0, there.0) {
        (here, there) if there > here + SEPARATION => Some(Fault::Swapped),
        (here, there) if there > here - SEPARATION && there.is_finite() => Some(Fault::WrongChannel),
        (here, _) if (here - test.level.0).abs() <= LEVEL_TOLERANCE => None,
        (here, _) if here > test.level.0 - SEPARATION => Some(Fault::WrongLevel),
        _ => Some(Fault::NothingSent),
    };
    (report, fault)
}

fn listen(
    test: &TestSound,
    part: &Part,
    side: usize,
    start: usize,
    rate: Hertz,
    (sent, heard): (&Recording, &Recording),
    report: &mut ChannelReport,
) -> Option<Fault> {
    let farthest = FARTHEST.frames(rate).0 as usize;
    let (edge, build_up) = (EDGE.frames(rate).0 as usize, BUILD_UP.frames(rate).0 as usize);
    let origin = sent.start.unwrap_or(0);
    // The stretch of the microphone's recording that began when this frame of the script left the card.
    let stretch = |range: Range<usize>| {
        let begin = heard.index_of((origin + range.start as u64) as i64)?;
        heard
            .samples
            .get(begin..heard.samples.len().min(begin + range.len()))
    };

    let marker = window(&part.marker, start, 0, 0);
    let reference = channel(sent.samples.get(2 * marker.start..2 * marker.end)?, side, 2);
    let found = stretch(marker.start..marker.end + farthest)
        .and_then(|recording| delay(&reference, recording, farthest))
        .filter(|found| found.correlation.abs() >= RECOGNISED && found.frames >= 0.0);
    let late = found.map_or(0, |found| found.frames.round() as usize);
    report.delay = found.map(|found| Millis((found.frames / rate.0 * 1000.0).round() as u64));

    let tone_range = window(&part.tone, start + late, edge + build_up, edge);
    let Some(recording) = stretch(tone_range).filter(|recording| recording.len() > 64) else {
        report.heard = Some(NOTHING);
        return Some(Fault::DeafMicrophone);
    };
    let level = level_at(recording, test.frequency, rate);
    report.heard = Some(level);
    report.noise = Some(rms(recording));
    // What stands beside the tone at frequencies that have nothing to do with it.
    let beside = [0.89, 0.93, 0.97, 1.03, 1.07, 1.11]
        .map(|factor| level_at(recording, Hertz(test.frequency.0 * factor), rate).0)
        .into_iter()
        .fold(f32::NEG_INFINITY, f32::max);
    if rms(recording) == NOTHING {
        return Some(Fault::DeafMicrophone);
    }
    if level.0 < beside + AUDIBLE {
        return Some(Fault::NotHeard);
    }
    let near = |found: &amora_audio::analysis::Tone| {
        (found.frequency.0 - test.frequency.0).abs() <= 1.0 + test.frequency.0 * 0.002
    };
    if let Some(found) = tone(recording, rate).filter(near) {
        report.heard = Some(found.level);
        report.noise = Some(found.residual);
        report.frequency = Some(found.frequency);
        report.drift = Some(PartsPerMillion(
            (found.frequency.0 / test.frequency.0 - 1.0) * 1e6,
        ));
    }
    None
}

fn advice(test: &TestSound, faults: &[(&str, Fault)], channels: &[ChannelReport], xruns: u64) -> String {
    let Some(worst) = faults.iter().map(|(_, fault)| *fault).min() else {
        return match xruns {
            0 => String::new(),
            _ => format!(
                "the card ran out of sound {xruns} times during the test: raise `audio.periods` or \
                 `audio.period`, or permit real-time priority"
            ),
        };
    };
    let sides: Vec<_> = faults
        .iter()
        .filter(|(_, fault)| *fault == worst)
        .map(|(side, _)| *side)
        .collect();
    let sides = sides.join(" and ");
    match worst {
        Fault::NothingSent => format!(
            "nothing of the tone left the card on the {sides} channel: look at the card's state and at the log"
        ),
        Fault::Swapped => format!("the {sides} tone left the card on the other channel"),
        Fault::WrongChannel => {
            format!("the {sides} tone left the card on both channels: the mixer mixes them")
        }
        Fault::WrongLevel => {
            let level = channels
                .iter()
                .find(|channel| !channel.pass)
                .map_or(NOTHING, |channel| channel.sent);
            format!(
                "the {sides} tone left the card at {:.1} dB instead of {:.1} dB: `audio.limit` is lower, or \
                 something else sounded",
                level.0, test.level.0
            )
        }
        Fault::DeafMicrophone => "the microphone gives nothing at all: check `audio.capture_device` and the \
                                  board's microphone switches"
            .to_owned(),
        Fault::NotHeard => format!(
            "the tone left the card, but the microphone does not hear the {sides} loudspeaker: check its cable, \
             power and volume, and that the amplifier is not muted"
        ),
    }
}
