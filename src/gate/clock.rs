//! What fits into the time of a measurement.

use std::time::{Duration, Instant};

use crate::error::Result;

/// One says nothing of how much chance does.
pub(super) const FEWEST_REPEATS: usize = 2;

/// Of each fold, the fewest classifiers that make a choice: in each repeat the reference and one candidate, and as many to
/// confirm it.
const FEWEST_CLASSIFIERS: usize = 4 * FEWEST_REPEATS;

/// The time that a measurement has, if it is bounded.
pub(super) struct Clock(Option<Bound>);

struct Bound {
    deadline: Instant,
    folds: usize,
    /// How many seconds a classifier takes.
    of_one: f64,
}

impl Clock {
    /// Of a measurement on so many folds that has so long from now on; `of_one` finds out how many seconds a classifier takes.
    pub(super) fn start(time: Option<Duration>, folds: usize, of_one: impl FnOnce() -> Result<f64>) -> Result<Self> {
        let Some(deadline) = time.and_then(|time| Instant::now().checked_add(time)) else { return Ok(Self(None)) };
        let of_one = of_one()?.max(f64::MIN_POSITIVE);
        Ok(Self(Some(Bound { deadline, folds, of_one })))
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.as_ref().is_some_and(|bound| bound.left() == 0.0)
    }

    /// Why the time is too short, if so much of what is left goes before the first classifier.
    pub(super) fn shortfall(&self, before: Duration) -> Option<String> {
        let bound = self.0.as_ref()?;
        let (fewest, left) = (bound.folds * FEWEST_CLASSIFIERS, bound.left() - before.as_secs_f64());
        let needed = fewest as f64 * bound.of_one;
        (needed > left).then(|| {
            let (needed, left) = (needed.ceil(), left.max(0.0).floor());
            format!(
                "the fewest classifiers, {fewest}, take about {needed} s, and {left} s are left for them: give more time, or \
                 fewer folds or steps"
            )
        })
    }

    /// How many of so many variants can be measured in the time that is left, and in how many repeats, so that a choice can be
    /// confirmed: the fewest, where the time is too short.
    pub(super) fn affordable(&self, variants: usize, repeats: usize) -> (usize, usize) {
        match &self.0 {
            Some(bound) => affordable(bound.left() / (bound.of_one * bound.folds as f64), variants, repeats),
            None => (variants, repeats),
        }
    }
}

impl Bound {
    fn left(&self) -> f64 {
        self.deadline.saturating_duration_since(Instant::now()).as_secs_f64()
    }
}

/// How many of so many variants, and at most how many repeats, so many classifiers of each fold suffice for, one and two at least:
/// with each variant the reference is measured, and after that the choice and the reference.
fn affordable(classifiers: f64, variants: usize, repeats: usize) -> (usize, usize) {
    let left = classifiers - (2 * FEWEST_REPEATS) as f64;
    let most = ((left / FEWEST_REPEATS as f64) as usize).saturating_sub(1).clamp(1, variants);
    (most, ((left / (most + 1) as f64) as usize).clamp(FEWEST_REPEATS, repeats))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_begun_leaves_time_to_confirm_a_choice() {
        for tenths in 0..1000 {
            let classifiers = f64::from(tenths) / 10.0;
            for (most, repeats) in [(1, 2), (4, 3), (6, 10)] {
                let (variants, done) = affordable(classifiers, most, repeats);
                assert!((1..=most).contains(&variants) && (FEWEST_REPEATS..=repeats).contains(&done));
                let needed = ((variants + 1) * done + 2 * FEWEST_REPEATS) as f64;
                assert!(needed <= classifiers.max(FEWEST_CLASSIFIERS as f64), "{classifiers}");
            }
        }
        assert_eq!([8.0, 10.0, 1e9].map(|classifiers| affordable(classifiers, 2, 3)), [(1, 2), (2, 2), (2, 3)]);
    }

    #[test]
    fn too_little_time_is_told_with_what_is_needed() -> Result<()> {
        let clock = |seconds| Clock::start(Some(Duration::from_secs(seconds)), 3, || Ok(2.0));
        let needed = "the fewest classifiers, 24, take about 48 s";
        assert!(clock(40)?.shortfall(Duration::ZERO).is_some_and(|words| words.starts_with(needed)));
        assert_eq!(clock(60)?.shortfall(Duration::ZERO), None);
        let of_60 = clock(60)?.shortfall(Duration::from_millis(19_500));
        assert!(of_60.as_ref().is_some_and(|words| words.contains("and 40 s are left")), "{of_60:?}");
        let free = Clock::start(None, 3, || unreachable!("nothing depends on it"))?;
        assert_eq!((free.shortfall(Duration::MAX), free.affordable(4, 3), free.is_over()), (None, (4, 3), false));
        Ok(())
    }
}
