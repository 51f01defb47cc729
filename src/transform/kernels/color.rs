//! Brightness, contrast, saturation and hue, with the roundings of torchvision's tensor form.
//!
//! torch blends in 32-bit floats with a fused multiply-add. It is done in f64 here and rounded to f32 once, which gives the same number on every
//! processor: the product of an f32 and a byte is exact in f64, and so is the sum for all factors worth the name.

use crate::image::Image;

/// `⌊clamp(factor · x)⌋`.
pub fn brightness(image: &mut Image, factor: f32) {
    look_up(image, |x| x * factor);
}

/// `⌊clamp(factor · x + (1 − factor) · mean)⌋` with the mean of the whole image's gray.
pub fn contrast(image: &mut Image, factor: f32) {
    let mean = gray_mean(image);
    let rest = remainder(factor);
    look_up(image, |x| fused(rest, f64::from(mean), x * factor));
}

/// `⌊clamp(factor · x + (1 − factor) · gray)⌋` with each pixel's own gray.
pub fn saturation(image: &mut Image, factor: f32) {
    if image.channels() == 1 {
        return;
    }
    let rest = remainder(factor);
    let scaled: [f32; 256] = std::array::from_fn(|x| x as f32 * factor);
    for pixel in image.data_mut().as_chunks_mut::<3>().0 {
        let gray = f64::from(gray(*pixel));
        *pixel = pixel.map(|x| fused(rest, gray, scaled[usize::from(x)]) as u8);
    }
}

/// Moves the hue by `shift` of a full turn.
pub fn hue(image: &mut Image, shift: f32) {
    if image.channels() == 1 {
        return;
    }
    for pixel in image.data_mut().as_chunks_mut::<3>().0 {
        *pixel = shift_hue(*pixel, shift);
    }
}

/// Replaces each byte by a function of it, clamped and truncated (which is what `as u8` does).
fn look_up(image: &mut Image, function: impl Fn(f32) -> f32) {
    let table: [u8; 256] = std::array::from_fn(|x| function(x as f32) as u8);
    for byte in image.data_mut() {
        *byte = table[usize::from(*byte)];
    }
}

/// 1 − factor, taken in f64 and rounded, as torch does with a number from Python.
fn remainder(factor: f32) -> f64 {
    f64::from((1.0 - f64::from(factor)) as f32)
}

/// `factor · x + y`, rounded once.
fn fused(factor: f64, x: f64, y: f32) -> f32 {
    (factor * x + f64::from(y)) as f32
}

/// The mean gray in f32: the sum and the quotient are each rounded once.
fn gray_mean(image: &Image) -> f32 {
    let sum: u64 = if image.channels() == 1 {
        image.data().iter().map(|&x| u64::from(x)).sum()
    } else {
        image.data().as_chunks::<3>().0.iter().map(|&pixel| u64::from(gray(pixel))).sum()
    };
    sum as f32 / (image.height() * image.width()) as f32
}

/// `⌊0.2989 R + 0.587 G + 0.114 B⌋` as torch's 32-bit floats give it for each of the 2²⁴ colours.
fn gray([r, g, b]: [u8; 3]) -> u8 {
    /// The only colours whose sum is a whole number that torch's roundings fall short of.
    const SHORT: [[u8; 3]; 3] = [[250, 9, 228], [250, 13, 146], [250, 47, 199]];
    /// 0.2989, 0.587 and 0.114 times 2²⁴, rounded.
    const WEIGHTS: [u32; 3] = [5_014_710, 9_848_226, 1_912_603];
    let [wr, wg, wb] = WEIGHTS;
    let whole = (wr * u32::from(r) + wg * u32::from(g) + wb * u32::from(b)) >> 24;
    whole as u8 - u8::from(SHORT.contains(&[r, g, b]))
}

/// RGB to HSV (Pillow's formula), `h = (h + shift) mod 1`, and back, every step rounded to f32 as torch does.
///
/// The largest and the smallest channel come back unchanged, for ⌊255.999 · x / 255⌋ = x and saturation is kept; so only the middle
/// one is computed.
fn shift_hue([r, g, b]: [u8; 3], shift: f32) -> [u8; 3] {
    let (max, min) = (r.max(g).max(b), r.min(g).min(b));
    if max == min {
        return [r, g, b];
    }
    let unit = |x: u8| f32::from(x) * const { 1.0 / 255.0 };
    let value = unit(max);
    let range = value - unit(min);
    let saturation = range / value;
    let away = |x: u8| (value - unit(x)) / range;
    let sixths = if r == max {
        away(b) - away(g)
    } else if g == max {
        away(r) + 2.0 - away(b)
    } else {
        away(g) + 4.0 - away(r)
    };
    let hue = wrap(wrap(sixths * const { 1.0 / 6.0 } + 1.0) + shift) * 6.0;
    let sector = hue as u8;
    let part = saturation * (hue - f32::from(sector));
    let falling = (1.0 - part) * value;
    let rising = (part + (1.0 - saturation)) * value;
    let byte = |x: f32| (x * 255.999) as u8;
    match sector {
        1 => [byte(falling), max, min],
        2 => [min, max, byte(rising)],
        3 => [min, byte(falling), max],
        4 => [byte(rising), min, max],
        5 => [max, min, byte(falling)],
        // 0, and 6, which a hue just below 0 is rounded to.
        _ => [max, byte(rising), min],
    }
}

/// `x mod 1` for −1 < x < 2; a tiny negative number becomes 1, as in torch.
fn wrap(x: f32) -> f32 {
    if x < 0.0 {
        x + 1.0
    } else if x >= 1.0 {
        x - 1.0
    } else {
        x
    }
}
