//! What left the card, and measurements on it that owe nothing to the product's own code.

use super::House;
use std::f64::consts::TAU;
use std::ops::Range;
use std::path::Path;

/// Frames per measurement: 20 ms, a whole number of cycles of every tone used here.
const BLOCK: usize = 960;

/// A recording of the card's output.
pub(crate) struct Recording {
    pub(crate) rate: f64,
    pub(crate) channels: Vec<Vec<f64>>,
}

/// How steadily a tone sounds.
#[derive(Debug)]
pub(crate) struct Steadiness {
    /// Its frequency over the whole stretch.
    pub(crate) hertz: f64,
    /// The furthest that its pitch strays from the nominal at any moment, as a fraction.
    pub(crate) wander: f64,
    /// Its peak level, the lowest and highest over the stretch, relative to full scale.
    pub(crate) decibels: (f64, f64),
    /// The loudest that anything else gets within a block, relative to the tone. A gap or click stands out here.
    pub(crate) disturbance: f64,
}

/// What left the card of a box in which a scene was played; played again, twice at most, where the box itself counted
/// sound that was lost on a machine too busy for it.
pub(crate) async fn recorded(scene: impl AsyncFn() -> House) -> Recording {
    let mut attempts = 3;
    loop {
        let mut house = scene().await;
        let state = house.client().state().await;
        let counters = &state["audio"]["counters"];
        let lost = ["xruns", "underruns"].map(|name| counters[name].as_u64().expect("it is counted"));
        house.end_service();
        attempts -= 1;
        if lost == [0, 0] || attempts == 0 {
            return Recording::read(&house.recording());
        }
        eprintln!("the box lost sound: xruns and underruns {lost:?}; again");
    }
}

impl Recording {
    /// Reads a WAV file of 32-bit float or of 16, 24 or 32-bit integer samples.
    pub(crate) fn read(path: &Path) -> Self {
        let file = std::fs::read(path).unwrap();
        assert_eq!(&file[..4], b"RIFF", "{} is no WAV file", path.display());
        let number = |at: usize, bytes: usize| {
            file[at..at + bytes]
                .iter()
                .rev()
                .fold(0usize, |value, byte| value << 8 | usize::from(*byte))
        };
        let (mut at, mut format) = (12, None);
        while at + 8 <= file.len() {
            let (id, body) = (&file[at..at + 4], at + 8);
            let length = number(at + 4, 4).min(file.len() - body);
            if id == b"fmt " {
                format = Some((
                    number(body, 2),
                    number(body + 2, 2),
                    number(body + 4, 4),
                    number(body + 14, 2),
                ));
            } else if id == b"data" {
                let (tag, channels, rate, bits) = format.expect("the format comes before the data");
                let float = tag == 3 || (tag == 0xFFFE && bits == 32);
                let samples: Vec<f64> = file[body..body + length]
                    .chunks_exact(bits / 8)
                    .map(|bytes| sample(bytes, float))
                    .collect();
                let channel = |index: usize| samples.iter().skip(index).step_by(channels).copied().collect();
                return Self {
                    rate: rate as f64,
                    channels: (0..channels).map(channel).collect(),
                };
            }
            at = body + length + length % 2;
        }
        panic!("{} holds no samples", path.display());
    }

    /// Cosine and sine parts of `hertz` in the block at `start`, for the left channel.
    fn parts(&self, start: usize, hertz: f64) -> (f64, f64) {
        let block = &self.channels[0][start..start + BLOCK];
        let step = TAU * hertz / self.rate;
        block
            .iter()
            .enumerate()
            .fold((0.0, 0.0), |(cosine, sine), (index, sample)| {
                let phase = step * (start + index) as f64;
                let scale = 2.0 / BLOCK as f64 * sample;
                (cosine + scale * phase.cos(), sine + scale * phase.sin())
            })
    }

    /// Peak level of `hertz` over time, one value per 20 ms.
    pub(crate) fn levels(&self, hertz: f64) -> Vec<f64> {
        let blocks = self.channels[0].len() / BLOCK;
        (0..blocks)
            .map(|block| {
                let (cosine, sine) = self.parts(block * BLOCK, hertz);
                20.0 * cosine.hypot(sine).max(1e-9).log10()
            })
            .collect()
    }

    /// The longest stretch (in frames) in which `hertz` sounds louder than `decibels`, less `margin` seconds at each end.
    pub(crate) fn stretch(&self, hertz: f64, decibels: f64, margin: f64) -> Range<usize> {
        let levels = self.levels(hertz);
        let mut best = 0..0;
        let mut start = None;
        for (block, level) in levels.iter().chain([&f64::NEG_INFINITY]).enumerate() {
            match (start, *level > decibels) {
                (None, true) => start = Some(block),
                (Some(begun), false) => {
                    if block - begun > best.len() {
                        best = begun..block;
                    }
                    start = None;
                }
                _ => {}
            }
        }
        let margin = (margin * self.rate) as usize;
        let (from, to) = (
            best.start * BLOCK + margin,
            (best.end * BLOCK).saturating_sub(margin),
        );
        assert!(
            from < to,
            "{hertz} Hz does not sound for long enough: {best:?} blocks above {decibels} dB"
        );
        from..to
    }

    /// Measures a tone of about `hertz` over a stretch.
    pub(crate) fn steadiness(&self, stretch: Range<usize>, hertz: f64) -> Steadiness {
        let starts: Vec<usize> = stretch
            .step_by(BLOCK)
            .take_while(|start| start + BLOCK <= self.frames())
            .collect();
        // The phase against the nominal tone turns as fast as the frequencies differ.
        let mut phases: Vec<f64> = Vec::with_capacity(starts.len());
        for &start in &starts {
            let (cosine, sine) = self.parts(start, hertz);
            let phase = (-sine).atan2(cosine);
            let step = phases.last().map_or(0.0, |before| {
                (phase - before + TAU / 2.0).rem_euclid(TAU) - TAU / 2.0
            });
            phases.push(phases.last().copied().unwrap_or(phase) + step);
        }
        let block = BLOCK as f64 / self.rate;
        let pitch =
            |from: usize, to: usize| hertz + (phases[to] - phases[from]) / TAU / (block * (to - from) as f64);
        let last = starts.len() - 1;

        let mut measured = Steadiness {
            hertz: pitch(0, last),
            wander: 0.0,
            decibels: (f64::INFINITY, f64::NEG_INFINITY),
            disturbance: f64::NEG_INFINITY,
        };
        for (index, &start) in starts.iter().enumerate() {
            let local = pitch(index.saturating_sub(1), (index + 1).min(last));
            measured.wander = measured.wander.max((local / hertz - 1.0).abs());
            let (cosine, sine) = self.parts(start, local);
            let level = 20.0 * cosine.hypot(sine).log10();
            measured.decibels = (measured.decibels.0.min(level), measured.decibels.1.max(level));
            let step = TAU * local / self.rate;
            let rest: f64 = (start..start + BLOCK)
                .map(|frame| {
                    let phase = step * frame as f64;
                    let difference = self.channels[0][frame] - cosine * phase.cos() - sine * phase.sin();
                    difference * difference
                })
                .sum();
            let rest = (2.0 * rest / BLOCK as f64).sqrt().max(1e-9);
            measured.disturbance = measured.disturbance.max(20.0 * rest.log10() - level);
        }
        measured
    }

    /// The sharpest corner in a stretch: the largest fourth difference between samples. It barely sees tones of a few
    /// kilohertz and lets a step of height h through as 3 h, so a click shows however loud the music is.
    pub(crate) fn sharpest_corner(&self, stretch: Range<usize>) -> f64 {
        self.channels
            .iter()
            .flat_map(|channel| channel[stretch.clone()].windows(5))
            .map(|x| (x[0] - 4.0 * x[1] + 6.0 * x[2] - 4.0 * x[3] + x[4]).abs())
            .fold(0.0, f64::max)
    }

    pub(crate) fn frames(&self) -> usize {
        self.channels[0].len()
    }
}

fn sample(bytes: &[u8], float: bool) -> f64 {
    match bytes {
        [a, b] => f64::from(i16::from_le_bytes([*a, *b])) / 32_768.0,
        [a, b, c] => f64::from(i32::from_le_bytes([0, *a, *b, *c])) / 2_147_483_648.0,
        [a, b, c, d] if float => f64::from(f32::from_le_bytes([*a, *b, *c, *d])),
        [a, b, c, d] => f64::from(i32::from_le_bytes([*a, *b, *c, *d])) / 2_147_483_648.0,
        other => panic!("samples of {} bytes", other.len()),
    }
}

/// The instrument itself is tested: it must see what the tests rely on it to see.
#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f64, disturb: impl Fn(usize, f64) -> f64) -> Recording {
        let samples: Vec<f64> = (0..96_000)
            .map(|n| disturb(n, 0.1 * (TAU * hertz * n as f64 / 48_000.0).sin()))
            .collect();
        Recording {
            rate: 48_000.0,
            channels: vec![samples.clone(), samples],
        }
    }

    #[test]
    fn a_clean_tone_measures_clean() {
        let found = tone(1000.3, |_, sample| sample).steadiness(4800..91_200, 1000.0);
        assert!((found.hertz - 1000.3).abs() < 0.001, "{found:?}");
        assert!(
            (found.decibels.0 + 20.0).abs() < 0.01 && (found.decibels.1 + 20.0).abs() < 0.01,
            "{found:?}"
        );
        assert!(found.disturbance < -60.0, "{found:?}");
    }

    #[test]
    fn a_gap_of_two_milliseconds_and_a_small_click_show() {
        let gap = tone(1000.0, |n, sample| {
            if (50_000..50_100).contains(&n) {
                0.0
            } else {
                sample
            }
        });
        assert!(gap.steadiness(4800..91_200, 1000.0).disturbance > -15.0);
        let click = tone(
            1000.0,
            |n, sample| if n == 50_000 { sample + 0.05 } else { sample },
        );
        assert!(click.steadiness(4800..91_200, 1000.0).disturbance > -40.0);
        assert!(click.sharpest_corner(4800..91_200) > 0.2);
        let step = tone(1000.0, |n, sample| if n > 50_000 { 0.9 * sample } else { sample });
        assert!(
            step.sharpest_corner(50_000 - 100..50_100) < 0.03,
            "a step at a zero crossing hardly clicks"
        );
        assert!(tone(1000.0, |_, sample| sample).sharpest_corner(0..96_000) < 1e-4);
    }

    #[test]
    fn a_stretch_is_found() {
        let found = tone(1000.0, |n, sample| {
            if (24_000..72_000).contains(&n) {
                sample
            } else {
                0.0
            }
        });
        assert_eq!(found.stretch(1000.0, -30.0, 0.1), 28_800..67_200);
    }
}
