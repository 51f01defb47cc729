//! Average pooling and its opposite, channels last; on the CPU as one operation with a backward pass of its own, because candle's sums over other
//! axes than the last cost several times as much there.

use candle_core::{CpuStorage, CustomOp1, Layout, Result as CandleResult, Shape, Tensor};
use rayon::prelude::*;

use super::has_kernels;
use super::slices::operand;
use crate::error::Result;

/// Means over windows of 2×2 pixels: (N, H, W, C) to (N, ⌊H / 2⌋, ⌊W / 2⌋, C). The last row and column of an odd side fall away.
pub(crate) fn halve(images: &Tensor) -> Result<Tensor> {
    let (_, height, width, channels) = images.dims4()?;
    pool(images, Windows { height, width, channels, window: (2, 2) })
}

/// Means over all pixels: (N, H, W, C) to (N, C).
pub(crate) fn global_average(images: &Tensor) -> Result<Tensor> {
    let (count, height, width, channels) = images.dims4()?;
    let means = pool(images, Windows { height, width, channels, window: (height, width) })?;
    Ok(means.reshape((count, channels))?)
}

/// Every pixel doubled in both directions: (N, H, W, C) to (N, 2H, 2W, C).
pub(crate) fn double(images: &Tensor) -> Result<Tensor> {
    let (count, height, width, channels) = images.dims4()?;
    if has_kernels(images) {
        let windows = Windows { height: 2 * height, width: 2 * width, channels, window: (2, 2) };
        return Ok(images.contiguous()?.apply_op1(Double(windows))?);
    }
    let rows = images.unsqueeze(2)?.broadcast_as((count, height, 2, width, channels))?;
    let rows = rows.reshape((count, 2 * height, width, channels))?.unsqueeze(3)?;
    let shape = (count, 2 * height, width, 2, channels);
    Ok(rows.broadcast_as(shape)?.reshape((count, 2 * height, 2 * width, channels))?)
}

fn pool(images: &Tensor, windows: Windows) -> Result<Tensor> {
    if has_kernels(images) {
        return Ok(images.contiguous()?.apply_op1(Pool(windows))?);
    }
    let Windows { channels, window: (window_height, window_width), .. } = windows;
    let (rows, columns) = windows.output();
    let used = images.narrow(1, 0, rows * window_height)?.narrow(2, 0, columns * window_width)?.contiguous()?;
    let shape = (images.dim(0)? * rows, window_height, columns, window_width, channels);
    Ok(used.reshape(shape)?.mean((1, 3))?.reshape(((), rows, columns, channels))?)
}

/// How an image of `height` × `width` pixels is cut into windows.
#[derive(Clone, Copy)]
struct Windows {
    height: usize,
    width: usize,
    channels: usize,
    window: (usize, usize),
}

impl Windows {
    /// Rows and columns of windows.
    fn output(&self) -> (usize, usize) {
        (self.height / self.window.0, self.width / self.window.1)
    }

    fn output_len(&self) -> usize {
        let (rows, columns) = self.output();
        rows * columns * self.channels
    }

    fn input_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// The pixels that lie in a window, as the place of their first channel, each with that of its window, in an order that depends
    /// on nothing else.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let Self { width, channels, window: (window_height, window_width), .. } = *self;
        let (rows, columns) = self.output();
        (0..rows * window_height).flat_map(move |y| {
            let place = move |x| {
                let window = y / window_height * columns + x / window_width;
                ((y * width + x) * channels, window * channels)
            };
            (0..columns * window_width).map(place)
        })
    }

    /// What a mean multiplies every pixel by.
    fn scale(&self) -> f32 {
        1.0 / (self.window.0 * self.window.1) as f32
    }

    /// Adds up the pixels of each window, times `scale`.
    fn sum(&self, scale: f32, image: &[f32], means: &mut [f32]) {
        for (from, to) in self.pairs() {
            let pixel = &image[from..from + self.channels];
            means[to..to + self.channels].iter_mut().zip(pixel).for_each(|(mean, value)| *mean += scale * value);
        }
    }

    /// Gives each pixel of a window the window's value, times `scale`.
    fn spread(&self, scale: f32, means: &[f32], image: &mut [f32]) {
        for (to, from) in self.pairs() {
            let mean = &means[from..from + self.channels];
            image[to..to + self.channels].iter_mut().zip(mean).for_each(|(value, mean)| *value = scale * mean);
        }
    }
}

struct Pool(Windows);

impl CustomOp1 for Pool {
    fn name(&self) -> &'static str {
        "average-pool"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> CandleResult<(CpuStorage, Shape)> {
        gather(self.0, self.0.scale(), storage, layout)
    }

    fn bwd(&self, _images: &Tensor, _means: &Tensor, gradient: &Tensor) -> CandleResult<Option<Tensor>> {
        Ok(Some(gradient.contiguous()?.apply_op1_no_bwd(&Spread(self.0))?))
    }
}

/// The gradient of [`Pool`].
struct Spread(Windows);

impl CustomOp1 for Spread {
    fn name(&self) -> &'static str {
        "average-pool-backward"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> CandleResult<(CpuStorage, Shape)> {
        scatter(self.0, self.0.scale(), storage, layout)
    }
}

struct Double(Windows);

impl CustomOp1 for Double {
    fn name(&self) -> &'static str {
        "double"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> CandleResult<(CpuStorage, Shape)> {
        scatter(self.0, 1.0, storage, layout)
    }

    fn bwd(&self, _images: &Tensor, _doubled: &Tensor, gradient: &Tensor) -> CandleResult<Option<Tensor>> {
        Ok(Some(gradient.contiguous()?.apply_op1_no_bwd(&Sum(self.0))?))
    }
}

/// The gradient of [`Double`].
struct Sum(Windows);

impl CustomOp1 for Sum {
    fn name(&self) -> &'static str {
        "double-backward"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> CandleResult<(CpuStorage, Shape)> {
        gather(self.0, 1.0, storage, layout)
    }
}

/// [`Windows::sum`] of every image.
fn gather(windows: Windows, scale: f32, storage: &CpuStorage, layout: &Layout) -> CandleResult<(CpuStorage, Shape)> {
    let images = operand(storage, layout)?;
    let (rows, columns) = windows.output();
    let count = layout.dims()[0];
    let mut means = vec![0.0; count * windows.output_len()];
    let pairs = means.par_chunks_mut(windows.output_len()).zip(images.par_chunks(windows.input_len()));
    pairs.for_each(|(means, image)| windows.sum(scale, image, means));
    Ok((CpuStorage::F32(means), (count, rows, columns, windows.channels).into()))
}

/// [`Windows::spread`] into every image.
fn scatter(windows: Windows, scale: f32, storage: &CpuStorage, layout: &Layout) -> CandleResult<(CpuStorage, Shape)> {
    let means = operand(storage, layout)?;
    let count = layout.dims()[0];
    let mut images = vec![0.0; count * windows.input_len()];
    let pairs = images.par_chunks_mut(windows.input_len()).zip(means.par_chunks(windows.output_len()));
    pairs.for_each(|(image, means)| windows.spread(scale, means, image));
    Ok((CpuStorage::F32(images), (count, windows.height, windows.width, windows.channels).into()))
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    /// The same means by candle's own pooling, which takes channels first.
    fn reference(images: &Tensor, window: (usize, usize)) -> Result<Tensor> {
        Ok(images.permute((0, 3, 1, 2))?.avg_pool2d(window)?.permute((0, 2, 3, 1))?.contiguous()?)
    }

    fn assert_close(found: &Tensor, expected: &Tensor) -> Result<()> {
        assert_eq!(found.dims(), expected.dims());
        let largest = (found - expected)?.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>()?;
        assert!(largest < 1e-6, "{largest}");
        Ok(())
    }

    #[test]
    fn means_are_those_of_candle() -> Result<()> {
        let images = Tensor::arange(0.0_f32, 2.0 * 6.0 * 5.0 * 3.0, &Device::Cpu)?.reshape((2, 6, 5, 3))?.sin()?;
        assert_close(&halve(&images)?, &reference(&images, (2, 2))?)?;
        assert_close(&global_average(&images)?, &reference(&images, (6, 5))?.reshape((2, 3))?)
    }

    #[test]
    fn gradients_are_those_of_candle() -> Result<()> {
        let values = Tensor::arange(0.0_f32, 2.0 * 6.0 * 4.0 * 3.0, &Device::Cpu)?.reshape((2, 6, 4, 3))?.sin()?;
        let images = Var::from_tensor(&values)?;
        let ours = halve(&images)?.sqr()?.sum_all()?.backward()?;
        let theirs = reference(&images, (2, 2))?.sqr()?.sum_all()?.backward()?;
        assert_close(&ours.get(&images).expect("a gradient").contiguous()?, theirs.get(&images).expect("a gradient"))
    }

    #[test]
    fn what_falls_away_has_no_gradient() -> Result<()> {
        let images = Var::ones((1, 3, 3, 1), candle_core::DType::F32, &Device::Cpu)?;
        let gradients = halve(&images)?.sum_all()?.backward()?;
        let gradient: Vec<f32> = gradients.get(&images).expect("a gradient").flatten_all()?.to_vec1()?;
        assert_eq!(gradient, [0.25, 0.25, 0.0, 0.25, 0.25, 0.0, 0.0, 0.0, 0.0]);
        Ok(())
    }

    #[test]
    fn doubling_repeats_pixels_and_adds_up_their_gradients() -> Result<()> {
        let images =
            Var::from_tensor(&Tensor::arange(0.0_f32, 2.0 * 3.0 * 2.0 * 2.0, &Device::Cpu)?.reshape((2, 3, 2, 2))?)?;
        let doubled = double(&images)?;
        assert_eq!(doubled.dims(), [2, 6, 4, 2]);
        assert_close(&halve(&doubled)?, &images)?;
        assert_eq!(doubled.get(1)?.get(5)?.get(3)?.to_vec1::<f32>()?, images.get(1)?.get(2)?.get(1)?.to_vec1::<f32>()?);
        let pull = doubled.sin()?.detach();
        let gradients = (&doubled * &pull)?.sum_all()?.backward()?;
        let expected = (halve(&pull)? * 4.0)?;
        assert_close(gradients.get(&images).expect("a gradient"), &expected)
    }
}
