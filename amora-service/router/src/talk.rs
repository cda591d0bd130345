//! The way into the box's microphone. Only a simulated room has one; a real one is spoken into.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Takes samples without ever waiting, and says how many it had room for.
type Hear = dyn Fn(&[f32]) -> usize + Send + Sync;

/// Something that can be talked into, for as long as it is held.
pub struct Ear {
    hear: Box<Hear>,
    taken: AtomicBool,
}

/// The ear that there is, if there is one.
#[derive(Default)]
pub(crate) struct Ears(Mutex<Weak<Ear>>);

/// Why nobody can talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TalkError {
    /// The box hears with a microphone of its own.
    #[error("there is no simulated room to be talked into")]
    NoEar,
    /// There is one talker at a time.
    #[error("somebody else is talking")]
    Taken,
}

/// The one who talks. Dropping it lets the next one talk.
pub struct Talker(Weak<Ear>);

impl Ears {
    /// Puts an ear in the place of the one before.
    pub(crate) fn open(&self, hear: Box<Hear>) -> Arc<Ear> {
        let ear = Arc::new(Ear {
            hear,
            taken: AtomicBool::new(false),
        });
        *self.present() = Arc::downgrade(&ear);
        ear
    }

    pub(crate) fn talk(&self) -> Result<Talker, TalkError> {
        let weak = self.present().clone();
        let ear = weak.upgrade().ok_or(TalkError::NoEar)?;
        if ear.taken.swap(true, Ordering::AcqRel) {
            return Err(TalkError::Taken);
        }
        Ok(Talker(weak))
    }

    fn present(&self) -> MutexGuard<'_, Weak<Ear>> {
        // It is whole after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Talker {
    /// Says mono samples at [`crate::SOUND_RATE`], full scale ±1, and tells how many of them there was room for; `None`
    /// once nobody hears any more.
    pub fn say(&self, samples: &[f32]) -> Option<usize> {
        Some((self.0.upgrade()?.hear)(samples))
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        if let Some(ear) = self.0.upgrade() {
            ear.taken.store(false, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_talks_at_a_time_and_only_while_there_is_an_ear() {
        let ears = Ears::default();
        assert_eq!(ears.talk().err(), Some(TalkError::NoEar));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = ears.open(Box::new({
            let heard = heard.clone();
            move |samples| {
                heard.lock().unwrap().extend_from_slice(samples);
                samples.len() - 1
            }
        }));
        let talker = ears.talk().unwrap();
        assert_eq!(ears.talk().err(), Some(TalkError::Taken));
        assert_eq!(talker.say(&[0.5, -0.5]), Some(1));
        assert_eq!(*heard.lock().unwrap(), [0.5, -0.5]);
        drop(talker);
        let talker = ears.talk().unwrap();
        drop(ear);
        assert_eq!(talker.say(&[0.5]), None);
        assert_eq!(ears.talk().err(), Some(TalkError::NoEar));
    }

    #[test]
    fn who_talked_into_an_old_ear_does_not_hold_up_the_new_one() {
        let ears = Ears::default();
        let old = ears.open(Box::new(<[f32]>::len));
        let talker = ears.talk().unwrap();
        let _new = ears.open(Box::new(|_| 0));
        let next = ears.talk().unwrap();
        drop(old);
        drop(talker);
        assert_eq!(ears.talk().err(), Some(TalkError::Taken));
        assert_eq!(next.say(&[0.0]), Some(0));
    }
}
