//! Any function of a byte, as a table of its 256 values.

use crate::transform::kernels::vectorized::vectorized;

/// Every byte itself.
pub fn identity() -> [u8; 256] {
    std::array::from_fn(|x| x as u8)
}

/// Whether tables are looked up in vector registers.
pub fn is_fast() -> bool {
    #[cfg(target_arch = "x86_64")]
    return pulp::x86::V4::is_available();
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// Writes the table's value for each byte of `source` into `out`, which is as long.
pub fn look_up(table: &[u8; 256], source: &[u8], out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V4::try_new() {
        return vectorized!(simd => in_registers(simd, table, source, out));
    }
    one_by_one(table, source, out);
}

#[inline(always)]
fn one_by_one(table: &[u8; 256], source: &[u8], out: &mut [u8]) {
    for (x, out) in source.iter().zip(out) {
        *out = table[usize::from(*x)];
    }
}

/// AVX-512 picks 16-bit words out of two registers. So the table is four registers of byte pairs: seven bits of x choose the pair, the last
/// one the byte in it.
#[cfg(target_arch = "x86_64")]
struct Registers {
    simd: pulp::x86::V4,
    table: [core::arch::x86_64::__m512i; 4],
}

#[cfg(target_arch = "x86_64")]
impl Registers {
    const WIDTH: usize = 64;

    #[inline(always)]
    fn look_up(&self, x: [u8; Self::WIDTH]) -> [u8; Self::WIDTH] {
        const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
        let (f, bw) = (self.simd.avx512f, self.simd.avx512bw);
        let x = pulp::cast(x);
        let even = self.pairs(f._mm512_and_si512(x, f._mm512_set1_epi32(0x00FF_00FF)));
        let odd = self.pairs(bw._mm512_srli_epi16::<8>(x));
        let first = bw._mm512_mask_blend_epi8(ODD, even, bw._mm512_slli_epi16::<8>(odd));
        let second = bw._mm512_mask_blend_epi8(ODD, bw._mm512_srli_epi16::<8>(even), odd);
        let is_second = bw._mm512_test_epi8_mask(x, f._mm512_set1_epi32(0x0101_0101));
        pulp::cast(bw._mm512_mask_blend_epi8(is_second, first, second))
    }

    /// The pair for each word, which holds a byte. The index has 6 bits, and those above are ignored; bit 7 of the byte chooses the half.
    #[inline(always)]
    fn pairs(&self, x: core::arch::x86_64::__m512i) -> core::arch::x86_64::__m512i {
        let bw = self.simd.avx512bw;
        let index = bw._mm512_srli_epi16::<1>(x);
        let lower = bw._mm512_permutex2var_epi16(self.table[0], index, self.table[1]);
        let upper = bw._mm512_permutex2var_epi16(self.table[2], index, self.table[3]);
        let is_upper = bw._mm512_movepi16_mask(bw._mm512_slli_epi16::<8>(x));
        bw._mm512_mask_blend_epi16(is_upper, lower, upper)
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn in_registers(simd: pulp::x86::V4, table: &[u8; 256], source: &[u8], out: &mut [u8]) {
    let registers = Registers { simd, table: pulp::cast(*table) };
    let (chunks, rest) = source.as_chunks::<{ Registers::WIDTH }>();
    let (out_chunks, out_rest) = out.as_chunks_mut::<{ Registers::WIDTH }>();
    for (x, out) in chunks.iter().zip(out_chunks) {
        *out = registers.look_up(*x);
    }
    if !rest.is_empty() {
        let mut last = [0; Registers::WIDTH];
        last[..rest.len()].copy_from_slice(rest);
        out_rest.copy_from_slice(&registers.look_up(last)[..rest.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_hold_the_whole_table() {
        let table: [u8; 256] = std::array::from_fn(|x| (x * 167 + x / 3) as u8);
        let source: Vec<u8> = (0..700u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 22) as u8).chain(0..=255).collect();
        for length in (0..130).chain([source.len()]) {
            let (mut found, mut expected) = (vec![0; length], vec![0; length]);
            look_up(&table, &source[..length], &mut found);
            one_by_one(&table, &source[..length], &mut expected);
            assert_eq!(found, expected);
        }
    }
}
