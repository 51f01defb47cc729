//! Smooth lines: coverage of a pixel falls off with its distance from the line.

use super::canvas::{Canvas, Color};

/// A rectangle of pixels that a line is clipped to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub left: u32,
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
}

/// Draws the line through `points` (pixels), `width` pixels wide. Where it crosses itself it is no darker than elsewhere.
pub(super) fn polyline(
    canvas: &mut Canvas,
    points: &[(f32, f32)],
    width: f32,
    color: Color,
    opacity: f32,
    bounds: Bounds,
) {
    let columns = (bounds.right - bounds.left) as usize;
    let mut coverage = vec![0f32; columns * (bounds.bottom - bounds.top) as usize];
    for pair in points.windows(2) {
        cover_segment(&mut coverage, pair[0], pair[1], width / 2.0, bounds);
    }
    for (i, &covered) in coverage.iter().enumerate().filter(|(_, covered)| **covered > 0.0) {
        let (x, y) = (bounds.left + (i % columns) as u32, bounds.top + (i / columns) as u32);
        canvas.blend(x, y, color, covered * opacity);
    }
}

fn cover_segment(coverage: &mut [f32], a: (f32, f32), b: (f32, f32), radius: f32, bounds: Bounds) {
    let columns = (bounds.right - bounds.left) as usize;
    let range = |low: f32, high: f32, min: u32, max: u32| {
        let first = (low - radius - 1.0).floor().clamp(min as f32, max as f32) as u32;
        let last = (high + radius + 1.0).ceil().clamp(min as f32, max as f32) as u32;
        first..last
    };
    for y in range(a.1.min(b.1), a.1.max(b.1), bounds.top, bounds.bottom) {
        for x in range(a.0.min(b.0), a.0.max(b.0), bounds.left, bounds.right) {
            let near = (radius + 0.5 - distance((x as f32 + 0.5, y as f32 + 0.5), a, b)).clamp(0.0, 1.0);
            let pixel = &mut coverage[(y - bounds.top) as usize * columns + (x - bounds.left) as usize];
            *pixel = pixel.max(near);
        }
    }
}

/// Distance of `p` from the segment from `a` to `b`.
fn distance(p: (f32, f32), a: (f32, f32), b: (f32, f32)) -> f32 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx * dx + dy * dy;
    let along = if length == 0.0 { 0.0 } else { (((p.0 - a.0) * dx + (p.1 - a.1) * dy) / length).clamp(0.0, 1.0) };
    (p.0 - a.0 - along * dx).hypot(p.1 - a.1 - along * dy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_covers_its_pixels_and_stays_in_bounds() {
        let mut canvas = Canvas::new(10, 10);
        let bounds = Bounds { left: 2, top: 0, right: 10, bottom: 10 };
        polyline(&mut canvas, &[(-5.0, 5.5), (20.0, 5.5)], 1.0, [0; 3], 1.0, bounds);
        assert_eq!(canvas.pixel(5, 5), [0; 3]);
        assert_eq!(canvas.pixel(5, 7), [255; 3]);
        assert_eq!(canvas.pixel(1, 5), [255; 3]);
    }
}
