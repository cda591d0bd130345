//! Reading what a trial judges.

use super::Reading;
use amora_contract::State;
use amora_contract::commands::{AudioCommand, TestSound};
use amora_contract::reply::Reply;
use amora_contract::state::Condition;
use amora_router::Router;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;
use tokio::sync::mpsc;

/// Time between readings.
const PAUSE: Duration = Duration::from_secs(2);

/// Time for systemd or the page to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The doors to the outside, by their key in the health.
const LINKS: [&str; 2] = ["mqtt", "iot_hub"];

/// Where to look.
#[derive(Debug, Clone)]
pub(crate) struct Sites {
    /// The page's address, where the box has one.
    pub(crate) page: Option<String>,
    /// The folder on `/data`.
    pub(crate) folder: PathBuf,
    /// The folder that stands for `/`.
    pub(crate) root: PathBuf,
    /// The program that asks systemd.
    pub(crate) systemctl: PathBuf,
}

/// Reads again and again, until nobody takes the readings any more.
pub(crate) async fn observe(sites: Sites, readings: mpsc::Sender<Reading>) {
    let data = data(&sites);
    if readings.send(Reading::Data(data)).await.is_err() {
        return;
    }
    // Each question comes by a connection of its own: whether the page takes one is asked, too.
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .pool_max_idle_per_host(0)
        .build();
    loop {
        let page = page(&client, sites.page.as_deref());
        let (system, page) = tokio::join!(system(&sites.systemctl), page);
        for reading in [Some(system), page].into_iter().flatten() {
            if readings.send(reading).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What systemd says of the system.
pub(crate) async fn system(program: &Path) -> Reading {
    let failed = systemctl(
        program,
        &[
            "list-units",
            "--state=failed",
            "--plain",
            "--no-legend",
            "--no-pager",
        ],
    )
    .await;
    let state = systemctl(program, &["is-system-running"]).await;
    let failed = failed.unwrap_or_default();
    let units = failed.lines().filter_map(|line| line.split_whitespace().next());
    Reading::System {
        state: match state {
            Ok(state) if !state.trim().is_empty() => state.trim().chars().take(40).collect(),
            Ok(_) => "silent".to_owned(),
            Err(error) => format!("not to be asked: {error}"),
        },
        failed: units.map(str::to_owned).collect(),
    }
}

async fn systemctl(program: &Path, arguments: &[&str]) -> io::Result<String> {
    let output = Command::new(program).args(arguments).kill_on_drop(true).output();
    let output = tokio::time::timeout(PATIENCE, output)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    // A system that is not wholly well is told by the exit status too: the words count.
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

async fn page(client: &reqwest::Result<reqwest::Client>, address: Option<&str>) -> Option<Reading> {
    let address = address?;
    let response = match client {
        Ok(client) => client.get(address).send().await.ok(),
        Err(_) => None,
    };
    Some(Reading::Page(match response {
        Some(response) if response.status().is_success() => Ok(()),
        Some(response) => Err(format!("the page answers {}", response.status())),
        None => Err("the page does not answer".to_owned()),
    }))
}

fn data(sites: &Sites) -> Result<(), String> {
    if let Ok(reason) = fs::read_to_string(sites.root.join("run/amora-data-lost")) {
        return Err(format!("`/data` is lost: {}", reason.trim()));
    }
    write_and_read(&sites.folder.join("trial")).map_err(|error| format!("`/data` takes no file: {error}"))
}

fn write_and_read(path: &Path) -> io::Result<()> {
    let content = b"written by a system on trial\n";
    amora_router::private_file::write(path, content)?;
    let read = fs::read(path)?;
    fs::remove_file(path)?;
    match read == content {
        true => Ok(()),
        false => Err(io::Error::other("what was read is not what was written")),
    }
}

/// The doors to the outside that are connected.
pub(crate) fn links(state: &State) -> Vec<String> {
    LINKS
        .into_iter()
        .filter(|link| {
            let health = state.system.health.get(*link);
            health.is_some_and(|health| health.condition == Condition::Ok)
        })
        .map(str::to_owned)
        .collect()
}

/// Plays the tone and listens for it. A box without ears hears nothing.
pub(crate) async fn tone(router: &Router) -> Result<bool, String> {
    match router
        .execute(AudioCommand::Test(TestSound::default()).into())
        .await
    {
        Ok(Reply::SoundTest(report)) => Ok(report.listened && report.pass),
        Ok(_) => Err("the sound test answers something else".to_owned()),
        Err(error) => Err(error.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amora_contract::state::Health;

    #[test]
    fn data_is_proved_by_a_file() {
        let root = tempfile::tempdir().unwrap();
        let sites = |folder: &str| Sites {
            page: None,
            folder: root.path().join(folder),
            root: root.path().to_owned(),
            systemctl: PathBuf::from("systemctl"),
        };
        assert_eq!(data(&sites("update")), Ok(()));
        fs::write(root.path().join("file"), b"").unwrap();
        assert!(data(&sites("file/update")).is_err());
        fs::create_dir(root.path().join("run")).unwrap();
        fs::write(root.path().join("run/amora-data-lost"), b"no partition\n").unwrap();
        assert_eq!(
            data(&sites("update")),
            Err("`/data` is lost: no partition".to_owned())
        );
    }

    #[test]
    fn a_link_counts_when_it_is_well() {
        let mut state = State::default();
        let health = |condition| Health {
            condition,
            ..Health::default()
        };
        state
            .system
            .health
            .insert("mqtt".to_owned(), health(Condition::Degraded));
        state
            .system
            .health
            .insert("web".to_owned(), health(Condition::Ok));
        assert!(links(&state).is_empty());
        state
            .system
            .health
            .insert("mqtt".to_owned(), health(Condition::Ok));
        assert_eq!(links(&state), ["mqtt"]);
        state
            .system
            .health
            .insert("iot_hub".to_owned(), health(Condition::Ok));
        assert_eq!(links(&state), ["mqtt", "iot_hub"]);
        let settings = amora_contract::config::settings();
        for link in LINKS {
            assert!(
                settings.contains_key(link),
                "a part is called what its section is: {link}"
            );
        }
    }
}
