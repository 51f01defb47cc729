//! Transforms that do one thing with a probability.

use super::params::{Number, Probability};

/// The default probability.
pub const fn half() -> Number<Probability> {
    Number::constant(0.5)
}

/// Defines a transform without other parameters: its name, its default probability, and the op for a [`SampleInfo`](crate::SampleInfo).
macro_rules! chance {
    ($(#[$doc:meta])* $name:ident, $default:literal, $info:pat => $op:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            p: $crate::transform::params::Number<$crate::transform::params::Probability>,
        }

        impl $name {
            /// With probability `p`.
            ///
            /// # Errors
            ///
            /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `p` lies outside [0, 1].
            pub fn new(p: f64) -> $crate::Result<Self> {
                Ok(Self { p: $crate::transform::params::Number::new(concat!(stringify!($name), ": p"), p)? })
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self { p: $crate::transform::params::Number::constant($default) }
            }
        }

        impl $crate::transform::Transform for $name {
            fn draw(
                &self,
                $info: $crate::transform::SampleInfo<'_>,
                rng: &mut $crate::SampleRng,
                ops: &mut Vec<$crate::transform::Op>,
            ) {
                if self.p.draw(rng) {
                    ops.push($op);
                }
            }
        }
    };
}

pub(super) use chance;
