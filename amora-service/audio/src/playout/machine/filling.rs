//! Sound in the place of packets that are not there.

use super::Playout;
use crate::opus::LONGEST_PACKET;
use crate::playout::joints::{MadeUp, OVERLAP, STEP, cross, raise, ramp};
use crate::playout::{Decode, Pace};
use std::time::Duration;

impl<D: Decode> Playout<D> {
    /// The last `wanted` frames of a lost piece, from the packet after it.
    pub(super) fn recover(&mut self, piece: usize, wanted: usize) {
        let partly = wanted < piece;
        let tail = partly.then(|| self.tail());
        let mut whole = [0.0; LONGEST_PACKET];
        let whole = &mut whole[..piece];
        let recovered = self
            .queue
            .head()
            .is_some_and(|head| self.decoder.recover(&head.packet.payload, whole).is_ok());
        if !recovered {
            self.make_up(wanted, MadeUp::Loss);
            return;
        }
        self.counters.recovered += 1;
        let samples = self.sound.extend(wanted);
        samples.copy_from_slice(&whole[piece - wanted..]);
        raise(samples, &mut self.gain);
        if let Some(tail) = tail {
            cross(&tail, samples);
        }
        self.made_up = 0;
    }

    /// What would follow what was played, for an overlap.
    pub(super) fn tail(&mut self) -> [f32; OVERLAP] {
        let mut step = [0.0; STEP];
        if self.gain > 0.0 && self.decoder.conceal(&mut step).is_err() {
            step.fill(0.0);
        }
        std::array::from_fn(|n| step[n] * self.gain)
    }

    pub(super) fn make_up_what_is_not_there(&mut self, now: Duration) {
        let kind = match self.pace.pace() {
            _ if self.background => MadeUp::Background,
            Pace::Burst => MadeUp::End,
            Pace::Live | Pace::Undecided => MadeUp::Loss,
        };
        if self.gain == 0.0 || kind.gain(self.made_up) == 0.0 {
            self.go_idle(now);
            return;
        }
        self.make_up(STEP, kind);
        self.since_packet += STEP as i64;
    }

    /// Makes up frames, a multiple of 2.5 ms; silence once it has faded out.
    pub(super) fn make_up(&mut self, frames: usize, kind: MadeUp) {
        if kind == MadeUp::Loss {
            self.counters.concealed.0 += frames as u64;
        }
        let samples = self.sound.extend(frames);
        for step in samples.chunks_mut(STEP) {
            let from = self.gain.min(kind.gain(self.made_up));
            self.made_up += step.len();
            let to = self.gain.min(kind.gain(self.made_up));
            if from > 0.0 && self.decoder.conceal(step).is_ok() {
                ramp(step, from, to);
            } else {
                step.fill(0.0);
            }
            self.gain = to;
        }
    }
}
