//! Scaling along the rows with AVX2: four source pixels in one register, multiplied and added in pairs.

#[cfg(target_arch = "x86")]
use core::arch::x86::{__m128i, __m256i};
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::{__m128i, __m256i};

use pulp::cast;
use pulp::x86::V3;

use super::{Scratch, in_order, row_start};
use crate::transform::kernels::resize::weights::Weights;
use crate::transform::kernels::vectorized::vectorized;
use crate::transform::kernels::view::View;

/// Result pixels that are finished together.
const PIXELS: usize = 4;

/// Weights of one register.
const WIDTH: usize = 16;

/// Writes all rows, and up to 16 bytes behind each; the offsets must have been filled. False if the processor lacks AVX2.
pub fn scale(view: View<'_>, weights: &Weights, scratch: &mut Scratch, out: &mut [u8]) -> bool {
    let Some(simd) = V3::try_new() else { return false };
    if view.channels() == 1 {
        all::<1>(simd, view, weights, scratch, out)
    } else {
        all::<3>(simd, view, weights, scratch, out)
    }
    true
}

fn all<const C: usize>(simd: V3, view: View<'_>, weights: &Weights, scratch: &mut Scratch, out: &mut [u8]) {
    let groups = weights.length.iter().max().map_or(0, |&most| most.div_ceil(taps::<C>()));
    arrange::<C>(view, weights, groups, scratch);
    let row = weights.first.len() * C;
    for y in 0..view.size().height {
        let (source, out) = (&view.bytes()[row_start(view, y)..], &mut out[y * row..]);
        // The usual lengths are constants, so that their loops are unrolled.
        vectorized!(simd => match groups {
            1 => scale_row::<C>(simd, source, scratch, 1, weights.precision, out),
            2 => scale_row::<C>(simd, source, scratch, 2, weights.precision, out),
            groups => scale_row::<C>(simd, source, scratch, groups, weights.precision, out),
        });
    }
}

/// Source pixels in one register: 16 of one channel, or 4 of three.
const fn taps<const C: usize>() -> usize {
    if C == 1 { WIDTH } else { 4 }
}

/// Spreads the weights over registers, and fills the result pixels up to whole groups. With three channels a register holds the
/// pairs of weights (0, 1) four times, once for each channel and once for nothing, then (2, 3).
fn arrange<const C: usize>(view: View<'_>, weights: &Weights, groups: usize, scratch: &mut Scratch) {
    let Scratch { offsets, weights: arranged } = scratch;
    let pixels = weights.first.len().next_multiple_of(PIXELS);
    offsets.resize(pixels, 0);
    arranged.clear();
    arranged.resize(pixels * groups * WIDTH, 0);
    for (i, registers) in arranged.chunks_exact_mut(groups * WIDTH).enumerate().take(weights.first.len()) {
        in_order(view, weights, i, |tap, weight| {
            if C == 1 {
                registers[tap] = weight;
            } else {
                let place = tap / 4 * WIDTH + tap % 4 / 2 * 8 + tap % 2;
                (0..4).for_each(|channel| registers[place + 2 * channel] = weight);
            }
        });
    }
}

/// Scales a row whose first byte is the source's.
#[inline(always)]
fn scale_row<const C: usize>(
    simd: V3,
    source: &[u8],
    scratch: &Scratch,
    groups: usize,
    precision: u32,
    out: &mut [u8],
) {
    let (registers, _) = scratch.weights.as_chunks::<WIDTH>();
    let (offsets, _) = scratch.offsets.as_chunks::<PIXELS>();
    let stored = if C == 1 { 4 } else { 16 };
    for ((i, offsets), registers) in offsets.iter().enumerate().zip(registers.chunks_exact(PIXELS * groups)) {
        let mut sums = [simd.avx._mm256_setzero_si256(); PIXELS];
        for ((sum, &offset), registers) in sums.iter_mut().zip(offsets).zip(registers.chunks_exact(groups)) {
            for (j, weights) in registers.iter().enumerate() {
                let pixels = load::<C>(simd, source, offset + j * taps::<C>() * C);
                *sum = simd.avx2._mm256_add_epi32(*sum, simd.avx2._mm256_madd_epi16(pixels, cast(*weights)));
            }
        }
        let bytes = if C == 1 { finish_gray(simd, sums, precision) } else { finish_rgb(simd, sums, precision) };
        out[i * PIXELS * C..][..stored].copy_from_slice(&bytes[..stored]);
    }
}

/// The bytes of some source pixels as 16-bit numbers: of one channel 16 in a row; of three channels (R0 R1 G0 G1 B0 B1 0 0), then pixels 2
/// and 3 likewise.
#[inline(always)]
fn load<const C: usize>(simd: V3, source: &[u8], offset: usize) -> __m256i {
    const ZERO: i8 = -1;
    #[rustfmt::skip]
    const PAIRS: [i8; 32] = [
        0, ZERO, 3, ZERO, 1, ZERO, 4, ZERO, 2, ZERO, 5, ZERO, ZERO, ZERO, ZERO, ZERO,
        6, ZERO, 9, ZERO, 7, ZERO, 10, ZERO, 8, ZERO, 11, ZERO, ZERO, ZERO, ZERO, ZERO,
    ];
    let bytes: __m128i = cast(sixteen(source, offset));
    if C == 1 {
        return simd.avx2._mm256_cvtepu8_epi16(bytes);
    }
    simd.avx2._mm256_shuffle_epi8(simd.avx2._mm256_broadcastsi128_si256(bytes), cast(PAIRS))
}

/// Bytes from an offset, zeros behind the end; what lies behind the row has the weight 0.
#[inline(always)]
fn sixteen(source: &[u8], offset: usize) -> [u8; 16] {
    match source.get(offset..offset + 16) {
        Some(bytes) => bytes.try_into().expect("sixteen bytes"),
        None => filled_up(source, offset),
    }
}

#[cold]
fn filled_up(source: &[u8], offset: usize) -> [u8; 16] {
    let mut bytes = [0; 16];
    let rest = source.get(offset..).unwrap_or_default();
    let length = rest.len().min(16);
    bytes[..length].copy_from_slice(&rest[..length]);
    bytes
}

/// Four pixels from the sums of each, (R G B 0) over even and over odd pairs of source pixels.
#[inline(always)]
fn finish_rgb(simd: V3, [a, b, c, d]: [__m256i; PIXELS], precision: u32) -> [u8; 16] {
    const COMPACT: [i8; 16] = [0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1];
    let bytes = to_bytes(simd, halves(simd, a, b), halves(simd, c, d), precision);
    let (ac, bd) = (simd.avx._mm256_castsi256_si128(bytes), simd.avx2._mm256_extracti128_si256::<1>(bytes));
    cast(simd.ssse3._mm_shuffle_epi8(simd.sse2._mm_unpacklo_epi32(ac, bd), cast(COMPACT)))
}

/// The sum of both halves of `a`, then of `b`.
#[inline(always)]
fn halves(simd: V3, a: __m256i, b: __m256i) -> __m256i {
    let low = simd.avx2._mm256_permute2x128_si256::<0x20>(a, b);
    simd.avx2._mm256_add_epi32(low, simd.avx2._mm256_permute2x128_si256::<0x31>(a, b))
}

/// Four pixels, in the lowest bytes, from eight sums of each.
#[inline(always)]
fn finish_gray(simd: V3, [a, b, c, d]: [__m256i; PIXELS], precision: u32) -> [u8; 16] {
    let halves = simd.avx2._mm256_hadd_epi32(simd.avx2._mm256_hadd_epi32(a, b), simd.avx2._mm256_hadd_epi32(c, d));
    let sums = simd.avx2._mm256_add_epi32(halves, simd.avx2._mm256_permute2x128_si256::<1>(halves, halves));
    cast(simd.avx._mm256_castsi256_si128(to_bytes(simd, sums, sums, precision)))
}

/// Sums in units of 2^−precision, rounded and clamped; those of `a` and of `b` in turn, four by four.
#[inline(always)]
fn to_bytes(simd: V3, a: __m256i, b: __m256i, precision: u32) -> __m256i {
    let half = simd.avx._mm256_set1_epi32(1 << precision >> 1);
    let count = simd.sse2._mm_cvtsi32_si128(precision as i32);
    let [a, b] = [a, b].map(|sum| simd.avx2._mm256_sra_epi32(simd.avx2._mm256_add_epi32(sum, half), count));
    let words = simd.avx2._mm256_packs_epi32(a, b);
    simd.avx2._mm256_packus_epi16(words, words)
}
