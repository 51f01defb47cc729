//! Kernels that look at a neighbourhood or add noise.
