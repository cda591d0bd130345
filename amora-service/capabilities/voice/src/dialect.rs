//! The words of the original voice client: its health page and its line in the log.

use crate::figures::Snapshot;
use amora_contract::state::VoiceCounters;
use serde_json::{Value, json};

/// The body of `GET /health`.
pub fn health(figures: &Snapshot) -> Value {
    let counters = &figures.counters;
    json!({
        "connected": figures.connected,
        "uptime_seconds": figures.uptime.as_secs(),
        "mic_frames_sent": counters.mic_frames_sent,
        "mic_frames_dropped": counters.mic_frames_dropped,
        "tts_frames_received": counters.tts_frames_received,
        "tts_frames_played": counters.tts_frames_played,
        "mic_queue_depth": figures.queues.microphone,
        "speaker_queue_depth": figures.queues.speech,
        "audio_callback_duration_ms": callback(figures),
        "connections": counters.connections,
        "connection_failures": counters.connection_failures,
    })
}

/// Milliseconds, with two decimals.
fn callback(figures: &Snapshot) -> f64 {
    (figures.audio_callback.as_secs_f64() * 100_000.0).round() / 100.0
}

/// The line of every ten seconds: counters since the line before, everything else as it is.
#[derive(Debug, Default)]
pub struct LogLine {
    before: VoiceCounters,
}

impl LogLine {
    /// The line now.
    pub fn next(&mut self, figures: &Snapshot) -> String {
        let (now, before) = (&figures.counters, &self.before);
        let line = format!(
            "metrics | mic_sent={} mic_dropped={} tts_received={} tts_played={} mic_q={} spk_q={} cb_ms={:.2} connected={}",
            now.mic_frames_sent - before.mic_frames_sent,
            now.mic_frames_dropped - before.mic_frames_dropped,
            now.tts_frames_received - before.tts_frames_received,
            now.tts_frames_played - before.tts_frames_played,
            figures.queues.microphone,
            figures.queues.speech,
            callback(figures),
            figures.connected,
        );
        self.before = now.clone();
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::{Count, Figures};
    use std::time::Duration;

    fn busy() -> Figures {
        let figures = Figures::new();
        figures.set_connected(true);
        figures.count(Count::MicSent, 500);
        figures.count(Count::MicDropped, 2);
        figures.count(Count::TtsReceived, 51);
        figures.count(Count::TtsPlayed, 50);
        figures.count(Count::Connection, 3);
        figures.count(Count::ConnectionFailure, 4);
        figures.set_microphone_queue(1);
        figures.set_speech_queue(7);
        figures.set_audio_callback(Duration::from_micros(1234));
        figures
    }

    #[test]
    fn the_health_body_has_the_eleven_keys() {
        let mut figures = busy().snapshot();
        figures.uptime = Duration::from_millis(61_900);
        assert_eq!(
            health(&figures),
            json!({
                "connected": true,
                "uptime_seconds": 61,
                "mic_frames_sent": 500,
                "mic_frames_dropped": 2,
                "tts_frames_received": 51,
                "tts_frames_played": 50,
                "mic_queue_depth": 1,
                "speaker_queue_depth": 7,
                "audio_callback_duration_ms": 1.23,
                "connections": 3,
                "connection_failures": 4,
            })
        );
    }

    #[test]
    fn the_line_counts_from_the_line_before() {
        let figures = busy();
        let mut line = LogLine::default();
        assert_eq!(
            line.next(&figures.snapshot()),
            "metrics | mic_sent=500 mic_dropped=2 tts_received=51 tts_played=50 mic_q=1 spk_q=7 cb_ms=1.23 connected=true"
        );
        figures.count(Count::MicSent, 10);
        figures.set_connected(false);
        assert_eq!(
            line.next(&figures.snapshot()),
            "metrics | mic_sent=10 mic_dropped=0 tts_received=0 tts_played=0 mic_q=1 spk_q=7 cb_ms=1.23 connected=false"
        );
    }
}
