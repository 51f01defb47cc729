//! Scaling along the columns with AVX2: two rows at a time, their bytes interleaved, multiplied and added in pairs.

#[cfg(target_arch = "x86")]
use core::arch::x86::__m256i;
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::__m256i;

use pulp::cast;
use pulp::x86::V3;

use crate::transform::kernels::resize::weights::Weights;
use crate::transform::kernels::vectorized::vectorized;

/// Bytes of one register.
const WIDTH: usize = 32;

/// Writes all rows, and up to 31 bytes behind each; as many must lie behind the source. False if the processor lacks AVX2.
pub fn scale(source: &[u8], length: usize, weights: &Weights, out: &mut [u8]) -> bool {
    let Some(simd) = V3::try_new() else { return false };
    for i in 0..weights.first.len() {
        let (rows, out) = (&source[weights.first[i] * length..], &mut out[i * length..]);
        vectorized!(simd => scale_row(simd, rows, length, weights.of(i), weights.precision, out));
    }
    true
}

#[inline(always)]
fn scale_row(simd: V3, rows: &[u8], length: usize, taps: &[i16], precision: u32, out: &mut [u8]) {
    let half = simd.avx._mm256_set1_epi32(1 << precision >> 1);
    let count = simd.sse2._mm_cvtsi32_si128(precision as i32);
    let load = |start: usize| -> __m256i {
        let bytes: [u8; WIDTH] = rows[start..][..WIDTH].try_into().expect("as many bytes");
        cast(bytes)
    };
    let (pairs, rest) = taps.as_chunks::<2>();
    for start in (0..length).step_by(WIDTH) {
        let mut sums = [half; 4];
        for (k, &[first, second]) in pairs.iter().enumerate() {
            let above = load(2 * k * length + start);
            add(simd, &mut sums, above, load((2 * k + 1) * length + start), first, second);
        }
        if let &[weight] = rest {
            let row = load(2 * pairs.len() * length + start);
            add(simd, &mut sums, row, row, weight, 0);
        }
        let [a, b, c, d] = sums.map(|sum| simd.avx2._mm256_sra_epi32(sum, count));
        let (low, high) = (simd.avx2._mm256_packs_epi32(a, b), simd.avx2._mm256_packs_epi32(c, d));
        let bytes: [u8; WIDTH] = cast(simd.avx2._mm256_packus_epi16(low, high));
        out[start..][..WIDTH].copy_from_slice(&bytes);
    }
}

/// Adds two weighted rows; each sum holds every fourth group of four columns.
#[inline(always)]
fn add(simd: V3, sums: &mut [__m256i; 4], above: __m256i, below: __m256i, first: i16, second: i16) {
    let zero = simd.avx._mm256_setzero_si256();
    let weights = simd.avx._mm256_set1_epi32(cast([first, second]));
    let low = simd.avx2._mm256_unpacklo_epi8(above, below);
    let high = simd.avx2._mm256_unpackhi_epi8(above, below);
    let words = [
        simd.avx2._mm256_unpacklo_epi8(low, zero),
        simd.avx2._mm256_unpackhi_epi8(low, zero),
        simd.avx2._mm256_unpacklo_epi8(high, zero),
        simd.avx2._mm256_unpackhi_epi8(high, zero),
    ];
    for (sum, words) in sums.iter_mut().zip(words) {
        *sum = simd.avx2._mm256_add_epi32(*sum, simd.avx2._mm256_madd_epi16(words, weights));
    }
}
