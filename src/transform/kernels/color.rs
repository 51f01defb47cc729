//! The functions of one pixel written plainly, one pixel at a time: what the vector kernels are compared with.
//!
//! torch blends in 32-bit floats with a fused multiply-add. It is done in f64 here and rounded to f32 once, which gives the same number on every
//! processor: the product of an f32 and a byte is exact in f64, and so is the sum for all factors worth the name.

use super::point::gamma;
use crate::image::Image;
use crate::transform::Op;

/// What `op` makes of `image`; `None` if it is not a function of one pixel.
pub fn apply(op: &Op, mut image: Image) -> Option<Image> {
    match *op {
        Op::Brightness { factor } => brightness(&mut image, factor),
        Op::Contrast { factor } => contrast(&mut image, factor),
        Op::Saturation { factor } => saturation(&mut image, factor),
        Op::Hue { shift } => hue(&mut image, shift),
        Op::Gamma { gamma: exponent, gain } => {
            let table = gamma(exponent, gain);
            look_up(&mut image, |x| f32::from(table[x as usize]));
        }
        Op::Grayscale { channels } => return Some(grayscale(&image, channels)),
        Op::PermuteChannels { order } if image.channels() == 3 => {
            for pixel in image.data_mut().as_chunks_mut::<3>().0 {
                *pixel = order.map(|c| pixel[usize::from(c)]);
            }
        }
        Op::PermuteChannels { .. } => {}
        Op::Invert => look_up(&mut image, |x| 255.0 - x),
        Op::Posterize { bits } => {
            let step = f32::from(1u16 << (8 - bits));
            look_up(&mut image, |x| (x / step).floor() * step);
        }
        Op::Solarize { threshold } => look_up(&mut image, |x| if x >= threshold { 255.0 - x } else { x }),
        Op::Autocontrast => each_channel(&mut image, stretched),
        Op::Equalize => each_channel(&mut image, equalized),
        _ => return None,
    }
    Some(image)
}

fn grayscale(image: &Image, channels: usize) -> Image {
    let gray = |pixel: &[u8]| if let &[r, g, b] = pixel { gray([r, g, b]) } else { pixel[0] };
    let data = image.data().chunks(image.channels()).flat_map(|pixel| vec![gray(pixel); channels]).collect();
    Image::new(image.height(), image.width(), channels, data).expect("a byte for each channel")
}

/// Replaces the bytes of each channel.
fn each_channel(image: &mut Image, function: impl Fn(&[u8]) -> Vec<u8>) {
    let channels = image.channels();
    for c in 0..channels {
        let plane: Vec<u8> = image.data().iter().skip(c).step_by(channels).copied().collect();
        image.data_mut().iter_mut().skip(c).step_by(channels).zip(function(&plane)).for_each(|(old, new)| *old = new);
    }
}

fn stretched(plane: &[u8]) -> Vec<u8> {
    let (least, greatest) = (*plane.iter().min().expect("not empty"), *plane.iter().max().expect("not empty"));
    if least == greatest {
        return plane.to_vec();
    }
    let scale = f32::from(greatest - least) * const { 1.0 / 255.0 };
    plane.iter().map(|&x| (f32::from(x - least) / scale) as u8).collect()
}

/// Pillow's `ImageOps.equalize`.
fn equalized(plane: &[u8]) -> Vec<u8> {
    let count = |x: u8| plane.iter().filter(|&&y| y == x).count();
    let step = (plane.len() - count(*plane.iter().max().expect("not empty"))) / 255;
    if step == 0 {
        return plane.to_vec();
    }
    let mut sum = step / 2;
    let table = [(); 256].map({
        let mut x = 0;
        move |()| {
            let level = sum / step;
            sum += count(x);
            x = x.wrapping_add(1);
            level.min(255) as u8
        }
    });
    plane.iter().map(|&x| table[usize::from(x)]).collect()
}

/// `⌊clamp(factor · x)⌋`.
fn brightness(image: &mut Image, factor: f64) {
    let factor = factor as f32;
    look_up(image, |x| x * factor);
}

/// `⌊clamp(factor · x + (1 − factor) · mean)⌋` with the mean of the whole image's gray.
fn contrast(image: &mut Image, factor: f64) {
    let mean = gray_mean(image);
    let (factor, rest) = (factor as f32, remainder(factor));
    look_up(image, |x| fused(rest, f64::from(mean), x * factor));
}

/// `⌊clamp(factor · x + (1 − factor) · gray)⌋` with each pixel's own gray.
fn saturation(image: &mut Image, factor: f64) {
    if image.channels() == 1 {
        return;
    }
    let (factor, rest) = (factor as f32, remainder(factor));
    let scaled: [f32; 256] = std::array::from_fn(|x| x as f32 * factor);
    for pixel in image.data_mut().as_chunks_mut::<3>().0 {
        let gray = f64::from(gray(*pixel));
        *pixel = pixel.map(|x| fused(rest, gray, scaled[usize::from(x)]) as u8);
    }
}

/// Moves the hue by `shift` of a full turn.
fn hue(image: &mut Image, shift: f32) {
    if image.channels() == 3 {
        map_pixels(image, |color| shift_hue(color, shift));
    }
}

/// Replaces each RGB pixel by a function of its channels, given and returned as whole numbers from 0 to 255.
///
/// Some pixels at a time are spread over one array for each channel: the compiler turns the inner loop into vector instructions.
fn map_pixels(image: &mut Image, function: impl Fn([f32; 3]) -> [f32; 3]) {
    const CHUNK: usize = 64;
    let mut planes = [[0.0; CHUNK]; 3];
    for pixels in image.data_mut().as_chunks_mut::<3>().0.chunks_mut(CHUNK) {
        for (i, pixel) in pixels.iter().enumerate() {
            planes.iter_mut().zip(pixel).for_each(|(plane, &byte)| plane[i] = f32::from(byte));
        }
        let [reds, greens, blues] = &mut planes;
        for ((r, g), b) in reds.iter_mut().zip(greens).zip(blues) {
            [*r, *g, *b] = function([*r, *g, *b]);
        }
        for (i, pixel) in pixels.iter_mut().enumerate() {
            pixel.iter_mut().zip(&planes).for_each(|(byte, plane)| *byte = plane[i] as u8);
        }
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
fn remainder(factor: f64) -> f64 {
    f64::from((1.0 - factor) as f32)
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
/// The largest and the smallest channel come back unchanged, since value and saturation are kept and ⌊255.999 · x / 255⌋ = x; so only
/// the middle one is computed. There are choices but no branches, for the sake of vector instructions.
#[inline]
fn shift_hue([r, g, b]: [f32; 3], shift: f32) -> [f32; 3] {
    let (max, min) = (larger(larger(r, g), b), smaller(smaller(r, g), b));
    let unit = |x: f32| x * const { 1.0 / 255.0 };
    let value = unit(max);
    let range = value - unit(min);
    // Gray has hue and saturation 0: no quotient by 0.
    let saturation = range / if max == 0.0 { 1.0 } else { value };
    let divisor = if range == 0.0 { 1.0 } else { range };
    let [red, green, blue] = [r, g, b].map(|x| (value - unit(x)) / divisor);
    let from_green = if g == max { red + 2.0 - blue } else { green + 4.0 - red };
    let sixths = if r == max { blue - green } else { from_green };
    let hue = wrap(wrap(sixths * const { 1.0 / 6.0 } + 1.0) + shift) * 6.0;
    let whole = floor(hue);
    let part = saturation * (hue - whole);
    // A hue just below 0 is rounded to a full turn.
    let sector = if whole == 6.0 { 0.0 } else { whole };
    let falls = (sector == 1.0) | (sector == 3.0) | (sector == 5.0);
    let middle = if falls { 1.0 - part } else { part + (1.0 - saturation) };
    let middle = floor(middle * value * 255.999);
    let channel = |smallest: [f32; 2], between: [f32; 2]| {
        let rest = if (sector == between[0]) | (sector == between[1]) { middle } else { max };
        if (sector == smallest[0]) | (sector == smallest[1]) { min } else { rest }
    };
    [channel([2.0, 3.0], [1.0, 4.0]), channel([4.0, 5.0], [0.0, 3.0]), channel([0.0, 1.0], [2.0, 5.0])]
}

/// `x mod 1` for −1 < x < 2; a tiny negative number becomes 1, as in torch.
#[inline]
fn wrap(x: f32) -> f32 {
    let above = if x >= 1.0 { x - 1.0 } else { x };
    if x < 0.0 { x + 1.0 } else { above }
}

/// The largest whole number that is not above x, for |x| < 2²²: the sum has no bits left for a fraction. (`f32::floor` is a function call
/// without SSE 4.1.)
#[inline]
fn floor(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0;
    let near = (x + SHIFT) - SHIFT;
    near - if near > x { 1.0 } else { 0.0 }
}

/// The larger number; unlike `f32::max` it needs no care for NaN.
#[inline]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The smaller number.
#[inline]
fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}
