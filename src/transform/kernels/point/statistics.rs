//! What steps must know of a whole image: its mean gray, each channel's range and histogram.

use super::lanes::vectorized;
use super::{Planes, gray};

/// A kind of statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// The sum of the gray of all pixels.
    Gray,
    /// The least and the greatest byte of each channel.
    Range,
    /// How often each byte occurs in each channel.
    Histogram,
}

/// Statistics of one kind, added up strip by strip.
#[derive(Debug)]
pub struct Statistics {
    pub kind: Statistic,
    pub gray: u64,
    pub ranges: [[u8; 2]; 3],
    pub histograms: [[u32; 256]; 3],
}

impl Statistics {
    /// Of no pixels yet.
    pub fn reset(&mut self, kind: Statistic) {
        self.kind = kind;
        match kind {
            Statistic::Gray => self.gray = 0,
            Statistic::Range => self.ranges = [[255, 0]; 3],
            Statistic::Histogram => self.histograms = [[0; 256]; 3],
        }
    }

    /// Adds the first `count` pixels of `planes`.
    pub fn add(&mut self, planes: &Planes, channels: usize, count: usize) {
        let plane = |c: usize| &planes.0[c][..count];
        match self.kind {
            Statistic::Gray if channels == 1 => self.gray += gray::sum_bytes(plane(0)),
            Statistic::Gray => self.gray += gray::sum([0, 1, 2].map(plane)),
            Statistic::Range => {
                for (c, range) in self.ranges.iter_mut().enumerate().take(channels) {
                    let [least, greatest] = extremes(plane(c));
                    *range = [range[0].min(least), range[1].max(greatest)];
                }
            }
            Statistic::Histogram => {
                for (c, histogram) in self.histograms.iter_mut().enumerate().take(channels) {
                    count_bytes(plane(c), histogram);
                }
            }
        }
    }
}

impl Default for Statistics {
    fn default() -> Self {
        Self { kind: Statistic::Gray, gray: 0, ranges: [[255, 0]; 3], histograms: [[0; 256]; 3] }
    }
}

fn extremes(bytes: &[u8]) -> [u8; 2] {
    vectorized!(bytes.iter().fold([255, 0], |[least, greatest], &x| [least.min(x), greatest.max(x)]))
}

fn count_bytes(bytes: &[u8], histogram: &mut [u32; 256]) {
    for &byte in bytes {
        histogram[usize::from(byte)] += 1;
    }
}

/// torchvision's `equalize`, after Pillow's: the table of a channel with this histogram, or `None` if it stays as it is.
pub fn equalizing(histogram: &[u32; 256]) -> Option<[u8; 256]> {
    let pixels: u32 = histogram.iter().sum();
    let last = histogram.iter().rfind(|&&count| count > 0)?;
    let step = (pixels - last) / 255;
    if step == 0 {
        return None;
    }
    let mut below = 0;
    Some(std::array::from_fn(|x| {
        let level = (below + step / 2) / step;
        below += histogram[x];
        level.min(255) as u8
    }))
}
