//! The classic transforms that the program uses where the user names no others.

use candle_augment::{ColorJitter, Interpolation, Pipeline, RandomHorizontalFlip, RandomRotation, Result};

/// Options of the classic transforms.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Transforms")]
pub struct ClassicArgs {
    /// Mirror images left to right, at random [default: colour images only; a mirrored character is another]
    #[arg(long, overrides_with = "no_flip")]
    flip: bool,
    /// Mirror no image
    #[arg(long)]
    no_flip: bool,
    /// Rotate by up to DEG degrees either way; 0 for none [default: 15 for a classifier, 0 for a GAN]
    #[arg(long, value_name = "DEG", allow_negative_numbers = true)]
    rotate: Option<f64>,
    /// Vary brightness and contrast by factors from 1−X to 1+X, of colour images also saturation, and hue by X/4; 0 for none
    /// [default: 0.4 for a classifier of colour images, 0.2 of gray ones, 0 for a GAN]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    jitter: Option<f64>,
}

/// The transforms for images of so many channels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Classic {
    flip: bool,
    rotate: f64,
    jitter: f64,
    color: bool,
}

impl ClassicArgs {
    /// The transforms that a classifier is trained with.
    pub fn full(&self, channels: usize) -> Classic {
        let color = channels == 3;
        self.with_defaults(Classic { flip: color, rotate: 15.0, jitter: if color { 0.4 } else { 0.2 }, color })
    }

    /// The transforms that a GAN is trained with: what they do to the images shows in the samples, so only mirroring is on by
    /// itself.
    pub fn light(&self, channels: usize) -> Classic {
        let color = channels == 3;
        self.with_defaults(Classic { flip: color, rotate: 0.0, jitter: 0.0, color })
    }

    /// The options as they were given.
    pub fn arguments(&self) -> Vec<String> {
        let number = |name: &str, value: Option<f64>| value.map(|value| format!("{name}={value}"));
        let flag = |name: &str, given: bool| given.then(|| name.to_owned());
        let options = [
            flag("--flip", self.flip),
            flag("--no-flip", self.no_flip),
            number("--rotate", self.rotate),
            number("--jitter", self.jitter),
        ];
        options.into_iter().flatten().collect()
    }

    fn with_defaults(&self, default: Classic) -> Classic {
        Classic {
            flip: self.flip || (default.flip && !self.no_flip),
            rotate: self.rotate.unwrap_or(default.rotate),
            jitter: self.jitter.unwrap_or(default.jitter),
            ..default
        }
    }
}

impl Classic {
    /// The transforms themselves.
    pub fn transform(&self) -> Result<Pipeline> {
        let mut compose = Pipeline::new();
        if self.flip {
            compose = compose.then(RandomHorizontalFlip::default());
        }
        if self.rotate != 0.0 {
            compose = compose.then(RandomRotation::new(self.rotate)?.with_interpolation(Interpolation::Bilinear));
        }
        if self.jitter != 0.0 {
            let (saturation, hue) = if self.color { (self.jitter, self.jitter / 4.0) } else { (0.0, 0.0) };
            compose = compose.then(ColorJitter::new(self.jitter, self.jitter, saturation, hue)?);
        }
        Ok(compose)
    }
}

impl std::fmt::Display for Classic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts = Vec::new();
        if self.flip {
            parts.push("horizontal flip".to_owned());
        }
        if self.rotate != 0.0 {
            parts.push(format!("rotation ±{}°", self.rotate));
        }
        if self.jitter != 0.0 {
            let what = if self.color { "brightness, contrast, saturation and hue" } else { "brightness and contrast" };
            parts.push(format!("{what} (jitter {})", self.jitter));
        }
        f.write_str(&if parts.is_empty() { "none".into() } else { parts.join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gray_images_are_never_mirrored_unasked() {
        assert_eq!(ClassicArgs::default().full(1).to_string(), "rotation ±15°, brightness and contrast (jitter 0.2)");
        assert!(ClassicArgs::default().full(3).flip);
        assert!(ClassicArgs { flip: true, ..Default::default() }.full(1).flip);
        assert!(!ClassicArgs { no_flip: true, ..Default::default() }.full(3).flip);
        assert_eq!(ClassicArgs::default().light(1).to_string(), "none");
    }
}
