//! A run that stops goes on with the batches it had not seen.

mod common;

use candle_augment::{
    Balance, DataLoader, DataLoaderBuilder, ErrorKind, Image, ImageFolder, RandomHorizontalFlip, Result, ResumeState,
    Shard,
};
use common::data::{png, put, scratch};
use common::loader::{contents, counted};
use tempfile::TempDir;

fn builder() -> Result<DataLoaderBuilder> {
    Ok(DataLoader::builder(counted(&[30, 7])).batch_size(4).seed(5).transform(RandomHorizontalFlip::new(0.5)?))
}

#[test]
fn what_is_left_is_the_same_wherever_it_stops() -> Result<()> {
    let whole = contents(builder()?.workers(1).build()?.epoch(3));
    for read in 0..=whole.len() {
        let mut epoch = builder()?.workers(2).build()?.epoch(3);
        assert_eq!(epoch.by_ref().take(read).count(), read);
        let saved = serde_json::to_string(&epoch.state()).expect("a state is plain data");
        drop(epoch);

        let state: ResumeState = serde_json::from_str(&saved).expect("it was written just now");
        let rest = builder()?.workers(0).build()?.resume(&state)?;
        assert_eq!(rest.len(), whole.len() - read);
        assert_eq!(contents(rest), whole[read..]);
    }
    Ok(())
}

#[test]
fn a_resumed_epoch_can_be_resumed() -> Result<()> {
    let loader = builder()?.build()?;
    let whole = contents(loader.epoch(0));
    let mut state = loader.epoch(0).state();
    for expected in &whole {
        let mut epoch = loader.resume(&state)?;
        assert_eq!(contents(epoch.by_ref().take(1)), std::slice::from_ref(expected));
        state = epoch.state();
    }
    assert_eq!(loader.resume(&state)?.len(), 0);
    Ok(())
}

#[test]
fn another_number_of_ranks_shares_what_is_left() -> Result<()> {
    let whole = contents(builder()?.build()?.epoch(0));
    let rank = |rank, world_size| builder()?.shard(Shard { rank, world_size }).build();
    let mut first = rank(0, 2)?.epoch(0);
    assert_eq!(first.by_ref().take(2).count(), 2);
    let state = first.state();
    for new_rank in 0..3 {
        let rest = contents(rank(new_rank, 3)?.resume(&state)?);
        assert!(rest.iter().eq(whole[4..].iter().skip(new_rank).step_by(3)), "rank {new_rank}");
    }
    Ok(())
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
