//! Which states a loader goes on from; that it goes on rightly is shown in `fingerprints.rs` and `complaints/resume.rs`.

mod common;

use candle_augment::{
    Balance, DataLoader, DataLoaderBuilder, ErrorKind, Image, ImageFolder, RandomHorizontalFlip, Result, ResumeState,
};
use common::data::{png, put, scratch};
use common::loader::{contents, counted};
use tempfile::TempDir;

fn builder() -> Result<DataLoaderBuilder> {
    Ok(DataLoader::builder(counted(&[30, 7])).batch_size(4).seed(5).transform(RandomHorizontalFlip::new(0.5)?))
}

#[test]
fn states_of_other_runs_are_refused() -> Result<()> {
    let state = builder()?.build()?.epoch(0).state();
    let message = |builder: DataLoaderBuilder| -> Result<String> {
        let error = builder.build()?.resume(&state).map(|_| ()).expect_err("the state is of another run");
        assert_eq!(error.kind(), ErrorKind::Config);
        Ok(error.to_string())
    };
    assert!(message(builder()?.seed(6))?.contains("seed 5 but the loader's is 6"));
    for other in [builder()?.batch_size(5), builder()?.balance(Balance::Uniform), builder()?.shuffle(false)] {
        assert!(message(other)?.contains("another data set or configuration"));
    }
    let other_data = DataLoader::builder(counted(&[29, 8])).batch_size(4).seed(5);
    assert!(message(other_data)?.contains("another data set or configuration"));
    let damaged = ResumeState { batch: state.batch + 1000, ..state };
    let error = builder()?.build()?.resume(&damaged).map(|_| ()).expect_err("the epoch is shorter");
    assert!(error.to_string().contains("start the epoch anew"), "{error}");
    // What does not change the batches is not asked.
    assert!(builder()?.workers(3).prefetch(9).build()?.resume(&state).is_ok());
    Ok(())
}

#[test]
fn states_of_other_folders_are_refused_but_not_of_one_that_was_moved() -> Result<()> {
    let folder = |names: &[&str]| -> Result<(TempDir, DataLoader)> {
        let dir = scratch();
        for name in names {
            put(dir.path(), &format!("cat/{name}"), &png(Image::filled(2, 2, &[9])?));
        }
        let loader = DataLoader::builder(ImageFolder::open(dir.path())?).batch_size(1).build()?;
        Ok((dir, loader))
    };
    let (_dir, loader) = folder(&["a.png", "b.png"])?;
    assert!(loader.epoch(0).next().is_some_and(|batch| batch.is_ok()));
    let (_moved, same) = folder(&["a.png", "b.png"])?;
    assert_eq!(same.resume(&loader.state())?.len(), 1);
    let (_other, other) = folder(&["a.png", "c.png"])?;
    let error = other.resume(&loader.state()).map(|_| ()).expect_err("a file is another");
    assert!(error.to_string().contains("file names"), "{error}");
    Ok(())
}

#[test]
fn the_loader_knows_where_its_last_batch_stands() -> Result<()> {
    let loader = builder()?.build()?;
    assert_eq!(loader.state(), loader.epoch(0).state());
    for read in 1..=2 {
        let mut epoch = loader.epoch(7);
        assert_eq!(epoch.by_ref().take(read).count(), read);
        assert_eq!(loader.state(), epoch.state());
    }
    let whole = contents(loader.epoch(7));
    let token = serde_json::to_string(&loader.state()).expect("a state is plain data");
    assert!(token.len() < 1024, "{token}");
    assert_eq!(loader.resume(&loader.state())?.len(), 0);
    let state = ResumeState { batch: 2, ..loader.state() };
    assert_eq!(contents(loader.resume(&state)?), whole[2..]);
    Ok(())
}
