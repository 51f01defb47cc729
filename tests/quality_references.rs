//! The figures of sets of features are those of the implementations that are usually quoted.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use candle_augment::quality::{Features, copy_share, copy_z, frechet_distance, kernel_distance, neighbour_scores};
use flate2::read::GzDecoder;
use serde::Deserialize;

/// Of `fixtures/quality-references.json.gz`; `fixtures/make_quality_references.py` says what is what.
#[derive(Deserialize)]
struct References {
    grid: f64,
    sets: Vec<Sets>,
    copies: Vec<Copies>,
}

#[derive(Deserialize)]
struct Sets {
    name: String,
    real: Rows,
    samples: Rows,
    frechet: [f64; 2],
    kernel: f64,
    neighbour: usize,
    scores: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct Copies {
    name: String,
    train: Rows,
    samples: Rows,
    distances: [Vec<f64>; 2],
    z: f64,
    share: f64,
}

#[derive(Deserialize)]
struct Rows {
    dimensions: usize,
    values: Vec<f64>,
}

impl Rows {
    fn features(&self, grid: f64) -> Features {
        let values: Vec<f64> = self.values.iter().map(|value| value / grid).collect();
        let count = values.len() / self.dimensions;
        Features::new(values, self.dimensions, vec![0; count]).expect("the script writes whole rows")
    }
}

fn references() -> References {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/quality-references.json.gz");
    let file = GzDecoder::new(File::open(path).expect("the fixture is there"));
    serde_json::from_reader(file).expect("the script writes these fields")
}

#[track_caller]
fn assert_close(name: &str, found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{name}: {found} instead of {expected}");
}

/// To 1e-6 of it. The references differ from each other by up to 1e-8 where covariances are singular, because the root
/// of an eigenvalue that rounding has moved by ε is moved by √ε. Identical sets have rounding alone.
#[test]
fn frechet_distances_are_those_of_clean_fid_and_torch_fidelity() {
    let references = references();
    for case in &references.sets {
        let found = frechet_distance(&case.real.features(references.grid), &case.samples.features(references.grid));
        let found = found.expect("the sets have covariances");
        for expected in case.frechet {
            assert_close(&case.name, found, expected, 1e-6 * expected.max(1.0));
        }
    }
}

/// To 1e-9 of it; torch-fidelity works in f64, too.
#[test]
fn kernel_distances_are_those_of_torch_fidelity() {
    let references = references();
    for case in &references.sets {
        let found = kernel_distance(&case.real.features(references.grid), &case.samples.features(references.grid));
        let found = found.expect("the sets have pairs");
        assert_close(&case.name, found, case.kernel, 1e-9 * case.kernel.abs());
    }
}

/// Counts of images: they are the same or wrong; 1e-12 is what dividing them differently makes.
#[test]
fn precision_recall_density_and_coverage_are_those_of_prdc() {
    let references = references();
    let mut compared = 0;
    for case in references.sets.iter().filter(|case| !case.scores.is_empty()) {
        let (real, samples) = (case.real.features(references.grid), case.samples.features(references.grid));
        let found = neighbour_scores(&real, &samples, case.neighbour).expect("there is such a neighbour");
        let named = [
            ("precision", found.precision),
            ("recall", found.recall),
            ("density", found.density),
            ("coverage", found.coverage),
        ];
        for (score, found) in named {
            assert_close(&format!("{} of {}", score, case.name), found, case.scores[score], 1e-12);
        }
        compared += 1;
    }
    assert_eq!(compared, references.sets.len() - 1, "prdc has no scores of two images only");
}

/// To 1e-9: the reference comes from a p-value through a quantile.
#[test]
fn copying_is_that_of_scipy() {
    let references = references();
    for case in &references.copies {
        let [generated, held_out] = &case.distances;
        assert_close(&case.name, copy_z(generated, held_out), case.z, 1e-9);
        let share = copy_share(&case.train.features(references.grid), &case.samples.features(references.grid));
        assert_close(&case.name, share.expect("there are training images"), case.share, 1e-12);
    }
}
