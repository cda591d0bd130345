//! Speech and noise through the conditioner.

use super::*;
use crate::analysis::{peak, rms};
use crate::card::room::Random;
use crate::echo::scenes::measures::{level_kept, si_sdr};
use crate::echo::scenes::speech::{FAR, NEAR};
use crate::echo::scenes::{RATE, frames, set_level};
use crate::hearing::high_pass::HighPass;
use amora_contract::units::Hertz;

/// What a conditioner makes of `sound`, its latency taken away. `echo` says in which blocks the box sounds alone.
fn condition(conditioner: &mut Conditioner, sound: &[f32], echo: impl Fn(usize) -> bool) -> Vec<f32> {
    let latency = conditioner.latency().0 as usize;
    let mut conditioned = Vec::new();
    for at in 0..(sound.len() + latency).div_ceil(BLOCK) {
        let mut block = std::array::from_fn(|n| sound.get(at * BLOCK + n).copied().unwrap_or(0.0));
        conditioner.process(&mut block, echo(at));
        conditioned.extend_from_slice(&block);
    }
    conditioned.drain(..latency);
    conditioned.truncate(sound.len());
    conditioned
}

fn suppressed(sound: &[f32]) -> Vec<f32> {
    condition(&mut Conditioner::new(true, false), sound, |_| false)
}

fn white(seconds: f64, level: f32) -> Vec<f32> {
    let mut random = Random::new(5);
    let mut noise: Vec<f32> = (0..frames(seconds)).map(|_| random.gaussian()).collect();
    set_level(&mut noise, Decibels(level));
    noise
}

/// Falls by 3 dB an octave: white noise through poles and zeros that take turns, three to a decade. What the hearing's
/// high-pass takes away is not in it.
fn pink(seconds: f64, level: f32) -> Vec<f32> {
    let mut noise = white(seconds, -20.0);
    for (zero, pole) in [
        (0.984_436, 0.995_728),
        (0.833_923, 0.947_906),
        (0.075_684, 0.535_675),
    ] {
        let (mut input, mut output) = (0f32, 0f32);
        for sample in &mut noise {
            output = *sample - zero * input + pole * output;
            input = *sample;
            *sample = output;
        }
    }
    audible(noise, level)
}

/// A fan: air below 500 Hz, and the hum of its blades.
fn fan(seconds: f64, level: f32) -> Vec<f32> {
    let mut low = 0f32;
    let noise = white(seconds, -20.0);
    let sound = noise.iter().enumerate().map(|(n, sample)| {
        low += 0.06 * (sample - low);
        let hum = |frequency: f64| (std::f64::consts::TAU * frequency * n as f64 / 48_000.0).sin() as f32;
        low + 0.004 * hum(118.0) + 0.002 * hum(236.0)
    });
    audible(sound.collect(), level)
}

fn audible(mut noise: Vec<f32>, level: f32) -> Vec<f32> {
    let mut high_pass = HighPass::new(Hertz(80.0), RATE);
    for block in noise.as_chunks_mut::<BLOCK>().0 {
        high_pass.process(block);
    }
    set_level(&mut noise, Decibels(level));
    noise
}

fn mix(speech: &[f32], noise: &[f32]) -> Vec<f32> {
    speech
        .iter()
        .zip(noise)
        .map(|(speech, noise)| speech + noise)
        .collect()
}

/// A second of nothing, then speech at `level`.
fn speech(seconds: f64, level: f32) -> Vec<f32> {
    let mut said = NEAR.speak(seconds);
    set_level(&mut said, Decibels(level));
    said.splice(0..0, std::iter::repeat_n(0.0, frames(1.0)));
    said
}

/// Level while somebody speaks: of the blocks that are not 10 dB below the mean.
fn active(sound: &[f32]) -> f32 {
    let mean = rms(sound).0;
    let blocks = sound.chunks(BLOCK).filter(|block| rms(block).0 > mean - 10.0);
    rms(&blocks.flatten().copied().collect::<Vec<f32>>()).0
}

#[test]
fn nothing_asked_for_is_nothing_done() {
    let sound = mix(&speech(1.0, -20.0), &white(2.0, -50.0));
    let mut conditioner = Conditioner::new(false, false);
    assert_eq!((conditioner.latency(), conditioner.gain()), (Frames(0), None));
    assert!(condition(&mut conditioner, &sound, |_| true) == sound);
}

#[test]
fn noise_is_lowered_and_speech_is_kept() {
    let said = speech(10.0, -26.0);
    for (name, noise, better) in [
        ("pink", pink(11.0, -36.0), 2.0),
        ("fan", fan(11.0, -36.0), 1.2),
        ("white", white(11.0, -36.0), 4.0),
    ] {
        let cleaned = suppressed(&mix(&said, &noise));
        let (talk, before) = (frames(1.0).., frames(0.4)..frames(0.9));
        let (sdr, kept) = (
            si_sdr(&cleaned[talk.clone()], &said[talk.clone()]).0,
            level_kept(&cleaned[talk.clone()], &said[talk]).0,
        );
        let lowered = rms(&noise[before.clone()]).0 - rms(&cleaned[before]).0;
        println!("{name}: SI-SDR {sdr:.1} dB of 10.0, level {kept:.2} dB, noise alone {lowered:.1} dB lower");
        assert!(sdr > 10.0 + better, "{name}: {sdr} dB");
        assert!(kept.abs() < 1.8, "{name}: {kept} dB");
        assert!((9.0..16.0).contains(&lowered), "{name}: {lowered} dB");
    }
}

#[test]
fn clean_speech_is_left_alone() {
    let said = speech(8.0, -26.0);
    let cleaned = suppressed(&mix(&said, &white(9.0, -80.0)));
    let talk = frames(1.0)..;
    let sdr = si_sdr(&cleaned[talk.clone()], &said[talk.clone()]).0;
    let kept = level_kept(&cleaned[talk.clone()], &said[talk]).0;
    println!("clean: SI-SDR {sdr:.1} dB, level {kept:.2} dB");
    assert!(sdr > 25.0 && kept.abs() < 0.3, "{sdr} dB, {kept} dB");
}

#[test]
fn noise_that_begins_is_lowered_after_a_while() {
    let mut noise = white(10.0, -75.0);
    for (sample, louder) in noise.iter_mut().zip(white(10.0, -45.0)).skip(frames(2.0)) {
        *sample = louder;
    }
    let cleaned = suppressed(&noise);
    let lowered = -45.0 - rms(&cleaned[frames(6.0)..]).0;
    assert!((9.0..16.0).contains(&lowered), "{lowered} dB");
}

#[test]
fn a_microphone_that_was_switched_off_and_one_gone_mad_are_forgotten() {
    let said = speech(4.0, -26.0);
    let mut sound = mix(&said, &white(5.0, -60.0));
    sound.splice(0..0, vec![0.0; frames(1.0)]);
    sound.splice(0..0, [1e30, -1e30].repeat(200));
    sound.splice(0..0, vec![0.0; frames(1.0)]);
    let mut conditioner = Conditioner::new(true, true);
    let cleaned = condition(&mut conditioner, &sound, |_| false);
    assert!(cleaned.iter().all(|sample| sample.is_finite()));
    let from = sound.len() - frames(2.0);
    let change = rms(&cleaned[from..]).0 - rms(&sound[from..]).0 - conditioner.gain().unwrap().0;
    assert!(change.abs() < 2.0, "{change} dB");
}

fn controlled(sound: &[f32]) -> (Vec<f32>, f32) {
    let mut conditioner = Conditioner::new(false, true);
    let controlled = condition(&mut conditioner, sound, |_| false);
    (controlled, conditioner.gain().unwrap().0)
}

#[test]
fn talkers_come_to_one_level() {
    for level in [-40.0, -30.0, -23.0, -20.0] {
        for talker in [&NEAR, &FAR] {
            let mut said = talker.speak(12.0);
            set_level(&mut said, Decibels(level));
            let (controlled, gain) = controlled(&mix(&said, &white(12.0, -80.0)));
            let end = active(&controlled[frames(8.0)..]);
            println!("{level} dB: {end:.1} dB, gain {gain:.1} dB");
            assert!(
                (end + 23.0).abs() < 2.0,
                "{level} dB becomes {end} dB, gain {gain} dB"
            );
            assert!(peak(&controlled).0 <= -0.999);
        }
    }
}

#[test]
fn gain_has_bounds() {
    for (level, bound) in [(-55.0, 18.0), (-8.0, -6.0)] {
        let (_, gain) = controlled(&mix(&speech(15.0, level), &white(16.0, -90.0)));
        assert!((gain - bound).abs() < 0.01, "{level} dB: {gain} dB");
    }
    // In a loud room nobody is raised above what the noise bears.
    let (_, gain) = controlled(&mix(&speech(15.0, -38.0), &white(16.0, -56.0)));
    assert!((4.5..7.0).contains(&gain), "{gain} dB");
}

#[test]
fn noise_is_no_talker() {
    for noise in [
        white(20.0, -60.0),
        pink(20.0, -45.0),
        fan(20.0, -50.0),
        vec![0.0; frames(20.0)],
    ] {
        let (controlled, gain) = controlled(&noise);
        assert_eq!(gain, 0.0);
        assert!(controlled == noise, "it passes bit for bit");
    }
    // Neither is a fan that is switched on and off.
    let mut noise = white(24.0, -80.0);
    let loud = fan(24.0, -50.0);
    for (n, sample) in noise.iter_mut().enumerate() {
        if n / frames(4.0) % 2 == 1 {
            *sample += loud[n];
        }
    }
    let (_, gain) = controlled(&noise);
    assert!(gain < 4.0, "{gain} dB");
}

#[test]
fn the_gain_goes_quickly_down_and_slowly_up() {
    let mut sound = speech(12.0, -40.0);
    let loud = NEAR.speak(8.0);
    let mut louder = loud.clone();
    set_level(&mut louder, Decibels(-14.0));
    sound.extend(&louder);
    let mut quiet = loud;
    set_level(&mut quiet, Decibels(-40.0));
    sound.extend(quiet.repeat(3));
    let sound = mix(&sound, &white(45.0, -85.0));

    let mut conditioner = Conditioner::new(false, true);
    let mut gains = Vec::new();
    let mut out = Vec::new();
    for block in sound.chunks_exact(BLOCK) {
        let mut block: [f32; BLOCK] = std::array::from_fn(|n| block[n]);
        conditioner.process(&mut block, false);
        out.extend_from_slice(&block);
        gains.push(conditioner.gain().unwrap().0);
    }
    assert!(peak(&out).0 <= -0.999, "{:?}", peak(&out));
    let at = |seconds: f64| gains[(seconds * 100.0) as usize];
    assert!((13.0..18.1).contains(&at(12.9)), "{} dB", at(12.9));
    assert!(
        at(14.5) < 2.0,
        "{} dB a second and a half into the loud",
        at(14.5)
    );
    assert!(at(20.9) < -4.0, "{} dB at its end", at(20.9));
    assert!(at(44.0) > 12.0, "{} dB at the end", at(44.0));
    let quickest = |step: f32| gains.windows(2).all(|pair| pair[1] - pair[0] < step);
    assert!(quickest(0.0501), "more than 5 dB a second up");
}

#[test]
fn echo_alone_is_not_raised() {
    // The far end, left 30 dB down by a canceller: speech like any other, but nobody's in the room.
    let mut left = FAR.speak(10.0);
    set_level(&mut left, Decibels(-50.0));
    let sound = mix(&left, &white(10.0, -75.0));
    let mut conditioner = Conditioner::new(false, true);
    let heard = condition(&mut conditioner, &sound, |_| true);
    assert_eq!(conditioner.gain(), Some(Decibels(0.0)));
    assert!(heard == sound);

    // After a quiet talker whose gain is known: it is taken off for the echo and put on again for the talker.
    let mut near = NEAR.speak(10.0);
    set_level(&mut near, Decibels(-40.0));
    let mut heard = [near.clone(), left.clone(), near].concat();
    heard = mix(&heard, &white(30.0, -75.0));
    let mut conditioner = Conditioner::new(false, true);
    let mut gains = Vec::new();
    for (n, block) in heard.chunks_exact(BLOCK).enumerate() {
        let mut block: [f32; BLOCK] = std::array::from_fn(|k| block[k]);
        conditioner.process(&mut block, (1000..2000).contains(&n));
        gains.push(conditioner.gain().unwrap().0);
    }
    assert!(gains[999] > 13.0, "{} dB", gains[999]);
    assert!(gains[1030..2000].iter().all(|gain| *gain == 0.0));
    assert!(gains[2030] > 13.0, "{} dB", gains[2030]);
}
