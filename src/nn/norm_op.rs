//! Batch normalisation on the CPU as one operation of candle's, with the activation in the same pass.

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp3, Layout, Result as CandleResult, Shape, Tensor, bail};
use rayon::prelude::*;

use super::activation::Activation;
use super::buffer::{LINE, filled};
use super::lanes::{each, lanes};
use super::norm::BatchNormConfig;
use super::slices::{Floats, operand};

/// Floats that one task of the pool works on; fixed, so that sums do not depend on the number of threads.
const CHUNK_FLOATS: usize = 16 * 1024;
/// Loops over rows of few channels are slow, so several rows are treated as one of at least so many floats.
const WIDE_FLOATS: usize = 512;
/// Wide rows whose sum is taken in f32 before it is added up in f64.
const BLOCK_ROWS: usize = 8;

/// As many rows of `channels` floats as one wide row has.
fn wide(channels: usize) -> usize {
    WIDE_FLOATS.div_ceil(channels)
}

/// `values`, one for each channel, for each row of a wide one.
fn widen(values: &[f32]) -> Vec<f32> {
    values.repeat(wide(values.len()))
}

/// Mean and biased variance of each channel.
#[derive(Debug)]
pub(super) struct Moments {
    pub(super) mean: Vec<f32>,
    pub(super) variance: Vec<f32>,
}

impl Moments {
    /// The moments of `rows`, each of `channels` values. Sums are taken of the differences from the first row, which
    /// keeps them exact where the mean is far from 0.
    fn of(rows: &[f32], channels: usize) -> Self {
        let first = &rows[..channels];
        let wide_first = widen(first);
        let sums = sum_in_blocks(rows.len(), channels, |block, sums, squares| {
            add_moments(&rows[block], &wide_first, sums, squares);
        });
        let count = (rows.len() / channels) as f64;
        let moments = sums.iter().zip(first).map(|((sum, square), first)| {
            let mean = sum / count;
            ((f64::from(*first) + mean) as f32, (square / count - mean * mean).max(0.0) as f32)
        });
        let (mean, variance) = moments.unzip();
        Self { mean, variance }
    }

    fn inverse_deviations(&self, epsilon: f64) -> Vec<f32> {
        self.variance.iter().map(|variance| (1.0 / (f64::from(*variance) + epsilon).sqrt()) as f32).collect()
    }
}

/// Two sums for each channel over `length` floats: `add` adds the wide rows of a range of them, the last of which may be
/// shorter.
fn sum_in_blocks(
    length: usize,
    channels: usize,
    add: impl Fn(std::ops::Range<usize>, &mut [f32], &mut [f32]) + Sync,
) -> Vec<(f64, f64)> {
    let width = wide(channels) * channels;
    let block = BLOCK_ROWS * width;
    let chunk = (CHUNK_FLOATS / block).max(1) * block;
    let parts: Vec<Vec<(f64, f64)>> = (0..length.div_ceil(chunk))
        .into_par_iter()
        .map(|index| {
            let mut total = vec![(0.0, 0.0); channels];
            let mut sums = vec![0.0; 2 * width];
            let end = length.min((index + 1) * chunk);
            for start in (index * chunk..end).step_by(block) {
                sums.fill(0.0);
                let (first, second) = sums.split_at_mut(width);
                add(start..end.min(start + block), first, second);
                for (first, second) in first.chunks_exact(channels).zip(second.chunks_exact(channels)) {
                    add_sums(&mut total, first.iter().zip(second).map(|(a, b)| (f64::from(*a), f64::from(*b))));
                }
            }
            total
        })
        .collect();
    let mut total = vec![(0.0, 0.0); channels];
    parts.into_iter().for_each(|part| add_sums(&mut total, part.into_iter()));
    total
}

fn add_sums(total: &mut [(f64, f64)], more: impl Iterator<Item = (f64, f64)>) {
    total.iter_mut().zip(more).for_each(|(total, more)| *total = (total.0 + more.0, total.1 + more.1));
}

/// `values`, one for each channel, over and over: as many as a line needs from any channel on.
fn for_line(values: &[f32]) -> Vec<f32> {
    values.repeat(LINE.div_ceil(values.len()) + 1)
}

pub(super) struct BatchNormOp {
    /// The statistics to normalise by; those of the batch if there are none.
    pub(super) fixed: Option<Moments>,
    /// The batch's moments, once the forward pass has taken them.
    pub(super) saved: Arc<OnceLock<Moments>>,
    pub(super) config: BatchNormConfig,
}

impl BatchNormOp {
    fn moments(&self, rows: &[f32], channels: usize) -> &Moments {
        self.fixed.as_ref().unwrap_or_else(|| self.saved.get_or_init(|| Moments::of(rows, channels)))
    }

    /// `scale · (rows − mean) / deviation + shift`, and the activation.
    fn normalize(&self, rows: &[f32], scale: &[f32], shift: &[f32]) -> Vec<f32> {
        let channels = scale.len();
        let moments = self.moments(rows, channels);
        let inverse = moments.inverse_deviations(self.config.epsilon);
        let factor: Vec<f32> = scale.iter().zip(&inverse).map(|(scale, inverse)| scale * inverse).collect();
        let weights = [&moments.mean[..], &factor, shift].map(for_line);
        filled(rows.len(), |start, out| {
            let weights = weights.each_ref().map(|weights| &weights[start % channels..][..out.len()]);
            normalize(self.config.activation, out, &rows[start..][..out.len()], weights);
        })
    }

    /// The sums of `gradient` before the activation, and of its products with `rows − mean`, for each channel.
    fn gradient_sums(&self, rows: &[f32], mean: &[f32], output: &[f32], gradient: &[f32]) -> Vec<(f64, f64)> {
        let (channels, mean) = (mean.len(), &widen(mean));
        sum_in_blocks(rows.len(), channels, |block, sums, products| {
            let values = [&rows[block.clone()], &output[block.clone()], &gradient[block]];
            add_gradients(self.config.activation, values, mean, sums, products);
        })
    }

    /// `factor · (gradient before the activation − constant − slope · (rows − mean))`.
    fn input_gradient(
        &self,
        (rows, mean): (&[f32], &[f32]),
        (output, gradient): (&[f32], &[f32]),
        (factor, constant, slope): (&[f32], &[f32], &[f32]),
    ) -> Vec<f32> {
        let (channels, weights) = (mean.len(), [mean, factor, constant, slope].map(for_line));
        filled(rows.len(), |start, out| {
            let values = [rows, output, gradient].map(|values| &values[start..][..out.len()]);
            let weights = weights.each_ref().map(|weights| &weights[start % channels..][..out.len()]);
            input_gradient(self.config.activation, out, values, weights);
        })
    }
}

lanes! {
    /// Adds the differences of wide rows from `first`, and their squares.
    fn add_moments<'a, S>(simd, rows: &'a [f32], first: &'a [f32], sums: &'a mut [f32], squares: &'a mut [f32]) {
        for row in rows.chunks(first.len()) {
            let length = row.len();
            each(simd, [&mut sums[..length], &mut squares[..length]], [row, &first[..length]], #[inline(always)] |[sum, square], [x, first]| {
                let difference = simd.sub_f32s(x, first);
                [simd.add_f32s(sum, difference), simd.mul_add_e_f32s(difference, difference, square)]
            });
        }
    }
}

lanes! {
    /// The activation of `(x − mean) · factor + shift`.
    fn normalize<'a, S>(simd, activation: Activation, out: &'a mut [f32], x: &'a [f32], weights: [&'a [f32]; 3]) {
        let [mean, factor, shift] = weights;
        each(simd, [out], [x, mean, factor, shift], #[inline(always)] |_, [x, mean, factor, shift]| {
            [activation.value(simd, simd.mul_add_e_f32s(simd.sub_f32s(x, mean), factor, shift))]
        });
    }
}

lanes! {
    /// Adds the gradients before the activation of wide rows of x, y and the gradient by y, and their products with
    /// x − `mean`.
    fn add_gradients<'a, S>(
        simd,
        activation: Activation,
        values: [&'a [f32]; 3],
        mean: &'a [f32],
        sums: &'a mut [f32],
        products: &'a mut [f32],
    ) {
        let [rows, outputs, gradients] = values.map(|values| values.chunks(mean.len()));
        for ((row, output), gradient) in rows.zip(outputs).zip(gradients) {
            let length = row.len();
            let to = [&mut sums[..length], &mut products[..length]];
            each(simd, to, [row, output, gradient, &mean[..length]], #[inline(always)] |[sum, product], [x, y, gradient, mean]| {
                let gradient = activation.derivative(simd, y, gradient);
                let sum = simd.add_f32s(sum, gradient);
                [sum, simd.mul_add_e_f32s(gradient, simd.sub_f32s(x, mean), product)]
            });
        }
    }
}

lanes! {
    /// `factor · (gradient before the activation − constant − slope · (x − mean))` of x, y and the gradient by y.
    fn input_gradient<'a, S>(
        simd,
        activation: Activation,
        out: &'a mut [f32],
        values: [&'a [f32]; 3],
        weights: [&'a [f32]; 4],
    ) {
        let ([x, y, gradient], [mean, factor, constant, slope]) = (values, weights);
        let from = [x, y, gradient, mean, factor, constant, slope];
        each(simd, [out], from, #[inline(always)] |_, [x, y, gradient, mean, factor, constant, slope]| {
            let gradient = simd.sub_f32s(activation.derivative(simd, y, gradient), constant);
            let difference = simd.mul_f32s(simd.sub_f32s(x, mean), slope);
            [simd.mul_f32s(factor, simd.sub_f32s(gradient, difference))]
        });
    }
}

impl CustomOp3 for BatchNormOp {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
        shift: &CpuStorage,
        shift_layout: &Layout,
    ) -> CandleResult<(CpuStorage, Shape)> {
        let rows = operand(x, x_layout)?;
        let out = self.normalize(rows, operand(scale, scale_layout)?, operand(shift, shift_layout)?);
        Ok((CpuStorage::F32(out), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> CandleResult<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let (rows, scales) = (Floats::new(x), Floats::new(scale));
        let (output, gradient) = (Floats::new(result), Floats::new(&gradient));
        let (rows, scales, output, gradient) = (rows.get()?, scales.get()?, output.get()?, gradient.get()?);
        let channels = scales.len();
        let Some(moments) = self.fixed.as_ref().or_else(|| self.saved.get()) else {
            bail!("batch_norm: backward without forward")
        };
        let inverse = moments.inverse_deviations(self.config.epsilon);
        let sums = self.gradient_sums(rows, &moments.mean, output, gradient);
        let by_channel = |value: &dyn Fn(usize) -> f32| (0..channels).map(value).collect::<Vec<f32>>();
        let shift_gradient = by_channel(&|c| sums[c].0 as f32);
        let scale_gradient = by_channel(&|c| (sums[c].1 * f64::from(inverse[c])) as f32);
        let like =
            |values: Vec<f32>, tensor: &Tensor| Tensor::from_vec(values, tensor.shape(), tensor.device()).map(Some);
        let input_gradient = if x.track_op() {
            // Where the statistics are the batch's own, they depend on x as well.
            let count = if self.fixed.is_some() { f32::INFINITY } else { (rows.len() / channels) as f32 };
            let factor = by_channel(&|c| scales[c] * inverse[c]);
            let constant = by_channel(&|c| shift_gradient[c] / count);
            let slope = by_channel(&|c| inverse[c] * scale_gradient[c] / count);
            let weights = (&factor[..], &constant[..], &slope[..]);
            like(self.input_gradient((rows, &moments.mean), (output, gradient), weights), x)?
        } else {
            None
        };
        Ok((input_gradient, like(scale_gradient, scale)?, like(shift_gradient, shift)?))
    }
}
