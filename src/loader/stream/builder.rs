//! What a stream is configured with beside the options that all loaders have.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use super::super::builder::LoaderBuilder;
use super::super::failure::ErrorPolicy;
use super::Stream;
use super::puller::{Items, Puller};
use crate::dataset::{Dataset, IntoStored, Label, class_names, image_and_label};
use crate::error::{Error, ErrorKind, Result};
use crate::image::Image;
use crate::plan::{StreamConfig, StreamPlanner};

/// Configures a [`Stream`]; see [`LoaderBuilder`] for the options that it has in common with a
/// [`DataLoader`](crate::DataLoader), and their defaults.
pub type StreamBuilder = LoaderBuilder<Streamed>;

/// An iterator, and how much of it is kept.
pub struct Streamed {
    items: Items,
    classes: Vec<String>,
    look_ahead: usize,
    reservoir: usize,
    epoch: u64,
}

/// Streams the batches of an iterator of `Result<(image, label), E>` on a single pass, without knowing how much it will
/// give: balanced, mixed with synthetic samples, transformed, in bounded memory.
///
/// An image is anything that converts into [`Image`], or the bytes of a file, which the workers decode, see [`IntoStored`].
/// A label is the name of a class or its number, from 0. The names are to be given by [`classes`](LoaderBuilder::classes).
/// `E` is any error.
///
/// ```
/// use candle_augment::{Balance, Image, RandomRotation, wrap};
///
/// // Yours reads an archive, a database, a camera …
/// let records = (0..1000).map(|i| (i as u8, if i % 10 == 0 { "rare" } else { "common" }));
/// let items = records.map(|(gray, name)| Image::filled(8, 8, &[gray]).map(|image| (image, name)));
/// let stream = wrap(items)
///     .classes(["common", "rare"])
///     .balance(Balance::Uniform)
///     .transform(RandomRotation::new(10.0)?)
///     .batch_size(50)
///     .build()?;
/// for batch in stream {
///     let batch = batch?;
///     let rare = batch.slots.iter().filter(|slot| slot.label == 1).count();
///     assert_eq!(2 * rare, batch.len());
/// }
/// # Ok::<(), candle_augment::Error>(())
/// ```
///
/// # What is in a batch
///
/// Every image is used at least once, and nothing is left out in silence. The same iterator, configuration and seed give the
/// same batches, to the bit, for any number of workers.
///
/// - Under [`Balance::Natural`](crate::Balance::Natural), the default, images come in the order of the iterator, each once. A
///   class's synthetic share is spread evenly between them. The last batch may be smaller.
/// - Under [`Balance::Uniform`](crate::Balance::Uniform) and [`Balance::Weights`](crate::Balance::Weights) every batch holds of
///   each class its quota, and of that its synthetic share, rounded down or up, exactly as in an
///   [epoch](crate::Planner) of a data set. What then lacks is **repeated**, from a
///   [reservoir](LoaderBuilder::reservoir) of the class; but first images wait, as many as
///   [`look_ahead`](LoaderBuilder::look_ahead) allows, so that only a stream whose classes come in other proportions than the
///   batches want has images repeated. At its end the images that wait are put into as few batches as the quotas allow,
///   with repeats; the last may be smaller.
/// - A class of which no image has come when the room for waiting is used up is taken from the synthetic source, if it has a
///   synthetic share; otherwise the stream ends with an error that says what to do.
///
/// What needs to know the number of images is refused:
/// [`Balance::EffectiveNumber`](crate::Balance::EffectiveNumber), [`ClassMixture::FillTo`](crate::ClassMixture::FillTo) and
/// [`ErrorBudget::Rate`](crate::ErrorBudget::Rate). So is an image of a class that has no place, of weight 0 or wholly
/// synthetic.
///
/// # Memory
///
/// There are at most batch size + look-ahead images that wait, classes × reservoir that may be repeated (none under the
/// natural balance, but with [`ErrorPolicy::ReplaceFromSameClass`]), and those of the batches
/// [under way](LoaderBuilder::prefetch); images as the iterator gave them, so that files take no more than their bytes.
///
/// # Threads
///
/// The iterator is pulled on a thread of its own, ahead of the consumer, by as much as the batches under way need. Without
/// [workers](LoaderBuilder::workers) it is pulled by the consumer. Dropping the stream lets go of it after the item that it
/// is at, without waiting: an iterator whose `next` never returns keeps this one thread, and nothing else.
///
/// # Ranks, passes, resuming
///
/// A stream is split over several processes by its source: each wraps its part. A further pass is a further stream, with
/// another [`epoch`](LoaderBuilder::epoch), so that its transforms draw anew. A stream has no
/// [state](crate::DataLoader::state) to resume from, because only the source could skip what was read; a data set with random
/// access has one.
pub fn wrap<T, I, L, E>(items: T) -> StreamBuilder
where
    T: IntoIterator<Item = Result<(I, L), E>>,
    T::IntoIter: Send + 'static,
    I: IntoStored + 'static,
    L: Into<Label> + 'static,
    E: Into<Box<dyn StdError + Send + Sync>> + 'static,
{
    let items = Box::new(items.into_iter().map(image_and_label));
    LoaderBuilder::of(Streamed { items, classes: Vec::new(), look_ahead: 1024, reservoir: 64, epoch: 0 })
}

impl LoaderBuilder<Streamed> {
    /// The names of the classes, in the order of their labels; a number as label is an index into them. They have to be
    /// given, since a stream tells them too late.
    pub fn classes<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.source.classes = names.into_iter().map(Into::into).collect();
        self
    }

    /// Images that may wait, beyond the number of a batch, until the classes that lack have come. The more, the fewer images
    /// are repeated where the classes come unevenly. Default 1024. Of no effect under the natural balance.
    pub fn look_ahead(mut self, images: usize) -> Self {
        self.source.look_ahead = images;
        self
    }

    /// Images of each class that are kept to be repeated, at least 1. Default 64.
    ///
    /// They are a uniform sample of those that came so far, and none is repeated before all others of the class that are
    /// kept. Of no effect under the natural balance, which repeats nothing.
    pub fn reservoir(mut self, images: usize) -> Self {
        self.source.reservoir = images;
        self
    }

    /// The number of this pass over the source: each draws its own transforms and order. Default 0.
    pub fn epoch(mut self, epoch: u64) -> Self {
        self.source.epoch = epoch;
        self
    }

    /// Checks the configuration, starts the workers, and begins to pull the iterator.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the configuration is out of range, contradicts itself, or needs to know the number of images;
    /// [`ErrorKind::Dataset`] if two classes have the same name.
    pub fn build(self) -> Result<Stream> {
        let Self { source: Streamed { items, classes, look_ahead, reservoir, epoch }, options } = self;
        let classes = class_names(classes, &[])?;
        let plan = &options.plan;
        let config = StreamConfig {
            batch_size: plan.batch_size,
            balance: plan.balance.clone(),
            mixture: plan.mixture.clone(),
            look_ahead,
            reservoir,
            spares: matches!(options.policy, ErrorPolicy::ReplaceFromSameClass(_)),
            seed: plan.seed,
            epoch,
        };
        let most = options.policy.most_of_stream()?;
        let planner = StreamPlanner::new(classes.clone(), config)?;
        let shares: Vec<f64> = planner.synthetic_shares().collect();
        let dataset = Arc::new(ClassNames(classes.clone()));
        let equipment = options.equip(dataset, None, shares.into_iter())?;
        let puller = Puller::new(items, &classes, planner, most);
        Stream::start(puller, equipment, epoch, most)
    }
}

impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streamed")
            .field("classes", &self.classes.len())
            .field("look_ahead", &self.look_ahead)
            .field("reservoir", &self.reservoir)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

/// A data set of no image: the samples of a stream bring their images along, and only ask for the names of their classes.
struct ClassNames(Vec<String>);

impl Dataset for ClassNames {
    fn len(&self) -> usize {
        0
    }

    fn label(&self, index: usize) -> u32 {
        panic!("there is no image {index}")
    }

    fn load(&self, _index: usize) -> Result<Image> {
        Err(Error::new(ErrorKind::Dataset, "a stream has no images by index"))
    }

    fn classes(&self) -> &[String] {
        &self.0
    }
}
