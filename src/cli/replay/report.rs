//! What `replay` prints.

use std::fmt;
use std::path::PathBuf;

use candle_augment::{Dataset, Error, Image, Op, Origin, Slot};
use serde::Serialize;

use super::Args;
use super::steps::Steps;

/// What was found of a sample.
#[derive(Serialize)]
pub struct Report {
    key: String,
    class: String,
    /// Of an image of DATA.
    index: Option<usize>,
    file: Option<PathBuf>,
    /// Of a synthetic sample, its number within its class and epoch.
    serial: Option<u64>,
    /// Height, width and channels of the image, and after each operation that could be applied.
    shapes: Vec<[usize; 3]>,
    ops: Vec<Op>,
    /// The place in `ops`, from 0, of the one that fails.
    failing_op: Option<usize>,
    error: Option<String>,
    picture: Option<PathBuf>,
    sample: Option<PathBuf>,
    #[serde(skip)]
    image: String,
}

impl Report {
    pub fn new(args: &Args, set: &dyn Dataset, slot: &Slot, steps: Option<Steps>, error: Option<&Error>) -> Self {
        let (index, serial) = match slot.origin {
            Origin::Real(index) => (Some(index), None),
            Origin::Synthetic(serial) => (None, Some(serial)),
        };
        Self {
            key: slot.key.to_string(),
            class: set.classes()[slot.label as usize].clone(),
            index,
            file: index.and_then(|index| set.path(index)),
            serial,
            shapes: steps.iter().flat_map(|steps| &steps.images).map(shape).collect(),
            failing_op: steps.as_ref().and_then(Steps::failing),
            picture: steps.is_some().then(|| args.out.clone()),
            sample: args.sample.clone().filter(|_| error.is_none()),
            ops: steps.map_or_else(Vec::new, |steps| steps.ops),
            error: error.map(ToString::to_string),
            image: described(set, slot),
        }
    }
}

fn shape(image: &Image) -> [usize; 3] {
    [image.height(), image.width(), image.channels()]
}

/// The sample's image in words.
pub fn described(set: &dyn Dataset, slot: &Slot) -> String {
    match slot.origin {
        Origin::Real(index) => {
            let file = set.path(index).map(|path| format!(", {}", path.display())).unwrap_or_default();
            format!("image {index} of {}{file}", set.len())
        }
        Origin::Synthetic(serial) => format!("synthetic sample {serial} of its class"),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "key:      {}", self.key)?;
        writeln!(f, "image:    {}", self.image)?;
        writeln!(f, "class:    {}", self.class)?;
        if let Some([height, width, channels]) = self.shapes.first() {
            writeln!(f, "size:     {width}×{height}, {}", if *channels == 1 { "gray" } else { "RGB" })?;
        }
        for (place, op) in self.ops.iter().enumerate() {
            let fails = if self.failing_op == Some(place) { "  <- fails" } else { "" };
            writeln!(f, "{:9} {op:?}{fails}", format!("op {}:", place + 1))?;
        }
        if self.ops.is_empty() && self.picture.is_some() {
            writeln!(f, "ops:      none")?;
        }
        for (name, path) in [("picture:", &self.picture), ("sample:", &self.sample)] {
            if let Some(path) = path {
                writeln!(f, "{name:9} {}", path.display())?;
            }
        }
        Ok(())
    }
}
