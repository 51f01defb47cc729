//! Finds the arrays of images and labels of a part, by their names.

use std::collections::BTreeSet;
use std::path::Path;

use super::arrays::{Place, list, names, place};
use super::{Part, invalid};
use crate::error::{Error, Result};

/// Images and labels.
type Pair = [&'static str; 2];

const TRAIN: [Pair; 2] = [["train_images", "train_labels"], ["x_train", "y_train"]];
const TEST: [Pair; 2] = [["test_images", "test_labels"], ["x_test", "y_test"]];
/// Names that tell no part.
const WHOLE: [Pair; 2] = [["images", "labels"], ["x", "y"]];

/// Whether a folder has `.npy` files that are named as [`find`] expects.
pub(in crate::dataset) fn holds_arrays(dir: &Path) -> Result<bool> {
    let names = names(dir)?;
    Ok([TRAIN, TEST, WHOLE].iter().any(|pairs| !present(&names, pairs).is_empty()))
}

/// Whether an archive or a folder has an array that [`find`] would take for this part.
pub(in crate::dataset) fn has_part(path: &Path, part: Part) -> Result<bool> {
    Ok(!of_part(&names(path)?, part).is_empty())
}

pub(super) fn find(path: &Path, part: Part) -> Result<(Place, Place)> {
    path.metadata().map_err(|error| Error::io("open the arrays", path, error))?;
    let names = names(path)?;
    match of_part(&names, part)[..] {
        [pair] => {
            if let Some(missing) = pair.iter().find(|name| !names.contains(**name)) {
                let [images, labels] = pair;
                return Err(invalid(format!(
                    "expected the arrays {images:?} and {labels:?}, found no {missing:?} but {}: add it",
                    list(&names)
                ))
                .with_path(path));
            }
            Ok((place(path, pair[0]), place(path, pair[1])))
        }
        [] => Err(missing(&names, part).with_path(path)),
        [[first, _], [second, _], ..] => Err(invalid(format!(
            "expected one pair of arrays for a part, found {first:?} and {second:?} with their labels: leave one out"
        ))
        .with_path(path)),
    }
}

/// The pairs of a part; for training those that name no part, where none names it.
fn of_part(names: &BTreeSet<String>, part: Part) -> Vec<Pair> {
    let (train, test) = (present(names, &TRAIN), present(names, &TEST));
    match part {
        Part::Test => test,
        Part::Train if train.is_empty() && test.is_empty() => present(names, &WHOLE),
        Part::Train => train,
    }
}

/// Those of which at least one array is there.
fn present(names: &BTreeSet<String>, pairs: &[Pair]) -> Vec<Pair> {
    pairs.iter().filter(|pair| pair.iter().any(|name| names.contains(*name))).copied().collect()
}

fn missing(names: &BTreeSet<String>, part: Part) -> Error {
    let pairs: Vec<Pair> = match part {
        Part::Train => [TRAIN, WHOLE].concat(),
        Part::Test => TEST.to_vec(),
    };
    let expected: Vec<_> = pairs.iter().map(|[images, labels]| format!("{images:?} and {labels:?}")).collect();
    invalid(format!("expected arrays named {}, found {}: name them so", expected.join(", or "), list(names)))
}
