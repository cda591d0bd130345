//! Where sound begins, ends, fades and meets other sound.

/// Frames that the end of a loss takes to come back, and sound at its beginning: 2.5 ms.
pub(super) const RISE: usize = 120;

/// Frames that two pieces which do not belong together overlap: 5 ms.
pub(super) const OVERLAP: usize = 240;

/// Frames made up at a time: 10 ms, a codec's own step.
pub(super) const STEP: usize = 480;

/// What made-up sound stands for, and so how long it lasts: full so many frames, faded out at so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MadeUp {
    /// Sound that should be there: full for 40 ms, gone after 100 ms.
    Loss,
    /// The silence of a sender that said it would be silent, and speaks up every 400 ms.
    Background,
    /// A burst's end.
    End,
}

impl MadeUp {
    const fn lasts(self) -> (usize, usize) {
        match self {
            Self::Loss => (1920, 4800),
            Self::Background => (28_800, 33_600),
            Self::End => (0, STEP),
        }
    }

    /// The gain after so many made-up frames.
    pub(super) fn gain(self, frames: usize) -> f32 {
        let (full, gone) = self.lasts();
        if frames >= gone {
            return 0.0;
        }
        let way = frames.saturating_sub(full) as f32 / (gone - full) as f32;
        0.5 + 0.5 * (std::f32::consts::PI * way).cos()
    }
}

/// From one gain to another along a straight line.
pub(super) fn ramp(samples: &mut [f32], from: f32, to: f32) {
    let length = samples.len() as f32;
    for (n, sample) in samples.iter_mut().enumerate() {
        *sample *= from + (to - from) * (n as f32 + 0.5) / length;
    }
}

/// From `gain` to 1.
pub(super) fn raise(samples: &mut [f32], gain: &mut f32) {
    if *gain < 1.0 {
        let length = samples.len().min(RISE);
        ramp(&mut samples[..length], *gain, 1.0);
        *gain = 1.0;
    }
}

/// From `tail` to `samples`.
pub(super) fn cross(tail: &[f32], samples: &mut [f32]) {
    let length = tail.len().min(samples.len());
    for (n, (sample, old)) in samples.iter_mut().zip(tail).take(length).enumerate() {
        let way = 0.5 - 0.5 * (std::f32::consts::PI * (n as f32 + 0.5) / length as f32).cos();
        *sample = *old + (*sample - *old) * way;
    }
}
