//! Adam (D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", 2015), without weight decay, with moments that
//! can be saved; and the exponential moving average of parameters.

use std::collections::HashMap;

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp2, Layout, Result as CandleResult, Tensor, Var, bail};
use rayon::prelude::*;

use super::has_kernels;
use super::params::{Params, find_tensor};
use super::slices::operand;
use crate::error::{Error, Result};

/// Floats that one task of the pool works on.
const CHUNK_FLOATS: usize = 16 * 1024;

/// The settings of [`Adam`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamConfig {
    /// Step size; 10⁻³ by default.
    pub learning_rate: f64,
    /// Decay of the mean of the gradients; 0.9 by default.
    pub beta1: f64,
    /// Decay of the mean of their squares; 0.999 by default.
    pub beta2: f64,
    /// Added to the denominator; 10⁻⁸ by default.
    pub epsilon: f64,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

/// The optimiser of the variables of one [`Params`].
#[derive(Debug)]
pub struct Adam {
    config: AdamConfig,
    step: u64,
    variables: Vec<Variable>,
}

#[derive(Debug)]
struct Variable {
    name: String,
    var: Var,
    /// First and second moments, (2, values).
    moments: Var,
}

impl Adam {
    /// An optimiser that has made no step.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] for a rate that is not positive, or a decay outside [0, 1).
    pub fn new(params: &Params, config: AdamConfig) -> Result<Self> {
        let AdamConfig { learning_rate, beta1, beta2, epsilon } = config;
        let decays = [beta1, beta2].iter().all(|beta| (0.0..1.0).contains(beta));
        if !(learning_rate > 0.0 && learning_rate.is_finite() && epsilon >= 0.0 && decays) {
            return Err(Error::config(format!(
                "Adam needs a positive learning rate, decays in [0, 1) and an epsilon of at least 0, got {config:?}"
            )));
        }
        let variables = params
            .variables()
            .map(|(name, var)| {
                let moments = Var::zeros((2, var.elem_count()), candle_core::DType::F32, var.device())?;
                Ok(Variable { name: name.to_owned(), var: var.clone(), moments })
            })
            .collect::<Result<_>>()?;
        Ok(Self { config, step: 0, variables })
    }

    /// The number of steps made.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Sets the step size of the steps to come.
    pub fn set_learning_rate(&mut self, learning_rate: f64) {
        self.config.learning_rate = learning_rate;
    }

    /// Moves every variable against its gradient; a variable without a gradient stays.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Tensor`] if a gradient does not fit.
    pub fn step(&mut self, gradients: &GradStore) -> Result<()> {
        self.step += 1;
        let power = i32::try_from(self.step).unwrap_or(i32::MAX);
        let AdamConfig { learning_rate, beta1, beta2, epsilon } = self.config;
        let update = Update {
            rate: learning_rate / (1.0 - beta1.powi(power)),
            correction: 1.0 / (1.0 - beta2.powi(power)),
            epsilon,
        };
        for Variable { var, moments, .. } in &self.variables {
            let Some(gradient) = gradients.get(var) else { continue };
            let gradient = gradient.contiguous()?;
            if has_kernels(var) {
                moments.as_detached_tensor().inplace_op2(&gradient, &Accumulate { beta1, beta2 })?;
                var.as_detached_tensor().inplace_op2(&moments.as_detached_tensor(), &update)?;
            } else {
                stock_step(var, moments, &gradient, self.config, &update)?;
            }
        }
        Ok(())
    }

    /// The moments with names, `prefix` + `.moments.` + the variable's, each (2, values).
    pub fn tensors(&self, prefix: &str) -> impl Iterator<Item = (String, Tensor)> {
        self.variables
            .iter()
            .map(move |variable| (moments_name(prefix, &variable.name), variable.moments.as_detached_tensor()))
    }

    /// Takes the state that [`Adam::tensors`] and [`Adam::steps`] gave.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Checkpoint`] if a tensor is missing or has another shape; then nothing has changed.
    pub fn load(&mut self, tensors: &HashMap<String, Tensor>, prefix: &str, steps: u64) -> Result<()> {
        let found: Vec<&Tensor> = self
            .variables
            .iter()
            .map(|variable| find_tensor(tensors, &moments_name(prefix, &variable.name), variable.moments.dims()))
            .collect::<Result<_>>()?;
        for (variable, tensor) in self.variables.iter().zip(found) {
            variable.moments.set(&tensor.to_device(variable.moments.device())?)?;
        }
        self.step = steps;
        Ok(())
    }
}

fn moments_name(prefix: &str, variable: &str) -> String {
    format!("{prefix}.moments.{variable}")
}

/// The same by candle's operations, for devices other than the CPU.
fn stock_step(var: &Var, moments: &Var, gradient: &Tensor, config: AdamConfig, update: &Update) -> Result<()> {
    let gradient = gradient.flatten_all()?.unsqueeze(0)?;
    let old = moments.as_detached_tensor();
    let first = ((old.narrow(0, 0, 1)? * config.beta1)? + (&gradient * (1.0 - config.beta1))?)?;
    let second = ((old.narrow(0, 1, 1)? * config.beta2)? + (gradient.sqr()? * (1.0 - config.beta2))?)?;
    moments.set(&Tensor::cat(&[&first, &second], 0)?)?;
    let denominator = ((second * update.correction)?.sqrt()? + update.epsilon)?;
    let change = ((first / denominator)? * update.rate)?.reshape(var.shape())?;
    Ok(var.set(&(var.as_detached_tensor() - change)?)?)
}

/// Adds a gradient to the moments.
struct Accumulate {
    beta1: f64,
    beta2: f64,
}

impl InplaceOp2 for Accumulate {
    fn name(&self) -> &'static str {
        "adam_moments"
    }

    fn cpu_fwd(
        &self,
        moments: &mut CpuStorage,
        moments_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> CandleResult<()> {
        let gradient = operand(gradient, gradient_layout)?;
        let (first, second) = target(moments, moments_layout)?.split_at_mut(gradient.len());
        let (beta1, beta2) = (self.beta1 as f32, self.beta2 as f32);
        let (rest1, rest2) = ((1.0 - self.beta1) as f32, (1.0 - self.beta2) as f32);
        first
            .par_chunks_mut(CHUNK_FLOATS)
            .zip(second.par_chunks_mut(CHUNK_FLOATS))
            .zip(gradient.par_chunks(CHUNK_FLOATS))
            .for_each(|((first, second), gradient)| {
                for ((first, second), gradient) in first.iter_mut().zip(second).zip(gradient) {
                    *first = beta1 * *first + rest1 * gradient;
                    *second = beta2 * *second + rest2 * gradient * gradient;
                }
            });
        Ok(())
    }
}

/// Moves values by their moments.
struct Update {
    rate: f64,
    correction: f64,
    epsilon: f64,
}

impl InplaceOp2 for Update {
    fn name(&self) -> &'static str {
        "adam_update"
    }

    fn cpu_fwd(
        &self,
        values: &mut CpuStorage,
        values_layout: &Layout,
        moments: &CpuStorage,
        moments_layout: &Layout,
    ) -> CandleResult<()> {
        let values = target(values, values_layout)?;
        let (first, second) = operand(moments, moments_layout)?.split_at(values.len());
        let (rate, correction, epsilon) = (self.rate as f32, self.correction as f32, self.epsilon as f32);
        values
            .par_chunks_mut(CHUNK_FLOATS)
            .zip(first.par_chunks(CHUNK_FLOATS))
            .zip(second.par_chunks(CHUNK_FLOATS))
            .for_each(|((values, first), second)| {
                for ((value, first), second) in values.iter_mut().zip(first).zip(second) {
                    *value -= rate * first / ((correction * second).sqrt() + epsilon);
                }
            });
        Ok(())
    }
}

/// The exponential moving average of parameters: every variable and buffer of `average` becomes `decay` times itself
/// plus (1 − `decay`) times that of `current`, which was made in the same way.
///
/// # Errors
///
/// [`crate::ErrorKind::Tensor`] if the shapes differ.
pub fn update_average(average: &Params, current: &Params, decay: f64) -> Result<()> {
    for ((_, average), (_, current)) in average.tensors().zip(current.tensors()) {
        let current = current.as_detached_tensor();
        if has_kernels(&current) {
            average.as_detached_tensor().inplace_op2(&current, &Average { decay })?;
        } else {
            average.set(&((average.as_detached_tensor() * decay)? + (current * (1.0 - decay))?)?)?;
        }
    }
    Ok(())
}

struct Average {
    decay: f64,
}

impl InplaceOp2 for Average {
    fn name(&self) -> &'static str {
        "moving_average"
    }

    fn cpu_fwd(
        &self,
        average: &mut CpuStorage,
        average_layout: &Layout,
        current: &CpuStorage,
        current_layout: &Layout,
    ) -> CandleResult<()> {
        let (average, current) = (target(average, average_layout)?, operand(current, current_layout)?);
        let rest = (1.0 - self.decay) as f32;
        average.par_chunks_mut(CHUNK_FLOATS).zip(current.par_chunks(CHUNK_FLOATS)).for_each(|(average, current)| {
            average.iter_mut().zip(current).for_each(|(average, current)| *average += rest * (current - *average));
        });
        Ok(())
    }
}

fn target<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> CandleResult<&'a mut [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else { bail!("expected a contiguous tensor") };
    match storage {
        CpuStorage::F32(values) => Ok(&mut values[start..end]),
        _ => bail!("expected a tensor of dtype f32"),
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::nn::Init;

    #[test]
    fn the_stock_step_agrees() -> Result<()> {
        let mut params = Params::new(2, &Device::Cpu);
        let weight = params.variable("weight", &[4, 3], Init::Normal(1.0), 1)?;
        let other = Var::from_tensor(&weight.copy()?)?;
        let moments = Var::zeros((2, 12), candle_core::DType::F32, &Device::Cpu)?;
        let config = AdamConfig { learning_rate: 0.1, ..Default::default() };
        let mut adam = Adam::new(&params, config)?;
        for step in 1..=5 {
            let gradients = weight.powf(3.0)?.sum_all()?.backward()?;
            let gradient = gradients.get(&weight).expect("a gradient").clone();
            adam.step(&gradients)?;
            let update = Update {
                rate: 0.1 / (1.0 - 0.9f64.powi(step)),
                correction: 1.0 / (1.0 - 0.999f64.powi(step)),
                epsilon: config.epsilon,
            };
            stock_step(&other, &moments, &gradient, config, &update)?;
        }
        let difference: f32 = (weight - other.as_tensor())?.abs()?.max_all()?.to_scalar()?;
        assert!(difference < 1e-5, "{difference}");
        Ok(())
    }
}
