//! How good samples are, each figure beside what real images reach.
//!
//! [`evaluate`] measures a set of samples: fidelity and variety on features of the crate's own classifier, what
//! classifiers learn from samples and see in them, and copying. The figures on sets of [`Features`] can be had one by
//! one, too; they are computed in f64.
//!
//! A [`Filter`] keeps the good ones, and a [`FilteredSource`] gives a loader none but these.

mod acceptance;
mod answers;
mod bootstrap;
mod bounds;
mod config;
mod copying;
mod distances;
mod evaluation;
mod features;
mod filter;
mod filtered;
mod found;
mod frechet;
mod kernel;
mod measure;
mod neighbourhoods;
mod realism;
mod samples;
mod seen;
mod shelf;
mod sides;
mod symmetric;
mod table;
mod training;
mod view;

pub use acceptance::{Acceptance, ClassAcceptance, Rejection};
pub(crate) use bootstrap::Draws;
pub use bootstrap::Interval;
pub use config::{QualityConfig, QualityData, QualityProgress};
pub use copying::{copy_share, copy_z};
pub use evaluation::{ClassQuality, Evaluation, KernelSubsets, NearestImage, evaluate, evaluate_in};
pub use features::{FeatureExtractor, Features};
pub use filter::Filter;
pub(crate) use filter::made;
pub use filtered::{FilteredSource, PoolConfig};
pub use frechet::frechet_distance;
pub use kernel::kernel_distance;
pub use measure::{Measure, Metric, Verdict};
pub use neighbourhoods::{NeighbourScores, neighbour_scores};
pub(crate) use samples::request;
pub use samples::{samples_wanted, synthesize};
pub use view::{Fold, View, cross_fit};
