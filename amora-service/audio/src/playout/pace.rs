//! Tells a far end that speaks now from one that sends ahead of time.
//!
//! The *transit* of a packet is when it arrived less what its timestamp says, on a scale that begins anywhere. Nobody
//! can send sound before it was spoken, so the transit of live sound is never much below the least seen so far, the
//! *base*; a stall of the network only ever adds to it. Synthesised speech that is sent as fast as it is made falls
//! below the base within a few packets. Only one case looks like both: after a pause that timestamps do not tell, a
//! burst begins far above the base, and so do the packets that a stall held up. Nothing is thrown away until the packets
//! themselves say which it was: live sound comes back to the base and stays there, a burst ends or goes below it.

use std::time::Duration;

/// Further below the base than this is ahead of time; further above is held up, or after a pause. Seconds.
const FAR: f64 = 0.3;

/// This near to the base is back at it. Seconds.
const NEAR: f64 = 0.1;

/// Packets are paced while their transit stays this near to one level. Seconds.
const PACED: f64 = 0.06;

/// So long, and so many packets, must be paced at the base to call it live again: what a stall held up is in by then.
const PROOF_AT_BASE: (f64, u32) = (0.4, 25);

/// So long, and so many, must be paced at another level to call that the base.
const PROOF_ELSEWHERE: (f64, u32) = (10.0, 200);

/// Fastest rise of the base: crystals are within 100 parts per million each.
const CREEP: f64 = 300e-6;

/// Fastest fall of the base, for when the first packets were held up. Synthesis that is 1.05 times as fast as speech
/// still outruns it.
const FALL: f64 = 0.02;

/// After so long without a packet the clocks have drifted too far to compare. Seconds.
const FORGOTTEN: f64 = 60.0;

/// Seconds that the jitter is remembered.
const SECONDS: usize = 8;

/// The extremes of a second without packets.
const NOTHING: (f64, f64) = (f64::INFINITY, f64::NEG_INFINITY);

/// How packets come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as they are played.
    Live,
    /// After a stall or a pause; which of them, is not known yet.
    Undecided,
    /// Ahead of time: they are to be queued and played whole.
    Burst,
}

/// What is assumed about a far end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// It is found out.
    #[default]
    Automatic,
    /// They are live: what is ahead of time is too much delay.
    Live,
    /// They are bursts: no delay is too much.
    Bursts,
}

#[derive(Debug)]
pub(super) struct PaceFinder {
    arrivals: Arrivals,
    pace: Pace,
    base: f64,
    last: Option<f64>,
    /// Transit at which the pace became undecided.
    entered: f64,
    transit: f64,
    level: f64,
    since: f64,
    paced: u32,
    /// The least and the greatest transit of each second.
    extremes: [(f64, f64); SECONDS],
    second: u64,
}

impl PaceFinder {
    pub(super) fn new(arrivals: Arrivals) -> Self {
        Self {
            arrivals,
            pace: match arrivals {
                Arrivals::Bursts => Pace::Burst,
                _ => Pace::Live,
            },
            base: 0.0,
            last: None,
            entered: 0.0,
            transit: 0.0,
            level: 0.0,
            since: 0.0,
            paced: 0,
            extremes: [NOTHING; SECONDS],
            second: 0,
        }
    }

    pub(super) fn pace(&self) -> Pace {
        self.pace
    }

    /// How much later than the earliest the latest packet of the last seconds came.
    pub(super) fn jitter(&self) -> Duration {
        let (least, most) = self.extremes.iter().fold(NOTHING, |(least, most), second| {
            (least.min(second.0), most.max(second.1))
        });
        Duration::from_secs_f64((most - least).max(0.0))
    }

    /// Another sender: its clock is not the last one's.
    pub(super) fn restart(&mut self) {
        self.last = None;
    }

    /// Takes note of a packet. True when live sound has just come back from a stall: what waits is too much.
    pub(super) fn observe(&mut self, arrived: Duration, timestamp: i64) -> bool {
        let arrived = arrived.as_secs_f64();
        let transit = arrived - timestamp as f64 / crate::opus::RATE.0;
        let elapsed = self.last.map(|last| (arrived - last).max(0.0));
        self.last = Some(arrived);
        self.transit = transit;
        let elapsed = match elapsed {
            Some(elapsed) if elapsed < FORGOTTEN => elapsed,
            _ => {
                self.base = transit;
                self.extremes = [NOTHING; SECONDS];
                0.0
            }
        };
        self.base += elapsed * CREEP;
        self.follow_level(arrived, transit);
        self.note_jitter(arrived);

        let ahead = self.base - transit;
        if self.pace != Pace::Burst && ahead > FAR {
            if self.arrivals == Arrivals::Live {
                self.base = transit;
                return true;
            }
            self.pace = Pace::Burst;
        }
        match self.pace {
            Pace::Live => {
                if ahead > 0.0 {
                    self.base -= ahead.min(elapsed * FALL);
                }
                if -ahead > FAR {
                    self.pace = Pace::Undecided;
                    self.entered = transit;
                }
                false
            }
            Pace::Undecided => self.decide(arrived, ahead),
            Pace::Burst => {
                if self.arrivals != Arrivals::Bursts && self.is_paced(arrived, PROOF_ELSEWHERE) {
                    self.settle();
                }
                false
            }
        }
    }

    fn decide(&mut self, arrived: f64, ahead: f64) -> bool {
        if ahead > -NEAR && self.is_paced(arrived, PROOF_AT_BASE) {
            self.settle();
            return true;
        }
        if self.is_paced(arrived, PROOF_ELSEWHERE) {
            self.settle();
        }
        false
    }

    /// All that had come was played, and nothing more came.
    pub(super) fn ran_dry(&mut self) {
        if self.pace != Pace::Undecided {
            return;
        }
        if self.arrivals == Arrivals::Automatic && self.entered - self.transit > FAR {
            self.pace = Pace::Burst;
        } else {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.pace = Pace::Live;
        self.base = self.transit;
    }

    fn is_paced(&self, arrived: f64, (seconds, packets): (f64, u32)) -> bool {
        arrived - self.since >= seconds && self.paced >= packets
    }

    fn follow_level(&mut self, arrived: f64, transit: f64) {
        if (transit - self.level).abs() > PACED {
            self.level = transit;
            self.since = arrived;
            self.paced = 0;
        }
        self.level += (transit - self.level) * 0.02;
        self.paced = self.paced.saturating_add(1);
    }

    fn note_jitter(&mut self, arrived: f64) {
        let second = arrived as u64;
        let passed = second.saturating_sub(self.second).min(SECONDS as u64);
        for n in 0..passed {
            self.extremes[((second - n) % SECONDS as u64) as usize] = NOTHING;
        }
        self.second = self.second.max(second);
        if self.pace == Pace::Live && (self.transit - self.base).abs() < FAR {
            let (least, most) = &mut self.extremes[(self.second % SECONDS as u64) as usize];
            *least = least.min(self.transit);
            *most = most.max(self.transit);
        }
    }
}
