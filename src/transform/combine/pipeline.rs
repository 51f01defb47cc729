//! Transforms one after the other, in code and in files.

use std::fmt::Display;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize};

use super::step::{Step, first_own};
use crate::error::{Error, Result};
use crate::file;
use crate::rng::SampleRng;
use crate::transform::{Op, SampleInfo, Transform};

/// Transforms one after the other (torchvision's `Compose`); without any, the image stays as it is.
///
/// Each draws for the size that the ones before it leave. A pipeline can be written to a file and read again, as TOML or JSON, with
/// torchvision's names:
///
/// ```
/// use candle_augment::{ColorJitter, Pipeline, RandomResizedCrop};
///
/// let pipeline = Pipeline::from_toml(r#"
///     [[transforms]]
///     RandomResizedCrop = { size = [224, 224], scale = [0.2, 1.0] }
///
///     [[transforms]]
///     ColorJitter = { brightness = 0.4, hue = 0.1 }
/// "#)?;
/// let jitter = ColorJitter::default().with_brightness(0.4)?.with_hue(0.1)?;
/// let same = Pipeline::new().then(RandomResizedCrop::new(224, 224)?.with_scale(0.2, 1.0)?).then(jitter);
/// assert_eq!(pipeline, same);
/// assert_eq!(Pipeline::from_toml(&same.to_toml()?)?, same);
/// # Ok::<(), candle_augment::Error>(())
/// ```
///
/// A transform of your own, or a closure as a [`Lambda`](crate::Lambda), can be a part too, but not be written:
///
/// ```
/// use candle_augment::{Op, Pipeline, SampleInfo, SampleRng, Step, Transform};
///
/// struct InvertTheSmall;
///
/// impl Transform for InvertTheSmall {
///     fn draw(&self, info: SampleInfo<'_>, _rng: &mut SampleRng, ops: &mut Vec<Op>) {
///         if info.size.height < 100 {
///             ops.push(Op::Invert);
///         }
///     }
/// }
///
/// let pipeline = Pipeline::new().then(Step::own(InvertTheSmall));
/// assert!(pipeline.to_toml().is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pipeline {
    transforms: Vec<Step>,
}

/// torchvision's name for a [`Pipeline`].
pub type Compose = Pipeline;

/// The whole of a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<T> {
    transforms: T,
}

/// The largest file that is read, in bytes; the longest pipeline is far from it.
const MAX_BYTES: u64 = 1 << 20;

impl Pipeline {
    /// No transforms yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a transform at the end.
    #[must_use]
    pub fn then(mut self, transform: impl Into<Step>) -> Self {
        self.transforms.push(transform.into());
        self
    }

    /// The transforms, in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.transforms
    }

    /// Reads TOML: an array of tables `transforms`, each with the name of a transform and its parameters.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for what is no TOML, unknown transforms or parameters, and values out of range, with
    /// the place and what is allowed.
    pub fn from_toml(text: &str) -> Result<Self> {
        let document = toml::Deserializer::parse(text).map_err(|error| Error::config(error.to_string()))?;
        parse(document)
    }

    /// Writes TOML.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config), with its name and place, if a transform is not one of the crate's.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(&self.document()?).map_err(|error| Error::config(error.to_string()))
    }

    /// Reads JSON: an object with an array `transforms` of objects, each with the name of a transform and its parameters.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::from_toml`].
    pub fn from_json(text: &str) -> Result<Self> {
        let mut document = serde_json::Deserializer::from_str(text);
        let pipeline = parse(&mut document)?;
        document.end().map_err(|error| Error::config(error.to_string()))?;
        Ok(pipeline)
    }

    /// Writes JSON.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::to_toml`].
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(&self.document()?).map_err(|error| Error::config(error.to_string()))
    }

    /// Reads a file: TOML or JSON by its extension, `.toml` or `.json`.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::from_toml`], with the file; [`ErrorKind::Io`](crate::ErrorKind::Io) if it cannot be read or is over 1 MiB;
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for another extension.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let format = Format::of(path)?;
        let text = file::read_text(path, "pipeline", MAX_BYTES)?;
        let parsed = match format {
            Format::Toml => Self::from_toml(&text),
            Format::Json => Self::from_json(&text),
        };
        parsed.map_err(|error| error.with_path(path))
    }

    /// Writes a file, whole or not at all: TOML or JSON by its extension.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::to_toml`]; [`ErrorKind::Io`](crate::ErrorKind::Io) if it cannot be written;
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for another extension.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let text = match Format::of(path)? {
            Format::Toml => self.to_toml()?,
            Format::Json => self.to_json()?,
        };
        file::write_file(path, text.as_bytes())
    }

    /// The whole of a file, if all of it can be written.
    fn document(&self) -> Result<Document<&Self>> {
        match first_own(&self.transforms, "transforms") {
            None => Ok(Document { transforms: self }),
            Some((place, name)) => Err(Error::config(format!(
                "{place}: {name} is code, which cannot be written: use the crate's own transforms, or add it after reading"
            ))),
        }
    }
}

#[derive(Clone, Copy)]
enum Format {
    Toml,
    Json,
}

impl Format {
    fn of(path: &Path) -> Result<Self> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => Ok(Self::Toml),
            Some("json") => Ok(Self::Json),
            _ => Err(Error::config("expected a file named .toml or .json").with_path(path)),
        }
    }
}

/// Says where in the document an error lies: the parsers know the line, but not whose parameter it is.
fn parse<'de, D: Deserializer<'de>>(document: D) -> Result<Pipeline>
where
    D::Error: Display,
{
    match serde_path_to_error::deserialize(document) {
        Ok(Document { transforms }) => Ok(transforms),
        Err(error) => {
            let place = error.path().to_string();
            let text = error.into_inner().to_string();
            let text = text.trim_end();
            Err(Error::config(if place == "." { text.to_owned() } else { format!("{place}: {text}") }))
        }
    }
}

impl From<Step> for Pipeline {
    /// A pipeline of one transform; a pipeline itself stays what it is.
    fn from(step: Step) -> Self {
        match step {
            Step::Compose(pipeline) => pipeline,
            step => Self { transforms: vec![step] },
        }
    }
}

impl Transform for Pipeline {
    fn draw(&self, mut info: SampleInfo<'_>, rng: &mut SampleRng, ops: &mut Vec<Op>) {
        for transform in &self.transforms {
            info = info.drawn(transform, rng, ops);
        }
    }

    fn check_classes(&self, classes: &[String]) -> Result<()> {
        self.transforms.iter().try_for_each(|transform| transform.check_classes(classes))
    }
}
