//! Which tensors the crate's own kernels take.

use candle_core::{DType, Tensor};

/// Whether the kernels of this crate take the tensor: f32 on the CPU. What they do not take, candle's operations do, in the
/// tensor's own dtype.
pub(crate) fn has_kernels(x: &Tensor) -> bool {
    #[cfg(test)]
    if stock::is_forced() {
        return false;
    }
    x.device().is_cpu() && x.dtype() == DType::F32
}

/// Runs `work`, and all its layers, on one thread by candle's operations, as other devices do.
#[cfg(test)]
pub(crate) fn by_stock<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    // A pool of its own, because the flag is the thread's: work that enters the common pool would lose it.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("the system has a thread");
    pool.install(|| {
        stock::force();
        work()
    })
}

#[cfg(test)]
mod stock {
    use std::cell::Cell;

    thread_local!(static FORCED: Cell<bool> = const { Cell::new(false) });

    pub(super) fn force() {
        FORCED.set(true);
    }

    pub(super) fn is_forced() -> bool {
        FORCED.get()
    }
}
