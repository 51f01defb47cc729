//! Synthetic samples between two real images of a class, pixel by pixel.

use std::sync::OnceLock;

use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::image::Image;
use crate::rng::Purpose;
use crate::synthetic::{SyntheticRequest, SyntheticSource};

/// The nearest images of the class among which the other end is drawn, as published.
const NEIGHBOURS: usize = 5;

/// SMOTE in pixels (N. Chawla, K. Bowyer, L. Hall, W. P. Kegelmeyer, "SMOTE: Synthetic Minority Over-sampling Technique", 2002).
///
/// A sample is `a + u · (b − a)`, rounded: a is a random image of the class, b one of its five nearest others by Euclidean distance,
/// both uniform, and u is uniform in [0, 1]. A class of one image gives that image. All of it follows from the request's key (for
/// [`Purpose::Synthetic`]), so each sample depends on its own request alone. The images are kept in memory; the nearest ones of an
/// image are looked for when it is first drawn.
///
/// ```
/// use candle_augment::{Balance, ClassMixture, DataLoader, DatasetExt, SmoteSource, digits};
///
/// let few = digits()?.per_class(8, 0)?;
/// let smote = SmoteSource::new(&few)?;
/// let loader = DataLoader::builder(few)
///     .balance(Balance::Uniform)
///     .mixture(ClassMixture::Share(0.5))
///     .synthetic(smote)
///     .build()?;
/// # assert!(loader.epoch(0).next().is_some());
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Debug)]
pub struct SmoteSource {
    names: Vec<String>,
    classes: Vec<Class>,
}

/// The images of a class, and for each the nearest others once they were asked for.
#[derive(Debug, Default)]
struct Class {
    images: Vec<Image>,
    nearest: Vec<OnceLock<Vec<usize>>>,
}

impl SmoteSource {
    /// Of the images of `dataset`, which must have one size and colour.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Dataset`] if they have not, and the errors of reading them.
    pub fn new(dataset: &dyn Dataset) -> Result<Self> {
        let names = dataset.classes().to_vec();
        let mut classes: Vec<Class> = names.iter().map(|_| Class::default()).collect();
        let mut first = None;
        for index in 0..dataset.len() {
            let image = dataset.load(index).map_err(|error| error.with_index(index))?;
            let shape = (image.height(), image.width(), image.channels());
            let expected = *first.get_or_insert(shape);
            if shape != expected {
                return Err(Error::new(
                    ErrorKind::Dataset,
                    format!(
                        "SMOTE mixes images of one shape (height, width, channels): expected {expected:?} as of the first, \
                         got {shape:?}: resize them first"
                    ),
                )
                .with_index(index));
            }
            let class = &mut classes[dataset.label(index) as usize];
            class.images.push(image);
            class.nearest.push(OnceLock::new());
        }
        Ok(Self { names, classes })
    }

    fn sample(&self, request: &SyntheticRequest) -> Result<Image> {
        let class = self.classes.get(request.label as usize).filter(|class| !class.images.is_empty());
        let class = class.ok_or_else(|| {
            let name = self.names.get(request.label as usize).map_or("that it does not know", String::as_str);
            let message = format!("SMOTE has no image of class {} ({name}): ask for other classes", request.label);
            Error::new(ErrorKind::Synthetic, message).with_key(request.key)
        })?;
        class.sample(request)
    }
}

impl Class {
    fn sample(&self, request: &SyntheticRequest) -> Result<Image> {
        let mut rng = request.key.with_purpose(Purpose::Synthetic).rng();
        let first = rng.below(self.images.len());
        let a = &self.images[first];
        let nearest = self.nearest(first);
        if nearest.is_empty() {
            return Ok(a.clone());
        }
        let b = &self.images[nearest[rng.below(nearest.len())]];
        let share = rng.uniform(0.0, 1.0) as f32;
        let between = |(a, b): (&u8, &u8)| (f32::from(*a) + share * (f32::from(*b) - f32::from(*a))).round() as u8;
        let pixels = a.data().iter().zip(b.data()).map(between).collect();
        Image::new(a.height(), a.width(), a.channels(), pixels)
    }

    /// The places of the images nearest to that at `place`, by rising distance; of equally distant ones the earlier first.
    fn nearest(&self, place: usize) -> &[usize] {
        self.nearest[place].get_or_init(|| {
            let others = self.images.iter().enumerate().filter(|(other, _)| *other != place);
            let mut others: Vec<(u64, usize)> =
                others.map(|(other, image)| (distance(self.images[place].data(), image.data()), other)).collect();
            if others.len() > NEIGHBOURS {
                others.select_nth_unstable(NEIGHBOURS - 1);
                others.truncate(NEIGHBOURS);
            }
            others.sort_unstable();
            others.into_iter().map(|(_, other)| other).collect()
        })
    }
}

/// The squared Euclidean distance. Runs of values are summed in 32 bits, which a processor adds many of at a time.
fn distance(a: &[u8], b: &[u8]) -> u64 {
    const RUN: usize = 1 << 14;
    let square = |(a, b): (&u8, &u8)| u32::from(a.abs_diff(*b)).pow(2);
    let runs = a.chunks(RUN).zip(b.chunks(RUN));
    runs.map(|(a, b)| u64::from(a.iter().zip(b).map(square).sum::<u32>())).sum()
}

impl SyntheticSource for SmoteSource {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        requests.iter().map(|request| self.sample(request)).collect()
    }

    fn classes(&self) -> &[String] {
        &self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(values: &[u8]) -> Class {
        Class {
            images: values.iter().map(|&value| Image::filled(2, 3, &[value]).unwrap()).collect(),
            nearest: values.iter().map(|_| OnceLock::new()).collect(),
        }
    }

    #[test]
    fn the_five_nearest_others_are_found() {
        let class = class(&[0, 100, 7, 3, 90, 4, 5, 255, 6]);
        assert_eq!(class.nearest(0), [3, 5, 6, 8, 2]);
        assert_eq!(class.nearest(7), [1, 4, 2, 8, 6]);
    }

    #[test]
    fn a_class_of_few_has_fewer() {
        assert_eq!(class(&[9]).nearest(0), [0; 0]);
        assert_eq!(class(&[9, 9, 9]).nearest(1), [0, 2]);
    }

    #[test]
    fn distances_do_not_overflow() {
        let (black, white) = (vec![0; 100_000], vec![255; 100_000]);
        assert_eq!(distance(&black, &white), 100_000 * 255 * 255);
    }
}
