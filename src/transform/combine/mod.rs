//! Transforms made of transforms: all in turn, perhaps some, one of several, in any order, by class.

mod one_of;
mod per_class;
mod pipeline;
mod random_apply;
mod random_order;
mod step;

pub use one_of::OneOf;
pub use per_class::PerClass;
pub use pipeline::{Compose, Pipeline};
pub use random_apply::RandomApply;
pub use random_order::RandomOrder;
pub use step::Step;
