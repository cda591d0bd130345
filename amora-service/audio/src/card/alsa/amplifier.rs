//! The line that mutes a board's amplifier, so that nobody hears it being switched.

use super::profiles::Amplifier;
use gpiocdev::line::Value;
use gpiocdev::{Request, find_named_line};

/// An amplifier that is ours to mute; muted until told otherwise.
pub(super) struct Mute {
    request: Request,
}

impl Mute {
    /// Takes the line; `None` when the kernel's driver has it and mutes by itself.
    pub(super) fn take(amplifier: Amplifier) -> Result<Option<Self>, String> {
        let line = amplifier.line;
        let found = find_named_line(line)
            .ok_or_else(|| format!("there is no line `{line}` to unmute the amplifier with"))?;
        if found.info.used {
            return Ok(None);
        }
        Request::builder()
            .with_consumer("amora")
            .with_found_line(&found)
            .as_output(Value::Inactive)
            .request()
            .map(|request| Some(Self { request }))
            .map_err(|error| format!("line `{line}`, which unmutes the amplifier: {error}"))
    }

    /// Lets the amplifier sound, or not.
    pub(super) fn let_sound(&self, sound: bool) -> Result<(), String> {
        let value = if sound { Value::Active } else { Value::Inactive };
        self.request
            .set_lone_value(value)
            .map_err(|error| format!("the amplifier's mute: {error}"))
    }
}
