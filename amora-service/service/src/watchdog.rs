//! Whether the sound thread really turns: only then does the service tell systemd that it lives.

use amora_contract::state::{AudioState, CardOwner};

/// Compares the sound thread's period counter between looks.
#[derive(Debug, Default)]
pub(crate) struct SoundPulse {
    periods: Option<u64>,
}

impl SoundPulse {
    /// Whether the service may report itself alive. A card that is known to be away, or that belongs to the player
    /// for now, turns nothing and is no fault of the thread; a card said to be running must have turned since the
    /// last look.
    pub(crate) fn alive(&mut self, audio: Option<&AudioState>) -> bool {
        let Some(audio) = audio else { return true };
        let before = self.periods.replace(audio.counters.periods);
        let must_turn = audio.card.running && audio.owner == CardOwner::Engine;
        !must_turn || before.is_none_or(|before| before != audio.counters.periods)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audio(periods: u64, running: bool, owner: CardOwner) -> AudioState {
        let mut audio = AudioState {
            owner,
            ..AudioState::default()
        };
        audio.counters.periods = periods;
        audio.card.running = running;
        audio
    }

    #[test]
    fn a_running_card_must_turn() {
        let mut pulse = SoundPulse::default();
        assert!(pulse.alive(Some(&audio(10, true, CardOwner::Engine))));
        assert!(pulse.alive(Some(&audio(11, true, CardOwner::Engine))));
        assert!(!pulse.alive(Some(&audio(11, true, CardOwner::Engine))));
        assert!(
            pulse.alive(Some(&audio(12, true, CardOwner::Engine))),
            "it turns again"
        );
    }

    #[test]
    fn a_card_that_is_away_or_lent_need_not() {
        let mut pulse = SoundPulse::default();
        for _ in 0..3 {
            assert!(pulse.alive(Some(&audio(10, false, CardOwner::Engine))));
            assert!(pulse.alive(Some(&audio(10, true, CardOwner::Player))));
            assert!(pulse.alive(None));
        }
    }
}
