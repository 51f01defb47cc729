//! A synthetic image depends on its own request alone.

mod common;

use candle_augment::gan::{GeneratorSource, Trainer};
use candle_augment::{ErrorKind, Image, Purpose, Result, SampleKey, SyntheticRequest, SyntheticSource};
use candle_core::Device;
use common::gan::{batch, config};

fn source(size: usize, channels: usize) -> Result<GeneratorSource> {
    let mut trainer = Trainer::new(config(size, channels), &Device::Cpu)?;
    for step in 0..3 {
        trainer.step(&batch(trainer.config(), step)?)?;
    }
    trainer.source()
}

fn requests(count: u64) -> Vec<SyntheticRequest> {
    (0..count)
        .map(|position| SyntheticRequest {
            label: (position % 3) as u32,
            serial: position / 3,
            key: SampleKey { seed: 5, epoch: 1, position, purpose: Purpose::Synthetic },
        })
        .collect()
}

#[test]
fn the_company_in_the_batch_does_not_matter() -> Result<()> {
    let source = source(12, 3)?;
    let requests = requests(40);
    let together = source.generate(&requests)?;
    for (request, image) in requests.iter().zip(&together) {
        assert_eq!(&source.generate(&[*request])?[0], image);
    }
    let reversed: Vec<SyntheticRequest> = requests.iter().copied().rev().collect();
    let backwards: Vec<Image> = source.generate(&reversed)?.into_iter().rev().collect();
    assert_eq!(backwards, together);
    assert_eq!(source.generate(&requests[3..20])?, together[3..20]);
    Ok(())
}

#[test]
fn truncation_narrows_the_noise_and_nothing_else() -> Result<()> {
    let (requests, images) = (requests(12), source(8, 1)?.generate(&requests(12))?);
    let truncated = |most| source(8, 1)?.with_truncation(most);
    assert_eq!(truncated(50.0)?.generate(&requests)?, images);
    let narrow = truncated(0.5)?.generate(&requests)?;
    assert_ne!(narrow, images);
    // Also where another truncation was asked for before.
    assert_eq!(truncated(2.0)?.with_truncation(0.5)?.generate(&requests)?, narrow);
    assert_eq!(truncated(0.5)?.generate(&requests[7..8])?, narrow[7..8]);
    Ok(())
}

#[test]
fn nor_does_the_number_of_threads() -> Result<()> {
    let source = source(28, 1)?;
    let requests = requests(70);
    let expected = source.generate(&requests)?;
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| source.generate(&requests))?, expected, "{threads} threads");
    }
    Ok(())
}

#[test]
fn label_and_key_both_matter() -> Result<()> {
    let source = source(8, 1)?;
    let request = requests(1)[0];
    let other_label = SyntheticRequest { label: 1, ..request };
    let other_key = SyntheticRequest { key: SampleKey { position: 9, ..request.key }, ..request };
    // A slot's key may be for its transforms: the noise is drawn for its own purpose.
    let other_purpose = SyntheticRequest { key: request.key.with_purpose(Purpose::Transform), serial: 3, ..request };
    let images = source.generate(&[request, other_label, other_key, other_purpose])?;
    assert_ne!(images[0], images[1]);
    assert_ne!(images[0], images[2]);
    assert_eq!(images[0], images[3]);
    Ok(())
}

#[test]
fn images_have_the_size_and_channels_of_the_configuration() -> Result<()> {
    for (size, channels) in [(8, 1), (9, 3), (16, 1), (23, 1), (28, 3), (31, 1), (32, 1), (47, 1), (64, 3)] {
        let image = source(size, channels)?.generate(&requests(1))?.remove(0);
        assert_eq!((image.height(), image.width(), image.channels()), (size, size, channels));
    }
    Ok(())
}

#[test]
fn unknown_classes_are_refused() -> Result<()> {
    let request = SyntheticRequest { label: 3, ..requests(1)[0] };
    let error = source(8, 1)?.generate(&[request]).unwrap_err();
    assert_eq!((error.kind(), error.key()), (ErrorKind::Synthetic, Some(request.key)));
    assert_eq!(source(8, 1)?.classes(), ["dark", "gray", "bright"]);
    assert!(source(8, 1)?.generate(&[])?.is_empty());
    Ok(())
}
