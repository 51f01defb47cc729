//! `replay` makes the sample of a loader's batch again from its key, to the bit, and fails as the loader failed.
#![cfg(feature = "cli")]

mod common;

use std::path::Path;
use std::process::Output;

use candle_augment::gan::GeneratorSource;
use candle_augment::{
    Balance, Batch, ClassMixture, Color, DataLoader, DataLoaderBuilder, Error, ErrorKind, Image, ImageFolder, Op,
    Origin, Pipeline, decode_image, digits,
};
use candle_core::DType;
use common::data::{encode, gradient, png, put, scratch};
use common::program::{json, program, refuse, run, stderr, stdout, succeed};
use image::ImageFormat;

/// Class folders at `data` in `folder`: 5 cats and 2 dogs of 24×30 pixels.
fn pets(folder: &Path) {
    for (class, images) in [("cat", 5), ("dog", 2)] {
        for image in 0..images {
            let pixels = gradient(24, 30, 3).into_data().into_iter().map(|value| value.wrapping_add(20 * image));
            let image_file = png(Image::new(24, 30, 3, pixels.collect()).expect("as many pixels as before"));
            put(folder, &format!("data/{class}/{image}.png"), &image_file);
        }
    }
}

const PIPELINE: &str = "
[[transforms]]
RandomHorizontalFlip = {}
[[transforms]]
RandomCrop = { size = [18, 22] }
[[transforms]]
ColorJitter = { brightness = 0.4, hue = 0.1 }
";

fn loader(folder: &Path) -> DataLoaderBuilder {
    let set = ImageFolder::open(folder.join("data")).expect("the folder has classes");
    DataLoader::builder(set).transform(Pipeline::from_toml(PIPELINE).expect("the pipeline is right")).seed(9).workers(0)
}

/// The error of an epoch.
fn failure(builder: DataLoaderBuilder) -> Error {
    let loader = builder.build().expect("the configuration is right");
    loader.epoch(2).find_map(|batch| batch.err()).expect("one image makes the epoch fail")
}

/// Runs `replay` on the folder `data`, named as the loader named it.
fn replay(folder: &Path, key: &str, options: &[&str]) -> Output {
    let data = folder.join("data");
    let data = data.to_str().expect("the scratch folder has a name in UTF-8");
    run(folder, &[&["replay", data, "--key", key, "--pipeline", "pipeline.toml"], options].concat())
}

/// Replays what made `expected`, which must fail with the same words. Gives what was printed.
fn fails_again(folder: &Path, expected: &Error, options: &[&str]) -> String {
    let key = expected.key().expect("the loader names the sample").to_string();
    let output = replay(folder, &key, options);
    assert_eq!(stderr(&output), format!("error: {expected}\n"));
    assert_eq!(output.status.code(), Some(2));
    stdout(&output)
}

#[test]
fn a_crop_that_does_not_fit_one_image() {
    let folder = scratch();
    let path = folder.path();
    pets(path);
    put(path, "data/dog/small.png", &png(gradient(17, 30, 3)));
    put(path, "pipeline.toml", PIPELINE.as_bytes());
    let error = failure(loader(path).batch_size(3).balance(Balance::Uniform));
    assert_eq!(error.kind(), ErrorKind::Transform);
    assert!(error.to_string().ends_with(&format!("key {})", error.key().unwrap())), "{error}");

    let printed = fails_again(path, &error, &["--batch-size", "3", "--balance", "uniform"]);
    for words in ["dog/small.png", "class:    dog", "30×17, RGB", "Hue { shift", "picture:  replay.png"] {
        assert!(printed.contains(words), "{printed}");
    }
    let failing: Vec<&str> = printed.lines().filter(|line| line.ends_with("<- fails")).collect();
    assert!(failing.len() == 1 && failing[0].contains("Crop { top"), "{printed}");
    // Named outright, the image needs no plan; without either it is another.
    std::fs::remove_file(path.join("replay.png")).unwrap();
    fails_again(path, &error, &["--index", &error.index().unwrap().to_string()]);
    fails_again(path, &error, &["--file", "data/dog/small.png"]);
    assert!(path.join("replay.png").exists());
    assert!(replay(path, &error.key().unwrap().to_string(), &[]).status.success());
}

#[test]
fn a_truncated_file() {
    let folder = scratch();
    let path = folder.path();
    pets(path);
    let bytes = encode(gradient(40, 40, 3), ImageFormat::Jpeg);
    put(path, "data/cat/cut.jpg", &bytes[..bytes.len() / 2]);
    put(path, "pipeline.toml", PIPELINE.as_bytes());
    let error = failure(loader(path).batch_size(4));
    assert_eq!(error.kind(), ErrorKind::Decode);

    let printed = fails_again(path, &error, &["--batch-size", "4"]);
    assert!(printed.contains("cat/cut.jpg") && printed.contains("class:    cat"), "{printed}");
    assert!(!printed.contains("op ") && !printed.contains("picture"), "{printed}");
    assert!(!path.join("replay.png").exists(), "there is nothing to see");
    let output = replay(path, &error.key().unwrap().to_string(), &["--file", "data/cat/cut.jpg", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("it prints JSON");
    assert_eq!(report["error"], error.to_string());
    assert_eq!((&report["ops"], &report["picture"]), (&serde_json::json!([]), &serde_json::Value::Null));
}

/// The samples of a batch (u8) one by one, from `replay --sample`, are those of the batch to the bit.
fn every_sample_is_the_batchs(folder: &Path, data: &str, batch: &Batch, options: &[&str]) {
    let images = Image::from_tensor(&batch.images).expect("the batch has images");
    for (n, expected) in images.iter().enumerate() {
        let key = batch.slots[n].key.to_string();
        let arguments = ["replay", data, "--key", &key, "--sample", "sample.png"];
        let report = json(folder, &[&arguments, options].concat());
        let found = decode_image(
            &std::fs::read(folder.join("sample.png")).unwrap(),
            if expected.channels() == 1 { Color::Gray } else { Color::Rgb },
            &Default::default(),
        );
        assert!(found.expect("it is a picture") == *expected, "sample {n}: {report}");
        let ops: Vec<Op> = serde_json::from_value(report["ops"].clone()).expect("ops are plain data");
        assert_eq!(ops, batch.ops(n));
        let origin = match batch.slots[n].origin {
            Origin::Real(index) => (serde_json::json!(index), serde_json::Value::Null),
            Origin::Synthetic(serial) => (serde_json::Value::Null, serde_json::json!(serial)),
        };
        assert_eq!((report["index"].clone(), report["serial"].clone()), origin);
    }
}

fn batch(builder: DataLoaderBuilder, epoch: u64, place: usize) -> Batch {
    let loader = builder.dtype(DType::U8).build().expect("the configuration is right");
    loader.epoch(epoch).nth(place).expect("the epoch is long enough").expect("nothing fails here")
}

#[test]
fn the_sample_is_that_of_the_batch() {
    let folder = scratch();
    let path = folder.path();
    pets(path);
    put(path, "pipeline.toml", PIPELINE.as_bytes());
    let made = batch(loader(path).batch_size(3).balance(Balance::Uniform), 4, 1);
    let options = ["--pipeline", "pipeline.toml", "--batch-size", "3", "--balance", "uniform"];
    every_sample_is_the_batchs(path, "data", &made, &options);

    let builder = || loader(path).batch_size(2).balance(Balance::Weights(vec![1.0, 3.0])).shuffle(false);
    let planned = builder().build().expect("the configuration is right");
    let plan = serde_json::to_string(planned.planner().config()).expect("a plan is plain data");
    put(path, "plan.json", plan.as_bytes());
    let made = batch(builder(), 0, 2);
    every_sample_is_the_batchs(path, "data", &made, &["--pipeline", "pipeline.toml", "--plan", "plan.json"]);
    put(path, "plan.toml", b"batch_size = 2\nshuffle = false\nbalance = { weights = [1, 3] }");
    every_sample_is_the_batchs(path, "data", &made, &["--pipeline", "pipeline.toml", "--plan", "plan.toml"]);
}

#[test]
fn colour_and_scaled_decoding_are_the_loaders() {
    let folder = scratch();
    let path = folder.path();
    for class in ["cat", "dog"] {
        let photo = image::imageops::resize(
            &image::DynamicImage::from(gradient(6, 8, 3)).into_rgb8(),
            320,
            240,
            image::imageops::FilterType::Triangle,
        );
        put(path, &format!("data/{class}/a.jpg"), &encode(photo, ImageFormat::Jpeg));
    }
    let toml = "[[transforms]]\nRandomResizedCrop = { size = 24 }\n[[transforms]]\nRandomInvert = {}";
    put(path, "pipeline.toml", toml.as_bytes());
    let builder = |scaled, color| {
        let set = ImageFolder::open(path.join("data")).expect("the folder has classes").with_color(color);
        let pipeline = Pipeline::from_toml(toml).expect("the pipeline is right");
        DataLoader::builder(set).transform(pipeline).batch_size(2).scaled_decoding(scaled).workers(0)
    };
    let options = ["--pipeline", "pipeline.toml", "--batch-size", "2"];
    let scaled = batch(builder(true, Color::Rgb), 0, 0);
    every_sample_is_the_batchs(path, "data", &scaled, &options);
    let whole = batch(builder(false, Color::Gray), 0, 0);
    every_sample_is_the_batchs(path, "data", &whole, &[&options[..], &["--full-decoding", "--color", "gray"]].concat());
}

#[test]
fn synthetic_samples_are_generated() {
    let folder = scratch();
    let path = folder.path();
    succeed(path, &["train", "digits", "--steps", "2"]);
    put(path, "pipeline.toml", b"[[transforms]]\nRandomRotation = { degrees = 20 }");
    let source = GeneratorSource::load(path.join("gan.safetensors")).expect("it was trained just now");
    let builder = DataLoader::builder(digits().expect("the digits are embedded"))
        .transform(Pipeline::read(path.join("pipeline.toml")).expect("the pipeline is right"))
        .mixture(ClassMixture::Share(0.5))
        .synthetic(source)
        .batch_size(6);
    let made = batch(builder, 1, 30);
    let synthetic = made.slots.iter().filter(|slot| matches!(slot.origin, Origin::Synthetic(_)));
    assert!((1..6).contains(&synthetic.clone().count()), "both kinds are in the batch");
    let options = ["--pipeline", "pipeline.toml", "--batch-size", "6", "--share", "0.5"];
    every_sample_is_the_batchs(path, "digits", &made, &[&options[..], &["--gan", "gan.safetensors"]].concat());

    let key = synthetic.clone().next().unwrap().key.to_string();
    let key = key.as_str();
    refuse(path, &[&["replay", "digits", "--key", key], &options[..]].concat(), &["synthetic", "--gan", key]);
    // As an error of the source prints it.
    let other = key.replace("transform", "synthetic");
    let arguments = ["replay", "digits", "--key", &other, "--gan", "gan.safetensors"];
    let printed = succeed(path, &[&arguments, &options[..]].concat());
    assert!(printed.contains("synthetic sample") && printed.contains("Rotate"), "{printed}");
    pets(path);
    let words = ["gan.safetensors", "other classes"];
    refuse(path, &["replay", "data", "--key", "0:0:1:transform", "--gan", "gan.safetensors"], &words);
}

#[cfg(unix)]
#[test]
fn preview_ends_its_error_with_the_command() {
    let folder = scratch();
    let path = folder.path();
    pets(path);
    std::fs::rename(path.join("data"), path.join("my pets")).unwrap();
    put(path, "my pets/dog/small.png", &png(gradient(17, 30, 3)));
    put(path, "pipeline.toml", PIPELINE.as_bytes());
    let message = refuse(path, &["preview", "my pets", "--pipeline", "pipeline.toml"], &["dog/small.png"]);
    let (error, command) = message.trim_end().rsplit_once('\n').expect("the command has a line of its own");
    let command = command.split_once("candle-augment ").expect("it is a command").1;
    let script = format!("\"$0\" {command}");
    let again = std::process::Command::new("sh")
        .args(["-c", &script])
        .arg(program(path, &[]).get_program())
        .current_dir(path)
        .output()
        .unwrap();
    assert_eq!(stderr(&again).trim_end(), error, "{command}");
    assert!(stdout(&again).contains("<- fails"));
}

#[test]
fn what_cannot_be_replayed_is_refused() {
    let folder = scratch();
    let path = folder.path();
    pets(path);
    put(path, "other.png", &png(gradient(8, 8, 3)));
    put(path, "plan.json", b"{\"batchsize\": 3}");
    put(path, "plan.toml", b"batch_size = 0");
    let cases: [(&[&str], &[&str]); 12] = [
        (&["--key", "7:0:42"], &["not a sample key", "seed:epoch:position:purpose"]),
        (&["--key", "7:0:-1:transform"], &["not a sample key"]),
        (&["--key", "7:0:1:shuffle"], &["names no sample", "transform or synthetic"]),
        (&["--key", "7:0:7:transform"], &["data", "beyond the epoch", "7 samples", "--file or --index"]),
        (&["--key", "7:0:18446744073709551615:transform"], &["beyond the epoch"]),
        (&["--key", "7:0:1:transform", "--index", "7"], &["data", "index below 7", "got 7"]),
        (&["--key", "7:0:1:transform", "--file", "other.png"], &["other.png", "no such image", "--index"]),
        (&["--key", "7:0:1:transform", "--file", "missing.png"], &["missing.png", "no such image", "--index"]),
        (&["--key", "7:0:1:transform", "--index", "1", "--batch-size", "3"], &["cannot be used with"]),
        (&["--key", "7:0:1:transform", "--plan", "plan.json"], &["plan.json", "`batchsize`", "`batch_size`"]),
        (&["--key", "7:0:1:transform", "--plan", "plan.toml"], &["batch size of at least 1"]),
        (&["--key", "7:0:1:transform", "--share", "2"], &["share in [0, 1]"]),
    ];
    for (options, words) in cases {
        refuse(path, &[&["replay", "data"], options].concat(), words);
    }
    let key = ["--key", "7:0:1:transform"];
    refuse(path, &[&["replay", "digits", "--file", "other.png"], &key[..]].concat(), &["not in files", "--index"]);
    refuse(path, &[&["replay", "data", "--out", "missing/a.png"], &key[..]].concat(), &["missing", "--out"]);
    refuse(path, &["replay", "data"], &["--key"]);
    assert!(!path.join("replay.png").exists());
}
