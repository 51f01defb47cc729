//! The order of an epoch: shuffled by seed and epoch, or as the data set has it.

mod common;

use candle_augment::{Balance, Error, ErrorKind, Origin, PlanConfig, Planner, Result};
use common::loader::names;

fn order(labels: &[u32], config: PlanConfig, epoch: u64) -> Result<Vec<usize>> {
    let classes = names(labels.iter().max().map_or(0, |&label| label as usize + 1));
    let plan = Planner::new(labels, &classes, config)?.epoch(epoch);
    let slots = plan.iter().flatten();
    Ok(slots.filter_map(|slot| if let Origin::Real(index) = slot.origin { Some(index) } else { None }).collect())
}

const LABELS: [u32; 12] = [0, 1, 0, 0, 2, 0, 1, 0, 0, 2, 0, 0];

#[test]
fn seed_and_epoch_decide_the_order() -> Result<()> {
    let config = |seed| PlanConfig { seed, batch_size: 5, ..PlanConfig::default() };
    assert_eq!(order(&LABELS, config(1), 4)?, order(&LABELS, config(1), 4)?);
    assert_ne!(order(&LABELS, config(1), 4)?, order(&LABELS, config(1), 5)?);
    assert_ne!(order(&LABELS, config(1), 4)?, order(&LABELS, config(2), 4)?);
    Ok(())
}

#[test]
fn unshuffled_natural_batches_are_the_data_set() -> Result<()> {
    let config = PlanConfig { shuffle: false, batch_size: 5, ..PlanConfig::default() };
    for epoch in 0..3 {
        assert!(order(&LABELS, config.clone(), epoch)?.into_iter().eq(0..LABELS.len()));
    }
    Ok(())
}

#[test]
fn unshuffled_balanced_batches_are_the_same_in_every_epoch() -> Result<()> {
    let config = PlanConfig { shuffle: false, batch_size: 6, balance: Balance::Uniform, ..PlanConfig::default() };
    let first = order(&LABELS, config.clone(), 0)?;
    assert_eq!(first, order(&LABELS, config, 9)?);
    // Each class in the data set's order, over and over.
    let of_class_1: Vec<usize> = first.into_iter().filter(|&index| LABELS[index] == 1).collect();
    assert_eq!(of_class_1, [1, 6, 1, 6]);
    Ok(())
}

/// Each of the 24 orders of 4 images should come about as often: a chi-squared test with 23 degrees of freedom, whose
/// value exceeds 65 in about 1 of 100,000 fair trials; the seeds are fixed.
#[test]
fn all_orders_are_equally_likely() -> Result<()> {
    let mut seen = std::collections::BTreeMap::new();
    let epochs = 2400;
    for epoch in 0..epochs {
        let config = PlanConfig { batch_size: 2, ..PlanConfig::default() };
        *seen.entry(order(&[0; 4], config, epoch)?).or_insert(0) += 1;
    }
    let expected = epochs as f64 / 24.0;
    let chi_squared: f64 = seen.values().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
    assert!(seen.len() == 24 && chi_squared < 65.0, "{} orders, {chi_squared}", seen.len());
    Ok(())
}

/// Either class stands first in half of the batches: 1,000 of 2,000, with a standard deviation of 22.
#[test]
fn classes_are_shuffled_within_a_batch() -> Result<()> {
    let labels: Vec<u32> = (0..4000).map(|i| i % 2).collect();
    let config = PlanConfig { batch_size: 2, ..PlanConfig::default() };
    let plan = Planner::new(&labels, &names(2), config)?.epoch(0);
    let first = plan.iter().filter(|slots| slots[0].label == 0).count();
    assert!((890..1110).contains(&first), "{first}");
    Ok(())
}

/// Six classes share the five places of a batch; none is left out, or served, for long: the extra samples are spread
/// evenly.
#[test]
fn classes_take_turns() -> Result<()> {
    let labels: Vec<u32> = (0..6000).map(|i| i % 6).collect();
    let config = PlanConfig { batch_size: 5, ..PlanConfig::default() };
    let plan = Planner::new(&labels, &names(6), config)?.epoch(0);
    let mut counts = [0.0_f64; 6];
    for (batch, slots) in plan.iter().enumerate() {
        for slot in slots {
            counts[slot.label as usize] += 1.0;
        }
        let quota = (batch + 1) as f64 * 5.0 / 6.0;
        assert!(counts.iter().all(|count| (count - quota).abs() < 3.0), "batch {batch}: {counts:?}, quota {quota}");
    }
    Ok(())
}

fn refused(labels: &[u32], classes: usize, config: PlanConfig) -> Error {
    Planner::new(labels, &names(classes), config).map(|_| ()).expect_err("this plan makes no sense")
}

#[test]
fn senseless_plans_are_refused() {
    let default = PlanConfig::default;
    let config = |labels: &[u32], config: PlanConfig| {
        let error = refused(labels, 3, config);
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        error.to_string()
    };
    let weights = |weights: &[f64]| PlanConfig { balance: Balance::Weights(weights.to_vec()), ..default() };

    assert!(config(&LABELS, PlanConfig { batch_size: 0, ..default() }).contains("batch size of at least 1"));
    assert!(config(&LABELS, PlanConfig { drop_last: true, ..default() }).contains("lower the batch size"));
    assert!(config(&LABELS, weights(&[1.0, 1.0])).contains("each of the 3 classes, got 2"));
    assert!(config(&LABELS, weights(&[1.0, -1.0, 1.0])).contains("-1 for class \"class 1\""));
    assert!(config(&LABELS, weights(&[1.0, f64::NAN, 1.0])).contains("NaN"));
    assert!(config(&LABELS, weights(&[0.0; 3])).contains("positive, finite sum"));
    assert!(config(&LABELS, weights(&[f64::MAX; 3])).contains("positive, finite sum"));
    assert!(config(&[0, 2], weights(&[1.0, 0.5, 1.0])).contains("\"class 1\" has weight 0.5 but no image"));
    for beta in [-0.1, 1.0, f64::NAN] {
        let balance = Balance::EffectiveNumber { beta };
        assert!(config(&LABELS, PlanConfig { balance, ..default() }).contains("beta"));
    }

    let dataset = |labels: &[u32]| {
        let error = refused(labels, 3, default());
        assert_eq!(error.kind(), ErrorKind::Dataset, "{error}");
        error
    };
    assert!(dataset(&[]).to_string().contains("no image"));
    assert_eq!(dataset(&[0, 7]).index(), Some(1));
}
