//! The real-time thread.

use super::crank::{Crank, Mounted};
use super::supervisor::{CardEnds, Why};
use crate::card::CardError;
use crate::clock;
use amora_contract::units::Hertz;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::Thread;

/// Xruns in a row that make a card a broken one.
const HOPELESS_XRUNS: u32 = 20;

/// Turns per second while there is no card.
const TURNS_WITHOUT_CARD: u64 = 50;

/// Longest fade-out before the card is closed, in nanoseconds.
const LONGEST_FADE: u64 = 250_000_000;

pub(crate) fn run(
    mut crank: Crank,
    mut ends: CardEnds,
    supervisor: Thread,
    rate: Hertz,
    setup: Box<dyn FnOnce() -> bool + Send>,
) {
    let mut unheard = vec![0f32; 2 * (rate.0 as usize / TURNS_WITHOUT_CARD as usize).max(1)];
    // From here on nothing is allocated and nothing freed.
    crank.shared.real_time.store(setup(), Relaxed);
    let mut mounted: Option<Box<Mounted>> = None;
    let mut closing = Closing::default();
    let mut xruns = 0;
    let mut deadline = clock::now();

    loop {
        let now = clock::now();
        let stop = crank.shared.stop.load(Relaxed);
        let Some(card) = &mut mounted else {
            if stop {
                break;
            }
            if let Ok(fresh) = ends.fresh.pop() {
                crank.begin();
                closing = Closing::default();
                xruns = 0;
                crank.shared.running.store(true, Relaxed);
                mounted = Some(fresh);
                continue;
            }
            crank.pass(&mut unheard, now);
            deadline += 1_000_000_000 / TURNS_WITHOUT_CARD;
            if deadline < now {
                deadline = now;
            }
            clock::sleep_until(deadline);
            continue;
        };

        crank.closing = stop || crank.shared.release.load(Relaxed);
        if closing.is_done(&crank, card, now) {
            if stop {
                break;
            }
            give_back(&mut crank, &mut ends, &mut mounted, Why::Released, &supervisor);
            deadline = now;
            continue;
        }
        match crank.turn(card, now) {
            Ok(_) => xruns = 0,
            Err(CardError::Xrun) if xruns < HOPELESS_XRUNS => xruns += 1,
            Err(error) => {
                give_back(
                    &mut crank,
                    &mut ends,
                    &mut mounted,
                    Why::Failed(error),
                    &supervisor,
                );
                deadline = clock::now();
            }
        }
    }
    crank.shared.running.store(false, Relaxed);
    crank.shared.ended.store(true, Relaxed);
}

fn give_back(
    crank: &mut Crank,
    ends: &mut CardEnds,
    mounted: &mut Option<Box<Mounted>>,
    why: Why,
    supervisor: &Thread,
) {
    crank.shared.running.store(false, Relaxed);
    if let Some(card) = mounted.take() {
        // There is one card at a time, so the ring of one has room.
        let _ = ends.spent.push((card, why));
    }
    supervisor.unpark();
}

/// The way out: fade, then hand over silence until the card's buffer holds nothing else.
#[derive(Debug, Default)]
struct Closing {
    since: Option<u64>,
    silence: u64,
}

impl Closing {
    fn is_done(&mut self, crank: &Crank, card: &Mounted, now: u64) -> bool {
        if !crank.closing {
            *self = Self::default();
            return false;
        }
        let since = *self.since.get_or_insert(now);
        if crank.has_closed() {
            let from = if self.silence == 0 {
                crank.written
            } else {
                self.silence
            };
            self.silence = from.max(1);
        }
        let silent = self.silence > 0 && crank.written >= self.silence + card.buffer().0;
        silent || now.saturating_sub(since) > LONGEST_FADE
    }
}
