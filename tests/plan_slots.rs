//! The slot of a position is the one that stands there in its batch, whichever rank reads it.

mod common;

use candle_augment::{Balance, ClassMixture, Mixture, PlanConfig, Planner, Shard, Slot};
use common::loader::names;
use proptest::prelude::*;

fn balances() -> impl Strategy<Value = Balance> {
    prop_oneof![
        Just(Balance::Natural),
        Just(Balance::Uniform),
        Just(Balance::Weights(vec![1.0, 0.0, 2.5])),
        Just(Balance::EffectiveNumber { beta: 0.9 }),
    ]
}

fn mixtures() -> impl Strategy<Value = ClassMixture> {
    prop_oneof![
        Just(ClassMixture::None),
        (0.0..0.9).prop_map(ClassMixture::Share),
        (0_usize..30).prop_map(ClassMixture::FillTo),
    ]
}

prop_compose! {
    fn configs()(
        batch_size in 1_usize..9,
        balance in balances(),
        mixture in mixtures(),
        (shuffle, drop_last) in any::<(bool, bool)>(),
        seed: u64,
    ) -> PlanConfig {
        PlanConfig { batch_size, balance, mixture: Mixture::All(mixture), shuffle, drop_last, seed, ..PlanConfig::default() }
    }
}

/// Counts that give every class of [`balances`]' weights an image.
fn labels(counts: [usize; 3]) -> Vec<u32> {
    counts.iter().zip(0..).flat_map(|(&count, label)| vec![label; count]).collect()
}

proptest! {
    #[test]
    fn every_position_has_the_slot_of_its_batch(
        counts in [1_usize..20, 1_usize..20, 1_usize..20],
        config in configs(),
        world_size in 1_usize..5,
        epoch: u64,
    ) {
        let labels = labels(counts);
        let planner = |shard| Planner::new(&labels, &names(3), PlanConfig { shard, ..config.clone() });
        let Ok(whole) = planner(Shard::default()) else { return Ok(()) };
        let mut expected: Vec<Option<Slot>> = whole.epoch(epoch).iter().flatten().map(Some).collect();
        // Beyond the end, and what `drop_last` leaves out.
        expected.resize(whole.epoch_samples() + 10, None);
        for rank in 0..world_size {
            let Ok(planner) = planner(Shard { rank, world_size }) else { return Ok(()) };
            let plan = planner.epoch(epoch);
            let found: Vec<_> = (0..expected.len() as u64).map(|position| plan.slot_at(position)).collect();
            prop_assert_eq!(&found, &expected);
            for slot in plan.iter().flatten() {
                prop_assert_eq!(plan.slot_at(slot.key.position), Some(slot));
            }
            let rest = planner.resume(&plan.state(plan.len() / 2)).expect("the state is of this plan");
            prop_assert_eq!(rest.slot_at(0), expected[0]);
        }
    }
}

#[test]
fn no_position_is_too_large_to_ask_for() {
    let planner = Planner::new(&[0, 1], &names(2), PlanConfig::default()).expect("two images are a set");
    assert_eq!(planner.epoch(0).slot_at(u64::MAX), None);
}
