//! Channels in another order.

use serde::{Deserialize, Serialize};

use crate::rng::SampleRng;
use crate::transform::op::Op;
use crate::transform::{SampleInfo, Transform};

/// Puts the three channels into a random order, all six as likely; gray images stay as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomChannelPermutation {}

impl Transform for RandomChannelPermutation {
    fn draw(&self, info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        ops.extend(permutation(info, rng));
    }
}

/// A random order of the channels of an image like `info`, if it has several.
pub fn permutation(info: SampleInfo<'_>, rng: &mut SampleRng) -> Option<Op> {
    let mut order = [0, 1, 2];
    rng.shuffle(&mut order);
    (info.channels == 3).then_some(Op::PermuteChannels { order })
}
