//! The matrix product: the one place of the crate with `unsafe` code, behind a face that checks every length.
//!
//! The product itself is the `gemm` crate's. It runs in the calling thread: whoever has many products shares them out,
//! so that the result does not depend on the number of threads.
#![allow(unsafe_code)]

use gemm::Parallelism;

/// A matrix in a slice: row-major, or row-major and read transposed.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// `data` as `rows` × `columns`, row-major.
    ///
    /// # Panics
    ///
    /// If `data` has another length.
    pub(super) fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(Some(data.len()), rows.checked_mul(columns), "a matrix of {rows} × {columns}");
        Self { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The transposed matrix, without a copy.
    pub(super) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// One more than the largest offset that an element of the matrix has, which must not exceed the slice's length.
    fn extent(&self) -> usize {
        if self.rows == 0 || self.columns == 0 {
            return 0;
        }
        (self.rows - 1) * self.row_stride + (self.columns - 1) * self.column_stride + 1
    }
}

/// The longest sums that `gemm` takes in one go whatever the other sizes are; longer ones it cuts by all sizes together.
const DEPTH: usize = 512;

/// `out = left · right`, or `out += left · right`; `out` is row-major.
///
/// A row of the result is the same to the bit whatever the number of rows of `left`, if that is at least 2 and `right`
/// is not transposed: all its sums are taken in order, in parts of [`DEPTH`].
///
/// # Panics
///
/// If the shapes do not fit each other or `out`.
pub(super) fn product(out: &mut [f32], left: Matrix, right: Matrix, accumulate: bool) {
    let (m, k, n) = (left.rows, left.columns, right.columns);
    assert_eq!(k, right.rows, "inner sizes of a product");
    assert_eq!(Some(out.len()), m.checked_mul(n), "the result of a product is {m} × {n}");
    assert!(left.extent() <= left.data.len() && right.extent() <= right.data.len(), "a matrix outside its slice");
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        if !accumulate {
            out.fill(0.0);
        }
        return;
    }
    for start in (0..k).step_by(DEPTH) {
        let depth = DEPTH.min(k - start);
        // A slice holds at most isize::MAX bytes, and no stride exceeds a slice's length, so the casts keep every value.
        //
        // SAFETY: `gemm` reads element (i, j) of `left` at i · row stride + j · column stride for i below m and j from
        // `start` to `start + depth`, which is at most k, and of `right` likewise for i in that range and j below n: all
        // below the extents that were checked against the slices' lengths above. It writes (and, if told to, reads) `out`
        // at i · n + j for i < m, j < n, and `out` has m · n elements. `out` is borrowed mutably, so it overlaps neither
        // factor. Every element is an initialised f32.
        unsafe {
            gemm::gemm(
                m,
                n,
                depth,
                out.as_mut_ptr(),
                1,
                n as isize,
                accumulate || start > 0,
                left.data.as_ptr().add(start * left.column_stride),
                left.column_stride as isize,
                left.row_stride as isize,
                right.data.as_ptr().add(start * right.row_stride),
                right.column_stride as isize,
                right.row_stride as isize,
                1.0,
                1.0,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_with_transposed_factors() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let b = [1.0, 0.0, -1.0, 2.0, 1.0, 1.0];
        let mut out = [f32::NAN; 4];
        product(&mut out, Matrix::new(&a, 2, 3), Matrix::new(&b, 3, 2), false);
        assert_eq!(out, [2.0, 7.0, 5.0, 16.0]);
        product(&mut out, Matrix::new(&a, 3, 2).transposed(), Matrix::new(&b, 2, 3).transposed(), true);
        assert_eq!(out, [2.0 - 4.0, 7.0 + 10.0, 5.0 - 4.0, 16.0 + 14.0]);
    }

    #[test]
    fn a_row_does_not_depend_on_the_others() {
        for (depth, columns) in [(3, 5), (16, 16), (96, 1024), (100, 130), (700, 20), (1100, 64)] {
            let value = |i: usize| ((i * 7919) % 1013) as f32 / 500.0 - 1.0;
            let (left, right): (Vec<f32>, Vec<f32>) =
                ((0..300 * depth).map(value).collect(), (0..depth * columns).map(|i| value(i + 17)).collect());
            let rows = |count: usize| {
                let mut out = vec![0.0; count * columns];
                let left = Matrix::new(&left[..count * depth], count, depth);
                product(&mut out, left, Matrix::new(&right, depth, columns), false);
                out
            };
            let all = rows(300);
            for count in [2, 3, 5, 6, 7, 12, 64, 65, 129] {
                assert!(rows(count) == all[..count * columns], "{count} rows of {depth} × {columns}");
            }
        }
    }

    #[test]
    fn an_empty_inner_size_gives_zeros() {
        let mut out = [1.0; 2];
        product(&mut out, Matrix::new(&[], 2, 0), Matrix::new(&[], 0, 1), true);
        assert_eq!(out, [1.0; 2]);
        product(&mut out, Matrix::new(&[], 2, 0), Matrix::new(&[], 0, 1), false);
        assert_eq!(out, [0.0; 2]);
    }

    #[test]
    #[should_panic(expected = "inner sizes")]
    fn sizes_that_do_not_fit_panic() {
        product(&mut [0.0; 4], Matrix::new(&[0.0; 4], 2, 2), Matrix::new(&[0.0; 6], 3, 2), false);
    }
}
