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
            .fold(sources, |sources, assignment| sources.flag("--set", assignment))
    }
}
