//! What every epoch promises: its length, the classes of each batch, and how often an image comes.

mod common;

use std::collections::BTreeMap;

use candle_augment::{Balance, ClassMixture, Mixture, MixtureSchedule, Origin, PlanConfig, Planner, Slot};
use common::loader::names;
use proptest::prelude::*;

/// Floats in the quotas; far below the smallest step of a count.
const TOLERANCE: f64 = 1e-6;

#[derive(Clone, Debug)]
struct Case {
    /// Real images of each class.
    counts: Vec<usize>,
    mixtures: Vec<ClassMixture>,
    config: PlanConfig,
    epoch: u64,
}

impl Case {
    fn labels(&self) -> Vec<u32> {
        // Interleaved, so that the classes do not stand in blocks.
        let mut labels: Vec<(usize, u32)> =
            self.counts.iter().zip(0..).flat_map(|(&count, label)| (0..count).map(move |i| (i, label))).collect();
        labels.sort();
        labels.into_iter().map(|(_, label)| label).collect()
    }

    fn batches(&self) -> Option<Vec<Vec<Slot>>> {
        let planner = Planner::new(&self.labels(), &names(self.counts.len()), self.config.clone()).ok()?;
        Some(planner.epoch(self.epoch).iter().collect())
    }

    /// Real and synthetic samples that the mixture wants of each class, by its documentation.
    fn supplies(&self) -> Vec<(f64, f64)> {
        let supply = |(&real, mixture): (&usize, &ClassMixture)| {
            let n = real as f64;
            match *mixture {
                ClassMixture::Share(1.0) => (0.0, n),
                ClassMixture::Share(0.0) => (n, 0.0),
                ClassMixture::Share(share) => (n, (n * share / (1.0 - share)).round().max(n.min(1.0))),
                ClassMixture::FillTo(count) => (n, (count as f64 - n).max(0.0)),
                _ => (n, 0.0),
            }
        };
        self.counts.iter().zip(&self.mixtures).map(supply).collect()
    }

    /// What the schedule leaves of the mixture in this epoch.
    fn scheduled(&self) -> f64 {
        self.config.schedule.map_or(1.0, |schedule| schedule.share(self.epoch))
    }

    /// Synthetic samples of a class in a whole epoch under the natural balance.
    fn whole(&self, synthetic: f64) -> f64 {
        (synthetic * self.scheduled()).round()
    }

    /// The synthetic share of each class that has samples, by the mixture's documentation.
    fn synthetic_shares(&self) -> Vec<f64> {
        let natural = self.config.balance == Balance::Natural;
        let share = |((real, synthetic), mixture): ((f64, f64), &ClassMixture)| match *mixture {
            _ if natural => self.whole(synthetic) / (real + synthetic),
            ClassMixture::Share(share) => self.scheduled() * share,
            _ => self.scheduled() * synthetic / (real + synthetic),
        };
        self.supplies().into_iter().zip(&self.mixtures).map(share).collect()
    }

    fn shares(&self) -> Vec<f64> {
        let totals: Vec<f64> = self.supplies().iter().map(|(real, synthetic)| real + synthetic).collect();
        let weights: Vec<f64> = match &self.config.balance {
            Balance::Natural => totals,
            Balance::Uniform => totals.iter().map(|&total| if total > 0.0 { 1.0 } else { 0.0 }).collect(),
            Balance::Weights(weights) => weights.clone(),
            Balance::EffectiveNumber { beta } => {
                totals.iter().map(|&n| if n > 0.0 { n * (1.0 - beta) / (1.0 - beta.powf(n)) } else { 0.0 }).collect()
            }
            other => unreachable!("{other:?} is not among the cases"),
        };
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / sum).collect()
    }
}

fn class_mixture() -> impl Strategy<Value = ClassMixture> {
    prop_oneof![
        Just(ClassMixture::None),
        (0.0..0.9_f64).prop_map(ClassMixture::Share),
        Just(ClassMixture::Share(1.0)),
        (0..60_usize).prop_map(ClassMixture::FillTo),
    ]
}

fn balance(classes: usize) -> impl Strategy<Value = Balance> {
    let weight = prop_oneof![1 => Just(0.0), 4 => 0.0..5.0_f64];
    prop_oneof![
        Just(Balance::Natural),
        Just(Balance::Uniform),
        prop::collection::vec(weight, classes).prop_map(Balance::Weights),
        (0.0..0.999_f64).prop_map(|beta| Balance::EffectiveNumber { beta }),
    ]
}

fn schedule() -> impl Strategy<Value = Option<MixtureSchedule>> {
    let part = prop_oneof![Just(0.0), 0.0..1.0_f64];
    let scheduled = (1..1200_u64, part.clone(), part);
    let scheduled = scheduled.prop_map(|(epochs, ramp, real_only)| MixtureSchedule { epochs, ramp, real_only });
    prop_oneof![Just(None), scheduled.prop_map(Some)]
}

fn case() -> impl Strategy<Value = Case> {
    (1..7_usize).prop_flat_map(|classes| {
        let counts = prop::collection::vec(prop_oneof![1 => Just(0), 9 => 1..40_usize], classes);
        let mixtures = prop::collection::vec(class_mixture(), classes);
        let plan = (balance(classes), 1..50_usize, any::<bool>(), any::<bool>(), any::<u64>());
        (counts, mixtures, plan, schedule(), 0..1000_u64).prop_map(|(counts, mixtures, plan, schedule, epoch)| {
            let (balance, batch_size, shuffle, drop_last, seed) = plan;
            let named: BTreeMap<_, _> = names(counts.len()).into_iter().zip(mixtures.iter().copied()).collect();
            let mixture = Mixture::PerClass(named);
            let plan = PlanConfig { batch_size, balance, mixture, shuffle, drop_last, seed, ..PlanConfig::default() };
            let config = PlanConfig { schedule, ..plan };
            Case { counts, mixtures, config, epoch }
        })
    })
}

/// Whether the batches are the data set in order, the one exception to the quotas.
fn in_dataset_order(case: &Case) -> bool {
    !case.config.shuffle
        && case.config.balance == Balance::Natural
        && case.supplies().iter().all(|(_, synthetic)| *synthetic == 0.0)
}

fn count(slots: &[Slot], class: usize) -> f64 {
    slots.iter().filter(|slot| slot.label as usize == class).count() as f64
}

fn synthetic(slots: &[Slot], class: usize) -> f64 {
    let of_class = slots.iter().filter(|slot| slot.label as usize == class);
    of_class.filter(|slot| matches!(slot.origin, Origin::Synthetic(_))).count() as f64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn epochs_have_the_length_of_all_samples(case in case()) {
        let Some(batches) = case.batches() else { return Ok(()) };
        let samples: f64 = case.supplies().iter().map(|(real, synthetic)| real + synthetic).sum();
        let size = case.config.batch_size;
        let expected = if case.config.drop_last { samples as usize / size * size } else { samples as usize };
        prop_assert_eq!(batches.iter().map(Vec::len).sum::<usize>(), expected);
        let (last, full) = batches.split_last().expect("an epoch has a batch");
        prop_assert!(full.iter().all(|batch| batch.len() == size) && last.len() <= size);
        let positions = batches.iter().flatten().map(|slot| slot.key.position);
        prop_assert!(positions.eq(0..expected as u64));
    }

    #[test]
    fn every_batch_is_within_one_sample_of_its_quotas(case in case()) {
        prop_assume!(!in_dataset_order(&case));
        let Some(batches) = case.batches() else { return Ok(()) };
        for (class, (share, synthetic_share)) in case.shares().into_iter().zip(case.synthetic_shares()).enumerate() {
            for (b, batch) in batches.iter().enumerate() {
                let quota = batch.len() as f64 * share;
                let found = count(batch, class);
                prop_assert!((found - quota).abs() < 1.0 + TOLERANCE, "batch {b}: {found} of class {class}, quota {quota}");
                if found > 0.0 {
                    let quota = found * synthetic_share;
                    let found = synthetic(batch, class);
                    prop_assert!((found - quota).abs() < 1.0 + TOLERANCE, "batch {b}: {found} synthetic of class {class}, quota {quota}");
                }
            }
        }
    }

    #[test]
    fn no_image_is_repeated_before_all_of_its_class(case in case()) {
        let Some(batches) = case.batches() else { return Ok(()) };
        let labels = case.labels();
        let mut uses = vec![0_usize; labels.len()];
        let mut serials = vec![0; case.counts.len()];
        for slot in batches.iter().flatten() {
            match slot.origin {
                Origin::Real(index) => {
                    prop_assert_eq!(slot.label, labels[index]);
                    uses[index] += 1;
                    let of_class = || uses.iter().zip(&labels).filter(|(_, label)| **label == slot.label).map(|(uses, _)| *uses);
                    prop_assert!(of_class().max() <= of_class().min().map(|least| least + 1));
                }
                Origin::Synthetic(serial) => {
                    prop_assert_eq!(serial, serials[slot.label as usize]);
                    serials[slot.label as usize] += 1;
                }
            }
        }
    }

    #[test]
    fn natural_balance_gives_every_sample_once(mut case in case()) {
        case.config.balance = Balance::Natural;
        case.config.drop_last = false;
        let Some(batches) = case.batches() else { return Ok(()) };
        let slots: Vec<Slot> = batches.into_iter().flatten().collect();
        let mut uses = vec![0; case.labels().len()];
        for slot in &slots {
            if let Origin::Real(index) = slot.origin {
                uses[index] += 1;
            }
        }
        for (class, (real, added)) in case.supplies().into_iter().enumerate() {
            prop_assert_eq!(count(&slots, class), real + added);
            prop_assert_eq!(synthetic(&slots, class), case.whole(added));
        }
        let labels = case.labels();
        for (index, uses) in uses.into_iter().enumerate() {
            let replaced = case.mixtures[labels[index] as usize] == ClassMixture::Share(1.0);
            if case.scheduled() == 1.0 {
                prop_assert_eq!(uses, usize::from(!replaced));
            }
        }
    }

    #[test]
    fn a_schedule_changes_no_place_of_a_class(case in case()) {
        let Some(batches) = case.batches() else { return Ok(()) };
        let flat = Case { config: PlanConfig { schedule: None, ..case.config.clone() }, ..case.clone() };
        let whole = flat.batches().expect("a schedule only adds conditions");
        let labels = |batches: &[Vec<Slot>]| batches.iter().flatten().map(|slot| (slot.label, slot.key)).collect::<Vec<_>>();
        prop_assert_eq!(labels(&batches), labels(&whole));
        let real_only = batches.iter().flatten().all(|slot| matches!(slot.origin, Origin::Real(_)));
        prop_assert!(case.scheduled() > 0.0 || real_only);
    }

    #[test]
    fn any_batch_can_be_looked_up_alone(case in case(), pick in any::<prop::sample::Index>()) {
        let Some(batches) = case.batches() else { return Ok(()) };
        let planner = Planner::new(&case.labels(), &names(case.counts.len()), case.config.clone());
        let plan = planner.expect("it could be made before").epoch(case.epoch);
        let index = pick.index(plan.len());
        prop_assert_eq!(plan.batch(index), batches[index].clone());
    }
}
