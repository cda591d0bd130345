//! The state and the door's own counters in Prometheus' text format.

mod counters;
mod text;
mod voice;

pub(crate) use counters::{Counters, SocketKind};

use amora_contract::State;
use amora_contract::state::{AudioState, CardOwner, Condition, PlaybackState, PlayerState, SystemState};
use text::{Kind, Text};

/// Upper ends of the sound thread's histogram in seconds; the last count of the state is for what is above.
const CALLBACK_SECONDS: [&str; 9] = [
    "0.00001", "0.00002", "0.00005", "0.0001", "0.0002", "0.0005", "0.001", "0.002", "0.005",
];

/// Everything that can be measured here.
pub(crate) fn render(state: &State, counters: &Counters) -> String {
    let mut text = Text::default();
    system(&mut text, &state.system);
    if let Some(state) = &state.audio {
        audio(&mut text, state);
    }
    if let Some(state) = &state.voice {
        voice::render(&mut text, state);
    }
    if let Some(state) = &state.player {
        player(&mut text, state);
    }
    counters.render(&mut text);
    text.finish()
}

fn system(text: &mut Text, system: &SystemState) {
    text.family("amora_info", Kind::Gauge, "Which box and which software this is.");
    let about = [
        ("id", &*system.id),
        ("name", &*system.name),
        ("version", &*system.version),
    ];
    text.sample("amora_info", &about, 1);
    text.family(
        "amora_start_time_seconds",
        Kind::Gauge,
        "When the service started, in seconds since 1970.",
    );
    text.sample("amora_start_time_seconds", &[], system.started_at.seconds());
    text.family(
        "amora_health",
        Kind::Gauge,
        "1 for the condition that a part is in.",
    );
    for (part, health) in &system.health {
        for (name, condition) in [
            ("ok", Condition::Ok),
            ("starting", Condition::Starting),
            ("degraded", Condition::Degraded),
            ("failed", Condition::Failed),
        ] {
            let labels = [("part", &**part), ("condition", name)];
            text.sample("amora_health", &labels, u8::from(health.condition == condition));
        }
    }
}

fn audio(text: &mut Text, audio: &AudioState) {
    let counters = &audio.counters;
    for (name, help, value) in [
        (
            "amora_audio_periods_total",
            "Periods handed to the card.",
            counters.periods,
        ),
        (
            "amora_audio_xruns_total",
            "Times the card ran out of sound.",
            counters.xruns,
        ),
        (
            "amora_audio_reopens_total",
            "Times the card had to be opened again.",
            counters.reopens,
        ),
        (
            "amora_audio_underruns_total",
            "Times a source had nothing to give.",
            counters.underruns,
        ),
        (
            "amora_audio_dropped_frames_total",
            "Frames dropped because nobody took them.",
            counters.dropped.0,
        ),
        (
            "amora_audio_limited_periods_total",
            "Periods in which the limiter worked.",
            counters.limited,
        ),
        (
            "amora_audio_ducked_total",
            "Times music was ducked.",
            counters.ducked,
        ),
    ] {
        text.family(name, Kind::Counter, help);
        text.sample(name, &[], value);
    }
    let flag = |on| f64::from(u8::from(on));
    for (name, help, value) in [
        (
            "amora_audio_running",
            "1 while sound flows to the card.",
            flag(audio.card.running),
        ),
        (
            "amora_audio_real_time",
            "1 when the sound thread has real-time priority.",
            flag(audio.card.real_time),
        ),
        (
            "amora_audio_volume",
            "Volume of the box, 0 to 100.",
            f64::from(audio.volume.get()),
        ),
        ("amora_audio_muted", "1 while muted.", flag(audio.mute)),
        (
            "amora_audio_rate_hertz",
            "Frames per second of the card.",
            audio.card.rate.0,
        ),
        (
            "amora_audio_ducking_decibels",
            "Gain of music for ducking.",
            f64::from(audio.mixer.ducking.0),
        ),
        (
            "amora_audio_limiting_decibels",
            "Gain of the limiter.",
            f64::from(audio.mixer.limiting.0),
        ),
        (
            "amora_audio_music_flowing",
            "1 while music arrives from the player.",
            flag(audio.music.flowing),
        ),
        (
            "amora_audio_music_fill_frames",
            "Frames of music waiting.",
            audio.music.fill.0 as f64,
        ),
        (
            "amora_audio_music_target_frames",
            "Frames of music that should wait.",
            audio.music.target.0 as f64,
        ),
        (
            "amora_audio_music_drift_ppm",
            "Music's clock against the card's.",
            audio.music.drift.0,
        ),
    ] {
        text.family(name, Kind::Gauge, help);
        text.sample(name, &[], value);
    }
    text.family("amora_audio_owner", Kind::Gauge, "1 for whoever has the card.");
    for (name, owner) in [
        ("engine", CardOwner::Engine),
        ("player", CardOwner::Player),
        ("returning", CardOwner::Returning),
    ] {
        text.sample(
            "amora_audio_owner",
            &[("owner", name)],
            u8::from(audio.owner == owner),
        );
    }
    callback(text, &counters.callback_microseconds);
}

/// The thread counts periods by duration but does not add durations up, so the histogram has no sum.
fn callback(text: &mut Text, counts: &[u64; 10]) {
    const NAME: &str = "amora_audio_callback_seconds";
    text.family(
        NAME,
        Kind::Histogram,
        "Time that the sound thread took for a period.",
    );
    let mut total = 0;
    let ends = CALLBACK_SECONDS.into_iter().chain(["+Inf"]);
    for (end, count) in ends.zip(counts) {
        total += count;
        text.sample("amora_audio_callback_seconds_bucket", &[("le", end)], total);
    }
    text.sample("amora_audio_callback_seconds_count", &[], total);
}

fn player(text: &mut Text, player: &PlayerState) {
    text.family(
        "amora_player_state",
        Kind::Gauge,
        "1 for what the player is doing.",
    );
    for (name, state) in [
        ("play", PlaybackState::Play),
        ("pause", PlaybackState::Pause),
        ("stop", PlaybackState::Stop),
        ("disconnected", PlaybackState::Disconnected),
        ("error", PlaybackState::Error),
    ] {
        text.sample(
            "amora_player_state",
            &[("state", name)],
            u8::from(player.state == state),
        );
    }
    for (name, help, value) in [
        (
            "amora_player_queue_length",
            "Entries of the queue.",
            player.queue_length,
        ),
        (
            "amora_player_bitrate_kilobits",
            "Momentary bit rate, in kbit/s.",
            player.bitrate,
        ),
        (
            "amora_player_library_songs",
            "Songs in the library.",
            player.library.songs,
        ),
        (
            "amora_player_library_artists",
            "Artists in the library.",
            player.library.artists,
        ),
        (
            "amora_player_library_albums",
            "Albums in the library.",
            player.library.albums,
        ),
        (
            "amora_player_library_updating",
            "1 while the library is scanned.",
            player.library.updating.into(),
        ),
    ] {
        text.family(name, Kind::Gauge, help);
        text.sample(name, &[], value);
    }
}

#[cfg(test)]
mod tests;
