//! The order in which a class gives its samples to an epoch.

use super::{Origin, Portion, Stream};

/// The samples of one class in an epoch, by their rank: 0 for the first that the epoch takes of the class.
///
/// Real images come in whole permutations one after another, so that none is repeated before all have been used. The
/// synthetic samples are spread evenly between them: sample r is synthetic where `⌊(r · synthetic + phase) / of⌋`
/// steps up, so that any run of samples holds their share, rounded down or up.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    images: Vec<u32>,
    portion: Portion,
    phase: u64,
}

impl Walk {
    /// The walk that gives `samples` samples of a class with these real images; shuffled by the seed and epoch given,
    /// if any.
    pub(super) fn new(
        class: usize,
        images: &[u32],
        portion: Portion,
        samples: u64,
        shuffle: Option<(u64, u64)>,
    ) -> Self {
        let mut walk = Self { images: Vec::new(), portion, phase: 0 };
        let mut rng = shuffle.map(|(seed, epoch)| Stream::Class(class).key(seed, epoch).rng());
        if let Some(rng) = &mut rng {
            walk.phase = rng.below(portion.of as usize) as u64;
        }
        let real = (samples - walk.synthetic_before(samples)) as usize;
        walk.images.reserve_exact(real.next_multiple_of(images.len().max(1)));
        while walk.images.len() < real {
            let round = walk.images.len();
            walk.images.extend_from_slice(images);
            if let Some(rng) = &mut rng {
                rng.shuffle(&mut walk.images[round..]);
            }
        }
        walk
    }

    /// The sample of this rank.
    pub(super) fn origin(&self, rank: u64) -> Origin {
        let synthetic = self.synthetic_before(rank);
        if self.synthetic_before(rank + 1) > synthetic {
            Origin::Synthetic(synthetic)
        } else {
            Origin::Real(self.images[(rank - synthetic) as usize] as usize)
        }
    }

    fn synthetic_before(&self, rank: u64) -> u64 {
        (rank * self.portion.synthetic + self.phase) / self.portion.of
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synthetic_samples_are_spread_evenly() {
        let walk = Walk::new(0, &[5, 6, 7, 8], Portion { synthetic: 8, of: 12 }, 24, Some((1, 0)));
        let origins: Vec<Origin> = (0..24).map(|rank| walk.origin(rank)).collect();
        for run in origins.windows(3) {
            assert_eq!(run.iter().filter(|origin| matches!(origin, Origin::Synthetic(_))).count(), 2);
        }
        let serials = origins.iter().filter_map(|origin| match origin {
            Origin::Synthetic(serial) => Some(*serial),
            Origin::Real(_) => None,
        });
        assert!(serials.eq(0..16));
    }

    #[test]
    fn a_class_of_synthetic_samples_needs_no_image() {
        let walk = Walk::new(0, &[], Portion { synthetic: 3, of: 3 }, 7, Some((1, 0)));
        assert!((0..7).all(|rank| walk.origin(rank) == Origin::Synthetic(rank)));
    }
}
