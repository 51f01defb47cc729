//! A training that is killed at any moment leaves a whole checkpoint, from which it goes on as if nothing had happened.
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use candle_augment::gan::{Augmentation, Budget, Examiner, GanConfig, GeneratorSource, Supervisor, Trainer};
use candle_augment::{Batch, Purpose, Result, SampleKey};
use candle_core::Device;

/// Where the child is told which file to train into.
const FILE: &str = "CANDLE_AUGMENT_TEST_KILLED";
const STEPS: u64 = 5000;
const KILLS: u64 = 20;

fn config() -> GanConfig {
    let augmentation = Augmentation { cutout: true, probability: 0.3, target: Some(0.6), ..Default::default() };
    GanConfig { augmentation, ..common::gan::config(8, 1) }
}

fn batches(first: u64) -> impl Iterator<Item = Result<Batch>> {
    (first..).map(|step| common::gan::batch(&config(), step))
}

/// The training in `path`, or a new one if there is none yet.
fn open(path: &Path) -> Result<Supervisor> {
    let examiner = Examiner::train(&config(), batches(0), 3, &Device::Cpu)?;
    let held_out = Some(common::gan::batch(&config(), u64::MAX)?);
    if !path.exists() {
        return Supervisor::new(Trainer::new(config(), &Device::Cpu)?, examiner, held_out, Budget::Steps(STEPS));
    }
    let made = Trainer::load(path, &Device::Cpu)?.steps();
    Supervisor::load(path, &Device::Cpu, examiner, held_out, Budget::Steps(STEPS - made))
}

/// Not a test by itself: the process that is killed.
#[test]
fn child() -> Result<()> {
    let Some(path) = std::env::var_os(FILE) else { return Ok(()) };
    let mut supervisor = open(Path::new(&path))?;
    println!("ready");
    for batch in batches(supervisor.trainer().steps()) {
        supervisor.step(&batch?)?;
        supervisor.save(&path)?;
    }
    Ok(())
}

/// Starts the child, and kills it so long after it has begun to train.
fn kill_after(path: &Path, delay: Duration) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.map_while(std::io::Result::ok).any(|line| line.contains("ready"));
    assert!(ready, "the child ended by itself: the checkpoint is not whole");
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn killed_twenty_times() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gan.safetensors");
    let mut rng = SampleKey { seed: 0, epoch: 0, position: 0, purpose: Purpose::Training }.rng();
    let mut before = 0;
    for _ in 0..KILLS {
        kill_after(&path, Duration::from_micros(rng.below(200_000) as u64));
        // Killed before the first save, there is nothing yet; later there is always something whole.
        if path.exists() {
            GeneratorSource::load(&path)?;
            let made = Trainer::load(&path, &Device::Cpu)?.steps();
            assert!(made >= before, "{made} steps after {before}");
            before = made;
        }
    }
    assert!(before > 0, "no child came to save");

    let mut through = open(&folder.path().join("none yet"))?;
    batches(0).take(before as usize).try_for_each(|batch| through.step(&batch?).map(|_| ()))?;
    through.save(folder.path().join("through"))?;
    let (killed, through) = (std::fs::read(&path).unwrap(), std::fs::read(folder.path().join("through")).unwrap());
    assert!(killed == through, "{before} steps");
    Ok(())
}
