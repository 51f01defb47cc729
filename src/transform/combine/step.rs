//! Any transform of the crate, by name.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{OneOf, PerClass, Pipeline, RandomApply, RandomOrder};
use crate::error::Result;
use crate::rng::SampleRng;
use crate::transform::{
    AugMix, AutoAugment, CenterCrop, ColorJitter, ElasticTransform, GaussianBlur, GaussianNoise, Grayscale, Jpeg,
    Lambda, Op, Pad, RandAugment, RandomAdjustSharpness, RandomAffine, RandomAutocontrast, RandomChannelPermutation,
    RandomCrop, RandomEqualize, RandomErasing, RandomGamma, RandomGrayscale, RandomHorizontalFlip, RandomInvert,
    RandomPerspective, RandomPhotometricDistort, RandomPosterize, RandomResize, RandomResizedCrop, RandomRotation,
    RandomSolarize, RandomVerticalFlip, RandomZoomOut, Resize, SampleInfo, Transform, TrivialAugmentWide,
};

/// Defines [`Step`] from the names of the transforms.
macro_rules! steps {
    ($($(#[$attribute:meta])* $name:ident),* $(,)?) => {
        /// One transform of a [`Pipeline`]: any of the crate's, by name, or one of the user's own.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Step {
            $(
                #[doc = concat!("[`", stringify!($name), "`](crate::", stringify!($name), ")")]
                $(#[$attribute])*
                $name($name),
            )*
            /// Transforms one after the other.
            #[serde(alias = "Pipeline")]
            Compose(Pipeline),
            /// A transform that is not the crate's; it cannot be written to a file.
            #[serde(skip)]
            Own(Own),
        }

        impl Step {
            /// The name of the transform, as it stands in files; of a transform that is not the crate's, its type or its own name.
            #[must_use]
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                    Self::Compose(_) => "Compose",
                    Self::Own(own) => &own.name,
                }
            }

            fn transform(&self) -> &dyn Transform {
                match self {
                    $(Self::$name(transform) => transform,)*
                    Self::Compose(pipeline) => pipeline,
                    Self::Own(own) => &*own.transform,
                }
            }
        }

        $(impl From<$name> for Step {
            fn from(transform: $name) -> Self {
                Self::$name(transform)
            }
        })*
    };
}

steps! {
    RandomHorizontalFlip, RandomVerticalFlip, RandomRotation, RandomAffine, RandomPerspective, ElasticTransform,
    Resize, RandomResize, CenterCrop, RandomCrop, RandomResizedCrop, Pad, RandomZoomOut,
    ColorJitter, Grayscale, RandomGrayscale, RandomPhotometricDistort, RandomChannelPermutation, RandomInvert, RandomPosterize,
    RandomSolarize, RandomAdjustSharpness, RandomAutocontrast, RandomEqualize, RandomGamma,
    GaussianBlur, GaussianNoise, #[serde(alias = "JPEG")] Jpeg, RandomErasing,
    RandAugment, TrivialAugmentWide, AutoAugment, AugMix,
    RandomApply, #[serde(alias = "RandomChoice")] OneOf, RandomOrder, PerClass,
}

impl Step {
    /// A transform that is not the crate's.
    pub fn own<T: Transform + 'static>(transform: T) -> Self {
        Self::Own(Own { name: type_name::<T>().to_owned(), transform: Arc::new(transform) })
    }
}

/// The place and the name of the first of `steps`, and of what they are made of, that is not the crate's.
pub fn first_own<'a>(steps: &'a [Step], place: &str) -> Option<(String, &'a str)> {
    steps.iter().enumerate().find_map(|(index, step)| {
        let place = format!("{place}[{index}]");
        let inner = |name: &str| format!("{place}.{name}");
        match step {
            Step::Own(own) => Some((place, &*own.name)),
            Step::Compose(pipeline) => first_own(pipeline.steps(), &inner("Compose")),
            Step::RandomApply(apply) => first_own(apply.transforms.steps(), &inner("RandomApply.transforms")),
            Step::OneOf(one_of) => first_own(&one_of.transforms, &inner("OneOf.transforms")),
            Step::RandomOrder(order) => first_own(&order.transforms, &inner("RandomOrder.transforms")),
            Step::PerClass(PerClass { classes, others }) => {
                let of_class = |(class, pipeline): (&String, &'a Pipeline)| {
                    first_own(pipeline.steps(), &inner(&format!("PerClass.classes.{class}")))
                };
                classes.iter().find_map(of_class).or_else(|| first_own(others.steps(), &inner("PerClass.others")))
            }
            _ => None,
        }
    })
}

impl From<Lambda> for Step {
    fn from(lambda: Lambda) -> Self {
        Self::Own(Own { name: format!("Lambda {:?}", lambda.name()), transform: Arc::new(lambda) })
    }
}

impl From<Pipeline> for Step {
    fn from(pipeline: Pipeline) -> Self {
        Self::Compose(pipeline)
    }
}

impl Transform for Step {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        self.transform().draw(info, rng, ops);
    }

    fn check_classes(&self, classes: &[String]) -> Result<()> {
        self.transform().check_classes(classes)
    }
}

/// A transform that is not the crate's, shared. Equal to itself and its clones only.
#[derive(Clone)]
pub struct Own {
    name: String,
    transform: Arc<dyn Transform>,
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl PartialEq for Own {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.transform, &other.transform)
    }
}
