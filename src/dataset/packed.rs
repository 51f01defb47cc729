//! Images of one size that lie undivided in memory, as the files of most small data sets hold them.

use rayon::prelude::*;

use super::{Dataset, Stored, class_names};
use crate::error::Result;
use crate::image::{Image, ImageRef, Size};

/// Images `(H, W, C)` one after the other, each behind the bytes that lead its record, with their labels.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    size: Size,
    channels: usize,
    /// The bytes of a record that come before the pixels.
    lead: usize,
    records: Vec<u8>,
    labels: Vec<u32>,
    classes: Vec<String>,
}

impl Packed {
    /// The images of `records`, a whole number of them, and as many labels, each of which has a name.
    pub(super) fn new(shape: Shape, lead: usize, records: Vec<u8>, labels: Vec<u32>, classes: Vec<String>) -> Self {
        let Shape { size, channels, planar } = shape;
        let mut set = Self { size, channels, lead, records, labels, classes };
        debug_assert_eq!(set.records.len(), set.labels.len() * set.record_bytes());
        if planar && channels > 1 {
            set.interleave();
        }
        set
    }

    /// The same set with other names for its classes.
    pub(super) fn with_classes<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Result<Self> {
        let classes = class_names(names, &self.labels)?;
        Ok(Self { classes, ..self })
    }

    fn image(&self, index: usize) -> Result<ImageRef<'_>> {
        let bytes = self.record_bytes();
        let pixels = &self.records[index * bytes + self.lead..(index + 1) * bytes];
        ImageRef::new(self.size.height, self.size.width, self.channels, pixels)
    }

    fn record_bytes(&self) -> usize {
        self.lead + self.size.height * self.size.width * self.channels
    }

    /// Channels first to channels last, image by image, so that the whole is in memory only once.
    fn interleave(&mut self) {
        let (bytes, lead, channels) = (self.record_bytes(), self.lead, self.channels);
        self.records.par_chunks_exact_mut(bytes).for_each_init(Vec::new, |planes, record| {
            let pixels = &mut record[lead..];
            planes.clear();
            planes.extend_from_slice(pixels);
            for (channel, plane) in planes.chunks_exact(pixels.len() / channels).enumerate() {
                for (pixel, &value) in pixels.chunks_exact_mut(channels).zip(plane) {
                    pixel[channel] = value;
                }
            }
        });
    }
}

/// What the images of a set have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) size: Size,
    /// 1 or 3.
    pub(super) channels: usize,
    /// Whether an image is `(C, H, W)` and not `(H, W, C)`.
    pub(super) planar: bool,
}

impl Dataset for Packed {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn label(&self, index: usize) -> u32 {
        self.labels[index]
    }

    fn load(&self, index: usize) -> Result<Image> {
        self.image(index).map(ImageRef::to_image)
    }

    fn stored(&self, index: usize, _buffer: Vec<u8>) -> Result<Stored<'_>> {
        self.image(index).map(Stored::Pixels)
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }
}

/// The label of each value and the names of the classes: the values that occur, in ascending order.
pub(super) fn number<T: Copy + Ord + ToString>(values: &[T]) -> (Vec<u32>, Vec<String>) {
    let mut distinct = values.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let label = |value: &T| distinct.partition_point(|known| known < value) as u32;
    (values.iter().map(label).collect(), distinct.iter().map(T::to_string).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_become_pixels_and_leading_bytes_stay() -> Result<()> {
        let shape = Shape { size: Size::new(1, 2), channels: 3, planar: true };
        let records = vec![9, 1, 2, 3, 4, 5, 6, 8, 11, 12, 13, 14, 15, 16];
        let set = Packed::new(shape, 1, records, vec![0, 1], vec!["a".into(), "b".into()]);
        assert_eq!(set.load(0)?.data(), [1, 3, 5, 2, 4, 6]);
        assert_eq!(set.load(1)?.data(), [11, 13, 15, 12, 14, 16]);
        Ok(())
    }
}
