//! One volume: the box's, which MPD's clients see and set as MPD's.

use amora_contract::commands::{AudioCommand, SetBoxVolume};
use amora_contract::units::Volume;
use amora_contract::{CommandError, Reply};
use amora_router::Router;
use std::collections::VecDeque;
use std::pin::Pin;

/// Keeps MPD's number and the box's volume equal without echoes: a number that one side got from the other is not
/// news when it is read back.
#[derive(Debug, Default)]
pub(crate) struct VolumeSync {
    /// The number that both sides have, or are being given.
    agreed: Option<Volume>,
    /// The box's volume as last seen.
    box_volume: Option<Volume>,
    /// Whether the box is being given `agreed` now.
    in_flight: bool,
    /// MPD's number while another is in flight.
    waiting: Option<Volume>,
}

/// What has to be done to make the two equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alignment {
    /// Set the box's volume; call [`VolumeSync::box_was_set`] afterwards.
    SetBox(Volume),
    /// Set MPD's number.
    SetMpd(Volume),
}

impl VolumeSync {
    /// MPD's number was read.
    pub(crate) fn mpd_has(&mut self, volume: Option<Volume>) -> Option<Alignment> {
        let box_volume = self.box_volume?;
        let Some(volume) = volume else {
            self.agreed = None;
            return None;
        };
        match self.agreed {
            // MPD was away, or has just got a mixer: the box's volume is the one that people heard.
            None => {
                self.agreed = Some(box_volume);
                (volume != box_volume).then_some(Alignment::SetMpd(box_volume))
            }
            Some(agreed) if agreed == volume => None,
            Some(_) if self.in_flight => {
                self.waiting = Some(volume);
                None
            }
            Some(_) => Some(self.give_box(volume)),
        }
    }

    /// The box's volume was seen; `None` when the box has no sound section.
    pub(crate) fn box_has(&mut self, volume: Option<Volume>) -> Option<Alignment> {
        // While the box is being set, what it shows may be older than what it is being given.
        if self.in_flight || volume == self.box_volume {
            return None;
        }
        self.box_volume = volume;
        self.give_mpd(volume?)
    }

    /// The box was given the number (or refused it); `volume` is what it has now.
    pub(crate) fn box_was_set(&mut self, volume: Option<Volume>) -> Option<Alignment> {
        self.in_flight = false;
        self.box_volume = volume;
        match (self.waiting.take(), volume) {
            (Some(newer), Some(volume)) if newer != volume => Some(self.give_box(newer)),
            (_, Some(volume)) => self.give_mpd(volume),
            _ => None,
        }
    }

    /// MPD is gone, and its number with it.
    pub(crate) fn mpd_lost(&mut self) {
        self.agreed = None;
        self.waiting = None;
    }

    fn give_box(&mut self, volume: Volume) -> Alignment {
        self.agreed = Some(volume);
        self.in_flight = true;
        Alignment::SetBox(volume)
    }

    fn give_mpd(&mut self, volume: Volume) -> Option<Alignment> {
        if self.agreed? == volume {
            return None;
        }
        self.agreed = Some(volume);
        Some(Alignment::SetMpd(volume))
    }
}

/// Why the box's volume is being set.
pub(crate) enum Purpose {
    /// Somebody set MPD's number.
    Sync,
    /// A step of the sleep timer's fade.
    Fade,
    /// The end of a fade: the volume from before it.
    Restore,
}

type Setting = Pin<Box<dyn Future<Output = Result<Reply, CommandError>> + Send>>;

/// Sets the box's volume through the router, one setting after the other, while everything else goes on.
pub(crate) struct BoxVolume {
    router: Router,
    waiting: VecDeque<(Purpose, Volume)>,
    running: Option<(Purpose, Setting)>,
}

impl BoxVolume {
    pub(crate) fn new(router: Router) -> Self {
        Self {
            router,
            waiting: VecDeque::new(),
            running: None,
        }
    }

    /// Sets the volume when its turn comes.
    pub(crate) fn set(&mut self, purpose: Purpose, volume: Volume) {
        self.waiting.push_back((purpose, volume));
    }

    /// Whether [`Self::next`] will have something.
    pub(crate) fn is_busy(&self) -> bool {
        self.running.is_some() || !self.waiting.is_empty()
    }

    /// Whether a fade, or its end, has yet to be carried out.
    pub(crate) fn is_fading(&self) -> bool {
        let fades = |purpose: &Purpose| matches!(purpose, Purpose::Fade | Purpose::Restore);
        self.running.iter().any(|(purpose, _)| fades(purpose))
            || self.waiting.iter().any(|(purpose, _)| fades(purpose))
    }

    /// The next setting that ends. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> (Purpose, Result<Reply, CommandError>) {
        if self.running.is_none() {
            let Some((purpose, volume)) = self.waiting.pop_front() else {
                return std::future::pending().await;
            };
            let router = self.router.clone();
            let command = AudioCommand::SetVolume(SetBoxVolume { volume });
            self.running = Some((
                purpose,
                Box::pin(async move { router.execute(command.into()).await }),
            ));
        }
        let result = match &mut self.running {
            Some((_, setting)) => setting.as_mut().await,
            None => return std::future::pending().await,
        };
        match self.running.take() {
            Some((purpose, _)) => (purpose, result),
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests;
