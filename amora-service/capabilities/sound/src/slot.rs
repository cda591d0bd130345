//! Which card the configuration means.

use amora_audio::card::CardSlot;
use amora_audio::card::alsa::{self, AlsaSlot};
use amora_audio::card::null::NullSlot;
use amora_audio::card::room::{Pace, Room, RoomSlot};
use amora_contract::config::{AudioConfig, CardKind};

/// A place for a card.
pub(crate) struct Chosen {
    pub(crate) slot: Box<dyn CardSlot>,
    /// Why the room stands in for a card that nobody asked to be simulated.
    pub(crate) stand_in: Option<String>,
    /// The other side of the card, where it is a room.
    pub(crate) room: Option<Room>,
}

impl Chosen {
    fn card(slot: impl CardSlot + 'static) -> Self {
        Self {
            slot: Box::new(slot),
            stand_in: None,
            room: None,
        }
    }

    fn room(config: &AudioConfig, stand_in: Option<String>) -> Self {
        let slot = RoomSlot::new(
            &config.room,
            config.rate,
            config.period,
            config.periods,
            Pace::RealTime,
        );
        Self {
            stand_in,
            room: Some(slot.room()),
            slot: Box::new(slot),
        }
    }
}

/// Chooses the slot. May look at the system, so not where waiting is forbidden.
pub(crate) fn choose(config: &AudioConfig) -> Chosen {
    match config.card {
        CardKind::Alsa => Chosen::card(AlsaSlot::new(config)),
        CardKind::Room => Chosen::room(config, None),
        CardKind::Null => Chosen::card(NullSlot::new(config.rate, config.period, config.periods)),
        CardKind::Auto if config.device != "auto" => Chosen::card(AlsaSlot::new(config)),
        CardKind::Auto => match alsa::find() {
            Ok(_) => Chosen::card(AlsaSlot::new(config)),
            Err(why) => Chosen::room(config, Some(why)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(card: CardKind, device: &str) -> &'static str {
        let config = AudioConfig {
            card,
            device: device.to_owned(),
            ..AudioConfig::default()
        };
        choose(&config).slot.kind()
    }

    #[test]
    fn what_is_asked_for_is_taken() {
        assert_eq!(kind(CardKind::Alsa, "auto"), "alsa");
        assert_eq!(kind(CardKind::Room, "auto"), "room");
        assert_eq!(kind(CardKind::Null, "auto"), "null");
        assert_eq!(
            kind(CardKind::Auto, "hw:CARD=IQaudIODAC"),
            "alsa",
            "a named card is not stood in for"
        );
    }

    #[test]
    fn the_room_stands_in_exactly_where_there_is_no_card_and_says_why() {
        let chosen = choose(&AudioConfig::default());
        let is_room = chosen.slot.kind() == "room";
        assert_eq!(
            (is_room, is_room),
            (chosen.stand_in.is_some(), chosen.room.is_some())
        );
        assert_eq!(chosen.stand_in.is_some(), alsa::find().is_err());
    }
}
