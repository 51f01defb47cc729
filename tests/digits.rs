//! The embedded digits are scikit-learn's, in its order.

use candle_augment::{Dataset, Result, digits};

#[test]
fn counts_are_those_of_the_original() -> Result<()> {
    let digits = digits()?;
    assert_eq!(digits.len(), 1797);
    assert_eq!(digits.classes(), ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    assert_eq!(digits.class_counts(), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    Ok(())
}

#[test]
fn pixels_are_those_of_the_original_scaled() -> Result<()> {
    let digits = digits()?;
    // The first image of `sklearn.datasets.load_digits()`, whose values run from 0 to 16.
    let original = [
        [0, 0, 5, 13, 9, 1, 0, 0],
        [0, 0, 13, 15, 10, 15, 5, 0],
        [0, 3, 15, 2, 0, 11, 8, 0],
        [0, 4, 12, 0, 0, 8, 8, 0],
        [0, 5, 8, 0, 0, 9, 8, 0],
        [0, 4, 11, 0, 1, 12, 7, 0],
        [0, 2, 14, 5, 10, 12, 0, 0],
        [0, 0, 6, 13, 10, 0, 0, 0],
    ];
    let scaled: Vec<u8> =
        original.as_flattened().iter().map(|v| (f64::from(*v) * 255.0 / 16.0).round() as u8).collect();
    assert_eq!(digits.load(0)?.data(), scaled);
    let mut sum = 0;
    for index in 0..digits.len() {
        sum += digits.load(index)?.data().iter().map(|&value| u64::from(value)).sum::<u64>();
    }
    assert_eq!(sum, 8_953_801);
    let labels: Vec<u32> = (0..12).map(|index| digits.label(index)).collect();
    assert_eq!(labels, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    Ok(())
}
