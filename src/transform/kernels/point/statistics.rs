//! What steps must know of a whole image: its mean gray, each channel's range and histogram.

use super::gray;
use crate::transform::kernels::vectorized::vectorized;

/// The parts of a histogram.
const PARTS: usize = 4;

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
    /// Of three channels once asked for; few are, and they are large. In parts, to be added up: neighbours are often equal, and counted in
    /// one place, each would wait for the one before it.
    histograms: Vec<[[u32; 256]; PARTS]>,
}

impl Statistics {
    /// Of no pixels yet.
    pub fn reset(&mut self, kind: Statistic) {
        self.kind = kind;
        match kind {
            Statistic::Gray => self.gray = 0,
            Statistic::Range => self.ranges = [[255, 0]; 3],
            Statistic::Histogram => {
                self.histograms.clear();
                self.histograms.resize(3, [[0; 256]; PARTS]);
            }
        }
    }

    /// How often each byte occurs in each channel; of [`Statistic::Histogram`] alone.
    pub fn histograms(&self) -> [[u32; 256]; 3] {
        let count = |channel: usize, x: usize| self.histograms[channel].iter().map(|part| part[x]).sum();
        std::array::from_fn(|channel| std::array::from_fn(|x| count(channel, x)))
    }

    /// Adds the pixels of some planes.
    pub fn add(&mut self, planes: &[&[u8]]) {
        match (self.kind, planes) {
            (Statistic::Gray, &[red, green, blue]) => self.gray += gray::sum([red, green, blue]),
            (Statistic::Gray, _) => self.gray += gray::sum_bytes(planes[0]),
            (Statistic::Range, _) => {
                for (plane, range) in planes.iter().zip(&mut self.ranges) {
                    let [least, greatest] = extremes(plane);
                    *range = [range[0].min(least), range[1].max(greatest)];
                }
            }
            (Statistic::Histogram, _) => {
                for (plane, histogram) in planes.iter().zip(&mut self.histograms) {
                    count_bytes(plane, histogram);
                }
            }
        }
    }
}

impl Default for Statistics {
    fn default() -> Self {
        Self { kind: Statistic::Gray, gray: 0, ranges: [[255, 0]; 3], histograms: Vec::new() }
    }
}

fn extremes(bytes: &[u8]) -> [u8; 2] {
    vectorized!({
        let (mut least, mut greatest) = (255, 0);
        for &byte in bytes {
            least = byte.min(least);
            greatest = byte.max(greatest);
        }
        [least, greatest]
    })
}

fn count_bytes(bytes: &[u8], parts: &mut [[u32; 256]; PARTS]) {
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        for i in 0..8 {
            parts[i % PARTS][usize::from((word >> (8 * i)) as u8)] += 1;
        }
    }
    for &byte in rest {
        parts[0][usize::from(byte)] += 1;
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
