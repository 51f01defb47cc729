//! Measures what ways to mix samples of a trained GAN into real images are worth to a classifier, beside classic transforms alone, and
//! prints the table of the comparison.
//!
//!     candle-augment train mnist --per-class 50 --steps 2700 --out gan.safetensors
//!     cargo run --release --example mixing_ablation -- mnist gan.safetensors --per-class 50 --seeds 5

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use candle_augment::compare::{Arm, CompareConfig, CompareData, Progress, Synthetic, Training, compare};
use candle_augment::gan::GeneratorSource;
use candle_augment::quality::{Filter, FilteredSource, PoolConfig, QualityConfig, cross_fit};
use candle_augment::{
    ClassMixture, ColorJitter, DataLoader, Dataset, DatasetExt, Error, Image, InMemory, Mixture, Part, Pipeline,
    RandomHorizontalFlip, RandomRotation, Resize, Result, Size, SyntheticSource, Transform, open_data,
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
}

fn main() -> Result<()> {
    let args = Args::parse();
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
    let filtered = filtered(&train, &gan, size)?;
    let classic = Arm::classic(classic(gan.config().channels)?);
    let mut arms = arms(&classic, &gan, filtered, &*train);
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
    Ok(())
}

/// As the program's.
fn classic(channels: usize) -> Result<Arc<dyn Transform>> {
    let flips = if channels == 3 { 0.5 } else { 0.0 };
    Ok(Arc::new(
        Pipeline::new()
            .then(RandomHorizontalFlip::new(flips)?)
            .then(RandomRotation::new(15.0)?)
            .then(ColorJitter::new(0.2, 0.2, 0.0, 0.0)?),
    ))
}

/// The samples that a filter accepts, from the same GAN.
fn filtered(train: &Arc<dyn Dataset>, gan: &Arc<GeneratorSource>, size: usize) -> Result<Arc<dyn SyntheticSource>> {
    let resized = resized(train, size)?;
    let config = QualityConfig::default();
    let folds = cross_fit(&resized, &config, |_| Ok(()))?;
    let filter = Filter::fit(&config, &resized, &folds, gan)?;
    let pools = PoolConfig { size: 1000, ..PoolConfig::default() };
    let filtered = FilteredSource::new(Arc::clone(gan), filter, pools, |_| Ok(()))?;
    eprintln!("{}", filtered.acceptance());
    Ok(Arc::new(filtered))
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

fn arms(
    classic: &Arm,
    gan: &Arc<GeneratorSource>,
    filtered: Arc<dyn SyntheticSource>,
    train: &dyn Dataset,
) -> Vec<Arm> {
    let of_gan = |mixture: Mixture| Synthetic::new(Arc::clone(gan) as _, mixture);
    let share = |share: f64| of_gan(ClassMixture::Share(share).into());
    let mut arms = Vec::new();
    let mut add = |name: &str, synthetic: Synthetic| arms.push(classic.clone().with_synthetic(name, synthetic));
    for part in [0.15, 0.3, 0.5, 0.7] {
        add(&format!("share-{part}"), share(part));
    }
    for (part, ramp, real_only, weight) in [(0.5, 0.0, 0.0, 0.5), (0.7, 0.0, 0.5, 1.0), (0.5, 0.2, 0.2, 1.0)] {
        let mut synthetic = share(part);
        (synthetic.ramp, synthetic.real_only, synthetic.weight) = (ramp, real_only, weight);
        add(&format!("share-{part}, ramp-{ramp}, real-only-{real_only}, weight-{weight}"), synthetic);
    }
    add("filtered-0.3", Synthetic::new(Arc::clone(&filtered), ClassMixture::Share(0.3)));
    add("filtered-0.5", Synthetic::new(filtered, ClassMixture::Share(0.5)));
    for most in [0.3, 0.5, 0.7] {
        add(&format!("rare-{most}"), of_gan(rare(train, most)));
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
