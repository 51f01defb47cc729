//! `replay`: the one sample that a key names, made again step by step.

mod report;
mod steps;

use std::io::Cursor;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_augment::gan::GeneratorSource;
use candle_augment::report::write_file;
use candle_augment::{
    Color, DataLoader, Dataset, Error, ErrorKind, Image, ImageFolder, Origin, Part, Pipeline, Planner, Purpose, Result,
    SampleKey, Slot, SyntheticRequest, SyntheticSource, open_data,
};

use report::Report;
use steps::Steps;

use super::classic::ClassicArgs;
use super::output;
use super::plan::PlanArgs;
use super::words::quoted;

/// Make the one sample again that a key names, step by step
///
/// An error of the loader names the sample by its key, `seed:epoch:position:purpose`. Of DATA, the transforms and the plan of that
/// loader the key gives back the image and what was drawn for it. They are printed, and drawn after each operation; what fails fails
/// again, and the picture shows how far it came.
///
/// Where the loader read other images than DATA as a whole, or in another order, name the image with --file or --index, as the error
/// does; the plan is not needed then. Blends of whole batches, such as MixUp, are not made again.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  candle-augment replay photos/train --key 7:0:42:transform --pipeline pipeline.toml --batch-size 64 --balance uniform
  candle-augment replay photos/train --key 7:0:42:transform --pipeline pipeline.toml --file photos/train/cat/a.jpg
  candle-augment replay mnist --key 0:3:991:transform --index 12 --rotate 30 --out sample.png
  candle-augment replay mnist --key 0:3:991:transform --share 0.3 --gan gan.safetensors

A plan that the options cannot say is read from a file, as serde_json::to_string(loader.planner().config()) writes it.")]
pub struct Args {
    /// Class folders, IDX, CIFAR or NumPy files, or `digits`: see `candle-augment --help`
    data: PathBuf,
    /// The sample's key, as the error prints it
    #[arg(long, value_name = "KEY")]
    key: SampleKey,
    /// The image with this index, whatever the plan says
    #[arg(long, value_name = "N", conflicts_with = "PlanArgs")]
    index: Option<usize>,
    /// The image of this file of DATA, whatever the plan says
    #[arg(long, value_name = "FILE", conflicts_with_all = ["PlanArgs", "index"])]
    file: Option<PathBuf>,
    /// Bring the images of class folders to these channels, gray or rgb [default: gray if all are]
    #[arg(long, value_name = "COLOR", value_parser = color)]
    color: Option<Color>,
    /// The generator that makes the synthetic samples, a checkpoint that `train` wrote
    #[arg(long, value_name = "FILE")]
    gan: Option<PathBuf>,
    /// Decode large JPEG files in full, as a loader with a cache or without scaled decoding does
    #[arg(long)]
    full_decoding: bool,
    /// The picture to write, a .png: the image, and after each operation
    #[arg(long, value_name = "FILE", default_value = "replay.png")]
    out: PathBuf,
    /// Write the sample by itself as well, a .png with its very pixels
    #[arg(long, value_name = "FILE")]
    sample: Option<PathBuf>,
    /// The transforms of this file, .toml or .json, instead of the classic ones
    #[arg(long, value_name = "FILE", conflicts_with = "ClassicArgs")]
    pipeline: Option<PathBuf>,
    /// Print the result as JSON, as the only thing on standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    classic: ClassicArgs,
}

pub fn run(args: &Args) -> Result<()> {
    output::check_file(&args.out, "png")?;
    args.sample.iter().try_for_each(|sample| output::check_file(sample, "png"))?;
    let key = sample_key(args.key)?;
    let pipeline = args.pipeline.as_ref().map(Pipeline::read).transpose()?;
    let set = args.open_set()?;
    let slot = args.slot(&*set, key)?;
    let source = args.gan.as_ref().map(GeneratorSource::load).transpose()?.map(Arc::new);
    let original = original(&*set, source.as_deref(), &slot)?;
    let pipeline = match pipeline {
        Some(pipeline) => pipeline,
        None => args.classic.full(channels(&*set, original.as_ref())?).transform()?,
    };
    let loader = args.loader(Arc::clone(&set), pipeline.clone(), source)?;
    let made = loader.sample(&slot);
    let steps = original.map(|image| Steps::new(image, &pipeline, &set.classes()[slot.label as usize], &slot));
    let steps = match (steps, &made) {
        // What the loader decoded at a smaller scale is not quite what comes of the whole image.
        (Some(steps), Ok(sample)) => Some(steps.ending_in(&sample.image)),
        (steps, _) => steps,
    };
    if let Some(steps) = &steps {
        steps.picture(&*set, &slot, made.as_ref().err()).save_png(&args.out)?;
    }
    if let (Some(path), Ok(sample)) = (&args.sample, &made) {
        write_file(path, &png(sample.image.clone())?)?;
    }
    let report = Report::new(args, &*set, &slot, steps, made.as_ref().err());
    output::print(&report, args.json)?;
    made.map(drop)
}

/// Adds to an error of one sample of DATA the command that makes it again; `transforms` are the options that choose them.
pub fn advise(error: Error, data: &Path, transforms: Vec<String>) -> Error {
    let (Some(key), Some(index)) = (error.key(), error.index()) else { return error };
    let fixed = [data.display().to_string(), "--key".into(), key.to_string(), "--index".into(), index.to_string()];
    let words: Vec<String> = fixed.into_iter().chain(transforms).map(|word| quoted(&word)).collect();
    let message = format!("{error}\nTo see this sample alone: candle-augment replay {}", words.join(" "));
    Error::new(error.kind(), message).with_source(error)
}

/// The key of the sample, of whichever of its random decisions the key was.
fn sample_key(key: SampleKey) -> Result<SampleKey> {
    match key.purpose {
        Purpose::Transform | Purpose::Synthetic => Ok(key.with_purpose(Purpose::Transform)),
        _ => Err(Error::config(format!(
            "the key {key} names no sample: give one that ends in transform or synthetic, as the loader's errors print it"
        ))),
    }
}

fn color(text: &str) -> Result<Color, String> {
    match text {
        "gray" => Ok(Color::Gray),
        "rgb" => Ok(Color::Rgb),
        _ => Err("expected gray or rgb".to_owned()),
    }
}

/// The image as it is before the transforms, where it can be made.
fn original(set: &dyn Dataset, source: Option<&GeneratorSource>, slot: &Slot) -> Result<Option<Image>> {
    match slot.origin {
        Origin::Real(index) => Ok(seen(|| set.load(index))),
        Origin::Synthetic(serial) => {
            let source = source.ok_or_else(|| {
                Error::config(format!(
                    "the plan has synthetic sample {serial} of class {:?} here: give the generator that makes it with --gan",
                    set.classes()[slot.label as usize]
                ))
                .with_key(slot.key)
            })?;
            let key = slot.key.with_purpose(Purpose::Synthetic);
            let images = seen(|| source.generate(&[SyntheticRequest { label: slot.label, serial, key }]));
            Ok(images.and_then(|images| images.into_iter().next()))
        }
    }
}

/// What comes of `make`; nothing where it fails or panics, which the loader tells.
fn seen<T>(make: impl FnOnce() -> Result<T>) -> Option<T> {
    panic::catch_unwind(AssertUnwindSafe(make)).ok().and_then(Result::ok)
}

/// The channels that the classic transforms are for.
fn channels(set: &dyn Dataset, original: Option<&Image>) -> Result<usize> {
    Ok(match original {
        Some(image) => image.channels(),
        None => set.load(0)?.channels(),
    })
}

fn png(image: Image) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = image::DynamicImage::from(image);
    picture.write_to(&mut bytes, image::ImageFormat::Png).map_err(|source| {
        Error::new(ErrorKind::Io, format!("cannot encode the sample as PNG: {source}")).with_source(source)
    })?;
    Ok(bytes.into_inner())
}

impl Args {
    fn open_set(&self) -> Result<Arc<dyn Dataset>> {
        match self.color {
            Some(color) => Ok(Arc::new(ImageFolder::open(&self.data)?.with_color(color))),
            None => open_data(&self.data, Part::Train),
        }
    }

    /// What stands in the key's place.
    fn slot(&self, set: &dyn Dataset, key: SampleKey) -> Result<Slot> {
        let index = match (&self.file, self.index) {
            (Some(file), _) => Some(index_of(set, file).map_err(|error| error.with_path(file))?),
            (None, Some(index)) if index >= set.len() => {
                let message = format!("expected an index below {}, the number of images, got {index}", set.len());
                return Err(Error::config(message).with_path(&self.data));
            }
            (None, index) => index,
        };
        match index {
            Some(index) => Ok(Slot { label: set.label(index), origin: Origin::Real(index), key }),
            None => self.planned(set, key),
        }
    }

    fn planned(&self, set: &dyn Dataset, key: SampleKey) -> Result<Slot> {
        let labels: Vec<u32> = (0..set.len()).map(|index| set.label(index)).collect();
        let planner = Planner::new(&labels, set.classes(), self.plan.config(key.seed)?)?;
        planner.epoch(key.epoch).slot_at(key.position).ok_or_else(|| {
            Error::config(format!(
                "the key {key} is beyond the epoch, which has {} samples: give DATA and the plan that the loader had, or \
                 name the image with --file or --index",
                planner.epoch_samples()
            ))
            .with_path(&self.data)
        })
    }

    /// A loader that makes the sample as the user's did; its plan does not matter.
    fn loader(
        &self,
        set: Arc<dyn Dataset>,
        pipeline: Pipeline,
        source: Option<Arc<GeneratorSource>>,
    ) -> Result<DataLoader> {
        let builder = DataLoader::builder(set).transform(pipeline).scaled_decoding(!self.full_decoding).workers(0);
        match (source, &self.gan) {
            (Some(source), Some(file)) => builder.synthetic(source).build().map_err(|error| error.with_path(file)),
            _ => builder.build(),
        }
    }
}

/// The index of the image of a file, by whichever way the file is named.
fn index_of(set: &dyn Dataset, file: &Path) -> Result<usize> {
    let real = file.canonicalize().ok();
    let is_it = |path: &Path| {
        path == file || (path.file_name() == file.file_name() && real.is_some() && path.canonicalize().ok() == real)
    };
    let found = (0..set.len()).find(|&index| set.path(index).is_some_and(|path| is_it(&path)));
    found.ok_or_else(|| {
        Error::config(match set.path(0) {
            Some(_) => "DATA has no such image file: give one that it has, or an index with --index",
            None => "the images of DATA are not in files of their own: give an index with --index",
        })
    })
}
