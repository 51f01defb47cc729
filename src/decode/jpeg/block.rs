//! One block's coefficients out of the compressed data (ITU-T T.81, F.2.2).

use super::bits::Bits;
use super::huffman::{Symbol, Table, extend};
use super::zigzag::ZIGZAG;

/// The data holds a code that its table lacks, or more coefficients than a block has.
#[derive(Clone, Copy, Debug)]
pub struct Corrupt;

/// Coefficients that are read between two refills, if their codes are short: the last one may still be of any length.
const BETWEEN_REFILLS: usize = 3;

/// Reads the difference to the block's DC coefficient.
#[inline(always)]
pub fn difference(bits: &mut Bits, table: &Table) -> Result<i16, Corrupt> {
    let next = bits.refill();
    let entry = table.entry(next);
    if entry.is_coefficient() {
        bits.pass(entry.bits());
        return Ok(entry.first());
    }
    let symbol = table.symbol(entry, next).ok_or(Corrupt)?;
    bits.pass(symbol.bits);
    Ok(value(bits, symbol))
}

/// Reads the AC coefficients into `block`, where they are 0 so far. Gives the place of the last one in the order of the
/// file, 0 if there is none.
#[inline(always)]
pub fn coefficients(bits: &mut Bits, table: &Table, block: &mut [i16; 64]) -> Result<usize, Corrupt> {
    let mut last = 0;
    while last < 63 {
        bits.refill();
        match short_coefficients(bits, table, block, &mut last) {
            After::Refill => continue,
            After::End => return Ok(last),
            After::Symbol => {}
        }
        let symbol = table.symbol(table.entry(bits.next()), bits.next()).ok_or(Corrupt)?;
        bits.pass(symbol.bits);
        if symbol.is_end() {
            break;
        }
        last += symbol.run() + 1;
        let value = value(bits, symbol);
        block[place(last)] = value;
    }
    if last < 64 { Ok(last) } else { Err(Corrupt) }
}

/// What comes after short coefficients.
enum After {
    Refill,
    End,
    Symbol,
}

/// Reads coefficients that are looked up whole, as many as the bits suffice for.
#[inline(always)]
fn short_coefficients(bits: &mut Bits, table: &Table, block: &mut [i16; 64], last: &mut usize) -> After {
    for _ in 0..BETWEEN_REFILLS {
        let entry = table.entry(bits.next());
        if !entry.is_coefficient() {
            return After::Symbol;
        }
        let (first, reached) = (*last + entry.first_advance(), *last + entry.advance());
        if reached > 63 {
            // Behind the last coefficient no end is told, and what follows belongs to the next block.
            if !entry.ends() || first >= 63 {
                return After::Symbol;
            }
            bits.pass(entry.bits());
            block[place(first)] = entry.first();
            *last = first;
            return After::End;
        }
        bits.pass(entry.bits());
        block[place(first)] = entry.first();
        block[place(reached)] = entry.second();
        *last = reached;
        if reached == 63 {
            return After::Refill;
        }
    }
    After::Refill
}

/// The place in the block of coefficient `index`; of any one if there is none such.
#[inline(always)]
fn place(index: usize) -> usize {
    usize::from(ZIGZAG[index & 63] & 63)
}

/// Passes over the AC coefficients.
#[inline(always)]
pub fn pass_coefficients(bits: &mut Bits, table: &Table) -> Result<(), Corrupt> {
    let mut last = 0;
    while last < 63 {
        bits.refill();
        match pass_short_coefficients(bits, table, &mut last) {
            After::Refill => continue,
            After::End => return Ok(()),
            After::Symbol => {}
        }
        bits.refill();
        match pass_coefficient(bits, table)? {
            0 => break,
            advance => last += advance,
        }
    }
    if last < 64 { Ok(()) } else { Err(Corrupt) }
}

/// Passes over as many coefficients as the bits suffice for; one lookup is worth 25 at most.
#[inline(always)]
fn pass_short_coefficients(bits: &mut Bits, table: &Table, last: &mut usize) -> After {
    for _ in 0..2 {
        let skip = table.skip(bits.next());
        let reached = *last + skip.advance();
        // Behind the last coefficient no end is told, and what follows belongs to the next block.
        if reached > 63 {
            return After::Symbol;
        }
        bits.pass(skip.bits());
        if skip.ends() {
            return After::End;
        }
        *last = reached;
        if reached == 63 {
            break;
        }
    }
    After::Refill
}

/// Passes over one coefficient and the zeros before it. Gives how many they are, 0 at the end of the block.
#[inline(always)]
fn pass_coefficient(bits: &mut Bits, table: &Table) -> Result<usize, Corrupt> {
    let symbol = table.symbol(table.entry(bits.next()), bits.next()).ok_or(Corrupt)?;
    bits.pass(symbol.bits + symbol.size());
    Ok(if symbol.is_end() { 0 } else { symbol.run() + 1 })
}

#[inline(always)]
fn value(bits: &mut Bits, symbol: Symbol) -> i16 {
    match symbol.size() {
        0 => 0,
        size => extend(bits.take(size), size) as i16,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode::jpeg::bits::Scan;
    use crate::decode::jpeg::huffman::Kind;

    /// Any table: lengths of codes as far as there is room for them, then any symbols of up to 10 bits.
    fn definitions() -> impl Strategy<Value = Vec<u8>> {
        (prop::array::uniform16(0_u8..9), prop::collection::vec((0_u8..16, 0_u8..11), 256)).prop_map(
            |(counts, symbols)| {
                let mut room = 1_usize;
                let counts = counts.map(|count| {
                    room *= 2;
                    let count = usize::from(count).min(room.saturating_sub(1));
                    room -= count;
                    count as u8
                });
                let total = counts.iter().map(|&count| usize::from(count)).sum();
                counts.into_iter().chain(symbols.into_iter().take(total).map(|(run, size)| run << 4 | size)).collect()
            },
        )
    }

    /// The coefficients as the standard's flow charts read them, bit by bit, and the number of bits; `None` if they are
    /// corrupt.
    fn by_the_standard(definition: &[u8], data: &[u8]) -> Option<([i16; 64], usize)> {
        let mut at = 0;
        let mut bit = || {
            at += 1;
            Some(i32::from(data.get((at - 1) / 8)? >> (7 - (at - 1) % 8) & 1))
        };
        let symbol = |bit: &mut dyn FnMut() -> Option<i32>| -> Option<u8> {
            let (mut code, mut first, mut index) = (0, 0, 16);
            for &count in &definition[..16] {
                code = code * 2 + bit()?;
                first *= 2;
                if code - first < i32::from(count) {
                    return definition.get((index + code - first) as usize).copied();
                }
                first += i32::from(count);
                index += i32::from(count);
            }
            None
        };
        let mut block = [0; 64];
        let mut index = 1;
        while index < 64 {
            let symbol = symbol(&mut bit)?;
            let (run, size) = (usize::from(symbol >> 4), symbol & 15);
            if size == 0 && run < 15 {
                break;
            }
            index += run;
            let mut value = 0;
            for _ in 0..size {
                value = value * 2 + bit()?;
            }
            let value = if size > 0 && value < 1 << (size - 1) { value - (1 << size) + 1 } else { value };
            *block.get_mut(usize::from(*ZIGZAG.get(index)?))? = value as i16;
            index += 1;
        }
        Some((block, at))
    }

    proptest! {
        #[test]
        fn blocks_are_those_of_the_standard(definition in definitions(), data in prop::collection::vec(0_u8..255, 300)) {
            let mut table = Table::default();
            table.define(Kind::Ac, &definition).expect("the codes have room");
            let mut scan = Scan::default();
            scan.read(&data).expect("there are no markers");
            let start = scan.part(0).expect("there is always a first part");
            let expected = by_the_standard(&definition, &data);

            let (mut bits, mut block) = (start, [0; 64]);
            let read = coefficients(&mut bits, &table, &mut block);
            let mut passed = start;
            let pass = pass_coefficients(&mut passed, &table);
            if let Some((expected, count)) = expected {
                let last = (0..64).rev().find(|&i| expected[usize::from(ZIGZAG[i])] != 0).unwrap_or(0);
                prop_assert!(read.is_ok_and(|read| read >= last) && pass.is_ok());
                prop_assert_eq!((block, bits.position(), passed.position()), (expected, count, count));
            } else {
                prop_assert!(read.is_err() && pass.is_err());
            }
        }
    }
}
