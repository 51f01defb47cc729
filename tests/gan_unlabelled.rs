//! Unlabelled images beside the labelled ones: the unconditional head learns from them, and nothing changes without.

mod common;

use candle_augment::gan::{Budget, Event, Examiner, GanConfig, Loss, Reaction, Regularizers, Supervisor, Trainer};
use candle_augment::{
    Balance, Batch, DataLoader, DatasetExt, ErrorKind, Normalize, Purpose, Result, SampleKey, SyntheticRequest,
    SyntheticSource, digits, endless,
};
use candle_core::{DType, Device, Tensor};
use common::gan::{batch, config};

/// Unlabelled images of one step: brighter than any class.
fn bright(config: &GanConfig, step: u64, count: usize) -> Result<Tensor> {
    let mut rng = SampleKey { seed: 2, epoch: step, position: 0, purpose: Purpose::Training }.rng();
    let shape = (count, config.channels, config.size, config.size);
    let values = (0..count * config.channels * config.size.pow(2)).map(|_| rng.uniform(0.5, 1.0) as f32).collect();
    Ok(Tensor::from_vec::<_, f32>(values, shape, &Device::Cpu)?)
}

fn train(trainer: &mut Trainer, steps: u64) -> Result<()> {
    for step in trainer.steps()..steps {
        let config = trainer.config();
        let (batch, unlabelled) = (batch(config, step)?, bright(config, step, 7)?);
        trainer.step_with(&batch, Some(&unlabelled))?;
    }
    Ok(())
}

#[test]
fn training_stopped_at_any_step_ends_with_the_same_bits() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let configs = [
        config(8, 1),
        GanConfig { loss: Loss::Relativistic, discriminator_steps: 2, noise: 0.2, ..config(8, 3) },
        GanConfig {
            regularizers: Regularizers { r1: 0.5, r2: 0.5, interval: 2, lecam: 0.3, ..Default::default() },
            ..config(8, 1)
        },
    ];
    for config in configs {
        let new = || Trainer::new(config.clone(), &Device::Cpu);
        let mut through = new()?;
        train(&mut through, 4)?;
        through.save(file("through"))?;
        for stop in 0..4 {
            let mut stopped = new()?;
            train(&mut stopped, stop)?;
            stopped.save(file("stopped"))?;
            let mut resumed = Trainer::load(file("stopped"), &Device::Cpu)?;
            train(&mut resumed, 4)?;
            resumed.save(file("resumed"))?;
            assert!(std::fs::read(file("resumed")).unwrap() == std::fs::read(file("through")).unwrap(), "{stop}");
        }
    }
    Ok(())
}

#[test]
fn samples_become_like_the_unlabelled_images() -> Result<()> {
    let brightness = |trainer: &Trainer| -> Result<f64> {
        let key = |position| SampleKey { seed: 0, epoch: 0, position, purpose: Purpose::Synthetic };
        let requests = (0..60).map(|i| SyntheticRequest { label: i as u32 % 3, serial: i / 3, key: key(i) });
        let images = trainer.source()?.generate(&requests.collect::<Vec<_>>())?;
        let pixels: Vec<f64> = images.iter().flat_map(|image| image.data()).map(|byte| f64::from(*byte)).collect();
        Ok(pixels.iter().sum::<f64>() / pixels.len() as f64)
    };
    for loss in [Loss::NonSaturating, Loss::Relativistic] {
        let config = GanConfig { loss, unlabelled: 2.0, ..config(8, 1) };
        let (mut with, mut without) =
            (Trainer::new(config.clone(), &Device::Cpu)?, Trainer::new(config.clone(), &Device::Cpu)?);
        train(&mut with, 150)?;
        for step in 0..150 {
            without.step(&batch(&config, step)?)?;
        }
        let (with, without) = (brightness(&with)?, brightness(&without)?);
        assert!(with > without + 15.0, "{loss}: {with} with images that are brighter, {without} without");
    }
    Ok(())
}

#[test]
fn without_unlabelled_images_nothing_changes() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let (mut plain, mut with) = (Trainer::new(config(8, 1), &Device::Cpu)?, Trainer::new(config(8, 1), &Device::Cpu)?);
    for step in 0..3 {
        let batch = batch(plain.config(), step)?;
        let (plain, with) = (plain.step(&batch)?, with.step_with(&batch, None)?);
        assert_eq!(plain, with);
        assert_eq!(plain.d_unlabelled, None);
    }
    plain.save(file("plain"))?;
    with.save(file("with"))?;
    assert!(std::fs::read(file("plain")).unwrap() == std::fs::read(file("with")).unwrap());
    Ok(())
}

#[test]
fn images_that_do_not_fit_are_refused() -> Result<()> {
    let mut trainer = Trainer::new(config(8, 1), &Device::Cpu)?;
    let batch = batch(trainer.config(), 0)?;
    let other = |shape: &[usize], dtype| Tensor::zeros(shape, dtype, &Device::Cpu);
    for bad in [
        other(&[4, 1, 9, 9], DType::F32)?,
        other(&[4, 3, 8, 8], DType::F32)?,
        other(&[1, 1, 8, 8], DType::F32)?,
        other(&[0, 1, 8, 8], DType::F32)?,
        other(&[4, 64], DType::F32)?,
        other(&[4, 1, 8, 8], DType::U8)?,
    ] {
        let error = trainer.step_with(&batch, Some(&bad)).expect_err("it does not fit");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("unlabelled images"), "{error}");
    }
    let faulty = (bright(trainer.config(), 0, 4)? * f64::NAN)?;
    let error = trainer.step_with(&batch, Some(&faulty)).expect_err("it is not finite");
    assert!(error.to_string().contains("unlabelled image 0"), "{error}");
    for bad in [0.0, -1.0, f64::NAN, 1e3] {
        assert!(Trainer::new(GanConfig { unlabelled: bad, ..config(8, 1) }, &Device::Cpu).is_err(), "{bad}");
    }
    Ok(())
}

#[test]
fn the_supervisor_passes_them_on_and_leaves_faulty_ones_out() -> Result<()> {
    let set = digits()?.per_class(5, 0)?;
    let unlabelled = DataLoader::builder(digits()?).batch_size(16).normalize(Normalize::signed()).build()?;
    let config = GanConfig { classes: (0..10).map(|digit| digit.to_string()).collect(), ..config(8, 1) };
    let loader =
        DataLoader::builder(set).batch_size(20).balance(Balance::Uniform).normalize(Normalize::signed()).build()?;
    let examiner = Examiner::train(&config, endless(&loader), 5, &Device::Cpu)?;
    let mut supervisor =
        Supervisor::new(Trainer::new(config.clone(), &Device::Cpu)?, examiner, None, Budget::Steps(10))?;
    let mut events: Vec<Event> = Vec::new();
    let batches = endless(&loader).zip(endless(&unlabelled));
    for (step, pair) in batches.take(4).enumerate() {
        let (batch, unlabelled): (Result<Batch>, Result<Batch>) = pair;
        let mut images = unlabelled?.images;
        // One faulty image, then all but one.
        let faulty = [0, 1, 0, 15][step];
        if faulty > 0 {
            let good = images.narrow(0, faulty, images.dim(0)? - faulty)?;
            images = Tensor::cat(&[&(images.narrow(0, 0, faulty)? * f64::NAN)?, &good], 0)?;
        }
        let progress = supervisor.step_with(&batch?, Some(&images))?;
        let answer = progress.report.expect("the step is made").d_unlabelled;
        assert_eq!(answer.is_some(), faulty != 15);
        events.extend(progress.events.into_iter().filter(|event| event.reaction == Reaction::LeftOut));
    }
    let said: Vec<&str> = events.iter().map(|event| event.saw.as_str()).collect();
    let of = |count| format!("{count} of 16 unlabelled images with values that are NaN or infinite");
    assert_eq!(said, [of(1), of(15)]);
    Ok(())
}
