//! The size of gradients.

use candle_core::Tensor;
use candle_core::backprop::GradStore;
use rayon::prelude::*;

use super::has_kernels;
use super::params::Params;
use super::slices::Floats;
use crate::error::Result;

/// Values that one task of the pool adds up.
const CHUNK_FLOATS: usize = 16 * 1024;

/// The Euclidean norm of the gradients of the variables of `params`; those without a gradient do not count.
///
/// # Errors
///
/// [`crate::ErrorKind::Tensor`] if a gradient is not of dtype f32.
pub(crate) fn gradient_norm(params: &Params, gradients: &GradStore) -> Result<f64> {
    let gradients: Vec<&Tensor> = params.variables().filter_map(|(_, var)| gradients.get(var)).collect();
    if !gradients.iter().all(|gradient| has_kernels(gradient)) {
        let squares = gradients.iter().map(|gradient| Ok(f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?)));
        return Ok(squares.sum::<Result<f64>>()?.sqrt());
    }
    let gradients = gradients.iter().map(|gradient| gradient.contiguous()).collect::<candle_core::Result<Vec<_>>>()?;
    let floats: Vec<Floats<'_>> = gradients.iter().map(Floats::new).collect();
    let slices = floats.iter().map(Floats::get).collect::<candle_core::Result<Vec<_>>>()?;
    let chunks: Vec<&[f32]> = slices.into_iter().flat_map(|slice| slice.chunks(CHUNK_FLOATS)).collect();
    let squares: Vec<f64> = chunks.into_par_iter().map(sum_of_squares).collect();
    Ok(squares.iter().sum::<f64>().sqrt())
}

/// In several sums side by side, none of which waits for another.
fn sum_of_squares(values: &[f32]) -> f64 {
    const SUMS: usize = 16;
    let (lines, rest) = values.as_chunks::<SUMS>();
    let square = |value: f32| f64::from(value) * f64::from(value);
    let mut sums = [0.0; SUMS];
    for line in lines {
        sums.iter_mut().zip(line).for_each(|(sum, value)| *sum += square(*value));
    }
    sums.iter().sum::<f64>() + rest.iter().map(|value| square(*value)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::nn::Init;

    #[test]
    fn the_norm_is_that_of_all_gradients_together() -> Result<()> {
        let mut params = Params::new(0, &Device::Cpu);
        let a = params.variable("a", &[150, 151], Init::Normal(1.0), 1)?;
        let b = params.variable("b", &[3], Init::Normal(1.0), 1)?;
        params.variable("unused", &[5], Init::Normal(1.0), 1)?;
        let gradients = (a.sqr()?.sum_all()? + b.sqr()?.sum_all()?)?.backward()?;
        let values = [a.flatten_all()?.to_vec1::<f32>()?, b.to_vec1::<f32>()?].concat();
        let expected = values.iter().map(|value| (2.0 * f64::from(*value)).powi(2)).sum::<f64>().sqrt();
        let found = gradient_norm(&params, &gradients)?;
        assert!((found / expected - 1.0).abs() < 1e-6, "{found}, expected {expected}");
        Ok(())
    }
}
