//! The loader decodes no more of a file than the transforms need, and the pixels are those of decoding all of it.

mod common;

use std::path::Path;

use candle_augment::{
    CenterCrop, Color, DataLoader, Dataset, Executor, Image, ImageFolder, Interpolation, Op, Origin, Pipeline,
    RandomCrop, RandomHorizontalFlip, RandomResizedCrop, RandomRotation, Resize, Result, Size, Transform,
};
use candle_core::DType;
use common::data::{encode, put, scratch};
use common::jpeg::{jpeg, oriented};
use common::loader::Draw;
use image::ImageFormat;

/// Smooth waves, as photographs mostly are, of `channels` channels; no two rows or columns are alike.
fn waves(height: usize, width: usize, channels: usize) -> Image {
    let value = |i: usize| {
        let (y, x, c) = (i / channels / width, i / channels % width, i % channels);
        let wave =
            (y as f64 / 9.0 + c as f64).sin() + (x as f64 / 13.0).cos() + (y * x) as f64 / (height * width) as f64;
        (wave * 40.0 + 110.0) as u8
    };
    Image::new(height, width, channels, (0..height * width * channels).map(value).collect()).expect("the length fits")
}

/// JPEG files in every orientation, gray and RGB, large and small, progressive and with restarts; and a PNG file.
fn folder(root: &Path, color: Color) -> ImageFolder {
    let photo = encode(waves(91, 120, 3), ImageFormat::Jpeg);
    for orientation in 1..=8 {
        put(root, &format!("oriented/{orientation}.jpg"), &oriented(&photo, orientation));
    }
    put(root, "gray/1.jpg", &encode(waves(70, 66, 1), ImageFormat::Jpeg));
    put(root, "gray/2.jpg", &oriented(&encode(waves(75, 65, 1), ImageFormat::Jpeg), 6));
    put(root, "other/1.png", &encode(waves(80, 90, 3), ImageFormat::Png));
    put(root, "other/2.jpg", &jpeg("cat-96x64-progressive.jpg"));
    put(root, "other/3.jpg", &jpeg("cat-95x63-422-q75-optimized.jpg"));
    put(root, "other/4.jpg", &jpeg("coffee-61x47-422-q85-restart-row.jpg"));
    ImageFolder::open(root).expect("it was made just now").with_color(color)
}

fn pipelines() -> Result<Vec<(&'static str, Pipeline)>> {
    let pipeline = Pipeline::new;
    let nearest = RandomResizedCrop::new(24, 20)?.with_interpolation(Interpolation::Nearest);
    Ok(vec![
        ("resized crop", pipeline().then(RandomResizedCrop::new(20, 24)?).then(RandomHorizontalFlip::new(0.5)?)),
        ("small resized crop", pipeline().then(RandomResizedCrop::new(5, 4)?)),
        ("nearest", pipeline().then(nearest)),
        ("random crop", pipeline().then(RandomCrop::new(33, 17)?).then(RandomRotation::new(30.0)?)),
        ("padded crop", pipeline().then(RandomCrop::new(66, 50)?.with_pad_if_needed(true))),
        ("center crop", pipeline().then(CenterCrop::new(40, 40)?)),
        ("crop beyond", pipeline().then(CenterCrop::new(130, 10)?)),
        ("resize", pipeline().then(Resize::exact(16, 15)?)),
        ("enlarge", pipeline().then(Resize::exact(130, 125)?)),
        ("resize, crop", pipeline().then(Resize::short_edge(30)?).then(CenterCrop::new(28, 28)?)),
        ("crop, crop", pipeline().then(CenterCrop::new(44, 40)?).then(RandomCrop::new(9, 9)?)),
        ("flip, crop", pipeline().then(RandomHorizontalFlip::new(1.0)?).then(RandomCrop::new(9, 9)?)),
    ])
}

fn index(origin: Origin) -> usize {
    let Origin::Real(index) = origin else { panic!("nothing is synthetic") };
    index
}

/// Two epochs: what the loader made of each image, and what the ops make of the whole image.
fn pairs(set: &ImageFolder, transform: impl Transform + 'static, scaled: bool) -> Result<Vec<(Vec<Op>, Image, Image)>> {
    let builder = DataLoader::builder(set.clone()).transform(transform).dtype(DType::U8).batch_size(6);
    let loader = builder.scaled_decoding(scaled).workers(2).build()?;
    let mut pairs = Vec::new();
    for batch in loader.epoch(0).chain(loader.epoch(1)) {
        let batch = batch?;
        let images = Image::from_tensor(&batch.images)?;
        for (n, (slot, image)) in batch.slots.iter().zip(images).enumerate() {
            let sample = loader.sample(slot)?;
            assert_eq!(sample.ops, batch.ops(n));
            assert_eq!(sample.image, image);
            let whole = Executor::new().image(batch.ops(n), &set.load(index(slot.origin))?)?;
            pairs.push((sample.ops, image, whole));
        }
    }
    assert_eq!(pairs.len(), 2 * set.len());
    Ok(pairs)
}

#[test]
fn pixels_are_those_of_the_whole_image_to_the_bit() -> Result<()> {
    for color in [Color::Rgb, Color::Gray] {
        let root = scratch();
        let set = folder(root.path(), color);
        for (name, pipeline) in pipelines()? {
            for (ops, found, expected) in pairs(&set, pipeline, false)? {
                assert!(found == expected, "{name}, {color:?}: {ops:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn pixels_that_are_not_shrunk_to_half_are_the_same_with_scaling() -> Result<()> {
    let root = scratch();
    let set = folder(root.path(), Color::Rgb);
    let shrinks = |ops: &[Op], whole: Size| {
        let part = if let Some(Op::Crop { size, .. }) = ops.first() { *size } else { whole };
        ops.iter().any(|op| {
            matches!(op, Op::Resize { size, antialias: true, .. }
                if 2 * size.height <= part.height && 2 * size.width <= part.width)
        })
    };
    let mut same = 0;
    for (name, pipeline) in pipelines()? {
        if ["resize", "resize, crop", "small resized crop"].contains(&name) {
            continue;
        }
        for (ops, found, expected) in pairs(&set, pipeline, true)? {
            if !shrinks(&ops, Size::square(0)) {
                assert!(found == expected, "{name}: {ops:?}");
                same += 1;
            }
        }
    }
    assert!(same > 150, "{same}");
    Ok(())
}

/// The mean and the largest difference.
fn difference(a: &Image, b: &Image) -> (f64, u8) {
    let differences = a.data().iter().zip(b.data()).map(|(a, b)| a.abs_diff(*b));
    let sum: u64 = differences.clone().map(u64::from).sum();
    (sum as f64 / a.data().len() as f64, differences.max().unwrap_or(0))
}

#[test]
fn scaled_decoding_is_close_where_crops_are_shrunk_to_half_or_less() -> Result<()> {
    let root = scratch();
    for (number, channels) in [(0, 3), (1, 1), (2, 3)] {
        put(
            root.path(),
            &format!("a/{number}.jpg"),
            &encode(waves(300 + 7 * number, 401, channels), ImageFormat::Jpeg),
        );
    }
    put(root.path(), "a/turned.jpg", &oriented(&encode(waves(280, 401, 3), ImageFormat::Jpeg), 5));
    let set = ImageFolder::open(root.path())?;
    let cubic = RandomResizedCrop::new(30, 30)?.with_scale(0.3, 1.0)?.with_interpolation(Interpolation::Bicubic);
    let crop = |left, rows| {
        move |_: Size, _: &mut _, ops: &mut Vec<Op>| {
            ops.push(Op::Crop { top: 32, left, size: Size::square(rows) });
            let interpolation = Interpolation::Bilinear;
            ops.push(Op::Resize { size: Size::square(32), interpolation, antialias: true });
        }
    };
    let mut differing = 0;
    let mut check = |name: &str, (mean_below, largest_below), pairs: Vec<(Vec<Op>, Image, Image)>| {
        for (ops, found, expected) in pairs {
            let (mean, largest) = difference(&found, &expected);
            assert!(mean < mean_below && largest < largest_below, "{name}: {mean}, {largest}: {ops:?}");
            differing += usize::from(mean > 0.0);
        }
    };
    // The pixels of the smaller scale fit the crop.
    let aligned = (1.0, 5);
    check("half", aligned, pairs(&set, Draw(crop(50, 64)), true)?);
    check("quarter", aligned, pairs(&set, Draw(crop(52, 152)), true)?);
    // Or begin and end up to half a pixel of the scale beside it, 2 or 4 pixels each way; from pixel to pixel the image
    // changes by up to 4.6 downwards and 3.3 to the right, 8 together.
    let (apart, far_apart) = ((4.0, 2 * 8 + 5), (6.0, 4 * 8 + 5));
    check("between", apart, pairs(&set, Draw(crop(51, 150)), true)?);
    check("cubic", far_apart, pairs(&set, Pipeline::new().then(cubic), true)?);
    check("all", far_apart, pairs(&set, Resize::exact(36, 36)?, true)?);
    assert!(differing > 20, "{differing} were decoded at a smaller scale");
    Ok(())
}

#[test]
fn samples_alone_are_those_of_the_batch_in_any_worker_count() -> Result<()> {
    let root = scratch();
    let set = folder(root.path(), Color::Rgb);
    let build = |workers| {
        let pipeline = Pipeline::new().then(RandomResizedCrop::new(12, 12)?);
        DataLoader::builder(set.clone()).transform(pipeline).batch_size(5).workers(workers).build()
    };
    let (one, other) = (build(0)?, build(2)?);
    for (batch, same) in one.epoch(3).zip(other.epoch(3)) {
        let (batch, same) = (batch?, same?);
        for (n, slot) in batch.slots.iter().enumerate() {
            assert_eq!(batch.ops(n), same.ops(n));
            assert_eq!(one.sample(slot)?, other.sample(&same.slots[n])?);
        }
    }
    Ok(())
}
