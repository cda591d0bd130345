//! Bands that bins are gathered in, where single bins are too uncertain.

use super::spectrum::BINS;
use std::ops::Range;

/// How many.
pub(crate) const BANDS: usize = 24;

/// First bins of the bands, and the end of the last: 400 Hz wide at the bottom, a sixth of their frequency at the top.
const EDGES: [usize; BANDS + 1] = [
    1, 9, 17, 25, 33, 41, 50, 59, 69, 80, 92, 105, 119, 134, 150, 168, 188, 210, 236, 266, 300, 340, 384,
    430, BINS,
];

/// The bins of each band, from low to high. The first bin, which is no tone, is in none.
pub(crate) fn bands() -> impl Iterator<Item = Range<usize>> {
    EDGES.windows(2).map(|edges| edges[0]..edges[1])
}
