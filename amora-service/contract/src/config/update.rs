//! Updates of the whole image.

use crate::units::{Bytes, Seconds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Updates of the whole image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UpdateConfig {
    /// When to restart into an installed update.
    #[schemars(extend("x-remote" = true))]
    pub restart: RestartPolicy,
    /// How long nothing may have sounded for the box to count as idle.
    #[schemars(extend("minimum" = 0, "maximum" = 86_400, "x-remote" = true))]
    pub idle: Seconds,
    /// The hours for a restart by `window`, in local time, for example `03:00-05:00`.
    #[schemars(extend("x-remote" = true))]
    pub window: String,
    /// Largest update taken.
    #[schemars(extend("minimum" = 1_048_576, "maximum" = 1_099_511_627_776_i64))]
    pub max_size: Bytes,
    /// How long a download that was cut is tried again before it is given up.
    #[schemars(extend("minimum" = 1, "maximum" = 86_400, "x-remote" = true))]
    pub download_patience: Seconds,
    /// Certificates of the servers that updates are fetched from, PEM; the system's when missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// How long a new system may take to prove itself.
    #[schemars(extend("minimum" = 10, "maximum" = 3_600))]
    pub trial_deadline: Seconds,
    /// How long sound must flow without a gap for a new system to be kept.
    #[schemars(extend("minimum" = 1, "maximum" = 600))]
    pub trial_sound: Seconds,
    /// Play a tone in the trial and listen for it, on a box that has a microphone.
    pub trial_tone: bool,
    /// Oldest boot loader of the board (EEPROM) that an update is installed on, as `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_boot_loader: Option<String>,
    /// Folder of SWUpdate's sockets.
    pub swupdate: PathBuf,
    /// Folder of the sockets of `amora-helper`.
    pub helper: PathBuf,
}

impl Default for UpdateConfig {
    fn default() -> Self {
        Self {
            restart: RestartPolicy::Idle,
            idle: Seconds(60.0),
            window: "03:00-05:00".to_owned(),
            max_size: Bytes(2 << 30),
            download_patience: Seconds(900.0),
            ca_file: None,
            trial_deadline: Seconds(300.0),
            trial_sound: Seconds(10.0),
            trial_tone: true,
            oldest_boot_loader: None,
            swupdate: PathBuf::from("/run/swupdate"),
            helper: PathBuf::from("/run/amora-helper"),
        }
    }
}

impl UpdateConfig {
    /// The hours for a restart; `None` when they cannot be read.
    pub fn hours(&self) -> Option<Hours> {
        let (from, to) = self.window.split_once('-')?;
        Some(Hours {
            from: minute(from)?,
            to: minute(to)?,
        })
    }
}

/// A part of each day; it may run past midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// First minute of the day.
    pub from: u16,
    /// First minute that is no longer in it.
    pub to: u16,
}

impl Hours {
    /// Whether a minute of the day is in it.
    pub const fn contains(self, minute: u16) -> bool {
        if self.from <= self.to {
            self.from <= minute && minute < self.to
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let number = |text: &str| match text.len() {
        2 if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse::<u16>().ok(),
        _ => None,
    };
    match (number(hours)?, number(minutes)?) {
        (hours @ 0..=23, minutes @ 0..=59) => Some(hours * 60 + minutes),
        _ => None,
    }
}

/// When to restart into an installed update.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RestartPolicy {
    /// At once.
    Now,
    /// When nothing has sounded for a while.
    #[default]
    Idle,
    /// Within the hours of `window`, once nothing has sounded for a while; at the end of the hours in any case.
    Window,
    /// When somebody says so.
    Manual,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(window: &str) -> Option<Hours> {
        let window = window.to_owned();
        UpdateConfig {
            window,
            ..UpdateConfig::default()
        }
        .hours()
    }

    #[test]
    fn hours_may_run_past_midnight() {
        let night = hours("23:30-01:00").unwrap();
        assert!(night.contains(23 * 60 + 30));
        assert!(night.contains(0));
        assert!(!night.contains(60));
        assert!(!night.contains(12 * 60));
        let morning = hours("03:00-05:00").unwrap();
        assert!(morning.contains(180) && !morning.contains(300) && !morning.contains(179));
    }

    #[test]
    fn what_is_no_time_of_day_is_refused() {
        for wrong in [
            "",
            "3-5",
            "03:00",
            "24:00-05:00",
            "03:60-05:00",
            "+3:00-05:00",
            "03:00-05:00-07:00",
        ] {
            assert_eq!(hours(wrong), None, "{wrong}");
        }
    }
}
