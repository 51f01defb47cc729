//! Measures what each choice in the GAN's recipe is worth: trains a GAN for a number of steps by each variant and prints a row of
//! a Markdown table for it, with the mean over the seeds and, in brackets, the worst.
//!
//! - *class right*: the share of 2,000 samples that a classifier of all real images takes for the class they were made for;
//! - *classifier*: the accuracy on the real test images of a classifier trained on 5,000 samples alone;
//! - *variety*: the mean distance of two samples of a class, in the first classifier's features, beside that of real images;
//! - *ms*: the time of a step on this machine.
//!
//!     cargo run --release --example gan_ablation -- mnist --per-class 100 --steps 1500 --seeds 3

use std::iter;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use candle_augment::gan::{
    Architecture, Augmentation, Autoencoder, Budget, Conditioning, DiscriminatorNorm, Examiner, GanConfig, Loss,
    Regularizers, Supervisor, Trainer,
};
use candle_augment::{
    Balance, Classifier, ClassifierConfig, ClassifierTrainer, DataLoader, Dataset, DatasetExt, Image, InMemory,
    Normalize, Part, Purpose, RandomHorizontalFlip, Resize, Result, SampleKey, Size, SyntheticRequest, SyntheticSource,
    endless, open_data,
};
use candle_core::{DType, Device};
use clap::Parser;

/// As in the program: glibc's allocator gives pages back that the next step asks for again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Args {
    /// Images with a training and a test part
    data: PathBuf,
    /// Side in pixels to which all images are brought
    #[arg(long, default_value_t = 28)]
    size: usize,
    /// Train on so many images of each class
    #[arg(long)]
    per_class: Option<usize>,
    /// Let all images join without their labels, with this weight
    #[arg(long, value_name = "WEIGHT")]
    unlabelled: Option<f64>,
    #[arg(long, default_value_t = 1500)]
    steps: u64,
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Steps of each classifier
    #[arg(long, default_value_t = 600)]
    judge_steps: usize,
    /// Train under the supervisor, which keeps the best generator instead of the last
    #[arg(long)]
    supervised: bool,
    /// A further row for each, of the same GAN's samples of noise within ± this; only with --supervised
    #[arg(long, requires = "supervised", value_parser = truncation)]
    truncation: Vec<f64>,
    /// Only these variants
    #[arg(long)]
    only: Vec<String>,
}

/// What a variant changes. A quarter of the steps are those of an autoencoder, from which the GAN starts, save for two names:
/// "cold start" has none, and "interpolation" no others.
type Change = fn(&mut GanConfig);

const COLD_START: &str = "cold start";
const INTERPOLATION: &str = "interpolation";

const VARIANTS: &[(&str, Change)] = &[
    ("default", |_| ()),
    (COLD_START, |_| ()),
    (INTERPOLATION, |_| ()),
    ("minimax", |c| c.loss = Loss::Minimax),
    ("hinge", |c| c.loss = Loss::Hinge),
    ("least-squares", |c| c.loss = Loss::LeastSquares),
    ("relativistic", |c| c.loss = Loss::Relativistic),
    ("transposed", |c| c.architecture = Architecture::Transposed),
    ("residual", |c| c.architecture = Architecture::Residual),
    ("class-norm", |c| c.conditioning = Conditioning::BatchNorm),
    ("spectral", |c| c.discriminator_norm = DiscriminatorNorm::Spectral),
    ("spectral+r1r2", |c| {
        c.discriminator_norm = DiscriminatorNorm::Spectral;
        c.loss = Loss::Relativistic;
        c.regularizers = Regularizers { r1: 0.5, r2: 0.5, ..Default::default() };
    }),
    ("r1r2", |c| c.regularizers = Regularizers { r1: 0.5, r2: 0.5, ..Default::default() }),
    ("lecam", |c| c.regularizers.lecam = 0.3),
    ("noise-0", |c| c.noise = 0.0),
    ("noise-0.1", |c| c.noise = 0.1),
    ("noise-0.3", |c| c.noise = 0.3),
    ("narrow", |c| c.discriminator_width /= 2),
    ("translation", |c| c.augmentation.translation = true),
    ("translation+cutout", |c| c.augmentation = Augmentation { translation: true, cutout: true, ..Default::default() }),
    ("translation, noise-0.1", |c| {
        c.augmentation.translation = true;
        c.noise = 0.1;
    }),
    ("translation+cutout, noise-0", |c| {
        c.augmentation = Augmentation { translation: true, cutout: true, ..Default::default() };
        c.noise = 0.0;
    }),
    ("adaptive", |c| {
        let target = Some(0.6);
        c.augmentation = Augmentation { color: true, translation: true, cutout: true, probability: 0.0, target };
    }),
    ("consistency", |c| {
        c.augmentation = Augmentation { translation: true, cutout: true, ..Default::default() };
        c.regularizers.consistency = 1.0;
    }),
    ("label-ramp", |c| c.label_ramp = 0.3),
    ("ttur", |c| c.generator_rate = c.discriminator_rate / 4.0),
    ("constant-rate", |c| c.final_rate = 1.0),
    ("final-rate-0.02", |c| c.final_rate = 0.02),
    ("average-0.05", |c| c.average = 0.05),
    ("rate-1e-3", |c| {
        c.generator_rate = 1e-3;
        c.discriminator_rate = 1e-3;
    }),
    ("rate-1e-3, final-0.02", |c| {
        c.generator_rate = 1e-3;
        c.discriminator_rate = 1e-3;
        c.final_rate = 0.02;
    }),
];

/// A truncation as a source takes it.
fn truncation(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|value| *value >= 0.01).ok_or_else(|| "expected at least 0.01, such as 1.5".to_owned())
}

fn main() -> Result<()> {
    let args = Args::parse();
    let all = resized(open_data(&args.data, Part::Train)?, args.size)?;
    let test = resized(open_data(&args.data, Part::Test)?, args.size)?;
    let judge = Judge::new(&all, test, args.judge_steps)?;
    println!("| variant | class right | classifier | variety | ms |");
    println!("|---|---|---|---|---|");
    for (name, change) in VARIANTS {
        if !args.only.is_empty() && !args.only.iter().any(|only| only == name) {
            continue;
        }
        let rows_of_seeds: Vec<Vec<Row>> =
            (0..args.seeds).map(|seed| measure(&args, &all, &judge, seed, (name, *change))).collect::<Result<_>>()?;
        println!("| {name} | {} |", summary(rows_of_seeds.iter().map(|rows| &rows[0])));
        for (index, truncation) in args.truncation.iter().enumerate() {
            println!(
                "| {name}, truncation {truncation} | {} |",
                summary(rows_of_seeds.iter().map(|rows| &rows[1 + index]))
            );
        }
    }
    Ok(())
}

/// All images, in memory.
fn resized(set: Arc<dyn Dataset>, size: usize) -> Result<Arc<dyn Dataset>> {
    let resize = Resize::exact(size, size)?;
    let loader = DataLoader::builder(Arc::clone(&set)).transform(resize).dtype(DType::U8).shuffle(false).build()?;
    let mut images = Vec::new();
    for batch in loader.epoch(0) {
        images.append(&mut Image::from_tensor(&batch?.images)?);
    }
    let labels = (0..set.len()).map(|index| set.label(index)).collect();
    Ok(Arc::new(InMemory::from_images(images, labels, set.classes().to_vec())?))
}

struct Row {
    agreement: f64,
    accuracy: f64,
    diversity: f64,
    milliseconds: f64,
}

fn summary<'a>(rows: impl Iterator<Item = &'a Row> + Clone) -> String {
    let column = |of: fn(&Row) -> f64| {
        let values: Vec<f64> = rows.clone().map(of).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, values.into_iter().fold(f64::INFINITY, f64::min))
    };
    let percent = |(mean, worst): (f64, f64)| format!("{:.1} % ({:.1})", 100.0 * mean, 100.0 * worst);
    let (agreement, accuracy) = (percent(column(|row| row.agreement)), percent(column(|row| row.accuracy)));
    let (diversity, least) = column(|row| row.diversity);
    let (milliseconds, _) = column(|row| row.milliseconds);
    format!("{agreement} | {accuracy} | {diversity:.2} ({least:.2}) | {milliseconds:.0}")
}

/// A row of all samples, then one for each truncation.
fn measure(
    args: &Args,
    all: &Arc<dyn Dataset>,
    judge: &Judge,
    seed: u64,
    (name, change): (&str, Change),
) -> Result<Vec<Row>> {
    let set: Arc<dyn Dataset> = match args.per_class {
        Some(count) => Arc::new(Arc::clone(all).per_class(count, seed)?),
        None => Arc::clone(all),
    };
    let first = set.load(0)?;
    let preset = GanConfig::new(first.height(), first.channels(), set.classes()).for_images(set.len());
    let mut config = GanConfig { seed, ..preset };
    config.unlabelled = args.unlabelled.unwrap_or(config.unlabelled);
    change(&mut config);
    let loader = loader(&set, config.batch_size, seed)?;
    let beside = args.unlabelled.map(|_| self::loader(all, config.batch_size, seed + 1)).transpose()?;
    let mut beside = beside.as_ref().map(endless);
    let before = match name {
        COLD_START => 0,
        INTERPOLATION => args.steps,
        _ => args.steps / 4,
    };
    if args.supervised {
        if args.unlabelled.is_some() || name == INTERPOLATION {
            return Err(candle_augment::Error::config(format!(
                "{name}: not under the supervisor: leave --supervised out"
            )));
        }
        return supervised(args, &loader, config, judge, (seed, before));
    }
    let mut autoencoder = Autoencoder::new(config.clone(), &Device::Cpu)?;
    autoencoder.plan(before);
    let mut trainer = Trainer::new(config, &Device::Cpu)?;
    trainer.plan(args.steps - before);
    let mut seconds = 0.0;
    for (batch, step) in endless(&loader).zip(0..args.steps) {
        let batch = batch?;
        let unlabelled = beside.as_mut().and_then(Iterator::next).transpose()?.map(|batch| batch.images);
        let started = Instant::now();
        if step < before {
            autoencoder.step(&batch)?;
        } else {
            if step == before && before > 0 {
                trainer.start_from(&autoencoder)?;
            }
            trainer.step_with(&batch, unlabelled.as_ref())?;
        }
        seconds += started.elapsed().as_secs_f64();
    }
    let source: Box<dyn SyntheticSource> = match name {
        INTERPOLATION => Box::new(autoencoder.interpolation(loader.epoch(0))?),
        _ => Box::new(trainer.source()?),
    };
    let mut row = judge.row(&*source, args.judge_steps, seed)?;
    row.milliseconds = 1e3 * seconds / args.steps as f64;
    Ok(vec![row])
}

/// As the program trains, but with no images held out.
fn supervised(
    args: &Args,
    loader: &DataLoader,
    config: GanConfig,
    judge: &Judge,
    (seed, before): (u64, u64),
) -> Result<Vec<Row>> {
    let examiner = Examiner::train(&config, endless(loader), 100, &Device::Cpu)?;
    let started = Instant::now();
    let mut autoencoder = Autoencoder::new(config.clone(), &Device::Cpu)?;
    autoencoder.plan(before);
    for batch in endless(loader).take(before as usize) {
        autoencoder.step(&batch?)?;
    }
    let mut trainer = Trainer::new(config, &Device::Cpu)?;
    if before > 0 {
        trainer.start_from(&autoencoder)?;
    }
    let mut supervisor = Supervisor::new(trainer, examiner, None, Budget::Steps(args.steps - before))?;
    for batch in endless(loader) {
        let progress = supervisor.step(&batch?)?;
        progress.events.iter().for_each(|event| eprintln!("{event}"));
        if progress.finished {
            break;
        }
    }
    let milliseconds = 1e3 * started.elapsed().as_secs_f64() / args.steps as f64;
    let mut rows = Vec::new();
    for truncation in iter::once(None).chain(args.truncation.iter().copied().map(Some)) {
        let source = supervisor.source()?;
        let source = match truncation {
            Some(truncation) => source.with_truncation(truncation)?,
            None => source,
        };
        rows.push(Row { milliseconds, ..judge.row(&source, args.judge_steps, seed)? });
    }
    Ok(rows)
}

fn loader(set: &Arc<dyn Dataset>, batch_size: usize, seed: u64) -> Result<DataLoader> {
    // As the program does: what is right for photographs would make other letters of letters.
    let flips = if set.load(0)?.channels() == 3 { 0.5 } else { 0.0 };
    DataLoader::builder(Arc::clone(set))
        .transform(RandomHorizontalFlip::new(flips)?)
        .batch_size(batch_size.min(set.len()))
        .balance(Balance::Uniform)
        .drop_last(true)
        .normalize(Normalize::signed())
        .workers(1)
        .seed(seed)
        .build()
}

fn train_classifier(set: &Arc<dyn Dataset>, steps: usize, seed: u64) -> Result<Classifier> {
    let first = set.load(0)?;
    let size = Size::new(first.height(), first.width());
    let config = ClassifierConfig { steps, seed, ..ClassifierConfig::new(size, first.channels(), set.classes().len()) };
    let mut trainer = ClassifierTrainer::new(config, &Device::Cpu)?;
    for batch in endless(&loader(set, 64, seed)?).take(steps) {
        trainer.step(&batch?)?;
    }
    Ok(trainer.finish())
}

/// Judges samples by real images.
struct Judge {
    classifier: Classifier,
    examiner: Examiner,
    test: DataLoader,
}

impl Judge {
    fn new(all: &Arc<dyn Dataset>, test: Arc<dyn Dataset>, steps: usize) -> Result<Self> {
        let first = all.load(0)?;
        let config = GanConfig::new(first.height(), first.channels(), all.classes());
        let examiner = Examiner::train(&config, endless(&loader(all, 64, 0)?), steps, &Device::Cpu)?;
        let classifier = train_classifier(all, steps, 0)?;
        let test = DataLoader::builder(test).batch_size(256).shuffle(false).normalize(Normalize::signed()).workers(1);
        let judge = Self { classifier, examiner, test: test.build()? };
        let real = judge.classifier.evaluate(judge.test.epoch(0))?.accuracy().unwrap_or(0.0);
        eprintln!("the judge is right on {:.1} % of the real test images", 100.0 * real);
        Ok(judge)
    }

    fn row(&self, source: &dyn SyntheticSource, steps: usize, seed: u64) -> Result<Row> {
        let classes = source.classes().len() as u64;
        let request = |i: u64| SyntheticRequest {
            label: (i % classes) as u32,
            serial: i / classes,
            key: SampleKey { seed: seed + 1000, epoch: 0, position: i, purpose: Purpose::Synthetic },
        };
        let requests: Vec<_> = (0..5000).map(request).collect();
        let images = source.generate(&requests)?;
        let labels: Vec<u32> = requests.iter().map(|request| request.label).collect();
        let agreement = self.classifier.label_agreement(&images[..2000], &labels[..2000])?.accuracy().unwrap_or(0.0);
        let diversity = self.examiner.score(source, 0)?.diversity;
        let samples: Arc<dyn Dataset> = Arc::new(InMemory::from_images(images, labels, source.classes().to_vec())?);
        let trained = train_classifier(&samples, steps, seed)?;
        let accuracy = trained.evaluate(self.test.epoch(0))?.accuracy().unwrap_or(0.0);
        Ok(Row { agreement, accuracy, diversity, milliseconds: 0.0 })
    }
}
