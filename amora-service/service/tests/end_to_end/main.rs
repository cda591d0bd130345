//! The real daemon with a real MPD and a real MQTT broker, on a simulated card whose output is recorded.
//!
//! Waiting is generous, so that a busy machine passes; what is waited for is checked exactly.

mod abuse;
mod cloud;
mod configuration;
mod configure;
mod control;
mod manners;
mod outages;
mod sound;
mod support;
mod talk;
mod voice;
