//! amoractl: every command of the box from a shell, what it does as it does it, and what is wrong with it.

mod client;
mod cloud;
mod commands;
mod config;
mod doctor;
mod endpoint;
mod failure;
mod login;
mod progress;
mod render;
mod status;
mod text;
mod update;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use client::Client;
use commands::Commands;
use endpoint::{Endpoint, Wanted};
use failure::Failure;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

const AFTER_HELP: &str = "\
Without --url or --socket the service on this box is meant. Its socket knows no login;
from elsewhere the login code is needed: `amoractl login` on the box shows it.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the service cannot be reached.";

/// Control an Amora box.
#[derive(Debug, Parser)]
#[command(name = "amoractl", version, after_help = AFTER_HELP)]
struct Arguments {
    /// Answer in JSON, for programs
    #[arg(long, global = true)]
    json: bool,

    /// Address of the box, for example http://music-box.local:8080
    // Named apart from the parameters of commands, one of which is `url`: what is global goes by its name everywhere.
    #[arg(
        id = "box-url",
        long = "url",
        value_name = "URL",
        global = true,
        env = "AMORA_URL",
        conflicts_with = "box-socket"
    )]
    url: Option<String>,

    /// Login code of the box
    #[arg(
        id = "box-code",
        long = "code",
        value_name = "CODE",
        global = true,
        env = "AMORA_CODE",
        hide_env_values = true
    )]
    code: Option<String>,

    /// Socket of the service on this box
    #[arg(
        id = "box-socket",
        long = "socket",
        value_name = "PATH",
        global = true,
        env = "AMORA_SOCKET"
    )]
    socket: Option<PathBuf>,

    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what the box plays and how its parts are
    Status,
    /// Show what changes, as it changes; a service that restarts is waited for
    Watch {
        /// Show the sound meter too
        #[arg(long)]
        levels: bool,
    },
    /// Show how the connection to the cloud is, and what went over it
    Cloud,
    /// Check everything that the box depends on
    Doctor,
    /// Show where the box's page is, with the code that lets in
    ///
    /// For whoever is on the box itself, at its console or over SSH, as the service's user or root. The addresses hold
    /// the login code: a browser that opens one is logged in.
    Login,
    /// Show, check and translate the configuration
    Config {
        #[command(subcommand)]
        action: config::ConfigAction,
    },
    /// Write what a shell needs to complete the words of this command
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// The whole command line: what is written above, and every command of the catalogue.
fn command_line(commands: &Commands) -> clap::Command {
    let mut line = Arguments::command()
        .subcommand_required(true)
        .arg_required_else_help(true);
    for section in commands.subcommands() {
        line = line.subcommand(section);
    }
    line = line.mut_subcommand("update", |update| {
        update.mut_subcommand("install", |install| {
            install
                .about("Install a signed update (.swu) from a file or an address, and show how it goes")
                .mut_arg("url", |source| {
                    source
                        .value_name("FILE|URL")
                        .help("The file, or its `http://` or `https://` address for the box to fetch it")
                })
                .arg(
                    clap::Arg::new("no-wait")
                        .long("no-wait")
                        .help("Do not wait until it is installed; for an address")
                        .action(clap::ArgAction::SetTrue),
                )
        })
    });
    line.mut_subcommand("player", |player| {
        player.mut_subcommand("update-library", |update| {
            update.arg(
                clap::Arg::new("no-wait")
                    .long("no-wait")
                    .help("Do not wait until the scan has ended")
                    .action(clap::ArgAction::SetTrue),
            )
        })
    })
}

fn main() -> ExitCode {
    let commands = Commands::new();
    let matches = command_line(&commands).get_matches();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("amoractl: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(&commands, &matches)) {
        Ok(text) => print(&text),
        Err(Failure::Silent) => Failure::Silent.exit_code(),
        Err(failure) => {
            eprintln!("amoractl: {failure}");
            failure.exit_code()
        }
    }
}

/// Prints what there is to say. A reader that has had enough (`| head`) is no failure.
fn print(text: &str) -> ExitCode {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("amoractl: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

async fn run(commands: &Commands, matches: &ArgMatches) -> Result<String, Failure> {
    let json = matches.get_flag("json");
    let client = || connect(matches);
    if let Some((section, own)) = matches.subcommand()
        && let Some((name, params)) = commands.read(section, own)
    {
        let client = client()?;
        if name == "player.update_library"
            && !json
            && !own.subcommand().is_some_and(|(_, own)| own.get_flag("no-wait"))
        {
            return progress::update_library(&client, &params).await;
        }
        if name == "update.install" {
            let source = params["url"].as_str().unwrap_or_default();
            let waits = own.subcommand().is_some_and(|(_, own)| !own.get_flag("no-wait"));
            if !update::is_address(source) && json {
                let state = update::send(&client, std::path::Path::new(source), &params).await?;
                return answer(name, serde_json::to_value(state).unwrap_or_default(), json);
            }
            if !json && (waits || !update::is_address(source)) {
                return update::install(&client, params).await;
            }
        }
        let data = client.command(name, &params).await?;
        return answer(name, data, json);
    }
    let arguments =
        Arguments::from_arg_matches(matches).map_err(|error| Failure::Usage(error.to_string()))?;
    match &arguments.action {
        Some(Action::Status) => status::status(&client()?, json).await,
        Some(Action::Watch { levels }) => match status::watch(&client()?, json, *levels).await? {},
        Some(Action::Cloud) => cloud::show(&client()?, json).await,
        Some(Action::Doctor) => doctor::run(client, json).await,
        Some(Action::Login) if arguments.url.is_some() => Err(Failure::Usage(
            "`login` shows the way into the box that it runs on: leave out --url (and AMORA_URL)".to_owned(),
        )),
        Some(Action::Login) => login::run(client, json).await,
        Some(Action::Config { action }) => config::run(action, client, json).await,
        Some(Action::Completions { shell }) => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut command_line(commands), "amoractl", &mut text);
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
        None => Ok(String::new()),
    }
}

/// Prints a reply; a sound test that failed is a failure.
fn answer(name: &str, data: serde_json::Value, json: bool) -> Result<String, Failure> {
    let failed = name == "audio.test" && data["pass"] == false;
    let text = if json {
        format!("{data}\n")
    } else {
        render::reply(name, data)?
    };
    if failed {
        print(&text);
        return Err(Failure::Silent);
    }
    Ok(text)
}

fn connect(matches: &ArgMatches) -> Result<Client, Failure> {
    let wanted = Wanted {
        url: matches.get_one("box-url").cloned(),
        code: matches.get_one("box-code").cloned(),
        socket: matches.get_one("box-socket").cloned(),
    };
    // A broken configuration is `amoractl doctor`'s business: here only the usual places are wanted of it.
    let config = config::local().map(|loaded| loaded.config).unwrap_or_default();
    Client::new(Endpoint::choose(&wanted, &config)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_updates_address_is_not_taken_for_the_boxs() {
        let commands = Commands::new();
        let update = "http://files.local/update.swu";
        let alone = command_line(&commands).get_matches_from(["amoractl", "update", "install", update]);
        assert_eq!(alone.get_one::<String>("box-url"), None);

        let both = [
            "amoractl",
            "update",
            "install",
            update,
            "--url",
            "http://box.local:8080",
        ];
        let both = command_line(&commands).get_matches_from(both);
        assert_eq!(
            both.get_one::<String>("box-url").map(String::as_str),
            Some("http://box.local:8080")
        );
        let (_, section) = both.subcommand().expect("update");
        let (_, install) = section.subcommand().expect("install");
        assert_eq!(install.get_one::<String>("url").map(String::as_str), Some(update));
    }
}
