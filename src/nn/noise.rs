//! Normal noise on every value.

use candle_core::{CpuStorage, CustomOp1, Layout, Result as CandleResult, Shape, Tensor};
use rayon::prelude::*;

use super::buffer::zeros;
use super::has_kernels;
use super::slices::operand;
use crate::error::Result;
use crate::rng::SampleKey;

/// Values that one task of the pool draws, from a stream of their own.
const CHUNK_FLOATS: usize = 4096;

/// `x` plus normal noise of standard deviation `deviation`, which `key` names. Its position must be below 2³²: the bits above
/// tell the parts of the noise apart.
///
/// # Errors
///
/// [`crate::ErrorKind::Tensor`] for another dtype than f32.
pub(crate) fn add_noise(x: &Tensor, key: SampleKey, deviation: f64) -> Result<Tensor> {
    let noise = Noise { key, deviation: deviation as f32 };
    if has_kernels(x) {
        return Ok(x.contiguous()?.apply_op1(noise)?);
    }
    let mut values = zeros(x.elem_count());
    noise.add(&mut values);
    Ok((x + Tensor::from_vec(values, x.shape(), x.device())?)?)
}

struct Noise {
    key: SampleKey,
    deviation: f32,
}

impl Noise {
    fn add(&self, values: &mut [f32]) {
        values.par_chunks_mut(CHUNK_FLOATS).enumerate().for_each(|(index, values)| {
            let position = self.key.position + ((index as u64 + 1) << 32);
            let mut rng = SampleKey { position, ..self.key }.rng();
            values.iter_mut().for_each(|value| *value += self.deviation * rng.normal() as f32);
        });
    }
}

impl CustomOp1 for Noise {
    fn name(&self) -> &'static str {
        "noise"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> CandleResult<(CpuStorage, Shape)> {
        let mut values = operand(storage, layout)?.to_vec();
        self.add(&mut values);
        Ok((CpuStorage::F32(values), layout.shape().clone()))
    }

    fn bwd(&self, _x: &Tensor, _result: &Tensor, gradient: &Tensor) -> CandleResult<Option<Tensor>> {
        Ok(Some(gradient.clone()))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Var};

    use super::*;
    use crate::rng::Purpose;

    #[test]
    fn noise_is_normal_repeatable_and_lets_gradients_through() -> Result<()> {
        let x = Var::ones((3, 64, 64, 3), DType::F32, &Device::Cpu)?;
        let key = SampleKey { seed: 1, epoch: 2, position: 3, purpose: Purpose::Training };
        let noisy = add_noise(&x, key, 0.5)?;
        let values: Vec<f32> = noisy.flatten_all()?.to_vec1()?;
        let mean =
            |of: &dyn Fn(f64) -> f64| values.iter().map(|x| of(f64::from(*x) - 1.0)).sum::<f64>() / values.len() as f64;
        let (first, second, fourth) = (mean(&|x| x), mean(&|x| x * x), mean(&|x| x.powi(4)));
        assert!(first.abs() < 0.01 && (second - 0.25).abs() < 0.01 && (fourth / 0.0625 - 3.0).abs() < 0.2);
        assert_ne!(values[..CHUNK_FLOATS], values[CHUNK_FLOATS..2 * CHUNK_FLOATS]);
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            let again = pool.install(|| add_noise(&x, key, 0.5))?;
            assert_eq!(again.flatten_all()?.to_vec1::<f32>()?, values);
        }
        let other = add_noise(&x, SampleKey { position: 4, ..key }, 0.5)?;
        assert_ne!(other.flatten_all()?.to_vec1::<f32>()?, values);
        let gradients = noisy.sqr()?.sum_all()?.backward()?;
        let gradient = gradients.get(&x).expect("x is a variable").flatten_all()?.to_vec1::<f32>()?;
        assert!(gradient.iter().zip(&values).all(|(gradient, value)| (gradient - 2.0 * value).abs() < 1e-5));
        Ok(())
    }
}
