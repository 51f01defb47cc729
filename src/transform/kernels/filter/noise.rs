//! Gaussian noise from a seed.
//!
//! The normal numbers are made by the transform of G. E. P. Box and M. E. Muller ("A note on the generation of random normal deviates",
//! 1958). Logarithm, sine and cosine are polynomials here, because those of the system differ between systems: nothing but sums, products and
//! square roots of 32-bit floats, each rounded for itself, so that every processor gives the same bits. Their errors lie below 1e-6.

use rand::Rng;

use crate::rng::{Purpose, SampleKey, SampleRng};
use crate::transform::kernels::rounding::truncated;
use crate::transform::kernels::vectorized::vectorized;
use crate::transform::kernels::view::View;

/// Pairs of normal numbers that are made at a time.
const PAIRS: usize = 256;

/// The most noise that is told apart.
const MOST: f32 = (1 << 21) as f32;

/// Adds `mean + sigma · N(0, 1)`, truncated to a whole number, to every byte; mean and sigma are parts of the range 0 to 255. What leaves the
/// range is cut off if `clip`, and wraps otherwise.
pub fn gaussian_noise(source: View<'_>, mean: f32, sigma: f32, clip: bool, seed: u64, out: &mut Vec<u8>) {
    source.copy_into(out);
    let mut rng = SampleKey { seed, epoch: 0, position: 0, purpose: Purpose::Noise }.rng();
    // torch multiplies in f64.
    let [mean, sigma] = [mean, sigma].map(|part| (f64::from(part) * 255.0) as f32);
    for bytes in out.chunks_mut(2 * PAIRS) {
        let random = random(&mut rng);
        vectorized!({
            let (first, second) = normals(&random);
            let (ahead, behind) = bytes.split_at_mut(bytes.len().min(PAIRS));
            for (bytes, normals) in [(ahead, first), (behind, second)] {
                add(bytes, &normals, mean, sigma, clip);
            }
        });
    }
}

fn random(rng: &mut SampleRng) -> [[u32; PAIRS]; 2] {
    let mut bytes = [0; 8 * PAIRS];
    rng.fill_bytes(&mut bytes);
    let (words, _) = bytes.as_chunks();
    [0, PAIRS].map(|first| std::array::from_fn(|i| u32::from_le_bytes(words[first + i])))
}

#[inline(always)]
fn add(bytes: &mut [u8], normals: &[f32; PAIRS], mean: f32, sigma: f32, clip: bool) {
    for (byte, normal) in bytes.iter_mut().zip(normals) {
        let noise = normal * sigma + mean;
        let magnitude = truncated(if noise.abs() < MOST { noise.abs() } else { MOST });
        let sum = i16::from(*byte).wrapping_add((if noise < 0.0 { -magnitude } else { magnitude }) as i16);
        *byte = if clip { sum.clamp(0, 255) as u8 } else { sum as u8 };
    }
}

/// Two independent normal numbers from each pair of words.
#[inline(always)]
fn normals([radii, angles]: &[[u32; PAIRS]; 2]) -> ([f32; PAIRS], [f32; PAIRS]) {
    let (mut first, mut second) = ([0.0; PAIRS], [0.0; PAIRS]);
    for (((first, second), &radius), &angle) in first.iter_mut().zip(&mut second).zip(radii).zip(angles) {
        (*first, *second) = pair(radius, angle);
    }
    (first, second)
}

/// From 32 random bits each for the distance from the origin and for the direction.
#[inline(always)]
fn pair(radius: u32, angle: u32) -> (f32, f32) {
    // In (0, 1], in steps of 2⁻²⁴: the distance is at most 5.77.
    let uniform = ((radius >> 8) + 1) as i32 as f32 * const { 1.0 / (1 << 24) as f32 };
    let distance = (-2.0 * logarithm(uniform)).max(0.0).sqrt();
    let (sine, cosine) = direction(angle);
    (distance * cosine, distance * sine)
}

/// The natural logarithm of x in [2⁻²⁴, 1]: x = 2ᵉ · m with m in [√½, √2), and ln m = 2 artanh((m − 1) / (m + 1)) by its series.
#[inline(always)]
fn logarithm(x: f32) -> f32 {
    const ROOT_HALF: u32 = std::f32::consts::FRAC_1_SQRT_2.to_bits();
    let shifted = x.to_bits().wrapping_sub(ROOT_HALF) as i32 >> 23;
    let mantissa = f32::from_bits(x.to_bits().wrapping_sub((shifted as u32) << 23));
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let square = t * t;
    let series = ((square * (2.0 / 9.0) + 2.0 / 7.0) * square + 2.0 / 5.0) * square + 2.0 / 3.0;
    shifted as f32 * std::f32::consts::LN_2 + (t * square * series + 2.0 * t)
}

/// Sine and cosine of a part of the full turn, `angle / 2³²`: the two highest bits are the quarter, the others the angle from its middle.
#[inline(always)]
fn direction(angle: u32) -> (f32, f32) {
    // In [−π/4, π/4).
    let x = ((angle << 2) as i32 >> 8) as f32 * const { std::f32::consts::FRAC_PI_4 / (1 << 23) as f32 };
    let square = x * x;
    let sine = ((square * (-1.0 / 5040.0) + 1.0 / 120.0) * square - 1.0 / 6.0) * square * x + x;
    let cosine =
        ((square * (1.0 / 40320.0) - 1.0 / 720.0) * square + 1.0 / 24.0) * square * square - 0.5 * square + 1.0;
    let (sine, cosine) = if angle >> 30 & 1 == 0 { (sine, cosine) } else { (cosine, -sine) };
    if angle >> 31 == 0 { (sine, cosine) } else { (-sine, -cosine) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_views;
    use super::*;

    #[test]
    fn it_is_the_formula_whatever_is_seen() {
        let mut out = Vec::new();
        with_views(|view, image| {
            for (mean, sigma, clip) in [(0.0, 0.1, true), (0.1, 0.4, false), (-200.0, 3.0, false), (1e30, 0.0, true)] {
                gaussian_noise(view, mean, sigma, clip, 3, &mut out);
                let mut rng = SampleKey { seed: 3, epoch: 0, position: 0, purpose: Purpose::Noise }.rng();
                let mut expected = Vec::new();
                for bytes in image.data().chunks(2 * PAIRS) {
                    let (first, second) = normals(&random(&mut rng));
                    for (byte, normal) in bytes.iter().zip(first.into_iter().chain(second)) {
                        let noise = normal * (sigma * 255.0) + mean * 255.0;
                        let sum = i16::from(*byte).wrapping_add(noise.clamp(-MOST, MOST) as i32 as i16);
                        expected.push(if clip { sum.clamp(0, 255) as u8 } else { sum as u8 });
                    }
                }
                assert_eq!(out, expected, "{:?}, {mean}, {sigma}", view.layout());
            }
        });
    }

    #[test]
    fn the_logarithm_is_that_of_the_system() {
        let worst = (1..=1 << 24)
            .step_by(7)
            .map(|i| i as f32 / (1 << 24) as f32)
            .map(|x| (f64::from(logarithm(x)) - f64::from(x).ln()).abs() / (1.0 - f64::from(x).ln()))
            .fold(0.0, f64::max);
        assert!(worst < 1e-6, "{worst}");
        assert_eq!(logarithm(1.0), 0.0);
    }

    #[test]
    fn directions_lie_on_the_circle_where_the_system_has_them() {
        for angle in (0..u32::MAX - 65_521).step_by(65_521) {
            // The lowest bits of an angle are cut off, and its zero is the middle of a quarter.
            let quarter = f64::from(angle >> 30) * std::f64::consts::FRAC_PI_2;
            let inside = f64::from((angle << 2) as i32) / f64::from(1_u32 << 31) * std::f64::consts::FRAC_PI_4;
            let (sine, cosine) = direction(angle);
            assert!((f64::from(sine) - (quarter + inside).sin()).abs() < 1e-6, "{angle}");
            assert!((f64::from(cosine) - (quarter + inside).cos()).abs() < 1e-6, "{angle}");
        }
    }

    #[test]
    fn the_numbers_are_normal() {
        let mut rng = SampleKey { seed: 1, epoch: 0, position: 0, purpose: Purpose::Noise }.rng();
        let mut numbers: Vec<f64> = Vec::new();
        while numbers.len() < 100_000 {
            let (first, second) = normals(&random(&mut rng));
            numbers.extend(first.iter().chain(&second).map(|number| f64::from(*number)));
        }
        let count = numbers.len() as f64;
        let moment = |power: i32| numbers.iter().map(|number| number.powi(power)).sum::<f64>() / count;
        assert!(moment(1).abs() < 0.015 && (moment(2) - 1.0).abs() < 0.02, "{} {}", moment(1), moment(2));
        assert!(moment(3).abs() < 0.04 && (moment(4) - 3.0).abs() < 0.15, "{} {}", moment(3), moment(4));
        let beyond = numbers.iter().filter(|number| number.abs() > 1.959_964).count() as f64 / count;
        assert!((beyond - 0.05).abs() < 0.003, "{beyond}");
    }
}
