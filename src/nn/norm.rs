//! Batch normalisation over the last axis, with the activation that follows in the same pass (S. Ioffe, C. Szegedy,
//! "Batch Normalization", 2015).

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp3, Layout, Result as CandleResult, Shape, Tensor, Var, bail};
use rayon::prelude::*;

use super::activation::Activation;
use super::params::{Init, Params};
use super::slices::{Floats, operand};
use crate::error::{Error, Result};

/// Floats that one task of the pool works on; fixed, so that sums do not depend on the number of threads.
const CHUNK_FLOATS: usize = 32 * 1024;
/// Rows whose sum is taken in f32 before it is added up in f64.
const BLOCK_ROWS: usize = 64;

/// How a [`BatchNorm`] is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNormConfig {
    /// Added to the variance; 10⁻⁵ by default.
    pub epsilon: f64,
    /// The weight of a new batch in the running statistics; 0.1 by default.
    pub momentum: f64,
    /// What follows; nothing by default.
    pub activation: Activation,
    /// The initial scale; 1 by default. The shift starts at 0.
    pub init: Init,
}

impl Default for BatchNormConfig {
    fn default() -> Self {
        Self { epsilon: 1e-5, momentum: 0.1, activation: Activation::Identity, init: Init::Constant(1.0) }
    }
}

/// Batch normalisation over all axes but the last: (…, C) to (…, C).
#[derive(Clone, Debug)]
pub struct BatchNorm {
    scale: Tensor,
    shift: Tensor,
    running_mean: Var,
    running_variance: Var,
    config: BatchNormConfig,
}

impl BatchNorm {
    /// A batch norm by [`BatchNormConfig::default`].
    ///
    /// # Errors
    ///
    /// As [`BatchNorm::with_config`].
    pub fn new(params: &mut Params, name: &str, channels: usize) -> Result<Self> {
        Self::with_config(params, name, channels, BatchNormConfig::default())
    }

    /// Makes the variables `name.scale` and `name.shift` and the buffers `name.running_mean` and
    /// `name.running_variance`, each of shape (channels).
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] if there are no channels, or the name is taken.
    pub fn with_config(params: &mut Params, name: &str, channels: usize, config: BatchNormConfig) -> Result<Self> {
        if channels == 0 {
            return Err(Error::config(format!("the layer {name:?} needs at least one channel")));
        }
        let shape = [channels];
        Ok(Self {
            scale: params.variable(&format!("{name}.scale"), &shape, config.init, channels)?,
            shift: params.variable(&format!("{name}.shift"), &shape, Init::Constant(0.0), channels)?,
            running_mean: params.buffer(&format!("{name}.running_mean"), &shape, 0.0)?,
            running_variance: params.buffer(&format!("{name}.running_variance"), &shape, 1.0)?,
            config,
        })
    }

    /// The same layer, sharing its variables and buffers, but giving the variables no gradients.
    #[must_use]
    pub fn frozen(&self) -> Self {
        Self { scale: self.scale.detach(), shift: self.shift.detach(), ..self.clone() }
    }

    /// Normalises by the batch's own statistics, which then enter the running ones (the variance unbiased), if `train`;
    /// else by the running statistics.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Tensor`] for another number of channels, an empty batch or another dtype than f32.
    pub fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        if train {
            return self.by_batch(x, self.config.momentum);
        }
        let running = Statistics {
            mean: self.running_mean.as_detached_tensor(),
            variance: self.running_variance.as_detached_tensor(),
        };
        self.check(x)?;
        if !x.device().is_cpu() {
            return self.stock(x, &running);
        }
        let fixed = Moments { mean: running.mean.to_vec1()?, variance: running.variance.to_vec1()? };
        let op = BatchNormOp { fixed: Some(fixed), saved: Arc::default(), config: self.config };
        Ok(x.contiguous()?.apply_op3(&self.scale, &self.shift, op)?)
    }

    /// Normalises by the batch's own statistics and puts them in the place of the running ones.
    ///
    /// # Errors
    ///
    /// As [`BatchNorm::forward`].
    pub fn calibrate(&self, x: &Tensor) -> Result<Tensor> {
        self.by_batch(x, 1.0)
    }

    fn by_batch(&self, x: &Tensor, momentum: f64) -> Result<Tensor> {
        self.check(x)?;
        let rows = x.elem_count() / self.scale.elem_count();
        let (y, batch) = if x.device().is_cpu() {
            let saved = Arc::new(OnceLock::new());
            let op = BatchNormOp { fixed: None, saved: Arc::clone(&saved), config: self.config };
            let y = x.contiguous()?.apply_op3(&self.scale, &self.shift, op)?;
            let moments = saved.get().expect("the forward pass saves its moments");
            (y, moments.to_statistics(&self.scale)?)
        } else {
            let batch = Statistics::of(x, self.scale.elem_count())?;
            (self.stock(x, &batch)?, Statistics { mean: batch.mean.detach(), variance: batch.variance.detach() })
        };
        let unbiased = (batch.variance * (rows as f64 / (rows - 1).max(1) as f64))?;
        blend(&self.running_mean, &batch.mean, momentum)?;
        blend(&self.running_variance, &unbiased, momentum)?;
        Ok(y)
    }

    fn check(&self, x: &Tensor) -> Result<()> {
        let channels = self.scale.elem_count();
        if x.dims().last() != Some(&channels) || x.elem_count() == 0 {
            return Err(Error::new(
                crate::ErrorKind::Tensor,
                format!("expected a tensor of shape (…, {channels}) with at least one row, got {:?}", x.dims()),
            ));
        }
        Ok(())
    }

    /// The same by candle's operations, for devices other than the CPU.
    fn stock(&self, x: &Tensor, statistics: &Statistics) -> Result<Tensor> {
        let deviation = (&statistics.variance + self.config.epsilon)?.sqrt()?;
        let normal = x.broadcast_sub(&statistics.mean)?.broadcast_div(&deviation)?;
        let y = normal.broadcast_mul(&self.scale)?.broadcast_add(&self.shift)?;
        Ok(self.config.activation.stock(&y)?)
    }
}

fn blend(running: &Var, new: &Tensor, momentum: f64) -> Result<()> {
    let old = running.as_detached_tensor();
    Ok(running.set(&((old * (1.0 - momentum))? + (new * momentum)?)?)?)
}

/// Mean and biased variance of each channel, as tensors.
struct Statistics {
    mean: Tensor,
    variance: Tensor,
}

impl Statistics {
    fn of(x: &Tensor, channels: usize) -> Result<Self> {
        let rows = x.reshape(((), channels))?;
        let mean = rows.mean(0)?;
        let variance = rows.broadcast_sub(&mean)?.sqr()?.mean(0)?;
        Ok(Self { mean, variance })
    }
}

/// Mean and biased variance of each channel.
#[derive(Debug)]
struct Moments {
    mean: Vec<f32>,
    variance: Vec<f32>,
}

impl Moments {
    /// The moments of `rows`, each of `channels` values. Sums are taken of the differences from the first row, which
    /// keeps them exact where the mean is far from 0.
    fn of(rows: &[f32], channels: usize) -> Self {
        let first = &rows[..channels];
        let sums = sum_in_chunks(rows, rows, channels, |row, _, sums, squares| {
            let columns = row.iter().zip(first).zip(sums.iter_mut().zip(squares));
            for ((value, first), (sum, square)) in columns {
                let difference = value - first;
                *sum += difference;
                *square += difference * difference;
            }
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

    fn to_statistics(&self, like: &Tensor) -> Result<Statistics> {
        let tensor = |values: &Vec<f32>| Tensor::from_vec(values.clone(), like.shape(), like.device());
        Ok(Statistics { mean: tensor(&self.mean)?, variance: tensor(&self.variance)? })
    }
}

/// Two sums for each channel over all rows of `a` and `b`: `add` adds a row of each to the sums.
fn sum_in_chunks(
    a: &[f32],
    b: &[f32],
    channels: usize,
    add: impl Fn(&[f32], &[f32], &mut [f32], &mut [f32]) + Sync,
) -> Vec<(f64, f64)> {
    let block = BLOCK_ROWS * channels;
    let chunk = (CHUNK_FLOATS / block).max(1) * block;
    let parts: Vec<Vec<(f64, f64)>> = a
        .par_chunks(chunk)
        .zip(b.par_chunks(chunk))
        .map(|(a, b)| {
            let mut total = vec![(0.0, 0.0); channels];
            let mut sums = vec![0.0; 2 * channels];
            for (a, b) in a.chunks(block).zip(b.chunks(block)) {
                sums.fill(0.0);
                let (first, second) = sums.split_at_mut(channels);
                for (a, b) in a.chunks_exact(channels).zip(b.chunks_exact(channels)) {
                    add(a, b, first, second);
                }
                add_sums(&mut total, first.iter().zip(second).map(|(a, b)| (f64::from(*a), f64::from(*b))));
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

struct BatchNormOp {
    /// The statistics to normalise by; those of the batch if there are none.
    fixed: Option<Moments>,
    /// The batch's moments, once the forward pass has taken them.
    saved: Arc<OnceLock<Moments>>,
    config: BatchNormConfig,
}

impl BatchNormOp {
    fn moments(&self, rows: &[f32], channels: usize) -> &Moments {
        self.fixed.as_ref().unwrap_or_else(|| self.saved.get_or_init(|| Moments::of(rows, channels)))
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
        let (scale, shift) = (operand(scale, scale_layout)?, operand(shift, shift_layout)?);
        let channels = scale.len();
        let moments = self.moments(rows, channels);
        let inverse = moments.inverse_deviations(self.config.epsilon);
        let factor: Vec<f32> = scale.iter().zip(&inverse).map(|(scale, inverse)| scale * inverse).collect();
        let mean = &moments.mean;
        let mut out = vec![0.0; rows.len()];
        let chunk = (CHUNK_FLOATS / channels).max(1) * channels;
        out.par_chunks_mut(chunk).zip(rows.par_chunks(chunk)).for_each(|(out, rows)| {
            for (out, row) in out.chunks_exact_mut(channels).zip(rows.chunks_exact(channels)) {
                let columns = out.iter_mut().zip(row).zip(mean).zip(factor.iter().zip(shift));
                for (((out, value), mean), (factor, shift)) in columns {
                    *out = (value - mean) * factor + shift;
                }
            }
            self.config.activation.apply(out);
        });
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
        let (rows, scales, output) = (rows.get()?, scales.get()?, output.get()?);
        let channels = scales.len();
        let Some(moments) = self.fixed.as_ref().or_else(|| self.saved.get()) else {
            bail!("batch_norm: backward without forward")
        };
        let inverse = moments.inverse_deviations(self.config.epsilon);
        let mean = &moments.mean;

        let mut gradient = gradient.get()?.to_vec();
        let chunk = (CHUNK_FLOATS / channels).max(1) * channels;
        gradient
            .par_chunks_mut(chunk)
            .zip(output.par_chunks(chunk))
            .for_each(|(gradient, output)| self.config.activation.backward(output, gradient));
        let sums = sum_in_chunks(&gradient, rows, channels, |gradient, row, shift_sums, scale_sums| {
            let columns = row.iter().zip(mean).zip(&inverse).zip(gradient).zip(shift_sums.iter_mut().zip(scale_sums));
            for ((((value, mean), inverse), gradient), (shift_sum, scale_sum)) in columns {
                *shift_sum += gradient;
                *scale_sum += gradient * ((value - mean) * inverse);
            }
        });
        let shift_gradient: Vec<f32> = sums.iter().map(|(shift, _)| *shift as f32).collect();
        let scale_gradient: Vec<f32> = sums.iter().map(|(_, scale)| *scale as f32).collect();

        if x.track_op() {
            // Where the statistics are the batch's own, they depend on x as well.
            let count = if self.fixed.is_some() { f32::INFINITY } else { (rows.len() / channels) as f32 };
            let by_channel = |value: &dyn Fn(usize) -> f32| (0..channels).map(value).collect::<Vec<f32>>();
            let factor = by_channel(&|c| scales[c] * inverse[c]);
            let constant = by_channel(&|c| shift_gradient[c] / count);
            let slope = by_channel(&|c| inverse[c] * scale_gradient[c] / count);
            gradient.par_chunks_mut(chunk).zip(rows.par_chunks(chunk)).for_each(|(gradient, rows)| {
                for (gradient, row) in gradient.chunks_exact_mut(channels).zip(rows.chunks_exact(channels)) {
                    let columns = gradient.iter_mut().zip(row).zip(mean).zip(factor.iter().zip(&constant).zip(&slope));
                    for (((gradient, value), mean), ((factor, constant), slope)) in columns {
                        *gradient = factor * (*gradient - constant - (value - mean) * slope);
                    }
                }
            });
        }
        let like =
            |values: Vec<f32>, tensor: &Tensor| Tensor::from_vec(values, tensor.shape(), tensor.device()).map(Some);
        let input_gradient = if x.track_op() { like(gradient, x)? } else { None };
        Ok((input_gradient, like(scale_gradient, scale)?, like(shift_gradient, shift)?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_stock_path_agrees() -> Result<()> {
        let mut params = Params::new(2, &Device::Cpu);
        let config =
            BatchNormConfig { activation: Activation::LeakyRelu(0.2), init: Init::Normal(1.0), ..Default::default() };
        let layer = BatchNorm::with_config(&mut params, "norm", 3, config)?;
        let x = params.variable("x", &[6, 5, 4, 3], Init::Normal(2.0), 1)?;
        let pull = params.variable("pull", &[6, 5, 4, 3], Init::Normal(1.0), 1)?.detach();
        let stock = layer.stock(&x, &Statistics::of(&x, 3)?)?;
        let own = layer.forward(&x, true)?;
        let stock_gradients = (&stock * &pull)?.sum_all()?.backward()?;
        let own_gradients = (&own * &pull)?.sum_all()?.backward()?;
        let mut pairs = vec![(own, stock)];
        for variable in [&x, &layer.scale, &layer.shift] {
            let of = |store: &candle_core::backprop::GradStore| store.get(variable).expect("a gradient").clone();
            pairs.push((of(&own_gradients), of(&stock_gradients)));
        }
        for (own, stock) in pairs {
            let difference: f32 = (own - stock)?.abs()?.max_all()?.to_scalar()?;
            assert!(difference < 1e-4, "{difference}");
        }
        Ok(())
    }
}
