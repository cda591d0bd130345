//! The replies to commands, for people.

use crate::failure::Failure;
use crate::text::{clock, plain, song, table};
use amora_contract::reply::*;
use amora_contract::state::{AudioState, PlayerState, Song, State, SystemState};
use amora_contract::units::Timestamp;
use base64::Engine;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io::{IsTerminal, Write};

/// What to show of the reply to a command; empty when there is nothing to say.
pub(crate) fn reply(name: &str, data: Value) -> Result<String, Failure> {
    Ok(match name {
        "player.get_status" => player(&read(data)?),
        "player.get_queue" => queue(&read(data)?),
        "player.get_playlists" => {
            let rows: Vec<Vec<String>> = read::<PlaylistsReply>(data)?
                .playlists
                .into_iter()
                .map(|playlist| vec![plain(&playlist.name), playlist.modified.unwrap_or_default()])
                .collect();
            table(&["Playlist", "Changed"], &rows)
        }
        "player.get_playlist" => songs(&read::<PlaylistReply>(data)?.items),
        "player.browse" => browse(&read(data)?),
        "player.search" | "player.find" | "player.get_favourites" => {
            let reply: SongsReply = read(data)?;
            let more = if reply.more {
                "… and more: use --start\n"
            } else {
                ""
            };
            format!("{}{more}", songs(&reply.songs))
        }
        "player.list" => lines(&read::<ValuesReply>(data)?.values),
        "player.get_outputs" => outputs(&read::<OutputsReply>(data)?.outputs),
        "player.get_cover" => cover(&read(data)?)?,
        "player.queue_add" | "player.queue_find" => {
            format!("{} added\n", read::<QueueAddReply>(data)?.ids.len())
        }
        "player.get_volume" | "player.set_volume" | "audio.set_volume" | "audio.change_volume" => {
            let reply: VolumeReply = read(data)?;
            format!(
                "volume {}{}\n",
                reply.volume.get(),
                if reply.mute { ", muted" } else { "" }
            )
        }
        "audio.get_status" => audio(&read(data)?),
        "audio.test" => sound_test(&read(data)?),
        "system.get_state" => {
            let state: State = read(data)?;
            crate::status::describe(&state, Timestamp::now())
        }
        "system.get_status" => crate::status::health(&read::<SystemState>(data)?),
        "system.get_config" => crate::config::settings_text(&read(data)?, false),
        "system.reload" => reload(&read(data)?),
        "system.configure" => configured(read(data)?),
        name if name.starts_with("update.") => crate::update::describe(&read(data)?),
        _ if data.as_object().is_none_or(serde_json::Map::is_empty) => String::new(),
        _ => format!("{}\n", serde_json::to_string_pretty(&data).unwrap_or_default()),
    })
}

/// The reply in its own type. A newer or older service may answer something else.
pub(crate) fn read<T: DeserializeOwned>(data: Value) -> Result<T, Failure> {
    serde_json::from_value(data).map_err(|error| {
        Failure::Failed(format!(
            "the service answers what this version does not understand ({error}): use --json"
        ))
    })
}

fn lines(values: &[String]) -> String {
    values.iter().map(|value| format!("{}\n", plain(value))).collect()
}

fn songs(list: &[Song]) -> String {
    let rows: Vec<Vec<String>> = list
        .iter()
        .map(|entry| {
            vec![
                song(entry),
                plain(&entry.album),
                clock(entry.duration),
                plain(&entry.file),
            ]
        })
        .collect();
    table(&["Song", "Album", "Length", "File"], &rows)
}

fn queue(reply: &QueueReply) -> String {
    let rows: Vec<Vec<String>> = reply
        .songs
        .iter()
        .enumerate()
        .map(|(index, entry)| {
            let position = entry.position.unwrap_or(reply.start + index as u32).to_string();
            let id = entry.id.map_or(String::new(), |id| id.to_string());
            vec![
                position,
                id,
                song(entry),
                plain(&entry.album),
                clock(entry.duration),
            ]
        })
        .collect();
    let shown = reply.songs.len() as u32;
    let rest = match reply.total > shown {
        true => format!("{shown} of {}\n", reply.total),
        false => String::new(),
    };
    format!(
        "{}{rest}",
        table(&["Position", "Id", "Song", "Album", "Length"], &rows)
    )
}

fn browse(reply: &BrowseReply) -> String {
    let folders = reply.folders.iter().map(|path| format!("{}/\n", plain(path)));
    let playlists = reply.playlists.iter().map(|path| format!("{}\n", plain(path)));
    let files = reply
        .songs
        .iter()
        .map(|entry| format!("{}\n", plain(&entry.file)));
    folders.chain(playlists).chain(files).collect()
}

fn outputs(list: &[Output]) -> String {
    let rows: Vec<Vec<String>> = list
        .iter()
        .map(|output| {
            let switch = if output.enabled { "on" } else { "off" };
            vec![
                output.id.to_string(),
                switch.to_owned(),
                plain(&output.name),
                plain(&output.plugin),
            ]
        })
        .collect();
    table(&["Id", "", "Output", "Kind"], &rows)
}

/// On a terminal a picture is described; into a file or a pipe it is written.
fn cover(reply: &CoverReply) -> Result<String, Failure> {
    let picture = base64::engine::general_purpose::STANDARD
        .decode(&reply.data)
        .map_err(|error| Failure::Failed(format!("the picture cannot be read: {error}")))?;
    let mut out = std::io::stdout();
    if out.is_terminal() {
        return Ok(format!(
            "{}, {} bytes; `> FILE` writes it\n",
            plain(&reply.media_type),
            picture.len()
        ));
    }
    out.write_all(&picture)?;
    Ok(String::new())
}

fn player(player: &PlayerState) -> String {
    let state = State {
        player: Some(player.clone()),
        ..State::default()
    };
    let on = |name: &'static str, on: bool| on.then_some(name);
    let modes: Vec<&str> = [
        on("repeat", player.repeat),
        on("random", player.random),
        on("single", player.single),
        on("consume", player.consume),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut text = format!("{}\n", crate::text::now_playing(&state, Timestamp::now()));
    let queue = match player.queue_position {
        Some(position) => format!("{} of {}", position + 1, player.queue_length),
        None => player.queue_length.to_string(),
    };
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            text.push_str(&format!("  {name:<9} {value}\n"));
        }
    };
    row("queue", queue);
    row(
        "playlist",
        player.playlist.as_deref().map_or(String::new(), plain),
    );
    row("modes", modes.join(", "));
    row("format", plain(&player.format));
    let library = player.library;
    let scan = if library.updating { ", being scanned" } else { "" };
    row(
        "library",
        format!(
            "{} songs, {} albums, {} artists{scan}",
            library.songs, library.albums, library.artists
        ),
    );
    text
}

fn audio(audio: &AudioState) -> String {
    let card = &audio.card;
    let running = match (&card.error, card.running) {
        (Some(error), _) => plain(error),
        (None, true) => "running".to_owned(),
        (None, false) => "not running".to_owned(),
    };
    let counters = &audio.counters;
    let rows = [
        (
            "volume",
            format!(
                "{}{}",
                audio.volume.get(),
                if audio.mute { ", muted" } else { "" }
            ),
        ),
        (
            "card",
            format!(
                "{} {} {}: {running}",
                card.kind,
                plain(&card.device),
                plain(&card.profile)
            ),
        ),
        (
            "format",
            format!(
                "{} {}, {} of {}",
                card.rate, card.format, card.period, card.buffer
            ),
        ),
        ("real time", if card.real_time { "yes" } else { "no" }.to_owned()),
        ("sounding", audio.mixer.active.join(", ")),
        (
            "music",
            format!("{} waiting, clock {:.1}", audio.music.fill, audio.music.drift),
        ),
        (
            "counted",
            format!(
                "{} periods, {} xruns, {} reopened, {} underruns, {} limited",
                counters.periods, counters.xruns, counters.reopens, counters.underruns, counters.limited
            ),
        ),
    ];
    rows.iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name:<10} {value}\n"))
        .collect()
}

/// The verdict of the sound test, channel by channel.
pub(crate) fn sound_test(report: &SoundTestReport) -> String {
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    let rows: Vec<Vec<String>> = report
        .channels
        .iter()
        .map(|channel| {
            vec![
                plain(&channel.channel),
                if channel.pass { "pass" } else { "FAIL" }.to_owned(),
                format!("{:.1}", channel.sent),
                or_dash(channel.heard.map(|level| format!("{level:.1}"))),
                or_dash(channel.noise.map(|level| format!("{level:.1}"))),
                or_dash(channel.frequency.map(|frequency| format!("{frequency:.1}"))),
                or_dash(channel.delay.map(|delay| delay.to_string())),
                or_dash(channel.drift.map(|drift| format!("{drift:.1}"))),
            ]
        })
        .collect();
    let header = [
        "Channel",
        "Verdict",
        "Sent",
        "Heard",
        "Noise",
        "Frequency",
        "Delay",
        "Drift",
    ];
    let listened = match report.listened {
        true => "",
        false => "There is no microphone: only the card's own counters were judged.\n",
    };
    let advice = match report.advice.as_str() {
        "" => String::new(),
        advice => format!("{}\n", plain(advice)),
    };
    let verdict = if report.pass { "pass" } else { "FAIL" };
    format!(
        "{}{listened}{} xruns\n{advice}{verdict}\n",
        table(&header, &rows),
        report.xruns
    )
}

fn configured(reply: ConfigureReply) -> String {
    let overridden = reply
        .overridden
        .iter()
        .map(|(path, origin)| format!("{path}: kept, but {origin} wins over it\n"));
    let overridden: String = overridden.collect();
    let changes = reload(&ReloadReply {
        applied: reply.applied,
        needs_restart: reply.needs_restart,
    });
    changes + &overridden
}

fn reload(reply: &ReloadReply) -> String {
    if reply.applied.is_empty() && reply.needs_restart.is_empty() {
        return "nothing changed\n".to_owned();
    }
    let applied = reply.applied.iter().map(|path| format!("{path}: in force\n"));
    let waiting = reply
        .needs_restart
        .iter()
        .map(|path| format!("{path}: waits for a restart\n"));
    applied.chain(waiting).collect()
}
