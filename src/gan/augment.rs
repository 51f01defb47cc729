//! DiffAugment: the same random operations on real and generated images before the discriminator, with gradients, so that
//! it cannot tell few real images by heart (S. Zhao et al., "Differentiable Augmentation for Data-Efficient GAN
//! Training", 2020); and their strength by ADA's rule (T. Karras et al., "Training Generative Adversarial Networks with
//! Limited Data", 2020).

use candle_core::{CpuStorage, CustomOp1, Layout, Result as CandleResult, Shape, Tensor, bail};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::nn::has_kernels;
use crate::rng::SampleRng;

/// The farthest shift, as a share of the side.
const SHIFT: f64 = 0.125;
/// The side of the square that is cut out, as a share of the image's.
const HOLE: f64 = 0.5;

/// The probability that [`Augmentation::target`] never exceeds: beyond it, augmented images are no longer rare enough for
/// the generator to leave their traces out (same paper, section 2.2).
pub(super) const MOST: f64 = 0.8;

/// What the discriminator's images go through, each operation on its own with the same probability.
///
/// ```
/// use candle_augment::gan::{Augmentation, GanConfig};
///
/// let augmentation = Augmentation { translation: true, cutout: true, ..Default::default() };
/// GanConfig { augmentation, ..GanConfig::new(32, 3, ["cat", "dog"]) }.validate()?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Brightness ±0.5 of [−1, 1], saturation 0 to 2 times (of RGB images), contrast 0.5 to 1.5 times; false by default.
    pub color: bool,
    /// A shift by up to an eighth of the side, whole pixels, with gray (0) behind; false by default.
    pub translation: bool,
    /// A square of half the side, anywhere, becomes gray (0); false by default.
    pub cutout: bool,
    /// The probability of each operation, at the start if there is a target; 1 by default.
    pub probability: f64,
    /// If given, the probability rises while the discriminator's answers to real images have, on average, a sign above
    /// this (1: it takes all of them for real), and falls otherwise; at most to 0.8. None by default; the paper has 0.6.
    pub target: Option<f64>,
}

impl Default for Augmentation {
    fn default() -> Self {
        Self { color: false, translation: false, cutout: false, probability: 1.0, target: None }
    }
}

impl Augmentation {
    /// Whether anything can happen to an image.
    #[must_use]
    pub fn is_on(&self) -> bool {
        (self.color || self.translation || self.cutout) && (self.probability > 0.0 || self.target.is_some())
    }

    pub(super) fn validate(&self) -> Result<()> {
        if !(0.0..=1.0).contains(&self.probability) {
            let found = self.probability;
            return Err(Error::config(format!("the GAN's augmentation has a probability from 0 to 1, got {found}")));
        }
        match self.target {
            Some(target) if !(-1.0..=1.0).contains(&target) => {
                Err(Error::config(format!("the target of the GAN's augmentation must be from -1 to 1, got {target}")))
            }
            _ => Ok(()),
        }
    }

    /// The operations of one image of `size` pixels a side, each with `probability`.
    fn draw(&self, probability: f64, size: usize, rng: &mut SampleRng) -> Draw {
        let mut draw = Draw::default();
        if self.color && rng.bernoulli(probability) {
            draw.brightness = rng.uniform(-0.5, 0.5) as f32;
            draw.saturation = rng.uniform(0.0, 2.0) as f32;
            draw.contrast = rng.uniform(0.5, 1.5) as f32;
        }
        if self.translation && rng.bernoulli(probability) {
            let most = (size as f64 * SHIFT).round() as usize;
            let mut shift = || rng.below(2 * most + 1) as isize - most as isize;
            draw.shift = (shift(), shift());
        }
        if self.cutout && rng.bernoulli(probability) {
            let side = (size as f64 * HOLE).round() as usize;
            // The middle is anywhere in the image, so parts of the hole may lie outside.
            let mut range = || {
                let end = rng.below(size + 1 - side % 2) + side - side / 2;
                (end.saturating_sub(side), end.min(size))
            };
            draw.hole = Some((range(), range()));
        }
        draw
    }
}

/// What happens to one image: colour, then shift, then hole.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Draw {
    brightness: f32,
    saturation: f32,
    contrast: f32,
    /// Rows and columns by which the content moves down and right.
    shift: (isize, isize),
    /// The first and one past the last row, and column.
    hole: Option<((usize, usize), (usize, usize))>,
}

impl Default for Draw {
    fn default() -> Self {
        Self { brightness: 0.0, saturation: 1.0, contrast: 1.0, shift: (0, 0), hole: None }
    }
}

impl Draw {
    fn moves(&self, y: usize, x: usize, size: usize) -> Option<(usize, usize)> {
        let inside = |(from, to): (usize, usize), at: usize| (from..to).contains(&at);
        if self.hole.is_some_and(|(rows, columns)| inside(rows, y) && inside(columns, x)) {
            return None;
        }
        let from = |at: usize, by: isize| at.checked_add_signed(-by).filter(|at| *at < size);
        Some((from(y, self.shift.0)?, from(x, self.shift.1)?))
    }

    /// Saturation and contrast of an image (H, W, C) in place. Both keep their means, so they commute, and both are
    /// symmetric: the gradient goes through the same.
    fn scale(&self, image: &mut [f32], channels: usize) {
        if channels > 1 && self.saturation != 1.0 {
            for pixel in image.chunks_exact_mut(channels) {
                let mean = pixel.iter().sum::<f32>() / channels as f32;
                pixel.iter_mut().for_each(|value| *value = (*value - mean) * self.saturation + mean);
            }
        }
        if self.contrast != 1.0 {
            let sum: f64 = image.iter().map(|value| f64::from(*value)).sum();
            let mean = (sum / image.len() as f64) as f32;
            image.iter_mut().for_each(|value| *value = (*value - mean) * self.contrast + mean);
        }
    }
}

/// The operations for a batch.
#[derive(Clone, Debug)]
pub(super) struct Draws {
    draws: Vec<Draw>,
    size: usize,
    channels: usize,
}

impl Draws {
    /// For `count` images of `size` pixels a side.
    pub(super) fn new(
        augmentation: &Augmentation,
        probability: f64,
        (count, size, channels): (usize, usize, usize),
        rng: &mut SampleRng,
    ) -> Self {
        Self { draws: (0..count).map(|_| augmentation.draw(probability, size, rng)).collect(), size, channels }
    }

    /// The images (N, H, W, C), augmented.
    pub(super) fn apply(&self, images: &Tensor) -> Result<Tensor> {
        if has_kernels(images) {
            return Ok(images.contiguous()?.apply_op1(Forward(self.clone()))?);
        }
        Ok(self.stock(images)?)
    }

    /// The same by candle's operations, for devices other than the CPU.
    fn stock(&self, images: &Tensor) -> CandleResult<Tensor> {
        let (count, size, channels) = (self.draws.len(), self.size, self.channels);
        let device = images.device();
        let each = |value: fn(&Draw) -> f32| {
            Tensor::from_vec(self.draws.iter().map(value).collect::<Vec<_>>(), (count, 1, 1), device)
        };
        let mut x = images.reshape((count, size * size, channels))?;
        x = x.broadcast_add(&each(|draw| draw.brightness)?)?;
        if channels > 1 {
            let mean = x.mean_keepdim(2)?;
            x = x.broadcast_sub(&mean)?.broadcast_mul(&each(|draw| draw.saturation)?)?.broadcast_add(&mean)?;
        }
        let mean = x.mean_keepdim((1, 2))?;
        x = x.broadcast_sub(&mean)?.broadcast_mul(&each(|draw| draw.contrast)?)?.broadcast_add(&mean)?;
        let pixels = || (0..size * size).map(|at| (at / size, at % size));
        let places: Vec<Option<(usize, usize)>> =
            self.draws.iter().flat_map(|draw| pixels().map(|(y, x)| draw.moves(y, x, size))).collect();
        let from = places.iter().map(|place| place.map_or(0, |(y, x)| (y * size + x) as u32)).collect::<Vec<_>>();
        let kept = places.iter().map(|place| if place.is_some() { 1f32 } else { 0.0 }).collect::<Vec<_>>();
        let shape = (count, size * size, 1);
        let from = Tensor::from_vec(from, shape, device)?.broadcast_as(x.shape())?.contiguous()?;
        let x = x.contiguous()?.gather(&from, 1)?.broadcast_mul(&Tensor::from_vec(kept, shape, device)?)?;
        x.reshape(images.shape())
    }

    fn pixels(&self) -> usize {
        self.size * self.size * self.channels
    }

    fn forward(&self, draw: &Draw, image: &[f32], out: &mut [f32]) {
        let mut image: Vec<f32> = image.iter().map(|value| value + draw.brightness).collect();
        draw.scale(&mut image, self.channels);
        self.each_move(draw, |to, from| out[to].copy_from_slice(&image[from]));
    }

    fn backward(&self, draw: &Draw, gradient: &[f32], out: &mut [f32]) {
        self.each_move(draw, |to, from| out[from].copy_from_slice(&gradient[to]));
        draw.scale(out, self.channels);
    }

    /// Calls `copy` with the place of each pixel and that from which it comes.
    fn each_move(&self, draw: &Draw, mut copy: impl FnMut(std::ops::Range<usize>, std::ops::Range<usize>)) {
        let place = |y: usize, x: usize| {
            let start = (y * self.size + x) * self.channels;
            start..start + self.channels
        };
        for y in 0..self.size {
            for x in 0..self.size {
                if let Some((from_y, from_x)) = draw.moves(y, x, self.size) {
                    copy(place(y, x), place(from_y, from_x));
                }
            }
        }
    }

    fn run(
        &self,
        storage: &CpuStorage,
        layout: &Layout,
        work: impl Fn(&Draw, &[f32], &mut [f32]) + Sync,
    ) -> CandleResult<(CpuStorage, Shape)> {
        let expected = [self.draws.len(), self.size, self.size, self.channels];
        let Some((start, end)) = layout.contiguous_offsets().filter(|_| layout.dims() == expected) else {
            bail!("expected a contiguous tensor of shape {expected:?}, got {:?}", layout.dims())
        };
        let values = &storage.as_slice::<f32>()?[start..end];
        let mut out = vec![0.0; values.len()];
        out.par_chunks_mut(self.pixels())
            .zip(values.par_chunks(self.pixels()))
            .zip(&self.draws)
            .for_each(|((out, image), draw)| work(draw, image, out));
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

struct Forward(Draws);

impl CustomOp1 for Forward {
    fn name(&self) -> &'static str {
        "augment"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> CandleResult<(CpuStorage, Shape)> {
        self.0.run(storage, layout, |draw, image, out| self.0.forward(draw, image, out))
    }

    fn bwd(&self, _images: &Tensor, _augmented: &Tensor, gradient: &Tensor) -> CandleResult<Option<Tensor>> {
        Ok(Some(gradient.contiguous()?.apply_op1_no_bwd(&Backward(&self.0))?))
    }
}

struct Backward<'a>(&'a Draws);

impl CustomOp1 for Backward<'_> {
    fn name(&self) -> &'static str {
        "augment-backward"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> CandleResult<(CpuStorage, Shape)> {
        self.0.run(storage, layout, |draw, gradient, out| self.0.backward(draw, gradient, out))
    }
}

/// The probability after a batch of `images` whose real ones got answers of mean sign `sign`: towards more while it is
/// above `target`, all the way from 0 to 1 in `speed` images (same paper, section 2.3).
pub(super) fn adapt(probability: f64, sign: f64, target: f64, images: f64, speed: f64) -> f64 {
    let change = images / speed;
    if sign > target { (probability + change).min(MOST.max(probability)) } else { (probability - change).max(0.0) }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::rng::{Purpose, SampleKey};

    const ALL: Augmentation =
        Augmentation { color: true, translation: true, cutout: true, probability: 1.0, target: None };

    fn rng(position: u64) -> SampleRng {
        SampleKey { seed: 5, epoch: 0, position, purpose: Purpose::Training }.rng()
    }

    fn random(shape: [usize; 4], position: u64) -> Result<Var> {
        let mut rng = rng(position);
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.uniform(-1.0, 1.0) as f32).collect();
        Ok(Var::from_tensor(&Tensor::from_vec(values, &shape, &Device::Cpu)?)?)
    }

    fn dot(a: &Tensor, b: &Tensor) -> Result<f64> {
        Ok(f64::from((a * b)?.sum_all()?.to_scalar::<f32>()?))
    }

    #[test]
    fn the_stock_path_agrees_and_the_gradient_is_that_of_differences() -> Result<()> {
        for (size, channels) in [(8, 1), (9, 3)] {
            let draws = Draws::new(&ALL, 1.0, (20, size, channels), &mut rng(1));
            let (x, pull) = (random([20, size, size, channels], 2)?, random([20, size, size, channels], 3)?);
            let (own, stock) = (draws.apply(&x)?, draws.stock(&x)?);
            let difference: f32 = (&own - &stock)?.abs()?.max_all()?.to_scalar()?;
            assert!(difference < 1e-5, "{difference}");
            let gradient = |y: &Tensor| -> Result<Tensor> {
                let gradients = (y * pull.as_tensor())?.sum_all()?.backward()?;
                Ok(gradients.get(&x).expect("x is a variable").clone())
            };
            let (own, stock) = (gradient(&own)?, gradient(&stock)?);
            let difference: f32 = (&own - &stock)?.abs()?.max_all()?.to_scalar()?;
            assert!(difference < 1e-5, "{difference}");
            // The operations are affine: one step, of any length, gives the derivative.
            let direction = random([20, size, size, channels], 4)?;
            let moved = draws.apply(&(x.as_tensor() + direction.as_tensor())?)?;
            let found = dot(&(moved - draws.apply(&x)?)?, &pull)?;
            let expected = dot(&own, &direction)?;
            assert!((found - expected).abs() < 1e-3 * expected.abs().max(1.0), "{found}, expected {expected}");
        }
        Ok(())
    }

    #[test]
    fn what_is_off_does_nothing() -> Result<()> {
        let x = random([6, 8, 8, 3], 2)?;
        for (augmentation, probability) in [(ALL, 0.0), (Augmentation::default(), 1.0)] {
            let draws = Draws::new(&augmentation, probability, (6, 8, 3), &mut rng(1));
            assert_eq!(draws.apply(&x)?.flatten_all()?.to_vec1::<f32>()?, x.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(())
    }

    #[test]
    fn draws_reach_their_ends_and_stay_inside() {
        let mut rng = rng(1);
        let draws: Vec<Draw> = (0..5000).map(|_| ALL.draw(1.0, 16, &mut rng)).collect();
        let most = |value: &dyn Fn(&Draw) -> f64| draws.iter().map(value).fold(f64::MIN, f64::max);
        assert_eq!(most(&|draw| draw.shift.0 as f64), 2.0);
        assert_eq!(most(&|draw| -draw.shift.1 as f64), 2.0);
        let hole = |draw: &Draw| draw.hole.expect("the probability is 1");
        assert!(draws.iter().all(|draw| hole(draw).0.1 <= 16 && hole(draw).1.1 <= 16));
        // The middle of the hole goes from one border to the other; half of the hole is always inside.
        assert_eq!(most(&|draw| hole(draw).0.0 as f64), 12.0);
        assert_eq!(most(&|draw| -(hole(draw).1.1 as f64)), -4.0);
        let brightness = most(&|draw| f64::from(draw.brightness));
        assert!(brightness > 0.49 && brightness <= 0.5, "{brightness}");
        let contrast = most(&|draw| -f64::from(draw.contrast));
        assert!(contrast < -0.5 && contrast > -0.51, "{contrast}");
    }

    #[test]
    fn each_operation_happens_with_its_probability() {
        let mut rng = rng(1);
        let draws: Vec<Draw> = (0..4000).map(|_| ALL.draw(0.25, 16, &mut rng)).collect();
        let holes = draws.iter().filter(|draw| draw.hole.is_some()).count();
        assert!((900..1100).contains(&holes), "{holes}");
        let both = draws.iter().filter(|draw| draw.hole.is_some() && draw.brightness != 0.0).count();
        assert!((190..310).contains(&both), "{both}");
    }

    #[test]
    fn strength_follows_the_sign_up_to_its_limit() {
        assert!((adapt(0.5, 0.7, 0.6, 64.0, 640.0) - 0.6).abs() < 1e-12);
        assert!((adapt(0.5, 0.6, 0.6, 64.0, 640.0) - 0.4).abs() < 1e-12);
        assert_eq!(adapt(0.79, 1.0, 0.6, 64.0, 640.0), MOST);
        assert_eq!(adapt(0.05, 0.0, 0.6, 64.0, 640.0), 0.0);
        assert_eq!(adapt(0.9, 1.0, 0.6, 64.0, 640.0), 0.9);
    }
}
