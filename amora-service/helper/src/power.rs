//! Restarting and switching off, by way of systemd, so that everything ends in good order.

use crate::request::Power;
use crate::slot::tryboot;
use crate::{Answer, HelperError, Places};
use std::process::Command;

pub(crate) fn carry_out(request: Power, places: &Places) -> Result<Answer, HelperError> {
    systemctl(&arguments(request, tryboot::in_use(places)))?;
    Ok(Answer::Done)
}

/// Restarts.
pub(crate) fn restart() -> Result<(), HelperError> {
    systemctl(&["--no-block", "reboot"])
}

fn arguments(request: Power, tryboot: bool) -> Vec<&'static str> {
    match request {
        Power::Restart { trial: true } if tryboot => {
            vec!["--no-block", "reboot", "--reboot-argument=0 tryboot"]
        }
        Power::Restart { .. } => vec!["--no-block", "reboot"],
        Power::PowerOff {} => vec!["--no-block", "poweroff"],
    }
}

fn systemctl(arguments: &[&str]) -> Result<(), HelperError> {
    let failed = |cause: String| HelperError::Program {
        program: "systemctl",
        cause,
    };
    let output = Command::new("systemctl")
        .args(arguments)
        .output()
        .map_err(|error| failed(error.to_string()))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_is_told_to_the_firmware_only_where_it_wants_to_be_told() {
        let trial = Power::Restart { trial: true };
        assert_eq!(arguments(trial, false), ["--no-block", "reboot"]);
        assert_eq!(
            arguments(trial, true),
            ["--no-block", "reboot", "--reboot-argument=0 tryboot"]
        );
        assert_eq!(
            arguments(Power::Restart { trial: false }, true),
            ["--no-block", "reboot"]
        );
        assert_eq!(arguments(Power::PowerOff {}, true), ["--no-block", "poweroff"]);
    }
}
