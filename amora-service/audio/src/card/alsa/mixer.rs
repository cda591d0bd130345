//! Puts a board's mixer where its profile wants it.

use super::profiles::{Control, Setting};
use alsa::Round;
use alsa::mixer::{MilliBel, Mixer, Selem, SelemChannelId, SelemId};

/// Sets every control. What could not be set is listed in plain words; sound may flow all the same.
pub(super) fn set_up(device: &str, controls: &[Control]) -> Vec<String> {
    if controls.is_empty() {
        return Vec::new();
    }
    let mixer = match Mixer::new(device, false) {
        Ok(mixer) => mixer,
        Err(error) => return vec![format!("the mixer of `{device}` can't be opened: {error}")],
    };
    controls
        .iter()
        .filter_map(|control| set(&mixer, control).err())
        .collect()
}

fn set(mixer: &Mixer, control: &Control) -> Result<(), String> {
    let Some(element) = mixer.find_selem(&SelemId::new(control.name, 0)) else {
        return match control.optional {
            true => Ok(()),
            false => Err(format!("the mixer has no control `{}`", control.name)),
        };
    };
    let result = match control.setting {
        Setting::Switch(on) => switch(&element, on),
        Setting::Decibels(decibels) => level(&element, decibels),
        Setting::Steps(steps) => volume(&element, steps),
        Setting::Item(item) => return choose(&element, control.name, item),
    };
    match result {
        Ok(true) => Ok(()),
        Ok(false) if control.optional => Ok(()),
        Ok(false) => Err(format!(
            "control `{}` can't be set to {:?}",
            control.name, control.setting
        )),
        Err(error) => Err(format!("control `{}`: {error}", control.name)),
    }
}

fn switch(element: &Selem<'_>, on: bool) -> alsa::Result<bool> {
    if element.has_playback_switch() {
        element.set_playback_switch_all(on.into())?;
    }
    if element.has_capture_switch() {
        element.set_capture_switch_all(on.into())?;
    }
    Ok(element.has_playback_switch() || element.has_capture_switch())
}

fn level(element: &Selem<'_>, decibels: f32) -> alsa::Result<bool> {
    if element.has_playback_volume() {
        // Never above what is meant: rounding up could clip.
        element.set_playback_db_all(MilliBel::from_db(decibels), Round::Floor)?;
    }
    Ok(element.has_playback_volume())
}

fn volume(element: &Selem<'_>, steps: i64) -> alsa::Result<bool> {
    if element.has_playback_volume() {
        let (least, most) = element.get_playback_volume_range();
        element.set_playback_volume_all(steps.clamp(least, most))?;
    }
    if element.has_capture_volume() {
        let (least, most) = element.get_capture_volume_range();
        element.set_capture_volume_all(steps.clamp(least, most))?;
    }
    Ok(element.has_volume())
}

fn choose(element: &Selem<'_>, control: &str, item: &str) -> Result<(), String> {
    let wrong = |error: alsa::Error| format!("control `{control}`: {error}");
    let items: Vec<_> = element
        .iter_enum()
        .map_err(wrong)?
        .filter_map(Result::ok)
        .collect();
    let Some(place) = items.iter().position(|known| known == item) else {
        return Err(format!(
            "control `{control}` knows no `{item}`, only {}",
            items.join(", ")
        ));
    };
    element
        .set_enum_item(SelemChannelId::FrontLeft, place as u32)
        .map_err(wrong)
}
