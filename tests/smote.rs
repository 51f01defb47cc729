//! SMOTE: every sample lies between two images of its class, and follows from its request alone.

use candle_augment::{
    Dataset, DatasetExt, ErrorKind, Image, InMemory, Purpose, Result, SampleKey, SmoteSource, SyntheticRequest,
    SyntheticSource, digits,
};

fn requests(label: u32, count: u64) -> Vec<SyntheticRequest> {
    let key = |position| SampleKey { seed: 3, epoch: 0, position, purpose: Purpose::Synthetic };
    (0..count).map(|serial| SyntheticRequest { label, serial, key: key(serial) }).collect()
}

fn images_of(set: &dyn Dataset, label: u32) -> Result<Vec<Image>> {
    (0..set.len()).filter(|&index| set.label(index) == label).map(|index| set.load(index)).collect()
}

/// How far `image` is from the line between `a` and `b`, at the most distant pixel.
fn off_the_line(image: &Image, a: &Image, b: &Image) -> f64 {
    let rows = || image.data().iter().zip(a.data()).zip(b.data());
    let (mut along, mut length) = (0.0, 0.0);
    for ((&x, &a), &b) in rows() {
        let (a, b) = (f64::from(a), f64::from(b));
        along += (f64::from(x) - a) * (b - a);
        length += (b - a).powi(2);
    }
    let share = if length == 0.0 { 0.0 } else { (along / length).clamp(0.0, 1.0) };
    let off = |((&x, &a), &b): ((&u8, &u8), &u8)| {
        let (a, b) = (f64::from(a), f64::from(b));
        (f64::from(x) - a - share * (b - a)).abs()
    };
    rows().map(off).fold(0.0, f64::max)
}

#[test]
fn samples_lie_between_two_images_of_their_class() -> Result<()> {
    let set = digits()?.per_class(12, 0)?;
    let source = SmoteSource::new(&set)?;
    assert_eq!(source.classes(), set.classes());
    for label in [0, 8] {
        let images = images_of(&set, label)?;
        let samples = source.generate(&requests(label, 40))?;
        for sample in &samples {
            let pairs = images.iter().flat_map(|a| images.iter().map(move |b| (a, b)));
            let nearest = pairs.map(|(a, b)| off_the_line(sample, a, b)).fold(f64::MAX, f64::min);
            // Rounding moves a pixel by half, and so the estimate of the place on the line.
            assert!(nearest < 1.5, "{nearest} from any line");
        }
        assert!(samples.iter().filter(|sample| images.contains(sample)).count() < 5, "they are new");
    }
    Ok(())
}

#[test]
fn a_sample_follows_from_its_request_alone() -> Result<()> {
    let set = digits()?.per_class(12, 0)?;
    let whole = SmoteSource::new(&set)?.generate(&requests(5, 20))?;
    let other = SmoteSource::new(&set)?;
    for (request, expected) in requests(5, 20).into_iter().zip(&whole).rev() {
        assert_eq!(&other.generate(&[request])?[0], expected);
    }
    assert!((1..20).all(|n| whole[n] != whole[n - 1]), "other keys give other samples");
    Ok(())
}

#[test]
fn an_only_image_is_its_own_sample() -> Result<()> {
    let set = digits()?.per_class(1, 0)?;
    let samples = SmoteSource::new(&set)?.generate(&requests(2, 3))?;
    assert_eq!(samples, vec![images_of(&set, 2)?.remove(0); 3]);
    Ok(())
}

#[test]
fn what_cannot_be_mixed_or_made_is_refused() -> Result<()> {
    let image = |side| Image::filled(side, 8, &[0]);
    let set = InMemory::from_images(vec![image(8)?, image(9)?], vec![0, 0], ["a", "b"])?;
    let error = SmoteSource::new(&set).unwrap_err();
    assert!(error.kind() == ErrorKind::Dataset && error.to_string().contains("resize"), "{error}");
    let source = SmoteSource::new(&InMemory::from_images(vec![image(8)?], vec![0], ["a", "b"])?)?;
    for label in [1, 2] {
        let error = source.generate(&requests(label, 1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Synthetic, "{error}");
    }
    Ok(())
}
