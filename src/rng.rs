//! Randomness that belongs to a sample, never to a thread.
//!
//! A [`SampleKey`] names one random decision; its generator is ChaCha8 with the whole key packed into the cipher's 256-bit key, so
//! that two different keys never share a stream and no state is shared between threads (D. J. Bernstein, "ChaCha, a variant of
//! Salsa20", 2008).

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng, TryRng};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What a random stream is for: streams of different purposes are independent although seed, epoch and position agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Purpose {
    /// The parameters of a sample's transforms.
    Transform,
    /// A synthetic sample's own noise.
    Synthetic,
    /// The order of an epoch.
    Shuffle,
    /// Splits and subsets of a data set.
    Split,
    /// Initial weights of a network.
    Weights,
    /// Noise that a training step draws.
    Training,
    /// Noise that an operation on one image draws.
    Noise,
    /// What is drawn for a whole batch.
    Batch,
    /// Which image takes the place of one that failed.
    Replacement,
    /// Which samples a bootstrap or a subset draws.
    Resampling,
}

impl Purpose {
    const ALL: [Self; 10] = [
        Self::Transform,
        Self::Synthetic,
        Self::Shuffle,
        Self::Split,
        Self::Weights,
        Self::Training,
        Self::Noise,
        Self::Batch,
        Self::Replacement,
        Self::Resampling,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Transform => "transform",
            Self::Synthetic => "synthetic",
            Self::Shuffle => "shuffle",
            Self::Split => "split",
            Self::Weights => "weights",
            Self::Training => "training",
            Self::Noise => "noise",
            Self::Batch => "batch",
            Self::Replacement => "replacement",
            Self::Resampling => "resampling",
        }
    }
}

/// The name of one random decision. It is printed and parsed as `seed:epoch:position:purpose`.
///
/// ```
/// use candle_augment::{Purpose, SampleKey};
///
/// let key = SampleKey { seed: 7, epoch: 1, position: 42, purpose: Purpose::Transform };
/// assert_eq!(key.to_string(), "7:1:42:transform");
/// assert_eq!("7:1:42:transform".parse::<SampleKey>()?, key);
/// assert_eq!(key.rng().uniform(0.0, 1.0), key.rng().uniform(0.0, 1.0));
/// # Ok::<(), candle_augment::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SampleKey {
    /// The user's seed.
    pub seed: u64,
    /// The epoch, from 0; for training, the step.
    pub epoch: u64,
    /// The place in the epoch, over all ranks, from 0.
    pub position: u64,
    /// What the stream is for.
    pub purpose: Purpose,
}

impl SampleKey {
    /// The generator that this key names, at its start.
    #[must_use]
    pub fn rng(&self) -> SampleRng {
        let purpose = self.purpose as u64;
        let mut packed = [0; 32];
        for (bytes, word) in packed.chunks_exact_mut(8).zip([self.seed, self.epoch, self.position, purpose]) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        SampleRng(ChaCha8Rng::from_seed(packed))
    }

    /// The same place for another purpose.
    #[must_use]
    pub fn with_purpose(self, purpose: Purpose) -> Self {
        Self { purpose, ..self }
    }
}

impl fmt::Display for SampleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, epoch, position, purpose } = self;
        write!(f, "{seed}:{epoch}:{position}:{}", purpose.name())
    }
}

impl FromStr for SampleKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let mut parts = text.split(':');
            let mut number = || parts.next()?.parse().ok();
            let (seed, epoch, position) = (number()?, number()?, number()?);
            let name = parts.next()?;
            let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.name() == name)?;
            parts.next().is_none().then_some(Self { seed, epoch, position, purpose })
        };
        parse().ok_or_else(|| {
            Error::config(format!(
                "{text:?} is not a sample key: expected seed:epoch:position:purpose, such as 7:0:42:transform"
            ))
        })
    }
}

/// The generator of one [`SampleKey`]; also a [`rand::Rng`].
#[derive(Debug)]
pub struct SampleRng(ChaCha8Rng);

impl SampleRng {
    /// A number from `low` up to `high`, which only rounding can reach; `low` itself where the range is empty.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.random::<f64>()
    }

    /// True with the given probability.
    pub fn bernoulli(&mut self, probability: f64) -> bool {
        self.0.random::<f64>() < probability
    }

    /// An index from 0 to `count` − 1.
    ///
    /// # Panics
    ///
    /// If `count` is 0.
    pub fn below(&mut self, count: usize) -> usize {
        self.0.random_range(0..count)
    }

    /// A seed for a generator of its own.
    pub fn next_seed(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from the standard normal distribution.
    pub fn normal(&mut self) -> f64 {
        self.0.sample(rand_distr::StandardNormal)
    }

    /// Permutes `items` uniformly.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        items.shuffle(&mut self.0);
    }
}

impl TryRng for SampleRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_key_changes_the_stream() {
        let key = SampleKey { seed: 1, epoch: 2, position: 3, purpose: Purpose::Transform };
        let others = [
            SampleKey { seed: 2, ..key },
            SampleKey { epoch: 3, ..key },
            SampleKey { position: 4, ..key },
            key.with_purpose(Purpose::Synthetic),
        ];
        for other in others {
            assert_ne!(key.rng().next_u64(), other.rng().next_u64(), "{other}");
        }
    }

    #[test]
    fn wrong_keys_are_refused() {
        for text in ["", "1:2:3", "1:2:3:nothing", "1:2:3:transform:4", "a:2:3:transform"] {
            assert!(text.parse::<SampleKey>().is_err(), "{text}");
        }
    }
}
