//! A batch hands out what was drawn for it; the same operations on the same images give the same batch, also after they were stored.

mod common;

use candle_augment::{
    Batch, BatchOneOf, BatchOp, CutMix, DataLoader, Dataset, Executor, Fill, InMemory, MixUp, Normalize, Op, Origin,
    Patch, Result, SampleRng, Size, digits,
};
use common::data::gradient;
use common::loader::{Draw, in_time};

/// The images that `ops` make of the data set's, normalised and mixed as the loader says.
fn replayed(set: &dyn Dataset, batch: &Batch, drawn: &[Vec<Op>], batch_op: Option<BatchOp>) -> Result<Vec<f32>> {
    let mut executor = Executor::new();
    let (_, channels, height, width) = batch.images.dims4()?;
    let mut planes = vec![0.0; batch.images.elem_count()];
    for ((slot, ops), planes) in batch.slots.iter().zip(drawn).zip(planes.chunks_exact_mut(channels * height * width)) {
        let Origin::Real(index) = slot.origin else { unreachable!("the loader has no synthetic source") };
        executor.write(ops, &set.load(index)?, &Normalize::signed(), planes)?;
    }
    if let Some(op) = batch_op {
        op.mix_images(&mut planes, channels, Size::new(height, width))?;
    }
    Ok(planes)
}

fn draw(size: Size, rng: &mut SampleRng, ops: &mut Vec<Op>) {
    let seed = rng.next_seed();
    let part = Size::new(1 + rng.below(size.height), 1 + rng.below(size.width));
    ops.extend([
        Op::Brightness { factor: rng.uniform(0.5, 1.5) },
        Op::GaussianNoise { mean: 0.0, sigma: rng.uniform(0.0, 0.2) as f32, clip: true, seed },
        Op::Jpeg { quality: 1 + rng.below(100) as u8 },
        Op::Erase { top: 0, left: 0, size: part, patch: Patch::Noise { seed } },
        Op::Sharpness { factor: rng.uniform(0.0, 2.0) },
        Op::Blend { chains: vec![(0.3, vec![Op::HFlip]), (0.7, vec![Op::Invert])], mixing: 0.25 },
    ]);
    if rng.bernoulli(0.5) {
        ops.push(Op::Erase { top: 0, left: 0, size: part, patch: Patch::Fill(Fill::All(9)) });
    }
}

fn check(set: impl Dataset + Clone + 'static) -> Result<()> {
    let mix = BatchOneOf::new().or(MixUp::new(0.4)?).or(CutMix::new(1.0)?);
    let loader = DataLoader::builder(set.clone())
        .transform(Draw(draw))
        .batch_transform(mix)
        .normalize(Normalize::signed())
        .batch_size(7)
        .workers(2)
        .build()?;
    let epoch = loader.epoch(0);
    for batch in in_time(move || epoch.take(6).collect::<Vec<_>>()) {
        let batch = batch?;
        let pixels = batch.images.flatten_all()?.to_vec1::<f32>()?;
        let drawn: Vec<Vec<Op>> = (0..batch.len()).map(|n| batch.ops(n).to_vec()).collect();
        assert_eq!(replayed(&set, &batch, &drawn, batch.batch_op)?, pixels);

        let stored = serde_json::to_string(&(&drawn, batch.batch_op)).expect("ops are plain data");
        let (again, batch_op): (Vec<Vec<Op>>, _) = serde_json::from_str(&stored).expect("what was written is read");
        assert_eq!((&again, batch_op), (&drawn, batch.batch_op));
        assert_eq!(replayed(&set, &batch, &again, batch_op)?, pixels);
    }
    Ok(())
}

#[test]
fn gray_images() -> Result<()> {
    check(digits()?)
}

#[test]
fn colour_images() -> Result<()> {
    let images = (0..20).map(|_| gradient(9, 11, 3)).collect();
    check(InMemory::from_images(images, (0..20).map(|n| n % 2).collect(), ["a", "b"])?)
}

#[test]
fn without_transforms_nothing_is_drawn() -> Result<()> {
    let batch = DataLoader::builder(digits()?).build()?.epoch(0).next().expect("the set has images")?;
    assert!((0..batch.len()).all(|n| batch.ops(n).is_empty()));
    assert_eq!(batch.batch_op, None);
    assert!(batch.soft_labels.is_none());
    Ok(())
}
