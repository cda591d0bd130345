//! Cards, clocks, mixer and music intake: one real-time thread owns the sound card.
//!
//! 48 kHz, 32-bit float, interleaved stereo inside. No Tokio, no network.

pub mod analysis;
pub mod card;
pub mod chime;
pub mod clock;
pub mod counters;
pub mod echo;
pub mod engine;
pub mod hearing;
mod mixer;
pub mod music;
pub mod opus;
pub mod pcm;
pub mod playout;
pub mod real_time;
pub mod recorder;
pub mod tone;
pub mod worker;

// What tests share with the integration tests names this crate as they do.
#[cfg(test)]
extern crate self as amora_audio;
