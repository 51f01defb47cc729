//! Options that make the training images few or unbalanced.

use std::str::FromStr;
use std::sync::Arc;

use candle_augment::compare::long_tail;
use candle_augment::{Dataset, DatasetExt, Error, Result};

/// Options that make the training images few or unbalanced; the held-out ones stay as they are.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Training images")]
pub struct Thinning {
    /// Train on only so many images of each class, drawn at random
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    per_class: Option<u32>,
    /// Train on so many images of each class, in the order of the labels
    #[arg(long, value_name = "K,…", value_delimiter = ',', conflicts_with_all = ["per_class", "imbalance"])]
    counts: Option<Vec<usize>>,
    /// Make the training images unbalanced: the first class keeps R times as many as the last
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    imbalance: Option<f64>,
    /// Train on only so many images of this class; may be given for several
    #[arg(long, value_name = "CLASS=K")]
    rare: Vec<Rare>,
}

/// One class, and the images that it keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rare {
    class: String,
    images: usize,
}

impl FromStr for Rare {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.rsplit_once('=').and_then(|(class, images)| Some((class, images.parse().ok()?)));
        match parts {
            Some((class, images)) if images > 0 && !class.is_empty() => Ok(Self { class: class.to_owned(), images }),
            _ => Err("expected the name of a class and a number of images from 1, such as 8=10".to_owned()),
        }
    }
}

impl Thinning {
    /// The training images that the options leave.
    pub fn apply(&self, train: &Arc<dyn Dataset>, seed: u64) -> Result<Arc<dyn Dataset>> {
        let mut train = Arc::clone(train);
        if let Some(count) = self.per_class {
            train = Arc::new(train.per_class(count as usize, seed)?);
        }
        if let Some(counts) = &self.counts {
            check_counts(counts, &*train)?;
            train = Arc::new(train.per_class_counts(counts, seed)?);
        }
        if let Some(ratio) = self.imbalance {
            train = Arc::new(long_tail(train, ratio, seed)?);
        }
        if !self.rare.is_empty() {
            let counts = self.rare_counts(&*train)?;
            train = Arc::new(train.per_class_counts(&counts, seed)?);
        }
        Ok(train)
    }

    /// The images that each class keeps; at least 1 is asked for of a class without any, which has none to give.
    fn rare_counts(&self, train: &dyn Dataset) -> Result<Vec<usize>> {
        let mut counts: Vec<usize> = train.class_counts().into_iter().map(|count| count.max(1)).collect();
        for Rare { class, images } in &self.rare {
            let label = train.classes().iter().position(|name| name == class).ok_or_else(|| {
                Error::config(format!(
                    "--rare names class {class:?}, which the data set does not have; it has {}",
                    train.classes().join(", ")
                ))
            })?;
            counts[label] = *images;
        }
        Ok(counts)
    }
}

/// Refuses to give a class fewer images than was asked for.
fn check_counts(counts: &[usize], train: &dyn Dataset) -> Result<()> {
    let rows = counts.iter().zip(train.class_counts()).zip(train.classes());
    match rows.into_iter().find(|((wanted, there), _)| *wanted > there) {
        Some(((wanted, there), class)) => Err(Error::config(format!(
            "--counts asks for {wanted} images of class {class:?}, which has {there} to train on: give no more than that"
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_classes_are_named_with_their_images() {
        let rare = |class: &str, images| Ok(Rare { class: class.to_owned(), images });
        assert_eq!("8=10".parse(), rare("8", 10));
        assert_eq!("a=b=3".parse(), rare("a=b", 3));
        for wrong in ["8", "8=", "8=0", "=3", "8=-1", "8=x", ""] {
            assert!(wrong.parse::<Rare>().is_err(), "{wrong}");
        }
    }
}
