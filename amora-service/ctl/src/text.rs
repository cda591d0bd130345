//! Small pieces of text: tables, lengths of time, the now-playing line.

use amora_contract::State;
use amora_contract::state::{Condition, PlaybackState, Song};
use amora_contract::units::{Seconds, Timestamp};

/// Rows as a table whose columns are as wide as they must be.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells
            .chain([header[column].chars().count()])
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.chars().count()))))
            .collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text = line(&mut header.iter().copied());
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

/// A length of time as people read it: `3:07`, `1:02:45`.
pub(crate) fn clock(time: Seconds) -> String {
    let seconds = time.0.max(0.0) as u64;
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

/// How long ago something was, of its two largest units: `3 days 1 hour`.
pub(crate) fn span(now: Timestamp, since: Timestamp) -> String {
    let minutes = now.0.saturating_sub(since.0) / 60_000;
    let parts = [
        (minutes / 1440, "day"),
        (minutes / 60 % 24, "hour"),
        (minutes % 60, "minute"),
    ];
    let told: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .take(2)
        .map(|(count, unit)| format!("{count} {unit}{}", if *count == 1 { "" } else { "s" }))
        .collect();
    match told.is_empty() {
        true => "less than a minute".to_owned(),
        false => told.join(" "),
    }
}

/// A time as people read it, by this machine's clock and in its zone: `2026-11-22 04:59`.
pub(crate) fn local_time(at: Timestamp) -> String {
    let seconds = libc::time_t::try_from(at.0 / 1000).unwrap_or_default();
    // SAFETY: a structure of numbers and a pointer may be all zero.
    let mut local: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live values, and the function keeps neither.
    unsafe { libc::localtime_r(&raw const seconds, &raw mut local) };
    let (year, month) = (i64::from(local.tm_year) + 1900, local.tm_mon + 1);
    let (day, hour, minute) = (local.tm_mday, local.tm_hour, local.tm_min);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")
}

/// Text from a file's tags may hold anything; on a terminal it must not move the cursor.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// `Artist – Title`, or the title alone.
pub(crate) fn song(song: &Song) -> String {
    match song.artist.as_str() {
        "" | "Unknown" => plain(&song.title),
        artist => plain(&format!("{artist} – {}", song.title)),
    }
}

/// One line that says what the box plays.
pub(crate) fn now_playing(state: &State, now: Timestamp) -> String {
    let Some(player) = &state.player else {
        return "no player".to_owned();
    };
    let sign = match player.state {
        PlaybackState::Play => "▶",
        PlaybackState::Pause => "⏸",
        PlaybackState::Stop => "⏹",
        PlaybackState::Disconnected | PlaybackState::Error => "⚠",
    };
    let what = match (&player.song, &player.error) {
        (_, Some(error)) => plain(error),
        (Some(playing), _) => {
            let length = match playing.duration.0 > 0.0 {
                true => format!(" / {}", clock(playing.duration)),
                false => String::new(),
            };
            format!("{}  {}{length}", song(playing), clock(player.position_now(now)))
        }
        (None, None) => "nothing".to_owned(),
    };
    let volume = state
        .audio
        .as_ref()
        .map_or(String::new(), |audio| match audio.mute {
            true => "  muted".to_owned(),
            false => format!("  volume {}", audio.volume.get()),
        });
    format!("{sign} {what}{volume}")
}

/// A condition as a word.
pub(crate) fn condition(condition: Condition) -> &'static str {
    match condition {
        Condition::Ok => "ok",
        Condition::Starting => "starting",
        Condition::Degraded => "degraded",
        Condition::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amora_contract::state::PlayerState;

    #[test]
    fn a_time_is_told_to_the_minute() {
        let text = local_time(Timestamp(1_800_000_000_000));
        // 08:00 UTC on 2027-01-15: in every zone the day before, that day or the next.
        assert!(
            ["2027-01-14 ", "2027-01-15 ", "2027-01-16 "]
                .iter()
                .any(|day| text.starts_with(day)),
            "{text}"
        );
        let next = local_time(Timestamp(1_800_000_060_000));
        assert_ne!(text, next);
    }

    #[test]
    fn tables_line_up_and_times_read_like_clocks() {
        let rows = [
            vec!["1".to_owned(), "Ärger".to_owned()],
            vec!["22".to_owned(), "x".to_owned()],
        ];
        assert_eq!(table(&["#", "Title"], &rows), "#   Title\n1   Ärger\n22  x\n");
        assert_eq!(clock(Seconds(187.9)), "3:07");
        assert_eq!(clock(Seconds(3765.0)), "1:02:45");
        assert_eq!(clock(Seconds(-1.0)), "0:00");
        let told = |minutes: u64| span(Timestamp(minutes * 60_000 + 59_999), Timestamp(0));
        assert_eq!(told(0), "less than a minute");
        assert_eq!(told(61), "1 hour 1 minute");
        assert_eq!(told(2 * 1440 + 5), "2 days 5 minutes");
        assert_eq!(span(Timestamp(0), Timestamp(1)), "less than a minute");
    }

    #[test]
    fn the_line_follows_the_clock_while_playing_and_stands_still_otherwise() {
        let mut player = PlayerState {
            state: PlaybackState::Play,
            position: Seconds(10.0),
            position_at: Timestamp(1_000),
            song: Some(Song {
                title: "Blue\u{1b}[2J".to_owned(),
                artist: "Nina".to_owned(),
                duration: Seconds(60.0),
                ..Song::default()
            }),
            ..PlayerState::default()
        };
        let line = |player: &PlayerState| {
            let state = State {
                player: Some(player.clone()),
                ..State::default()
            };
            now_playing(&state, Timestamp(6_000))
        };
        assert_eq!(line(&player), "▶ Nina – Blue [2J  0:15 / 1:00");
        player.state = PlaybackState::Pause;
        assert!(line(&player).contains("0:10 / 1:00"));
        player.state = PlaybackState::Disconnected;
        player.error = Some("MPD is away".to_owned());
        assert_eq!(line(&player), "⚠ MPD is away");
    }
}
