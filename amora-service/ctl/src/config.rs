//! `amoractl config`: what is set and where, checking and importing files.

use crate::client::Client;
use crate::failure::Failure;
use amora_contract::config::layers::{Loaded, Sources, load};
use amora_contract::config::{Kind, import, settings};
use amora_contract::publish::configuration_reference;
use amora_contract::reply::ConfigReply;
use clap::Subcommand;
use serde_json::{Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a box is when nobody has configured it; the same as the service's.
const RECIPE: (&str, &str) = ("music-box", include_str!("../../../recipes/music-box/amora.toml"));

/// Actions on the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Show the settings that are in force; secrets are hidden
    Show {
        /// Say where each setting comes from
        #[arg(long)]
        origin: bool,
        /// Read the files here instead of asking the service
        #[arg(long)]
        local: bool,
    },
    /// Report every mistake in a configuration file
    Check {
        /// The file
        file: PathBuf,
    },
    /// Translate a JSON configuration of the original AmoraOS into amora.toml
    Import {
        /// The file, or `-` for standard input
        file: PathBuf,
    },
    /// Explain everything that can be set
    Reference,
}

/// The layers as they are found on this machine.
pub(crate) fn local() -> Result<Loaded, Failure> {
    load(&Sources::usual().recipe(RECIPE.0, RECIPE.1)).map_err(|error| Failure::Failed(error.to_string()))
}

/// Does what is asked and gives what to print.
pub(crate) async fn run(
    action: &ConfigAction,
    client: impl FnOnce() -> Result<Client, Failure>,
    json: bool,
) -> Result<String, Failure> {
    match action {
        ConfigAction::Show { origin, local } => {
            let reply = if *local {
                self::local()?.redacted()
            } else {
                shown(client).await?
            };
            match json {
                true => Ok(format!("{}\n", json!(reply))),
                false => Ok(settings_text(&reply, *origin)),
            }
        }
        ConfigAction::Check { file } => check(file, json),
        ConfigAction::Import { file } => {
            let text = read(file)?;
            import::original(&text).map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))
        }
        ConfigAction::Reference => Ok(configuration_reference()),
    }
}

/// What the service runs with; without a service, what it would start with.
pub(crate) async fn shown(client: impl FnOnce() -> Result<Client, Failure>) -> Result<ConfigReply, Failure> {
    let asked = match client() {
        Ok(client) => client.command("system.get_config", &json!({})).await,
        Err(failure) => Err(failure),
    };
    match asked {
        Ok(data) => crate::render::read(data),
        Err(Failure::NotReachable(_)) => {
            eprintln!("The service does not run: this is what it would start with.");
            Ok(local()?.redacted())
        }
        Err(other) => Err(other),
    }
}

fn check(file: &Path, json: bool) -> Result<String, Failure> {
    match load(&Sources::only(file)) {
        Ok(loaded) if json => Ok(format!(
            "{}\n",
            json!({"valid": true, "warnings": loaded.warnings})
        )),
        Ok(loaded) => {
            let warnings: String = loaded
                .warnings
                .iter()
                .map(|warning| format!("warning: {warning}\n"))
                .collect();
            Ok(format!("{warnings}{} is a valid configuration\n", file.display()))
        }
        Err(error) if json => {
            let problems: Vec<Value> = error
                .problems
                .iter()
                .map(|problem| json!({"place": problem.origin.to_string(), "setting": problem.setting, "message": problem.message}))
                .collect();
            println!("{}", json!({"valid": false, "problems": problems}));
            Err(Failure::Silent)
        }
        Err(error) => Err(Failure::Failed(error.to_string())),
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    text.map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))
}

/// The configuration as TOML, section by section; with the origin of each setting if that is wanted.
pub(crate) fn settings_text(reply: &ConfigReply, origin: bool) -> String {
    let mut text = String::new();
    let sections = settings()
        .values()
        .filter(|setting| matches!(setting.kind, Kind::Section { .. }));
    for section in sections {
        let pointer = format!("/{}", section.path.replace('.', "/"));
        let Some(Value::Object(values)) = reply.config.pointer(&pointer) else {
            continue;
        };
        let lines: Vec<(String, &str)> = values
            .iter()
            .filter(|(_, value)| !value.is_object() && !value.is_null())
            .map(|(key, value)| {
                let from = reply.origin.get(&format!("{}.{key}", section.path));
                (
                    format!("{key} = {}", toml_value(value)),
                    from.map_or("default", String::as_str),
                )
            })
            .collect();
        let width = lines
            .iter()
            .map(|(line, _)| line.chars().count())
            .max()
            .unwrap_or_default();
        let gap = if text.is_empty() { "" } else { "\n" };
        text.push_str(&format!("{gap}[{}]\n", section.path));
        for (line, from) in &lines {
            match origin {
                true => text.push_str(&format!(
                    "{line}{}  # {from}\n",
                    " ".repeat(width - line.chars().count())
                )),
                false => text.push_str(&format!("{line}\n")),
            }
        }
    }
    text
}

fn toml_value(value: &Value) -> String {
    toml::Value::try_from(value).map_or_else(|_| value.to_string(), |value| value.to_string())
}
