//! Decoded images that are kept from one epoch to the next.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::error::Result;
use crate::image::Image;
use crate::transform::{Executor, Resize};

/// Enough locks that threads seldom meet at one.
const SHARDS: usize = 64;

/// What an image takes beside its pixels: its place in a table that is at least half full, itself, and the two counts
/// of its `Arc`.
const OVERHEAD: usize = 2 * size_of::<(usize, Arc<Image>)>() + size_of::<Image>() + 2 * size_of::<usize>();

/// Keeps decoded images of a data set in memory, so that later epochs need neither read nor decode them; see
/// [`DataLoaderBuilder::cache`](crate::DataLoaderBuilder::cache).
///
/// It is filled, in the order in which images are first used, until its bytes are used up, and keeps what it has:
/// an epoch uses every image once, so a cache that made room by dropping the image used longest ago would drop each
/// one just before it is used again, and never be of use to a set that is larger than itself. One that holds half of
/// the images spares half of the decoding.
///
/// Batches do not depend on what the cache holds, and so neither on its size.
///
/// ```
/// use candle_augment::{Cache, DataLoader, digits};
///
/// let loader = DataLoader::builder(digits()?).cache(Cache::decoded(1 << 30)).build()?;
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Debug)]
pub struct Cache {
    budget: usize,
    /// What is done to an image before it is kept.
    shrink: Option<Shrink>,
    used: AtomicUsize,
    shards: [RwLock<HashMap<usize, Arc<Image>>>; SHARDS],
}

#[derive(Clone, Copy, Debug)]
struct Shrink {
    short_side: usize,
    resize: Resize,
}

impl Cache {
    /// Keeps images as they were decoded, up to `bytes` of memory in all. The pixels of an image take height × width ×
    /// channels bytes, some 100 bytes are added for the rest.
    #[must_use]
    pub fn decoded(bytes: usize) -> Self {
        Self::new(bytes, None)
    }

    /// Keeps images whose shorter side was shrunk to `short_side` pixels, the longer one in proportion, as
    /// [`Resize::short_edge`] does: bilinear and antialiased. Smaller ones are kept as they are.
    ///
    /// **This changes what the transforms see**: every image, kept or not, is shrunk before they draw, as if
    /// `Resize` stood before them. It fits many more images into the same `bytes`, and makes transforms of large photographs
    /// cheaper. With [`RandomResizedCrop`](crate::RandomResizedCrop) small crops become blurred where `short_side` is
    /// less than about twice the size of the crop's result.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `short_side` lies outside [1, 2²⁸].
    pub fn resized(bytes: usize, short_side: usize) -> Result<Self> {
        Ok(Self::new(bytes, Some(Shrink { short_side, resize: Resize::short_edge(short_side)? })))
    }

    fn new(budget: usize, shrink: Option<Shrink>) -> Self {
        let shards = std::array::from_fn(|_| RwLock::default());
        Self { budget, shrink, used: AtomicUsize::new(0), shards }
    }

    /// The memory used so far, in bytes; never more than was allowed.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// The number of images kept so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    /// Whether no image is kept yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether images are shrunk before they are kept.
    pub(super) fn shrinks(&self) -> bool {
        self.shrink.is_some()
    }

    /// The image `index` of the data set, if it is kept.
    pub(super) fn get(&self, index: usize) -> Option<Arc<Image>> {
        self.shard(index).read().unwrap_or_else(PoisonError::into_inner).get(&index).cloned()
    }

    /// The image to go on with in place of `image`, which was decoded in full: kept if there is room, and shrunk in any
    /// case, if this cache shrinks. Where it was not kept, [`Arc::into_inner`] gives its memory back.
    pub(super) fn offer(&self, index: usize, image: Image, executor: &mut Executor) -> Result<Arc<Image>> {
        let image = self.shrunk(image, executor)?;
        let bytes = image.data().len() + OVERHEAD;
        if !self.reserve(bytes) {
            return Ok(Arc::new(image));
        }
        match self.shard(index).write().unwrap_or_else(PoisonError::into_inner).entry(index) {
            // Another thread made the same image in the meantime.
            Entry::Occupied(kept) => {
                self.used.fetch_sub(bytes, Ordering::Relaxed);
                Ok(Arc::clone(kept.get()))
            }
            Entry::Vacant(place) => Ok(Arc::clone(place.insert(Arc::new(exact(image)?)))),
        }
    }

    fn shrunk(&self, image: Image, executor: &mut Executor) -> Result<Image> {
        match &self.shrink {
            Some(shrink) if image.height().min(image.width()) > shrink.short_side => {
                executor.image(&[shrink.resize.op(image.size())], &image)
            }
            _ => Ok(image),
        }
    }

    fn reserve(&self, bytes: usize) -> bool {
        let add = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.budget);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    fn shard(&self, index: usize) -> &RwLock<HashMap<usize, Arc<Image>>> {
        &self.shards[index % SHARDS]
    }
}

/// The image without the spare capacity that a buffer used before may have.
fn exact(image: Image) -> Result<Image> {
    let (height, width, channels) = (image.height(), image.width(), image.channels());
    let mut data = image.into_data();
    data.shrink_to_fit();
    Image::new(height, width, channels, data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Size;

    fn gray(side: usize) -> Result<Image> {
        Image::filled(side, side, &[7])
    }

    fn offer(cache: &Cache, index: usize, image: Image) -> Result<Arc<Image>> {
        cache.offer(index, image, &mut Executor::new())
    }

    #[test]
    fn fills_up_to_its_bytes_and_keeps_what_it_has() -> Result<()> {
        let cache = Cache::decoded(2 * (100 + OVERHEAD) + 50);
        for index in 0..5 {
            assert!(cache.get(index).is_none());
            assert_eq!(*offer(&cache, index, gray(10)?)?, gray(10)?);
        }
        assert_eq!(cache.bytes(), 2 * (100 + OVERHEAD));
        assert_eq!((0..5).filter(|index| cache.get(*index).is_some()).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(cache.len(), 2);
        Ok(())
    }

    #[test]
    fn an_image_that_was_not_kept_gives_its_memory_back() -> Result<()> {
        let cache = Cache::decoded(0);
        assert!(Arc::into_inner(offer(&cache, 0, gray(10)?)?).is_some());
        assert!(cache.is_empty());
        Ok(())
    }

    #[test]
    fn one_copy_whoever_comes_first() -> Result<()> {
        let cache = Cache::decoded(1 << 20);
        let copies: Vec<Arc<Image>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| offer(&cache, 9, gray(10)?))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Result<_>>()
        })?;
        assert!(copies.iter().all(|copy| Arc::ptr_eq(copy, &copies[0])));
        assert_eq!((cache.len(), cache.bytes()), (1, 100 + OVERHEAD));
        Ok(())
    }

    #[test]
    fn spare_capacity_is_not_kept() -> Result<()> {
        let mut data = Vec::with_capacity(1 << 16);
        data.resize(100, 0);
        let cache = Cache::decoded(1 << 20);
        let kept = offer(&cache, 0, Image::new(10, 10, 1, data)?)?;
        drop(cache);
        let data = Arc::into_inner(kept).expect("the cache is gone").into_data();
        assert!(data.capacity() < 1 << 10, "{}", data.capacity());
        Ok(())
    }

    #[test]
    fn shrinks_large_images_whether_it_keeps_them_or_not() -> Result<()> {
        let large = Image::new(8, 16, 1, (0..128).collect())?;
        let expected = Resize::short_edge(4)?.op(large.size()).apply(large.clone())?;
        assert_eq!(expected.size(), Size::new(4, 8));
        for bytes in [0, 1 << 20] {
            let cache = Cache::resized(bytes, 4)?;
            assert_eq!(*offer(&cache, 0, large.clone())?, expected);
            assert_eq!(*offer(&cache, 1, gray(3)?)?, gray(3)?);
            assert_eq!(cache.len(), if bytes == 0 { 0 } else { 2 });
        }
        assert!(Cache::resized(1, 0).is_err());
        Ok(())
    }
}
