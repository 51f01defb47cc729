//! An executor combines operations as it likes; the results are those of one operation after the other.

use candle_augment::{
    Executor, Fill, Image, Interpolation, Lambda, Normalize, Op, Padding, Purpose, Result, SampleInfo, SampleKey, Size,
    Transform, write_planar,
};
use proptest::prelude::*;

fn images() -> impl Strategy<Value = Image> {
    let sides = prop_oneof![(1..24usize, 1..24usize), (50..90usize, 50..90usize)];
    (sides, prop_oneof![Just(1usize), Just(3)]).prop_flat_map(|((height, width), channels)| {
        prop::collection::vec(any::<u8>(), height * width * channels)
            .prop_map(move |data| Image::new(height, width, channels, data).expect("the bytes fit"))
    })
}

/// An operation for an image of a size and channels that are not known yet.
type Drawn = Box<dyn Fn(SampleInfo) -> Op>;

fn always(op: impl Strategy<Value = Op> + 'static) -> BoxedStrategy<std::sync::Arc<Drawn>> {
    op.prop_map(|op| std::sync::Arc::new(Box::new(move |_| op.clone()) as Drawn)).boxed()
}
