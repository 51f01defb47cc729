//! Whole loaders in steady state: images a second, time to the first batch, peak memory. One line of JSON for a run.
//!
//! ```text
//! cargo bench --bench throughput -- WORKLOAD PLACE [WORKERS [SECONDS [WINDOWS [PREFETCH]]]]
//! ```
//!
//! | WORKLOAD | PLACE | Transform | Batch |
//! |---|---|---|---|
//! | `a` | folder of class folders | crop resized to 224, flip, rotation ±15° bilinear, colour jitter, normalise | 64 |
//! | `a_lite` | the same | crop resized to 224, flip, normalise | 64 |
//! | `b` | folder with `gray28.npy`, `labels.npy` | flip, rotation ±15° bilinear, brightness, contrast, normalise | 128 |
//! | `c` | folder with `rgb32.npy`, `labels.npy` | pad 4 and crop 32, flip, colour jitter, normalise | 128 |
//! | `own` | not read | none; images of one pixel: what the loader itself costs | 128 |
//!
//! Batches are f32 (N, C, H, W). Windows follow each other after 1.5 s of warming up, and epochs without a pause: their ends
//! are in the figures. `first_batch_s` is from the making of the loader; the set is open by then. `peak_rss_mb` counts the
//! set in memory too. `cpu_us_per_image` is the time of all threads, `foreign_cpu` what other processes took, in cores: above 0.1 a
//! run was disturbed.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use candle_augment::{
    Batch, ColorJitter, DataLoader, DataLoaderBuilder, Dataset, ImageFolder, InMemory, Interpolation, Normalize, Numpy,
    Pipeline, RandomCrop, RandomHorizontalFlip, RandomResizedCrop, RandomRotation, Result, endless,
};
use candle_core::{DType, Device, Tensor};
use serde_json::json;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: throughput a|a_lite|b|c|own PLACE [WORKERS [SECONDS [WINDOWS [PREFETCH]]]]";
const WARM_UP: Duration = Duration::from_millis(1500);

struct Run {
    workload: String,
    workers: usize,
    window: Duration,
    windows: usize,
}

fn main() {
    // cargo adds `--bench`; `cargo test` gives no argument, and only the build is of interest then.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let [workload, place, numbers @ ..] = &words[..] else {
        return eprintln!("{USAGE}");
    };
    let number = |n: usize, default: f64| numbers.get(n).map_or(default, |word| word.parse().expect(USAGE));
    let run = Run {
        workload: workload.clone(),
        workers: number(0, 2.0) as usize,
        window: Duration::from_secs_f64(number(1, 3.0)),
        windows: number(2, 2.0) as usize,
    };
    let mut builder =
        loader(workload, Path::new(place)).expect("the images are there, and the loader is well configured");
    if numbers.len() > 3 {
        builder = builder.prefetch(number(3, 0.0) as usize);
    }
    println!("{}", measured(&run, builder).expect("no batch fails"));
}

fn loader(workload: &str, place: &Path) -> Result<DataLoaderBuilder> {
    let arrays = |name: &str| Numpy::from_npy(place.join(name), place.join("labels.npy"));
    Ok(match workload {
        "a" => photos(ImageFolder::open(place)?, photo_shape()?.then(rotation()?).then(jitter()?)),
        "a_lite" => photos(ImageFolder::open(place)?, photo_shape()?),
        "b" => small(arrays("gray28.npy")?)
            .transform(
                Pipeline::new()
                    .then(RandomHorizontalFlip::new(0.5)?)
                    .then(rotation()?)
                    .then(ColorJitter::new(0.4, 0.4, 0.0, 0.0)?),
            )
            .normalize(Normalize::signed()),
        "c" => small(arrays("rgb32.npy")?)
            .transform(
                Pipeline::new()
                    .then(RandomCrop::new(32, 32)?.with_padding(4))
                    .then(RandomHorizontalFlip::new(0.5)?)
                    .then(jitter()?),
            )
            .normalize(Normalize::imagenet()),
        "own" => small(pixels(60_000)?),
        other => panic!("there is no workload {other}\n{USAGE}"),
    })
}

fn photos(set: ImageFolder, transform: Pipeline) -> DataLoaderBuilder {
    DataLoader::builder(set).transform(transform).normalize(Normalize::imagenet()).batch_size(64)
}

fn small(set: impl Dataset + 'static) -> DataLoaderBuilder {
    DataLoader::builder(set).batch_size(128)
}

fn photo_shape() -> Result<Pipeline> {
    Ok(Pipeline::new().then(RandomResizedCrop::new(224, 224)?).then(RandomHorizontalFlip::new(0.5)?))
}

fn rotation() -> Result<RandomRotation> {
    Ok(RandomRotation::new(15.0)?.with_interpolation(Interpolation::Bilinear))
}

fn jitter() -> Result<ColorJitter> {
    ColorJitter::new(0.4, 0.4, 0.4, 0.1)
}

/// Images of one gray pixel, in ten classes.
fn pixels(count: usize) -> Result<InMemory> {
    let images = Tensor::zeros((count, 1, 1, 1), DType::U8, &Device::Cpu)?;
    let labels: Vec<u32> = (0..count).map(|n| n as u32 % 10).collect();
    InMemory::from_tensors(&images, &Tensor::from_vec(labels, count, &Device::Cpu)?)
}

fn measured(run: &Run, builder: DataLoaderBuilder) -> Result<serde_json::Value> {
    let begin = Instant::now();
    let loader = builder.workers(run.workers).drop_last(true).build()?;
    let mut batches = endless(&loader);
    let mut next = || -> Result<Batch> { batches.next().expect("epochs do not run out").map(black_box) };
    let images = next()?.images;
    let first = begin.elapsed();
    let size: Vec<String> = images.dims().iter().map(ToString::to_string).collect();
    let dtype = images.dtype();
    drop(images);

    let (warm, mut taken) = (Instant::now(), 0);
    while warm.elapsed() < WARM_UP || taken < 4 {
        next()?;
        taken += 1;
    }
    let (begin, own, busy) = (Instant::now(), own_seconds(), busy_seconds());
    let (mut rates, mut total) = (Vec::new(), 0);
    for _ in 0..run.windows {
        let (begin, mut count) = (Instant::now(), 0);
        while begin.elapsed() < run.window {
            count += next()?.len();
        }
        rates.push(count as f64 / begin.elapsed().as_secs_f64());
        total += count;
    }
    let seconds = begin.elapsed().as_secs_f64();
    let passed = |from: Option<f64>, to: Option<f64>| Some(to? - from?);
    let (own, busy) = (passed(own, own_seconds()), passed(busy, busy_seconds()));
    Ok(json!({
        "part": 3,
        "system": "candle_augment",
        "version": format!("candle-augment {}", env!("CARGO_PKG_VERSION")),
        "op": run.workload,
        "size": size.join("x"),
        "dtype": if dtype == DType::F32 { "float32" } else { dtype.as_str() },
        "workers": run.workers,
        "images_per_s": total as f64 / seconds,
        "min_images_per_s": rates.iter().copied().fold(f64::INFINITY, f64::min),
        "max_images_per_s": rates.iter().copied().fold(0.0, f64::max),
        "first_batch_s": first.as_secs_f64(),
        "peak_rss_mb": peak_mb(),
        "cpu_us_per_image": own.map(|own| own / total as f64 * 1e6),
        "foreign_cpu": own.zip(busy).map(|(own, busy)| (busy - own) / seconds),
    }))
}

/// The most memory that the process had at once, in MiB, where the system tells.
fn peak_mb() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? / 1024.0)
}

/// The processor time that this process had so far, where the system tells.
fn own_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name, in parentheses, may hold spaces; user and system time are the 12th and 13th words behind it.
    sum_of_ticks(stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2))
}

/// The processor time that all processes had so far.
fn busy_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let words = stat.lines().next()?.split_whitespace().skip(1).enumerate();
    // Idle and waiting are the 4th and 5th words, the 8th is what the host took; guests are counted twice behind it.
    sum_of_ticks(words.filter(|(n, _)| matches!(n, 0..=2 | 5..=6)).map(|(_, word)| word))
}

/// Ticks are of 10 ms.
fn sum_of_ticks<'a>(words: impl Iterator<Item = &'a str>) -> Option<f64> {
    words.map(|word| word.parse::<f64>().ok()).sum::<Option<f64>>().map(|ticks| ticks / 100.0)
}
