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

/// Writes all rows; the offsets must have been filled. False if the processor lacks AVX2.
pub fn scale(view: View<'_>, weights: &Weights, scratch: &mut Scratch, out: &mut [u8]) -> bool {
    let Some(simd) = V3::try_new() else { return false };
    if view.channels() == 1 {
        all::<1>(simd, view, weights, scratch, out);
    } else {
        all::<3>(simd, view, weights, scratch, out);
    }
    true
}

fn all<const C: usize>(simd: V3, view: View<'_>, weights: &Weights, scratch: &mut Scratch, out: &mut [u8]) {
    let groups = weights.length.iter().max().map_or(0, |&most| most.div_ceil(taps::<C>()));
    arrange::<C>(view, weights, groups, scratch);
    let Scratch { weights: arranged, starts, last, .. } = scratch;
    let needed = starts.iter().max().map_or(0, |&start| start as usize) + read::<C>(groups);
    let length = weights.first.len() * C;
    let table = Table { simd, precision: weights.precision, starts, weights: arranged };
    for (y, out) in out.chunks_exact_mut(length).enumerate() {
        let rest = &view.bytes()[row_start(view, y)..];
        // Only in the last rows in memory is more read than there is.
        let source = rest.get(..needed).unwrap_or_else(|| {
            last.clear();
            last.extend_from_slice(rest);
            last.resize(needed, 0);
            last
        });
        // The usual lengths are constants, so that their loops are unrolled.
        vectorized!(simd => match groups {
            1 => scale_row::<C>(table, 1, source, out),
            2 => scale_row::<C>(table, 2, source, out),
            groups => scale_row::<C>(table, groups, source, out),
        });
    }
}

/// Source pixels in one register: 16 of one channel, or 4 of three.
const fn taps<const C: usize>() -> usize {
    if C == 1 { WIDTH } else { 4 }
}

/// Bytes that are read for one result pixel.
const fn read<const C: usize>(groups: usize) -> usize {
    (groups - 1) * taps::<C>() * C + 16
}

/// Spreads the weights over registers, and fills the result pixels up to whole groups. With three channels a register holds the
/// pairs of weights (0, 1) four times, once for each channel and once for nothing, then (2, 3).
fn arrange<const C: usize>(view: View<'_>, weights: &Weights, groups: usize, scratch: &mut Scratch) {
    let Scratch { offsets, weights: arranged, starts, .. } = scratch;
    let pixels = weights.first.len().next_multiple_of(PIXELS);
    starts.clear();
    starts.extend(offsets.iter().map(|&offset| offset as u32));
    starts.resize(pixels, 0);
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

/// What is the same for all rows.
#[derive(Clone, Copy)]
struct Table<'a> {
    simd: V3,
    precision: u32,
    starts: &'a [u32],
    weights: &'a [i16],
}

/// Scales a row; `source` reaches from its first byte to the last that is read.
#[inline(always)]
fn scale_row<const C: usize>(table: Table<'_>, groups: usize, source: &[u8], out: &mut [u8]) {
    let Table { simd, precision, starts, weights } = table;
    let (registers, _) = weights.as_chunks::<WIDTH>();
    let (starts, _) = starts.as_chunks::<PIXELS>();
    // Added once to each sum.
    let mut half = [0; 8];
    half[..if C == 1 { 1 } else { 4 }].fill(1 << precision >> 1);
    let count = simd.sse2._mm_cvtsi32_si128(precision as i32);
    for ((i, starts), registers) in starts.iter().enumerate().zip(registers.chunks_exact(PIXELS * groups)) {
        let mut sums = [cast(half); PIXELS];
        for ((sum, &start), registers) in sums.iter_mut().zip(starts).zip(registers.chunks_exact(groups)) {
            let source = &source[start as usize..start as usize + read::<C>(groups)];
            for (j, weights) in registers.iter().enumerate() {
                let pixels = load::<C>(simd, &source[j * taps::<C>() * C..]);
                *sum = simd.avx2._mm256_add_epi32(*sum, simd.avx2._mm256_madd_epi16(pixels, cast(*weights)));
            }
        }
        let bytes = if C == 1 { finish_gray(simd, sums, count) } else { finish_rgb(simd, sums, count) };
        store::<C>(&mut out[i * PIXELS * C..], &bytes);
    }
}

/// Writes some pixels, and, where the row goes on, bytes behind them that the next overwrite.
#[inline(always)]
fn store<const C: usize>(row: &mut [u8], bytes: &[u8; 16]) {
    let length = if C == 1 { PIXELS } else { 16 };
    if row.len() >= length {
        row[..length].copy_from_slice(&bytes[..length]);
    } else {
        let length = row.len().min(PIXELS * C);
        row[..length].copy_from_slice(&bytes[..length]);
    }
}

/// The bytes of some source pixels as 16-bit numbers: of one channel 16 in a row; of three channels (R0 R1 G0 G1 B0 B1 0 0), then pixels 2
/// and 3 likewise.
#[inline(always)]
fn load<const C: usize>(simd: V3, source: &[u8]) -> __m256i {
    const ZERO: i8 = -1;
    #[rustfmt::skip]
    const PAIRS: [i8; 32] = [
        0, ZERO, 3, ZERO, 1, ZERO, 4, ZERO, 2, ZERO, 5, ZERO, ZERO, ZERO, ZERO, ZERO,
        6, ZERO, 9, ZERO, 7, ZERO, 10, ZERO, 8, ZERO, 11, ZERO, ZERO, ZERO, ZERO, ZERO,
    ];
    let bytes: __m128i = cast(*source.first_chunk::<16>().expect("as many bytes are read"));
    if C == 1 {
        return simd.avx2._mm256_cvtepu8_epi16(bytes);
    }
    simd.avx2._mm256_shuffle_epi8(simd.avx2._mm256_broadcastsi128_si256(bytes), cast(PAIRS))
}

/// Four pixels from the sums of each, (R G B 0) over even and over odd pairs of source pixels.
#[inline(always)]
fn finish_rgb(simd: V3, [a, b, c, d]: [__m256i; PIXELS], count: __m128i) -> [u8; 16] {
    const COMPACT: [i8; 16] = [0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1];
    let bytes = to_bytes(simd, halves(simd, a, b), halves(simd, c, d), count);
    let (ac, bd) = (simd.avx._mm256_castsi256_si128(bytes), simd.avx2._mm256_extracti128_si256::<1>(bytes));
    cast(simd.ssse3._mm_shuffle_epi8(simd.sse2._mm_unpacklo_epi32(ac, bd), cast(COMPACT)))
}

/// The sum of both halves of `a`, then of `b`.
#[inline(always)]
fn halves(simd: V3, a: __m256i, b: __m256i) -> __m256i {
    let (outer, inner) =
        (simd.avx2._mm256_blend_epi32::<0xf0>(a, b), simd.avx2._mm256_permute2x128_si256::<0x21>(a, b));
    simd.avx2._mm256_add_epi32(outer, inner)
}

/// Four pixels, in the lowest bytes, from eight sums of each.
#[inline(always)]
fn finish_gray(simd: V3, [a, b, c, d]: [__m256i; PIXELS], count: __m128i) -> [u8; 16] {
    let halves = simd.avx2._mm256_hadd_epi32(simd.avx2._mm256_hadd_epi32(a, b), simd.avx2._mm256_hadd_epi32(c, d));
    let sums = simd.avx2._mm256_add_epi32(halves, simd.avx2._mm256_permute2x128_si256::<1>(halves, halves));
    cast(simd.avx._mm256_castsi256_si128(to_bytes(simd, sums, sums, count)))
}

/// Sums in units of 2^−count, to which half a unit was added, as bytes; those of `a` and of `b` in turn, four by four.
#[inline(always)]
fn to_bytes(simd: V3, a: __m256i, b: __m256i, count: __m128i) -> __m256i {
    let (a, b) = (simd.avx2._mm256_sra_epi32(a, count), simd.avx2._mm256_sra_epi32(b, count));
    let words = simd.avx2._mm256_packs_epi32(a, b);
    simd.avx2._mm256_packus_epi16(words, words)
}
