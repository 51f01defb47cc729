//! Between RGB and brightness with two differences of colour, in fixed point of 16 bits (JFIF 1.02).

/// One of the constants of JFIF in fixed point, rounded.
const fn fixed(x: f64) -> i32 {
    (x * 65536.0 + 0.5) as i32
}

/// One half.
const HALF: i32 = 1 << 15;

/// The differences' zero, and rounding that brings ½ down.
const MIDDLE: i32 = (128 << 16) + HALF - 1;

/// Splits a row of RGB into longer rows, whose further places repeat the last pixel.
#[inline(always)]
pub fn split(rgb: &[u8], luma: &mut [u8], blue: &mut [u8], red: &mut [u8]) {
    let (pixels, _) = rgb.as_chunks::<3>();
    for (((&[r, g, b], luma), blue), red) in pixels.iter().zip(luma.iter_mut()).zip(blue.iter_mut()).zip(red.iter_mut())
    {
        let (r, g, b) = (i32::from(r), i32::from(g), i32::from(b));
        *luma = ((fixed(0.299) * r + fixed(0.587) * g + fixed(0.114) * b + HALF) >> 16) as u8;
        *blue = ((fixed(0.5) * b - fixed(0.16874) * r - fixed(0.33126) * g + MIDDLE) >> 16) as u8;
        *red = ((fixed(0.5) * r - fixed(0.41869) * g - fixed(0.08131) * b + MIDDLE) >> 16) as u8;
    }
    let width = rgb.len() / 3;
    for row in [luma, blue, red] {
        let last = row[width - 1];
        row[width..].fill(last);
    }
}

/// Joins a row of RGB again.
#[inline(always)]
pub fn join(luma: &[u8], blue: &[u8], red: &[u8], rgb: &mut [u8]) {
    let byte = |x: i32| x.clamp(0, 255) as u8;
    for (((pixel, &y), &blue), &red) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(luma).zip(blue).zip(red) {
        let (y, blue, red) = (i32::from(y), i32::from(blue) - 128, i32::from(red) - 128);
        *pixel = [
            byte(y + ((fixed(1.402) * red + HALF) >> 16)),
            byte(y + ((HALF - fixed(0.34414) * blue - fixed(0.71414) * red) >> 16)),
            byte(y + ((fixed(1.772) * blue + HALF) >> 16)),
        ];
    }
}
