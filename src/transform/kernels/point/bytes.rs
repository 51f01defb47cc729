//! Steps that take one byte to another, whatever stands beside it.

use super::lanes::to_byte;
use super::table;
use crate::transform::kernels::vectorized::vectorized;

/// A function of one byte.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ByteStep {
    /// `⌊clamp(factor · x)⌋`.
    Scale { factor: f32 },
    /// [`ByteStep::Scale`] in integers, see [`Product`].
    Multiply(Product),
    /// `⌊clamp(factor · x + rest · mean)⌋`; the first product is rounded, and the sum with the second one once.
    Blend { factor: f32, rest: f32, mean: f32 },
    /// `⌊clamp((x − least) / scale)⌋` with numbers for each channel.
    Stretch { least: [f32; 3], scale: [f32; 3] },
    /// `255 − x`.
    Invert,
    /// `255 − x` from this byte on.
    InvertFrom(u8),
    /// The bits that both have.
    Mask(u8),
    /// The table with this number, or, with `per_channel`, the one for channel c with the number `first + c`.
    Table { first: usize, per_channel: bool },
}

impl ByteStep {
    /// Whether channels differ in what is done to them.
    pub fn per_channel(self) -> bool {
        matches!(self, Self::Stretch { .. } | Self::Table { per_channel: true, .. })
    }

    /// Whether it takes no longer than a table in vector registers.
    pub fn is_quick(self) -> bool {
        matches!(self, Self::Multiply(_) | Self::Invert | Self::InvertFrom(_) | Self::Mask(_) | Self::Table { .. })
    }

    /// Writes the result for each byte of `source`, all of one channel, into `out`, which is as long.
    pub fn write(self, tables: &[[u8; 256]], channel: usize, source: &[u8], out: &mut [u8]) {
        match self {
            Self::Scale { factor } => vectorized!(map(source, out, |x| to_byte(f32::from(x) * factor))),
            Self::Multiply(product) => vectorized!(map(source, out, |x| product.of(x))),
            Self::Blend { factor, rest, mean } => {
                vectorized!(map(source, out, |x| to_byte(mean.mul_add(rest, f32::from(x) * factor))));
            }
            Self::Stretch { least, scale } => {
                let (least, scale) = (least[channel], scale[channel]);
                vectorized!(map(source, out, |x| to_byte((f32::from(x) - least) / scale)));
            }
            Self::Invert => vectorized!(map(source, out, |x| !x)),
            Self::InvertFrom(first) => vectorized!(map(source, out, |x| if x >= first { !x } else { x })),
            Self::Mask(mask) => vectorized!(map(source, out, |x| x & mask)),
            Self::Table { first, per_channel } => {
                let number = if per_channel { first + channel } else { first };
                table::look_up(&tables[number], source, out);
            }
        }
    }

    /// The result for each of the 256 bytes of a channel.
    pub fn table(self, tables: &[[u8; 256]], channel: usize) -> [u8; 256] {
        self.after(tables, channel, &table::identity())
    }

    /// The result for each byte of a table.
    pub fn after(self, tables: &[[u8; 256]], channel: usize, table: &[u8; 256]) -> [u8; 256] {
        let mut out = [0; 256];
        self.write(tables, channel, table, &mut out);
        out
    }
}

#[inline(always)]
fn map(source: &[u8], out: &mut [u8], function: impl Fn(u8) -> u8) {
    for (x, out) in source.iter().zip(out) {
        *out = function(*x);
    }
}

/// `min(⌊factor · x⌋, 255)` for factors below 2 in integers of 16 bits: the factor in units of 2⁻²³, its upper and its lower 16 bits.
///
/// The upper part gives a product in units of 2⁻⁷, the lower part what is left of it, rounded down to those units; so the whole part of their
/// sum is exact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Product {
    high: u16,
    low: u16,
}

impl Product {
    /// The product that gives the same as torch's rounded one for all bytes, if there is one.
    pub fn new(factor: f32) -> Option<Self> {
        if factor >= 2.0 {
            return None;
        }
        // Exact: a factor has 24 bits. Rounded up, whole products stay whole.
        let units = (f64::from(factor) * f64::from(1 << 23)).ceil() as u32;
        let product = Self { high: (units >> 16) as u16, low: units as u16 };
        let same = ByteStep::Multiply(product).table(&[], 0) == ByteStep::Scale { factor }.table(&[], 0);
        same.then_some(product)
    }

    #[inline(always)]
    fn of(self, x: u8) -> u8 {
        let x = u16::from(x);
        let rest = ((u32::from(x) * u32::from(self.low)) >> 16) as u16;
        let whole = x.wrapping_mul(self.high).wrapping_add(rest) >> 7;
        whole.min(255) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The factors that fail are too few to matter, but there are some: then the step falls back to a table.
    #[test]
    fn products_are_exact_or_refused() {
        let factors = || (0..4000).map(|i| i as f32 * 0.000_5 + (i * i % 97) as f32 * 1e-6);
        let exact = factors().filter_map(|factor| Some((factor, Product::new(factor)?)));
        assert!(exact.clone().count() > 3800);
        for (factor, product) in exact {
            assert!((0..=255).all(|x: u8| product.of(x) == (f32::from(x) * factor) as u8), "{factor}");
        }
        assert_eq!(Product::new(2.0), None);
    }

    #[test]
    fn steps_are_the_scalar_functions_on_every_length() {
        let bytes: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
        let blend = |x: u8| (f64::from(1.7f32 * f32::from(x)) + f64::from(-0.7f32) * f64::from(93.25f32)) as f32 as u8;
        let cases: [(ByteStep, &dyn Fn(u8) -> u8); 6] = [
            (ByteStep::Scale { factor: 1.7 }, &|x| (f32::from(x) * 1.7) as u8),
            (ByteStep::Blend { factor: 1.7, rest: -0.7, mean: 93.25 }, &blend),
            (ByteStep::Stretch { least: [20.0; 3], scale: [0.731; 3] }, &|x| ((f32::from(x) - 20.0) / 0.731) as u8),
            (ByteStep::Invert, &|x| 255 - x),
            (ByteStep::InvertFrom(77), &|x| if x < 77 { x } else { 255 - x }),
            (ByteStep::Mask(0b1110_0000), &|x| x / 32 * 32),
        ];
        for (step, function) in cases {
            for length in (0..70).chain([512]) {
                let mut out = vec![0; length];
                step.write(&[], 1, &bytes[..length], &mut out);
                assert!(bytes.iter().zip(&out).all(|(x, out)| *out == function(*x)), "{step:?} {length}");
            }
        }
    }
}
