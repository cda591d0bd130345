mod names;

use super::*;
use crate::config::VoiceProtocol;
use std::fs;
use std::path::PathBuf;

/// A folder with files to load from.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn sources(&self) -> Sources {
        Sources {
            system: ConfigFile::Usual(self.0.path().join("system.toml")),
            user: ConfigFile::Usual(self.0.path().join("user.toml")),
            ..Sources::default()
        }
    }
}

fn with_environment(mut sources: Sources, variables: &[(&str, &str)]) -> Sources {
    sources.environment = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    sources
}

fn problems(text: &str) -> Vec<String> {
    let files = Files::new();
    let path = files.write("amora.toml", text);
    let folder = format!("{}/", files.0.path().display());
    let Err(error) = load(&Sources::only(path)) else {
        return Vec::new();
    };
    error
        .problems
        .iter()
        .map(|problem| problem.to_string().replace(&folder, ""))
        .collect()
}

#[test]
fn without_anything_the_defaults_hold() {
    let loaded = load(&Files::new().sources()).unwrap();
    assert_eq!(loaded.config, Config::default());
    assert!(loaded.origin.is_empty());
}

#[test]
fn each_setting_comes_from_the_highest_layer_that_has_it() {
    let files = Files::new();
    let system = files.write(
        "system.toml",
        "[device]\nname = \"System\"\nid = \"box\"\n[audio]\nvolume = 10\nperiod = 480\n",
    );
    let user = files.write("user.toml", "[device]\nname = \"User\"\n\n[audio]\nvolume = 20\n");
    let sources = with_environment(
        files.sources(),
        &[("AMORA__AUDIO__VOLUME", "30"), ("AMORA__LOG__LEVEL", "debug")],
    );
    let loaded = load(&sources.flag("--set", "log.level=trace")).unwrap();
    assert_eq!(loaded.config.device.id, "box");
    assert_eq!(loaded.config.device.name, "User");
    assert_eq!(loaded.config.audio.volume.get(), 30);
    assert_eq!(loaded.config.audio.period.0, 480);
    assert_eq!(loaded.config.log.level, "trace");
    let origin = |path: &str| loaded.origin[path].to_string();
    assert_eq!(origin("device.id"), format!("{}:3", system.display()));
    assert_eq!(origin("device.name"), format!("{}:2", user.display()));
    assert_eq!(origin("audio.volume"), "AMORA__AUDIO__VOLUME");
    assert_eq!(origin("log.level"), "--set");
    assert_eq!(loaded.origin.len(), 5);
}

#[test]
fn the_recipe_stands_in_only_where_there_is_no_file() {
    let files = Files::new();
    let sources = files.sources().recipe("music-box", "[player]\nport = 6601\n");
    let loaded = load(&sources).unwrap();
    assert_eq!(loaded.config.player.unwrap().port, 6601);
    assert_eq!(loaded.origin["player.port"].to_string(), "recipe music-box:2");
    files.write("user.toml", "");
    assert_eq!(load(&sources).unwrap().config.player, None);
}

#[test]
fn a_named_file_must_exist_and_a_usual_one_need_not() {
    let files = Files::new();
    let missing = files.0.path().join("missing.toml");
    let error = load(&files.sources().user_file(Some(missing))).unwrap_err();
    assert_eq!(error.problems.len(), 1);
    assert!(
        error.to_string().contains("missing.toml: cannot be read"),
        "{error}"
    );
    let error = load(&Sources::only(files.0.path())).unwrap_err();
    assert!(error.to_string().contains("cannot be read"), "{error}");
}

#[test]
fn a_section_is_on_when_mentioned_unless_it_is_switched_off() {
    let files = Files::new();
    files.write("system.toml", "[mqtt]\nhost = \"broker\"\n[mqtt.tls]\n[web]\n");
    let loaded = load(&files.sources()).unwrap();
    assert!(loaded.config.mqtt.as_ref().unwrap().tls.is_some());
    assert!(loaded.config.web.is_some());
    assert!(loaded.config.player.is_none());

    files.write("user.toml", "[mqtt]\nenabled = false\nqos = 2\n");
    let loaded = load(&files.sources()).unwrap();
    assert_eq!(loaded.config.mqtt, None);
    assert!(!loaded.origin.keys().any(|path| path.starts_with("mqtt")));

    let again = with_environment(files.sources(), &[("AMORA__MQTT__ENABLED", "true")]);
    let mqtt = load(&again).unwrap().config.mqtt.unwrap();
    assert_eq!((mqtt.host.as_str(), mqtt.qos), ("broker", 2));

    let off = with_environment(
        files.sources(),
        &[("AMORA__MQTT__ENABLED", "yes"), ("AMORA_MQTT_USE_TLS", "false")],
    );
    assert_eq!(load(&off).unwrap().config.mqtt.unwrap().tls, None);
}

#[test]
fn an_empty_text_takes_an_optional_setting_away() {
    let files = Files::new();
    files.write(
        "system.toml",
        "[mqtt]\nusername = \"box\"\npassword = \"secret\"\nport = 1\n[web]\n",
    );
    let loaded = load(&files.sources()).unwrap();
    assert!(loaded.config.web.unwrap().socket.is_some());
    files.write(
        "user.toml",
        "[mqtt]\nusername = \"\"\npassword = \"\"\nport = \"\"\n[web]\nsocket = \"\"\n",
    );
    let config = load(&files.sources()).unwrap().config;
    let mqtt = config.mqtt.unwrap();
    assert_eq!((mqtt.username, mqtt.password, mqtt.port), (None, None, None));
    assert_eq!(config.web.unwrap().socket, None);
}

#[test]
fn every_mistake_is_reported_at_once_with_its_place() {
    let found = problems(concat!(
        "colour = \"red\"\n",
        "[audio]\n",
        "volum = 3\n",
        "volume = 300\n",
        "period = \"long\"\n",
        "card = \"alsaa\"\n",
        "host = \"x\"\n",
        "[audio.ducking]\n",
        "gain = 2026-01-01\n",
        "[mqtt]\n",
        "qos = 3\n",
        "topic_prefix = \"a/#\"\n",
        "allow = [\"player.*\", 3]\n",
        "tls = true\n",
        "[mqqt.tls]\n",
        "cert_file = 3\n",
        "[player.host]\n",
    ));
    let expected = [
        "amora.toml:1:1: `colour`: there is no such setting",
        "amora.toml:3:1: `audio.volum`: there is no such setting; did you mean `audio.volume`?",
        "amora.toml:4:10: `audio.volume`: must be a whole number from 0 to 100, not 300",
        "amora.toml:5:10: `audio.period`: must be a whole number from 16 to 8192, not \"long\"",
        "amora.toml:6:8: `audio.card`: must be \"auto\", \"alsa\", \"room\" or \"null\", not \"alsaa\"",
        "amora.toml:7:1: `audio.host`: there is no such setting here; did you mean `mqtt.host`?",
        "amora.toml:9:8: `audio.ducking.gain`: must be a number from -60 to 0, not a date",
        "amora.toml:11:7: `mqtt.qos`: must be a whole number from 0 to 2, not 3",
        "amora.toml:13:9: `mqtt.allow`: must be a list of texts, not a list of anything else",
        "amora.toml:14:1: `mqtt.tls`: is a section: write `[mqtt.tls]` on a line of its own, its settings below",
        "amora.toml:15:2: `mqqt`: there is no such setting; did you mean `mqtt`?",
        "amora.toml:17:1: `player.host`: must be text on one line, not a section",
        "amora.toml:12:16: `mqtt.topic_prefix`: must be one to four levels",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for expected in expected {
        assert!(
            found.iter().any(|found| found.starts_with(expected)),
            "{expected}\n{found:#?}"
        );
    }
}

#[test]
fn broken_toml_is_reported_by_line() {
    let found = problems("[audio]\nvolume = \nname = \"x\n");
    assert!(found[0].starts_with("amora.toml:2:"), "{found:#?}");
    assert!(found[0].contains("is not TOML"), "{found:#?}");
    assert!(problems("[audio]\nvolume = 1\nvolume = 2\n")[0].starts_with("amora.toml:3:1"));
    assert!(
        problems("a = 1\n\"audio.volume\" = 2\n")
            .iter()
            .any(|found| found.contains("`\"audio.volume\"`"))
    );
    assert!(problems(&"#".repeat(document::LIMIT + 1))[0].contains("is larger than"));
    let deep = format!("a = {}", "[".repeat(100_000));
    assert!(!problems(&deep).is_empty());
}

#[test]
fn a_secret_may_stand_in_a_file_of_its_own() {
    use std::os::unix::fs::PermissionsExt;
    let files = Files::new();
    let secret = files.write("password", "hush hush\n");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    files.write("system.toml", "[mqtt]\nusername = \"u\"\npassword = \"low\"\n");
    files.write("user.toml", &format!("[mqtt]\npassword_file = {secret:?}\n"));
    let loaded = load(&files.sources()).unwrap();
    assert_eq!(
        loaded.config.mqtt.as_ref().unwrap().password.as_deref(),
        Some("hush hush")
    );
    assert!(loaded.warnings.is_empty());
    let shown = loaded.redacted();
    assert_eq!(shown.config["mqtt"]["password"], "***");
    assert!(!serde_json::to_string(&shown).unwrap().contains("hush"));
    assert!(shown.origin["mqtt.password"].ends_with("user.toml:2"));

    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(load(&files.sources()).unwrap().warnings[0].contains("chmod 0600"));

    let over = with_environment(files.sources(), &[("AMORA_MQTT_PASSWORD", "high")]);
    assert_eq!(
        load(&over).unwrap().config.mqtt.unwrap().password.as_deref(),
        Some("high")
    );

    files.write("password", "two\nlines\n");
    let error = load(&files.sources()).unwrap_err();
    assert!(error.to_string().contains("`mqtt.password_file`"), "{error}");
    files.write(
        "user.toml",
        &format!("[mqtt]\npassword_file = {secret:?}\npassword = \"x\"\n"),
    );
    assert!(
        load(&files.sources())
            .unwrap_err()
            .to_string()
            .contains("keep one of them")
    );
}

#[test]
fn a_section_switched_off_needs_no_secret() {
    let files = Files::new();
    files.write(
        "user.toml",
        "[mqtt]\nenabled = false\nusername = \"u\"\npassword_file = \"/nowhere/at/all\"\n",
    );
    assert_eq!(load(&files.sources()).unwrap().config.mqtt, None);
}

#[test]
fn what_differs_is_given_by_dotted_path() {
    let before = Config::default();
    let mut after = before.clone();
    assert!(before.differences(&after).is_empty());
    after.audio.ducking.hold.0 += 1;
    after.mqtt = Some(crate::config::MqttConfig::default());
    assert_eq!(before.differences(&after), ["audio.ducking.hold", "mqtt"]);
    assert_eq!(after.differences(&before), ["audio.ducking.hold", "mqtt"]);
}

#[test]
fn everything_that_sounds_like_a_secret_is_kept_one() {
    let suspicious = |path: &str| {
        let words = ["password", "secret", "token", "connection"];
        words.iter().any(|word| path.contains(word)) || path.ends_with("key")
    };
    for setting in settings()
        .values()
        .filter(|setting| !setting.path.ends_with(FILE_SUFFIX))
    {
        assert_eq!(setting.secret, suspicious(&setting.path), "{}", setting.path);
    }
    assert_eq!(
        secrets::secrets().collect::<Vec<_>>(),
        [
            "iot_hub.connection_string",
            "iot_hub.provisioning.group_key",
            "iot_hub.provisioning.key",
            "mqtt.password",
            "player.password",
            "voice.token"
        ]
    );
}

#[test]
fn the_recipes_are_configurations() {
    let music_box = include_str!("../../../../../recipes/music-box/amora.toml");
    let config = load(&Sources::default().recipe("music-box", music_box))
        .unwrap()
        .config;
    assert!(config.player.is_some() && config.web.is_some());
    assert_eq!((config.mqtt, config.voice), (None, None));
    let mentioned = everything(music_box).replace("password_file", "#");
    let config = load(&Sources::default().recipe("music-box", &mentioned))
        .unwrap()
        .config;
    assert!(config.mqtt.is_some());

    let voice_desk = include_str!("../../../../../recipes/voice-desk/amora.toml");
    let config = load(&Sources::default().recipe("voice-desk", voice_desk))
        .unwrap()
        .config;
    assert!(config.player.is_some() && config.web.is_some());
    assert_eq!(config.voice.unwrap().protocol, VoiceProtocol::Hub);
    let config = load(&Sources::default().recipe("voice-desk", &everything(voice_desk)))
        .unwrap()
        .config;
    assert_eq!(config.voice.unwrap().protocol, VoiceProtocol::Whip);
}

/// A recipe with all that its comments mention.
fn everything(text: &str) -> String {
    text.lines()
        .map(|line| format!("{}\n", uncommented(line)))
        .collect()
}

/// The line as it is once its comment sign is taken away, where it is a setting or a section.
fn uncommented(line: &str) -> &str {
    let inner = line.trim_start_matches("# ");
    let key = inner.split(" = ").next().unwrap_or_default();
    match inner.starts_with('[') || (inner.contains(" = ") && !key.contains(' ')) {
        true => inner,
        false => line,
    }
}

proptest::proptest! {
    /// The same property as the fuzz target `config`: a text is a configuration, or its mistakes are said.
    #[test]
    fn no_text_makes_reading_panic(text in "([a-z_]{0,6}|audio|mqtt|player|volume|host|[\\[\\]=\".\n ]|[0-9]{1,3}|\\PC){0,40}") {
        if let Err(error) = load(&Sources::default().recipe("any", &text)) {
            proptest::prop_assert!(!error.problems.is_empty());
        }
    }
}
