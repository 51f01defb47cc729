//! With the feature `tracing` each epoch is a span, and tells what happens in it.
#![cfg(feature = "tracing")]

mod common;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_augment::{DataLoader, ErrorBudget, ErrorPolicy, Result};
use common::loader::{Fault, Faulty, contents, counted, in_time};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// The fields of a span or an event, in their `Debug` form.
#[derive(Clone, Debug, Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

#[derive(Clone, Debug)]
struct Told {
    span: u64,
    level: Level,
    fields: Fields,
}

impl Told {
    fn message(&self) -> &str {
        &self.fields.0["message"]
    }
}

/// Keeps all that it is told.
#[derive(Clone, Default)]
struct Collector(Arc<Inner>);

#[derive(Default)]
struct Inner {
    spans: AtomicU64,
    epochs: Mutex<Vec<(u64, Fields)>>,
    events: Mutex<Vec<Told>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("candle_augment")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = 1 + self.0.spans.fetch_add(1, Ordering::Relaxed);
        let mut fields = Fields::default();
        span.record(&mut fields);
        assert_eq!((span.metadata().name(), *span.metadata().level()), ("epoch", Level::INFO));
        lock(&self.0.epochs).push((id, fields));
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let span = event.parent().expect("an event names its epoch").into_u64();
        lock(&self.0.events).push(Told { span, level: *event.metadata().level(), fields });
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// One test, since a process has one collector.
#[test]
fn epochs_are_spans_with_events() -> Result<()> {
    let collector = Collector::default();
    tracing::subscriber::set_global_default(collector.clone()).expect("there is no other");
    for workers in [0, 2] {
        lock(&collector.0.epochs).clear();
        lock(&collector.0.events).clear();
        let loader = DataLoader::builder(Faulty::new(counted(&[10]), 4, Fault::Panic))
            .error_policy(ErrorPolicy::Skip(ErrorBudget::Count(1)))
            .batch_size(4)
            .workers(workers)
            .build()?;
        in_time(move || {
            assert_eq!(contents(loader.epoch(5)).len(), 3);
            drop(loader.epoch(6));
        });
        let epochs = lock(&collector.0.epochs).clone();
        let numbers: Vec<&str> = epochs.iter().map(|(_, fields)| fields.0["epoch"].as_str()).collect();
        assert_eq!(numbers, ["5", "6"], "{workers} workers");
        check_whole(&of(&collector, epochs[0].0));
        let begun = of(&collector, epochs[1].0);
        let messages: Vec<&str> = begun.iter().map(Told::message).collect();
        assert!(messages.starts_with(&["epoch begins"]) && messages.contains(&"epoch ended"), "{messages:?}");
    }
    Ok(())
}

/// What was told of a span.
fn of(collector: &Collector, span: u64) -> Vec<Told> {
    lock(&collector.0.events).iter().filter(|told| told.span == span).cloned().collect()
}

fn check_whole(told: &[Told]) {
    let with = |message: &str| -> Vec<&Told> { told.iter().filter(|told| told.message() == message).collect() };
    let [begin, end] = [told.first(), told.last()].map(|told| told.expect("there are some"));
    assert_eq!((begin.message(), begin.level, begin.fields.0["batches"].as_str()), ("epoch begins", Level::INFO, "3"));

    let mut made: Vec<_> = with("batch made");
    assert!(made.iter().all(|told| told.level == Level::DEBUG));
    made.sort_by_key(|told| &told.fields.0["batch"]);
    let numbers: Vec<&str> = made.iter().map(|told| told.fields.0["batch"].as_str()).collect();
    let samples: usize = made.iter().filter_map(|told| told.fields.0["samples"].parse::<usize>().ok()).sum();
    assert_eq!((numbers, samples), (vec!["0", "1", "2"], 9));

    let failed = with("sample failed");
    assert_eq!((failed.len(), failed[0].level), (1, Level::WARN));
    let error = &failed[0].fields.0["error"];
    assert!(error.contains("folder/4.png: the data set panicked: struck (image 4, op load, key "), "{error}");

    assert_eq!((end.message(), end.level), ("epoch ended", Level::INFO));
    let fields = [("batches", "3"), ("samples", "9"), ("failures", "1"), ("cache_hits", "0"), ("cache_misses", "0")];
    for (name, value) in fields {
        assert_eq!(end.fields.0[name], value, "{name}");
    }
    for name in ["seconds", "samples_per_second", "decode", "transform", "collate", "wait_for_workers"] {
        assert!(end.fields.0[name].parse::<f64>().is_ok_and(|value| value > 0.0), "{name}: {:?}", end.fields);
    }
    assert!(end.fields.0["bottleneck"].starts_with("Some("), "{:?}", end.fields);
    assert_eq!(told.len(), 6);
}
