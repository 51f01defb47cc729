//! Where the synthetic samples of a class stand among its real ones.

use super::Portion;

/// The samples of a class by their rank, 0 for the first, spread evenly: sample r is synthetic where `⌊(r · synthetic +
/// phase) / of⌋` steps up, so that any run of samples holds their share, rounded down or up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    portion: Portion,
    /// Below `of`.
    phase: u64,
}

impl Spread {
    pub(super) fn new(portion: Portion, phase: u64) -> Self {
        Self { portion, phase }
    }

    /// Whether any sample is synthetic.
    pub(super) fn has_synthetic(self) -> bool {
        self.portion.synthetic > 0
    }

    /// The synthetic samples before the sample of this rank.
    pub(super) fn synthetic_before(self, rank: u64) -> u64 {
        let Portion { synthetic, of } = self.portion;
        // By whole periods and the rest, so that no product overflows.
        rank / of * synthetic + (rank % of * synthetic + self.phase) / of
    }

    /// The rank of the real sample that `real` others precede; None if every sample is synthetic.
    ///
    /// Of the samples up to rank r, `⌈((r + 1) · (of − synthetic) − phase) / of⌉` are real.
    pub(super) fn real(self, real: u64) -> Option<u64> {
        let Portion { synthetic, of } = self.portion;
        let every = of - synthetic;
        (every > 0).then(|| real / every * of + (real % every * of + self.phase) / every)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn real_samples_are_those_that_are_not_synthetic(synthetic in 0_u64..20, more in 0_u64..20, phase: u64) {
            let of = (synthetic + more).max(1);
            let spread = Spread::new(Portion { synthetic, of }, phase % of);
            let mut real = 0;
            for rank in 0..100 {
                if spread.synthetic_before(rank + 1) == spread.synthetic_before(rank) {
                    prop_assert_eq!(spread.real(real), Some(rank));
                    real += 1;
                }
            }
            prop_assert_eq!(more == 0 && synthetic > 0, spread.real(0).is_none());
        }
    }
}
