//! A classifier trained on real images says what the samples of a GAN look like.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_augment::gan::GeneratorSource;
use candle_augment::{
    Classifier, ClassifierConfig, ClassifierTrainer, Color, Confusion, DataLoader, Dataset, Error, ErrorKind,
    Normalize, Result, Size, SyntheticSource, endless,
};
use candle_core::Device;
use serde::Serialize;

use super::common::Common;
use super::data::{self, Parts};
use super::pictures;
use super::progress::{Goal, Progress};
use super::table::Table;
use super::words;

const STEPS: usize = 600;
const BATCH: usize = 64;
/// Samples that are made at a time.
const CHUNK: usize = 256;

/// How often the judge says the label that a sample was made for.
#[derive(Serialize)]
pub struct Agreement {
    judge: PathBuf,
    /// The share of real images, of which the judge had seen none, that it labels rightly.
    judge_accuracy: f64,
    held_out_images: u64,
    samples: u64,
    /// The share of the samples.
    agreement: f64,
    classes: Vec<ClassAgreement>,
}

#[derive(Serialize)]
struct ClassAgreement {
    class: String,
    agreement: f64,
    /// The class that the judge says most often instead, and the share of samples.
    taken_for: Option<(String, f64)>,
}

/// Trains a judge on the images of `data` and shows it `count` samples, the classes taking turns.
pub fn judge(source: &GeneratorSource, data: &Path, count: usize, common: &Common) -> Result<Agreement> {
    let parts = data::open_parts(data, None, common.seed)?;
    if parts.train.classes() != source.classes() {
        return Err(Error::new(
            ErrorKind::Checkpoint,
            format!(
                "the GAN knows the classes {:?}, the judge's images have {:?}: give --judge images of the same classes",
                source.classes(),
                parts.train.classes()
            ),
        )
        .with_path(data));
    }
    let (classifier, real) = train_judge(&parts, source, common)?;
    let synthetic = show_samples(&classifier, source, count, common.seed)?;
    Ok(Agreement {
        judge: data.into(),
        judge_accuracy: real.accuracy().unwrap_or(0.0),
        held_out_images: real.total(),
        samples: synthetic.total(),
        agreement: synthetic.accuracy().unwrap_or(0.0),
        classes: class_agreements(source.classes(), &synthetic),
    })
}

fn train_judge(parts: &Parts, source: &GeneratorSource, common: &Common) -> Result<(Classifier, Confusion)> {
    let config = source.config();
    let size = Size::square(config.size);
    let color = if config.channels == 1 { Color::Gray } else { Color::Rgb };
    let workers = common.workers();
    let train = data::read(&parts.train, config.size, color, workers)?;
    let held_out = data::read(&parts.held_out, config.size, color, workers)?;
    let loader = |set: &Arc<dyn Dataset>| {
        DataLoader::builder(Arc::clone(set)).normalize(Normalize::signed()).workers(workers).seed(common.seed)
    };
    let loader_of_train = loader(&train).batch_size(BATCH.min(train.len())).drop_last(true).build()?;
    let config = ClassifierConfig {
        steps: STEPS,
        seed: common.seed,
        ..ClassifierConfig::new(size, config.channels, config.classes.len())
    };
    let mut trainer = ClassifierTrainer::new(config, &Device::Cpu)?;
    let mut progress = Progress::new("train the judge", "steps", Goal::Count(STEPS as u64));
    for (step, batch) in endless(&loader_of_train).take(STEPS).enumerate() {
        let loss = trainer.step(&batch?)?;
        progress.update(step as u64 + 1, || format!("loss {loss:.3}"));
    }
    progress.finish(&format!("{STEPS} steps"));
    let classifier = trainer.finish();
    let real = classifier.evaluate(loader(&held_out).batch_size(CHUNK).shuffle(false).build()?.epoch(0))?;
    Ok((classifier, real))
}

fn show_samples(classifier: &Classifier, source: &GeneratorSource, count: usize, seed: u64) -> Result<Confusion> {
    let classes = source.classes().len();
    let requests: Vec<_> =
        (0..count).map(|i| pictures::request((i % classes) as u32, (i / classes) as u64, seed)).collect();
    let mut images = Vec::with_capacity(count);
    for requests in requests.chunks(CHUNK) {
        images.append(&mut source.generate(requests)?);
    }
    let labels: Vec<u32> = requests.iter().map(|request| request.label).collect();
    classifier.label_agreement(&images, &labels)
}

fn class_agreements(names: &[String], confusion: &Confusion) -> Vec<ClassAgreement> {
    let of_class = |(class, name): (usize, &String)| {
        let class = class as u32;
        let others = (0..names.len() as u32).filter(|&other| other != class);
        let taken = others.max_by_key(|&other| (confusion.count(class, other), std::cmp::Reverse(other)));
        let total: u64 = (0..names.len() as u32).map(|other| confusion.count(class, other)).sum();
        let taken_for = taken
            .filter(|&other| confusion.count(class, other) > 0)
            .map(|other| (names[other as usize].clone(), confusion.count(class, other) as f64 / total as f64));
        ClassAgreement { class: name.clone(), agreement: confusion.recall(class).unwrap_or(0.0), taken_for }
    };
    names.iter().enumerate().map(of_class).collect()
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        writeln!(
            f,
            "A classifier trained on {} is right on {} of {} real images that it never saw.",
            self.judge.display(),
            percent(self.judge_accuracy),
            self.held_out_images
        )?;
        let samples = words::count(self.samples, "sample", "samples");
        writeln!(f, "Of {samples} it says the intended label for {}:\n", percent(self.agreement))?;
        let mut table = Table::new(["class", "agreement", "most often taken for"]);
        for class in &self.classes {
            let taken = class.taken_for.as_ref().map(|(name, share)| format!("{name} ({})", percent(*share)));
            table.push([class.class.clone(), percent(class.agreement), taken.unwrap_or_default()]);
        }
        write!(f, "{table}")
    }
}
