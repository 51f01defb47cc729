//! Measures what ways to mix samples of a trained GAN into real images are worth to a classifier, beside classic transforms alone, and
//! prints the table of the comparison.
//!
//!     candle-augment train mnist --per-class 50 --steps 2700 --out gan.safetensors
//!     cargo run --release --example mixing_ablation -- mnist gan.safetensors --per-class 50 --seeds 5

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::sync::Arc;

use candle_augment::compare::{Arm, CompareConfig, CompareData, Progress, Synthetic, Training, compare};
use candle_augment::gan::GeneratorSource;
use candle_augment::quality::{Filter, FilteredSource, Fold, PoolConfig, QualityConfig, cross_fit};
use candle_augment::{
    ClassMixture, ColorJitter, DataLoader, Dataset, DatasetExt, Error, Image, InMemory, Interpolation, Mixture, Part,
    Pipeline, Purpose, RandomHorizontalFlip, RandomRotation, Resize, Result, SampleKey, Size, SyntheticRequest,
    SyntheticSource, Transform, open_data,
};
use candle_core::DType;
use clap::Parser;

/// As in the program: glibc's allocator gives pages back that the next step asks for again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Args {
    /// Images with a training and a test part
    data: PathBuf,
    /// The GAN, trained on the same training images
    gan: PathBuf,
    /// Images to measure on, instead of the test part
    #[arg(long)]
    test: Option<PathBuf>,
    /// Train on so many images of each class, as the GAN was
    #[arg(long, conflicts_with = "counts")]
    per_class: Option<usize>,
    /// Train on so many images of each class, in the order of the labels
    #[arg(long, value_delimiter = ',')]
    counts: Option<Vec<usize>>,
    #[arg(long, default_value_t = 400)]
    steps: usize,
    #[arg(long, default_value_t = 5)]
    seeds: usize,
    /// Only these arms, beside the classic transforms
    #[arg(long)]
    only: Vec<String>,
    /// Write every figure of every seed into this file, as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let in_file = |path: &PathBuf, error| Error::io("write the file", path, error);
    if let Some(path) = &args.json {
        // Now, not after all that was measured, it shows whether it can be written.
        OpenOptions::new().append(true).create(true).open(path).map_err(|error| in_file(path, error))?;
    }
    let gan = Arc::new(GeneratorSource::load(&args.gan)?);
    let size = gan.config().size;
    let train = open_data(&args.data, Part::Train)?;
    let train: Arc<dyn Dataset> = match (&args.per_class, &args.counts) {
        (Some(count), _) => Arc::new(train.per_class(*count, 0)?),
        (_, Some(counts)) => Arc::new(train.per_class_counts(counts, 0)?),
        _ => train,
    };
    let test = open_data(args.test.as_ref().unwrap_or(&args.data), Part::Test)?;
    let default = CompareConfig::new(Size::square(size));
    let training = Training { steps: args.steps, ..default.training };
    let sources = Sources::new(&train, gan, size)?;
    let classic = Arm::classic(classic(sources.gan.config().channels)?);
    let mut arms = arms(&classic, &sources, &*train);
    if let Some(unknown) = args.only.iter().find(|only| arms.iter().all(|arm| arm.name() != *only)) {
        let names: Vec<&str> = arms.iter().map(Arm::name).collect();
        return Err(Error::config(format!("--only {unknown}: there are {}", names.join("; "))));
    }
    arms.retain(|arm| args.only.is_empty() || args.only.iter().any(|only| only == arm.name()));
    arms.insert(0, classic);
    let config = CompareConfig { training, seeds: args.seeds, learning_rates: vec![0.004] };
    let comparison = compare(config, &CompareData::new(train, test)?, &arms, |event| {
        if let Progress::Measured(record) = event {
            eprintln!("{} runs", record.runs.len());
        }
        Ok(())
    })?;
    println!("{comparison}");
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&comparison).map_err(|error| in_file(path, error.into()))?;
        std::fs::write(path, text).map_err(|error| in_file(path, error))?;
    }
    Ok(())
}

/// As the program's.
fn classic(channels: usize) -> Result<Arc<dyn Transform>> {
    let rotation = RandomRotation::new(15.0)?.with_interpolation(Interpolation::Bilinear);
    Ok(Arc::new(match channels {
        3 => Pipeline::new()
            .then(RandomHorizontalFlip::default())
            .then(rotation)
            .then(ColorJitter::new(0.4, 0.4, 0.4, 0.1)?),
        _ => Pipeline::new().then(rotation).then(ColorJitter::new(0.2, 0.2, 0.0, 0.0)?),
    }))
}

type Filtered = FilteredSource<Arc<GeneratorSource>>;

/// Where the samples come from, all of one GAN.
struct Sources {
    gan: Arc<GeneratorSource>,
    /// Those that a filter accepts.
    filtered: Arc<Filtered>,
    /// Of these the ones that are hardest to tell.
    hard: Arc<Hard>,
}

impl Sources {
    fn new(train: &Arc<dyn Dataset>, gan: Arc<GeneratorSource>, size: usize) -> Result<Self> {
        let resized = resized(train, size)?;
        let config = QualityConfig::default();
        let folds = cross_fit(&resized, &config, |_| Ok(()))?;
        let filter = Filter::fit(&config, &resized, &folds, &gan)?;
        let pools = PoolConfig { size: 2000, ..PoolConfig::default() };
        let filtered = Arc::new(FilteredSource::new(Arc::clone(&gan), filter, pools, |_| Ok(()))?);
        eprintln!("{}", filtered.acceptance());
        let hard = Arc::new(Hard::new(&filtered, &folds)?);
        Ok(Self { gan, filtered, hard })
    }
}

/// Samples of which classifiers of real images say the right class, but with the least certainty.
struct Hard {
    classes: Vec<String>,
    images: Vec<Vec<Image>>,
}

impl Hard {
    /// Samples of a class that are looked through, and the part of them that is kept.
    const SAMPLES: u64 = 2000;
    const PART: usize = 3;

    fn new(source: &Filtered, folds: &[Fold]) -> Result<Self> {
        let classes = source.classes().to_vec();
        let images = (0..classes.len()).map(|label| Self::of_class(source, folds, label)).collect::<Result<_>>()?;
        Ok(Self { classes, images })
    }

    fn of_class(source: &Filtered, folds: &[Fold], label: usize) -> Result<Vec<Image>> {
        if !source.usable_classes().contains(&source.classes()[label]) {
            return Ok(Vec::new());
        }
        let request = |serial| SyntheticRequest {
            label: label as u32,
            serial,
            key: SampleKey { seed: 77, epoch: 0, position: serial, purpose: Purpose::Synthetic },
        };
        let images = source.generate(&(0..Self::SAMPLES).map(request).collect::<Vec<_>>())?;
        let mut certainty = vec![0.0; images.len()];
        for fold in folds {
            let answers = fold.classifier.classify(&images)?;
            certainty.iter_mut().zip(answers).for_each(|(sum, answer)| *sum += answer[label]);
        }
        let mut order: Vec<usize> = (0..images.len()).collect();
        order.sort_by(|a, b| certainty[*a].total_cmp(&certainty[*b]));
        Ok(order[..images.len() / Self::PART].iter().map(|&index| images[index].clone()).collect())
    }
}

impl SyntheticSource for Hard {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        let image = |request: &SyntheticRequest| {
            let images = &self.images[request.label as usize];
            images[request.key.rng().below(images.len())].clone()
        };
        Ok(requests.iter().map(image).collect())
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }
}

/// All images at one size, in memory.
fn resized(set: &Arc<dyn Dataset>, size: usize) -> Result<Arc<dyn Dataset>> {
    let resize = Resize::exact(size, size)?;
    let loader = DataLoader::builder(Arc::clone(set)).transform(resize).dtype(DType::U8).shuffle(false).build()?;
    let mut images = Vec::new();
    for batch in loader.epoch(0) {
        images.append(&mut Image::from_tensor(&batch?.images)?);
    }
    let labels = (0..set.len()).map(|index| set.label(index)).collect();
    Ok(Arc::new(InMemory::from_images(images, labels, set.classes().to_vec())?))
}

fn arms(classic: &Arm, sources: &Sources, train: &dyn Dataset) -> Vec<Arm> {
    let of_gan = |mixture: Mixture| Synthetic::new(Arc::clone(&sources.gan) as _, mixture);
    let share = |share: f64| of_gan(ClassMixture::Share(share).into());
    let mut arms = Vec::new();
    let mut add = |name: &str, synthetic: Synthetic| arms.push(classic.clone().with_synthetic(name, synthetic));
    for part in [0.15, 0.3, 0.5, 0.7] {
        add(&format!("share-{part}"), share(part));
    }
    for (part, ramp, real_only, weight) in
        [(0.5, 0.0, 0.0, 0.5), (0.5, 0.0, 0.5, 1.0), (0.9, 0.0, 0.5, 1.0), (0.5, 0.2, 0.2, 1.0)]
    {
        let mut synthetic = share(part);
        (synthetic.ramp, synthetic.real_only, synthetic.weight) = (ramp, real_only, weight);
        add(&format!("share-{part}, ramp-{ramp}, real-only-{real_only}, weight-{weight}"), synthetic);
    }
    for part in [0.3, 0.5] {
        let filtered = Mixture::All(ClassMixture::Share(part)).only(&sources.filtered.usable_classes());
        add(&format!("filtered-{part}"), Synthetic::new(Arc::clone(&sources.filtered) as _, filtered.clone()));
        add(&format!("hard-{part}"), Synthetic::new(Arc::clone(&sources.hard) as _, filtered));
    }
    for most in [0.3, 0.5, 0.7] {
        add(&format!("rare-{most}"), of_gan(rare(train, most)));
    }
    for count in [60, 100, 200] {
        add(&format!("fill-{count}"), of_gan(ClassMixture::FillTo(count).into()));
    }
    arms
}

/// The fewer images a class has beside the largest, the larger its share: `1 − n / n_max`, at most `most`.
fn rare(train: &dyn Dataset, most: f64) -> Mixture {
    let counts = train.class_counts();
    let largest = counts.iter().copied().max().unwrap_or(1) as f64;
    let of_class =
        |(name, count): (&String, usize)| (name.clone(), ClassMixture::Share((1.0 - count as f64 / largest).min(most)));
    Mixture::PerClass(train.classes().iter().zip(counts).map(of_class).collect::<BTreeMap<_, _>>())
}
