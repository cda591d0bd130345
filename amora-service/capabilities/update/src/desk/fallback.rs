//! From a delta that fails to the full image that it names.

use super::Desk;
use super::work::{Stage, Work};
use crate::error::Refusal;
use crate::fetch::{self, Fetch};
use crate::install::Fitting;
use amora_contract::state::UpdateCause;

impl Desk {
    /// Takes the full image in place of a delta that failed. Gives the reason back where there is none to take, and
    /// where another image would not help.
    pub(super) fn fall_back(&mut self, refusal: Refusal) -> Option<Refusal> {
        let Some((mut work, full)) = self
            .work
            .take_if(|work| may_fall_back(work, &refusal))
            .and_then(begun_anew)
        else {
            return Some(refusal);
        };
        let url = fetch::shown(&full);
        tracing::warn!(
            reason = refusal.reason,
            url,
            "the delta cannot be installed: the full image is taken"
        );
        work.fallback = Some(refusal.reason);
        work.url = Some(url);
        let fitting = Fitting {
            in_place_of: work.version.clone(),
            ..self.fitting()
        };
        match Fetch::new(&full, None, &self.config) {
            Ok(fetch) => {
                self.carry(work, fitting, |to| Some(tokio::spawn(fetch.run(to))));
                None
            }
            Err(refusal) => {
                self.work = Some(work);
                Some(refusal)
            }
        }
    }
}

/// Whether the full image may be taken. Its address counts only once SWUpdate has accepted the signature over it, which
/// it has before it begins with any part.
fn may_fall_back(work: &Work, refusal: &Refusal) -> bool {
    let helps = !matches!(
        refusal.cause,
        UpdateCause::Asked | UpdateCause::Card | UpdateCause::TooBig
    );
    work.full.is_some() && work.wrote && helps
}

/// The same installation from its start, without a delta; and where the full image is.
fn begun_anew(mut work: Work) -> Option<(Work, String)> {
    let full = work.full.take()?;
    work.delta = false;
    work.received = 0;
    work.size = None;
    work.percent = 0;
    work.part.clear();
    work.waiting = None;
    work.failed = None;
    work.lost = false;
    work.over = false;
    work.enter(Stage::Before);
    Some((work, full))
}
