//! A loader tells its transform the class of each sample, and refuses a transform for classes that it does not have.

mod common;

use candle_augment::{DataLoader, ErrorKind, PerClass, Pipeline, RandomInvert, RandomSolarize, Result, Slot};
use candle_core::DType;
use common::loader::{counted, names};

#[test]
fn each_class_has_its_own_transform() -> Result<()> {
    let by_class = PerClass::new().with("class 1", RandomInvert::new(1.0)?).otherwise(Pipeline::new());
    for workers in [0, 2] {
        let loader = DataLoader::builder(counted(&[5, 5, 5]))
            .transform(Pipeline::new().then(by_class.clone()))
            .dtype(DType::U8)
            .workers(workers)
            .build()?;
        for batch in loader.epoch(0) {
            let batch = batch?;
            let pixels: Vec<u8> = batch.images.flatten_from(1)?.narrow(1, 0, 1)?.flatten_all()?.to_vec1()?;
            for (&Slot { label, origin, .. }, found) in batch.slots.iter().zip(pixels) {
                let candle_augment::Origin::Real(index) = origin else { panic!("{origin:?}") };
                let expected = if label == 1 { 255 - index as u8 } else { index as u8 };
                assert_eq!(found, expected, "{origin:?} of class {label}, {workers} workers");
            }
        }
    }
    Ok(())
}

#[test]
fn a_class_that_the_data_set_does_not_have_is_refused_at_once() -> Result<()> {
    let by_class = PerClass::new().with("class 3", RandomSolarize::new(100.0)?);
    let built = DataLoader::builder(counted(&[5, 5, 5])).transform(Pipeline::new().then(by_class)).build();
    let error = built.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("\"class 3\"") && error.message().contains(&format!("{:?}", names(3))), "{error}");
    Ok(())
}
