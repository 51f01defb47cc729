//! How coarsely the frequencies are kept.

use crate::transform::kernels::rounding::nearest;

/// The tables K.1 and K.2 of ITU-T T.81.
#[rustfmt::skip]
const LUMA: [i32; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61,
    12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77,
    24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
];

#[rustfmt::skip]
const CHROMA: [i32; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
];

/// The steps of the 64 frequencies.
pub struct Steps {
    steps: [i32; 64],
    /// 1 / (8 · step): frequencies come from the transform 8 times as large.
    inverse: [f32; 64],
}

impl Steps {
    /// For brightness, at a quality from 1 to 100.
    pub fn luma(quality: u8) -> Self {
        Self::new(&LUMA, quality)
    }

    /// For colour.
    pub fn chroma(quality: u8) -> Self {
        Self::new(&CHROMA, quality)
    }

    /// The tables hold for quality 50; libjpeg's rule for the others.
    fn new(table: &[i32; 64], quality: u8) -> Self {
        let quality = i32::from(quality);
        let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
        let steps = table.map(|step| ((step * percent + 50) / 100).clamp(1, 255));
        Self { steps, inverse: steps.map(|step| 1.0 / (8 * step) as f32) }
    }

    /// Rounds the frequency of a place, 8 times too large, to whole steps, halves away from zero; the result has its true size.
    ///
    /// One half more of the large ones brings what lies in the middle between two steps to the outer one, and nothing else; what is divided
    /// then lies at least 1/4080 from any middle, and below 2¹¹: f32 cannot miss.
    #[inline(always)]
    pub fn round(&self, frequency: i32, place: usize) -> i32 {
        let large = frequency as f32;
        nearest((large + 0.5_f32.copysign(large)) * self.inverse[place]) * self.steps[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_that_of_whole_numbers() {
        for quality in [1, 10, 50, 75, 95, 100] {
            let steps = Steps::luma(quality);
            for x in -16_500_i32..16_500 {
                for (place, step) in steps.steps.iter().enumerate() {
                    let expected = x.signum() * ((x.abs() + 4 * step) / (8 * step)) * step;
                    assert_eq!(steps.round(x, place), expected, "{x} in place {place} at quality {quality}");
                }
            }
        }
    }
}
