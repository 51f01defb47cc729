//! Convolutions on the CPU, channels last, as matrix products over patches (K. Chellapilla et al., "High Performance
//! Convolutional Neural Networks for Document Processing", 2006), forward and backward.
//!
//! The work is cut into chunks of whole images by sizes alone, and partial sums are added in their order, so that the
//! result is the same to the bit for any number of threads.

use std::borrow::Cow;
use std::cell::RefCell;

use rayon::prelude::*;

use super::activation::Activation;
use super::buffer::zeros;
use super::gemm::{Matrix, product};
use super::winograd::Winograd;

/// Gradients of weights are summed in about this many parts, so many threads can share a backward pass.
const GROUPS: usize = 8;
/// Patches that one product reads, in floats: about what the second-level cache holds.
const PATCH_FLOATS: usize = 256 * 1024;
/// Below this many rows a product wastes the time it spends on packing the weights.
const MIN_ROWS: usize = 128;

/// Patches of a large image `(height, width, channels)`, one for each position of a small one `(small_height,
/// small_width)`.
///
/// A convolution goes from large to small, a transposed convolution from small to large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
    pub(super) small_height: usize,
    pub(super) small_width: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
}

impl Geometry {
    pub(super) fn large(&self) -> usize {
        self.height * self.width * self.channels
    }

    pub(super) fn positions(&self) -> usize {
        self.small_height * self.small_width
    }

    pub(super) fn patch(&self) -> usize {
        self.kernel * self.kernel * self.channels
    }

    /// Whether the patches are the image itself.
    fn is_identity(&self) -> bool {
        self.kernel == 1 && self.stride == 1 && self.padding == 0
    }

    /// Images for one product in a batch of `count`.
    fn chunk(&self, count: usize) -> usize {
        let by_cache = (PATCH_FLOATS / (self.positions() * self.patch())).max(1);
        let by_rows = MIN_ROWS.div_ceil(self.positions());
        by_cache.min(count.div_ceil(GROUPS)).max(by_rows)
    }

    /// Images for one part of the gradients of a batch of `count`.
    fn group(&self, count: usize) -> usize {
        count.div_ceil(GROUPS).max(MIN_ROWS.div_ceil(self.positions()))
    }

    /// For row (or column) `small` of the small image: the kernel's rows that fall inside a large side of `large`, and
    /// where the first of them falls.
    fn span(&self, small: usize, large: usize) -> (std::ops::Range<usize>, usize) {
        let start = small * self.stride;
        let first = self.padding.saturating_sub(start).min(self.kernel);
        let last = (large + self.padding).saturating_sub(start).min(self.kernel).max(first);
        (first..last, (start + first).saturating_sub(self.padding))
    }

    /// The columns of the small image whose patches lie wholly inside a large row.
    fn inside(&self) -> std::ops::Range<usize> {
        let first = self.padding.div_ceil(self.stride).min(self.small_width);
        let last = (self.width + self.padding).checked_sub(self.kernel).map_or(0, |room| room / self.stride + 1);
        first..last.min(self.small_width).max(first)
    }

    /// Calls `visit` with each run of pixels that image and patches share: (offset in the image, offset in the patches,
    /// length).
    #[inline(always)]
    fn runs(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let (kernel, channels, inside) = (self.kernel, self.channels, self.inside());
        for small_y in 0..self.small_height {
            let (rows, top) = self.span(small_y, self.height);
            for ky in rows.clone() {
                let row = (top + ky - rows.start) * self.width * channels;
                let patches = small_y * self.small_width * self.patch() + ky * kernel * channels;
                for small_x in inside.clone() {
                    let left = small_x * self.stride - self.padding;
                    visit(row + left * channels, patches + small_x * self.patch(), kernel * channels);
                }
                for small_x in (0..inside.start).chain(inside.end..self.small_width) {
                    let (columns, left) = self.span(small_x, self.width);
                    let patch = patches + small_x * self.patch() + columns.start * channels;
                    visit(row + left * channels, patch, columns.len() * channels);
                }
            }
        }
    }

    /// Patches of `images`, which are whole images: (images · positions, patch).
    fn fill_patches(&self, images: &[f32], patches: &mut [f32]) {
        let per_image = self.positions() * self.patch();
        // What lies outside the images stays 0.
        patches.fill(0.0);
        for (image, patches) in images.chunks_exact(self.large()).zip(patches.chunks_exact_mut(per_image)) {
            self.runs(|from, to, length| copy(&image[from..from + length], &mut patches[to..to + length]));
        }
    }

    /// Adds patches to the places in `images` that they come from.
    fn add_patches(&self, patches: &[f32], images: &mut [f32]) {
        let per_image = self.positions() * self.patch();
        for (image, patches) in images.chunks_exact_mut(self.large()).zip(patches.chunks_exact(per_image)) {
            self.runs(|to, from, length| add(&patches[from..from + length], &mut image[to..to + length]));
        }
    }

    /// A convolution of stride 1 that leaves few channels is cheaper the other way round, as a transposed one with the
    /// kernel turned by 180°: each pixel gives its products with the whole kernel, which are few, to the pixels around it,
    /// instead of gathering all channels of those. The geometry of that, if it is worth it.
    fn turned(&self, outputs: usize) -> Option<Self> {
        let worth = self.stride == 1 && self.kernel > 1 && self.padding < self.kernel && 4 * outputs <= self.channels;
        worth.then_some(Self {
            height: self.small_height,
            width: self.small_width,
            channels: outputs,
            small_height: self.height,
            small_width: self.width,
            padding: self.kernel - 1 - self.padding,
            ..*self
        })
    }
}

/// The weights (k, k, C, O) of a convolution as those (C, k, k, O) of the turned one.
fn turn(weight: &[f32], pixels: usize, channels: usize) -> Vec<f32> {
    let outputs = weight.len() / (pixels * channels);
    let mut turned = vec![0.0; weight.len()];
    for (index, run) in weight.chunks_exact(outputs).enumerate() {
        let (pixel, channel) = (index / channels, index % channels);
        turned[(channel * pixels + pixels - 1 - pixel) * outputs..][..outputs].copy_from_slice(run);
    }
    turned
}

/// The opposite of [`turn`].
fn turn_back(turned: &[f32], pixels: usize, channels: usize) -> Vec<f32> {
    let outputs = turned.len() / (pixels * channels);
    let mut weight = vec![0.0; turned.len()];
    for (index, run) in weight.chunks_exact_mut(outputs).enumerate() {
        let (pixel, channel) = (index / channels, index % channels);
        run.copy_from_slice(&turned[(channel * pixels + pixels - 1 - pixel) * outputs..][..outputs]);
    }
    weight
}

/// Copies a run, which is often so short that a call to copy it takes longer.
#[inline(always)]
fn copy(from: &[f32], to: &mut [f32]) {
    if from.len() > 32 {
        to.copy_from_slice(from);
        return;
    }
    let ((from, from_rest), (to, to_rest)) = (from.as_chunks::<4>(), to.as_chunks_mut::<4>());
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    to_rest.iter_mut().zip(from_rest).for_each(|(to, from)| *to = *from);
}

thread_local! {
    static SCRATCH: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Lends a buffer of `length` floats of any content. Buffers are kept for the next time; a loan within a loan, be it of
/// a task that the thread takes over meanwhile, has another.
pub(super) fn with_scratch<R>(length: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut buffer = SCRATCH.with_borrow_mut(Vec::pop).unwrap_or_default();
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
    let result = work(&mut buffer[..length]);
    SCRATCH.with_borrow_mut(|buffers| buffers.push(buffer));
    result
}

/// Lends the patches of `images`.
fn with_patches<R>(geometry: &Geometry, images: &[f32], work: impl FnOnce(&[f32]) -> R) -> R {
    if geometry.is_identity() {
        return work(images);
    }
    let count = images.len() / geometry.large();
    with_scratch(count * geometry.positions() * geometry.patch(), |patches| {
        geometry.fill_patches(images, patches);
        work(patches)
    })
}

pub(super) fn add_bias(values: &mut [f32], bias: Option<&[f32]>) {
    if let Some(bias) = bias {
        for row in values.chunks_exact_mut(bias.len()) {
            row.iter_mut().zip(bias).for_each(|(value, bias)| *value += bias);
        }
    }
}

#[inline(always)]
fn add(values: &[f32], sum: &mut [f32]) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

/// The sum of the rows of `values`, added to `sum`.
pub(super) fn add_rows(values: &[f32], sum: &mut [f32]) {
    for row in values.chunks_exact(sum.len()) {
        add(row, sum);
    }
}

/// The sum of `parts`, which are equally long, added in their order.
pub(super) fn add_in_order(parts: Vec<Vec<f32>>) -> Vec<f32> {
    let total = parts.into_iter().reduce(|mut total, part| {
        add(&part, &mut total);
        total
    });
    total.unwrap_or_default()
}

/// A copy of `matrix` (rows × columns), transposed, tile by tile to stay in the cache.
fn transpose(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    const TILE: usize = 16;
    let mut out = vec![0.0; matrix.len()];
    for top in (0..rows).step_by(TILE) {
        for left in (0..columns).step_by(TILE) {
            for i in top..rows.min(top + TILE) {
                let row = &matrix[i * columns..(i + 1) * columns];
                for j in left..columns.min(left + TILE) {
                    out[j * rows + i] = row[j];
                }
            }
        }
    }
    out
}

/// The gradients of one call, those that were asked for.
pub(super) struct Gradients {
    pub(super) input: Option<Vec<f32>>,
    pub(super) weight: Option<Vec<f32>>,
    pub(super) bias: Option<Vec<f32>>,
}

/// Which gradients a backward pass has to give.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) input: bool,
    pub(super) weight: bool,
    pub(super) bias: bool,
}

/// Sums of the gradients of weights and bias, one pair for each group of images, added in order.
struct Sums {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Sums {
    fn zeros(weights: usize, biases: usize, wanted: Wanted) -> Self {
        let zeros = |wanted: bool, length: usize| vec![0.0; if wanted { length } else { 0 }];
        Self { weight: zeros(wanted.weight, weights), bias: zeros(wanted.bias, biases) }
    }

    fn total(parts: Vec<Self>, wanted: Wanted) -> (Option<Vec<f32>>, Option<Vec<f32>>) {
        let total = parts.into_iter().reduce(|mut total, part| {
            add(&part.weight, &mut total.weight);
            add(&part.bias, &mut total.bias);
            total
        });
        let (weight, bias) = total.map_or_else(Default::default, |sums| (sums.weight, sums.bias));
        (wanted.weight.then_some(weight), wanted.bias.then_some(bias))
    }
}

/// The weight of a forward pass.
#[derive(Clone, Copy)]
pub(super) struct Weight<'a> {
    pub(super) values: &'a [f32],
    /// What [`lift_weight`](super::winograd::lift_weight) makes of it, if it is there already.
    pub(super) points: Option<&'a [f32]>,
}

/// A convolution: `input` (N, H, W, C), `weight` (k · k · C, O), result (N, H', W', O).
pub(super) fn conv(
    geometry: &Geometry,
    input: &[f32],
    weight: Weight,
    bias: Option<&[f32]>,
    activation: Activation,
) -> Vec<f32> {
    let outputs = weight.values.len() / geometry.patch();
    if let Some(winograd) = Winograd::new(geometry, outputs) {
        return winograd.conv(input, weight, bias, activation);
    }
    if let Some(turned) = geometry.turned(outputs) {
        let values = &turn(weight.values, geometry.kernel * geometry.kernel, geometry.channels);
        return conv_transpose(&turned, input, Weight { values, points: None }, bias, activation);
    }
    let count = input.len() / geometry.large();
    let chunk = geometry.chunk(count);
    let mut out = zeros(count * geometry.positions() * outputs);
    input
        .par_chunks(chunk * geometry.large())
        .zip(out.par_chunks_mut(chunk * geometry.positions() * outputs))
        .for_each(|(input, out)| {
            with_patches(geometry, input, |patches| {
                let rows = patches.len() / geometry.patch();
                let patches = Matrix::new(patches, rows, geometry.patch());
                product(out, patches, Matrix::new(weight.values, geometry.patch(), outputs), false);
            });
            add_bias(out, bias);
            activation.apply(out);
        });
    out
}

/// What both kinds of convolution keep for their backward pass.
pub(super) struct Saved<'a> {
    pub(super) input: &'a [f32],
    pub(super) weight: &'a [f32],
    pub(super) output: &'a [f32],
    pub(super) activation: Activation,
}

impl Saved<'_> {
    /// Walks over a batch of `count` images in groups, and within a group in chunks. `chunk_backward` gets a chunk's
    /// input, the gradient before the activation, the gradient of the input to fill (zeros), and the group's sums to
    /// add to.
    fn backward(
        &self,
        geometry: &Geometry,
        (count, biases): (usize, usize),
        gradient: &[f32],
        wanted: Wanted,
        chunk_backward: impl Fn(&[f32], &[f32], &mut [f32], &mut Sums) + Sync,
    ) -> Gradients {
        let (inputs, outputs) = (self.input.len() / count, self.output.len() / count);
        let (group, chunk) = (geometry.group(count), geometry.chunk(count));
        // Where the gradient of the input is not wanted, one float for each image stands for it.
        let sums = if wanted.input { inputs } else { 1 };
        let mut input_gradient = zeros(count * sums);
        let parts: Vec<Sums> = self
            .input
            .par_chunks(group * inputs)
            .zip(self.output.par_chunks(group * outputs))
            .zip(gradient.par_chunks(group * outputs))
            .zip(input_gradient.par_chunks_mut(group * sums))
            .map(|(((input, output), gradient), input_gradient)| {
                let mut part = Sums::zeros(self.weight.len(), biases, wanted);
                let inputs = input.chunks(chunk * inputs).zip(input_gradient.chunks_mut(chunk * sums));
                let outputs = output.chunks(chunk * outputs).zip(gradient.chunks(chunk * outputs));
                for ((input, input_gradient), (output, gradient)) in inputs.zip(outputs) {
                    let gradient = self.before_activation(output, gradient);
                    if wanted.bias {
                        add_rows(&gradient, &mut part.bias);
                    }
                    chunk_backward(input, &gradient, input_gradient, &mut part);
                }
                part
            })
            .collect();
        let (weight, bias) = Sums::total(parts, wanted);
        Gradients { input: wanted.input.then_some(input_gradient), weight, bias }
    }

    pub(super) fn before_activation<'a>(&self, output: &[f32], gradient: &'a [f32]) -> Cow<'a, [f32]> {
        if self.activation == Activation::Identity {
            return Cow::Borrowed(gradient);
        }
        let mut gradient = gradient.to_vec();
        self.activation.backward(output, &mut gradient);
        Cow::Owned(gradient)
    }
}

/// The gradients of [`conv`] from that of its result.
pub(super) fn conv_backward(geometry: &Geometry, saved: &Saved, gradient: &[f32], wanted: Wanted) -> Gradients {
    let patch = geometry.patch();
    let outputs = saved.weight.len() / patch;
    if let Some(winograd) = Winograd::new(geometry, outputs) {
        return winograd.conv_backward(saved, gradient, wanted);
    }
    if let Some(turned) = geometry.turned(outputs) {
        let (pixels, channels) = (geometry.kernel * geometry.kernel, geometry.channels);
        let weight = turn(saved.weight, pixels, channels);
        let gradients = conv_transpose_backward(&turned, &Saved { weight: &weight, ..*saved }, gradient, wanted);
        return Gradients { weight: gradients.weight.map(|weight| turn_back(&weight, pixels, channels)), ..gradients };
    }
    let count = saved.input.len() / geometry.large();
    let transposed = if wanted.input { transpose(saved.weight, patch, outputs) } else { Vec::new() };
    saved.backward(geometry, (count, outputs), gradient, wanted, |input, gradient, input_gradient, sums| {
        let rows = gradient.len() / outputs;
        let gradient = Matrix::new(gradient, rows, outputs);
        if wanted.weight {
            with_patches(geometry, input, |patches| {
                product(&mut sums.weight, Matrix::new(patches, rows, patch).transposed(), gradient, true);
            });
        }
        if wanted.input {
            let weight = Matrix::new(&transposed, outputs, patch);
            if geometry.is_identity() {
                product(input_gradient, gradient, weight, false);
                return;
            }
            with_scratch(rows * patch, |patches| {
                product(patches, gradient, weight, false);
                geometry.add_patches(patches, input_gradient);
            });
        }
    })
}

/// A transposed convolution: `input` (N, H, W, C), `weight` (C, k · k · O), result the large image (N, H', W', O).
pub(super) fn conv_transpose(
    geometry: &Geometry,
    input: &[f32],
    weight: Weight,
    bias: Option<&[f32]>,
    activation: Activation,
) -> Vec<f32> {
    let (patch, positions, large) = (geometry.patch(), geometry.positions(), geometry.large());
    let inputs = weight.values.len() / patch;
    if let Some(winograd) = Winograd::new(geometry, inputs) {
        return winograd.conv_transpose(input, weight, bias, activation);
    }
    let count = input.len() / (positions * inputs);
    let chunk = geometry.chunk(count);
    let mut out = zeros(count * large);
    input.par_chunks(chunk * positions * inputs).zip(out.par_chunks_mut(chunk * large)).for_each(|(input, out)| {
        let rows = input.len() / inputs;
        with_scratch(rows * patch, |patches| {
            product(patches, Matrix::new(input, rows, inputs), Matrix::new(weight.values, inputs, patch), false);
            geometry.add_patches(patches, out);
        });
        add_bias(out, bias);
        activation.apply(out);
    });
    out
}

/// The gradients of [`conv_transpose`] from that of its result.
pub(super) fn conv_transpose_backward(
    geometry: &Geometry,
    saved: &Saved,
    gradient: &[f32],
    wanted: Wanted,
) -> Gradients {
    let patch = geometry.patch();
    let inputs = saved.weight.len() / patch;
    if let Some(winograd) = Winograd::new(geometry, inputs) {
        return winograd.conv_transpose_backward(saved, gradient, wanted);
    }
    let count = saved.output.len() / geometry.large();
    let transposed = if wanted.input { transpose(saved.weight, inputs, patch) } else { Vec::new() };
    let sizes = (count, geometry.channels);
    saved.backward(geometry, sizes, gradient, wanted, |input, gradient, input_gradient, sums| {
        with_patches(geometry, gradient, |patches| {
            let rows = patches.len() / patch;
            let patches = Matrix::new(patches, rows, patch);
            if wanted.weight {
                product(&mut sums.weight, Matrix::new(input, rows, inputs).transposed(), patches, true);
            }
            if wanted.input {
                product(input_gradient, patches, Matrix::new(&transposed, patch, inputs), false);
            }
        });
    })
}
