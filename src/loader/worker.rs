//! How one sample is made: read, decoded as far as it is needed, transformed, and written into its place.

use std::hint::black_box;
use std::sync::Arc;

use super::Sample;
use super::cache::Cache;
use super::guard::guarded;
use super::images::Item;
use super::meter::Stopwatch;
use super::needed::needed;
use super::output::{Place, Shape};
use super::recipe::Recipe;
use super::statistics::Stage;
use super::workbench::Workbench;
use crate::dataset::{ImageFile, Stored};
use crate::decode::View;
use crate::error::{Error, Result};
use crate::image::{Image, ImageRef};
use crate::plan::{Origin, Slot};
use crate::transform::{Executor, Op, SampleInfo, at_op};

/// What a sample is made of.
#[derive(Clone, Debug)]
pub(super) enum Start {
    /// An image of the data set, by its index.
    Stored(usize),
    /// An image that is there.
    Given(Item),
}

impl Start {
    pub(super) fn image(image: Image) -> Self {
        Self::Given(Arc::new(Stored::Image(image)))
    }
}

/// Where a sample goes.
pub(super) trait Target {
    /// The place for the sample of `slot`, which has this shape.
    fn place(&mut self, slot: &Slot, shape: Shape) -> Result<Place<'_>>;
}

/// An image by itself.
struct Alone(Option<Image>);

impl Target for Alone {
    fn place(&mut self, _slot: &Slot, _shape: Shape) -> Result<Place<'_>> {
        Ok(Place::Image(&mut self.0))
    }
}

impl Recipe {
    /// Makes one sample by itself.
    pub(super) fn sample(&self, slot: &Slot) -> Result<Sample> {
        let start = match slot.origin {
            Origin::Real(index) => Start::Stored(index),
            Origin::Synthetic(serial) => {
                let images = self.generated(&[(*slot, serial)])?;
                Start::image(images.into_iter().next().expect("one image was asked for, and one came"))
            }
        };
        let mut alone = Alone(None);
        self.workbenches.with(|bench| {
            Worker { recipe: self, bench, watch: None }.make(slot, &start, &mut alone)?;
            let image = alone.0.expect("a sample that was made is in its place");
            Ok(Sample { image, ops: std::mem::take(&mut bench.ops) })
        })
    }
}

/// One who makes samples.
pub(super) struct Worker<'a> {
    pub recipe: &'a Recipe,
    pub bench: &'a mut Workbench,
    /// None where nobody counts.
    pub watch: Option<Stopwatch<'a>>,
}

impl Worker<'_> {
    /// Makes the sample of `slot`. What its transform drew is then in the workbench.
    pub(super) fn make(&mut self, slot: &Slot, start: &Start, target: &mut dyn Target) -> Result<()> {
        self.bench.ops.clear();
        let made = match start {
            Start::Stored(index) => self.make_of_stored(slot, *index, target),
            Start::Given(item) => match &**item {
                Stored::Image(image) => self.make_of_pixels(slot, image.into(), target),
                Stored::Pixels(pixels) => self.make_of_pixels(slot, *pixels, target),
                Stored::File(file) => self.make_of_file(slot, file, None, target),
            },
        };
        made.map_err(|error| self.recipe.locate(error, slot))
    }

    fn make_of_stored(&mut self, slot: &Slot, index: usize, target: &mut dyn Target) -> Result<()> {
        let recipe = self.recipe;
        if let Some(cache) = &recipe.cache {
            let kept = cache.get(index);
            if let Some(watch) = &self.watch {
                watch.meter.looked_up(kept.is_some());
            }
            if let Some(image) = kept {
                return self.make_of_pixels(slot, (&*image).into(), target);
            }
        }
        let buffer = std::mem::take(&mut self.bench.file);
        let stored = guarded("the data set", || recipe.dataset.stored(index, buffer)).map_err(in_loading)?;
        self.lap(if matches!(stored, Stored::File(_)) { Stage::Read } else { Stage::Decode });
        match (stored, &recipe.cache) {
            (Stored::File(file), cache) => {
                let made = self.make_of_file(slot, &file, cache.as_ref().map(|cache| (cache, index)), target);
                self.bench.file = file.bytes;
                made
            }
            (Stored::Image(image), Some(cache)) => self.make_of_kept(slot, index, image, cache, target),
            (Stored::Image(image), None) => self.make_of_pixels(slot, (&image).into(), target),
            (Stored::Pixels(pixels), Some(cache)) if cache.shrinks() => {
                self.make_of_kept(slot, index, pixels.to_image(), cache, target)
            }
            (Stored::Pixels(pixels), _) => {
                fetch(pixels.data());
                self.make_of_pixels(slot, pixels, target)
            }
        }
    }

    /// Offers the image to the cache, and goes on with what that makes of it.
    fn make_of_kept(
        &mut self,
        slot: &Slot,
        index: usize,
        image: Image,
        cache: &Cache,
        target: &mut dyn Target,
    ) -> Result<()> {
        let image = cache.offer(index, image, &mut self.bench.executor)?;
        self.lap(Stage::Decode);
        let made = self.make_of_pixels(slot, (&*image).into(), target);
        if let Some(image) = Arc::into_inner(image) {
            self.bench.pixels = image.into_data();
        }
        made
    }

    fn make_of_pixels(&mut self, slot: &Slot, image: ImageRef<'_>, target: &mut dyn Target) -> Result<()> {
        let info = SampleInfo { size: image.size(), channels: image.channels(), class: None };
        let place = target.place(slot, self.draw(slot, info)?)?;
        let Workbench { executor, ops, .. } = &mut *self.bench;
        let applied = apply(executor, 0, ops, image, place);
        self.lap(Stage::Transform);
        applied
    }

    fn make_of_file(
        &mut self,
        slot: &Slot,
        file: &ImageFile,
        cache: Option<(&Cache, usize)>,
        target: &mut dyn Target,
    ) -> Result<()> {
        let encoded = guarded("the decoder", || file.header()).map_err(in_loading)?;
        if let Some((cache, index)) = cache {
            // In full even where there is no room left: whether damage is seen must not depend on which image came first.
            let view = View { color: file.color, ..View::default() };
            let (decoder, mut pixels) = (&mut self.bench.decoder, std::mem::take(&mut self.bench.pixels));
            let decoded = guarded("the decoder", || encoded.decode_into(decoder, view, &mut pixels));
            let (size, channels) = decoded.map_err(in_loading)?;
            let image = Image::new(size.height, size.width, channels, pixels)?;
            return self.make_of_kept(slot, index, image, cache, target);
        }
        let (size, channels) = (encoded.size(), encoded.channels(file.color));
        self.lap(Stage::Decode);
        let place = target.place(slot, self.draw(slot, SampleInfo { size, channels, class: None })?)?;
        self.lap(Stage::Transform);
        let Workbench { decoder, pixels, executor, ops, .. } = &mut *self.bench;
        let (view, done) = needed(ops, size, file.color, self.recipe.scaled && encoded.can_scale());
        let decoded = guarded("the decoder", || encoded.decode_into(decoder, view, pixels)).map_err(in_loading);
        if let Some(watch) = &mut self.watch {
            watch.lap(Stage::Decode);
        }
        let (size, channels) = decoded?;
        let image = ImageRef::new(size.height, size.width, channels, pixels)?;
        let applied = apply(executor, done, ops, image, place);
        self.lap(Stage::Transform);
        applied
    }

    fn lap(&mut self, stage: Stage) {
        if let Some(watch) = &mut self.watch {
            watch.lap(stage);
        }
    }

    /// Draws the operations for a sample like `info`, and gives the shape of the result.
    fn draw(&mut self, slot: &Slot, info: SampleInfo<'_>) -> Result<Shape> {
        let (recipe, ops) = (self.recipe, &mut self.bench.ops);
        if let Some(transform) = &recipe.transform {
            guarded("the transform", || {
                transform.draw(info.with_class(recipe.class(slot)), &mut slot.key.rng(), ops);
                Ok(())
            })
            .map_err(|error| error.with_op(format_args!("draw")))?;
        }
        let after = ops
            .iter()
            .enumerate()
            .try_fold(info, |info, (place, op)| op.output(info).map_err(|error| at_op(error, ops, place)))?;
        Ok(Shape { channels: after.channels, size: after.size })
    }
}

/// Writes the image after `ops`. After a panic the executor begins anew: what it had under way is lost.
fn apply(executor: &mut Executor, done: usize, ops: &[Op], image: ImageRef<'_>, place: Place<'_>) -> Result<()> {
    guarded("the operation", || place.write(executor, done, ops, image)).map_err(|error| {
        match std::mem::take(executor).stopped_at() {
            Some(place) => at_op(error, ops, place),
            None => error,
        }
    })
}

fn in_loading(error: Error) -> Error {
    error.with_op(format_args!("load"))
}

/// Has small images, which lie anywhere in memory, brought into the cache: reads that do not wait for each other take a fraction
/// of the time of those that an operation does on its way.
fn fetch(pixels: &[u8]) {
    const SMALL: usize = 1 << 13;
    const CACHE_LINE: usize = 64;
    if pixels.len() <= SMALL {
        black_box(pixels.iter().step_by(CACHE_LINE).fold(0, |all, byte| all | byte));
    }
}
