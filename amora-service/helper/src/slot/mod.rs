//! The two slots, as the boot loader sees them.

mod last_words;
pub mod tryboot;
pub mod u_boot;

pub use last_words::LastWords;

use crate::request::Slot as Request;
use crate::{Answer, HelperError, Places};
use serde::Serialize;
use std::fs;

/// A slot's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

impl Slot {
    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// `a` or `b`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    /// The slot of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "a" => Some(Self::A),
            "b" => Some(Self::B),
            _ => None,
        }
    }
}

/// How the slots stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The slot that the running system was started from.
    pub slot: Slot,
    /// The slot that the next start is from.
    pub next: Slot,
    /// Whether the slot of the next start is to prove itself, or is doing so.
    pub trial: bool,
    /// Starts that the trial has taken.
    pub tries: u32,
    /// Starts that it may take.
    pub limit: u32,
    /// SWUpdate's own mark: 0 nothing, 1 installed, 2 tested, 3 failed.
    pub ustate: u32,
}

/// What keeps the slots' state.
pub trait BootLoader {
    /// How the slots stand; `running` is the slot of the running system.
    ///
    /// # Errors
    /// When that cannot be read.
    fn status(&self, running: Slot) -> Result<Status, HelperError>;

    /// The running system stays.
    ///
    /// # Errors
    /// When that cannot be written.
    fn commit(&self, running: Slot) -> Result<(), HelperError>;

    /// The next start is from `back`.
    ///
    /// # Errors
    /// When that cannot be written.
    fn give_up(&self, back: Slot) -> Result<(), HelperError>;
}

pub(crate) fn carry_out(request: Request, places: &Places) -> Result<Answer, HelperError> {
    if request == (Request::LastWords {}) {
        return Ok(Answer::LastWords(last_words::gather(places)));
    }
    let running = running(places)?;
    match tryboot::in_use(places) {
        true => act(request, &tryboot::Firmware::new(places), running),
        false => act(request, &u_boot::UBoot::new(&places.environment), running),
    }
}

fn act(request: Request, boot_loader: &impl BootLoader, running: Slot) -> Result<Answer, HelperError> {
    let status = boot_loader.status(running)?;
    match request {
        Request::Status {} | Request::LastWords {} => return Ok(Answer::Status(status)),
        Request::Commit {} if status.next != running => {
            return Err(HelperError::State(format!(
                "slot {} runs, but slot {} is the one on trial: it can only be kept once it runs",
                running.name(),
                status.next.name()
            )));
        }
        Request::Commit {} if status.trial => boot_loader.commit(running)?,
        // It was kept before.
        Request::Commit {} => {}
        Request::GiveUp {} if status.trial => {
            let back = if status.next == running {
                running.other()
            } else {
                running
            };
            boot_loader.give_up(back)?;
        }
        Request::GiveUp {} => {
            return Err(HelperError::State(
                "no slot is on trial: there is nothing to give up".to_owned(),
            ));
        }
    }
    Ok(Answer::Done)
}

/// The slot of the running system, from the kernel's arguments.
fn running(places: &Places) -> Result<Slot, HelperError> {
    let path = places.root.join("proc/cmdline");
    let line = fs::read_to_string(&path).map_err(HelperError::file(&path))?;
    argument(&line, "amora.slot")
        .and_then(Slot::named)
        .ok_or_else(|| {
            HelperError::State(
                "the kernel was started without `amora.slot`: this is no image of two slots".to_owned(),
            )
        })
}

/// The last value of a kernel argument.
pub(crate) fn argument<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split_ascii_whitespace()
        .filter_map(|word| word.split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value)
        .next_back()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    struct Fake(Status, RefCell<Vec<String>>);

    impl BootLoader for Fake {
        fn status(&self, _: Slot) -> Result<Status, HelperError> {
            Ok(self.0)
        }
        fn commit(&self, running: Slot) -> Result<(), HelperError> {
            self.1.borrow_mut().push(format!("keep {}", running.name()));
            Ok(())
        }
        fn give_up(&self, back: Slot) -> Result<(), HelperError> {
            self.1.borrow_mut().push(format!("back to {}", back.name()));
            Ok(())
        }
    }

    fn fake(slot: Slot, next: Slot, trial: bool) -> Fake {
        let status = Status {
            slot,
            next,
            trial,
            tries: 1,
            limit: 3,
            ustate: 1,
        };
        Fake(status, RefCell::default())
    }

    #[test]
    fn only_the_running_slot_is_kept() {
        let on_trial = fake(Slot::B, Slot::B, true);
        act(Request::Commit {}, &on_trial, Slot::B).unwrap();
        assert_eq!(on_trial.1.take(), ["keep b"]);
        let installed = fake(Slot::A, Slot::B, true);
        let error = act(Request::Commit {}, &installed, Slot::A).unwrap_err();
        assert!(
            error.to_string().contains("slot b is the one on trial"),
            "{error}"
        );
        let kept = fake(Slot::A, Slot::A, false);
        act(Request::Commit {}, &kept, Slot::A).unwrap();
        assert!(kept.1.take().is_empty(), "keeping twice writes once");
    }

    #[test]
    fn giving_up_leads_to_the_slot_before_the_update() {
        let on_trial = fake(Slot::B, Slot::B, true);
        act(Request::GiveUp {}, &on_trial, Slot::B).unwrap();
        assert_eq!(on_trial.1.take(), ["back to a"]);
        let installed = fake(Slot::A, Slot::B, true);
        act(Request::GiveUp {}, &installed, Slot::A).unwrap();
        assert_eq!(installed.1.take(), ["back to a"]);
        let quiet = fake(Slot::A, Slot::A, false);
        assert!(act(Request::GiveUp {}, &quiet, Slot::A).is_err());
    }

    #[test]
    fn the_running_slot_is_told_by_the_kernel_arguments() {
        let line = "root=/dev/dm-0 amora.slot=a amora.trial=1 xamora.slot=b amora.slot=b quiet\n";
        assert_eq!(argument(line, "amora.slot"), Some("b"));
        assert_eq!(argument(line, "amora.tries"), None);
    }
}
