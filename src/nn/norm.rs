//! Batch normalisation over the last axis, with the activation that follows in the same pass (S. Ioffe, C. Szegedy,
//! "Batch Normalization", 2015).

use std::sync::{Arc, OnceLock};

use candle_core::{DType, Tensor, Var};

use super::activation::Activation;
use super::has_kernels;
use super::norm_op::{BatchNormOp, Moments};
use super::params::{Init, Params};
use crate::error::{Error, Result};

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
    /// [`crate::ErrorKind::Tensor`] for another number of channels, or an empty batch.
    pub fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        if train {
            return self.by_batch(x, self.config.momentum);
        }
        let running = Statistics {
            mean: self.running_mean.as_detached_tensor(),
            variance: self.running_variance.as_detached_tensor(),
        };
        self.check(x)?;
        if !has_kernels(x) {
            return self.stock(x, &running);
        }
        let fixed = Moments { mean: running.mean.to_vec1()?, variance: running.variance.to_vec1()? };
        let op = BatchNormOp { fixed: Some(fixed), saved: Arc::default(), config: self.config };
        Ok(x.contiguous()?.apply_op3(&self.scale, &self.shift, op)?)
    }

    /// Normalises by the batch's own statistics, which become the part `part` of the running ones: 1 puts them in their
    /// place, and 1, 1/2, 1/3 … take the mean over as many batches.
    ///
    /// # Errors
    ///
    /// As [`BatchNorm::forward`].
    pub fn calibrate(&self, x: &Tensor, part: f64) -> Result<Tensor> {
        self.by_batch(x, part)
    }

    fn by_batch(&self, x: &Tensor, momentum: f64) -> Result<Tensor> {
        self.check(x)?;
        let rows = x.elem_count() / self.scale.elem_count();
        let (y, batch) = if has_kernels(x) {
            let saved = Arc::new(OnceLock::new());
            let op = BatchNormOp { fixed: None, saved: Arc::clone(&saved), config: self.config };
            let y = x.contiguous()?.apply_op3(&self.scale, &self.shift, op)?;
            let moments = saved.get().expect("the forward pass saves its moments");
            (y, Statistics::from_moments(moments, &self.scale)?)
        } else {
            let batch = Statistics::of(x, self.scale.elem_count())?;
            (self.stock(x, &batch)?, Statistics { mean: batch.mean.detach(), variance: batch.variance.detach() })
        };
        let unbiased = (batch.variance * (rows as f64 / (rows - 1).max(1) as f64))?;
        // What is no number would stay for good, and whether the step is given up for it is known only later. A channel whose mean is
        // none has no variance either, whatever was computed.
        let is_number = ((&batch.mean + &unbiased)? * 0.0)?.eq(0f32)?;
        blend(&self.running_mean, &batch.mean, momentum, &is_number)?;
        blend(&self.running_variance, &unbiased, momentum, &is_number)?;
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

    /// The same by candle's operations: in f32, then rounded to the dtype of `x`.
    fn stock(&self, x: &Tensor, statistics: &Statistics) -> Result<Tensor> {
        let deviation = (&statistics.variance + self.config.epsilon)?.sqrt()?;
        let normal = x.to_dtype(DType::F32)?.broadcast_sub(&statistics.mean)?.broadcast_div(&deviation)?;
        let y = normal.broadcast_mul(&self.scale)?.broadcast_add(&self.shift)?;
        Ok(self.config.activation.stock(&y)?.to_dtype(x.dtype())?)
    }
}

/// Where `is_number` says so.
fn blend(running: &Var, new: &Tensor, momentum: f64, is_number: &Tensor) -> Result<()> {
    if momentum == 1.0 {
        // Nothing of what was there, not even if it was no number.
        return Ok(running.set(new)?);
    }
    let old = running.as_detached_tensor();
    let blended = ((&old * (1.0 - momentum))? + (new * momentum)?)?;
    Ok(running.set(&is_number.where_cond(&blended, &old)?)?)
}

/// Mean and biased variance of each channel, as tensors.
struct Statistics {
    mean: Tensor,
    variance: Tensor,
}

impl Statistics {
    fn of(x: &Tensor, channels: usize) -> Result<Self> {
        let rows = x.to_dtype(DType::F32)?.reshape(((), channels))?;
        let mean = rows.mean(0)?;
        let variance = rows.broadcast_sub(&mean)?.sqr()?.mean(0)?;
        Ok(Self { mean, variance })
    }

    fn from_moments(moments: &Moments, like: &Tensor) -> Result<Self> {
        let tensor = |values: &Vec<f32>| Tensor::from_vec(values.clone(), like.shape(), like.device());
        Ok(Self { mean: tensor(&moments.mean)?, variance: tensor(&moments.variance)? })
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_stock_path_agrees() -> Result<()> {
        // A few values, several lines of them that begin with another channel each, and more channels than a line has values.
        // The second's gradients of scale and shift are sums of 48,000 values, which f32 gives to fewer places.
        for (shape, bound) in [([6, 5, 4, 3], 1e-4), ([6, 100, 80, 3], 1e-2), ([6, 2, 2, 700], 1e-4)] {
            compare_with_stock(&shape, bound)?;
        }
        Ok(())
    }

    fn compare_with_stock(shape: &[usize; 4], bound: f32) -> Result<()> {
        let (mut params, channels) = (Params::new(2, &Device::Cpu), shape[3]);
        let config =
            BatchNormConfig { activation: Activation::LeakyRelu(0.2), init: Init::Normal(1.0), ..Default::default() };
        let layer = BatchNorm::with_config(&mut params, "norm", channels, config)?;
        let x = params.variable("x", shape, Init::Normal(2.0), 1)?;
        let pull = params.variable("pull", shape, Init::Normal(1.0), 1)?.detach();
        let stock = layer.stock(&x, &Statistics::of(&x, channels)?)?;
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
            assert!(difference < bound, "{shape:?}: {difference}");
        }
        Ok(())
    }

    #[test]
    fn what_is_no_number_does_not_stay_in_the_statistics() -> Result<()> {
        let mut params = Params::new(2, &Device::Cpu);
        let layer = BatchNorm::with_config(&mut params, "norm", 2, BatchNormConfig::default())?;
        let x = Tensor::new(&[[1f32, f32::NAN], [3.0, 1.0]], &Device::Cpu)?;
        layer.forward(&x, true)?;
        let momentum = layer.config.momentum as f32;
        assert_eq!(layer.running_mean.to_vec1::<f32>()?, [2.0 * momentum, 0.0]);
        // Of 1 and 3 the unbiased variance is 2; the other channel keeps what it began with.
        let [changed, kept] = layer.running_variance.to_vec1::<f32>()?[..] else { panic!("two channels") };
        assert!((changed - (1.0 + momentum)).abs() < 1e-6 && kept == 1.0, "{changed}, {kept}");
        Ok(())
    }
}
