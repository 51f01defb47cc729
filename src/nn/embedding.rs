//! A table with one row of trained values for each class.

use candle_core::Tensor;

use super::params::{Init, Params};
use crate::error::Result;

/// A table of `count` rows, looked up by label: (N), u32, to (N, width).
#[derive(Clone, Debug)]
pub struct Embedding {
    table: Tensor,
}

impl Embedding {
    /// Makes the variable `name.table` (count, width).
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] if the name is taken.
    pub fn new(params: &mut Params, name: &str, count: usize, width: usize, init: Init) -> Result<Self> {
        Ok(Self { table: params.variable(&format!("{name}.table"), &[count, width], init, 1)? })
    }

    /// The same table, sharing its variable, but giving it no gradient.
    #[must_use]
    pub fn frozen(&self) -> Self {
        Self { table: self.table.detach() }
    }

    /// The rows of `labels`, (N), u32.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Tensor`] for a label without a row, or another dtype.
    pub fn forward(&self, labels: &Tensor) -> Result<Tensor> {
        Ok(self.table.index_select(labels, 0)?)
    }
}
