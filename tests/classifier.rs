//! The classifier learns, is repeatable, and refuses what does not fit.

use candle_augment::{
    Batch, BatchOp, Classifier, ClassifierConfig, ClassifierTrainer, Confusion, DataLoader, Dataset, DatasetExt,
    ErrorKind, Image, InMemory, Normalize, Result, Size, digits, endless,
};
use candle_core::{Device, Tensor};

const SIDE: usize = 8;

fn digit_config(steps: usize) -> ClassifierConfig {
    ClassifierConfig { steps, ..ClassifierConfig::new(Size::square(SIDE), 1, 10) }
}

fn train(loader: &DataLoader, config: ClassifierConfig) -> Result<Classifier> {
    let steps = config.steps;
    let mut trainer = ClassifierTrainer::new(config, &Device::Cpu)?;
    for batch in endless(loader).take(steps) {
        trainer.step(&batch?)?;
    }
    Ok(trainer.finish())
}

fn training_loader(set: impl Dataset + 'static, workers: usize) -> Result<DataLoader> {
    DataLoader::builder(set).batch_size(64).drop_last(true).normalize(Normalize::signed()).workers(workers).build()
}

fn evaluate(classifier: &Classifier, set: impl Dataset + 'static) -> Result<Confusion> {
    let loader = DataLoader::builder(set).batch_size(200).shuffle(false).normalize(Normalize::signed()).build()?;
    classifier.evaluate(loader.epoch(0))
}

fn images_and_labels(set: &impl Dataset) -> Result<(Vec<Image>, Vec<u32>)> {
    let images = (0..set.len()).map(|index| set.load(index)).collect::<Result<_>>()?;
    Ok((images, (0..set.len()).map(|index| set.label(index)).collect()))
}

#[test]
fn digits_are_learnt() -> Result<()> {
    let (train_set, test_set) = digits()?.split(0.7, 0)?;
    let classifier = train(&training_loader(train_set, 2)?, digit_config(200))?;

    let confusion = evaluate(&classifier, test_set.clone())?;
    assert_eq!(confusion.total(), test_set.len() as u64);
    assert!(confusion.accuracy() > Some(0.95), "{confusion:?}");
    assert!(confusion.balanced_accuracy() > Some(0.95), "{confusion:?}");

    // The same images one by one, outside any loader, are judged the same way.
    let (images, labels) = images_and_labels(&test_set)?;
    assert_eq!(classifier.label_agreement(&images, &labels)?, confusion);
    let wrong: Vec<u32> = labels.iter().map(|label| (label + 1) % 10).collect();
    assert!(classifier.label_agreement(&images, &wrong)?.accuracy() < Some(0.05));
    Ok(())
}

#[test]
fn probabilities_add_up_and_do_not_depend_on_the_neighbours() -> Result<()> {
    let set = digits()?;
    let classifier = train(&training_loader(set.clone(), 0)?, digit_config(10))?;
    let (images, _) = images_and_labels(&set.per_class(1, 0)?)?;
    let together = classifier.classify(&images)?;
    for (image, row) in images.iter().zip(&together) {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        // Products of other sizes may sum in another order: a rounding or two apart.
        for (alone, together) in classifier.classify(std::slice::from_ref(image))?[0].iter().zip(row) {
            assert!((alone - together).abs() < 1e-5, "{alone} and {together}");
        }
    }
    Ok(())
}

#[test]
fn training_is_repeatable_to_the_bit() -> Result<()> {
    let set = digits()?;
    let (images, _) = images_and_labels(&set.clone().per_class(5, 0)?)?;
    let run = |threads: usize, workers: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread pool");
        pool.install(|| train(&training_loader(set.clone(), workers)?, digit_config(20))?.classify(&images))
    };
    let reference = run(1, 0)?;
    for (threads, workers) in [(1, 0), (2, 2), (5, 1)] {
        assert_eq!(run(threads, workers)?, reference, "{threads} threads, {workers} workers");
    }
    Ok(())
}

#[test]
fn the_seed_gives_the_weights() -> Result<()> {
    let (images, _) = images_and_labels(&digits()?.per_class(1, 0)?)?;
    let answers = |seed| {
        ClassifierTrainer::new(ClassifierConfig { seed, ..digit_config(1) }, &Device::Cpu)?.finish().classify(&images)
    };
    assert_eq!(answers(1)?, answers(1)?);
    assert_ne!(answers(1)?, answers(2)?);
    Ok(())
}

/// Images of two hues in many brightnesses, larger than the digits, wide, and in colour.
fn hues() -> Result<InMemory> {
    let image = |n: usize| {
        let bright = (60 + 3 * n) as u8;
        let color = [[bright, 20, 20], [20, 20, bright]][n % 2];
        Image::filled(64, 80, &color)
    };
    let images = (0..64).map(image).collect::<Result<_>>()?;
    InMemory::from_images(images, (0..64).map(|n| n % 2).collect(), ["red", "blue"])
}

#[test]
fn large_wide_colour_images_are_learnt() -> Result<()> {
    let loader = DataLoader::builder(hues()?).batch_size(16).normalize(Normalize::signed()).build()?;
    let config = ClassifierConfig { steps: 30, ..ClassifierConfig::new(Size::new(64, 80), 3, 2) };
    let confusion = evaluate(&train(&loader, config)?, hues()?)?;
    assert_eq!(confusion.accuracy(), Some(1.0));
    Ok(())
}

fn batch(images: &[usize], label: u32) -> Result<Batch> {
    let images = Tensor::zeros(images, candle_core::DType::F32, &Device::Cpu)?;
    let labels = Tensor::full(label, images.dims()[0], &Device::Cpu)?;
    Ok(Batch::new(images, labels))
}

#[test]
fn what_does_not_fit_is_refused() -> Result<()> {
    let mut trainer = ClassifierTrainer::new(digit_config(1), &Device::Cpu)?;
    let mut refused = |images: &[usize], label: u32, part: &str| -> Result<()> {
        let error = trainer.step(&batch(images, label)?).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(part), "{error}");
        Ok(())
    };
    refused(&[4, 1, 9, 8], 0, "height 8, width 8 and 1 channels")?;
    refused(&[4, 3, 8, 8], 0, "resize them first")?;
    refused(&[4, 1, 8, 8], 10, "label 10")?;
    trainer.step(&batch(&[4, 1, 8, 8], 9)?)?;
    assert!(trainer.step(&batch(&[4, 1, 8, 8], 9)?).unwrap_err().to_string().contains("configure more steps"));

    let classifier = trainer.finish();
    let error = classifier.classify(&[Image::filled(8, 8, &[0])?, Image::filled(8, 9, &[0])?]).unwrap_err();
    assert_eq!((error.kind(), error.index()), (ErrorKind::Config, Some(1)));
    let image = Image::filled(8, 8, &[0])?;
    for labels in [&[][..], &[10]] {
        let error = classifier.label_agreement(std::slice::from_ref(&image), labels).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
    Ok(())
}

#[test]
fn soft_labels_count_where_a_batch_is_mixed() -> Result<()> {
    let batch = DataLoader::builder(digits()?).batch_size(20).normalize(Normalize::signed()).build()?.epoch(0).next();
    let hard = batch.expect("the set has images")?;
    let loss = |soft_labels: Option<Vec<f32>>| -> Result<f64> {
        let soft_labels = soft_labels.map(|shares| Tensor::from_vec(shares, (20, 10), &Device::Cpu)).transpose()?;
        let mut batch = hard.clone();
        batch.soft_labels = soft_labels;
        ClassifierTrainer::new(ClassifierConfig::new(Size::square(8), 1, 10), &Device::Cpu)?.step(&batch)
    };
    let labels = hard.labels.to_vec1::<u32>()?;
    let shares = |label: u32| (0..10).map(move |class| f32::from(class == label));
    let (one, mixed) = (loss(None)?, loss(Some(BatchOp::MixUp { lambda: 0.25 }.mix_labels(&labels, 10)?))?);
    assert!((loss(Some(labels.iter().flat_map(|label| shares(*label)).collect()))? - one).abs() < 1e-5, "{one}");
    let other: Vec<f32> = (0..20).flat_map(|n| shares(labels[(n + 19) % 20])).collect();
    assert!((0.25 * one + 0.75 * loss(Some(other))? - mixed).abs() < 1e-5, "{mixed}");
    Ok(())
}

/// A batch of digits, and the loss of an untrained classifier on each of its first samples.
fn losses_one_by_one() -> Result<(Batch, Vec<f64>)> {
    let loader = training_loader(digits()?.per_class(7, 0)?, 0)?;
    let batch = loader.epoch(0).next().expect("the set has images")?;
    let loss = |n: usize| -> Result<f64> {
        let weights: Vec<f32> = (0..batch.len()).map(|other| if other == n { 2.0 } else { 0.0 }).collect();
        let mut trainer = ClassifierTrainer::new(digit_config(1), &Device::Cpu)?;
        trainer.step_weighted(&batch, &Tensor::new(weights, &Device::Cpu)?)
    };
    let losses = (0..8).map(loss).collect::<Result<_>>()?;
    Ok((batch, losses))
}

#[test]
fn a_weighted_loss_is_the_weighted_mean() -> Result<()> {
    let (batch, losses) = losses_one_by_one()?;
    let mut weights = vec![0f32; batch.len()];
    weights[..8].copy_from_slice(&[1.0, 0.5, 2.0, 0.0, 3.0, 1.0, 1.0, 0.25]);
    let expected = losses.iter().zip(&weights).map(|(loss, weight)| loss * f64::from(*weight)).sum::<f64>() / 8.75;
    let step = |weights: &[f32]| {
        let mut trainer = ClassifierTrainer::new(digit_config(1), &Device::Cpu)?;
        trainer.step_weighted(&batch, &Tensor::new(weights, &Device::Cpu)?)
    };
    assert!((step(&weights)? - expected).abs() < 1e-5, "{} instead of {expected}", step(&weights)?);
    let plain = ClassifierTrainer::new(digit_config(1), &Device::Cpu)?.step(&batch)?;
    assert!((step(&vec![0.3; batch.len()])? - plain).abs() < 1e-5);

    let mut bad = vec![1f32; batch.len()];
    for value in [-1.0, f32::NAN, f32::INFINITY] {
        bad[3] = value;
        assert_eq!(step(&bad).unwrap_err().kind(), ErrorKind::Config, "{value}");
    }
    for weights in [vec![0.0; batch.len()], vec![1.0; 3]] {
        assert_eq!(step(&weights).unwrap_err().kind(), ErrorKind::Config, "{weights:?}");
    }
    Ok(())
}
