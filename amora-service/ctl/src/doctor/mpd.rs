//! Whether MPD is there, lets us in, and has what the box needs of it: outputs by name, and stickers.

use super::Finding;
use crate::text::plain;
use amora_contract::Config;
use amora_contract::config::{HIDDEN, PlayerConfig};

use amora_player::protocol::{AckCode, Command, Decoder, Frame, Message, ProtocolError, encode};
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// Whoever is there at all answers by then.
const PATIENCE: Duration = Duration::from_secs(3);

const READ_SIZE: usize = 16 * 1024;

const SUBJECT: &str = "MPD";

/// Everything about MPD.
pub(super) async fn mpd(config: &Config) -> Vec<Finding> {
    let Some(player) = &config.player else {
        return vec![Finding::skipped(SUBJECT, "there is no section [player]")];
    };
    let place = match Path::new(&player.host).is_absolute() {
        true => player.host.clone(),
        false => format!("{}:{}", player.host, player.port),
    };
    let asked = tokio::time::timeout(PATIENCE, async {
        match Path::new(&player.host).is_absolute() {
            true => ask(UnixStream::connect(&player.host).await?, player).await,
            false => {
                ask(
                    TcpStream::connect((player.host.as_str(), player.port)).await?,
                    player,
                )
                .await
            }
        }
    });
    let next = "see `systemctl status mpd`, and `player.host` and `player.port`";
    match asked.await {
        Ok(Ok(known)) => judge(&known, player, &place),
        Ok(Err(Trouble::Foreign(_))) => vec![Finding::failed(
            SUBJECT,
            format!("something else answers at {place}"),
            "set `player.host` and `player.port` to MPD's",
        )],
        Ok(Err(Trouble::Password)) => vec![Finding::failed(
            SUBJECT,
            format!("{place} does not accept the password"),
            "set `player.password` to one of mpd.conf's",
        )],
        Ok(Err(Trouble::Forbidden(command))) => vec![Finding::failed(
            SUBJECT,
            format!("{place} does not allow `{command}`"),
            "set `player.password`, or `default_permissions` in mpd.conf",
        )],
        Ok(Err(Trouble::Hidden)) => vec![Finding::skipped(
            SUBJECT,
            format!(
                "{place} answers; its password is not yours to read: run this as root, or as the service's user"
            ),
        )],
        Ok(Err(Trouble::Broken(error))) if error.kind() == io::ErrorKind::PermissionDenied => {
            vec![Finding::failed(
                SUBJECT,
                format!("{place}: {error}"),
                "let the service's user open MPD's socket",
            )]
        }
        Ok(Err(Trouble::Broken(error))) => vec![Finding::failed(SUBJECT, format!("{place}: {error}"), next)],
        Err(_) => vec![Finding::failed(SUBJECT, format!("{place} does not answer"), next)],
    }
}

/// What MPD tells of itself.
struct Known {
    version: String,
    outputs: Vec<Output>,
    stickers: bool,
}

struct Output {
    name: String,
    plugin: String,
    enabled: bool,
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Broken(#[from] io::Error),
    #[error(transparent)]
    Foreign(#[from] ProtocolError),
    #[error("the password is wrong")]
    Password,
    #[error("the password is hidden")]
    Hidden,
    #[error("`{0}` is not allowed")]
    Forbidden(&'static str),
}

async fn ask(stream: impl AsyncRead + AsyncWrite + Unpin, player: &PlayerConfig) -> Result<Known, Trouble> {
    let mut conversation = Conversation {
        stream,
        decoder: Decoder::default(),
    };
    let Message::Greeting(version) = conversation.hear().await? else {
        return Err(Trouble::Broken(io::ErrorKind::InvalidData.into()));
    };
    match player.password.as_deref() {
        Some(HIDDEN) => return Err(Trouble::Hidden),
        Some(password) => {
            let login = Command::new("password").text(password);
            conversation.say(&login).await.map_err(|trouble| match trouble {
                Trouble::Forbidden(_) => Trouble::Password,
                other => other,
            })?;
        }
        None => {}
    }
    let commands = conversation.say(&Command::new("commands")).await?;
    let outputs = conversation.say(&Command::new("outputs")).await?;
    let outputs = outputs
        .objects(&["outputid"])
        .iter()
        .map(|fields| {
            let value = |key| {
                let field = fields.iter().find(|(known, _)| *known == key);
                field.map_or("", |(_, value)| *value)
            };
            Output {
                name: value("outputname").to_owned(),
                plugin: value("plugin").to_owned(),
                enabled: value("outputenabled") == "1",
            }
        })
        .collect();
    Ok(Known {
        version,
        outputs,
        stickers: commands.values("command").any(|name| name == "sticker"),
    })
}

struct Conversation<S> {
    stream: S,
    decoder: Decoder,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<S> {
    /// Sends one command and gives the answer.
    async fn say(&mut self, command: &Command) -> Result<Frame, Trouble> {
        let nonsense = |_| Trouble::Broken(io::ErrorKind::InvalidInput.into());
        let bytes = encode(std::slice::from_ref(command)).map_err(nonsense)?;
        self.stream.write_all(&bytes).await?;
        match self.hear().await? {
            Message::Answer(frames) => Ok(frames.into_iter().next().unwrap_or_default()),
            Message::Refusal(ack, _) if matches!(ack.code, AckCode::Permission | AckCode::Password) => {
                Err(Trouble::Forbidden(command.name()))
            }
            Message::Refusal(ack, _) => Err(Trouble::Broken(io::Error::other(plain(&ack.text)))),
            Message::Greeting(_) => Err(Trouble::Broken(io::ErrorKind::InvalidData.into())),
        }
    }

    async fn hear(&mut self) -> Result<Message, Trouble> {
        let mut buffer = vec![0; READ_SIZE];
        loop {
            if let Some(message) = self.decoder.next_message()? {
                return Ok(message);
            }
            match self.stream.read(&mut buffer).await? {
                0 => return Err(Trouble::Broken(io::ErrorKind::UnexpectedEof.into())),
                length => self.decoder.push(&buffer[..length]),
            }
        }
    }
}

fn judge(known: &Known, player: &PlayerConfig, place: &str) -> Vec<Finding> {
    let reached = Finding::ok(
        SUBJECT,
        format!("protocol {} at {place}", plain(known.version.trim())),
    );
    let stickers = match known.stickers {
        true => Finding::ok("MPD's sticker database", "there is one"),
        false => Finding::warning(
            "MPD's sticker database",
            "there is none: songs cannot be marked as favourites",
            "set `sticker_file` in mpd.conf, for example \"/var/lib/mpd/sticker.sql\", and restart MPD",
        ),
    };
    vec![
        reached,
        mixer_output(known, player),
        exclusive_output(known, player),
        stickers,
    ]
}

fn mixer_output(known: &Known, player: &PlayerConfig) -> Finding {
    let subject = "MPD's output into the mixer";
    let name = &player.mixer_output;
    let find = |name: &str| known.outputs.iter().find(|output| output.name == name);
    let Some(output) = find(name) else {
        return Finding::failed(
            subject,
            format!("MPD has no output `{name}`{}: no music is heard", there(known)),
            format!(
                "add an `audio_output` with type \"fifo\" and name \"{name}\" to mpd.conf, or set `player.mixer_output`"
            ),
        );
    };
    let exclusive = find(&player.exclusive_output).is_some_and(|output| output.enabled);
    match (output.plugin.as_str(), output.enabled) {
        // MPD tells the plugin since 0.21.
        (plugin, _) if !matches!(plugin, "fifo" | "") => Finding::failed(
            subject,
            format!("MPD's output `{name}` is of type `{}`, not `fifo`", plain(plugin)),
            "set its type to \"fifo\" in mpd.conf, or name another output in `player.mixer_output`",
        ),
        (_, true) => Finding::ok(subject, format!("`{name}` is on")),
        (_, false) if exclusive => Finding::ok(
            subject,
            format!(
                "`{name}` is off, while `{}` plays straight to the card",
                player.exclusive_output
            ),
        ),
        (_, false) => Finding::warning(
            subject,
            format!("`{name}` is off: no music is heard"),
            format!("the service switches it on when it runs; by hand: `mpc enable \"{name}\"`"),
        ),
    }
}

fn exclusive_output(known: &Known, player: &PlayerConfig) -> Finding {
    let subject = "MPD's output straight to the card";
    let name = &player.exclusive_output;
    match known.outputs.iter().find(|output| output.name == *name) {
        Some(output) if output.enabled => Finding::ok(subject, format!("`{name}` is on")),
        Some(_) => Finding::ok(subject, format!("`{name}` is there, off until exclusive mode")),
        None => Finding::warning(
            subject,
            format!(
                "MPD has no output `{name}`{}: there is no exclusive mode",
                there(known)
            ),
            format!(
                "for exclusive mode add an `audio_output` with type \"alsa\", name \"{name}\" and enabled \"no\" to mpd.conf, or set `player.exclusive_output`"
            ),
        ),
    }
}

/// The outputs that there are instead.
fn there(known: &Known) -> String {
    let names: Vec<String> = known
        .outputs
        .iter()
        .map(|output| format!("`{}`", plain(&output.name)))
        .collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(" (only {})", names.join(", ")),
    }
}

#[cfg(test)]
mod tests;
