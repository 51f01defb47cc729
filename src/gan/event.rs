//! What the supervisor saw and did, in plain words.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that the supervisor saw in training, and what it did about it; `Display` says both in a sentence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The step at which it was seen.
    pub step: u64,
    /// What was seen.
    pub saw: String,
    /// What was done.
    pub reaction: Reaction,
}

/// What the supervisor did.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reaction {
    /// Nothing: it watches on.
    Watched,
    /// The images were left out of the batch.
    LeftOut,
    /// The step was not made.
    Discarded,
    /// The generator was kept as the best so far.
    Kept,
    /// The augmentation's probability was raised to this.
    Augmented(f64),
    /// The noise on the discriminator's images was raised to this times its own.
    Blurred(f64),
    /// The discriminator's rate was lowered to this times its own.
    SlowedDiscriminator(f64),
    /// Both networks went back to the best step so far, with both rates lowered and more noise.
    WentBack {
        /// That step.
        to: u64,
        /// The rates, times their own.
        rate: f64,
        /// The noise on the discriminator's images, times its own.
        noise: f64,
    },
    /// Training ended; the best generator is the result.
    Stopped,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, saw, reaction } = self;
        write!(f, "step {step}: {saw}: {reaction}")
    }
}

impl fmt::Display for Reaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Watched => f.write_str("watching on"),
            Self::LeftOut => f.write_str("left out of the step"),
            Self::Discarded => f.write_str("the step was not made"),
            Self::Kept => f.write_str("kept as the best so far"),
            Self::Augmented(probability) => {
                write!(f, "augmentation is stronger now, each operation for {:.0} % of the images", 100.0 * probability)
            }
            Self::Blurred(noise) => {
                write!(f, "the discriminator sees {noise:.2} times its own noise now")
            }
            Self::SlowedDiscriminator(rate) => {
                write!(f, "the discriminator's learning rate is 1/{:.0} of its own now", 1.0 / rate)
            }
            Self::WentBack { to, rate, noise } => {
                write!(
                    f,
                    "went back to the weights of step {to}, learning rates are 1/{:.0} of their own and the noise \
                     {noise:.2} times its own now",
                    1.0 / rate
                )
            }
            Self::Stopped => f.write_str("training ended, with the best generator so far"),
        }
    }
}
