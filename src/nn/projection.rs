//! The conditional head of a discriminator: a projection on the class (T. Miyato, M. Koyama, "cGANs with Projection
//! Discriminator", 2018).

use candle_core::{CpuStorage, CustomOp2, Layout, Result as CandleResult, Shape, Tensor, bail};

use super::has_kernels;
use super::params::{Init, Params};
use super::slices::{Floats, operand};
use crate::error::Result;

/// Features (N, F) and labels (N), u32, to logits (N): ⟨h, w + v_y⟩ + b with one vector w for all classes and one v_y
/// for each.
#[derive(Clone, Debug)]
pub struct Projection {
    /// (classes + 1, features): the classes' vectors, then the common one.
    table: Tensor,
    bias: Tensor,
}

impl Projection {
    /// Makes the variables `name.table` (classes + 1, features) and `name.bias` (1).
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] if the name is taken.
    pub fn new(params: &mut Params, name: &str, classes: usize, features: usize, init: Init) -> Result<Self> {
        Ok(Self {
            table: params.variable(&format!("{name}.table"), &[classes + 1, features], init, features)?,
            bias: params.variable(&format!("{name}.bias"), &[1], Init::Constant(0.0), 1)?,
        })
    }

    /// The same head, sharing its variables, but giving them no gradients.
    #[must_use]
    pub fn frozen(&self) -> Self {
        Self { table: self.table.detach(), bias: self.bias.detach() }
    }

    /// The vectors (classes + 1, features): the classes', then the common one.
    #[must_use]
    pub fn table(&self) -> &Tensor {
        &self.table
    }

    /// The same head with other vectors of the same shape, such as its own after a normalisation.
    #[must_use]
    pub fn with_table(&self, table: Tensor) -> Self {
        Self { table, bias: self.bias.clone() }
    }

    /// The logits of `features` (N, F) under `labels` (N), u32.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Tensor`] for a label that is no class, or other shapes.
    pub fn forward(&self, features: &Tensor, labels: &Tensor) -> Result<Tensor> {
        self.forward_scaled(features, labels, 1.0)
    }

    /// The same with the classes' vectors times `strength`: at 0 the logit asks for no class.
    ///
    /// # Errors
    ///
    /// As [`Projection::forward`].
    pub fn forward_scaled(&self, features: &Tensor, labels: &Tensor, strength: f64) -> Result<Tensor> {
        let logits = if has_kernels(features) {
            let op = ProjectionOp { labels: labels.to_vec1()?, strength: strength as f32 };
            features.contiguous()?.apply_op2(&self.table, op)?
        } else {
            self.stock(features, labels, strength)?
        };
        Ok(logits.broadcast_add(&self.bias)?)
    }

    /// The same by candle's operations, without the bias, for devices other than the CPU.
    fn stock(&self, features: &Tensor, labels: &Tensor, strength: f64) -> Result<Tensor> {
        let common = self.table.narrow(0, self.table.dim(0)? - 1, 1)?;
        let vectors = (self.table.index_select(labels, 0)? * strength)?.broadcast_add(&common)?;
        Ok((features * vectors)?.sum(1)?)
    }
}

struct ProjectionOp {
    labels: Vec<u32>,
    /// What the classes' vectors are multiplied by.
    strength: f32,
}

impl ProjectionOp {
    /// For each row its label's place in the table.
    fn rows(&self, count: usize, classes: usize) -> CandleResult<impl Iterator<Item = usize> + '_> {
        if self.labels.len() != count || self.labels.iter().any(|label| *label as usize >= classes) {
            bail!("expected {count} labels below {classes}, got {:?}", self.labels);
        }
        Ok(self.labels.iter().map(|label| *label as usize))
    }
}

impl CustomOp2 for ProjectionOp {
    fn name(&self) -> &'static str {
        "projection"
    }

    fn cpu_fwd(
        &self,
        features: &CpuStorage,
        features_layout: &Layout,
        table: &CpuStorage,
        table_layout: &Layout,
    ) -> CandleResult<(CpuStorage, Shape)> {
        let (count, width) = features_layout.shape().dims2()?;
        let (rows, columns) = table_layout.shape().dims2()?;
        if width != columns {
            bail!("expected features of shape (N, {columns}), got {:?}", features_layout.dims());
        }
        let (features, table) = (operand(features, features_layout)?, operand(table, table_layout)?);
        let (classes, common) = table.split_at((rows - 1) * width);
        let labels = self.rows(count, rows - 1)?;
        let logits = features.chunks_exact(width).zip(labels).map(|(feature, label)| {
            let vector = &classes[label * width..(label + 1) * width];
            let products = feature.iter().zip(vector).zip(common);
            products.map(|((feature, value), common)| feature * (self.strength * value + common)).sum()
        });
        Ok((CpuStorage::F32(logits.collect()), Shape::from(count)))
    }

    fn bwd(
        &self,
        features: &Tensor,
        table: &Tensor,
        _logits: &Tensor,
        gradient: &Tensor,
    ) -> CandleResult<(Option<Tensor>, Option<Tensor>)> {
        let (count, width) = features.dims2()?;
        let (rows, _) = table.dims2()?;
        let gradient: Vec<f32> = gradient.to_vec1()?;
        let (feature_floats, table_floats) = (Floats::new(features), Floats::new(table));
        let (values, vectors) = (feature_floats.get()?, table_floats.get()?);
        let mut feature_gradient = vec![0.0; values.len()];
        let mut table_gradient = vec![0.0; vectors.len()];
        let (classes, common) = vectors.split_at((rows - 1) * width);
        let (class_gradients, common_gradient) = table_gradient.split_at_mut((rows - 1) * width);
        let per_row = feature_gradient.chunks_exact_mut(width).zip(values.chunks_exact(width));
        for (((out, feature), label), gradient) in per_row.zip(self.rows(count, rows - 1)?).zip(gradient) {
            let vector = &classes[label * width..(label + 1) * width];
            let class_gradient = &mut class_gradients[label * width..(label + 1) * width];
            for i in 0..width {
                out[i] = gradient * (self.strength * vector[i] + common[i]);
                class_gradient[i] += gradient * self.strength * feature[i];
                common_gradient[i] += gradient * feature[i];
            }
        }
        let feature_gradient = Tensor::from_vec(feature_gradient, features.shape(), features.device())?;
        let table_gradient = Tensor::from_vec(table_gradient, table.shape(), table.device())?;
        Ok((Some(feature_gradient), Some(table_gradient)))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_stock_path_agrees() -> Result<()> {
        let mut params = Params::new(2, &Device::Cpu);
        let head = Projection::new(&mut params, "head", 3, 5, Init::Normal(1.0))?;
        let features = params.variable("features", &[4, 5], Init::Normal(1.0), 1)?;
        let labels = Tensor::new(&[2u32, 0, 2, 1], &Device::Cpu)?;
        let own = head.forward_scaled(&features, &labels, 0.5)?;
        let stock = head.stock(&features, &labels, 0.5)?;
        let own_gradients = own.sqr()?.sum_all()?.backward()?;
        let stock_gradients = stock.sqr()?.sum_all()?.backward()?;
        let mut pairs = vec![(own, stock)];
        for variable in [&features, &head.table] {
            let of = |store: &candle_core::backprop::GradStore| store.get(variable).expect("a gradient").clone();
            pairs.push((of(&own_gradients), of(&stock_gradients)));
        }
        for (own, stock) in pairs {
            let difference: f32 = (own - stock)?.abs()?.max_all()?.to_scalar()?;
            assert!(difference < 1e-5, "{difference}");
        }
        Ok(())
    }

    #[test]
    fn labels_that_are_no_class_are_refused() -> Result<()> {
        let mut params = Params::new(2, &Device::Cpu);
        let head = Projection::new(&mut params, "head", 3, 5, Init::Normal(1.0))?;
        let features = Tensor::zeros((2, 5), candle_core::DType::F32, &Device::Cpu)?;
        assert!(head.forward(&features, &Tensor::new(&[0u32, 3], &Device::Cpu)?).is_err());
        assert!(head.forward(&features, &Tensor::new(&[0u32], &Device::Cpu)?).is_err());
        Ok(())
    }
}
