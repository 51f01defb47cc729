//! The order in which a class gives its samples to an epoch.

use super::spread::Spread;
use super::{Origin, Portion, Stream};

/// The samples of one class in an epoch, by their rank: 0 for the first that the epoch takes of the class.
///
/// Real images come in whole permutations one after another, so that none is repeated before all have been used. The
/// synthetic samples are [spread](Spread) evenly between them.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    images: Vec<u32>,
    spread: Spread,
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
        let mut rng = shuffle.map(|(seed, epoch)| Stream::Class(class).key(seed, epoch).rng());
        let phase = rng.as_mut().map_or(0, |rng| rng.below(portion.of as usize) as u64);
        let spread = Spread::new(portion, phase);
        let real = (samples - spread.synthetic_before(samples)) as usize;
        let mut order = Vec::with_capacity(real.next_multiple_of(images.len().max(1)));
        while order.len() < real {
            let round = order.len();
            order.extend_from_slice(images);
            if let Some(rng) = &mut rng {
                rng.shuffle(&mut order[round..]);
            }
        }
        Self { images: order, spread }
    }

    /// The sample of this rank.
    pub(super) fn origin(&self, rank: u64) -> Origin {
        let synthetic = self.spread.synthetic_before(rank);
        if self.spread.synthetic_before(rank + 1) > synthetic {
            Origin::Synthetic(synthetic)
        } else {
            Origin::Real(self.images[(rank - synthetic) as usize] as usize)
        }
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
