//! The command line.

use amora_contract::config::layers::Sources;
use clap::Parser;
use std::path::PathBuf;

/// What a box is when nobody has configured it: the music box.
const EMBEDDED: (&str, &str) = ("music-box", include_str!("../../../recipes/music-box/amora.toml"));

/// The Amora service: one box, its sound, and every door to it.
#[derive(Debug, Parser)]
#[command(name = "amora-service", version)]
pub(crate) struct Arguments {
    /// Configuration file that comes with the image.
    #[arg(long, value_name = "FILE")]
    system_config: Option<PathBuf>,

    /// Configuration file of this one box; it wins over the image's.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// One setting, by its dotted path, for example `audio.card="room"`; it wins over every file.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,

    #[command(flatten)]
    voice_client: VoiceClient,
}

/// The flags of the original voice client; each wins over the variable of its name.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The original voice client's options")]
struct VoiceClient {
    /// The hub: `voice.hub_url`.
    #[arg(long, value_name = "URL")]
    hub_url: Option<String>,

    /// What this box is called at the hub: `voice.device_id`.
    #[arg(long, value_name = "ID")]
    device_id: Option<String>,

    /// The card to listen at, by number or name: `audio.capture_device`.
    #[arg(long, value_name = "CARD")]
    input_device: Option<String>,

    /// The card to play to, by number or name: `audio.device`.
    #[arg(long, value_name = "CARD")]
    output_device: Option<String>,

    /// May only be 48000.
    #[arg(long, value_name = "HERTZ")]
    sample_rate: Option<String>,

    /// May only be 20.
    #[arg(long, value_name = "MILLISECONDS")]
    frame_duration_ms: Option<String>,

    /// May only be 1.
    #[arg(long, value_name = "COUNT")]
    channels: Option<String>,

    /// Wait before the call is made again: `voice.reconnect_delay`.
    #[arg(long, value_name = "SECONDS")]
    reconnect_delay: Option<String>,

    /// The longest such wait: `voice.max_reconnect_delay`.
    #[arg(long, value_name = "SECONDS")]
    max_reconnect_delay: Option<String>,

    /// DEBUG, INFO, WARNING, ERROR or CRITICAL: `log.level`.
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

impl VoiceClient {
    fn add_to(self, sources: Sources) -> Sources {
        sources
            .original_flag("--hub-url", "NAILA_HUB_URL", self.hub_url)
            .original_flag("--device-id", "NAILA_DEVICE_ID", self.device_id)
            .original_flag("--input-device", "NAILA_INPUT_DEVICE", self.input_device)
            .original_flag("--output-device", "NAILA_OUTPUT_DEVICE", self.output_device)
            .original_flag("--sample-rate", "NAILA_SAMPLE_RATE", self.sample_rate)
            .original_flag(
                "--frame-duration-ms",
                "NAILA_FRAME_DURATION_MS",
                self.frame_duration_ms,
            )
            .original_flag("--channels", "NAILA_CHANNELS", self.channels)
            .original_flag("--reconnect-delay", "NAILA_RECONNECT_DELAY", self.reconnect_delay)
            .original_flag(
                "--max-reconnect-delay",
                "NAILA_MAX_RECONNECT_DELAY",
                self.max_reconnect_delay,
            )
            .original_flag("--log-level", "NAILA_LOG_LEVEL", self.log_level)
    }
}

impl Arguments {
    /// Where to read the configuration from.
    pub(crate) fn sources(self) -> Sources {
        let (recipe, text) = EMBEDDED;
        let sources = Sources::usual()
            .recipe(recipe, text)
            .system_file(self.system_config)
            .user_file(self.config);
        self.set
            .into_iter()
            .fold(self.voice_client.add_to(sources), |sources, assignment| {
                sources.flag("--set", assignment)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amora_contract::config::layers::{ConfigFile, Origin, load};

    fn sources(flags: &[&str]) -> Sources {
        let arguments = Arguments::try_parse_from(["amora-service"].iter().chain(flags)).unwrap();
        Sources {
            system: ConfigFile::None,
            user: ConfigFile::None,
            kept: false,
            environment: [
                ("NAILA_HUB_URL", "http://variable:1"),
                ("NAILA_DEVICE_ID", "variable"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
            ..arguments.sources()
        }
    }

    #[test]
    fn the_voice_clients_flags_win_over_its_variables_and_set_wins_over_them() {
        let loaded = load(&sources(&[
            "--hub-url",
            "http://flag:2",
            "--input-device=3",
            "--output-device",
            "USB Audio",
            "--sample-rate",
            "48000",
            "--frame-duration-ms=20",
            "--channels=1",
            "--reconnect-delay=1.5",
            "--max-reconnect-delay=9",
            "--log-level=WARNING",
            "--set",
            "voice.max_reconnect_delay=8",
        ]))
        .unwrap();
        let config = &loaded.config;
        let voice = config.voice.as_ref().unwrap();
        assert_eq!(voice.hub_url, "http://flag:2");
        assert_eq!(voice.device_id.as_deref(), Some("variable"));
        assert_eq!((voice.reconnect_delay.0, voice.max_reconnect_delay.0), (1.5, 8.0));
        assert_eq!(config.audio.capture_device, "3");
        assert_eq!(config.audio.device, "USB Audio");
        assert_eq!(config.log.level, "warn");
        assert_eq!(
            loaded.origin["voice.hub_url"],
            Origin::Flag("--hub-url".to_owned())
        );
    }

    #[test]
    fn a_wrong_flag_of_the_voice_client_is_named() {
        let flags = ["--channels=2", "--reconnect-delay=soon", "--log-level=loud"];
        let error = load(&sources(&flags)).unwrap_err();
        let found: Vec<String> = error.problems.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 3, "{found:#?}");
        for expected in [
            "--channels: must be 1, not \"2\"",
            "--reconnect-delay: `voice.reconnect_delay`: ",
            "--log-level: must be DEBUG",
        ] {
            let named = found.iter().any(|found| found.starts_with(expected));
            assert!(named, "{expected}\n{found:#?}");
        }
    }
}
