//! Which cards there are, and which of them is meant.

use super::errors;
use super::profiles::{PLAIN, Profile};
use crate::card::CardError;
use alsa::card::Iter;
use alsa::ctl::{Ctl, DeviceIter};
use alsa::{Card, Direction};
use amora_contract::config::AudioConfig;

/// A card as ALSA shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SoundCard {
    /// Its number, which changes with the order in which cards are found.
    pub(super) index: i32,
    /// Its short name, which stays: the `CARD=` of a device.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) driver: String,
    /// Numbers of the devices that play.
    pub(super) playback: Vec<u32>,
    /// Numbers of the devices that record.
    pub(super) capture: Vec<u32>,
}

impl SoundCard {
    /// Every card there is.
    pub(super) fn all() -> Vec<Self> {
        Iter::new().filter_map(|card| Self::of(card.ok()?)).collect()
    }

    fn of(card: Card) -> Option<Self> {
        let control = Ctl::from_card(&card, true).ok()?;
        let info = control.card_info().ok()?;
        let devices = |direction| {
            DeviceIter::new(&control)
                .filter_map(|device| u32::try_from(device).ok())
                .filter(|&device| control.pcm_info(device, 0, direction).is_ok())
                .collect()
        };
        Some(Self {
            index: card.get_index(),
            id: info.get_id().ok()?.to_owned(),
            name: info.get_name().ok()?.to_owned(),
            driver: info.get_driver().ok()?.to_owned(),
            playback: devices(Direction::Playback),
            capture: devices(Direction::Capture),
        })
    }
}

/// A sound card of this machine, and the board that it is known to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCard {
    /// What `audio.device` would call it: `hw:CARD=` and the name that stays.
    pub device: String,
    /// The name that its driver gives it.
    pub name: String,
    /// Whether it can play.
    pub plays: bool,
    /// Whether it can record.
    pub records: bool,
    /// The key of the board's profile; none for a board that is not known.
    pub profile: Option<&'static str>,
    /// What people call the board; none for one that is not known.
    pub board: Option<&'static str>,
}

impl FoundCard {
    fn new(card: &SoundCard, hat: &str) -> Self {
        let profile = Profile::of(card, hat);
        Self {
            device: pcm("hw", card, 0),
            name: card.name.clone(),
            plays: !card.playback.is_empty(),
            records: !card.capture.is_empty(),
            profile: profile.map(|profile| profile.key),
            board: profile.map(|profile| profile.name),
        }
    }
}

/// What to open.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choice {
    /// The PCM that plays.
    pub(super) playback: String,
    /// The PCM that records.
    pub(super) capture: Option<String>,
    /// The control device whose mixer belongs to the card; none for a PCM that is no card's.
    pub(super) mixer: Option<String>,
    pub(super) profile: &'static Profile,
    /// Why this one, in plain words.
    pub(super) why: String,
}

/// Chooses among `cards` what `device`, `capture_device` and `profile` of the configuration mean.
pub(super) fn choose(
    cards: &[SoundCard],
    hat: &str,
    device: &str,
    capture_device: &str,
    profile: &str,
) -> Result<Choice, CardError> {
    let fixed = match profile {
        "auto" | "" => None,
        name => Some(Profile::named(name).ok_or_else(|| unknown_profile(name))?),
    };
    let named = "the configuration names it".to_owned();
    let gone = || CardError::Gone(not_among(device, cards));
    let (card, number, why) = match Device::parse(device) {
        Device::Auto => {
            let (card, why) = best(cards, hat)?;
            (Some(card), first(&card.playback), why)
        }
        Device::Hardware { card, device: number } => {
            (Some(find(card, cards).ok_or_else(gone)?), number, named)
        }
        Device::Index(index) => {
            let card = cards.iter().find(|card| card.index == index).ok_or_else(gone)?;
            (Some(card), first(&card.playback), named)
        }
        Device::Word(word) => match called(word, cards, |card| &card.playback) {
            Some(card) => {
                let why = format!(
                    "`{}` is the first card that can play and is called `{word}`",
                    card.name
                );
                (Some(card), first(&card.playback), why)
            }
            None => (None, 0, named),
        },
        Device::Pcm => (None, 0, named),
    };
    let known = card.and_then(|card| Profile::of(card, hat));
    let profile = fixed.or(known).unwrap_or(&PLAIN);
    let playback = card.map_or_else(|| device.to_owned(), |card| pcm(profile.interface, card, number));
    let capture = match capture_device {
        "none" | "" => None,
        "auto" => card
            .filter(|_| profile.capture)
            .and_then(|card| Some(pcm("hw", card, *card.capture.first()?))),
        named => Some(recorder(named, cards)),
    };
    Ok(Choice {
        playback,
        capture,
        mixer: card.map(|card| format!("hw:CARD={}", card.id)),
        profile,
        why,
    })
}

/// What records, by its card's lasting name, so that it is found again after other cards have come or gone.
fn recorder(device: &str, cards: &[SoundCard]) -> String {
    let found = match Device::parse(device) {
        Device::Hardware { card, device: number } => find(card, cards).map(|card| (card, number)),
        Device::Index(index) => {
            let card = cards.iter().find(|card| card.index == index);
            card.map(|card| (card, first(&card.capture)))
        }
        Device::Word(word) => {
            called(word, cards, |card| &card.capture).map(|card| (card, first(&card.capture)))
        }
        Device::Auto | Device::Pcm => None,
    };
    found.map_or_else(|| device.to_owned(), |(card, number)| pcm("hw", card, number))
}

/// The card that the `hw:` of a device means.
fn find<'a>(card: &str, cards: &'a [SoundCard]) -> Option<&'a SoundCard> {
    let index = card.parse::<i32>();
    let mut cards = cards.iter();
    cards.find(|found| match index {
        Ok(index) => found.index == index,
        Err(_) => found.id == card,
    })
}

/// The first card with devices of a kind that has this name, or has it in its name.
fn called<'a>(
    word: &str,
    cards: &'a [SoundCard],
    devices: impl Fn(&SoundCard) -> &[u32],
) -> Option<&'a SoundCard> {
    let word = word.to_lowercase();
    let able = || cards.iter().filter(|card| !devices(card).is_empty());
    let names = |card: &SoundCard| [card.id.to_lowercase(), card.name.to_lowercase()];
    able()
        .find(|card| names(card).contains(&word))
        .or_else(|| able().find(|card| names(card).iter().any(|name| name.contains(&word))))
}

/// The first of a card's devices.
fn first(devices: &[u32]) -> u32 {
    devices.first().copied().unwrap_or(0)
}

fn pcm(interface: &str, card: &SoundCard, device: u32) -> String {
    match device {
        0 => format!("{interface}:CARD={}", card.id),
        device => format!("{interface}:CARD={},DEV={device}", card.id),
    }
}

/// What a device's name says.
enum Device<'a> {
    Auto,
    Hardware {
        card: &'a str,
        device: u32,
    },
    /// A card's number.
    Index(i32),
    /// A card's name or a part of it, or the name of a PCM of ALSA's configuration.
    Word(&'a str),
    /// Any other PCM.
    Pcm,
}

impl<'a> Device<'a> {
    fn parse(text: &'a str) -> Self {
        if matches!(text, "auto" | "") {
            return Self::Auto;
        }
        let Some(arguments) = text.strip_prefix("hw:") else {
            return match text.parse() {
                Ok(index) => Self::Index(index),
                Err(_) if text.contains(':') => Self::Pcm,
                Err(_) => Self::Word(text),
            };
        };
        let (mut card, mut device) = (None, Some(0));
        for (place, argument) in arguments.split(',').enumerate() {
            match (place, argument.split_once('=')) {
                (_, Some(("CARD", name))) | (0, Some((name, ""))) => card = Some(name),
                (_, Some(("DEV", number))) => device = number.parse().ok(),
                (0, None) => card = Some(argument),
                (1, None) => device = argument.parse().ok(),
                _ => return Self::Pcm,
            }
        }
        match (card, device) {
            (Some(card), Some(device)) if !card.is_empty() => Self::Hardware { card, device },
            _ => Self::Pcm,
        }
    }
}

fn best<'a>(cards: &'a [SoundCard], hat: &str) -> Result<(&'a SoundCard, String), CardError> {
    let playing = || cards.iter().filter(|card| !card.playback.is_empty());
    let known = playing()
        .filter_map(|card| Some((card, Profile::of(card, hat)?)))
        .min_by_key(|(_, profile)| profile.rank());
    if let Some((card, profile)) = known {
        return Ok((
            card,
            format!("`{}` is a known board: {}", card.name, profile.name),
        ));
    }
    match playing().next() {
        Some(card) => Ok((card, format!("`{}` is the first card that can play", card.name))),
        None => Err(CardError::Gone(not_among("auto", cards))),
    }
}

fn not_among(device: &str, cards: &[SoundCard]) -> String {
    let wanted = match device {
        "auto" | "" => "a card that can play".to_owned(),
        device => format!("`{device}`"),
    };
    if cards.is_empty() {
        return format!(
            "{wanted} was asked for and there is no sound card at all; \
             check that the board sits firmly and that its overlay is loaded"
        );
    }
    let list: Vec<_> = cards
        .iter()
        .map(|card| format!("hw:CARD={} ({})", card.id, card.name))
        .collect();
    format!("{wanted} was asked for; there are {}", list.join(", "))
}

fn unknown_profile(name: &str) -> CardError {
    let keys: Vec<_> = super::profiles::PROFILES
        .iter()
        .map(|profile| profile.key)
        .collect();
    CardError::Unsupported(format!(
        "there is no profile `{name}`; there are {}, none",
        keys.join(", ")
    ))
}

/// The plugged-on board's product name; empty when there is none.
pub(super) fn hat() -> String {
    std::fs::read_to_string("/proc/device-tree/hat/product")
        .map(|product| product.trim_end_matches('\0').to_owned())
        .unwrap_or_default()
}

/// Whether ALSA has any card that can play, and its name for people.
pub(super) fn any() -> Result<String, String> {
    best(&SoundCard::all(), &hat())
        .map(|(_, why)| why)
        .map_err(|error| errors::reason(&error).to_owned())
}

/// What would be opened for a configuration, for people.
pub(super) fn choice(config: &AudioConfig) -> Result<String, String> {
    describe(&SoundCard::all(), &hat(), config).map_err(|error| errors::reason(&error).to_owned())
}

fn describe(cards: &[SoundCard], hat: &str, config: &AudioConfig) -> Result<String, CardError> {
    let choice = choose(
        cards,
        hat,
        &config.device,
        &config.capture_device,
        &config.profile,
    )?;
    let Choice {
        playback,
        profile,
        why,
        ..
    } = &choice;
    let listening = match &choice.capture {
        Some(capture) => format!("listens at `{capture}`"),
        None => "cannot listen".to_owned(),
    };
    Ok(format!(
        "plays to `{playback}` with the profile `{}`, {listening}: {why}",
        profile.key
    ))
}

/// Every card there is, in ALSA's order.
pub(super) fn cards() -> Vec<FoundCard> {
    let hat = hat();
    let cards = SoundCard::all();
    cards.iter().map(|card| FoundCard::new(card, &hat)).collect()
}

#[cfg(test)]
mod tests;
