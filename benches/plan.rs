//! Planning: the start of an epoch, and the look-up of one batch, for a set as large as ImageNet.

use std::hint::black_box;

use candle_augment::{Balance, PlanConfig, Planner};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const IMAGES: u32 = 1_281_167;

fn planner(classes: u32, balance: Balance) -> Planner {
    let names: Vec<String> = (0..classes).map(|class| class.to_string()).collect();
    // Unbalanced: the frequency of a class falls with its number.
    let labels: Vec<u32> = (0..IMAGES).map(|i| (i % classes).min(i / 7 % classes)).collect();
    let config = PlanConfig { batch_size: 256, balance, ..PlanConfig::default() };
    Planner::new(&labels, &names, config).expect("the plan makes sense")
}

fn plan(c: &mut Criterion) {
    let mut group = c.benchmark_group("plan");
    for classes in [10, 1000] {
        for (name, balance) in [("natural", Balance::Natural), ("uniform", Balance::Uniform)] {
            let planner = planner(classes, balance);
            group.throughput(Throughput::Elements(u64::from(IMAGES)));
            group.sample_size(10).bench_function(format!("epoch/{name}/{classes} classes"), |b| {
                b.iter(|| planner.epoch(black_box(1)));
            });
            let plan = planner.epoch(0);
            group.throughput(Throughput::Elements(256));
            for (place, index) in [("first", 0), ("last", plan.len() - 2)] {
                group.sample_size(50).bench_function(format!("batch/{name}/{classes} classes/{place}"), |b| {
                    b.iter(|| plan.batch(black_box(index)));
                });
            }
        }
    }
}

criterion_group!(benches, plan);
criterion_main!(benches);
