//! Are synthetic samples worth it? How much of each class is to be synthetic, chosen by measurement.
//!
//! [`choose()`] trains classifiers by cross-validation on the user's own training images, with and without synthetic samples
//! of several sources and shares. A class gets samples only where they are shown to help: where the gain in F1 is above 0
//! with 90 %. The first source that passes is taken, in the order of the candidates, such as a GAN and then an
//! interpolation between images; where none does, nothing is synthetic. What was chosen is measured once more as a whole.
//! The result is a [`Choice`], a small file that [`Mixture::Auto`](crate::Mixture::Auto) takes.
//!
//! Sources that are made from images ([`Synthetic::made_from`](crate::compare::Synthetic::made_from)) are made anew for every
//! fold, from the images that its classifiers are trained on, so that no sample has seen an image that it is measured on.
//!
//! What was measured holds for classes that come equally often, [`Balance::Uniform`](crate::Balance::Uniform), and for the size of
//! image, transforms and schedule of the measurement: use the choice with the same.

mod choose;
mod clock;
mod config;
mod gain;
mod open;
mod refuse;

pub use choose::{Progress, choose};
pub use config::GateConfig;
pub use open::open;
pub use refuse::{COPY_BUDGET, refuse};

pub use crate::plan::{Choice, ClassChoice, Gain, MeasuredShare, WholeGain};
