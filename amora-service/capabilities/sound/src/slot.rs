//! Which card the configuration means.

use amora_audio::card::CardSlot;
use amora_audio::card::alsa::{self, AlsaSlot};
use amora_audio::card::null::NullSlot;
use amora_audio::card::room::{Pace, RoomSlot};
use amora_contract::config::{AudioConfig, CardKind};

/// A place for a card.
pub(crate) struct Chosen {
    pub(crate) slot: Box<dyn CardSlot>,
    /// Why the room stands in for a card that nobody asked to be simulated.
    pub(crate) stand_in: Option<String>,
}

/// Chooses the slot. May look at the system, so not where waiting is forbidden.
pub(crate) fn choose(config: &AudioConfig) -> Chosen {
    let (slot, stand_in): (Box<dyn CardSlot>, _) = match config.card {
        CardKind::Alsa => (Box::new(AlsaSlot::new(config)), None),
        CardKind::Room => (room(config), None),
        CardKind::Null => (
            Box::new(NullSlot::new(config.rate, config.period, config.periods)),
            None,
        ),
        CardKind::Auto if config.device != "auto" => (Box::new(AlsaSlot::new(config)), None),
        CardKind::Auto => match alsa::find() {
            Ok(_) => (Box::new(AlsaSlot::new(config)), None),
            Err(why) => (room(config), Some(why)),
        },
    };
    Chosen { slot, stand_in }
}

fn room(config: &AudioConfig) -> Box<dyn CardSlot> {
    Box::new(RoomSlot::new(
        &config.room,
        config.rate,
        config.period,
        config.periods,
        Pace::RealTime,
    ))
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
        assert_eq!(chosen.slot.kind() == "room", chosen.stand_in.is_some());
        assert_eq!(chosen.stand_in.is_some(), alsa::find().is_err());
    }
}
