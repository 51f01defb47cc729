//! A training loop of candle with the loader: batches to train on, augmented, balanced and made ahead on the device; plain ones in
//! order to validate with; and checkpoints from which a run that was stopped goes on in the middle of an epoch, with the very losses
//! that it would have had.
//!
//! ```sh
//! cargo run --release --example train                            # the embedded digits: some seconds
//! cargo run --release --example train -- --stop-after 100        # stop in the middle of an epoch (or press Ctrl-C) …
//! cargo run --release --example train -- --resume                # … and go on from there
//! cargo run --release --example train -- photos/train --epochs 30
//! cargo run --release --features cuda --example train            # on a GPU; or --features metal
//! ```

use std::error::Error;
use std::path::{Path, PathBuf};

use candle_augment::report::write_file;
use candle_augment::{
    Balance, ColorJitter, DataLoader, Dataset, DatasetExt, Normalize, Part, Pipeline, Purpose, RandomResizedCrop,
    RandomRotation, Resize, ResumeState, SampleKey, Subset, open_data,
};
use candle_core::{D, DType, Device, Tensor, Var};
use candle_nn::{
    Conv2d, Conv2dConfig, Linear, Module, Optimizer, SGD, VarBuilder, VarMap, conv2d, linear, loss::cross_entropy,
};
use clap::Parser;
use safetensors::SafeTensors;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// Train a small classifier on images in a folder per class
#[derive(Parser)]
pub struct Args {
    /// A folder with a folder of images for each class, or any other DATA of the program `candle-augment`
    #[arg(default_value = "digits")]
    data: PathBuf,
    /// Where weights and place in the data are kept
    #[arg(long, default_value = "train.safetensors")]
    checkpoint: PathBuf,
    /// Go on from the checkpoint
    #[arg(long)]
    resume: bool,
    #[arg(long, default_value_t = 8)]
    epochs: u64,
    /// Save the checkpoint and stop after so many steps
    #[arg(long)]
    stop_after: Option<usize>,
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

const BATCH_SIZE: usize = 32;
const LEARNING_RATE: f64 = 0.1;
/// Steps from one checkpoint to the next: what an interrupted run loses at most.
const SAVE_EVERY: usize = 20;
/// Larger images are scaled down to this side.
const LARGEST_SIDE: usize = 48;

fn main() -> Result<()> {
    run(&Args::parse()).map(drop)
}

/// Trains, and gives the loss of each step.
pub fn run(args: &Args) -> Result<Vec<f32>> {
    let device = best_device()?;
    let set = open_data(&args.data, Part::Train)?;
    let first = set.load(0)?;
    let side = first.height().min(first.width()).min(LARGEST_SIDE);
    // One split, made before anything else and the same in every run: no image to validate with is ever trained on.
    let (train, valid) = set.split(0.8, args.seed)?;
    let train = training_loader(train, side, args.seed, &device)?;
    let valid = validation_loader(valid, side, &device)?;
    println!("{} batches of {BATCH_SIZE} an epoch, on {device:?}", train.batches_per_epoch());

    let weights = VarMap::new();
    let builder = VarBuilder::from_varmap(&weights, DType::F32, &device);
    let network = Network::new(side, first.channels(), train.classes().len(), builder)?;
    initialize(&weights, args.seed)?;
    let mut optimizer = SGD::new(weights.all_vars(), LEARNING_RATE)?;
    let start = if args.resume { load(&args.checkpoint, &weights)? } else { train.plan(0).state(0) };

    let mut losses = Vec::new();
    // What is left of the epoch at which the run stopped, then whole epochs.
    let mut batches = train.resume(&start)?;
    for epoch in start.epoch..args.epochs {
        let before = losses.len();
        for batch in batches {
            let batch = batch?;
            let loss = cross_entropy(&network.forward(&batch.images)?, &batch.labels)?;
            optimizer.backward_step(&loss)?;
            losses.push(loss.to_scalar::<f32>()?);
            let stops = args.stop_after == Some(losses.len());
            if stops || losses.len().is_multiple_of(SAVE_EVERY) {
                save(&args.checkpoint, &weights, &train.state())?;
            }
            if stops {
                println!("stopped in epoch {epoch} after {} steps: add --resume to go on", losses.len() - before);
                return Ok(losses);
            }
        }
        let accuracy = 100.0 * accuracy(&network, &valid)?;
        println!("epoch {epoch}: {}, accuracy {accuracy:.1} %", mean(&losses[before..]));
        batches = train.epoch(epoch + 1);
        save(&args.checkpoint, &weights, &batches.state())?;
    }
    Ok(losses)
}

/// A GPU where the program was built for one and one is there, otherwise the CPU.
fn best_device() -> Result<Device> {
    let device = Device::cuda_if_available(0)?;
    Ok(if device.is_cuda() { device } else { Device::metal_if_available(0)? })
}

/// Shuffled, every class as often as the others, every image another in each epoch.
fn training_loader(set: Subset, side: usize, seed: u64, device: &Device) -> Result<DataLoader> {
    let transform = Pipeline::new()
        .then(RandomResizedCrop::new(side, side)?.with_scale(0.7, 1.0)?)
        .then(RandomRotation::new(10.0)?)
        .then(ColorJitter::new(0.2, 0.2, 0.2, 0.05)?);
    let loader = DataLoader::builder(set)
        .transform(transform)
        .balance(Balance::Uniform)
        .batch_size(BATCH_SIZE)
        .normalize(Normalize::signed())
        .device(device.clone())
        .seed(seed);
    Ok(loader.build()?)
}

/// Every image once, in the order of the data set, changed in nothing but its size.
fn validation_loader(set: Subset, side: usize, device: &Device) -> Result<DataLoader> {
    let loader = DataLoader::builder(set)
        .transform(Resize::exact(side, side)?)
        .shuffle(false)
        .batch_size(8 * BATCH_SIZE)
        .normalize(Normalize::signed())
        .device(device.clone());
    Ok(loader.build()?)
}

/// Two convolutions, each followed by the maximum of 2×2 pixels, and a linear layer.
struct Network {
    convolutions: [Conv2d; 2],
    head: Linear,
}

impl Network {
    fn new(side: usize, channels: usize, classes: usize, builder: VarBuilder) -> Result<Self> {
        let config = Conv2dConfig { padding: 1, ..Conv2dConfig::default() };
        let convolutions =
            [conv2d(channels, 16, 3, config, builder.pp("first"))?, conv2d(16, 32, 3, config, builder.pp("second"))?];
        Ok(Self { convolutions, head: linear(32 * (side / 4).pow(2), classes, builder.pp("head"))? })
    }

    /// Images `(N, C, side, side)` to logits `(N, classes)`.
    fn forward(&self, images: &Tensor) -> candle_core::Result<Tensor> {
        let mut features = images.clone();
        for convolution in &self.convolutions {
            features = convolution.forward(&features)?.relu()?.max_pool2d(2)?;
        }
        self.head.forward(&features.flatten_from(1)?)
    }
}

/// Draws the weights anew from the seed: candle's own generator for the CPU cannot be seeded.
fn initialize(weights: &VarMap, seed: u64) -> Result<()> {
    for (place, (_, weight)) in by_name(weights).into_iter().enumerate() {
        let key = SampleKey { seed, epoch: 0, position: place as u64, purpose: Purpose::Weights };
        let mut rng = key.rng();
        let inputs = weight.elem_count() / weight.dim(0)?;
        // K. He et al., "Delving Deep into Rectifiers", 2015; biases begin at 0.
        let deviation = if weight.rank() == 1 { 0.0 } else { (2.0 / inputs as f64).sqrt() };
        let values = (0..weight.elem_count()).map(|_| (deviation * rng.normal()) as f32).collect();
        weight.set(&Tensor::from_vec(values, weight.shape(), weight.device())?)?;
    }
    Ok(())
}

/// The weights in the order of their names; that of [`VarMap::all_vars`] differs from run to run.
fn by_name(weights: &VarMap) -> Vec<(String, Var)> {
    let data = weights.data().lock().expect("no thread panicked while it held the lock");
    let mut named: Vec<_> = data.iter().map(|(name, weight)| (name.clone(), weight.clone())).collect();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    named
}

/// Writes the weights and the place in the data into one file, whole or not at all, so that the two never disagree.
///
/// Stochastic gradient descent without momentum has no state beside the weights. The moments of another optimiser belong here too.
fn save(path: &Path, weights: &VarMap, state: &ResumeState) -> Result<()> {
    let tensors: Vec<_> =
        by_name(weights).into_iter().map(|(name, weight)| (name, weight.as_tensor().clone())).collect();
    let place = [("place".to_owned(), serde_json::to_string(state)?)];
    let bytes = safetensors::serialize(tensors, Some(place.into()))?;
    Ok(write_file(path, &bytes)?)
}

/// Reads what [`save`] wrote: sets the weights, and gives the place in the data.
fn load(path: &Path, weights: &VarMap) -> Result<ResumeState> {
    let bytes = std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)?;
    for (name, weight) in by_name(weights) {
        let saved = tensors.get(&name).ok_or_else(|| format!("{} has no weight {name}", path.display()))?;
        weight.set(&saved.to_device(weight.device())?)?;
    }
    let (_, metadata) = SafeTensors::read_metadata(&bytes)?;
    let place = metadata.metadata().as_ref().and_then(|metadata| metadata.get("place"));
    Ok(serde_json::from_str(place.ok_or("the checkpoint does not say where in the data it stands")?)?)
}

/// The share of the images whose class the network finds.
fn accuracy(network: &Network, loader: &DataLoader) -> Result<f64> {
    let (mut right, mut count) = (0, 0);
    for batch in loader.epoch(0) {
        let batch = batch?;
        let found = network.forward(&batch.images)?.argmax(D::Minus1)?;
        right += found.eq(&batch.labels)?.to_dtype(DType::U32)?.sum_all()?.to_scalar::<u32>()?;
        count += batch.len();
    }
    Ok(f64::from(right) / count as f64)
}

/// The mean of an epoch's losses in words; a run that resumes at the end of an epoch has none.
fn mean(losses: &[f32]) -> String {
    match losses.len() {
        0 => "no step was left".to_owned(),
        steps => format!("loss {:.3} over {steps} steps", losses.iter().sum::<f32>() / steps as f32),
    }
}
