//! Dropping a loader and its epochs, at any point, ends its threads.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use candle_augment::{DataLoader, DataLoaderBuilder, Result};
use common::loader::{Counting, Fault, Faulty, counted, in_time};

/// The tests count the threads of the process, so they take turns.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The names of the loaders' threads: the workers' are `augment-0` and so on, the coordinators' `batch-0`.
fn threads_alive() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux lists a process's threads").flatten();
    // A thread that ends meanwhile has no name any more.
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| ["augment-", "batch-"].iter().any(|prefix| name.starts_with(prefix))).collect()
}

fn workers_alive() -> usize {
    threads_alive().iter().filter(|name| name.starts_with("augment-")).count()
}

/// Threads name themselves when they start, and may be listed for a moment after they were joined.
fn wait_until(what: &str, reached: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !reached() {
        assert!(Instant::now() < deadline, "{what}: threads {:?}", threads_alive());
        sleep(Duration::from_millis(1));
    }
}

fn assert_all_ended(what: &str) {
    wait_until(what, || threads_alive().is_empty());
}

fn slow() -> (DataLoaderBuilder, Arc<AtomicUsize>) {
    let (set, loads) = Counting::new(counted(&[40_000]), Duration::from_millis(1));
    (DataLoader::builder(set).batch_size(10).workers(3), loads)
}

/// What users of ffcv complain of in #345 and #393.
#[test]
fn iterator_dropped_early_leaks_threads() -> Result<()> {
    let _turn = alone();
    for taken in [0, 1, 5] {
        for loader_first in [false, true] {
            let what = format!("{taken} taken, loader first: {loader_first}");
            let loader = slow().0.build()?;
            wait_until(&what, || workers_alive() == 3);
            let mut epoch = loader.epoch(0);
            in_time(move || {
                assert_eq!(epoch.by_ref().take(taken).count(), taken);
                if loader_first {
                    drop(loader);
                    drop(epoch);
                } else {
                    drop(epoch);
                    drop(loader);
                }
            });
            assert_all_ended(&what);
        }
    }
    Ok(())
}

#[test]
fn an_epoch_outlives_its_loader() -> Result<()> {
    let _turn = alone();
    let epoch = DataLoader::builder(counted(&[50])).batch_size(10).workers(2).build()?.epoch(0);
    assert_eq!(in_time(move || epoch.flatten().count()), 5);
    assert_all_ended("an epoch read to its end");
    Ok(())
}

#[test]
fn a_dropped_epoch_is_not_worked_on() -> Result<()> {
    let _turn = alone();
    let (builder, loads) = slow();
    let loader = builder.prefetch(3000).build()?;
    let mut epoch = loader.epoch(0);
    assert!(epoch.next().is_some_and(|batch| batch.is_ok()));
    drop(epoch);
    let at_drop = loads.load(Ordering::SeqCst);
    in_time(move || drop(loader));
    // Each of the workers may have been about to load.
    assert!(loads.load(Ordering::SeqCst) <= at_drop + 3);
    assert_all_ended("a loader with much to do");
    Ok(())
}

#[test]
fn a_failed_epoch() -> Result<()> {
    let _turn = alone();
    for fault in [Fault::Error, Fault::Panic] {
        let loader = DataLoader::builder(Faulty::new(counted(&[500]), 3, fault)).workers(2).build()?;
        let epoch = loader.epoch(0);
        assert!(in_time(move || epoch.last()).is_some_and(|last| last.is_err()));
        // The loader serves on.
        let epoch = loader.epoch(1);
        assert!(in_time(move || epoch.last()).is_some_and(|last| last.is_err()));
        in_time(move || drop(loader));
        assert_all_ended("a failed epoch");
    }
    Ok(())
}
