//! YCbCr to RGB as JFIF defines it (ITU-T T.871, section 7), with libjpeg's 16 bits behind the point.

use crate::image::luma;

/// A row of pixels, by component.
pub type Planes<'a> = [&'a [u8]; 3];

/// `value` with 16 bits behind the point, to the nearest.
const fn fixed(value: f64) -> i32 {
    (value * 65536.0 + 0.5) as i32
}

const HALF: i32 = 1 << 15;

/// Writes red, green and blue to planes of their own: only so does the compiler make good vectors of the loop.
#[inline(always)]
pub fn ycbcr_to_rgb([y, cb, cr]: Planes, [red, green, blue]: [&mut [u8]; 3]) {
    let colors = red.iter_mut().zip(green).zip(blue);
    for ((((red, green), blue), &y), (&cb, &cr)) in colors.zip(y).zip(cb.iter().zip(cr)) {
        let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
        *red = byte(y + ((fixed(1.402) * cr + HALF) >> 16));
        *green = byte(y + ((HALF - fixed(0.34414) * cb - fixed(0.71414) * cr) >> 16));
        *blue = byte(y + ((fixed(1.772) * cb + HALF) >> 16));
    }
}

#[inline(always)]
fn byte(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}

#[inline(always)]
pub fn interleave([red, green, blue]: Planes, out: &mut [u8]) {
    for (((rgb, &red), &green), &blue) in out.as_chunks_mut::<3>().0.iter_mut().zip(red).zip(green).zip(blue) {
        *rgb = [red, green, blue];
    }
}

#[inline(always)]
pub fn rgb_to_gray([red, green, blue]: Planes, out: &mut [u8]) {
    for (((gray, &red), &green), &blue) in out.iter_mut().zip(red).zip(green).zip(blue) {
        *gray = luma([red, green, blue]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::jpeg::vectorized;

    #[test]
    fn every_chroma_is_that_of_the_exact_matrix() {
        let bytes: Vec<u8> = (0..=255).collect();
        for (luma, cb) in (0..=255).step_by(5).flat_map(|luma| (0..=255).map(move |cb| (luma, cb))) {
            let rows = [&[luma; 256][..], &[cb; 256], &bytes];
            let mut rgb = [[0; 256]; 3];
            let [red, green, blue] = &mut rgb;
            vectorized(
                #[inline(always)]
                || ycbcr_to_rgb(rows, [red, green, blue]),
            );
            let mut plain = [[0; 256]; 3];
            let [red, green, blue] = &mut plain;
            ycbcr_to_rgb(rows, [red, green, blue]);
            assert_eq!(rgb, plain);
            for cr in 0..=255_u8 {
                let [y, b, r] = [f64::from(luma), f64::from(cb) - 128.0, f64::from(cr) - 128.0];
                let exact = [y + 1.402 * r, y - 0.344_136_3 * b - 0.714_136_3 * r, y + 1.772 * b];
                let found = rgb.map(|plane| f64::from(plane[usize::from(cr)]));
                assert!(exact.iter().zip(found).all(|(exact, found)| (exact.clamp(0.0, 255.0) - found).abs() < 0.52));
            }
        }
    }
}
