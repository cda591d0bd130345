//! Home Assistant: the device's description for MQTT discovery, and the plain payloads that its entities send.
//! Pure.

use crate::topics::Topics;
use amora_contract::commands::{
    AudioCommand, PlayChime, PlayerCommand, PlaylistName, SetBoxVolume, SetMute, SetRandom, SetRepeat,
};
use amora_contract::state::SystemState;
use amora_contract::units::Volume;
use amora_contract::{Command, CommandError};
use serde_json::{Map, Value, json};

/// Home Assistant shows no longer state.
const LONGEST_STATE: usize = 255;

/// Playlists offered for choosing.
const PLAYLISTS: usize = 200;

/// Where a device is described.
pub(crate) fn discovery_topic(prefix: &str, device: &str) -> String {
    format!("{prefix}/device/{}/config", object_id(device))
}

/// Where Home Assistant says that it has started.
pub(crate) fn birth_topic(prefix: &str) -> String {
    format!("{prefix}/status")
}

/// Home Assistant's ids hold fewer characters than ours.
fn object_id(device: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    let id: String = device
        .chars()
        .map(|letter| if plain(letter) { letter } else { '_' })
        .collect();
    format!("amora_{id}")
}

/// The description of the whole device: one message, one entry per entity.
pub(crate) fn discovery(system: &SystemState, topics: &Topics, playlists: &[String]) -> Value {
    let id = object_id(&system.id);
    let mut components = Map::new();
    let mut add = |key: &str, platform: &str, name: &str, more: Value| {
        let mut component = Map::new();
        component.insert("platform".to_owned(), platform.into());
        component.insert("name".to_owned(), name.into());
        component.insert("unique_id".to_owned(), format!("{id}_{key}").into());
        if let Value::Object(more) = more {
            component.extend(more);
        }
        components.insert(key.to_owned(), component.into());
    };
    let state = &topics.state;
    let sensor = |template: &str| json!({"state_topic": state, "value_template": template});
    let with = |mut base: Value, more: Value| {
        if let (Some(base), Value::Object(more)) = (base.as_object_mut(), more) {
            base.extend(more);
        }
        base
    };

    add(
        "state",
        "sensor",
        "State",
        with(
            sensor("{{ value_json.state }}"),
            json!({"icon": "mdi:play-pause", "device_class": "enum",
                   "options": ["play", "pause", "stop", "disconnected", "error"]}),
        ),
    );
    for (key, name, icon) in [
        ("title", "Song", "mdi:music"),
        ("artist", "Artist", "mdi:account-music"),
        ("album", "Album", "mdi:album"),
    ] {
        let template = format!(
            "{{{{ value_json.current_song.{key}[:{LONGEST_STATE}] if value_json.current_song else '' }}}}"
        );
        add(
            key,
            "sensor",
            name,
            with(sensor(&template), json!({"icon": icon})),
        );
    }
    add(
        "health",
        "sensor",
        "Health",
        with(
            sensor("{{ value_json.health }}"),
            json!({"icon": "mdi:heart-pulse", "device_class": "enum", "entity_category": "diagnostic",
                   "options": ["ok", "starting", "degraded", "failed"], "json_attributes_topic": state,
                   "json_attributes_template": "{{ {'cause': value_json.health_cause} | tojson }}"}),
        ),
    );
    for (key, name, icon) in [
        ("repeat", "Repeat", "mdi:repeat"),
        ("random", "Random", "mdi:shuffle"),
        ("mute", "Mute", "mdi:volume-off"),
    ] {
        let template = format!("{{{{ 'ON' if value_json.{key} else 'OFF' }}}}");
        add(
            key,
            "switch",
            name,
            with(
                sensor(&template),
                json!({"icon": icon, "command_topic": topics.home_assistant(key)}),
            ),
        );
    }
    add(
        "volume",
        "number",
        "Volume",
        with(
            sensor("{{ value_json.volume }}"),
            json!({"icon": "mdi:volume-high", "min": 0, "max": 100, "step": 1, "mode": "slider",
                   "command_topic": topics.home_assistant("volume")}),
        ),
    );
    for (key, name, icon) in [
        ("play", "Play", "mdi:play"),
        ("pause", "Pause", "mdi:pause"),
        ("stop", "Stop", "mdi:stop"),
        ("next", "Next", "mdi:skip-next"),
        ("previous", "Previous", "mdi:skip-previous"),
        ("chime", "Chime", "mdi:bell-ring"),
    ] {
        add(
            key,
            "button",
            name,
            json!({"icon": icon, "command_topic": topics.home_assistant(key)}),
        );
    }
    // A select without options is not valid; an entry with nothing but its platform takes the entity away.
    if playlists.is_empty() {
        components.insert("playlist".to_owned(), json!({"platform": "select"}));
    } else {
        let options: Vec<&String> = playlists.iter().take(PLAYLISTS).collect();
        add(
            "playlist",
            "select",
            "Playlist",
            with(
                sensor("{{ value_json.playlist if value_json.playlist else 'None' }}"),
                json!({"icon": "mdi:playlist-music", "options": options,
                       "command_topic": topics.home_assistant("playlist")}),
            ),
        );
    }
    let mut add_update = Map::new();
    add_update.insert("platform".to_owned(), "update".into());
    add_update.insert("name".to_owned(), "Software".into());
    add_update.insert("unique_id".to_owned(), format!("{id}_software").into());
    add_update.insert("entity_category".to_owned(), "diagnostic".into());
    add_update.insert("state_topic".to_owned(), state.as_str().into());
    add_update.insert(
        "value_template".to_owned(),
        "{{ (value_json.software or {'installed_version': value_json.version}) | tojson }}".into(),
    );
    components.insert("software".to_owned(), add_update.into());

    json!({
        "device": {
            "identifiers": [id], "name": system.name, "manufacturer": "AmoraOS", "model": "Amora",
            "sw_version": system.version, "serial_number": system.id,
        },
        "origin": {"name": "AmoraOS", "sw_version": system.version},
        "availability_topic": topics.connection,
        "availability_template": "{{ value_json.status }}",
        "payload_available": "online",
        "payload_not_available": "offline",
        "qos": 1,
        "components": components,
    })
}

/// What an entity of Home Assistant wants.
///
/// # Errors
/// When there is no such entity or it does not take that payload.
pub(crate) fn command(entity: &str, payload: &[u8]) -> Result<Command, CommandError> {
    let text = std::str::from_utf8(payload)
        .map_err(|_| CommandError::invalid(entity, "must be text"))?
        .trim();
    let switch = || match text {
        "ON" => Ok(true),
        "OFF" => Ok(false),
        _ => Err(CommandError::invalid(entity, "must be `ON` or `OFF`")),
    };
    Ok(match entity {
        "play" => PlayerCommand::Play(Default::default()).into(),
        "pause" => PlayerCommand::Pause.into(),
        "stop" => PlayerCommand::Stop.into(),
        "next" => PlayerCommand::Next.into(),
        "previous" => PlayerCommand::Previous.into(),
        "chime" => AudioCommand::Chime(PlayChime::default()).into(),
        "repeat" => PlayerCommand::SetRepeat(SetRepeat { repeat: switch()? }).into(),
        "random" => PlayerCommand::SetRandom(SetRandom { random: switch()? }).into(),
        "mute" => AudioCommand::SetMute(SetMute { mute: switch()? }).into(),
        "volume" => {
            let volume: f64 = text
                .parse()
                .ok()
                .filter(|volume: &f64| volume.is_finite())
                .ok_or_else(|| CommandError::invalid("volume", "must be a number from 0 to 100"))?;
            AudioCommand::SetVolume(SetBoxVolume {
                volume: Volume::clamped(volume),
            })
            .into()
        }
        "playlist" => PlayerCommand::PlayPlaylist(PlaylistName {
            playlist: text.to_owned(),
        })
        .into(),
        _ => return Err(CommandError::unknown(entity)),
    })
}

#[cfg(test)]
mod tests;
