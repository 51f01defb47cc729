//! Runs that stop in the middle of an epoch.

use std::sync::atomic::Ordering;
use std::time::Duration;

use candle_augment::{Balance, DataLoader, DataLoaderBuilder, RandomRotation, Result, ResumeState};

use crate::common::loader::{Content, Counting, contents, counted};

fn builder() -> Result<DataLoaderBuilder> {
    Ok(DataLoader::builder(counted(&[50, 13]))
        .batch_size(6)
        .balance(Balance::Uniform)
        .transform(RandomRotation::new(9.0)?))
}

/// A run that stops within an epoch can only begin it anew, or goes on in the wrong place and drops an epoch: pytorch
/// #36650, #11813, #97622; torchdata #1508, #1437; webdataset #271; datasets #5454.
///
/// A run over three epochs that is stopped and begun anew after every fourth batch, each time with other workers, sees
/// what a run without a stop sees.
#[test]
fn no_resume_mid_epoch() -> Result<()> {
    let whole: Vec<Content> =
        (0..3).map(|epoch| Ok(contents(builder()?.build()?.epoch(epoch)))).collect::<Result<Vec<_>>>()?.concat();
    let mut seen = Vec::new();
    let mut saved: Option<String> = None;
    for start in 0.. {
        let loader = builder()?.workers(start % 4).prefetch(start % 3).build()?;
        let mut epoch = match &saved {
            Some(text) => loader.resume(&serde_json::from_str::<ResumeState>(text).expect("it was written by us"))?,
            None => loader.epoch(0),
        };
        if epoch.len() == 0 {
            let next = epoch.state().epoch + 1;
            if next == 3 {
                break;
            }
            epoch = loader.epoch(next);
        }
        seen.extend(contents(epoch.by_ref().take(4)));
        let text = serde_json::to_string(&epoch.state()).expect("a state is plain data");
        assert!(text.len() < 1024, "{text}");
        saved = Some(text);
    }
    assert!(seen == whole);
    Ok(())
}

/// Resuming reads the epoch again up to where it stopped: torchdata #1317 (2 s for a step instead of 10 ms).
#[test]
fn resume_reads_everything_again() -> Result<()> {
    for read in [0, 1, 50, 99] {
        let (set, loads) = Counting::new(counted(&[1000]), Duration::ZERO);
        let loader = DataLoader::builder(set).batch_size(10).workers(0).build()?;
        let mut epoch = loader.resume(&loader.plan(0).state(read))?;
        epoch.next().expect("there is a batch left")?;
        assert_eq!(loads.load(Ordering::SeqCst), 10, "after {read} batches");
    }
    Ok(())
}
