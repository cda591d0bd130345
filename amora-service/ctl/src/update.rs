//! Updates of the image: sending one, watching it until it is installed, and how things stand.

use crate::client::Client;
use crate::failure::Failure;
use crate::render::read;
use crate::text::{local_time, plain, table};
use amora_contract::state::{
    CheckResult, Outcome, Trial, UpdateInstall, UpdateOutcome, UpdatePhase, UpdateSource, UpdateState,
};
use amora_contract::units::Bytes;
use futures_util::{Stream, StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// Bytes of a file sent at once.
const PIECE: usize = 256 * 1024;

/// An update that is accepted shows itself in the state by then.
const BEGIN: Duration = Duration::from_secs(10);

/// Installs from a file or an address, and shows how it goes until it is installed or refused.
pub(crate) async fn install(client: &Client, mut params: Value) -> Result<String, Failure> {
    let source = params["url"].as_str().unwrap_or_default().to_owned();
    // Watching begins first, so that a short installation is not missed.
    let messages = client.watch(false).await?;
    let bar = bar();
    let result = match is_address(&source) {
        true => {
            let began = client.command("update.install", &params).await?;
            follow(messages, &bar, Some(read(began)?)).await
        }
        false => {
            if let Some(params) = params.as_object_mut() {
                params.remove("url");
            }
            let mut sending = std::pin::pin!(send(client, Path::new(&source), &params));
            tokio::select! {
                // The answer to the file is the outcome; the bar goes on beside it, as long as it can.
                sent = sending.as_mut() => sent,
                _ = follow(messages, &bar, None) => sending.await,
            }
        }
    };
    bar.finish_and_clear();
    Ok(describe(&result?))
}

/// Whether this is an address, and not a file.
pub(crate) fn is_address(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}

/// Sends a file; without a bar.
pub(crate) async fn send(client: &Client, path: &Path, params: &Value) -> Result<UpdateState, Failure> {
    let failed = |error: io::Error| Failure::Failed(format!("{}: {error}", path.display()));
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let size = file.metadata().await.map_err(failed)?.len();
    let data = client.send_update(params, size, pieces(file)).await?;
    read(data)
}

fn pieces(file: tokio::fs::File) -> impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static {
    stream::unfold(Some(file), async |file| {
        let mut file = file?;
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(count) => {
                piece.truncate(count);
                Some((Ok(piece), Some(file)))
            }
            Err(error) => Some((Err(error), None)),
        }
    })
}

/// Follows an installation in the state until it ends. Without `began` it only draws, until the connection is lost.
async fn follow(
    mut messages: crate::client::Messages,
    bar: &ProgressBar,
    began: Option<UpdateState>,
) -> Result<UpdateState, Failure> {
    let decides = began.is_some();
    let before = began.as_ref().and_then(|began| began.last.clone());
    let mut seen = false;
    loop {
        let message = match decides && !seen {
            true => match tokio::time::timeout(BEGIN, messages.next()).await {
                Ok(message) => message,
                Err(_) => {
                    return Err(Failure::Failed(
                        "the update was accepted, but nothing of it is seen: see `amoractl update get-status`".to_owned(),
                    ));
                }
            },
            false => messages.next().await,
        };
        let Some(message) = message else {
            return Err(Failure::NotReachable(
                "the service closed the connection during the installation".to_owned(),
            ));
        };
        let message = message?;
        let Some(section) = message
            .pointer("/state/update")
            .filter(|section| !section.is_null())
        else {
            continue;
        };
        let state: UpdateState = read(section.clone())?;
        draw(bar, &state);
        seen |= matches!(state.phase, UpdatePhase::Checking | UpdatePhase::Installing);
        if !decides {
            continue;
        }
        match state.phase {
            UpdatePhase::Installed | UpdatePhase::Restarting => return Ok(state),
            UpdatePhase::Idle if state.last != before => {
                return Err(Failure::Failed(match &state.last {
                    Some(last) => ended(last),
                    None => "the installation ended without an outcome".to_owned(),
                }));
            }
            _ => {}
        }
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} {bar:30} {percent}% [{elapsed}]");
    let bar = ProgressBar::new(100).with_style(style.expect("the template is well formed"));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar.set_message("looking at the update");
    bar
}

fn draw(bar: &ProgressBar, state: &UpdateState) {
    if let Some(install) = &state.install {
        bar.set_position(u64::from(install.percent));
        bar.set_message(doing(state.phase, install));
    }
}

fn doing(phase: UpdatePhase, install: &UpdateInstall) -> String {
    if let Some(waiting) = &install.waiting {
        return format!("waiting: {}", plain(waiting));
    }
    let version = install.version.as_deref().unwrap_or_default();
    match phase {
        UpdatePhase::Checking => "looking at the update".to_owned(),
        _ => plain(&format!("installing {version} to slot {}", install.slot.name())),
    }
}

/// How things stand with updates.
pub(crate) fn describe(state: &UpdateState) -> String {
    let running = match (state.version.as_str(), state.slot) {
        ("", _) => "this system is not an AmoraOS image\n".to_owned(),
        (version, Some(slot)) => format!("running {} from slot {}\n", plain(version), slot.name()),
        (version, None) => format!("running {}\n", plain(version)),
    };
    let mut text = running;
    if let Some(cause) = &state.unavailable {
        text += &format!("no updates: {}\n", plain(cause));
    }
    if let Some(install) = &state.install {
        let version = plain(install.version.as_deref().unwrap_or("an update"));
        let received = match install.size {
            Some(size) => format!(", {} of {}", megabytes(install.received), megabytes(size)),
            None => String::new(),
        };
        text += &match state.phase {
            UpdatePhase::Installed => format!("{version} is installed in slot {}\n", install.slot.name()),
            UpdatePhase::Restarting => format!("restarting into {version}\n"),
            _ => format!(
                "{}, {} %{received}\n",
                doing(state.phase, install),
                install.percent
            ),
        };
        text += &format!(
            "it was {}\n",
            origin(install.source, install.reference.as_deref())
        );
    }
    if let Some(cause) = state
        .install
        .as_ref()
        .and_then(|install| install.fallback.as_ref())
    {
        text += &format!(
            "the full image is taken in place of the delta: {}\n",
            plain(cause)
        );
    }
    if let Some(restart) = state
        .restart
        .as_ref()
        .filter(|_| state.phase == UpdatePhase::Installed)
    {
        text += &match restart.waiting_for.as_str() {
            "" => "it is restarted into soon\n".to_owned(),
            cause => format!(
                "the restart waits for {}; `amoractl update restart` does not\n",
                plain(cause)
            ),
        };
        if let Some(at) = restart.at {
            text += &format!("it comes at {} at the latest\n", local_time(at));
        }
    }
    if let Some(trial) = &state.trial {
        text += &on_trial(trial);
    }
    if let Some(last) = &state.last {
        text += &format!(
            "last update, {}: {}\nit was {}\n",
            local_time(last.at),
            ended(last),
            origin(last.source, last.reference.as_deref())
        );
    }
    text
}

fn on_trial(trial: &Trial) -> String {
    let rows: Vec<Vec<String>> = trial
        .checks
        .iter()
        .map(|check| {
            let name = serde_json::to_value(check.check).ok();
            let name = name
                .as_ref()
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            let result = match check.result {
                CheckResult::Waiting => "waiting",
                CheckResult::Passed => "passed",
                CheckResult::Failed => "failed",
                CheckResult::Skipped => "skipped",
            };
            vec![name, result.to_owned(), plain(&check.seen)]
        })
        .collect();
    format!(
        "on trial, start {} of {}\n{}",
        trial.tries,
        trial.limit,
        table(&["Check", "", ""], &rows)
    )
}

/// The one thing about updates that a summary has room for; nothing where nothing goes on and the last one is well.
pub(crate) fn line(state: &UpdateState) -> Option<String> {
    match (&state.install, &state.trial, &state.last) {
        (Some(install), _, _) => {
            let source = origin(install.source, None);
            Some(match state.phase {
                UpdatePhase::Installed => "installed, waits for the restart".to_owned(),
                UpdatePhase::Restarting => "restarting into it".to_owned(),
                phase => format!("{}, {} %, {source}", doing(phase, install), install.percent),
            })
        }
        (None, Some(trial), _) => Some(format!("on trial, start {} of {}", trial.tries, trial.limit)),
        (None, None, Some(last))
            if matches!(
                last.outcome,
                Outcome::RolledBack | Outcome::Failed | Outcome::Refused
            ) =>
        {
            Some(ended(last))
        }
        _ => None,
    }
}

/// Who ordered an update, or how it came.
fn origin(source: UpdateSource, reference: Option<&str>) -> String {
    let words = match source {
        UpdateSource::Url => "fetched from an address",
        UpdateSource::Upload => "sent by a person",
        UpdateSource::Hawkbit => "ordered by a hawkBit server",
        UpdateSource::DeviceUpdate => "ordered by Device Update for IoT Hub",
        UpdateSource::Other => "brought by another program",
    };
    match reference {
        Some(reference) => plain(&format!("{words} ({reference})")),
        None => words.to_owned(),
    }
}

fn megabytes(bytes: Bytes) -> String {
    format!("{:.1} MB", bytes.0 as f64 / 1e6)
}

fn ended(last: &UpdateOutcome) -> String {
    let version = last.to_version.as_deref().unwrap_or("an update");
    let outcome = match last.outcome {
        Outcome::Kept => "was installed and stays",
        Outcome::RolledBack => "did not prove itself, and the box went back",
        Outcome::Refused => "was refused",
        Outcome::Failed => "could not be installed",
        Outcome::Cancelled => "was called off",
    };
    let mut text = format!("{version} {outcome}");
    for (before, more) in [(": ", &last.reason), ("; ", &last.next_step)] {
        if !more.is_empty() {
            text += before;
            text += more;
        }
    }
    if let Some(seen) = last
        .seen
        .as_ref()
        .filter(|seen| !last.reason.contains(seen.as_str()))
    {
        text += &format!(" (seen: {seen})");
    }
    if let Some(cause) = &last.fallback {
        text += &format!("; it was the full image in place of the delta: {cause}");
    }
    plain(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use amora_contract::config::RestartPolicy;
    use amora_contract::state::{PendingRestart, Slot, UpdateCause};
    use amora_contract::units::Timestamp;

    #[test]
    fn how_things_stand_is_said_in_a_few_lines() {
        let mut state = UpdateState {
            version: "1.0.0".to_owned(),
            slot: Some(Slot::A),
            last: Some(UpdateOutcome {
                outcome: Outcome::RolledBack,
                cause: Some(UpdateCause::Panic),
                reason: "the new system's kernel panicked (slot b)".to_owned(),
                next_step: "report it".to_owned(),
                check: None,
                seen: Some("Kernel panic\u{1b}[31m".to_owned()),
                source: UpdateSource::Upload,
                reference: None,
                from_version: "1.0.0".to_owned(),
                to_version: Some("1.1.0".to_owned()),
                slot: Some(Slot::B),
                fallback: Some("the server gave no chunks".to_owned()),
                tries: 3,
                at: Timestamp(0),
            }),
            ..UpdateState::default()
        };
        let text = describe(&state);
        assert!(text.starts_with("running 1.0.0 from slot a\n"), "{text}");
        assert!(text.contains("1.1.0 did not prove itself"), "{text}");
        assert!(text.contains("kernel panicked (slot b); report it"), "{text}");
        assert!(
            text.contains("full image in place of the delta: the server gave no chunks"),
            "{text}"
        );
        assert!(text.contains("\nit was sent by a person\n"), "{text}");
        assert!(
            line(&state)
                .unwrap()
                .contains("kernel panicked (slot b); report it"),
            "a rollback is not to be overlooked"
        );
        assert!(!text.contains('\u{1b}'), "{text:?}");
        state.unavailable = Some("SWUpdate cannot be reached".to_owned());
        assert!(describe(&state).contains("no updates: SWUpdate"));
        assert!(describe(&UpdateState::default()).contains("not an AmoraOS image"));
    }

    #[test]
    fn an_installation_is_told_with_its_progress_and_who_ordered_it() {
        let install = UpdateInstall {
            source: UpdateSource::DeviceUpdate,
            url: None,
            reference: Some("b7c1\u{1b}[31m".to_owned()),
            version: Some("1.1.0".to_owned()),
            slot: Slot::B,
            percent: 42,
            received: Bytes(61_000_000),
            size: Some(Bytes(145_200_000)),
            part: "root".to_owned(),
            waiting: None,
            fallback: None,
            started_at: Timestamp(0),
        };
        let mut state = UpdateState {
            phase: UpdatePhase::Installing,
            install: Some(install),
            ..UpdateState::default()
        };
        let text = describe(&state);
        assert!(
            text.contains("installing 1.1.0 to slot b, 42 %, 61.0 MB of 145.2 MB\n"),
            "{text}"
        );
        assert!(
            text.contains("it was ordered by Device Update for IoT Hub (b7c1 [31m)\n"),
            "{text}"
        );
        assert_eq!(
            line(&state).unwrap(),
            "installing 1.1.0 to slot b, 42 %, ordered by Device Update for IoT Hub"
        );
        state.install = None;
        assert_eq!(line(&state), None);
        state.trial = Some(Trial {
            tries: 1,
            limit: 3,
            ..Trial::default()
        });
        assert_eq!(line(&state).unwrap(), "on trial, start 1 of 3");
    }

    #[test]
    fn a_restart_that_waits_for_its_hours_is_told_with_its_time() {
        let mut state = UpdateState {
            phase: UpdatePhase::Installed,
            restart: Some(PendingRestart {
                policy: RestartPolicy::Window,
                waiting_for: "03:00 o'clock".to_owned(),
                at: Some(Timestamp(1_800_000_000_000)),
            }),
            ..UpdateState::default()
        };
        let text = describe(&state);
        let time = local_time(Timestamp(1_800_000_000_000));
        assert!(text.contains("waits for 03:00 o'clock"), "{text}");
        assert!(
            text.contains(&format!("it comes at {time} at the latest\n")),
            "{text}"
        );
        state.restart.as_mut().unwrap().at = None;
        assert!(!describe(&state).contains("at the latest"));
    }
}
