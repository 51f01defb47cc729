//! The cosine transform of blocks of 8×8 and its inverse, in whole numbers: the algorithm of C. Loeffler, A. Ligtenberg and G. Moschytz
//! ("Practical fast 1-D DCT algorithms with 11 multiplications", 1989) with the constants and roundings of libjpeg's `islow`.

/// The side of a block.
pub const SIDE: usize = 8;

/// A block, row by row.
pub type Block = [i32; SIDE * SIDE];

/// The bits after the point in the constants.
const BITS: u32 = 13;

/// The bits after the point between the two passes.
const BETWEEN: u32 = 2;

/// A constant in fixed point, rounded.
const fn fixed(x: f64) -> i32 {
    (x * (1 << BITS) as f64 + 0.5) as i32
}

/// Frequencies, 8 times too large, of values about 0.
#[inline(always)]
pub fn forward(block: &mut Block) {
    *block = transposed(block);
    each_column(block, |column| frequencies(column, |x| x << BETWEEN, BITS - BETWEEN));
    *block = transposed(block);
    each_column(block, |column| frequencies(column, |x| rounded(x, BETWEEN), BITS + BETWEEN));
}

/// Values about 0 of frequencies of true size.
#[inline(always)]
pub fn inverse(block: &mut Block) {
    each_column(block, |column| values(column, BITS - BETWEEN));
    *block = transposed(block);
    each_column(block, |column| values(column, BITS + BETWEEN + 3));
    *block = transposed(block);
}

/// Columns and rows exchanged: a place's number has 6 bits, which are rotated by 3.
#[inline(always)]
fn transposed(block: &Block) -> Block {
    let mut result = *block;
    for _ in 0..3 {
        let (upper, lower) = block_halves(&result);
        let mut next = [0; 64];
        for ((pair, upper), lower) in next.as_chunks_mut::<2>().0.iter_mut().zip(upper).zip(lower) {
            *pair = [*upper, *lower];
        }
        result = next;
    }
    result
}

#[inline(always)]
fn block_halves(block: &Block) -> (&[i32], &[i32]) {
    block.split_at(32)
}

/// All columns at once, one in each lane.
#[inline(always)]
fn each_column(block: &mut Block, transform: impl Fn([i32; SIDE]) -> [i32; SIDE]) {
    for x in 0..SIDE {
        let column = transform(std::array::from_fn(|y| block[y * SIDE + x]));
        for y in 0..SIDE {
            block[y * SIDE + x] = column[y];
        }
    }
}

/// Frequencies of 8 values; `whole` brings those that need no product to their size, the others lose `bits`.
#[inline(always)]
fn frequencies(x: [i32; SIDE], whole: impl Fn(i32) -> i32, bits: u32) -> [i32; SIDE] {
    let (sums, differences): ([i32; 4], [i32; 4]) =
        (std::array::from_fn(|i| x[i] + x[7 - i]), std::array::from_fn(|i| x[i] - x[7 - i]));
    let [outer, inner] = [0, 1].map(|i| (sums[i] + sums[3 - i], sums[i] - sums[3 - i]));
    let turned = (inner.1 + outer.1) * fixed(0.541196100);
    let [d, c, b, a] = differences;
    let [seventh, fifth, third, first] = odd([a, b, c, d]);
    [
        whole(outer.0 + inner.0),
        rounded(first, bits),
        rounded(turned + outer.1 * fixed(0.765366865), bits),
        rounded(third, bits),
        whole(outer.0 - inner.0),
        rounded(fifth, bits),
        rounded(turned - inner.1 * fixed(1.847759065), bits),
        rounded(seventh, bits),
    ]
}

/// 8 values of frequencies, which lose `bits`.
#[inline(always)]
fn values(f: [i32; SIDE], bits: u32) -> [i32; SIDE] {
    let turned = (f[2] + f[6]) * fixed(0.541196100);
    let (low, high) = (turned + f[2] * fixed(0.765366865), turned - f[6] * fixed(1.847759065));
    let (sum, difference) = ((f[0] + f[4]) << BITS, (f[0] - f[4]) << BITS);
    let even = [sum + low, difference + high, difference - high, sum - low];
    let [d, c, b, a] = odd([f[7], f[5], f[3], f[1]]);
    let odd = [a, b, c, d];
    std::array::from_fn(|i| {
        let value = if i < 4 { even[i] + odd[i] } else { even[7 - i] - odd[7 - i] };
        rounded(value, bits)
    })
}

/// The odd half of both transforms, which is the same.
#[inline(always)]
fn odd([a, b, c, d]: [i32; 4]) -> [i32; 4] {
    let common = (a + c + b + d) * fixed(1.175875602);
    let ad = (a + d) * -fixed(0.899976223);
    let bc = (b + c) * -fixed(2.562915447);
    let ac = (a + c) * -fixed(1.961570560) + common;
    let bd = (b + d) * -fixed(0.390180644) + common;
    [
        a * fixed(0.298631336) + ad + ac,
        b * fixed(2.053119869) + bc + bd,
        c * fixed(3.072711026) + bc + ac,
        d * fixed(1.501321110) + ad + bd,
    ]
}

/// Without the lowest `bits`, rounded.
#[inline(always)]
fn rounded(x: i32, bits: u32) -> i32 {
    (x + (1 << (bits - 1))) >> bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposed_exchanges_rows_and_columns() {
        let block: Block = std::array::from_fn(|i| i as i32);
        assert_eq!(transposed(&block), std::array::from_fn(|i| (i % 8 * 8 + i / 8) as i32));
    }

    #[test]
    fn the_inverse_gives_the_values_back() {
        let values: Block = std::array::from_fn(|i| (i as i32 * 7919 % 256) - 128);
        let mut block = values;
        forward(&mut block);
        // The mean, 8 times too large for a transform whose first frequency is 8 times the mean.
        assert_eq!(block[0], values.iter().sum::<i32>());
        block = block.map(|frequency| (frequency + 4) >> 3);
        inverse(&mut block);
        let worst = block.iter().zip(&values).map(|(a, b)| (a - b).abs()).max();
        assert!(worst <= Some(2), "{worst:?}");
    }
}
