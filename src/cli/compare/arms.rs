//! The arms that a user can choose by name.

use std::sync::Arc;

use candle_augment::compare::{Arm, Synthetic};
use candle_augment::gate::Choice;
use candle_augment::{ClassMixture, Error, Mixture, Result, SyntheticSource, Transform};
use clap::ValueEnum;

use super::super::filter::Filtered;
use super::super::words::tell;

/// An arm of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum ArmName {
    /// The real images as they are, the classes in their own proportions
    None,
    /// The same, the loss weighted by the inverse of the classes' numbers of images
    ClassWeights,
    /// Every class equally often, no transforms
    Oversampling,
    /// Every class equally often, classic transforms; always there, the others are compared to it
    Classic,
    /// Every class equally often, RandAugment
    #[value(name = "randaugment")]
    RandAugment,
    /// SMOTE: samples between two real images of a class, pixel by pixel
    Smote,
    /// The same, and classic transforms
    #[value(name = "smote+classic")]
    SmoteClassic,
    /// Samples between two real images of a class, by the codes of an autoencoder
    Interpolation,
    /// The same, and classic transforms
    #[value(name = "interpolation+classic")]
    InterpolationClassic,
    /// Samples of a GAN, no transforms
    Gan,
    /// The same, and classic transforms
    #[value(name = "gan+classic")]
    GanClassic,
    /// Classic transforms, and of each class the source and share that were measured to help on the training images, if any
    Auto,
}

/// The arms of those who name none: does balance help, do transforms, does a GAN?
pub const DEFAULT: &str = "none,oversampling,classic,gan+classic";

/// What an arm takes synthetic samples from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Smote,
    Autoencoder,
    Gan,
    Chosen,
}

impl ArmName {
    fn from(self) -> Option<From> {
        match self {
            Self::Smote | Self::SmoteClassic => Some(From::Smote),
            Self::Interpolation | Self::InterpolationClassic => Some(From::Autoencoder),
            Self::Gan | Self::GanClassic => Some(From::Gan),
            Self::Auto => Some(From::Chosen),
            _ => None,
        }
    }

    fn is_classic(self) -> bool {
        matches!(self, Self::Classic | Self::SmoteClassic | Self::InterpolationClassic | Self::GanClassic | Self::Auto)
    }

    /// What it is called on the command line and in results.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// The arms in the order of their list, each once, and with the reference.
pub fn chosen(names: &[ArmName]) -> Vec<ArmName> {
    let mut chosen = [names, &[ArmName::Classic]].concat();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

/// Whether one of the arms takes samples of a GAN, of an autoencoder, or those that are chosen.
pub fn need_gan(names: &[ArmName]) -> bool {
    names.iter().any(|name| name.from() == Some(From::Gan))
}

pub fn need_autoencoder(names: &[ArmName]) -> bool {
    names.iter().any(|name| name.from() == Some(From::Autoencoder))
}

/// Whether one of the arms takes the share of the options.
pub fn need_mixture(names: &[ArmName]) -> bool {
    names.iter().any(|name| name.from().is_some_and(|from| from != From::Chosen))
}

pub fn need_choice(names: &[ArmName]) -> bool {
    names.contains(&ArmName::Auto)
}

/// How the arms with synthetic samples mix them.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Synthetic samples")]
pub struct MixtureArgs {
    /// Synthetic share of each class in the arms with synthetic samples but auto, from 0 to 1
    #[arg(long, value_name = "S", default_value_t = 0.3, allow_negative_numbers = true)]
    pub share: f64,
    /// Instead of a share, bring every class that has fewer images to so many with synthetic samples
    #[arg(long, value_name = "N", conflicts_with = "share", value_parser = clap::value_parser!(u32).range(1..))]
    pub fill_to: Option<u32>,
    /// Let the share grow from nothing over this part of the training, from 0 to 1
    #[arg(long, value_name = "PART", default_value_t = 0.0, allow_negative_numbers = true)]
    pub ramp: f64,
    /// Train on real images alone in this last part of the training, from 0 to 1
    #[arg(long, value_name = "PART", default_value_t = 0.0, allow_negative_numbers = true)]
    pub real_only: f64,
    /// Of the samples of a GAN, in the arms gan and gan+classic, take only those that look real and like their class, and are no
    /// copies, as in the last table of `evaluate`; a class of which under 5 % pass gets none
    #[arg(long)]
    pub filter: bool,
    /// Weight of a synthetic sample in the loss, beside 1 for a real one
    #[arg(long, value_name = "W", default_value_t = 1.0, allow_negative_numbers = true)]
    pub synthetic_weight: f32,
}

impl MixtureArgs {
    pub fn check(&self) -> Result<()> {
        check_part(self.share, "--share", "the synthetic share of a class")?;
        check_part(self.ramp, "--ramp", "the part of the training over which the share grows")?;
        check_part(self.real_only, "--real-only", "the part of the training with real images alone")?;
        if !(self.synthetic_weight.is_finite() && self.synthetic_weight > 0.0) {
            return Err(Error::config(format!(
                "--synthetic-weight {}: it must be above 0, such as 0.5; to leave the samples out give --share 0",
                self.synthetic_weight
            )));
        }
        Ok(())
    }

    fn mixture(&self) -> ClassMixture {
        self.fill_to.map_or(ClassMixture::Share(self.share), |count| ClassMixture::FillTo(count as usize))
    }

    fn apply(&self, mut synthetic: Synthetic) -> Synthetic {
        synthetic.ramp = self.ramp;
        synthetic.real_only = self.real_only;
        synthetic.weight = self.synthetic_weight;
        synthetic
    }
}

fn check_part(part: f64, option: &str, what: &str) -> Result<()> {
    if (0.0..=1.0).contains(&part) {
        return Ok(());
    }
    Err(Error::config(format!("{option} {part}: {what} must lie between 0 and 1, such as 0.3")))
}

/// Samples for the arms.
pub struct Samples {
    source: Arc<dyn SyntheticSource>,
    /// The classes that get any, if not all.
    classes: Option<Vec<String>>,
}

impl Samples {
    pub fn of(source: Arc<dyn SyntheticSource>) -> Self {
        Self { source, classes: None }
    }

    /// Those that a filter accepts, of the classes of which it accepts enough.
    pub fn filtered(source: Filtered) -> Self {
        let classes = Some(source.usable_classes());
        if classes.as_ref().is_some_and(Vec::is_empty) {
            tell("warning: of no class enough samples pass the filter, so that none are mixed in");
        }
        Self { source: Arc::new(source), classes }
    }

    fn mixed(&self, mixture: &Mixture) -> Synthetic {
        let mixture = self.classes.as_ref().map_or_else(|| mixture.clone(), |classes| mixture.only(classes));
        Synthetic::new(Arc::clone(&self.source), mixture)
    }
}

/// What the arms are made of.
pub struct Parts<'a> {
    pub mixture: &'a MixtureArgs,
    pub classic: Arc<dyn Transform>,
    /// For the arms that need it.
    pub gan: Option<Samples>,
    /// For the arms that need it.
    pub autoencoder: Option<Samples>,
    /// For the arm that needs it.
    pub chosen: Option<(Choice, Arc<dyn SyntheticSource>)>,
}

impl Parts<'_> {
    /// The arms of these names.
    pub fn arms(&self, names: &[ArmName]) -> Vec<Arm> {
        names.iter().map(|name| self.arm(*name)).collect()
    }

    fn arm(&self, name: ArmName) -> Arm {
        let base = match name {
            ArmName::None => Arm::none(),
            ArmName::ClassWeights => Arm::class_weights(),
            ArmName::RandAugment => Arm::rand_augment(),
            _ if name.is_classic() => Arm::classic(Arc::clone(&self.classic)),
            _ => Arm::oversampling(),
        };
        match name.from() {
            Some(from) => base.with_synthetic(name.name(), self.synthetic(from)),
            None => base,
        }
    }

    fn synthetic(&self, from: From) -> Synthetic {
        const MADE: &str = "it is made wherever an arm needs it";
        let mixture = Mixture::from(self.mixture.mixture());
        match from {
            From::Smote => self.mixture.apply(Synthetic::smote(mixture)),
            From::Autoencoder => self.mixture.apply(self.autoencoder.as_ref().expect(MADE).mixed(&mixture)),
            From::Gan => self.mixture.apply(self.gan.as_ref().expect(MADE).mixed(&mixture)),
            From::Chosen => {
                let (choice, source) = self.chosen.as_ref().expect(MADE);
                Synthetic::new(Arc::clone(source), choice.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_augment::ErrorKind;

    use super::*;

    const MIXTURE: MixtureArgs =
        MixtureArgs { share: 0.3, fill_to: None, filter: false, ramp: 0.0, real_only: 0.0, synthetic_weight: 1.0 };

    #[test]
    fn the_reference_is_always_there_and_nothing_twice() {
        use ArmName::{Classic, Gan, None};
        assert_eq!(chosen(&[Gan, None, Gan]), [None, Classic, Gan]);
        assert_eq!(chosen(&[]), [Classic]);
    }

    #[test]
    fn every_arm_is_called_as_on_the_command_line() {
        let source = |classes| Arc::new(candle_augment::SmoteSource::new(classes).unwrap()) as Arc<dyn SyntheticSource>;
        let digits = candle_augment::digits().unwrap();
        let parts = Parts {
            mixture: &MIXTURE,
            classic: Arc::new(candle_augment::Pipeline::new()),
            gan: Some(Samples::of(source(&digits))),
            autoencoder: Some(Samples::of(source(&digits))),
            chosen: Some((Choice::default(), source(&digits))),
        };
        for name in ArmName::value_variants() {
            let arm = parts.arm(*name);
            assert_eq!(arm.name(), name.name());
            assert_eq!(arm.synthetic.is_some(), name.from().is_some());
            let transformed = name.is_classic() || *name == ArmName::RandAugment;
            assert_eq!(arm.transform.is_some(), transformed, "{name:?}");
        }
    }

    #[test]
    fn classes_without_usable_samples_get_none() {
        let source = || Arc::new(candle_augment::SmoteSource::new(&candle_augment::digits().unwrap()).unwrap());
        let all = Samples::of(source());
        let some = Samples { classes: Some(vec!["3".into()]), ..Samples::of(source()) };
        let mixture = Mixture::from(MIXTURE.mixture());
        assert_eq!(all.mixed(&mixture).mixture, mixture);
        let only = Mixture::PerClass([("3".to_owned(), ClassMixture::Share(0.3))].into());
        assert_eq!(some.mixed(&mixture).mixture, only);
    }

    #[test]
    fn parts_outside_0_to_1_are_refused() {
        assert!(MixtureArgs { share: 0.0, ramp: 1.0, ..MIXTURE }.check().is_ok());
        for wrong in [-0.1, 1.01, f64::NAN, f64::INFINITY] {
            let bad = [
                MixtureArgs { share: wrong, ..MIXTURE },
                MixtureArgs { ramp: wrong, ..MIXTURE },
                MixtureArgs { real_only: wrong, ..MIXTURE },
            ];
            for mixture in bad {
                assert_eq!(mixture.check().unwrap_err().kind(), ErrorKind::Config, "{mixture:?}");
            }
        }
        for wrong in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert!(MixtureArgs { synthetic_weight: wrong, ..MIXTURE }.check().is_err(), "{wrong}");
        }
    }
}
