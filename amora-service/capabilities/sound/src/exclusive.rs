//! Exclusive mode: who has the card, and when it changes hands. No I/O.

use amora_audio::engine::CardPhase;
use amora_contract::state::CardOwner;
use std::time::{Duration, Instant};

/// Quiet before the card is given away, so that it does not go to and fro between two sentences.
const QUIET: Duration = Duration::from_secs(2);

/// How long the player may take to let go of the card.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the engine is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Close the card.
    Release,
    /// Open it again.
    Resume,
}

/// Who has the card.
#[derive(Debug)]
pub(crate) struct Exclusive {
    wanted: bool,
    owner: CardOwner,
    releasing: bool,
    needed_at: Option<Instant>,
    asked_back: Option<Instant>,
}

impl Exclusive {
    pub(crate) fn new(wanted: bool) -> Self {
        Self {
            wanted,
            owner: CardOwner::Engine,
            releasing: false,
            needed_at: None,
            asked_back: None,
        }
    }

    /// Asks for exclusive mode, or ends it.
    pub(crate) fn want(&mut self, wanted: bool) {
        self.wanted = wanted;
    }

    pub(crate) fn wanted(&self) -> bool {
        self.wanted
    }

    pub(crate) fn owner(&self) -> CardOwner {
        self.owner
    }

    /// Looks at how things are. `needed` says that something other than the player's music must sound.
    pub(crate) fn step(&mut self, now: Instant, phase: CardPhase, needed: bool) -> Option<Act> {
        if needed {
            self.needed_at = Some(now);
        }
        let keep = needed || !self.wanted;
        match self.owner {
            CardOwner::Engine if self.releasing && keep => {
                self.releasing = false;
                Some(Act::Resume)
            }
            CardOwner::Engine if self.releasing => {
                if phase == CardPhase::Released {
                    self.releasing = false;
                    self.owner = CardOwner::Player;
                }
                None
            }
            CardOwner::Engine => {
                let quiet = self
                    .needed_at
                    .is_none_or(|at| now.saturating_duration_since(at) >= QUIET);
                let release = !keep && quiet;
                self.releasing = release;
                release.then_some(Act::Release)
            }
            CardOwner::Player if keep => {
                self.owner = CardOwner::Returning;
                self.asked_back = Some(now);
                Some(Act::Resume)
            }
            CardOwner::Player => None,
            CardOwner::Returning => {
                if phase == CardPhase::Running {
                    self.owner = CardOwner::Engine;
                }
                None
            }
        }
    }

    /// Whether the player may still be letting go, so that a card in use is no fault yet.
    pub(crate) fn is_patient(&self, now: Instant) -> bool {
        self.owner == CardOwner::Returning
            && self
                .asked_back
                .is_some_and(|at| now.saturating_duration_since(at) < PATIENCE)
    }
}

#[cfg(test)]
mod tests;
