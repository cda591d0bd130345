//! Speech for tests and measurements, spoken by espeak-ng.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "whoever includes this takes what it needs"
)]

use amora_audio::echo::scenes::{RATE, frames, resample, set_level};
use amora_contract::units::Decibels;
use std::process::Command;

/// espeak-ng's name for one who speaks, and what they say: the Harvard sentences (IEEE 297, 1969), lists 1 and 2.
pub struct Talker {
    voice: &'static str,
    text: &'static str,
}

/// Who speaks from afar, through the loudspeaker.
pub const FAR: Talker = Talker {
    voice: "en-us",
    text: "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. It's easy to tell the \
           depth of a well. These days a chicken leg is a rare dish. Rice is often served in round bowls. The juice of \
           lemons makes fine punch. The box was thrown beside the parked truck. The hogs were fed chopped corn and \
           garbage. Four hours of steady work faced us. A large size in stockings is hard to sell.",
};

/// Who speaks beside the microphone.
pub const NEAR: Talker = Talker {
    voice: "en-gb+f3",
    text: "The boy was there when the sun rose. A rod is used to catch pink salmon. The source of the huge river is the \
           clear spring. Kick the ball straight and follow through. Help the woman get back to her feet. A pot of tea \
           helps to pass the evening. Smoky fires lack flame and heat. The soft cushion broke the man's fall. The salt \
           breeze came across from the sea. The girl at the booth sold fifty bonds.",
};

impl Talker {
    /// `seconds` of speech at −20 dBFS (root mean square), again from its beginning where there is not enough of it.
    ///
    /// # Panics
    ///
    /// When espeak-ng is not installed or does not answer with sound.
    pub fn speak(&self, seconds: f64) -> Vec<f32> {
        let output = Command::new("espeak-ng")
            .args(["-v", self.voice, "-s", "165", "--stdout", self.text])
            .output()
            .expect("espeak-ng runs");
        let sound = output.stdout;
        assert!(output.status.success() && sound.len() > 44, "espeak-ng has sound");
        // Its header has 44 bytes: the rate at 24, then 16-bit mono.
        let rate = f64::from(u32::from_le_bytes([sound[24], sound[25], sound[26], sound[27]]));
        let samples: Vec<f32> = sound[44..]
            .chunks_exact(2)
            .map(|sample| f32::from(i16::from_le_bytes([sample[0], sample[1]])) / 32_768.0)
            .collect();
        let length = (samples.len() as f64 * RATE.0 / rate) as usize;
        let once = resample(&samples, rate / RATE.0, length);
        let mut speech: Vec<f32> = once.iter().copied().cycle().take(frames(seconds)).collect();
        set_level(&mut speech, Decibels(-20.0));
        speech
    }
}
