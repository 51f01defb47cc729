//! Ranks share an epoch's batches, by the plan; for what the loader delivers see `fingerprints.rs`.

mod common;

use candle_augment::{Balance, DataLoader, ErrorKind, PlanConfig, Planner, Result, Shard, Slot};
use common::loader::{counted, names};
use proptest::prelude::*;

fn ranks(config: &PlanConfig, labels: &[u32], world_size: usize) -> Result<Vec<Vec<Vec<Slot>>>> {
    let rank = |rank| {
        let config = PlanConfig { shard: Shard { rank, world_size }, ..config.clone() };
        Ok(Planner::new(labels, &names(3), config)?.epoch(2).iter().collect())
    };
    (0..world_size).map(rank).collect()
}

proptest! {
    #[test]
    fn ranks_take_turns(samples in 3_usize..80, batch_size in 1_usize..9, world_size in 1_usize..7, drop_last: bool) {
        let labels: Vec<u32> = (0..samples as u32).map(|i| i % 3).collect();
        let config = PlanConfig { batch_size, drop_last, balance: Balance::Uniform, ..PlanConfig::default() };
        let Ok(whole) = ranks(&config, &labels, 1).map(|mut ranks| ranks.remove(0)) else { return Ok(()) };
        let Ok(ranks) = ranks(&config, &labels, world_size) else {
            prop_assert!(drop_last && whole.len() < world_size);
            return Ok(());
        };
        let rounds = if drop_last { whole.len() / world_size } else { whole.len().div_ceil(world_size) };
        for (rank, batches) in ranks.iter().enumerate() {
            prop_assert_eq!(batches.len(), rounds);
            for (i, batch) in batches.iter().enumerate() {
                // Past the end the head comes again.
                prop_assert_eq!(batch, &whole[(i * world_size + rank) % whole.len()]);
            }
        }
    }
}

#[test]
fn ranks_count_from_zero() {
    for shard in [Shard { rank: 2, world_size: 2 }, Shard { rank: 0, world_size: 0 }] {
        let error = DataLoader::builder(counted(&[4, 4])).shard(shard).build().expect_err("no such rank");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("ranks count from 0"), "{error}");
    }
}
