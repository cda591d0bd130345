use super::*;
use crate::config::{HomeAssistantConfig, PlayerConfig, ProvisioningConfig, TlsConfig};
use std::path::PathBuf;

fn everything() -> Config {
    Config {
        player: Some(PlayerConfig::default()),
        mqtt: Some(MqttConfig {
            tls: Some(TlsConfig::default()),
            home_assistant: Some(HomeAssistantConfig::default()),
            ..MqttConfig::default()
        }),
        web: Some(WebConfig::default()),
        ..Config::default()
    }
}

/// The setting that `change` makes wrong; all that is wrong, joined, when it is more than one.
fn wrong_after(change: impl Fn(&mut Config, &mut MqttConfig, &mut WebConfig, &mut PlayerConfig)) -> String {
    let mut config = everything();
    let (mut mqtt, mut web, mut player) = (
        config.mqtt.take().unwrap(),
        config.web.take().unwrap(),
        config.player.take().unwrap(),
    );
    change(&mut config, &mut mqtt, &mut web, &mut player);
    config.mqtt = Some(mqtt);
    config.web = Some(web);
    config.player = Some(player);
    rules(&config)
        .into_iter()
        .map(|broken| broken.about[0].clone())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn the_defaults_keep_every_rule() {
    assert_eq!(rules(&everything()), []);
}

#[test]
fn each_rule_names_the_setting_to_change() {
    type Change = fn(&mut Config, &mut MqttConfig, &mut WebConfig, &mut PlayerConfig);
    let cases: [(&str, Change); 25] = [
        ("device.id", |config, _, _, _| {
            config.device.id = "kitchen box".to_owned()
        }),
        ("device.id", |config, _, _, _| config.device.id = "x".repeat(129)),
        ("device.name", |config, _, _, _| {
            config.device.name = " ".to_owned()
        }),
        ("device.data", |config, _, _, _| {
            config.device.data = PathBuf::from("data")
        }),
        ("audio.device", |config, _, _, _| config.audio.device.clear()),
        ("audio.periods", |config, _, _, _| {
            config.audio.period.0 = 8192;
            config.audio.periods = 32;
        }),
        ("audio.music.fifo", |config, _, _, _| {
            config.audio.music.fifo = Some(PathBuf::from("fifo"))
        }),
        ("audio.recorder", |config, _, _, _| {
            config.audio.music.fifo = Some(PathBuf::from("/a"));
            config.audio.recorder = Some(PathBuf::from("/a"));
        }),
        ("player.host", |_, _, _, player| {
            player.host = "mpd://x".to_owned()
        }),
        ("player.music", |_, _, _, player| {
            player.music = PathBuf::from("music")
        }),
        ("player.exclusive_output", |_, _, _, player| {
            player.exclusive_output = "Amora".to_owned()
        }),
        ("mqtt.host", |_, mqtt, _, _| {
            mqtt.host = "mqtt://broker".to_owned()
        }),
        ("mqtt.topic_prefix", |_, mqtt, _, _| {
            mqtt.topic_prefix = "$SYS".to_owned()
        }),
        ("mqtt.topic_prefix", |_, mqtt, _, _| {
            mqtt.topic_prefix = "a/b/c/d/e".to_owned()
        }),
        ("mqtt.topic_prefix", |_, mqtt, _, _| {
            mqtt.topic_prefix = "a//b".to_owned()
        }),
        ("mqtt.topic_prefix", |_, mqtt, _, _| {
            mqtt.topic_prefix = "+/b".to_owned()
        }),
        ("mqtt.home_assistant.discovery_prefix", |_, mqtt, _, _| {
            mqtt.home_assistant.as_mut().unwrap().discovery_prefix.clear();
        }),
        ("mqtt.username", |_, mqtt, _, _| {
            mqtt.password = Some("x".to_owned())
        }),
        ("mqtt.tls.key_file", |_, mqtt, _, _| {
            mqtt.tls.as_mut().unwrap().cert_file = Some(PathBuf::from("/c"))
        }),
        ("mqtt.tls.cert_file", |_, mqtt, _, _| {
            mqtt.tls.as_mut().unwrap().key_file = Some(PathBuf::from("/k"))
        }),
        ("mqtt.allow", |_, mqtt, _, _| {
            mqtt.allow.push("player.pley".to_owned())
        }),
        ("web.address", |_, _, web, _| web.address = "localhost".to_owned()),
        ("web.legacy_port", |_, _, web, _| web.legacy_port = Some(web.port)),
        ("web.allowed_origins", |_, _, web, _| {
            web.allowed_origins.push("https://a.example/path".to_owned())
        }),
        ("web.allow", |_, _, web, _| web.allow.push("radio.*".to_owned())),
    ];
    for (expected, change) in cases {
        assert_eq!(wrong_after(change), expected);
    }
}

#[test]
fn good_settings_of_unusual_shape_are_taken() {
    let unusual = wrong_after(|config, mqtt, web, player| {
        config.device.id = "a:b.c-d_1".to_owned();
        player.host = "/run/mpd/socket".to_owned();
        mqtt.host = "fe80::1".to_owned();
        mqtt.username = Some("u".to_owned());
        mqtt.password = Some("p".to_owned());
        web.address = "::".to_owned();
        web.port = 0;
        web.legacy_port = Some(0);
        web.allowed_origins = vec!["http://[::1]:3000".to_owned(), "https://a.example".to_owned()];
    });
    assert_eq!(unusual, "");
}

#[test]
fn a_hub_needs_exactly_one_identity() {
    type Change = fn(&mut IotHubConfig);
    let wrong = |change: Change| {
        let mut hub = IotHubConfig {
            provisioning: Some(ProvisioningConfig {
                id_scope: "0ne00A1B2C3".to_owned(),
                key: Some("c2VjcmV0".to_owned()),
                ..ProvisioningConfig::default()
            }),
            ..IotHubConfig::default()
        };
        change(&mut hub);
        let config = Config {
            iot_hub: Some(hub),
            ..everything()
        };
        let broken = rules(&config).into_iter().map(|broken| broken.about[0].clone());
        broken.collect::<Vec<_>>().join(" ")
    };
    fn provisioning(hub: &mut IotHubConfig) -> &mut ProvisioningConfig {
        hub.provisioning.as_mut().unwrap()
    }
    let cases: [(&str, Change); 11] = [
        ("", |_| {}),
        ("", |hub| {
            provisioning(hub).registration_id = Some("a-1.b:c".to_owned())
        }),
        ("iot_hub.connection_string", |hub| hub.provisioning = None),
        ("iot_hub.connection_string", |hub| {
            hub.connection_string = Some("x".to_owned())
        }),
        ("iot_hub.provisioning.key", |hub| provisioning(hub).key = None),
        ("iot_hub.provisioning.group_key", |hub| {
            provisioning(hub).group_key = Some("x".to_owned())
        }),
        ("iot_hub.provisioning.id_scope", |hub| {
            provisioning(hub).id_scope.clear()
        }),
        ("iot_hub.provisioning.host", |hub| {
            provisioning(hub).host = "https://x".to_owned()
        }),
        ("iot_hub.provisioning.registration_id", |hub| {
            provisioning(hub).registration_id = Some("a.".to_owned())
        }),
        ("iot_hub.model_id", |hub| hub.model_id = "dtmi:a:1b;0".to_owned()),
        ("iot_hub.allow", |hub| hub.allow = vec!["player.plau".to_owned()]),
    ];
    for (setting, change) in cases {
        assert_eq!(wrong(change), setting);
    }
}

#[test]
fn a_call_needs_an_address_that_can_be_called() {
    type Change = fn(&mut Config, &mut VoiceConfig);
    let wrong = |change: Change| {
        let (mut config, mut voice) = (everything(), VoiceConfig::default());
        change(&mut config, &mut voice);
        config.voice = Some(voice);
        let broken = rules(&config).into_iter().map(|broken| broken.about[0].clone());
        broken.collect::<Vec<_>>().join(" ")
    };
    let cases: [(&str, Change); 13] = [
        ("", |_, _| {}),
        ("", |_, voice| {
            voice.hub_url = "https://[fe80::1]:8080/voice".to_owned();
            voice.health_address = Some("[::]:8081".to_owned());
        }),
        ("voice.hub_url", |_, voice| voice.hub_url.clear()),
        ("voice.hub_url", |_, voice| {
            voice.hub_url = "hub.local:8080".to_owned()
        }),
        ("voice.hub_url", |_, voice| {
            voice.hub_url = "http://hub:80800/".to_owned()
        }),
        ("voice.hub_url", |_, voice| {
            voice.hub_url = "http://hub/a b".to_owned()
        }),
        ("voice.whip_url", |_, voice| voice.protocol = VoiceProtocol::Whip),
        ("", |_, voice| {
            voice.protocol = VoiceProtocol::Whip;
            voice.hub_url.clear();
            voice.whep_url = Some("https://media.example/whep?stream=kitchen".to_owned());
        }),
        ("voice.whep_url", |_, voice| {
            voice.whep_url = Some("rtsp://m".to_owned())
        }),
        ("voice.device_id", |_, voice| {
            voice.device_id = Some("a\nb".to_owned())
        }),
        ("voice.max_reconnect_delay", |_, voice| {
            voice.max_reconnect_delay.0 = 1.0
        }),
        ("voice.health_address", |_, voice| {
            voice.health_address = Some("8081".to_owned())
        }),
        ("audio.rate", |config, _| config.audio.rate.0 = 44_100.0),
    ];
    for (setting, change) in cases {
        assert_eq!(wrong(change), setting);
    }
}
