//! Convolutions on the CPU by fewer multiplications (S. Winograd, "Arithmetic Complexity of Computations", 1980;
//! A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2016).
//!
//! The small image is cut into tiles of 2 × 2 pixels. A tile and the window of the large image below it are both
//! *lifted* to a few points, where a convolution is a product of one matrix for each point: 9 products of a quarter of
//! the size in the place of 16 for a kernel of 4 and a stride of 2, 16 in the place of 36 for a kernel of 3. A strided
//! kernel is one of stride 1 on each of the image's interleaved parts, its *phases*. What lifts is linear, so the same
//! matrices, transposed, give the backward passes and the transposed convolution.

use std::borrow::Cow;

use rayon::prelude::*;

use super::activation::Activation;
use super::buffer::zeros;
use super::combine::{Mode, Runs, Terms, combine};
use super::gemm::{Matrix, product};
use super::kernels::{Geometry, Gradients, Saved, Wanted, Weight, add_bias, add_in_order, add_rows, with_scratch};

/// Pixels of the small image along one side of a tile.
const TILE: usize = 2;
/// Fewer rows than the first number make a product slow; more than the second gain nothing and fill the cache.
const ROWS: (usize, usize) = (64, 128);
/// In so many blocks a batch is cut, where that leaves enough rows.
const BLOCKS: usize = 8;

/// The matrices of the method along one axis.
struct Scheme {
    /// Weights of one phase.
    taps: usize,
    /// (points, points): points of a window of as many pixels.
    window: &'static [&'static [f32]],
    /// (tile, points): pixels of a tile, of products of points.
    tile: &'static [&'static [f32]],
    /// (points, taps): points of the weights.
    weight: &'static [&'static [f32]],
}

const TWO_TAPS: Scheme = Scheme {
    taps: 2,
    window: &[&[1.0, -1.0, 0.0], &[0.0, 1.0, 0.0], &[0.0, -1.0, 1.0]],
    tile: &[&[1.0, 1.0, 0.0], &[0.0, 1.0, 1.0]],
    weight: &[&[1.0, 0.0], &[1.0, 1.0], &[0.0, 1.0]],
};

const THREE_TAPS: Scheme = Scheme {
    taps: 3,
    window: &[&[1.0, 0.0, -1.0, 0.0], &[0.0, 1.0, 1.0, 0.0], &[0.0, -1.0, 1.0, 0.0], &[0.0, 1.0, 0.0, -1.0]],
    tile: &[&[1.0, 1.0, 1.0, 0.0], &[0.0, 1.0, -1.0, -1.0]],
    weight: &[&[1.0, 0.0, 0.0], &[0.5, 0.5, 0.5], &[0.5, -0.5, 0.5], &[0.0, 0.0, 1.0]],
};

/// How the weights lie: the large image's channels along the rows of a matrix for each pixel of the kernel, or all of
/// them in each of the rows, which are the small image's channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// (k, k, large, small), as a convolution has them.
    LargeFirst,
    /// (small, k, k, large), as a transposed convolution has them.
    SmallFirst,
}

/// What a forward pass of either kind makes of its weight before it meets images, if it is by this method.
pub(super) fn lift_weight(geometry: &Geometry, weight: &[f32], transposed: bool) -> Option<Vec<f32>> {
    let order = if transposed { Order::SmallFirst } else { Order::LargeFirst };
    // It does not depend on the size of the images, and the method suits one whole tile if it suits any size.
    let tile = Geometry { small_height: TILE, small_width: TILE, ..*geometry };
    Winograd::new(&tile, weight.len() / tile.patch()).map(|method| method.lift_weight(weight, order))
}

/// The method for one geometry.
pub(super) struct Winograd<'a> {
    geometry: &'a Geometry,
    scheme: &'static Scheme,
    /// Channels of the small image.
    depth: usize,
    tiles_high: usize,
    tiles_wide: usize,
}

impl<'a> Winograd<'a> {
    /// The method, if it suits a geometry with `depth` channels in the small image: there are matrices for the kernel,
    /// it saves products, and there are enough channels for the sums to be cheap beside them.
    pub(super) fn new(geometry: &'a Geometry, depth: usize) -> Option<Self> {
        let Geometry { kernel, stride, channels, small_height, small_width, .. } = *geometry;
        let scheme = [&TWO_TAPS, &THREE_TAPS].into_iter().find(|scheme| scheme.taps * stride == kernel)?;
        let (tiles_high, tiles_wide) = (small_height.div_ceil(TILE), small_width.div_ceil(TILE));
        let method = Self { geometry, scheme, depth, tiles_high, tiles_wide };
        let products = method.points() * method.phases() * method.tiles();
        let saves = 5 * products <= 4 * kernel * kernel * geometry.positions();
        (saves && method.phases() * channels >= 32 && depth >= 16).then_some(method)
    }

    /// Points of a tile, along both axes.
    fn points(&self) -> usize {
        self.scheme.window.len() * self.scheme.window.len()
    }

    /// Phases of the large image.
    fn phases(&self) -> usize {
        self.geometry.stride * self.geometry.stride
    }

    fn tiles(&self) -> usize {
        self.tiles_high * self.tiles_wide
    }

    /// Values of the large image at one point of one tile.
    fn width(&self) -> usize {
        self.phases() * self.geometry.channels
    }

    /// Images of a block in a batch of `count`.
    fn block(&self, count: usize) -> usize {
        let images = |rows: usize| rows.div_ceil(self.tiles());
        count.div_ceil(BLOCKS).clamp(images(ROWS.0), images(ROWS.1))
    }

    /// Where row `row` of phase `phase` of the window of a tile in tile row `tile` starts in the large image, unless
    /// it lies outside.
    fn window_row(&self, tile: usize, row: usize, phase: usize) -> Option<usize> {
        let Geometry { height, width, channels, stride, padding, .. } = *self.geometry;
        let y = (stride * (TILE * tile + row) + phase).checked_sub(padding)?;
        (y < height).then_some(y * width * channels)
    }

    /// Where row `row` of the tiles of tile row `tile` starts in the small image, unless it lies outside.
    fn tile_row(&self, tile: usize, row: usize) -> Option<usize> {
        let y = TILE * tile + row;
        (y < self.geometry.small_height).then_some(y * self.geometry.small_width * self.depth)
    }

    /// Floats of a row of the large image with what its windows reach beyond it, and the length of the image's part.
    fn large_row(&self) -> (usize, usize) {
        let Geometry { width, channels, stride, padding, .. } = *self.geometry;
        let row = stride * (TILE * (self.tiles_wide - 1) + self.scheme.window.len());
        (row * channels, width.min(row - padding) * channels)
    }

    fn small_row(&self) -> usize {
        TILE * self.tiles_wide * self.depth
    }

    /// Floats of the rows that one image's lifting keeps.
    fn rows_length(&self) -> usize {
        self.scheme.window.len() * self.large_row().0.max(self.small_row())
    }

    /// The runs of the points of a tile row in a block of `tiles` tiles, whose first tile is `first`: those of point
    /// `point` of phase row `phase`.
    fn large_points(&self, (tiles, first): (usize, usize), point: usize, phase: usize) -> Runs {
        let Geometry { channels, stride, .. } = *self.geometry;
        Runs { start: (point * tiles + first) * self.width() + phase * stride * channels, step: self.width() }
    }

    fn small_points(&self, (tiles, first): (usize, usize), point: usize) -> Runs {
        Runs { start: (point * tiles + first) * self.depth, step: self.depth }
    }

    /// The points of large images: (points, tiles, phases · channels).
    fn lift_large(&self, images: &[f32], points: &mut [f32], rows: &mut [f32]) {
        let Geometry { channels, stride, padding, .. } = *self.geometry;
        let (side, window) = (self.scheme.window.len(), self.scheme.window);
        let (row, inside) = self.large_row();
        let (tiles, run) = (points.len() / (self.points() * self.width()), (stride * channels, self.tiles_wide));
        rows.fill(0.0);
        for (index, image) in images.chunks_exact(self.geometry.large()).enumerate() {
            for tile in 0..self.tiles_high {
                let first = index * self.tiles() + tile * self.tiles_wide;
                for phase in 0..stride {
                    for y in 0..side {
                        let terms = Terms::new(window[y].iter().copied(), |k| self.window_row(tile, k, phase));
                        let to = Runs { start: y * row + padding * channels, step: 0 };
                        combine(image, (terms, 0), rows, to, (inside, 1), Mode::Set);
                        for (x, weights) in window.iter().enumerate() {
                            let start = |k: usize| Some(y * row + k * stride * channels);
                            let terms = Terms::new(weights.iter().copied(), start);
                            let to = self.large_points((tiles, first), y * side + x, phase);
                            combine(rows, (terms, TILE * stride * channels), points, to, run, Mode::Set);
                        }
                    }
                }
            }
        }
    }

    /// The transposed of [`Winograd::lift_large`], added to `images`.
    fn drop_large(&self, points: &[f32], images: &mut [f32], rows: &mut [f32]) {
        let Geometry { channels, stride, padding, .. } = *self.geometry;
        let (side, window) = (self.scheme.window.len(), self.scheme.window);
        let (row, inside) = self.large_row();
        let (tiles, run) = (points.len() / (self.points() * self.width()), (stride * channels, self.tiles_wide));
        for (index, image) in images.chunks_exact_mut(self.geometry.large()).enumerate() {
            for tile in 0..self.tiles_high {
                let first = index * self.tiles() + tile * self.tiles_wide;
                for phase in 0..stride {
                    rows.fill(0.0);
                    for y in 0..side {
                        for k in 0..side {
                            let start = |x: usize| Some(self.large_points((tiles, first), y * side + x, phase).start);
                            let terms = Terms::new(window.iter().map(|weights| weights[k]), start);
                            let to = Runs { start: y * row + k * stride * channels, step: TILE * stride * channels };
                            combine(points, (terms, self.width()), rows, to, run, Mode::Add);
                        }
                    }
                    for k in 0..side {
                        let Some(start) = self.window_row(tile, k, phase) else { continue };
                        let from = |y: usize| Some(y * row + padding * channels);
                        let terms = Terms::new(window.iter().map(|weights| weights[k]), from);
                        combine(rows, (terms, 0), image, Runs { start, step: 0 }, (inside, 1), Mode::Add);
                    }
                }
            }
        }
    }

    /// The small images that products of points stand for: (images, height, width, depth).
    fn drop_small(&self, points: &[f32], images: &mut [f32], rows: &mut [f32]) {
        let (side, weights) = (self.scheme.window.len(), self.scheme.tile);
        let (row, inside) = (self.small_row(), self.geometry.small_width * self.depth);
        let tiles = points.len() / (self.points() * self.depth);
        for (index, image) in images.chunks_exact_mut(self.geometry.positions() * self.depth).enumerate() {
            for tile in 0..self.tiles_high {
                let first = index * self.tiles() + tile * self.tiles_wide;
                for y in 0..side {
                    for (j, weights) in weights.iter().enumerate() {
                        let start = |x: usize| Some(self.small_points((tiles, first), y * side + x).start);
                        let terms = Terms::new(weights.iter().copied(), start);
                        let to = Runs { start: y * row + j * self.depth, step: TILE * self.depth };
                        combine(points, (terms, self.depth), rows, to, (self.depth, self.tiles_wide), Mode::Set);
                    }
                }
                for (j, weights) in weights.iter().enumerate() {
                    let Some(start) = self.tile_row(tile, j) else { continue };
                    let terms = Terms::new(weights.iter().copied(), |y| Some(y * row));
                    combine(rows, (terms, 0), image, Runs { start, step: 0 }, (inside, 1), Mode::Set);
                }
            }
        }
    }

    /// The transposed of [`Winograd::drop_small`]: (points, tiles, depth).
    fn lift_small(&self, images: &[f32], points: &mut [f32], rows: &mut [f32]) {
        let (side, weights) = (self.scheme.window.len(), self.scheme.tile);
        let (row, inside) = (self.small_row(), self.geometry.small_width * self.depth);
        let tiles = points.len() / (self.points() * self.depth);
        rows.fill(0.0);
        for (index, image) in images.chunks_exact(self.geometry.positions() * self.depth).enumerate() {
            for tile in 0..self.tiles_high {
                let first = index * self.tiles() + tile * self.tiles_wide;
                for y in 0..side {
                    let terms = Terms::new(weights.iter().map(|weights| weights[y]), |j| self.tile_row(tile, j));
                    combine(image, (terms, 0), rows, Runs { start: y * row, step: 0 }, (inside, 1), Mode::Set);
                    for x in 0..side {
                        let start = |j: usize| Some(y * row + j * self.depth);
                        let terms = Terms::new(weights.iter().map(|weights| weights[x]), start);
                        let to = self.small_points((tiles, first), y * side + x);
                        let run = (self.depth, self.tiles_wide);
                        combine(rows, (terms, TILE * self.depth), points, to, run, Mode::Set);
                    }
                }
            }
        }
    }

    /// Where the runs of weights of one pixel lie among `pixels` pixels (of the kernel, or of the phases), how long
    /// they are and how many.
    fn weight_runs(&self, order: Order, pixel: usize, pixels: usize) -> (Runs, (usize, usize)) {
        let channels = self.geometry.channels;
        match order {
            Order::LargeFirst => {
                let length = channels * self.depth;
                (Runs { start: pixel * length, step: 0 }, (length, 1))
            }
            Order::SmallFirst => (Runs { start: pixel * channels, step: pixels * channels }, (channels, self.depth)),
        }
    }

    /// The pixel of the kernel at tap (y, x) of a phase.
    fn kernel_pixel(&self, phase: usize, y: usize, x: usize) -> usize {
        let Geometry { stride, kernel, .. } = *self.geometry;
        (stride * y + phase / stride) * kernel + stride * x + phase % stride
    }

    /// The points of the weights: for each a matrix (phases · large, small) or (small, phases · large).
    fn lift_weight(&self, weight: &[f32], order: Order) -> Vec<f32> {
        let (side, pixels) = (self.scheme.window.len(), self.geometry.kernel * self.geometry.kernel);
        let matrix = self.width() * self.depth;
        let mut points = zeros(self.points() * matrix);
        points.par_chunks_mut(matrix).enumerate().for_each(|(point, points)| {
            let (weights_y, weights_x) = (self.scheme.weight[point / side], self.scheme.weight[point % side]);
            for phase in 0..self.phases() {
                let (to, run) = self.weight_runs(order, phase, self.phases());
                for (y, weight_y) in weights_y.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
                    let from = |x| self.weight_runs(order, self.kernel_pixel(phase, y, x), pixels).0;
                    let terms = Terms::new(weights_x.iter().map(|weight| weight * weight_y), |x| Some(from(x).start));
                    combine(weight, (terms, from(0).step), points, to, run, Mode::Add);
                }
            }
        });
        points
    }

    /// The points of weights that may have them already.
    fn points_of<'w>(&self, weight: Weight<'w>, order: Order) -> Cow<'w, [f32]> {
        weight.points.map_or_else(|| self.lift_weight(weight.values, order).into(), Cow::Borrowed)
    }

    /// The transposed of [`Winograd::lift_weight`].
    fn drop_weight(&self, points: &[f32], order: Order) -> Vec<f32> {
        let (side, pixels) = (self.scheme.window.len(), self.geometry.kernel * self.geometry.kernel);
        let (stride, kernel) = (self.geometry.stride, self.geometry.kernel);
        let matrix = self.width() * self.depth;
        let mut weight = vec![0.0; pixels * self.geometry.channels * self.depth];
        let sum = |pixel: usize, weight: &mut [f32], to: Runs| {
            let (y, x) = (pixel / kernel, pixel % kernel);
            let (from, run) = self.weight_runs(order, (y % stride) * stride + x % stride, self.phases());
            let taps = |axis: usize| self.scheme.weight.iter().map(move |weights| weights[axis / stride]);
            for (point_y, weight_y) in taps(y).enumerate().filter(|(_, weight)| *weight != 0.0) {
                let start = |point_x: usize| Some((point_y * side + point_x) * matrix + from.start);
                let terms = Terms::new(taps(x).map(|weight| weight * weight_y), start);
                combine(points, (terms, from.step), weight, to, run, Mode::Add);
            }
        };
        match order {
            Order::LargeFirst => {
                let length = self.geometry.channels * self.depth;
                let pixels = weight.par_chunks_mut(length).enumerate();
                pixels.for_each(|(pixel, weight)| sum(pixel, weight, Runs { start: 0, step: 0 }));
            }
            Order::SmallFirst => (0..pixels).for_each(|pixel| {
                sum(pixel, &mut weight, self.weight_runs(order, pixel, pixels).0);
            }),
        }
        weight
    }

    /// The matrix (phases · large, small) of one point of the weights.
    fn weight_matrix<'w>(&self, points: &'w [f32], point: usize, order: Order) -> Matrix<'w> {
        let length = self.width() * self.depth;
        let points = &points[point * length..(point + 1) * length];
        match order {
            Order::LargeFirst => Matrix::new(points, self.width(), self.depth),
            Order::SmallFirst => Matrix::new(points, self.depth, self.width()).transposed(),
        }
    }

    /// For each point `out = points · weights`, from large to small.
    fn to_small(&self, large: &[f32], weights: &[f32], order: Order, small: &mut [f32]) {
        let tiles = large.len() / (self.points() * self.width());
        let points = large.chunks_exact(tiles * self.width()).zip(small.chunks_exact_mut(tiles * self.depth));
        for (point, (large, small)) in points.enumerate() {
            let weights = self.weight_matrix(weights, point, order);
            product(small, Matrix::new(large, tiles, self.width()), weights, false);
        }
    }

    /// The same from small to large.
    fn to_large(&self, small: &[f32], weights: &[f32], order: Order, large: &mut [f32]) {
        let tiles = small.len() / (self.points() * self.depth);
        let points = large.chunks_exact_mut(tiles * self.width()).zip(small.chunks_exact(tiles * self.depth));
        for (point, (large, small)) in points.enumerate() {
            let weights = self.weight_matrix(weights, point, order).transposed();
            product(large, Matrix::new(small, tiles, self.depth), weights, false);
        }
    }

    /// A convolution, as [`super::kernels::conv`].
    pub(super) fn conv(&self, input: &[f32], weight: Weight, bias: Option<&[f32]>, activation: Activation) -> Vec<f32> {
        let (inputs, outputs) = (self.geometry.large(), self.geometry.positions() * self.depth);
        let count = input.len() / inputs;
        let (block, order) = (self.block(count), Order::LargeFirst);
        let weights = self.points_of(weight, order);
        let mut out = zeros(count * outputs);
        let blocks = input.par_chunks(block * inputs).zip(out.par_chunks_mut(block * outputs));
        blocks.for_each(|(input, out)| {
            self.with_points(input.len() / inputs, |large, small, rows| {
                self.lift_large(input, large, rows);
                self.to_small(large, &weights, order, small);
                self.drop_small(small, out, rows);
            });
            add_bias(out, bias);
            activation.apply(out);
        });
        out
    }

    /// A transposed convolution, as [`super::kernels::conv_transpose`].
    pub(super) fn conv_transpose(
        &self,
        input: &[f32],
        weight: Weight,
        bias: Option<&[f32]>,
        activation: Activation,
    ) -> Vec<f32> {
        let (inputs, outputs) = (self.geometry.positions() * self.depth, self.geometry.large());
        let count = input.len() / inputs;
        let (block, order) = (self.block(count), Order::SmallFirst);
        let weights = self.points_of(weight, order);
        let mut out = zeros(count * outputs);
        let blocks = input.par_chunks(block * inputs).zip(out.par_chunks_mut(block * outputs));
        blocks.for_each(|(input, out)| {
            self.with_points(input.len() / inputs, |large, small, rows| {
                self.lift_small(input, small, rows);
                self.to_large(small, &weights, order, large);
                self.drop_large(large, out, rows);
            });
            add_bias(out, bias);
            activation.apply(out);
        });
        out
    }

    /// Lends the points of large and small images, of any content, and the rows, for `images` images.
    fn with_points<R>(&self, images: usize, work: impl FnOnce(&mut [f32], &mut [f32], &mut [f32]) -> R) -> R {
        let tiles = images * self.tiles();
        let (large, small) = (self.points() * tiles * self.width(), self.points() * tiles * self.depth);
        with_scratch(large + small + self.rows_length(), |scratch| {
            let (large_points, rest) = scratch.split_at_mut(large);
            let (small_points, rows) = rest.split_at_mut(small);
            work(large_points, small_points, rows)
        })
    }

    /// The gradients of [`Winograd::conv`] from that of its result.
    pub(super) fn conv_backward(&self, saved: &Saved, gradient: &[f32], wanted: Wanted) -> Gradients {
        let order = Order::LargeFirst;
        let weights = if wanted.input { self.lift_weight(saved.weight, order) } else { Vec::new() };
        self.backward(saved, gradient, wanted, order, |input, gradient, input_gradient, large, small, rows| {
            self.lift_small(gradient, small, rows);
            if wanted.input {
                self.to_large(small, &weights, order, large);
                self.drop_large(large, input_gradient, rows);
            }
            if wanted.weight {
                self.lift_large(input, large, rows);
            }
        })
    }

    /// The gradients of [`Winograd::conv_transpose`] from that of its result.
    pub(super) fn conv_transpose_backward(&self, saved: &Saved, gradient: &[f32], wanted: Wanted) -> Gradients {
        let order = Order::SmallFirst;
        let weights = if wanted.input { self.lift_weight(saved.weight, order) } else { Vec::new() };
        self.backward(saved, gradient, wanted, order, |input, gradient, input_gradient, large, small, rows| {
            self.lift_large(gradient, large, rows);
            if wanted.input {
                self.to_small(large, &weights, order, small);
                self.drop_small(small, input_gradient, rows);
            }
            if wanted.weight {
                self.lift_small(input, small, rows);
            }
        })
    }

    /// Walks over a batch in blocks. `lift` gets a block's input, the gradient before the activation, the gradient of
    /// the input to fill (zeros), and the points of large and small images, from which the weights' gradient is made.
    fn backward(
        &self,
        saved: &Saved,
        gradient: &[f32],
        wanted: Wanted,
        order: Order,
        lift: impl Fn(&[f32], &[f32], &mut [f32], &mut [f32], &mut [f32], &mut [f32]) + Sync,
    ) -> Gradients {
        let (large, small) = (self.geometry.large(), self.geometry.positions() * self.depth);
        let (inputs, outputs, biases) = match order {
            Order::LargeFirst => (large, small, self.depth),
            Order::SmallFirst => (small, large, self.geometry.channels),
        };
        let count = saved.input.len() / inputs;
        let block = self.block(count);
        // Where the gradient of the input is not wanted, one float for each image stands for it.
        let sums = if wanted.input { inputs } else { 1 };
        let mut input_gradient = zeros(count * sums);
        let points = self.points() * self.tiles();
        let (large, small) = (points * self.width(), points * self.depth);
        let (biases, weight) = with_scratch(count * (large + small), |scratch| {
            let (large_points, small_points) = scratch.split_at_mut(count * large);
            let parts: Vec<Vec<f32>> = saved
                .input
                .par_chunks(block * inputs)
                .zip(saved.output.par_chunks(block * outputs))
                .zip(gradient.par_chunks(block * outputs))
                .zip(input_gradient.par_chunks_mut(block * sums))
                .zip(large_points.par_chunks_mut(block * large))
                .zip(small_points.par_chunks_mut(block * small))
                .map(|(((((input, output), gradient), input_gradient), large), small)| {
                    let gradient = saved.before_activation(output, gradient);
                    let mut bias = vec![0.0; if wanted.bias { biases } else { 0 }];
                    if wanted.bias {
                        add_rows(&gradient, &mut bias);
                    }
                    with_scratch(self.rows_length(), |rows| lift(input, &gradient, input_gradient, large, small, rows));
                    bias
                })
                .collect();
            let blocks = (&*large_points, &*small_points, block);
            (parts, wanted.weight.then(|| self.drop_weight(&self.weight_points(blocks, order), order)))
        });
        Gradients {
            input: wanted.input.then_some(input_gradient),
            weight,
            bias: wanted.bias.then(|| add_in_order(biases)),
        }
    }

    /// The gradients of the weights' points from the points of all blocks.
    fn weight_points(&self, (large, small, block): (&[f32], &[f32], usize), order: Order) -> Vec<f32> {
        let (width, depth) = (self.width(), self.depth);
        let points = self.points();
        let length = block * self.tiles() * points;
        let mut sums = zeros(points * width * depth);
        sums.par_chunks_mut(width * depth).enumerate().for_each(|(point, sum)| {
            let blocks = large.chunks(length * width).zip(small.chunks(length * depth));
            for (index, (large, small)) in blocks.enumerate() {
                let tiles = small.len() / (points * depth);
                let large = Matrix::new(&large[point * tiles * width..][..tiles * width], tiles, width);
                let small = Matrix::new(&small[point * tiles * depth..][..tiles * depth], tiles, depth);
                match order {
                    Order::LargeFirst => product(sum, large.transposed(), small, index > 0),
                    Order::SmallFirst => product(sum, small.transposed(), large, index > 0),
                }
            }
        });
        sums
    }
}
