//! Spectral normalisation: weights divided by their largest singular value (T. Miyato et al., "Spectral Normalization for
//! Generative Adversarial Networks", 2018).

use candle_core::{CpuStorage, CustomOp1, Layout, Result as CandleResult, Shape, Tensor, Var};

use super::has_kernels;
use super::params::Params;
use super::slices::operand;
use crate::error::Result;

/// Keeps vectors of zeros, and weights of zeros, from a division by 0.
const SMALLEST: f64 = 1e-12;

/// The singular value of one layer's weight, followed by a step of the power iteration at a time.
#[derive(Clone, Debug)]
pub struct SpectralNorm {
    /// The right singular vector, (outputs).
    vector: Var,
}

impl SpectralNorm {
    /// For a weight whose last axis has `outputs` values. Makes the buffer `name.vector` (outputs).
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] if the name is taken.
    pub fn new(params: &mut Params, name: &str, outputs: usize) -> Result<Self> {
        // Any direction that is not by chance a right angle to the one looked for.
        let start = |i: usize| if i % 3 == 2 { 0.6 } else { 1.0 };
        let vector = params.buffer(&format!("{name}.vector"), &[outputs], 1.0)?;
        let values: Vec<f32> = (0..outputs).map(start).collect();
        vector.set(&Tensor::from_vec(values, outputs, params.device())?)?;
        Ok(Self { vector })
    }

    /// One step of the power iteration towards the singular vector of `weight` (…, outputs) as it is now.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Tensor`] for another number of outputs.
    pub fn iterate(&self, weight: &Tensor) -> Result<()> {
        let matrix = Matrix::of(&weight.detach(), self.vector.elem_count())?;
        let left = matrix.left(&self.vector.as_detached_tensor().to_vec1()?);
        let right: Vec<f32> = matrix.right(&left).iter().map(|value| *value as f32).collect();
        Ok(self.vector.set(&Tensor::from_vec(right, self.vector.dims(), weight.device())?)?)
    }

    /// `weight` (…, outputs) divided by σ = uᵀWv, with u = Wv / ‖Wv‖ and v the vector as it is now; both count as constants
    /// in the gradient, as published.
    ///
    /// # Errors
    ///
    /// As [`SpectralNorm::iterate`].
    pub fn normalise(&self, weight: &Tensor) -> Result<Tensor> {
        let right: Vec<f32> = self.vector.as_detached_tensor().to_vec1()?;
        let matrix = Matrix::of(&weight.detach(), right.len())?;
        let left = matrix.left(&right);
        if has_kernels(weight) {
            return Ok(weight.contiguous()?.apply_op1(Divide { left, right })?);
        }
        let left: Vec<f32> = left.iter().map(|value| *value as f32).collect();
        let (rows, columns) = (left.len(), right.len());
        let outer = Tensor::from_vec(left, (rows, 1), weight.device())?.matmul(&Tensor::from_vec(
            right,
            (1, columns),
            weight.device(),
        )?)?;
        let sigma = (weight.reshape((rows, columns))? * outer)?.sum_all()?;
        Ok(weight.broadcast_div(&(sigma + SMALLEST)?)?)
    }
}

/// A weight as a matrix (rows, outputs).
struct Matrix {
    values: Vec<f32>,
    columns: usize,
}

impl Matrix {
    fn of(weight: &Tensor, columns: usize) -> Result<Self> {
        if weight.dims().last() != Some(&columns) {
            let message = format!("expected a weight of shape (…, {columns}), got {:?}", weight.dims());
            return Err(crate::Error::new(crate::ErrorKind::Tensor, message));
        }
        Ok(Self { values: weight.flatten_all()?.to_vec1()?, columns })
    }

    /// Wv / ‖Wv‖.
    fn left(&self, right: &[f32]) -> Vec<f64> {
        let rows = self.values.chunks_exact(self.columns);
        unit(rows.map(|row| row.iter().zip(right).map(|(w, v)| f64::from(*w) * f64::from(*v)).sum()).collect())
    }

    /// Wᵀu / ‖Wᵀu‖.
    fn right(&self, left: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.columns];
        for (row, u) in self.values.chunks_exact(self.columns).zip(left) {
            sums.iter_mut().zip(row).for_each(|(sum, w)| *sum += f64::from(*w) * u);
        }
        unit(sums)
    }
}

fn unit(mut vector: Vec<f64>) -> Vec<f64> {
    let norm = vector.iter().map(|value| value * value).sum::<f64>().sqrt() + SMALLEST;
    vector.iter_mut().for_each(|value| *value /= norm);
    vector
}

/// W / uᵀWv.
struct Divide {
    left: Vec<f64>,
    right: Vec<f32>,
}

impl Divide {
    fn sigma(&self, weight: &[f32]) -> f64 {
        self.product(weight) + SMALLEST
    }

    /// uᵀMv.
    fn product(&self, matrix: &[f32]) -> f64 {
        let rows = matrix.chunks_exact(self.right.len()).zip(&self.left);
        rows.map(|(row, u)| u * row.iter().zip(&self.right).map(|(m, v)| f64::from(m * v)).sum::<f64>()).sum()
    }
}

impl CustomOp1 for Divide {
    fn name(&self) -> &'static str {
        "spectral-norm"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> CandleResult<(CpuStorage, Shape)> {
        let weight = operand(storage, layout)?;
        let scale = (1.0 / self.sigma(weight)) as f32;
        Ok((CpuStorage::F32(weight.iter().map(|value| value * scale).collect()), layout.shape().clone()))
    }

    /// With Ŵ = W / σ and G the gradient of Ŵ: (G − ⟨G, Ŵ⟩ u vᵀ) / σ.
    fn bwd(&self, weight: &Tensor, result: &Tensor, gradient: &Tensor) -> CandleResult<Option<Tensor>> {
        let sigma = self.sigma(&weight.flatten_all()?.to_vec1::<f32>()?);
        let normal: Vec<f32> = result.flatten_all()?.to_vec1()?;
        let mut gradient: Vec<f32> = gradient.contiguous()?.flatten_all()?.to_vec1()?;
        let along: f64 = gradient.iter().zip(&normal).map(|(g, w)| f64::from(*g) * f64::from(*w)).sum();
        for (row, u) in gradient.chunks_exact_mut(self.right.len()).zip(&self.left) {
            for (g, v) in row.iter_mut().zip(&self.right) {
                *g = ((f64::from(*g) - along * u * f64::from(*v)) / sigma) as f32;
            }
        }
        Ok(Some(Tensor::from_vec(gradient, weight.shape(), weight.device())?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::nn::Init;

    #[test]
    fn the_largest_singular_value_becomes_1() -> Result<()> {
        let mut params = Params::new(2, &Device::Cpu);
        let weight = params.variable("weight", &[2, 2, 3, 4], Init::Normal(1.0), 1)?;
        let norm = SpectralNorm::new(&mut params, "norm", 4)?;
        for _ in 0..200 {
            norm.iterate(&weight)?;
        }
        let normal = norm.normalise(&weight)?.reshape((12, 4))?;
        // The largest eigenvalue of WᵀW, by squaring it until only that one counts.
        let mut square = normal.t()?.matmul(&normal)?;
        for _ in 0..6 {
            square = square.matmul(&square)?;
        }
        let trace: f32 = (0..4).map(|i| square.get(i)?.get(i)?.to_scalar::<f32>()).sum::<CandleResult<f32>>()?;
        assert!((trace - 1.0).abs() < 1e-2, "{trace}");
        Ok(())
    }

    #[test]
    fn gradients_are_those_of_differences() -> Result<()> {
        let mut params = Params::new(2, &Device::Cpu);
        let weight = params.variable("weight", &[5, 4], Init::Normal(1.0), 1)?;
        let pull = params.variable("pull", &[5, 4], Init::Normal(1.0), 1)?.detach();
        let direction = params.variable("direction", &[5, 4], Init::Normal(1.0), 1)?.detach();
        let norm = SpectralNorm::new(&mut params, "norm", 4)?;
        // At the singular vectors themselves, whose change counts nothing to first order.
        for _ in 0..200 {
            norm.iterate(&weight)?;
        }
        let value = |weight: &Tensor| -> Result<Tensor> { Ok((norm.normalise(weight)? * &pull)?.sum_all()?) };
        let gradients = value(&weight)?.backward()?;
        let gradient = gradients.get(&weight).expect("a variable");
        let expected: f32 = (gradient * &direction)?.sum_all()?.to_scalar()?;
        let at = |step: f64| -> Result<f32> { Ok(value(&(weight.detach() + (&direction * step)?)?)?.to_scalar()?) };
        let found = (at(1e-3)? - at(-1e-3)?) / 2e-3;
        assert!((found - expected).abs() < 5e-3 * expected.abs().max(1.0), "{found}, expected {expected}");
        Ok(())
    }

    #[test]
    fn weights_of_zero_stay() -> Result<()> {
        let mut params = Params::new(2, &Device::Cpu);
        let weight = params.variable("weight", &[5, 4], Init::Constant(0.0), 1)?;
        let norm = SpectralNorm::new(&mut params, "norm", 4)?;
        norm.iterate(&weight)?;
        let largest: f32 = norm.normalise(&weight)?.abs()?.max_all()?.to_scalar()?;
        assert_eq!(largest, 0.0);
        Ok(())
    }
}
