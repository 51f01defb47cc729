//! A consumer that is slow holds the workers back: memory stays bounded, whatever the data set's size.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use candle_augment::{DataLoader, Result};
use common::loader::{Counting, counted};

/// Waits until the workers have loaded `expected` images and gives them the time to load more.
fn assert_settles_at(loads: &AtomicUsize, expected: usize) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while loads.load(Ordering::SeqCst) < expected {
        assert!(Instant::now() < deadline, "{} of {expected} images loaded", loads.load(Ordering::SeqCst));
        sleep(Duration::from_millis(1));
    }
    sleep(Duration::from_millis(20));
    assert_eq!(loads.load(Ordering::SeqCst), expected);
}

#[test]
fn work_stops_at_the_bound_and_goes_on_batch_by_batch() -> Result<()> {
    for (workers, prefetch, batch_size, bound) in [(1, 0, 8, 1), (2, 2, 8, 2), (8, 7, 3, 7)] {
        let (set, loads) = Counting::new(counted(&[3000]), Duration::ZERO);
        let loader = DataLoader::builder(set).batch_size(batch_size).workers(workers).prefetch(prefetch).build()?;
        let mut epoch = loader.epoch(0);
        assert_settles_at(&loads, bound * batch_size);
        for taken in 1..4 {
            epoch.next().expect("the epoch has more batches")?;
            assert_settles_at(&loads, (bound + taken) * batch_size);
        }
    }
    Ok(())
}

#[test]
fn by_default_there_is_work_for_every_worker() -> Result<()> {
    for (workers, batch_size, bound) in [(1, 8, 3), (4, 8, 3), (8, 3, 5)] {
        let (set, loads) = Counting::new(counted(&[3000]), Duration::ZERO);
        let _epoch = DataLoader::builder(set).batch_size(batch_size).workers(workers).build()?.epoch(0);
        assert_settles_at(&loads, bound * batch_size);
    }
    Ok(())
}

#[test]
fn without_workers_nothing_is_done_ahead() -> Result<()> {
    let (set, loads) = Counting::new(counted(&[100]), Duration::ZERO);
    let loader = DataLoader::builder(set).batch_size(8).workers(0).build()?;
    let mut epoch = loader.epoch(0);
    assert_eq!(loads.load(Ordering::SeqCst), 0);
    epoch.next().expect("the epoch has batches")?;
    assert_eq!(loads.load(Ordering::SeqCst), 8);
    Ok(())
}
