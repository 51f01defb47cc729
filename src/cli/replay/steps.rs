//! A sample after each of its operations.

use candle_augment::report::{Canvas, Cell, Grid, Row, drawable_name};
use candle_augment::{Dataset, Error, Image, Op, SampleInfo, Slot, Transform};

use super::report::described;
use super::seen;
use crate::cli::caption::caption;

/// The image before the transforms and after each operation, as far as they succeed.
pub struct Steps {
    pub ops: Vec<Op>,
    /// Of the image itself and after each op that could be applied: at most one more than there are ops.
    pub images: Vec<Image>,
}

impl Steps {
    pub fn new(image: Image, transform: &dyn Transform, class: &str, slot: &Slot) -> Self {
        let info = SampleInfo::of(&image).with_class(class);
        let draw = || {
            let mut ops = Vec::new();
            transform.draw(info, &mut slot.key.rng(), &mut ops);
            Ok(ops)
        };
        let ops = seen(draw).unwrap_or_default();
        let mut images = vec![image];
        for op in &ops {
            let Some(next) = seen(|| op.apply(images[images.len() - 1].clone())) else { break };
            images.push(next);
        }
        Self { ops, images }
    }

    /// With the loader's own image at the end.
    pub fn ending_in(mut self, sample: &Image) -> Self {
        if let Some(last) = self.images.last_mut() {
            *last = sample.clone();
        }
        self
    }

    /// The place of the op that fails.
    pub fn failing(&self) -> Option<usize> {
        let applied = self.images.len() - 1;
        (applied < self.ops.len()).then_some(applied)
    }

    pub fn picture(&self, set: &dyn Dataset, slot: &Slot, error: Option<&Error>) -> Canvas {
        /// Images beside each other, wide enough for their captions.
        const COLUMNS: usize = 6;
        let labels = std::iter::once("original".to_owned()).chain(self.ops.iter().map(caption));
        let cells: Vec<Cell> =
            self.images.iter().cloned().zip(labels).map(|(image, label)| Cell::new(image).with_line(label)).collect();
        let label = slot.label as usize;
        let mut grid = Grid::new(format!("Sample {}", slot.key)).with_note(described(set, slot));
        if let Some(error) = error {
            grid = grid.with_note(match self.failing() {
                Some(place) => format!("fails in operation {} of {}: {}", place + 1, self.ops.len(), error.message()),
                None => format!("fails: {}", error.message()),
            });
        }
        for (number, cells) in cells.chunks(COLUMNS).enumerate() {
            let title = if number == 0 { drawable_name(&set.classes()[label], label) } else { String::new() };
            grid = grid.with_row(Row::new(title, cells.to_vec()));
        }
        grid.render()
    }
}
