//! Whether samples lie nearer to training images than other real images do.

use super::bootstrap::{mean, percentile};
use super::bounds::{bounds, sorted};
use super::distances::{Nearest, nearest, radii};
use super::features::Features;
use crate::error::{Error, Result};

/// The share of the training images whose nearest other is so near that a sample as near counts as a copy.
pub(super) const COPY_SHARE: f64 = 0.05;

/// How far from training images generated samples lie beside held-out real images: Meehan's Z, from the distance of
/// each to its nearest training image (C. Meehan et al., "A Non-Parametric Test to Detect Data-Copying in Generative
/// Models", 2020). 0 if there is nothing to compare.
///
/// With U the number of pairs in which the sample is farther than the held-out image, ties counting one half, Z = (U −
/// (nm/2 − ½)) / σ, where σ² = nm/12 · (n + m + 1 − Σ(t³ − t)/((n + m)(n + m − 1))) over groups of t equal distances:
/// that of Mann and Whitney's test with the correction for continuity. Standard normal for samples that are like the
/// held-out images; far below 0 if the samples are copies, but also, if there are many, where they are a little more typical
/// than real images. It sees the average: if few samples are copies, look at [`copy_share`].
///
/// ```
/// use candle_augment::quality::copy_z;
///
/// let held_out: Vec<f64> = (0..50).map(f64::from).collect();
/// let copies: Vec<f64> = held_out.iter().map(|distance| distance / 10.0).collect();
/// assert!(copy_z(&held_out, &held_out).abs() < 0.01);
/// assert!(copy_z(&copies, &held_out) < -5.0);
/// ```
#[must_use]
pub fn copy_z(generated: &[f64], held_out: &[f64]) -> f64 {
    let (m, n) = (generated.len() as f64, held_out.len() as f64);
    let mut all: Vec<(f64, bool)> = generated.iter().map(|distance| (*distance, true)).collect();
    all.extend(held_out.iter().map(|distance| (*distance, false)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut farther, mut below, mut ties) = (0.0, 0.0, 0.0);
    for group in all.chunk_by(|a, b| a.0 == b.0) {
        let size = group.len() as f64;
        let samples = group.iter().filter(|(_, generated)| *generated).count() as f64;
        farther += samples * (below + 0.5 * (size - samples));
        below += size - samples;
        ties += size * size * size - size;
    }
    let total = m + n;
    let variance = m * n / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    // Not a number without images.
    if variance > 0.0 { (farther - (m * n / 2.0 - 0.5)) / variance.sqrt() } else { 0.0 }
}

/// The share of `samples` that lie as near to a training image as the nearest 5 % of the training images lie to another.
///
/// All should be of one class. Real images have a share of about 5 %.
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) if the sets have not the same dimensions, there are fewer than two
/// training images, or there is no sample.
pub fn copy_share(train: &Features, samples: &Features) -> Result<f64> {
    train.check_same_space(samples)?;
    if train.len() < 2 || samples.is_empty() {
        return Err(Error::config(format!(
            "{} training images and {} samples: copies are told by the distances between 2 training images at least",
            train.len(),
            samples.len()
        )));
    }
    // Twins say nothing of how near others are.
    let apart = between(train).into_iter().filter(|distance| *distance > 0.0).collect();
    let radius = percentile(&sorted(apart), COPY_SHARE).unwrap_or(0.0);
    let copies: Vec<f64> =
        nearest(samples, train).iter().map(|nearest| f64::from(u8::from(nearest.distance <= radius))).collect();
    Ok(mean(&copies))
}

/// The distance of each image to its nearest other; none of an image alone.
pub(super) fn between(features: &Features) -> Vec<f64> {
    if features.len() > 1 { radii(features, 1) } else { Vec::new() }
}

/// The training images that a classifier has not seen, as copies are told by them: class by class.
pub(super) struct Originals {
    /// By label: the images of the class, and the distance up to which a sample is a copy.
    classes: Vec<(Vec<usize>, Features, f64)>,
    /// The mean distance of an image to the nearest other of its class.
    scale: f64,
}

/// How near a sample is to the training images of its class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Nearness {
    /// The nearest, an index into the features of the training images.
    pub index: usize,
    /// Its distance, in units of the mean distance of a training image to its nearest.
    pub distance: f64,
    /// Whether it is so near that the sample counts as a copy.
    pub is_copy: bool,
}

impl Originals {
    /// Of classes with labels below `classes`, in one of `spaces` spaces; who is a copy in any is a copy, so that each
    /// has its part of [`COPY_SHARE`].
    pub fn new(features: &Features, classes: usize, spaces: usize) -> Self {
        let members: Vec<Vec<usize>> = (0..classes as u32).map(|label| features.of_class(label)).collect();
        let own: Vec<Features> = members.iter().map(|indices| features.select(indices)).collect();
        let between: Vec<Vec<f64>> = own.iter().map(between).collect();
        let radii = match bounds(&between, [COPY_SHARE / spaces as f64]) {
            Some(bounds) => bounds.into_iter().map(|[radius]| radius).collect(),
            None => vec![0.0; classes],
        };
        let scale = mean(&between.concat());
        let classes = members.into_iter().zip(own).zip(radii).map(|((members, own), radius)| (members, own, radius));
        // Images that are all the same, or alone in their classes, have no distance of their own to measure by.
        Self { classes: classes.collect(), scale: if scale > 0.0 { scale } else { 1.0 } }
    }

    /// How near each of `samples` is; none where its class has no training image here.
    pub fn nearness(&self, samples: &Features) -> Vec<Option<Nearness>> {
        let mut found = vec![None; samples.len()];
        for (label, (indices, own, radius)) in self.classes.iter().enumerate() {
            let members = samples.of_class(label as u32);
            for (member, Nearest { index, distance }) in members.iter().zip(nearest(&samples.select(&members), own)) {
                let (distance, is_copy) = (distance / self.scale, distance <= *radius);
                found[*member] = Some(Nearness { index: indices[index], distance, is_copy });
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[f64], labels: &[u32]) -> Features {
        Features::new(values.to_vec(), 1, labels.to_vec()).unwrap()
    }

    #[test]
    fn ties_count_one_half() {
        assert_eq!(copy_z(&[1.0; 4], &[1.0; 7]), 0.0);
        assert_eq!((copy_z(&[], &[1.0]), copy_z(&[1.0], &[])), (0.0, 0.0));
        // U = 1.5 of 4, σ² = 4/12 (5 − 6/12).
        let z = copy_z(&[1.0, 2.0], &[1.0, 3.0]);
        assert!((z - (1.5 - 1.5) / 1.5f64.sqrt()).abs() < 1e-15, "{z}");
    }

    #[test]
    fn copies_are_nearer_than_real_images_are() {
        let train = line(&(0..40).map(|i| f64::from(i * i)).collect::<Vec<_>>(), &[0; 40]);
        // The nearest others are 1, 1, 3, 5, … away: the 5th percentile is between 3 and 1.
        assert_eq!(copy_share(&train, &line(&[0.5, 100.2, 130.0, 9999.0], &[0; 4])).unwrap(), 0.5);
        assert!(copy_share(&train.select(&[0]), &train).is_err());
        assert!(copy_share(&train, &train.select(&[])).is_err());
    }

    #[test]
    fn only_images_of_the_class_are_originals() {
        let train = line(&[0.0, 10.0, 0.5, 100.0, 103.0], &[0, 0, 1, 1, 1]);
        let found = Originals::new(&train, 3, 1).nearness(&line(&[0.5, 0.5, 0.5], &[0, 1, 2]));
        let scale = (10.0 + 10.0 + 99.5 + 3.0 + 3.0) / 5.0;
        assert_eq!(
            found,
            [
                Some(Nearness { index: 0, distance: 0.5 / scale, is_copy: true }),
                Some(Nearness { index: 2, distance: 0.0, is_copy: true }),
                None
            ]
        );
    }
}
