//! What training carries from step to step beside weights and moments.

use serde::{Deserialize, Serialize};

use super::regularizer::Anchors;

/// How slowly [`State::sign`] follows.
const SIGN_DECAY: f64 = 0.9;

/// The state of a training, stored in every checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// Batches taken, those included whose step was given up. It never goes back, so every step draws numbers of its own.
    pub(super) step: u64,
    /// Steps of each optimiser.
    pub(super) discriminator_steps: u64,
    pub(super) generator_steps: u64,
    /// The step at which every schedule is at its end, if one is known.
    pub(super) planned: Option<u64>,
    /// What both rates are multiplied by, beside their schedule.
    pub(super) rate: f64,
    /// And the discriminator's once more.
    pub(super) discriminator_rate: f64,
    /// What the noise on the discriminator's images is multiplied by.
    pub(super) noise: f64,
    /// How much the class has counted at most: it never falls where a plan is lengthened.
    pub(super) class_strength: f64,
    /// The probability of each operation of the augmentation.
    pub(super) probability: f64,
    /// The running mean of the sign of the discriminator's answers to real images.
    pub(super) sign: f64,
    /// The generator's loss and the norm of its gradient in its last step.
    pub(super) generator_loss: f64,
    pub(super) generator_gradient: f64,
    /// The running means of the logits.
    pub(super) anchors: Anchors,
}

impl State {
    pub(super) fn new(probability: f64) -> Self {
        Self {
            step: 0,
            discriminator_steps: 0,
            generator_steps: 0,
            planned: None,
            rate: 1.0,
            discriminator_rate: 1.0,
            noise: 1.0,
            class_strength: 0.0,
            probability,
            sign: 0.0,
            generator_loss: 0.0,
            generator_gradient: 0.0,
            anchors: Anchors::default(),
        }
    }

    /// How much of the plan is done, from 0 to 1.
    pub(super) fn progress(&self) -> Option<f64> {
        self.planned.map(|planned| (self.step as f64 / planned.max(1) as f64).min(1.0))
    }

    /// Lets the mean sign of a batch enter.
    pub(super) fn update_sign(&mut self, sign: f64) {
        self.sign = SIGN_DECAY * self.sign + (1.0 - SIGN_DECAY) * sign;
    }
}
