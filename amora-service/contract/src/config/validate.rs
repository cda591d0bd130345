//! What the types of the settings cannot say: formats, and settings that must fit each other.

use super::error::Problem;
use super::layers::Origin;
use super::{
    Config, IotHubConfig, MqttConfig, TlsConfig, UpdateConfig, VoiceConfig, VoiceProtocol, WebConfig,
};
use crate::commands::catalogue_names;
use std::net::{IpAddr, SocketAddr};

/// A broken rule.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// The settings that it is about; the first one is to be changed.
    pub(super) about: Vec<String>,
    /// What would be right.
    pub(super) message: String,
}

impl Broken {
    pub(super) fn into_problem(mut self, origin: impl Fn(&str) -> Origin) -> Problem {
        let setting = self.about.swap_remove(0);
        Problem::of(origin(&setting), setting, self.message)
    }
}

#[derive(Default)]
struct Rules(Vec<Broken>);

impl Rules {
    fn require(&mut self, holds: bool, about: &[&str], message: impl Into<String>) {
        if !holds {
            let about = about.iter().map(|path| (*path).to_owned()).collect();
            self.0.push(Broken {
                about,
                message: message.into(),
            });
        }
    }
}

/// Every rule that `config` breaks.
pub(super) fn rules(config: &Config) -> Vec<Broken> {
    let mut rules = Rules::default();
    device(config, &mut rules);
    audio(config, &mut rules);
    if let Some(player) = &config.player {
        rules.require(
            host(&player.host) || player.host.starts_with('/'),
            &["player.host"],
            "must be a host name, an address or the path of a socket",
        );
        rules.require(
            player.music.is_absolute(),
            &["player.music"],
            "must be a whole path, starting with `/`",
        );
        rules.require(
            player.mixer_output != player.exclusive_output,
            &["player.exclusive_output", "player.mixer_output"],
            "must be another output than `player.mixer_output`",
        );
    }
    if let Some(voice) = &config.voice {
        self::voice(voice, config, &mut rules);
    }
    if let Some(mqtt) = &config.mqtt {
        self::mqtt(mqtt, &mut rules);
    }
    if let Some(hub) = &config.iot_hub {
        iot_hub(hub, &config.device.id, &mut rules);
    }
    if let Some(web) = &config.web {
        self::web(web, &mut rules);
    }
    if let Some(update) = &config.update {
        self::update(update, &mut rules);
    }
    if let Some(button) = config
        .setup
        .as_ref()
        .and_then(|setup| setup.reset_button.as_ref())
    {
        rules.require(
            button.chip.is_absolute(),
            &["setup.reset_button.chip"],
            "must be a whole path, for example `/dev/gpiochip0`",
        );
    }
    rules.require(
        !config.log.level.trim().is_empty(),
        &["log.level"],
        "must be `error`, `warn`, `info`, `debug` or `trace`, or directives",
    );
    rules.0
}

fn device(config: &Config, rules: &mut Rules) {
    let device = &config.device;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    rules.require(
        (1..=128).contains(&device.id.len()) && device.id.chars().all(allowed),
        &["device.id"],
        "must be 1 to 128 letters, digits, `-`, `_`, `.` or `:`",
    );
    rules.require(
        !device.name.trim().is_empty(),
        &["device.name"],
        "must not be empty",
    );
    rules.require(
        device.data.is_absolute(),
        &["device.data"],
        "must be a whole path, starting with `/`",
    );
}

fn audio(config: &Config, rules: &mut Rules) {
    let audio = &config.audio;
    rules.require(
        !audio.device.is_empty(),
        &["audio.device"],
        "must be `auto` or an ALSA device",
    );
    rules.require(
        !audio.capture_device.is_empty(),
        &["audio.capture_device"],
        "must be `auto`, `none` or an ALSA device",
    );
    let buffer = audio.period.0.saturating_mul(u64::from(audio.periods));
    rules.require(
        buffer as f64 <= audio.rate.0 * 2.0,
        &["audio.periods", "audio.period", "audio.rate"],
        format!(
            "{} periods of {} frames are more than two seconds of sound: take fewer",
            audio.periods, audio.period.0
        ),
    );
    let fifo = audio.music.fifo.as_ref();
    rules.require(
        fifo.is_none_or(|fifo| fifo.is_absolute()),
        &["audio.music.fifo"],
        "must be a whole path, starting with `/`",
    );
    rules.require(
        audio.recorder.is_none() || audio.recorder.as_ref() != fifo,
        &["audio.recorder", "audio.music.fifo"],
        "must be another file than `audio.music.fifo`",
    );
}

fn voice(voice: &VoiceConfig, config: &Config, rules: &mut Rules) {
    let address = "must be an address such as `http://hub.local:8080`";
    let of_hub = voice.protocol == VoiceProtocol::Hub;
    rules.require(!of_hub || is_url(&voice.hub_url), &["voice.hub_url"], address);
    let given = [
        ("voice.whip_url", &voice.whip_url),
        ("voice.whep_url", &voice.whep_url),
    ];
    for (setting, url) in given {
        rules.require(url.as_deref().is_none_or(is_url), &[setting], address);
    }
    rules.require(
        of_hub || given.iter().any(|(_, url)| url.is_some()),
        &["voice.whip_url", "voice.whep_url", "voice.protocol"],
        "is needed for the protocol `whip`, or else `voice.whep_url`",
    );
    rules.require(
        voice
            .device_id
            .as_ref()
            .is_none_or(|id| (1..=128).contains(&id.len()) && !id.contains(char::is_control)),
        &["voice.device_id"],
        "must be 1 to 128 characters",
    );
    rules.require(
        voice.max_reconnect_delay.0 >= voice.reconnect_delay.0,
        &["voice.max_reconnect_delay", "voice.reconnect_delay"],
        "must be no shorter than `voice.reconnect_delay`",
    );
    rules.require(
        voice
            .health_address
            .as_ref()
            .is_none_or(|address| address.parse::<SocketAddr>().is_ok()),
        &["voice.health_address"],
        "must be an address and a port such as `0.0.0.0:8081`",
    );
    rules.require(
        config.audio.rate.0 == 48_000.0,
        &["audio.rate", "voice.protocol"],
        "must be 48000 where there is a section `[voice]`",
    );
}

/// Whether a text is the address of something to ask over HTTP.
fn is_url(text: &str) -> bool {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        is_origin(&text[..text.len() - rest.len() + end])
    }) && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn mqtt(mqtt: &MqttConfig, rules: &mut Rules) {
    rules.require(
        host(&mqtt.host),
        &["mqtt.host"],
        "must be a host name or an address, without `mqtt://` and without a port",
    );
    // AWS IoT Core takes topics of eight levels; the box adds up to four of its own.
    let topic = |topic: &str| {
        topic.split('/').count() <= 4
            && topic.split('/').all(|level| !level.is_empty())
            && !topic.contains(['+', '#'])
            && !topic.starts_with('$')
            && topic.len() <= 128
    };
    let topic_rule = "must be one to four levels such as `amora/devices`, none of them empty, at most 128 bytes, without `+` and `#` and without `$` in front";
    rules.require(topic(&mqtt.topic_prefix), &["mqtt.topic_prefix"], topic_rule);
    if let Some(home_assistant) = &mqtt.home_assistant {
        rules.require(
            topic(&home_assistant.discovery_prefix),
            &["mqtt.home_assistant.discovery_prefix"],
            topic_rule,
        );
    }
    rules.require(
        mqtt.password.is_none() || mqtt.username.is_some(),
        &["mqtt.username", "mqtt.password"],
        "is needed where there is a password",
    );
    if let Some(client_id) = &mqtt.client_id {
        rules.require(
            client_id.len() <= 256,
            &["mqtt.client_id"],
            "must be at most 256 bytes",
        );
    }
    if let Some(tls) = &mqtt.tls {
        certificate(tls, ["mqtt.tls.cert_file", "mqtt.tls.key_file"], rules);
    }
    allow("mqtt.allow", &mqtt.allow, rules);
}

/// A client certificate needs its key, and the other way round.
fn certificate(tls: &TlsConfig, [cert_file, key_file]: [&str; 2], rules: &mut Rules) {
    rules.require(
        tls.cert_file.is_none() || tls.key_file.is_some(),
        &[key_file, cert_file],
        "is needed where there is a `cert_file`",
    );
    rules.require(
        tls.key_file.is_none() || tls.cert_file.is_some(),
        &[cert_file, key_file],
        "is needed where there is a `key_file`",
    );
}

fn iot_hub(hub: &IotHubConfig, device_id: &str, rules: &mut Rules) {
    rules.require(
        hub.connection_string.is_some() != hub.provisioning.is_some(),
        &["iot_hub.connection_string", "iot_hub.provisioning"],
        "is needed, or else a section `[iot_hub.provisioning]`; not both",
    );
    certificate(&hub.tls, ["iot_hub.tls.cert_file", "iot_hub.tls.key_file"], rules);
    rules.require(
        is_model_id(&hub.model_id),
        &["iot_hub.model_id"],
        "must be a DTMI such as `dtmi:com:example:box;1`",
    );
    if let Some(provisioning) = &hub.provisioning {
        rules.require(
            host(&provisioning.host),
            &["iot_hub.provisioning.host"],
            "must be a host name, without a scheme and without a port",
        );
        let scope = &provisioning.id_scope;
        rules.require(
            (1..=64).contains(&scope.len()) && scope.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            &["iot_hub.provisioning.id_scope"],
            "is needed: letters and digits, as the provisioning service shows it",
        );
        rules.require(
            provisioning.key.is_none() || provisioning.group_key.is_none(),
            &["iot_hub.provisioning.group_key", "iot_hub.provisioning.key"],
            "stands beside a `key`: keep one of them",
        );
        rules.require(
            provisioning.key.is_some() || provisioning.group_key.is_some() || hub.tls.cert_file.is_some(),
            &["iot_hub.provisioning.key", "iot_hub.tls.cert_file"],
            "is needed, or else a `group_key`, or a certificate in `[iot_hub.tls]`",
        );
        let registration = provisioning.registration_id.as_deref().unwrap_or(device_id);
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        rules.require(
            (1..=128).contains(&registration.len())
                && registration.chars().all(allowed)
                && registration.ends_with(|last: char| last.is_ascii_alphanumeric() || last == '-'),
            &["iot_hub.provisioning.registration_id"],
            "must be 1 to 128 letters, digits, `-`, `.`, `_` or `:`, the last a letter, a digit or `-`",
        );
    }
    allow("iot_hub.allow", &hub.allow, rules);
}

/// Whether this is a digital twin model identifier: `dtmi:`, segments between colons, `;` and a version.
fn is_model_id(text: &str) -> bool {
    let segment = |segment: &str| {
        segment.starts_with(|first: char| first.is_ascii_alphabetic())
            && !segment.ends_with('_')
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let Some((path, version)) = text.strip_prefix("dtmi:").and_then(|rest| rest.split_once(';')) else {
        return false;
    };
    text.len() <= 128
        && path.split(':').all(segment)
        && !version.starts_with('0')
        && version.parse::<u32>().is_ok()
}

fn web(web: &WebConfig, rules: &mut Rules) {
    rules.require(
        web.address.parse::<IpAddr>().is_ok(),
        &["web.address"],
        "must be an address of this box, for example `0.0.0.0` (every one), `127.0.0.1` or `::`",
    );
    rules.require(
        web.legacy_port.is_none_or(|port| port != web.port || port == 0),
        &["web.legacy_port", "web.port"],
        "must be another port than `web.port`",
    );
    for origin in &web.allowed_origins {
        rules.require(
            is_origin(origin),
            &["web.allowed_origins"],
            format!("`{origin}` must be scheme, host and port, for example `https://music.example:8443`"),
        );
    }
    allow("web.allow", &web.allow, rules);
}

fn update(update: &UpdateConfig, rules: &mut Rules) {
    rules.require(
        update.hours().is_some_and(|hours| hours.from != hours.to),
        &["update.window"],
        "must be two times of the day such as `03:00-05:00`",
    );
    let is_date = |date: &str| {
        let parts: Vec<&str> = date.split('-').collect();
        let digits =
            |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
        matches!(parts[..], [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2))
    };
    rules.require(
        update.oldest_boot_loader.as_deref().is_none_or(is_date),
        &["update.oldest_boot_loader"],
        "must be a date such as `2025-02-11`",
    );
    for (setting, path) in [
        ("update.swupdate", &update.swupdate),
        ("update.helper", &update.helper),
    ] {
        rules.require(
            path.is_absolute(),
            &[setting],
            "must be a whole path, starting with `/`",
        );
    }
}

/// Whether this could be a host name or an address.
fn host(text: &str) -> bool {
    let name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    text.parse::<IpAddr>().is_ok() || (1..=253).contains(&text.len()) && text.chars().all(name)
}

fn is_origin(text: &str) -> bool {
    let Some(rest) = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"))
    else {
        return false;
    };
    match rest.rsplit_once(':') {
        Some((name, port)) if !rest.ends_with(']') => {
            (host(name) || name.starts_with('[')) && port.parse::<u16>().is_ok()
        }
        _ => host(rest) || rest.starts_with('['),
    }
}

/// Whether each entry of an allow-list names something.
fn allow(setting: &str, entries: &[String], rules: &mut Rules) {
    let names = catalogue_names();
    for entry in entries {
        let known = match entry.strip_suffix(".*") {
            Some(section) => names.iter().any(|name| name.split('.').next() == Some(section)),
            None => names.contains(&entry.as_str()),
        };
        let near = super::error::nearest(entry, names.iter().copied());
        let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        rules.require(
            known,
            &[setting],
            format!("there is no command `{}`{hint}", super::settings::excerpt(entry)),
        );
    }
}

#[cfg(test)]
mod tests;
