//! The voice call, by the names of the original voice client and some of its own.

use super::text::{Kind, Text};
use amora_contract::config::EchoEngine;
use amora_contract::state::{EchoState, VoiceLink, VoiceState};

pub(super) fn render(text: &mut Text, voice: &VoiceState) {
    let counters = &voice.counters;
    for (name, help, value) in [
        (
            "mic_frames_captured",
            "Frames of 20 ms that the microphone heard.",
            counters.mic_frames_captured,
        ),
        (
            "mic_frames_sent",
            "Frames sent to the hub.",
            counters.mic_frames_sent,
        ),
        (
            "mic_frames_dropped",
            "Frames of the microphone dropped.",
            counters.mic_frames_dropped,
        ),
        (
            "tts_frames_received",
            "Frames of speech that the hub sent.",
            counters.tts_frames_received,
        ),
        (
            "tts_frames_played",
            "Frames of speech played.",
            counters.tts_frames_played,
        ),
        (
            "tts_frames_dropped",
            "Frames of speech dropped.",
            counters.tts_frames_dropped,
        ),
        (
            "aec_frames_processed",
            "Frames that went through the echo canceller.",
            counters.aec_frames_processed,
        ),
        ("connections", "Calls made.", counters.connections),
        (
            "connection_failures",
            "Attempts that failed.",
            counters.connection_failures,
        ),
    ] {
        text.family(name, Kind::Counter, help);
        text.sample(name, &[], value);
    }
    let connected = voice.link == VoiceLink::Connected;
    for (name, help, value) in [
        (
            "mic_queue_depth",
            "Frames of the microphone that wait for the hub.",
            voice.queues.microphone as f64,
        ),
        (
            "speaker_queue_depth",
            "Frames of speech that wait for the loudspeaker.",
            voice.queues.speech as f64,
        ),
        (
            "connected",
            "1 while the call stands.",
            f64::from(u8::from(connected)),
        ),
        (
            "audio_callback_duration_ms",
            "Time that the sound thread took for its last period.",
            voice.audio_callback_duration_ms,
        ),
        (
            "uptime_seconds",
            "Since the voice desk was started.",
            voice.uptime_seconds as f64,
        ),
        (
            "amora_voice_muted",
            "1 while the microphone is held back.",
            f64::from(u8::from(voice.mute)),
        ),
    ] {
        text.family(name, Kind::Gauge, help);
        text.sample(name, &[], value);
    }
    if let Some(state) = &voice.echo {
        echo(text, state);
    }
}

fn echo(text: &mut Text, echo: &EchoState) {
    text.family(
        "amora_voice_echo_engine",
        Kind::Gauge,
        "1 for the echo canceller at work.",
    );
    for (name, engine) in [
        ("speex", EchoEngine::Speex),
        ("aec3", EchoEngine::Aec3),
        ("kalman", EchoEngine::Kalman),
        ("off", EchoEngine::Off),
    ] {
        text.sample(
            "amora_voice_echo_engine",
            &[("engine", name)],
            u8::from(echo.engine == engine),
        );
    }
    let known = [
        (
            "amora_voice_echo_reduction_decibels",
            "Echo return loss enhancement.",
            echo.erle.map(|erle| f64::from(erle.0)),
        ),
        (
            "amora_voice_echo_delay_milliseconds",
            "By how much the echo comes later than the card reports.",
            echo.delay_ms,
        ),
        (
            "amora_voice_echo_drift_ppm",
            "The microphone's clock against the card's.",
            Some(echo.drift.0),
        ),
        (
            "amora_voice_double_talk_share",
            "Share of the time in which somebody speaks while the box does.",
            Some(echo.double_talk),
        ),
        (
            "amora_voice_gain_decibels",
            "What gain control adds to the microphone.",
            echo.gain.map(|gain| f64::from(gain.0)),
        ),
    ];
    for (name, help, value) in known {
        if let Some(value) = value {
            text.family(name, Kind::Gauge, help);
            text.sample(name, &[], value);
        }
    }
}
