//! What transforms draw, compared with what torchvision's draw.
#![allow(dead_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use candle_augment::{Op, Purpose, SampleInfo, SampleKey, Size, Transform};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads a file of `fixtures/`.
pub fn read_references<T: DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    let mut json = String::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut json).unwrap();
    serde_json::from_str(&json).unwrap()
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Shape {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
}

impl Shape {
    pub fn info(self) -> SampleInfo<'static> {
        SampleInfo { size: Size::new(self.height, self.width), channels: self.channels, class: None }
    }
}

/// What `transform` draws in this place.
pub fn draw(transform: &dyn Transform, info: SampleInfo<'_>, position: u64) -> Vec<Op> {
    let key = SampleKey { seed: 6, epoch: 0, position, purpose: Purpose::Transform };
    let mut ops = Vec::new();
    transform.draw(info, &mut key.rng(), &mut ops);
    ops
}

/// The name of an operation and its numbers by their paths, as in its JSON; seeds are left out.
pub fn taken_apart(op: &Op) -> (String, Vec<(String, f64)>) {
    fn walk(path: String, value: &Value, numbers: &mut Vec<(String, f64)>) {
        match value {
            Value::Number(number) if !path.ends_with("seed") => numbers.push((path, number.as_f64().unwrap())),
            Value::Array(values) => {
                values.iter().enumerate().for_each(|(i, value)| walk(format!("{path}.{i}"), value, numbers));
            }
            Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| walk(format!("{path}.{name}"), value, numbers))
            }
            _ => {}
        }
    }
    match serde_json::to_value(op).unwrap() {
        Value::String(name) => (name, Vec::new()),
        Value::Object(fields) => {
            let (name, fields) = fields.into_iter().next().unwrap();
            let mut numbers = Vec::new();
            walk(name.clone(), &fields, &mut numbers);
            (name, numbers)
        }
        other => panic!("{other} is not an operation"),
    }
}

/// Pearson's test of two samples: that both have the same shares of each kind. Kinds that are too rare are counted together.
#[track_caller]
pub fn assert_same_shares<'a>(title: &str, pairs: impl IntoIterator<Item = (&'a str, u64, u64)>) {
    let (mut cells, mut rare) = (Vec::new(), (0, 0));
    let mut all = Vec::new();
    for (kind, expected, found) in pairs {
        all.push((kind, expected, found));
        if expected + found < 20 {
            rare = (rare.0 + expected, rare.1 + found);
        } else {
            cells.push((expected, found));
        }
    }
    cells.push(rare);
    let total = |side: fn(&(u64, u64)) -> u64| cells.iter().map(side).sum::<u64>() as f64;
    let ratio = (total(|cell| cell.0) / total(|cell| cell.1)).sqrt();
    let cells = cells.iter().filter(|(expected, found)| expected + found > 0);
    let freedom = cells.clone().count() as f64 - 1.0;
    let squares: Vec<f64> = cells
        .map(|&(expected, found)| (expected as f64 / ratio - found as f64 * ratio).powi(2) / (expected + found) as f64)
        .collect();
    let (chi, largest) = (squares.iter().sum::<f64>(), squares.into_iter().fold(0.0, f64::max));
    // Wilson and Hilferty's approximation; 3.72 standard deviations are passed once in ten thousand.
    let spread = 2.0 / (9.0 * freedom);
    let most = if freedom == 0.0 { 0.0 } else { freedom * (1.0 - spread + 3.72 * spread.sqrt()).powi(3) };
    // What is always the same has no chance; the sums are rounded.
    assert!(chi <= most + 1e-9, "{title}: chi-squared {chi} is above {most}: {all:?}");
    // One kind among hundreds: 4.5 standard deviations, passed seven times in a million.
    assert!(largest <= 20.25, "{title}: {} standard deviations: {all:?}", largest.sqrt());
}

/// Kolmogorov and Smirnov's test of two samples, of which one is known at some points.
#[track_caller]
pub fn assert_same_distribution(title: &str, points: &[(f64, f64)], expected: u64, mut found: Vec<f64>) {
    found.sort_by(f64::total_cmp);
    let share = |x: f64| found.partition_point(|&value| value <= x) as f64 / found.len() as f64;
    let (n, m) = (expected as f64, found.len() as f64);
    // 2.23: passed once in ten thousand.
    let most = 2.23 * ((n + m) / (n * m)).sqrt();
    for &(x, expected) in points {
        assert!((share(x) - expected).abs() <= most, "{title}: {} instead of {expected} up to {x}", share(x));
    }
}

/// Of each key, how often it is in the one and in the other.
pub fn pairs<'a>(
    expected: &'a BTreeMap<String, u64>,
    found: &'a BTreeMap<String, u64>,
) -> impl Iterator<Item = (&'a str, u64, u64)> {
    let count = |counts: &BTreeMap<String, u64>, key| counts.get(key).copied().unwrap_or(0);
    let keys: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    keys.into_iter().map(move |key| (key.as_str(), count(expected, key), count(found, key)))
}
