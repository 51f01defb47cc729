//! The pictures that several subcommands draw.

use candle_augment::report::{Canvas, Cell, Grid, Row, drawable_name, palette};
use candle_augment::{
    Batch, Dataset, Error, Image, Op, Origin, Purpose, Result, SampleInfo, SampleKey, SyntheticRequest,
    SyntheticSource, Transform, apply_ops,
};

use super::caption::caption;

/// More rows make a picture that no viewer shows.
const MOST_ROWS: usize = 100;

/// A row of samples for each of some classes.
///
/// The first samples of a class are the same however many are asked for, and of whichever other classes.
pub struct SampleGrid<'a> {
    pub title: &'a str,
    /// The labels of the classes.
    pub classes: &'a [usize],
    pub per_class: usize,
    pub seed: u64,
}

impl SampleGrid<'_> {
    /// Draws the grid. `subtitle` gives a line below a class's name, by its label.
    pub fn render(&self, source: &dyn SyntheticSource, subtitle: impl Fn(usize) -> String) -> Result<Canvas> {
        let shown = &self.classes[..self.classes.len().min(MOST_ROWS)];
        let mut grid = Grid::new(self.title);
        if shown.len() < self.classes.len() {
            grid = grid.with_note(format!("the first {} of {} classes", shown.len(), self.classes.len()));
        }
        for &class in shown {
            let serials = 0..self.per_class as u64;
            let requests: Vec<_> = serials.map(|serial| request(class as u32, serial, self.seed)).collect();
            let cells = source.generate(&requests)?.into_iter().map(Cell::new).collect();
            let title = drawable_name(&source.classes()[class], class);
            grid = grid.with_row(Row::new(title, cells).with_subtitle(subtitle(class)));
        }
        Ok(grid.render())
    }
}

/// Sample `serial` of a class, as every subcommand asks for it.
pub fn request(label: u32, serial: u64, seed: u64) -> SyntheticRequest {
    let position = u64::from(label) << 32 | serial;
    SyntheticRequest { label, serial, key: SampleKey { seed, epoch: 0, position, purpose: Purpose::Synthetic } }
}

/// A contact sheet: an image per row, as it is and `draws` times under the transform.
pub struct ContactSheet<'a> {
    pub title: &'a str,
    pub note: &'a str,
    pub rows: usize,
    pub draws: usize,
    pub seed: u64,
}

impl ContactSheet<'_> {
    /// Draws the sheet. The rows go around the classes, taking the next image of each.
    pub fn render(&self, set: &dyn Dataset, transform: &dyn Transform) -> Result<Canvas> {
        let mut grid = Grid::new(self.title).with_note(self.note);
        for (row, index) in round_robin(set).into_iter().take(self.rows.min(MOST_ROWS)).enumerate() {
            let original = set.load(index).map_err(|error| located(error, set, index))?;
            let label = set.label(index) as usize;
            let info = SampleInfo::of(&original).with_class(&set.classes()[label]);
            let mut cells = vec![Cell::new(original.clone()).with_line("original")];
            for draw in 0..self.draws {
                let position = (row * self.draws + draw) as u64;
                let key = SampleKey { seed: self.seed, epoch: 0, position, purpose: Purpose::Transform };
                let mut ops = Vec::new();
                transform.draw(info, &mut key.rng(), &mut ops);
                let cell = augmented(&original, &ops).map_err(|error| located(error.with_key(key), set, index))?;
                cells.push(cell);
            }
            let file = set.path(index).and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
            let title = drawable_name(&set.classes()[label], label);
            grid = grid.with_row(Row::new(title, cells).with_subtitle(file.unwrap_or_default()));
        }
        Ok(grid.render())
    }
}

/// With the image's index and file.
fn located(error: Error, set: &dyn Dataset, index: usize) -> Error {
    let error = error.with_index(index);
    match set.path(index) {
        Some(path) => error.with_path(path),
        None => error,
    }
}

/// Every index once: the first image of each class, then the second of each, and so on.
fn round_robin(set: &dyn Dataset) -> Vec<usize> {
    let mut seen = vec![0; set.classes().len()];
    let mut order: Vec<_> = (0..set.len())
        .map(|index| {
            let label = set.label(index) as usize;
            seen[label] += 1;
            (seen[label], label, index)
        })
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, _, index)| index).collect()
}

/// The image after the operations, with them below.
fn augmented(image: &Image, ops: &[Op]) -> Result<Cell> {
    let cell = Cell::new(apply_ops(ops, image.clone())?);
    let cell = ops.iter().fold(cell, |cell, op| cell.with_line(caption(op)));
    Ok(if ops.is_empty() { cell.with_line("unchanged") } else { cell })
}

/// One batch (u8), a row per class, its synthetic samples framed.
pub fn batch(batch: &Batch, classes: &[String], title: &str) -> Result<Canvas> {
    let images = Image::from_tensor(&batch.images)?;
    let mut rows: Vec<Vec<Cell>> = vec![Vec::new(); classes.len()];
    let mut synthetic = vec![0; classes.len()];
    for (slot, image) in batch.slots.iter().zip(images) {
        let cell = Cell::new(image);
        let class = slot.label as usize;
        match slot.origin {
            Origin::Real(_) => rows[class].push(cell),
            Origin::Synthetic(_) => {
                synthetic[class] += 1;
                rows[class].push(cell.with_frame(palette::VERMILION));
            }
        }
    }
    let mut grid =
        Grid::new(title).with_note("sorted by class for this picture").with_legend("synthetic", palette::VERMILION);
    for (class, cells) in rows.into_iter().enumerate().take(MOST_ROWS) {
        let subtitle = format!("{} real, {} synthetic", cells.len() - synthetic[class], synthetic[class]);
        grid = grid.with_row(Row::new(drawable_name(&classes[class], class), cells).with_subtitle(subtitle));
    }
    Ok(grid.render())
}
