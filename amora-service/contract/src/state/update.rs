//! The update section of the state.

use crate::config::RestartPolicy;
use crate::units::{Bytes, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Updates of the whole image.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UpdateState {
    /// Why this box cannot be updated, in plain words; absent where it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
    /// What is going on.
    pub phase: UpdatePhase,
    /// Version of the running image; empty where it is not an image of ours.
    pub version: String,
    /// The slot that the running image was started from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    /// The update being installed, or installed and waiting for the restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<UpdateInstall>,
    /// The restart that the installed update waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<PendingRestart>,
    /// The trial of the running image, until it is kept or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
    /// How the last update ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<UpdateOutcome>,
}

/// What is going on with updates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpdatePhase {
    /// Nothing.
    #[default]
    Idle,
    /// Looking whether the box is fit for an update and the update for the box.
    Checking,
    /// Writing to the other slot, while the rest of the update is still on its way.
    Installing,
    /// Installed; the box restarts into it when `restart` says.
    Installed,
    /// Restarting into the update.
    Restarting,
    /// The running image is new and proves itself.
    Trial,
}

/// One of the two places for a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

impl Slot {
    /// The one that is not this.
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// `a` or `b`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }
}

/// An update being installed, or installed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UpdateInstall {
    /// Where it comes from.
    pub source: UpdateSource,
    /// Its address without user and query, for an update that is fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The caller's own word for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Its version; absent until its description was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The slot that it is written to.
    pub slot: Slot,
    /// How much of it is done, 0 to 100.
    #[schemars(range(max = 100))]
    pub percent: u8,
    /// Bytes that arrived.
    pub received: Bytes,
    /// Bytes in all, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Bytes>,
    /// What SWUpdate is writing, for example `rootfs.squashfs`; empty before it writes.
    pub part: String,
    /// Why it stands still at the moment, in plain words; absent while it moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<String>,
    /// Why the full image is taken in place of the delta that was asked for, in plain words; absent where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
}

/// Where an update comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpdateSource {
    /// Fetched from an address.
    Url,
    /// Sent by a person through the page or `amoractl`.
    Upload,
    /// Ordered by a hawkBit server.
    Hawkbit,
    /// Ordered by Device Update for IoT Hub.
    DeviceUpdate,
    /// Brought to SWUpdate by something else.
    #[default]
    Other,
}

/// The restart that an installed update waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PendingRestart {
    /// When the box restarts.
    pub policy: RestartPolicy,
    /// What it still waits for, in plain words; empty when nothing.
    pub waiting_for: String,
    /// When it restarts at the latest, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// The trial of the running image.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trial {
    /// Which start of the new image this is.
    pub tries: u32,
    /// Starts that it is allowed.
    pub limit: u32,
    /// When it is given up unless every check has passed.
    pub deadline: Timestamp,
    /// The checks, in the order in which they are shown.
    pub checks: Vec<TrialCheck>,
}

/// One check of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrialCheck {
    /// What is checked.
    pub check: Check,
    /// Where it stands.
    pub result: CheckResult,
    /// What it saw last, in plain words.
    pub seen: String,
}

/// What a trial checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The system is up and no unit of it has failed.
    System,
    /// The card is open, samples move without a gap, and a tone is heard where there is a microphone.
    Sound,
    /// The box's own page answers.
    Page,
    /// What the box was connected to before the update is reached again.
    Cloud,
    /// `/data` takes what is written to it.
    Data,
}

/// Where a check stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// Not decided yet.
    #[default]
    Waiting,
    /// All is well.
    Passed,
    /// It will not get well.
    Failed,
    /// There is nothing to check on this box.
    Skipped,
}

/// How an update ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UpdateOutcome {
    /// In one word.
    pub outcome: Outcome,
    /// The kind of reason, for programs; absent for an update that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<UpdateCause>,
    /// The reason, in plain words; empty for an update that was kept.
    pub reason: String,
    /// What to do about it; empty when there is nothing to do.
    pub next_step: String,
    /// The check of the trial that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Check>,
    /// What that check saw, or the last words of the system that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
    /// Where the update came from.
    pub source: UpdateSource,
    /// The caller's own word for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The version that ran before.
    pub from_version: String,
    /// The version of the update, where it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_version: Option<String>,
    /// The slot that it was written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    /// Why the full image was taken in place of the delta that was asked for, in plain words; absent where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// Times that it was started.
    pub tries: u32,
    /// When this was decided.
    pub at: Timestamp,
}

/// How an update ended, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It proved itself and stays.
    Kept,
    /// It did not prove itself; the box went back to the slot before it.
    RolledBack,
    /// It was not let in: nothing was changed.
    Refused,
    /// It could not be brought here or written whole; the running system was not touched.
    Failed,
    /// Somebody called it off.
    Cancelled,
}

/// Why an update was refused, failed or was rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpdateCause {
    /// The file is not an update, or its description cannot be read.
    Malformed,
    /// The file ends too early.
    Truncated,
    /// The file has no signature.
    NotSigned,
    /// The signature is not by anybody whom this box trusts.
    WrongSigner,
    /// It is made for another board.
    WrongBoard,
    /// It is older than what this box may run.
    Downgrade,
    /// It is larger than this box takes.
    TooBig,
    /// A part of it is not what its signed description promises, or the file is not the one that was announced.
    Corrupt,
    /// It could not be fetched.
    Download,
    /// SWUpdate refused it or could not write it, for a reason that is not among these.
    Installer,
    /// The supply voltage was too low.
    UnderVoltage,
    /// The board's own boot loader is too old.
    BootLoader,
    /// The card is worn out.
    Card,
    /// `/data` has no room or takes no writes.
    Space,
    /// The clock is wrong by years.
    Clock,
    /// The kernel of the new system panicked.
    Panic,
    /// The new system has no `init` that can be started.
    MissingInit,
    /// The new system's root file system is not what its signed hash promises.
    CorruptRoot,
    /// The new system stood still until the watchdog restarted the box.
    Watchdog,
    /// The new system's kernel never came so far as to start its first program, and left no word.
    NeverStarted,
    /// The new system started, but never came so far as to check itself.
    NeverReady,
    /// A check of the trial failed.
    CheckFailed,
    /// Somebody asked for it.
    Asked,
    /// Nothing on the box tells.
    Unknown,
}
