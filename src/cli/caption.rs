//! Operations in a few words, for the captions of pictures.

use candle_augment::{Op, Padding, Patch, Size};

/// An operation in a few words; angles are counter-clockwise. What an operation leaves as it is, is not named.
pub fn caption(op: &Op) -> String {
    match op {
        Op::HFlip => "mirror".into(),
        Op::VFlip => "upside down".into(),
        Op::Crop { top, left, size } => format!("crop {} at {left},{top}", sides(*size)),
        Op::Pad { left, top, right, bottom, padding, .. } => {
            format!("pad {left},{top},{right},{bottom}{}", pattern(*padding))
        }
        Op::Resize { size, .. } => format!("resize {}", sides(*size)),
        Op::Rotate { degrees, .. } => rotation(*degrees),
        Op::Affine { degrees, translate, scale, shear, .. } => affine(*degrees, *translate, *scale, *shear),
        Op::Perspective { start, end, .. } => perspective(start, end),
        Op::Elastic { alpha, sigma, .. } => format!("elastic {} by {} px", both(*sigma), both(*alpha)),
        Op::Brightness { factor } => format!("brightness {factor:.2}"),
        Op::Contrast { factor } => format!("contrast {factor:.2}"),
        Op::Saturation { factor } => format!("saturation {factor:.2}"),
        Op::Hue { shift } => format!("hue {shift:+.3}"),
        Op::Gamma { gamma, .. } => format!("gamma {gamma:.2}"),
        Op::Grayscale { .. } => "gray".into(),
        Op::PermuteChannels { order } => {
            let names = order.map(|channel| ["R", "G", "B"][usize::from(channel.min(2))]);
            format!("channels {}", names.concat())
        }
        Op::Invert => "invert".into(),
        Op::Posterize { bits } => format!("posterize {bits} bits"),
        Op::Solarize { threshold } => format!("solarize from {threshold:.0}"),
        Op::Autocontrast => "autocontrast".into(),
        Op::Equalize => "equalize".into(),
        Op::Sharpness { factor } => format!("sharpness {factor:.2}"),
        Op::GaussianBlur { sigma, .. } => format!("blur {} px", both(*sigma)),
        Op::GaussianNoise { mean, sigma, .. } if *mean == 0.0 => format!("noise {sigma:.2}"),
        Op::GaussianNoise { mean, sigma, .. } => format!("noise {mean:+.2} ± {sigma:.2}"),
        Op::Jpeg { quality } => format!("JPEG {quality}"),
        Op::Erase { top, left, size, patch } => {
            let noise = if matches!(patch, Patch::Noise { .. }) { " with noise" } else { "" };
            format!("erase {} at {left},{top}{noise}", sides(*size))
        }
        Op::Blend { chains, mixing } => blend(chains, *mixing),
        Op::Custom(custom) => custom.name.clone(),
        other => format!("{other:?}"),
    }
}

/// Width first, as in the coordinates of the other captions.
fn sides(Size { height, width }: Size) -> String {
    format!("{width}×{height}")
}

fn pattern(padding: Padding) -> &'static str {
    match padding {
        Padding::Constant => "",
        Padding::Edge => " edge",
        Padding::Reflect => " reflect",
        Padding::Symmetric => " symmetric",
    }
}

fn rotation(degrees: f32) -> String {
    format!("rotate {degrees:+.1}°")
}

/// What is not parted where a caption is broken into lines.
fn together(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

fn affine(clockwise: f32, translate: [f32; 2], scale: f32, shear: [f64; 2]) -> String {
    let mut parts = Vec::new();
    if clockwise != 0.0 {
        parts.push(rotation(-clockwise));
    }
    if translate != [0.0; 2] {
        // Without the sign of zero.
        let [x, y] = translate.map(|way| way + 0.0);
        parts.push(format!("shift {x:+},{y:+}"));
    }
    if scale != 1.0 {
        parts.push(format!("scale {scale:.2}"));
    }
    if shear != [0.0; 2] {
        parts.push(format!("shear {:+.1}°,{:+.1}°", shear[0], shear[1]));
    }
    if parts.is_empty() {
        return "affine: no change".into();
    }
    parts.iter().map(|part| together(part)).collect::<Vec<_>>().join(" ")
}

/// How far the corners move.
fn perspective(start: &[[f32; 2]; 4], end: &[[f32; 2]; 4]) -> String {
    let ways = start.iter().zip(end).map(|(from, to)| format!("{:+},{:+}", to[0] - from[0], to[1] - from[1]));
    format!("perspective {}", ways.collect::<Vec<_>>().join(" "))
}

fn both([x, y]: [f32; 2]) -> String {
    if x == y { format!("{x:.1}") } else { format!("{x:.1},{y:.1}") }
}

fn blend(chains: &[(f32, Vec<Op>)], mixing: f32) -> String {
    let share = |share: f32| format!("{:.0}%", 100.0 * share);
    let mut parts = vec![format!("blend {}\u{a0}original", share(mixing))];
    for (weight, ops) in chains {
        let ops: Vec<String> = ops.iter().map(|op| together(&caption(op))).collect();
        parts.push(format!("{}\u{a0}{}", share((1.0 - mixing) * weight), ops.join("\u{a0}+ ")));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn affine_names_what_changes() {
        let words = |degrees, shift, scale, shear| affine(degrees, shift, scale, shear).replace('\u{a0}', "_");
        assert_eq!(words(5.04, [0.0; 2], 1.0, [0.0; 2]), "rotate_-5.0°");
        assert_eq!(words(0.0, [3.0, -0.0], 0.95, [2.0, 0.0]), "shift_+3,+0 scale_0.95 shear_+2.0°,+0.0°");
        assert_eq!(affine(0.0, [0.0; 2], 1.0, [0.0; 2]), "affine: no change");
    }

    #[test]
    fn chains_stand_with_their_shares() {
        let chains = vec![(0.25, vec![Op::Invert]), (0.75, vec![Op::Equalize, Op::Posterize { bits: 3 }])];
        let text = caption(&Op::Blend { chains, mixing: 0.2 }).replace('\u{a0}', "_");
        assert_eq!(text, "blend 20%_original, 20%_invert, 60%_equalize_+ posterize_3_bits");
    }
}
