//! U-Boot, through its environment and `fw_printenv` and `fw_setenv`.

use super::{BootLoader, Slot, Status};
use crate::HelperError;
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Tries that a trial has where the environment does not say.
const LIMIT: u32 = 3;

/// U-Boot's environment.
pub struct UBoot {
    environment: PathBuf,
}

impl UBoot {
    /// The environment that this file (`fw_env.config`) tells about.
    pub fn new(environment: &Path) -> Self {
        Self {
            environment: environment.to_owned(),
        }
    }

    fn read(&self) -> Result<HashMap<String, String>, HelperError> {
        let failed = |cause: String| HelperError::Program {
            program: "fw_printenv",
            cause,
        };
        let output = Command::new("fw_printenv")
            .arg("-c")
            .arg(&self.environment)
            .output()
            .map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        Ok(variables(&String::from_utf8_lossy(&output.stdout)))
    }

    /// Writes several variables at once: the environment is the old one or the new one, never half of it.
    fn write(&self, variables: &[(&str, &str)]) -> Result<(), HelperError> {
        let failed = |cause: String| HelperError::Program {
            program: "fw_setenv",
            cause,
        };
        let mut child = Command::new("fw_setenv")
            .arg("-c")
            .arg(&self.environment)
            .args(["-s", "/dev/stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let script: String = variables
            .iter()
            .map(|(name, value)| format!("{name}={value}\n"))
            .collect();
        if let Some(mut input) = child.stdin.take() {
            input
                .write_all(script.as_bytes())
                .map_err(|error| failed(error.to_string()))?;
        }
        let output = child
            .wait_with_output()
            .map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        let written = self.read()?;
        let differs = variables
            .iter()
            .find(|(name, value)| written.get(*name).is_none_or(|read| read != value));
        match differs {
            None => Ok(()),
            Some((name, _)) => Err(failed(format!("`{name}` was not taken"))),
        }
    }
}

impl BootLoader for UBoot {
    fn status(&self, running: Slot) -> Result<Status, HelperError> {
        status(&self.read()?, running)
    }

    fn commit(&self, running: Slot) -> Result<(), HelperError> {
        self.write(&[
            ("amora_slot", running.name()),
            ("upgrade_available", "0"),
            ("bootcount", "0"),
            ("ustate", "0"),
        ])
    }

    fn give_up(&self, back: Slot) -> Result<(), HelperError> {
        self.write(&[
            ("amora_slot", back.name()),
            ("upgrade_available", "0"),
            ("bootcount", "0"),
            ("ustate", "3"),
        ])
    }
}

fn variables(text: &str) -> HashMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.trim_end().to_owned()))
        .collect()
}

fn status(variables: &HashMap<String, String>, running: Slot) -> Result<Status, HelperError> {
    let number = |name: &str, missing: u32| match variables.get(name).map(String::as_str) {
        None | Some("") => Ok(missing),
        Some(text) => text.parse().map_err(|_| {
            HelperError::State(format!(
                "`{name}` of the boot loader's environment is `{}`, not a number",
                text.chars().take(32).collect::<String>()
            ))
        }),
    };
    let next = match variables.get("amora_slot").map(String::as_str) {
        // Without the variable the boot loader starts the first slot.
        None | Some("") => Slot::A,
        Some(name) => Slot::named(name).ok_or_else(|| {
            HelperError::State(
                "`amora_slot` of the boot loader's environment is neither `a` nor `b`".to_owned(),
            )
        })?,
    };
    Ok(Status {
        slot: running,
        next,
        trial: number("upgrade_available", 0)? == 1,
        tries: number("bootcount", 0)?,
        limit: number("bootlimit", LIMIT)?,
        ustate: number("ustate", 0)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_tells_how_the_slots_stand() {
        let text =
            "altbootcmd=run bootcmd\namora_slot=b\nbootcount=2\nbootlimit=3\nupgrade_available=1\nustate=1\n";
        let expected = Status {
            slot: Slot::B,
            next: Slot::B,
            trial: true,
            tries: 2,
            limit: 3,
            ustate: 1,
        };
        assert_eq!(status(&variables(text), Slot::B).unwrap(), expected);
        let fresh = status(&variables(""), Slot::A).unwrap();
        assert_eq!((fresh.next, fresh.trial, fresh.limit), (Slot::A, false, 3));
        assert!(status(&variables("amora_slot=c\n"), Slot::A).is_err());
        assert!(status(&variables("bootcount=many\n"), Slot::A).is_err());
    }
}
