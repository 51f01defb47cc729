//! The span and the events of an epoch, for the feature `tracing`; without it nothing is left of them.

use super::statistics::Statistics;
use crate::error::Error;

/// The span of one epoch. Events name it themselves, because they come from many threads.
pub(super) struct Trace {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

#[cfg(feature = "tracing")]
impl Trace {
    /// Of no epoch.
    pub fn none() -> Self {
        Self { span: tracing::Span::none() }
    }

    pub fn begin(epoch: u64, batches: usize) -> Self {
        let span = tracing::info_span!("epoch", epoch);
        tracing::info!(parent: &span, batches, "epoch begins");
        Self { span }
    }

    pub fn batch_made(&self, batch: usize, samples: usize) {
        tracing::debug!(parent: &self.span, batch, samples, "batch made");
    }

    pub fn sample_failed(&self, error: &Error) {
        tracing::warn!(parent: &self.span, %error, "sample failed");
    }

    pub fn epoch_ended(&self, statistics: impl FnOnce() -> Statistics) {
        if !tracing::enabled!(tracing::Level::INFO) {
            return;
        }
        let statistics = statistics();
        let Statistics { batches, samples, failures, seconds, mean_queued, cache_hits, cache_misses, stages, .. } =
            statistics;
        tracing::info!(
            parent: &self.span,
            batches,
            samples,
            failures,
            seconds,
            samples_per_second = statistics.samples_per_second(),
            mean_queued,
            cache_hits,
            cache_misses,
            read = stages.read,
            decode = stages.decode,
            transform = stages.transform,
            generate = stages.generate,
            collate = stages.collate,
            wait_for_consumer = stages.wait_for_consumer,
            wait_for_workers = stages.wait_for_workers,
            bottleneck = ?statistics.bottleneck(),
            "epoch ended"
        );
    }
}

#[cfg(not(feature = "tracing"))]
impl Trace {
    pub fn none() -> Self {
        Self {}
    }

    pub fn begin(_epoch: u64, _batches: usize) -> Self {
        Self {}
    }

    pub fn batch_made(&self, _batch: usize, _samples: usize) {}

    pub fn sample_failed(&self, _error: &Error) {}

    pub fn epoch_ended(&self, _statistics: impl FnOnce() -> Statistics) {}
}
