//! How much of each class is synthetic.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Balance, Choice, Portion, Supply};
use crate::error::{Error, Result};

/// How much of one class is synthetic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClassMixture {
    /// Nothing. The default.
    #[default]
    None,
    /// This share of the class's samples, in [0, 1]: `n · s / (1 − s)` synthetic samples, rounded, but at least one, join n real ones.
    /// Under another balance than [`Balance::Natural`] the share is exact, however few real images there are.
    ///
    /// At 1 synthetic samples take the place of the class's real images, one for each, and no real one is read. A class
    /// without real images gets none; [`ClassMixture::FillTo`] fills it.
    Share(f64),
    /// As many as bring the class to this number of samples; none if it has that many real images.
    FillTo(usize),
}

/// Shares are rounded to this fraction.
const SHARE_UNIT: u32 = 1 << 30;

/// How much of each class is synthetic. By default nothing.
///
/// ```
/// use candle_augment::{ClassMixture, Mixture};
///
/// let mixture = Mixture::PerClass([("cat".to_owned(), ClassMixture::FillTo(500))].into());
/// assert_ne!(mixture, Mixture::default());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mixture {
    /// The same for all classes.
    All(ClassMixture),
    /// By the name of the class; classes without an entry have [`ClassMixture::None`].
    PerClass(BTreeMap<String, ClassMixture>),
    /// Where it was measured to help, as far: see [`gate`](crate::gate).
    Auto(Choice),
}

impl Default for Mixture {
    fn default() -> Self {
        Self::All(ClassMixture::None)
    }
}

impl From<ClassMixture> for Mixture {
    fn from(mixture: ClassMixture) -> Self {
        Self::All(mixture)
    }
}

impl From<Choice> for Mixture {
    fn from(choice: Choice) -> Self {
        Self::Auto(choice)
    }
}

impl ClassMixture {
    /// What a class with `real` images gives to an epoch.
    fn supply(self, real: u64) -> Supply {
        match self {
            Self::None => Supply { real, synthetic: 0 },
            Self::Share(1.0) => Supply { real: 0, synthetic: real },
            // `as` saturates; the planner refuses an epoch of such a length.
            Self::Share(share) => {
                let synthetic = (real as f64 * share / (1.0 - share)).round() as u64;
                Supply { real, synthetic: if share > 0.0 { synthetic.max(real.min(1)) } else { synthetic } }
            }
            Self::FillTo(count) => Supply { real, synthetic: (count as u64).saturating_sub(real) },
        }
    }

    /// How much of a class that gives `supply` is synthetic where the balance leaves the number of its samples open.
    fn portion(self, supply: Supply) -> Portion {
        match self {
            Self::Share(share) if supply.total() > 0 => share_portion(share),
            _ => supply.portion(),
        }
    }

    /// How much of a class is synthetic in a stream, whose counts are not known beforehand.
    fn stream_portion(self, class: &str) -> Result<Portion> {
        match self {
            Self::None => Ok(share_portion(0.0)),
            Self::Share(share) => Ok(share_portion(share)),
            Self::FillTo(count) => Err(Error::config(format!(
                "class {class:?} is to be filled to {count} samples, but the number of its images is not known of a \
                 stream: give ClassMixture::Share",
            ))),
        }
    }

    fn check(self) -> Result<()> {
        match self {
            Self::Share(share) if !(0.0..=1.0).contains(&share) => {
                Err(Error::config(format!("expected a synthetic share in [0, 1], got {share}: give 0.5 for one half")))
            }
            _ => Ok(()),
        }
    }
}

fn share_portion(share: f64) -> Portion {
    Portion { synthetic: (share * f64::from(SHARE_UNIT)).round() as u64, of: u64::from(SHARE_UNIT) }
}

impl Mixture {
    /// The same for `classes`, and nothing for all others: such as those whose samples pass a
    /// [filter](crate::quality::FilteredSource::usable_classes).
    ///
    /// ```
    /// use candle_augment::{ClassMixture, Mixture};
    ///
    /// let mixture = Mixture::All(ClassMixture::Share(0.3)).only(&["cat".to_owned()]);
    /// assert_eq!(mixture, Mixture::PerClass([("cat".to_owned(), ClassMixture::Share(0.3))].into()));
    /// ```
    #[must_use]
    pub fn only(&self, classes: &[String]) -> Self {
        let entry = |class: &String| (class.clone(), self.of(class));
        Self::PerClass(classes.iter().map(entry).filter(|(_, mixture)| *mixture != ClassMixture::None).collect())
    }

    /// What each class gives to an epoch, from its number of real images.
    pub(super) fn supplies(&self, counts: &[u64], classes: &[String]) -> Result<Vec<Supply>> {
        self.check(classes)?;
        Ok(counts.iter().zip(classes).map(|(&real, class)| self.of(class).supply(real)).collect())
    }

    /// How much of each class is synthetic, given what it supplies. Under the natural balance a class's samples are exactly its supply.
    pub(super) fn portions(&self, supplies: &[Supply], classes: &[String], balance: &Balance) -> Vec<Portion> {
        let natural = *balance == Balance::Natural;
        let classes = supplies.iter().zip(classes);
        classes
            .map(|(supply, class)| if natural { supply.portion() } else { self.of(class).portion(*supply) })
            .collect()
    }

    /// The portions of an epoch that has the part `share` of the mixture. Under the natural balance a class has as many samples as ever,
    /// so its synthetic ones are a whole number of them.
    pub(super) fn scaled(portions: &[Portion], share: f64, balance: &Balance) -> Vec<Portion> {
        let scaled = |portion: &Portion| match balance {
            Balance::Natural => {
                Portion { synthetic: (portion.synthetic as f64 * share).round() as u64, of: portion.of }
            }
            _ => share_portion(portion.share() * share),
        };
        portions.iter().map(scaled).collect()
    }

    /// How much of each class is synthetic in a stream.
    pub(super) fn stream_portions(&self, classes: &[String]) -> Result<Vec<Portion>> {
        self.check(classes)?;
        classes.iter().map(|class| self.of(class).stream_portion(class)).collect()
    }

    fn of(&self, class: &str) -> ClassMixture {
        match self {
            Self::All(mixture) => *mixture,
            Self::PerClass(map) => map.get(class).copied().unwrap_or_default(),
            Self::Auto(choice) => match choice.share(class) {
                0.0 => ClassMixture::None,
                share => ClassMixture::Share(share),
            },
        }
    }

    pub(crate) fn check(&self, classes: &[String]) -> Result<()> {
        match self {
            Self::All(mixture) => mixture.check(),
            Self::PerClass(map) => {
                check_names(map.keys(), classes)?;
                map.iter().try_for_each(|(name, mixture)| {
                    let named = |error: Error| Error::config(format!("class {name:?}: {}", error.message()));
                    mixture.check().map_err(named)
                })
            }
            Self::Auto(choice) => {
                check_names(choice.classes.keys(), classes)?;
                choice.check()
            }
        }
    }
}

/// Refuses a name that is none of `classes`.
fn check_names<'a>(mut names: impl Iterator<Item = &'a String>, classes: &[String]) -> Result<()> {
    match names.find(|name| !classes.contains(name)) {
        Some(name) => Err(Error::config(format!(
            "the mixture names class {name:?}, which the data set does not have; it has {}",
            classes.join(", ")
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_fills() {
        let of = |mixture: ClassMixture, real| (mixture.supply(real).real, mixture.supply(real).synthetic);
        assert_eq!(of(ClassMixture::None, 7), (7, 0));
        assert_eq!(of(ClassMixture::Share(0.0), 7), (7, 0));
        assert_eq!(of(ClassMixture::Share(0.5), 7), (7, 7));
        assert_eq!(of(ClassMixture::Share(0.75), 10), (10, 30));
        assert_eq!(of(ClassMixture::Share(0.1), 1), (1, 1));
        assert_eq!(of(ClassMixture::Share(0.1), 0), (0, 0));
        assert_eq!(of(ClassMixture::Share(1.0), 7), (0, 7));
        assert_eq!(of(ClassMixture::FillTo(10), 7), (7, 3));
        assert_eq!(of(ClassMixture::FillTo(10), 12), (12, 0));
        assert_eq!(of(ClassMixture::FillTo(10), 0), (0, 10));
    }
}
