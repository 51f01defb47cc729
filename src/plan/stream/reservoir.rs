//! The images of a class that may be repeated.

use crate::rng::{SampleKey, SampleRng};

/// A bounded, uniform sample of the images of one class that came so far, and the order in which they are repeated.
///
/// Algorithm R (J. S. Vitter, "Random sampling with a reservoir", ACM Transactions on Mathematical Software 11(1),
/// 1985): while there is room an image is kept; the t-th one after takes the place of a random one with probability
/// room / t, so that each of the t is kept with the same probability.
#[derive(Debug)]
pub(super) struct Reservoir<T> {
    room: usize,
    rng: SampleRng,
    /// The images that came.
    seen: usize,
    /// Those used in this round, then those that are due.
    kept: Vec<T>,
    used: usize,
}

impl<T: Clone> Reservoir<T> {
    /// For at most `room` images, at least 1.
    pub(super) fn new(room: usize, key: SampleKey) -> Self {
        Self { room, rng: key.rng(), seen: 0, kept: Vec::new(), used: 0 }
    }

    /// Offers an image that is being used for the first time.
    pub(super) fn offer(&mut self, item: &T) {
        self.seen += 1;
        if self.kept.len() < self.room {
            self.kept.push(item.clone());
            self.use_at(self.kept.len() - 1);
            return;
        }
        let place = self.rng.below(self.seen);
        if let Some(kept) = self.kept.get_mut(place) {
            *kept = item.clone();
            self.use_at(place);
        }
    }

    /// The image to repeat: none before all others that are kept. None if none is.
    pub(super) fn repeat(&mut self) -> Option<T> {
        if self.used == self.kept.len() {
            self.rng.shuffle(&mut self.kept);
            self.used = 0;
        }
        let item = self.kept.get(self.used)?.clone();
        self.used += 1;
        Some(item)
    }

    /// The images that are kept.
    pub(super) fn kept(&self) -> &[T] {
        &self.kept
    }

    /// Counts the image at `place` as used in this round.
    fn use_at(&mut self, place: usize) {
        if place >= self.used {
            self.kept.swap(place, self.used);
            self.used += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rng::Purpose;

    fn key(seed: u64) -> SampleKey {
        SampleKey { seed, epoch: 0, position: 0, purpose: Purpose::Shuffle }
    }

    #[test]
    fn every_image_is_kept_with_the_same_probability() {
        let mut times = [0_u32; 40];
        for seed in 0..4000 {
            let mut reservoir = Reservoir::new(8, key(seed));
            (0..40).for_each(|item: usize| {
                reservoir.offer(&item);
                // Repeats in between change the places, not the probabilities.
                if item.is_multiple_of(3) {
                    reservoir.repeat();
                }
            });
            reservoir.kept.into_iter().for_each(|item| times[item] += 1);
        }
        // 4000 · 8 / 40 = 800, with a deviation of √(4000 · 0.2 · 0.8) = 25.
        assert!(times.iter().all(|times| times.abs_diff(800) < 5 * 25), "{times:?}");
    }

    proptest! {
        #[test]
        fn a_round_uses_each_kept_image_once(room in 1_usize..9, offers in 1_usize..20, repeats in 0_usize..40, seed: u64) {
            let mut reservoir = Reservoir::new(room, key(seed));
            (0..offers).for_each(|item| reservoir.offer(&item));
            let mut uses = vec![0; offers];
            for _ in 0..repeats {
                uses[reservoir.repeat().expect("images were offered")] += 1;
            }
            let kept = || reservoir.kept.iter().map(|item| uses[*item]);
            prop_assert_eq!(reservoir.kept.len(), room.min(offers));
            prop_assert_eq!(kept().sum::<usize>(), repeats);
            prop_assert!(kept().max() <= kept().min().map(|least| least + 1));
        }
    }

    #[test]
    fn an_image_that_comes_counts_as_used() {
        let mut reservoir = Reservoir::new(4, key(1));
        (0..3).for_each(|item| reservoir.offer(&item));
        reservoir.repeat();
        reservoir.offer(&3);
        let rest = [reservoir.repeat(), reservoir.repeat()];
        assert!(!rest.contains(&Some(3)), "{rest:?}");
        assert_eq!(Reservoir::<u8>::new(4, key(1)).repeat(), None);
    }
}
