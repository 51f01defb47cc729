//! The pulse of a training: its losses and gradients beside what they usually are.

use serde::{Deserialize, Serialize};

use super::trainer::TrainReport;

/// A gradient of the generator below this part of its usual norm, where the discriminator is right so often, leaves nothing
/// to learn by. Sound trainings stay above half of it; one with a discriminator right by logits of 10 came to this in 100 steps.
const VANISHED: f64 = 1e-3;
const RIGHT: f64 = 0.9;
/// A loss or a gradient of so many times its usual size, and of so many times 1, has exploded: losses near 0 are no measure.
const EXPLODED: f64 = 1e3;
/// Steps in a row that make an alarm: a single one may be an odd batch.
const VANISHED_STEPS: u32 = 10;
const EXPLODED_STEPS: u32 = 5;
/// Steps in which what is usual is learnt, without an alarm, and the factor by which it follows. It is so small that a
/// discriminator that wins in the first steps is seen too.
const LEARNT: u32 = 20;
const FOLLOW: f64 = 1.005;

/// What is wrong with the losses and gradients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Alarm {
    /// The generator's gradient has been nearly 0.
    Vanished { gradient: f64, usual: f64 },
    /// Something has been far beyond what it usually is.
    Exploded { what: &'static str, value: f64, usual: f64 },
}

/// Running medians, and for how many steps in a row they have not held.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pulse {
    steps: u32,
    discriminator_loss: Usual,
    generator_loss: Usual,
    discriminator_gradient: Usual,
    generator_gradient: Usual,
    vanished: u32,
    exploded: u32,
}

impl Pulse {
    /// Takes what a step measured, in which both networks learnt; gives what is wrong, once it has been for some steps.
    pub(super) fn feel(&mut self, report: &TrainReport) -> Option<Alarm> {
        let known = self.steps >= LEARNT;
        self.steps = (self.steps + 1).min(LEARNT);
        let (gradient, usual) = (report.g_gradient, self.generator_gradient.0);
        let exploded = [
            ("discriminator's loss", report.d_loss, &mut self.discriminator_loss),
            ("generator's loss", report.g_loss, &mut self.generator_loss),
            ("discriminator's gradient", report.d_gradient, &mut self.discriminator_gradient),
            ("generator's gradient", report.g_gradient, &mut self.generator_gradient),
        ]
        .map(|(what, value, usual)| {
            let before = usual.0;
            usual.follow(value);
            (value.abs() > EXPLODED * before.max(1.0)).then_some(Alarm::Exploded { what, value, usual: before })
        });
        let exploded = exploded.into_iter().flatten().next().filter(|_| known);
        self.exploded = if exploded.is_some() { self.exploded + 1 } else { 0 };
        let vanished = known && gradient < VANISHED * usual && report.d_accuracy >= RIGHT;
        self.vanished = if vanished { self.vanished + 1 } else { 0 };
        if self.exploded >= EXPLODED_STEPS {
            self.exploded = 0;
            return exploded;
        }
        if self.vanished >= VANISHED_STEPS {
            self.vanished = 0;
            return Some(Alarm::Vanished { gradient, usual });
        }
        None
    }
}

/// The running median of absolute values; 0 before the first that is not. Each value moves it by the same factor, so that a
/// few of any size do not count for more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Usual(f64);

impl Usual {
    fn follow(&mut self, value: f64) {
        let value = value.abs();
        self.0 = match self.0 {
            0.0 => value,
            usual if value > usual => (usual * FOLLOW).min(value),
            usual => (usual / FOLLOW).max(value.max(f64::MIN_POSITIVE)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(loss: f64, gradient: f64) -> TrainReport {
        TrainReport {
            step: 1,
            d_loss: 0.7,
            d_penalty: 0.0,
            g_loss: loss,
            d_real: 0.5,
            d_fake: -0.5,
            d_unlabelled: None,
            d_accuracy: 0.99,
            d_gradient: 1.0,
            g_gradient: gradient,
            augmentation: 0.0,
        }
    }

    /// After so many steps in which the gradients were about 2.
    fn after(steps: u32) -> Pulse {
        let mut pulse = Pulse::default();
        for step in 0..steps {
            assert_eq!(pulse.feel(&report(1.0, if step % 2 == 0 { 1.5 } else { 2.5 })), None);
        }
        pulse
    }

    #[test]
    fn the_median_is_found_whatever_a_few_values_are() {
        let mut usual = Usual::default();
        for i in 0..4000 {
            usual.follow(if i % 10 == 5 { 1e12 } else { [1.0, -2.0, 3.0][i % 3] });
        }
        assert!((1.6..2.6).contains(&usual.0), "{usual:?}");
        (0..10).for_each(|_| usual.follow(0.0));
        assert!(usual.0 > 1.0, "{usual:?}");
    }

    #[test]
    fn a_gradient_that_stays_away_is_an_alarm() {
        let mut pulse = after(LEARNT);
        for _ in 1..VANISHED_STEPS {
            assert_eq!(pulse.feel(&report(1.0, 1e-5)), None);
        }
        assert!(matches!(pulse.feel(&report(1.0, 1e-5)), Some(Alarm::Vanished { gradient: 1e-5, .. })));
        // Again only after as many more.
        assert_eq!(pulse.feel(&report(1.0, 1e-5)), None);
        // Not where the discriminator cannot tell: there the samples may be right.
        let mut pulse = after(LEARNT);
        let right = TrainReport { d_accuracy: 0.5, ..report(1.0, 0.0) };
        (0..100).for_each(|_| assert_eq!(pulse.feel(&right), None));
    }

    #[test]
    fn what_explodes_for_some_steps_is_an_alarm() {
        for bad in [report(-2e3, 2.0), report(1.0, 5e3), TrainReport { d_gradient: 2e3, ..report(1.0, 2.0) }] {
            let mut pulse = after(LEARNT);
            for _ in 1..EXPLODED_STEPS {
                assert_eq!(pulse.feel(&bad), None);
            }
            assert!(matches!(pulse.feel(&bad), Some(Alarm::Exploded { .. })), "{bad:?}");
        }
    }

    #[test]
    fn odd_batches_and_a_training_that_begins_are_none() {
        let mut pulse = after(LEARNT);
        for step in 0..400 {
            let odd = if step % 5 == 0 { report(1.0, 2.0) } else { report(1e6, 1e6) };
            let nothing = if step % 10 == 0 { report(1.0, 2.0) } else { report(1.0, 1e-9) };
            assert_eq!(pulse.feel(if step < 200 { &odd } else { &nothing }), None, "step {step}");
        }
        // Losses near 0, as of a discriminator that has won, then the generator learns.
        let mut pulse = Pulse::default();
        for step in 0..300 {
            let (loss, gradient) = if step < 200 { (1e-9, 1e-9) } else { (5.0, 50.0) };
            assert_eq!(pulse.feel(&report(loss, gradient)), None, "step {step}");
        }
        // Gradients of first steps may grow by any factor.
        let mut pulse = Pulse::default();
        (0..LEARNT).for_each(|step| assert_eq!(pulse.feel(&report(1.0, 10f64.powi(step as i32))), None));
    }
}
