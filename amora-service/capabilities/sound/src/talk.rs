//! Talking into the simulated room.

use amora_audio::card::room::Room;
use amora_router::SOUND_RATE;

/// Samples that may wait until the room hears them: one second.
const WAITING: usize = SOUND_RATE as usize;

/// Silence before what comes after a pause: 80 ms. Sound that a network delivers later than it should by less than this
/// leaves no gap.
const CUSHION: usize = SOUND_RATE as usize * 80 / 1000;

/// Says samples at [`SOUND_RATE`] into a room at that rate; how many there was room for. Into a room whose card is closed
/// nothing is said: it would be heard whenever it is opened.
pub(crate) fn say(room: &Room, samples: &[f32]) -> usize {
    if samples.is_empty() || !room.is_open() {
        return 0;
    }
    let waiting = match room.unheard() {
        0 => room.say(&[0.0; CUSHION]),
        waiting => waiting,
    };
    let free = WAITING.saturating_sub(waiting);
    room.say(&samples[..samples.len().min(free)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use amora_audio::card::CardSlot;
    use amora_audio::card::room::{Pace, RoomSlot};
    use amora_contract::config::RoomConfig;
    use amora_contract::units::{Decibels, Frames, Hertz};

    #[test]
    fn a_second_may_wait_and_what_follows_a_pause_comes_a_little_later_and_whole() {
        let config = RoomConfig {
            noise: Decibels(f32::NEG_INFINITY),
            ..RoomConfig::default()
        };
        let rate = Hertz(f64::from(SOUND_RATE));
        let mut slot = RoomSlot::new(&config, rate, Frames(480), 3, Pace::Free);
        let room = slot.room();
        assert_eq!(say(&room, &[0.5; 480]), 0, "nobody hears yet");
        let mut card = slot.open().unwrap();
        assert_eq!(say(&room, &[]), 0);
        assert_eq!(room.unheard(), 0);

        assert_eq!(say(&room, &[0.5; 40_000]), 40_000);
        assert_eq!(say(&room, &[0.25; 40_000]), WAITING - CUSHION - 40_000);
        assert_eq!(say(&room, &[0.25; 40_000]), 0);
        let mut heard = Vec::new();
        let mut input = [0.0; 960];
        while heard.len() < 2 * WAITING {
            let turn = card.turn(&[0.0; 960], &mut input).unwrap();
            heard.extend_from_slice(&input[..turn.captured.0 as usize]);
        }
        let start = heard.iter().position(|sample| *sample != 0.0).unwrap();
        let end = heard.iter().rposition(|sample| *sample != 0.0).unwrap();
        assert_eq!(start, CUSHION);
        assert_eq!(end + 1, WAITING);
        assert!(heard[start..start + 40_000].iter().all(|sample| *sample == 0.5));
        assert!(heard[start + 40_000..=end].iter().all(|sample| *sample == 0.25));
    }
}
