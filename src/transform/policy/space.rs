//! The operations that policies choose from, and their magnitudes.

use crate::image::Size;
use crate::rng::SampleRng;
use crate::transform::op::{Fill, Interpolation, Op};

/// A kind of operation, under torchvision's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Color,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    AutoContrast,
    Equalize,
    Invert,
}

impl Kind {
    /// Whether a magnitude may as well be negative.
    fn is_signed(self) -> bool {
        use Kind::{Brightness, Color, Contrast, Rotate, Sharpness, ShearX, ShearY, TranslateX, TranslateY};
        matches!(self, ShearX | ShearY | TranslateX | TranslateY | Rotate | Brightness | Color | Contrast | Sharpness)
    }
}

/// The kinds of RandAugment and TrivialAugment.
pub static KINDS: [Kind; 14] = [
    Kind::Identity,
    Kind::ShearX,
    Kind::ShearY,
    Kind::TranslateX,
    Kind::TranslateY,
    Kind::Rotate,
    Kind::Brightness,
    Kind::Color,
    Kind::Contrast,
    Kind::Sharpness,
    Kind::Posterize,
    Kind::Solarize,
    Kind::AutoContrast,
    Kind::Equalize,
];

/// The magnitude of each kind in the last bin; the first bin changes nothing, or next to nothing.
#[derive(Debug)]
pub struct Scale {
    /// The tangent of the angle of shear.
    pub shear: f64,
    /// Pixels of translation along a side of so many pixels.
    pub translation: fn(f64) -> f64,
    /// Degrees of rotation.
    pub rotation: f64,
    /// How far the factors of brightness, saturation, contrast and sharpness lie from 1.
    pub factor: f64,
    /// The bits that posterizing keeps in the first bin.
    pub bits: u8,
    /// How many of them it clears in the last.
    pub cleared: u8,
}

/// The scale of AutoAugment and RandAugment.
pub const SCALE: Scale =
    Scale { shear: 0.3, translation: |side| 150.0 / 331.0 * side, rotation: 30.0, factor: 0.9, bits: 8, cleared: 4 };

/// One of at least two evenly spaced magnitudes.
#[derive(Clone, Copy, Debug)]
pub struct Bin {
    pub index: usize,
    pub count: usize,
}

impl Bin {
    /// The bin's number from `first` to `last`.
    ///
    /// `torch.linspace`: in 32-bit floats, from the nearer end, product and sum rounded once.
    fn linear(self, first: f64, last: f64) -> f64 {
        let (first, last) = (first as f32, last as f32);
        let step = f64::from((last - first) / (self.count - 1) as f32);
        let value = if self.index < self.count / 2 {
            f64::from(first) + step * self.index as f64
        } else {
            f64::from(last) - step * (self.count - 1 - self.index) as f64
        };
        f64::from(value as f32)
    }

    /// The bits that are left of `bits` if the last bin clears `cleared`.
    fn bits(self, bits: u8, cleared: u8) -> u8 {
        let bins_per_bit = (self.count - 1) as f64 / f64::from(cleared);
        let cleared = self.index as f32 / bins_per_bit as f32;
        (f32::from(bits) - cleared).round_ties_even() as u8
    }
}

/// How the warps of a policy sample.
#[derive(Clone, Copy, Debug)]
pub struct Warp {
    pub interpolation: Interpolation,
    pub fill: Fill,
}

impl Scale {
    /// The operation of a kind in a bin for an image of `size`, its sign drawn; nothing for the identity.
    pub fn op(&self, kind: Kind, bin: Bin, size: Size, warp: Warp, rng: &mut SampleRng) -> Option<Op> {
        let sign = if kind.is_signed() && rng.bernoulli(0.5) { -1.0 } else { 1.0 };
        let signed = |last: f64| sign * bin.linear(0.0, last);
        let factor = || 1.0 + signed(self.factor);
        let pixels = |side: usize| signed((self.translation)(side as f64)).trunc() as f32;
        let degrees_of_shear = || signed(self.shear).atan().to_degrees();
        Some(match kind {
            Kind::Identity => return None,
            Kind::ShearX => warp.shear([degrees_of_shear(), 0.0]),
            Kind::ShearY => warp.shear([0.0, degrees_of_shear()]),
            Kind::TranslateX => warp.translate([pixels(size.width), 0.0]),
            Kind::TranslateY => warp.translate([0.0, pixels(size.height)]),
            Kind::Rotate => warp.rotate(signed(self.rotation)),
            Kind::Brightness => Op::Brightness { factor: factor() },
            Kind::Color => Op::Saturation { factor: factor() },
            Kind::Contrast => Op::Contrast { factor: factor() },
            Kind::Sharpness => Op::Sharpness { factor: factor() },
            Kind::Posterize => Op::Posterize { bits: bin.bits(self.bits, self.cleared) },
            Kind::Solarize => Op::Solarize { threshold: (255.0 * bin.linear(1.0, 0.0)) as f32 },
            Kind::AutoContrast => Op::Autocontrast,
            Kind::Equalize => Op::Equalize,
            Kind::Invert => Op::Invert,
        })
    }
}

impl Warp {
    /// Around the top left corner, so that the angles' tangents are those of the papers' matrices.
    fn shear(self, shear: [f64; 2]) -> Op {
        self.affine([0.0; 2], shear, Some([0.0; 2]))
    }

    fn translate(self, translate: [f32; 2]) -> Op {
        self.affine(translate, [0.0; 2], None)
    }

    fn affine(self, translate: [f32; 2], shear: [f64; 2], center: Option<[f32; 2]>) -> Op {
        let Self { interpolation, fill } = self;
        Op::Affine { degrees: 0.0, translate, scale: 1.0, shear, interpolation, center, fill }
    }

    fn rotate(self, degrees: f64) -> Op {
        let Self { interpolation, fill } = self;
        Op::Rotate { degrees: degrees as f32, interpolation, expand: false, center: None, fill }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linear(first: f64, last: f64, count: usize) -> Vec<f32> {
        (0..count).map(|index| Bin { index, count }.linear(first, last) as f32).collect()
    }

    /// Where the roundings show: `torch.linspace(0, 32, 31)[[14, 15, 16, 29]]` and `torch.linspace(1, 0, 31)[[1, 18, 29]]`.
    #[test]
    fn magnitudes_are_rounded_as_torch_does() {
        let translations = linear(0.0, 32.0, 31);
        assert_eq!([14, 15, 16, 29].map(|index| translations[index]), [14.933_334, 15.999_999, 17.066_666, 30.933_332]);
        let thresholds = linear(1.0, 0.0, 31);
        assert_eq!([1, 18, 29].map(|index| thresholds[index]), [0.966_666_64, 0.400_000_04, 0.033_333_335]);
        assert_eq!(linear(0.0, 0.5, 2), [0.0, 0.5]);
    }

    /// `(8 - torch.arange(9) / 2).round()`: halves go to the even number.
    #[test]
    fn bits_are_rounded_as_torch_does() {
        let bits: Vec<u8> = (0..9).map(|index| Bin { index, count: 9 }.bits(8, 4)).collect();
        assert_eq!(bits, [8, 8, 7, 6, 6, 6, 5, 4, 4]);
    }
}
