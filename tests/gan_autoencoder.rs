//! The autoencoder: it learns to make its images again, gives a GAN a start, and makes images between two real ones.

mod common;

use candle_augment::gan::{Architecture, Autoencoder, GanConfig, InterpolationSource, Precision, Trainer};
use candle_augment::{
    Batch, DataLoader, Dataset, DatasetExt, ErrorKind, Normalize, Purpose, Result, SampleKey, SyntheticRequest,
    SyntheticSource, digits, endless,
};
use candle_core::Device;

fn config() -> Result<GanConfig> {
    let set = digits()?;
    Ok(GanConfig { latent: 16, generator_width: 16, generator_rate: 2e-3, ..GanConfig::new(8, 1, set.classes()) })
}

fn loader() -> Result<DataLoader> {
    let set = digits()?.per_class(20, 0)?;
    DataLoader::builder(set).batch_size(50).normalize(Normalize::signed()).workers(1).build()
}

fn trained(config: GanConfig, steps: usize) -> Result<(Autoencoder, Vec<f64>)> {
    let mut autoencoder = Autoencoder::new(config, &Device::Cpu)?;
    autoencoder.plan(steps as u64);
    let losses = endless(&loader()?).take(steps).map(|batch| autoencoder.step(&batch?)).collect::<Result<_>>()?;
    Ok((autoencoder, losses))
}

fn requests(label: u32, count: u64) -> Vec<SyntheticRequest> {
    let key = |position| SampleKey { seed: 0, epoch: 0, position, purpose: Purpose::Synthetic };
    (0..count).map(|serial| SyntheticRequest { label, serial, key: key(serial) }).collect()
}

/// The mean image of some samples of a class.
fn mean_image(source: &dyn SyntheticSource, label: u32) -> Result<Vec<f64>> {
    let images = source.generate(&requests(label, 40))?;
    let pixels = images[0].data().len();
    Ok((0..pixels).map(|i| images.iter().map(|image| f64::from(image.data()[i])).sum::<f64>() / 40.0).collect())
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// The mean real image of each class.
fn real_means() -> Result<Vec<Vec<f64>>> {
    let set = digits()?;
    let mut sums = vec![(vec![0.0; 64], 0.0); 10];
    for index in 0..set.len() {
        let (sum, count) = &mut sums[set.label(index) as usize];
        sum.iter_mut().zip(set.load(index)?.data()).for_each(|(sum, value)| *sum += f64::from(*value));
        *count += 1.0;
    }
    Ok(sums.into_iter().map(|(sum, count)| sum.into_iter().map(|value| value / count).collect()).collect())
}

/// How many of the classes have samples whose mean is nearest to their own class's.
fn classes_hit(source: &dyn SyntheticSource) -> Result<usize> {
    let means = real_means()?;
    let nearest = |label: u32| -> Result<bool> {
        let mean = mean_image(source, label)?;
        let all = means.iter().enumerate().map(|(class, real)| (distance(&mean, real), class as u32));
        Ok(all.min_by(|a, b| a.0.total_cmp(&b.0)).expect("ten classes").1 == label)
    };
    Ok((0..10).map(nearest).collect::<Result<Vec<_>>>()?.into_iter().filter(|hit| *hit).count())
}

#[test]
fn it_learns_and_its_interpolations_are_of_their_class() -> Result<()> {
    for architecture in [Architecture::Transposed, Architecture::Upsampled] {
        let (autoencoder, losses) = trained(GanConfig { architecture, ..config()? }, 150)?;
        assert!(losses[149] < 0.5 * losses[0], "{} after {}", losses[149], losses[0]);
        let source = autoencoder.interpolation(loader()?.epoch(0))?;
        assert_eq!(classes_hit(&source)?, 10);
        let images = source.generate(&requests(3, 20))?;
        assert!(images.iter().skip(1).all(|image| *image != images[0]), "all the same");
    }
    Ok(())
}

#[test]
fn a_gan_starts_with_images_of_their_class() -> Result<()> {
    let (autoencoder, _) = trained(config()?, 150)?;
    let cold = Trainer::new(config()?, &Device::Cpu)?;
    let mut warm = Trainer::new(config()?, &Device::Cpu)?;
    warm.start_from(&autoencoder)?;
    let (cold, warm) = (classes_hit(&cold.source()?)?, classes_hit(&warm.source()?)?);
    assert!(warm >= 8 && cold <= 4, "{warm} of 10 classes with a start, {cold} without");
    Ok(())
}

#[test]
fn an_image_depends_on_its_own_request_alone() -> Result<()> {
    let (autoencoder, _) = trained(config()?, 3)?;
    let source: InterpolationSource = autoencoder.interpolation(loader()?.epoch(0))?;
    let all = source.generate(&requests(5, 40))?;
    for (n, request) in requests(5, 40).into_iter().enumerate().step_by(7) {
        assert_eq!(source.generate(&[request])?[0], all[n]);
    }
    assert_eq!(source.generate(&requests(10, 1)).unwrap_err().kind(), ErrorKind::Synthetic);
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() -> Result<()> {
    let (autoencoder, _) = trained(config()?, 1)?;
    let mut other = Trainer::new(GanConfig { seed: 9, ..config()? }, &Device::Cpu)?;
    assert_eq!(other.start_from(&autoencoder).unwrap_err().kind(), ErrorKind::Config);
    let batch: Batch = loader()?.epoch(0).next().expect("a batch")?;
    let error = autoencoder.interpolation([]).unwrap_err();
    assert!(error.to_string().contains("no image to interpolate"), "{error}");
    let mut begun = Trainer::new(config()?, &Device::Cpu)?;
    begun.step(&batch)?;
    assert_eq!(begun.start_from(&autoencoder).unwrap_err().kind(), ErrorKind::Config);
    Ok(())
}

#[test]
fn mixed_precision_learns_alike() -> Result<()> {
    let (_, full) = trained(config()?, 20)?;
    let mixed = GanConfig { precision: Precision::Bf16, ..config()? };
    let (autoencoder, losses) = trained(mixed.clone(), 20)?;
    // bf16 has three digits, and what is rounded differently drifts apart from step to step.
    for (step, (full, mixed)) in full.iter().zip(&losses).enumerate() {
        assert!((full - mixed).abs() < 0.03, "step {}: a loss of {full}, mixed {mixed}", step + 1);
    }
    assert_ne!(full[0], losses[0], "it is not f32");
    assert!(losses[19] < 0.8 * losses[0], "{losses:?}");
    // Its weights start a GAN of the same precision, and make samples.
    Trainer::new(mixed, &Device::Cpu)?.start_from(&autoencoder)?;
    assert_eq!(autoencoder.interpolation(loader()?.epoch(0))?.generate(&requests(3, 2))?.len(), 2);
    Ok(())
}
