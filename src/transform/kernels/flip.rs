//! Bytes and pixels in reverse.

use super::vectorized::vectorized;

/// Writes into the first of each two rows the bytes of the second, as long, in reverse.
pub fn reverse<'a, 'o>(rows: impl Iterator<Item = (&'o mut [u8], &'a [u8])>) {
    vectorized!({
        for (out, source) in rows {
            for (x, out) in source.iter().rev().zip(out) {
                *out = *x;
            }
        }
    });
}

/// Writes into the first of each two rows the RGB pixels of the second, as long, in reverse.
pub fn reverse_rgb<'a, 'o>(rows: impl Iterator<Item = (&'o mut [u8], &'a [u8])>) {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return vectorized!(simd => {
            for (out, source) in rows {
                in_blocks(simd, source, out);
            }
        });
    }
    rows.for_each(|(out, source)| one_by_one(source, out));
}

#[inline(always)]
fn one_by_one(source: &[u8], out: &mut [u8]) {
    for (pixel, out) in source.as_chunks::<3>().0.iter().rev().zip(out.as_chunks_mut::<3>().0) {
        *out = *pixel;
    }
}

/// Sixteen pixels fill three vectors.
const BLOCK: usize = 48;

/// Where the bytes of vector `to` of a reversed block lie in vector `from` of the block; 128, for none, where they lie in another one.
const fn places(from: usize, to: usize) -> [u8; 16] {
    let mut places = [128; 16];
    let mut i = 0;
    while i < 16 {
        let byte = 16 * to + i;
        let source = BLOCK - 3 - byte / 3 * 3 + byte % 3;
        if source / 16 == from {
            places[i] = (source % 16) as u8;
        }
        i += 1;
    }
    places
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn in_blocks(simd: pulp::x86::V3, source: &[u8], out: &mut [u8]) {
    let (shuffle, or) = (simd.ssse3, simd.sse2);
    macro_rules! moved {
        ($vector:expr, $from:expr, $to:expr) => {
            shuffle._mm_shuffle_epi8($vector, pulp::cast(const { places($from, $to) }))
        };
    }
    let (blocks, rest) = source.as_chunks::<BLOCK>();
    let (out_rest, out_blocks) = out.as_rchunks_mut::<BLOCK>();
    // Forwards in what is read, which the processor fetches ahead.
    for (block, out) in blocks.iter().zip(out_blocks.iter_mut().rev()) {
        let [first, second, third]: [core::arch::x86_64::__m128i; 3] = pulp::cast(*block);
        let middle = or._mm_or_si128(moved!(first, 0, 1), moved!(third, 2, 1));
        *out = pulp::cast([
            or._mm_or_si128(moved!(third, 2, 0), moved!(second, 1, 0)),
            or._mm_or_si128(middle, moved!(second, 1, 1)),
            or._mm_or_si128(moved!(first, 0, 2), moved!(second, 1, 2)),
        ]);
    }
    one_by_one(rest, out_rest);
}
