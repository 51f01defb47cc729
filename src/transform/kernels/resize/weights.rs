//! Which source pixels make a result pixel, and by how much: torch's weights for 8-bit images.

use std::ops::Range;

use crate::transform::op::Interpolation;

/// The weights along one side, in units of 2^−precision, as 16-bit integers.
#[derive(Debug, Default)]
pub struct Weights {
    pub precision: u32,
    /// The source pixels that have a weight.
    pub range: Range<usize>,
    /// The first source pixel of each result pixel, counted from the start of `range`.
    pub first: Vec<usize>,
    /// How many source pixels each result pixel has.
    pub length: Vec<usize>,
    /// The weights of each result pixel, filled up with zeros to `stride`.
    pub weights: Vec<i16>,
    /// Even, and at least every length.
    pub stride: usize,
    exact: Vec<f64>,
    /// What the weights were made for.
    made_for: Option<(usize, usize, Interpolation, bool)>,
}

impl Weights {
    /// For scaling a side from `from` to `to` pixels; nothing is done if they already are.
    pub fn fill(&mut self, from: usize, to: usize, interpolation: Interpolation, antialias: bool) {
        let made_for = Some((from, to, interpolation, antialias));
        if self.made_for == made_for {
            return;
        }
        self.made_for = made_for;
        let cubic = interpolation == Interpolation::Bicubic;
        let scale = from as f64 / to as f64;
        let support = if cubic { 2.0 } else { 1.0 };
        let widened = if antialias { support * scale.max(1.0) } else { support };
        let most = if antialias { widened.ceil() as usize * 2 + 1 } else { 2 * support as usize };
        self.stride = most.next_multiple_of(2);
        self.first.clear();
        self.length.clear();
        self.exact.clear();
        for i in 0..to {
            let start = self.exact.len();
            self.exact.resize(start + self.stride, 0.0);
            let weights = &mut self.exact[start..start + most];
            let (first, length) = match (antialias, cubic) {
                (true, false) => widened_taps(i, from, scale, widened, weights, |x| (1.0 - x.abs()).max(0.0)),
                (true, true) => widened_taps(i, from, scale, widened, weights, |x| cubic_weight(x, -0.5)),
                (false, false) => near_taps(i, from, scale, weights, |x| (1.0 - x.abs()).max(0.0)),
                (false, true) => near_taps(i, from, scale, weights, |x| cubic_weight(x, -0.75)),
            };
            self.first.push(first);
            self.length.push(length);
        }
        self.round();
        self.count_from_the_first();
    }

    fn count_from_the_first(&mut self) {
        let start = self.first.iter().min().copied().unwrap_or(0);
        self.first.iter_mut().for_each(|first| *first -= start);
        let extent = self.first.iter().zip(&self.length).map(|(first, length)| first + length).max().unwrap_or(0);
        self.range = start..start + extent;
    }

    /// To the most bits with which the greatest weight still fits 16.
    fn round(&mut self) {
        let greatest = self.exact.iter().fold(0.0f64, |a, &b| a.max(b));
        let fits = |bits: &u32| ((0.5 + greatest * f64::from(1 << (bits + 1))) as i32) < 1 << 15;
        self.precision = (0..22).find(|bits| !fits(bits)).unwrap_or(22);
        let unit = f64::from(1 << self.precision);
        self.weights.clear();
        self.weights.extend(self.exact.iter().map(|weight| (weight * unit + 0.5f64.copysign(*weight)) as i16));
    }

    /// The weights of result pixel `i`.
    #[inline(always)]
    pub fn of(&self, i: usize) -> &[i16] {
        &self.weights[i * self.stride..][..self.length[i]]
    }
}

/// A filter around the middle of the result pixel, as wide as a result pixel is when it is larger than a source pixel.
#[inline(always)]
fn widened_taps(
    i: usize,
    from: usize,
    scale: f64,
    support: f64,
    weights: &mut [f64],
    filter: impl Fn(f64) -> f64,
) -> (usize, usize) {
    let center = scale * (i as f64 + 0.5);
    let narrowing = if scale >= 1.0 { 1.0 / scale } else { 1.0 };
    let first = (center - support + 0.5).max(0.0) as usize;
    let end = ((center + support + 0.5) as usize).min(from);
    let length = (end - first).min(weights.len());
    let weights = &mut weights[..length];
    for (j, weight) in weights.iter_mut().enumerate() {
        *weight = filter(((j + first) as f64 - center + 0.5) * narrowing);
    }
    let total: f64 = weights.iter().sum();
    if total != 0.0 {
        weights.iter_mut().for_each(|weight| *weight /= total);
    }
    (first, length)
}

/// As many taps as the filter is wide; those outside count for the pixel at the edge.
fn near_taps(i: usize, from: usize, scale: f64, weights: &mut [f64], filter: impl Fn(f64) -> f64) -> (usize, usize) {
    let support = weights.len() as i64 / 2;
    let position = scale * (i as f64 + 0.5) - 0.5;
    let position = if support == 1 { position.max(0.0) } else { position };
    let whole = (position.floor() as i64).min(from as i64 - 1);
    let part = (position - whole as f64).clamp(0.0, 1.0);
    let first = (whole - support + 1).max(0);
    let length = (whole + support + 1).min(from as i64) - first;
    for tap in 1 - support..=support {
        let place = (whole + tap).clamp(first, first + length - 1) - first;
        weights[place as usize] += filter(tap as f64 - part);
    }
    (first as usize, length as usize)
}

/// R. Keys' cubic (1981), in torch's order.
#[inline(always)]
fn cubic_weight(x: f64, a: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    } else {
        0.0
    }
}
