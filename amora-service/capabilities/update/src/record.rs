//! What outlives a restart: the update that is being tried, and how the last one ended. Each is a file on `/data`,
//! written whole or not at all.

use crate::device_update::Kept;
use crate::error::UpdateError;
use crate::hawkbit::Report;
use amora_contract::config::RestartPolicy;
use amora_contract::state::{Check, Slot, UpdateCause, UpdateOutcome, UpdateSource};
use amora_contract::units::Timestamp;
use amora_router::private_file;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Longest record read. They are ours, but `/data` may be damaged.
const LONGEST: u64 = 256 * 1024;

/// The newest package of Device Update's root keys, and what was reported to it last of a deployment's end.
const ROOT_KEYS: &str = "root-keys.json";
const FINAL_REPORT: &str = "final-report.json";

/// An update that is installed and not yet kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) source: UpdateSource,
    #[serde(default)]
    pub(crate) url: Option<String>,
    #[serde(default)]
    pub(crate) reference: Option<String>,
    /// The hawkBit server's number of it.
    #[serde(default)]
    pub(crate) action: Option<u32>,
    pub(crate) from_version: String,
    #[serde(default)]
    pub(crate) to_version: Option<String>,
    pub(crate) from_slot: Slot,
    pub(crate) to_slot: Slot,
    pub(crate) restart: RestartPolicy,
    pub(crate) started_at: Timestamp,
    /// When the box was restarted into it.
    #[serde(default)]
    pub(crate) restarted_at: Option<Timestamp>,
    pub(crate) before: Baseline,
    /// Why the full image was taken in place of a delta.
    #[serde(default)]
    pub(crate) fallback: Option<String>,
    /// Why its trial was given up, written before that was done.
    #[serde(default)]
    pub(crate) given_up: Option<GivenUp>,
}

/// How the box was before an update.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Baseline {
    /// Units that had failed.
    pub(crate) failed_units: Vec<String>,
    /// Whether sound flowed.
    pub(crate) sound: bool,
    /// Whether the box heard its own tone.
    pub(crate) tone: bool,
    /// The doors to the outside that were connected.
    pub(crate) links: Vec<String>,
    /// Last words of kernels that were there already.
    pub(crate) last_words: Vec<String>,
}

/// Why a trial was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GivenUp {
    pub(crate) cause: UpdateCause,
    #[serde(default)]
    pub(crate) check: Option<Check>,
    #[serde(default)]
    pub(crate) seen: Option<String>,
    pub(crate) reason: String,
    pub(crate) tries: u32,
}

/// The folder of the records.
#[derive(Debug, Clone)]
pub(crate) struct Records(PathBuf);

impl Records {
    pub(crate) fn new(data: &Path) -> Self {
        Self(data.join("update"))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    pub(crate) fn pending(&self) -> Option<Pending> {
        self.read("pending.json")
    }

    pub(crate) fn last(&self) -> Option<UpdateOutcome> {
        self.read("last.json")
    }

    pub(crate) fn save_pending(&self, pending: &Pending) -> Result<(), UpdateError> {
        self.write("pending.json", pending)
    }

    /// How the last update ended that Device Update ordered, whatever others have installed since.
    pub(crate) fn deployment(&self) -> Option<UpdateOutcome> {
        self.read("deployment.json")
    }

    /// How an update ended.
    pub(crate) fn save_end(&self, outcome: &UpdateOutcome) -> Result<(), UpdateError> {
        if outcome.source == UpdateSource::DeviceUpdate {
            self.write("deployment.json", outcome)?;
        }
        self.write("last.json", outcome)
    }

    /// What the agent of Device Update keeps.
    pub(crate) fn kept(&self) -> Kept {
        Kept {
            root_keys: self.text(ROOT_KEYS),
            report: self.text(FINAL_REPORT),
        }
    }

    pub(crate) fn save_root_keys(&self, package: &str) -> Result<(), UpdateError> {
        self.write_text(ROOT_KEYS, package)
    }

    pub(crate) fn save_final_report(&self, report: &str) -> Result<(), UpdateError> {
        self.write_text(FINAL_REPORT, report)
    }

    /// What the hawkBit server is still to be told.
    pub(crate) fn report(&self) -> Option<Report> {
        self.read("report.json")
    }

    pub(crate) fn save_report(&self, report: &Report) -> Result<(), UpdateError> {
        self.write("report.json", report)
    }

    pub(crate) fn forget_report(&self) -> Result<(), UpdateError> {
        self.forget(&["report.json"])
    }

    /// Forgets the update that was tried, and the notes of its starts.
    pub(crate) fn forget_pending(&self) -> Result<(), UpdateError> {
        self.forget(&["pending.json", "boots"])
    }

    fn forget(&self, names: &[&str]) -> Result<(), UpdateError> {
        for name in names {
            let path = self.0.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(UpdateError::Record { path, cause: error });
                }
                _ => {}
            }
        }
        let synced = fs::File::open(&self.0).and_then(|folder| folder.sync_all());
        match synced {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(UpdateError::Record {
                path: self.0.clone(),
                cause,
            }),
            _ => Ok(()),
        }
    }

    /// The notes of starts: slot, try, how far it got.
    pub(crate) fn boots(&self) -> String {
        self.text("boots").unwrap_or_default()
    }

    /// The lowest version that is let in.
    pub(crate) fn floor(&self) -> Option<String> {
        let floor = self.text("floor")?;
        Some(floor.trim().to_owned()).filter(|floor| !floor.is_empty())
    }

    pub(crate) fn save_floor(&self, version: &str) -> Result<(), UpdateError> {
        self.write_text("floor", &format!("{version}\n"))
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let text = self.text(name)?;
        match serde_json::from_str(&text) {
            Ok(record) => Some(record),
            Err(error) => {
                tracing::warn!(name, %error, "a record of an update cannot be read");
                None
            }
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        let path = self.0.join(name);
        match fs::metadata(&path) {
            Ok(about) if about.len() <= LONGEST => fs::read_to_string(path).ok(),
            _ => None,
        }
    }

    fn write(&self, name: &str, record: &impl Serialize) -> Result<(), UpdateError> {
        match serde_json::to_string_pretty(record) {
            Ok(text) => self.write_text(name, &text),
            Err(error) => Err(UpdateError::Record {
                path: self.0.join(name),
                cause: error.into(),
            }),
        }
    }

    fn write_text(&self, name: &str, text: &str) -> Result<(), UpdateError> {
        let path = self.0.join(name);
        private_file::write(&path, text.as_bytes()).map_err(|cause| UpdateError::Record { path, cause })
    }
}
