//! The order of a block's coefficients (ITU-T T.81, figure A.6).

/// Where each coefficient, in the order of the file, stands in a block of 8 rows by 8 columns.
pub const ZIGZAG: [u8; 64] = along_diagonals();

const fn along_diagonals() -> [u8; 64] {
    let mut order = [0; 64];
    let (mut row, mut column, mut i) = (0_u8, 0_u8, 0);
    while i < 64 {
        order[i] = row * 8 + column;
        let up = (row + column).is_multiple_of(2);
        match (up, row, column) {
            (true, _, 7) => row += 1,
            (true, 0, _) => column += 1,
            (true, ..) => (row, column) = (row - 1, column + 1),
            (false, 7, _) => column += 1,
            (false, _, 0) => row += 1,
            (false, ..) => (row, column) = (row + 1, column - 1),
        }
        i += 1;
    }
    order
}

#[cfg(test)]
mod tests {
    use super::ZIGZAG;

    #[test]
    fn the_order_is_the_standards() {
        assert_eq!(ZIGZAG[..10], [0, 1, 8, 16, 9, 2, 3, 10, 17, 24]);
        assert_eq!(ZIGZAG[54..], [39, 46, 53, 60, 61, 54, 47, 55, 62, 63]);
        let mut sorted = ZIGZAG;
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..64));
    }
}
