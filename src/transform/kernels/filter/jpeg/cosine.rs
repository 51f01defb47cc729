//! The cosine transform of blocks of 8×8 and its inverse, in whole numbers: the algorithm of C. Loeffler, A. Ligtenberg and G. Moschytz
//! ("Practical fast 1-D DCT algorithms with 11 multiplications", 1989) with the constants and roundings of libjpeg's `islow`.

/// The side of a block.
pub const SIDE: usize = 8;

/// Blocks that are transformed at a time, one in each lane.
pub const LANES: usize = 16;

/// Place by place, row by row, the values of all blocks.
pub type Blocks = [[i32; LANES]; SIDE * SIDE];

/// The bits after the point in the constants.
const BITS: u32 = 13;

/// The bits after the point between the two passes.
const BETWEEN: u32 = 2;

/// A constant in fixed point, rounded.
const fn fixed(x: f64) -> i32 {
    (x * (1 << BITS) as f64 + 0.5) as i32
}

/// Brings values about 0 to frequencies, gives each of those with its place to `change`, and brings the results back to values.
///
/// The frequencies come 8 times as large as `change` is to return them.
#[inline(always)]
pub fn with_frequencies(blocks: &mut Blocks, change: impl Fn(i32, usize) -> i32) {
    for y in 0..SIDE {
        in_lanes(
            blocks,
            |x| y * SIDE + x,
            #[inline(always)]
            |row| frequencies(row, |x| x << BETWEEN, BITS - BETWEEN),
        );
    }
    for x in 0..SIDE {
        in_lanes(
            blocks,
            |y| y * SIDE + x,
            #[inline(always)]
            |column| {
                let mut column = frequencies(column, |x| rounded(x, BETWEEN), BITS + BETWEEN);
                for (y, frequency) in column.iter_mut().enumerate() {
                    *frequency = change(*frequency, y * SIDE + x);
                }
                values(column, BITS - BETWEEN)
            },
        );
    }
    for y in 0..SIDE {
        in_lanes(
            blocks,
            |x| y * SIDE + x,
            #[inline(always)]
            |row| values(row, BITS + BETWEEN + 3),
        );
    }
}

/// Transforms the 8 values at the places that `place` names, for all lanes at once.
#[inline(always)]
fn in_lanes(blocks: &mut Blocks, place: impl Fn(usize) -> usize, transform: impl Fn([i32; SIDE]) -> [i32; SIDE]) {
    #[allow(clippy::needless_range_loop, reason = "the lane is an index into eight arrays")]
    for lane in 0..LANES {
        let mut before = [0; SIDE];
        for (i, value) in before.iter_mut().enumerate() {
            *value = blocks[place(i)][lane];
        }
        let results = transform(before);
        for (i, result) in results.into_iter().enumerate() {
            blocks[place(i)][lane] = result;
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
    fn values_come_back_from_their_frequencies() {
        let values: Blocks =
            std::array::from_fn(|i| std::array::from_fn(|lane| ((i + 64 * lane) * 7919 % 256) as i32 - 128));
        let mut blocks = values;
        with_frequencies(&mut blocks, |frequency, _| (frequency + 4) >> 3);
        let worst = blocks.iter().flatten().zip(values.iter().flatten()).map(|(a, b)| (a - b).abs()).max();
        assert!(worst <= Some(2), "{worst:?}");
    }

    #[test]
    fn the_first_frequency_is_the_mean() {
        let mut blocks = [[100; LANES]; 64];
        with_frequencies(&mut blocks, |frequency, place| {
            assert_eq!(frequency, if place == 0 { 64 * 100 } else { 0 });
            if place == 0 { 8 * 50 } else { 0 }
        });
        assert_eq!(blocks, [[50; LANES]; 64]);
    }
}
